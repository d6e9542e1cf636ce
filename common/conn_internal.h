/*
 * What conn.c (sockets, events, deadlines) and conn_tls.c (records and
 * handshakes) share. Nobody else includes it.
 */
#ifndef COMMON_CONN_INTERNAL_H
#define COMMON_CONN_INTERNAL_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/conn.h"

enum conn_phase {
	CONN_CONNECTING,
	CONN_HANDSHAKING,
	CONN_OPEN,
	CONN_OVER, /* failed or freed: nothing happens any more */
};

/* Times are clock_mono_ms, 0 for none. */
struct conn {
	struct event_base *base;
	const struct conn_ops *ops;
	void *arg;
	int fd;
	enum conn_phase phase;
	void (*at_free)(void *arg);
	void *at_free_arg;
	unsigned depth; /* event handlers of ours on the stack */
	bool freed;	/* memory goes when depth is 0 again */

	struct evbuffer *in, *out;
	struct event on_read, on_write, on_timer, on_deferred;
	bool reading, writing; /* on_read, on_write are added */
	size_t read_size;      /* what the next read asks for */
	size_t input_high, output_low;
	bool read_paused;
	bool peer_ended;       /* FIN or close_notify came */
	bool finish, finished; /* wanted; sent */
	bool flushing;	       /* additions to out need no wake-up */
	bool write_blocked;    /* the kernel takes no more for now */
	bool lingering;
	int later; /* enum conn_failure + 1 to report from the loop */

	int64_t timer_at; /* when on_timer fires */
	int64_t setup_by; /* connect and handshake */
	int64_t retry_at; /* connect again (a full Unix backlog) */
	int64_t deadline_at;
	int64_t linger_by;
	int64_t rate_from;
	size_t rate_bytes, rate_min;
	uint32_t rate_period_ms;
	bool rate_void; /* we did not read all the time */
	int64_t stall_from;
	uint32_t stall_ms;

	struct sockaddr_storage peer;
	socklen_t peer_len;
	char peer_text[64];

	struct ssl_st *ssl;
	bool tls_server;
	bool tls_job;	      /* an async job of the handshake is paused */
	bool tls_job_ready;   /* its answer has come */
	bool tls_want_write;  /* the handshake or a read needs to write */
	size_t tls_retry_len; /* SSL_write must be repeated with this much */
	char tls_error[160];
};

/* Results of the byte movers; more than 0: that many bytes. */
enum { CONN_IO_AGAIN = 0, CONN_IO_END = -1, CONN_IO_FAILED = -2 };

/* Reports the failure; from the loop only, and the last thing done to c. */
void conn_fail(struct conn *c, enum conn_failure why);
/* The same from the next round of the loop. */
void conn_fail_later(struct conn *c, enum conn_failure why);
/* Brings the registered events in line with the state. */
void conn_watch(struct conn *c);
/* Lets on_deferred run from the loop. */
void conn_wake(struct conn *c);
/* The conn carries data now: reports connected and starts both directions. */
void conn_opened(struct conn *c);
/* Around everything that may call the owner: keeps the memory. */
void conn_enter(struct conn *c);
void conn_leave(struct conn *c);
struct conn *conn_new(
    struct event_base *base, const struct conn_ops *ops, void *arg);
void conn_set_peer(
    struct conn *c, const struct sockaddr *address, socklen_t len);
void conn_take_fd(struct conn *c, int fd);
void conn_connect_try(struct conn *c);
/* The socket of a connecting conn has become writable. */
void conn_connect_done(struct conn *c);
/* Something has still to be sent: bytes or the end. */
bool conn_output_waits(const struct conn *c);

#define STALL_MS 60000 /* unless the owner says otherwise */
void conn_timer_init(struct conn *c);
/* Arms the timer for the earliest of all times. */
void conn_timer_rearm(struct conn *c);
/* Arms the timer when t is earlier than what it waits for. */
void conn_timer_by(struct conn *c, int64_t t);

/* Goes on with the handshake; ends in conn_opened, conn_fail or a wait. */
void conn_tls_handshake(struct conn *c);
/* Starts the handshake of a client whose socket has connected. */
void conn_tls_started(struct conn *c);
/* Moves what can be moved without blocking; CONN_IO_FAILED sets why. */
long conn_tls_read(struct conn *c, enum conn_failure *why);
long conn_tls_write(struct conn *c, enum conn_failure *why);
/* Sends close_notify: 1 sent, CONN_IO_AGAIN or CONN_IO_FAILED. */
int conn_tls_finish(struct conn *c);
/* Unwinds a paused job and frees the SSL. */
void conn_tls_release(struct conn *c);

#endif
