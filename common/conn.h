/*
 * One byte-stream layer for clients, Unix peers and upstreams: struct event +
 * two evbuffers on TCP, Unix or TLS. Reads 64 KB at a time. Deadlines, minimum
 * rates, write stalls, watermarks in both directions, half-close.
 *
 * Callbacks run from the event loop, never from inside a conn_* call that the
 * owner makes. An owner may free the conn in any callback.
 */
#ifndef COMMON_CONN_H
#define COMMON_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct evbuffer;
struct ssl_st;
struct ssl_ctx_st;
struct conn;

enum conn_failure {
	CONN_RESET,   /* the peer or the kernel broke it; also TLS truncation */
	CONN_REFUSED, /* connecting failed */
	CONN_DEADLINE, /* the deadline set by conn_deadline passed */
	CONN_SLOW,     /* below the minimum rate */
	CONN_STALLED,  /* output made no progress */
	CONN_TLS, /* handshake or record failure; conn_tls_error says more */
};

struct conn_ops {
	/* Connected, and the TLS handshake is through. Not for accepted plain
	 * connections. May be NULL. */
	void (*connected)(struct conn *c, void *arg);
	/* There are new bytes in conn_input. Bytes that stay there bring no new
	 * call until more arrive; reading stops while the high watermark is
	 * reached. */
	void (*readable)(struct conn *c, void *arg);
	/* The output fell below the low watermark. May be NULL. */
	void (*drained)(struct conn *c, void *arg);
	/* The peer has finished sending (FIN, close_notify); writing goes on.
	 * What it sent before is in conn_input. */
	void (*ended)(struct conn *c, void *arg);
	/* Over: only conn_free is left to do. */
	void (*failed)(struct conn *c, enum conn_failure why, void *arg);
};

/* Takes a connected, non-blocking descriptor. Reading starts at once. */
struct conn *conn_accepted(
    struct event_base *base, int fd, const struct conn_ops *ops, void *arg);
/* Starts a connect; a failure comes as CONN_REFUSED from the loop, success as
 * connected. timeout_ms bounds it. */
struct conn *conn_connect(struct event_base *base,
    const struct sockaddr *address, socklen_t address_len, uint32_t timeout_ms,
    const struct conn_ops *ops, void *arg);
struct conn *conn_connect_unix(struct event_base *base, const char *path,
    uint32_t timeout_ms, const struct conn_ops *ops, void *arg);
/* Hands a conn to another owner (a pool). */
void conn_set_owner(struct conn *c, const struct conn_ops *ops, void *arg);

/* TLS as server on an accepted connection: the handshake runs, with async jobs,
 * within timeout_ms; then connected. */
void conn_tls_server(
    struct conn *c, struct ssl_ctx_st *ctx, uint32_t timeout_ms);
/* TLS as client, for a conn made by conn_connect, before it has connected:
 * connected comes after the handshake. host: name or address to verify and (for
 * a name) SNI. A ctx whose client key is in another process (tls_key.h) has
 * SSL_MODE_ASYNC. */
void conn_tls_client(struct conn *c, struct ssl_ctx_st *ctx, const char *host);
/* Takes whatever certificate the server shows; right after conn_tls_client. */
void conn_tls_unverified(struct conn *c);
/* For logs: "" or a text of the failure, static or owned by the conn. */
const char *conn_tls_error(const struct conn *c);

/* Borrowed. Taking from the input restarts reading; adding to the output
 * starts writing. */
struct evbuffer *conn_input(struct conn *c);
struct evbuffer *conn_output(struct conn *c);
/* Reading stops while the input holds high bytes or more (default 256 KB).
 * drained is called when the output falls below low (default 64 KB). */
void conn_watermarks(struct conn *c, size_t input_high, size_t output_low);
void conn_read_pause(struct conn *c);
void conn_read_resume(struct conn *c);

/* A deadline for whatever the owner is doing; 0 takes it away. */
void conn_deadline(struct conn *c, uint32_t ms);
/* Reading must make min_bytes per period_ms on average while set; 0: off. */
void conn_min_rate(struct conn *c, size_t min_bytes, uint32_t period_ms);
/* Output that makes no progress for ms fails the conn (default 60 s; 0: off).
 */
void conn_write_stall(struct conn *c, uint32_t ms);

/* Sends what is in the output, then FIN (TLS: close_notify). */
void conn_finish(struct conn *c);
/* conn_finish, then reads and drops until the peer closes or 2 s have passed
 * (RFC 9112 9.6), then frees. The owner must not use c any more. */
void conn_close_lingering(struct conn *c);
/* Closes at once (TLS with a paused handshake job: unwinds it first). NULL
 * allowed. */
void conn_free(struct conn *c);

/* Calls freed when the conn is freed, by whomever and however late (lingering).
 */
void conn_at_free(struct conn *c, void (*freed)(void *arg), void *arg);

/* Text of the peer's address without port ("" for Unix) and its port. */
const char *conn_peer(const struct conn *c);
uint16_t conn_peer_port(const struct conn *c);
const struct sockaddr *conn_peer_address(const struct conn *c);
int conn_fd(const struct conn *c);

#endif
