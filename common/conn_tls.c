/*
 * TLS on a conn: handshakes (inside OpenSSL's async jobs where another process
 * makes the signature, so that it does not hold the loop) and records.
 *
 * A paused job must be run to its end before the SSL goes: freeing it would
 * leak the stack of its fibre, and a client can cause that at will. A job that
 * is resumed without an answer gives up by itself.
 */
#include "common/conn_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/clock.h"
#include "common/mem.h"

#define READ_BUDGET 65536
#define RECORD_MAX 16384
#define UNWIND_MAX 8

static const unsigned char alpn_http11[] = "\x08http/1.1";

static void
describe(struct conn *c, unsigned long error)
{
	const char *text = ERR_reason_error_string(error);
	long verify = SSL_get_verify_result(c->ssl);

	if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    verify != X509_V_OK)
		snprintf(c->tls_error, sizeof(c->tls_error),
		    "certificate not accepted: %s",
		    X509_verify_cert_error_string(verify));
	else
		snprintf(c->tls_error, sizeof(c->tls_error), "%s",
		    text != NULL ? text : "TLS failure");
}

/* A stream that ends without close_notify may have been cut by anybody on the
 * path: it counts as broken, not as ended (RFC 8446 6.1). */
static enum conn_failure
failure_of(struct conn *c, int ssl_error)
{
	unsigned long error = ERR_peek_error();
	enum conn_failure why = CONN_TLS;

	if (ssl_error == SSL_ERROR_SYSCALL ||
	    ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		snprintf(c->tls_error, sizeof(c->tls_error),
		    "closed without close_notify");
		why = CONN_RESET;
	} else if (ssl_error == SSL_ERROR_WANT_ASYNC_JOB) {
		snprintf(c->tls_error, sizeof(c->tls_error),
		    "too many handshakes at once");
	} else {
		describe(c, error);
	}
	ERR_clear_error();
	return why;
}

static bool
new_ssl(struct conn *c, SSL_CTX *ctx)
{
	c->ssl = SSL_new(ctx);
	if (c->ssl == NULL) {
		snprintf(c->tls_error, sizeof(c->tls_error), "no TLS context");
		ERR_clear_error();
		conn_fail_later(c, CONN_TLS);
		return false;
	}
	SSL_set_mode(c->ssl,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* Records without data (tickets, key updates) return to the loop, so
	 * that a flood of them cannot keep it. */
	SSL_clear_mode(c->ssl, SSL_MODE_AUTO_RETRY);
	SSL_set_options(
	    c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	return true;
}

/* --- handshakes --- */

static int
job_answered(SSL *ssl, void *arg)
{
	struct conn *c = arg;
	(void)ssl;
	c->tls_job_ready = true;
	conn_wake(c);
	return 1;
}

static void
answer_wakes(struct conn *c)
{
	SSL_set_async_callback(c->ssl, job_answered);
	SSL_set_async_callback_arg(c->ssl, c);
}

void
conn_tls_server(struct conn *c, SSL_CTX *ctx, uint32_t timeout_ms)
{
	assert(c->ssl == NULL && evbuffer_get_length(c->in) == 0);
	c->phase = CONN_HANDSHAKING;
	c->tls_server = true;
	c->setup_by = clock_mono_ms() + timeout_ms;
	conn_timer_by(c, c->setup_by);
	if (!new_ssl(c, ctx))
		return;
	SSL_set_accept_state(c->ssl);
	SSL_set_mode(c->ssl, SSL_MODE_ASYNC);
	/* Passwords and tokens come this way: no copy stays in a buffer. */
	SSL_set_options(c->ssl, SSL_OP_CLEANSE_PLAINTEXT);
	answer_wakes(c);
	if (SSL_set_fd(c->ssl, c->fd) != 1)
		conn_fail_later(c, CONN_TLS);
	conn_watch(c);
}

/* The certificate must name exactly this host; an address is compared with the
 * certificate's addresses and sends no SNI (RFC 6066 3). */
static bool
expect_host(SSL *ssl, const char *host)
{
	struct in6_addr six;
	bool numeric = inet_pton(AF_INET, host, &six) == 1 ||
	    inet_pton(AF_INET6, host, &six) == 1;

	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (host[0] == '\0')
		return false;
	if (numeric)
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (SSL_set1_host(ssl, host) != 1)
		return false;
	/* SSL_set_tlsext_host_name's macro casts const away; it only reads */
	char *name = mem_strdup(host);
	bool is_set = SSL_set_tlsext_host_name(ssl, name) == 1;
	free(name);
	return is_set;
}

void
conn_tls_client(struct conn *c, SSL_CTX *ctx, const char *host)
{
	assert(c->ssl == NULL && c->phase == CONN_CONNECTING);
	if (!new_ssl(c, ctx))
		return;
	SSL_set_connect_state(c->ssl);
	/* Only where ctx asks for jobs: then it has a key to sign with. */
	answer_wakes(c);
	if (!expect_host(c->ssl, host) ||
	    SSL_set_alpn_protos(c->ssl, alpn_http11, sizeof(alpn_http11) - 1) !=
		0) {
		snprintf(c->tls_error, sizeof(c->tls_error),
		    "not a name or address that can be verified");
		ERR_clear_error();
		conn_fail_later(c, CONN_TLS);
	}
}

void
conn_tls_unverified(struct conn *c)
{
	if (c->ssl != NULL)
		SSL_set_verify(c->ssl, SSL_VERIFY_NONE, NULL);
}

void
conn_tls_started(struct conn *c)
{
	c->phase = CONN_HANDSHAKING;
	if (SSL_set_fd(c->ssl, c->fd) != 1) {
		conn_fail(c, CONN_TLS);
		return;
	}
	conn_tls_handshake(c);
}

void
conn_tls_handshake(struct conn *c)
{
	c->tls_job = c->tls_job_ready = c->tls_want_write = false;
	ERR_clear_error();
	int r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		/* The private key is needed in the handshake only. */
		SSL_clear_mode(c->ssl, SSL_MODE_ASYNC);
		conn_opened(c);
		return;
	}
	int error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_ASYNC)
		c->tls_job = true;
	else if (error == SSL_ERROR_WANT_WRITE)
		c->tls_want_write = true;
	else if (error != SSL_ERROR_WANT_READ) {
		conn_fail(c, failure_of(c, error));
		return;
	}
	conn_watch(c);
}

/* Each resumption without an answer makes the operation that waits fail. */
static void
unwind_job(struct conn *c)
{
	for (int i = 0; c->tls_job && i < UNWIND_MAX; i++) {
		int r = SSL_do_handshake(c->ssl);
		c->tls_job =
		    r != 1 && SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_ASYNC;
	}
	assert(!c->tls_job);
}

void
conn_tls_release(struct conn *c)
{
	if (c->ssl == NULL)
		return;
	unwind_job(c);
	SSL_free(c->ssl);
	ERR_clear_error();
	c->ssl = NULL;
}

/* --- records --- */

/* 1..n bytes, CONN_IO_AGAIN, CONN_IO_END or CONN_IO_FAILED. */
static long
read_once(struct conn *c, enum conn_failure *why)
{
	struct evbuffer_iovec at;
	int n = evbuffer_reserve_space(c->in, (ev_ssize_t)c->read_size, &at, 1);
	assert(n == 1);
	size_t got = 0;

	ERR_clear_error();
	int r = SSL_read_ex(c->ssl, at.iov_base, at.iov_len, &got);
	if (r == 1) {
		at.iov_len = got;
		evbuffer_commit_space(c->in, &at, 1);
		return (long)got;
	}
	int error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_WRITE)
		c->tls_want_write = true;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return CONN_IO_AGAIN;
	if (error == SSL_ERROR_ZERO_RETURN)
		return CONN_IO_END;
	*why = failure_of(c, error);
	return CONN_IO_FAILED;
}

/* After so many bytes, is another record worth a try? Where only a short one
 * came, the kernel would most often just say that there is no more. */
static bool
flows(const struct conn *c, size_t taken)
{
	return taken >= RECORD_MAX / 4 && taken < READ_BUDGET &&
	    evbuffer_get_length(c->in) < c->input_high;
}

/* Nothing decrypted may stay inside the SSL, where no event tells of it: the
 * rest of a record is taken even when the budget or the watermark is reached.
 */
long
conn_tls_read(struct conn *c, enum conn_failure *why)
{
	size_t taken = 0;
	long r;
	do {
		r = read_once(c, why);
		if (r <= 0)
			return r;
		taken += (size_t)r;
	} while (SSL_pending(c->ssl) > 0 || flows(c, taken));
	return r;
}

/* The next piece to send: a record's worth in one block. Small blocks (a head
 * and the start of its body) are joined; a repeated write must offer at least
 * what it offered before. */
static struct evbuffer_iovec
next_piece(struct conn *c)
{
	size_t all = evbuffer_get_length(c->out);
	size_t want = all < RECORD_MAX ? all : RECORD_MAX;
	size_t first = evbuffer_get_contiguous_space(c->out);

	if (first >= RECORD_MAX / 4 && first < want)
		want = first;
	if (want < c->tls_retry_len)
		want = c->tls_retry_len;
	return (struct evbuffer_iovec){
		.iov_base = evbuffer_pullup(c->out, (ev_ssize_t)want),
		.iov_len = want,
	};
}

long
conn_tls_write(struct conn *c, enum conn_failure *why)
{
	struct evbuffer_iovec piece = next_piece(c);
	size_t sent = 0;

	ERR_clear_error();
	int r = SSL_write_ex(c->ssl, piece.iov_base, piece.iov_len, &sent);
	if (r == 1) {
		c->tls_retry_len = 0;
		evbuffer_drain(c->out, sent);
		return (long)sent;
	}
	int error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_WRITE) {
		c->tls_retry_len = piece.iov_len;
		return CONN_IO_AGAIN;
	}
	*why = failure_of(c, error);
	return CONN_IO_FAILED;
}

int
conn_tls_finish(struct conn *c)
{
	ERR_clear_error();
	int r = SSL_shutdown(c->ssl);
	if (r >= 0)
		return 1;
	if (SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_WRITE)
		return CONN_IO_AGAIN;
	ERR_clear_error();
	return CONN_IO_FAILED;
}
