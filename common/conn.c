/*
 * Byte streams on the event loop: moving bytes between the socket and two
 * evbuffers, half-close, failing, freeing. Connecting is conn_connect.c's,
 * deadlines are conn_timer.c's, TLS records and handshakes conn_tls.c's.
 *
 * Every callback to the owner is made from an event handler; conn_* functions
 * that the owner calls only change state and events.
 */
#include "common/conn_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

/* An evbuffer chain is a power of two with its header inside. */
#define READ_SIZE(chain) ((size_t)(chain)-64)
#define READ_SMALL READ_SIZE(4096)
#define READ_LARGE READ_SIZE(65536)
#define INPUT_HIGH (256 * 1024)
#define OUTPUT_LOW (64 * 1024)
#define LINGER_MS 2000
#define LINGER_OUTPUT_MS 300000
#define WRITE_VECTORS 16

static void on_read(evutil_socket_t fd, short what, void *arg);
static void on_write(evutil_socket_t fd, short what, void *arg);
static void on_deferred(evutil_socket_t fd, short what, void *arg);

/* --- watching --- */

static void
watch(struct event *ev, bool *watched, bool wanted)
{
	if (wanted == *watched)
		return;
	if (wanted)
		event_add(ev, NULL);
	else
		event_del(ev);
	*watched = wanted;
}

static bool
wants_read(const struct conn *c)
{
	if (c->fd < 0 || c->tls_job)
		return false;
	if (c->phase == CONN_HANDSHAKING)
		return !c->tls_want_write;
	return c->phase == CONN_OPEN && !c->peer_ended && !c->read_paused &&
	    evbuffer_get_length(c->in) < c->input_high;
}

static bool
wants_write(const struct conn *c)
{
	if (c->fd < 0 || c->tls_job)
		return false;
	if (c->phase == CONN_CONNECTING)
		return c->retry_at == 0;
	return (c->phase == CONN_HANDSHAKING || c->phase == CONN_OPEN) &&
	    (c->tls_want_write || c->write_blocked);
}

void
conn_watch(struct conn *c)
{
	bool was_reading = c->reading;

	watch(&c->on_read, &c->reading, wants_read(c));
	watch(&c->on_write, &c->writing, wants_write(c));
	if (was_reading && !c->reading)
		c->rate_void = true;
}

void
conn_wake(struct conn *c)
{
	if (c->phase != CONN_OVER)
		event_active(&c->on_deferred, EV_TIMEOUT, 1);
}

void
conn_fail_later(struct conn *c, enum conn_failure why)
{
	c->later = (int)why + 1;
	conn_wake(c);
}

/* --- making one --- */

static void
input_changed(
    struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;
	(void)b;
	if (info->n_deleted > 0 && c->phase == CONN_OPEN && !c->reading)
		conn_watch(c);
}

static void
output_changed(
    struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;
	(void)b;
	if (info->n_added == 0 || c->flushing)
		return;
	if (info->orig_size == 0 && c->phase == CONN_OPEN) {
		c->stall_from = clock_mono_ms();
		conn_timer_rearm(c);
	}
	if (!c->write_blocked)
		conn_wake(c);
}

struct conn *
conn_new(struct event_base *base, const struct conn_ops *ops, void *arg)
{
	struct conn *c = mem_new(sizeof(*c));
	c->base = base;
	c->ops = ops;
	c->arg = arg;
	c->fd = -1;
	c->read_size = READ_SMALL;
	c->input_high = INPUT_HIGH;
	c->output_low = OUTPUT_LOW;
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	assert(c->in != NULL && c->out != NULL);
	evbuffer_add_cb(c->in, input_changed, c);
	evbuffer_add_cb(c->out, output_changed, c);
	conn_timer_init(c);
	event_assign(&c->on_deferred, base, -1, 0, on_deferred, c);
	return c;
}

void
conn_take_fd(struct conn *c, int fd)
{
	c->fd = fd;
	event_assign(
	    &c->on_read, c->base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_assign(
	    &c->on_write, c->base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	int one = 1;
	if (c->peer.ss_family == AF_INET || c->peer.ss_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* An IPv4 client of a dual-stack listener is an IPv4 client: one text and one
 * family for limits per address, trusted_proxies and logs. */
static void
unmap_v4(struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in6 six;
	memcpy(&six, at, sizeof(six));
	if (at->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return;
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = six.sin6_port };
	memcpy(&four.sin_addr, &six.sin6_addr.s6_addr[12], 4);
	memset(at, 0, sizeof(*at));
	memcpy(at, &four, sizeof(four));
	*len = sizeof(four);
}

void
conn_set_peer(struct conn *c, const struct sockaddr *address, socklen_t len)
{
	assert(len <= sizeof(c->peer));
	memcpy(&c->peer, address, len);
	c->peer_len = len;
	unmap_v4(&c->peer, &c->peer_len);
	const void *p = NULL;
	if (c->peer.ss_family == AF_INET)
		p = &((const struct sockaddr_in *)(const void *)&c->peer)
			 ->sin_addr;
	else if (c->peer.ss_family == AF_INET6)
		p = &((const struct sockaddr_in6 *)(const void *)&c->peer)
			 ->sin6_addr;
	if (p != NULL)
		inet_ntop(
		    c->peer.ss_family, p, c->peer_text, sizeof(c->peer_text));
}

struct conn *
conn_accepted(
    struct event_base *base, int fd, const struct conn_ops *ops, void *arg)
{
	struct conn *c = conn_new(base, ops, arg);
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);

	if (getpeername(fd, (struct sockaddr *)&at, &len) == 0 &&
	    len <= sizeof(at))
		conn_set_peer(c, (const struct sockaddr *)&at, len);
	conn_take_fd(c, fd);
	c->phase = CONN_OPEN;
	c->stall_from = clock_mono_ms();
	conn_watch(c);
	return c;
}
/* --- opening --- */

void
conn_opened(struct conn *c)
{
	c->phase = CONN_OPEN;
	c->setup_by = 0;
	c->stall_from = clock_mono_ms();
	if (c->ops->connected != NULL)
		c->ops->connected(c, c->arg);
	if (c->phase != CONN_OPEN)
		return;
	conn_watch(c);
	conn_timer_rearm(c);
	if (conn_output_waits(c))
		conn_wake(c);
}

/* --- failing and freeing --- */

static void
stop(struct conn *c)
{
	c->phase = CONN_OVER;
	watch(&c->on_read, &c->reading, false);
	watch(&c->on_write, &c->writing, false);
	event_del(&c->on_timer);
	event_del(&c->on_deferred);
}

void
conn_fail(struct conn *c, enum conn_failure why)
{
	if (c->phase == CONN_OVER)
		return;
	stop(c);
	if (c->lingering)
		conn_free(c);
	else
		c->ops->failed(c, why, c->arg);
}

static void
release(struct conn *c)
{
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	free(c);
}

void
conn_enter(struct conn *c)
{
	c->depth++;
}

void
conn_leave(struct conn *c)
{
	if (--c->depth == 0 && c->freed)
		release(c);
}

void
conn_free(struct conn *c)
{
	if (c == NULL || c->freed)
		return;
	stop(c);
	conn_tls_release(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->freed = true;
	if (c->at_free != NULL)
		c->at_free(c->at_free_arg);
	if (c->depth == 0)
		release(c);
}

/* --- moving bytes --- */

/* A connection that trickles must not hold 64 KB; one that flows gets it. */
static void
adapt_read_size(struct conn *c, size_t got)
{
	if (got >= c->read_size && c->read_size < READ_LARGE)
		c->read_size = READ_SIZE((c->read_size + 64) * 4);
	else if (got < c->read_size / 4 && c->read_size > READ_SMALL)
		c->read_size = READ_SIZE((c->read_size + 64) / 4);
}

static long
plain_read(struct conn *c, enum conn_failure *why)
{
	struct evbuffer_iovec at[2];
	int n_at =
	    evbuffer_reserve_space(c->in, (ev_ssize_t)c->read_size, at, 2);
	assert(n_at > 0);
	struct iovec to[2];
	for (int i = 0; i < n_at; i++)
		to[i] = (struct iovec){ at[i].iov_base, at[i].iov_len };
	ssize_t got = readv(c->fd, to, n_at);
	if (got < 0) {
		*why = CONN_RESET;
		return errno == EAGAIN || errno == EINTR ? CONN_IO_AGAIN
							 : CONN_IO_FAILED;
	}
	if (got == 0)
		return CONN_IO_END;
	size_t left = (size_t)got;
	for (int i = 0; i < n_at; i++) {
		if (at[i].iov_len > left)
			at[i].iov_len = left;
		left -= at[i].iov_len;
	}
	evbuffer_commit_space(c->in, at, n_at);
	return got;
}

static long
plain_write(struct conn *c, enum conn_failure *why)
{
	struct evbuffer_iovec at[WRITE_VECTORS];
	struct iovec from[WRITE_VECTORS];
	int n = evbuffer_peek(c->out, -1, NULL, at, WRITE_VECTORS);
	if (n > WRITE_VECTORS)
		n = WRITE_VECTORS;
	for (int i = 0; i < n; i++)
		from[i] = (struct iovec){ at[i].iov_base, at[i].iov_len };
	struct msghdr m = { .msg_iov = from, .msg_iovlen = (size_t)n };
	ssize_t sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	if (sent < 0) {
		*why = CONN_RESET;
		return errno == EAGAIN || errno == EINTR ? CONN_IO_AGAIN
							 : CONN_IO_FAILED;
	}
	evbuffer_drain(c->out, (size_t)sent);
	return sent;
}

/* Takes one read's worth off the socket and tells the owner. */
static void
fill(struct conn *c)
{
	enum conn_failure why = CONN_RESET;
	size_t before = evbuffer_get_length(c->in);
	long r = c->ssl != NULL ? conn_tls_read(c, &why) : plain_read(c, &why);
	size_t got = evbuffer_get_length(c->in) - before;

	adapt_read_size(c, got);
	c->rate_bytes += got;
	if (r == CONN_IO_END)
		c->peer_ended = true;
	conn_watch(c);
	if (got > 0)
		c->ops->readable(c, c->arg);
	if (c->phase != CONN_OPEN)
		return;
	if (r == CONN_IO_FAILED)
		conn_fail(c, why);
	else if (r == CONN_IO_END)
		c->ops->ended(c, c->arg);
}

static void
send_finish(struct conn *c)
{
	if (c->ssl != NULL) {
		int r = conn_tls_finish(c);
		c->write_blocked = r == CONN_IO_AGAIN;
		if (c->write_blocked)
			return;
	}
	c->finished = true;
	(void)shutdown(c->fd, SHUT_WR);
	if (!c->lingering)
		return;
	c->linger_by = clock_mono_ms() + LINGER_MS;
	conn_timer_by(c, c->linger_by);
}

static long
write_out(struct conn *c, enum conn_failure *why)
{
	long r = 1;
	while (r > 0 && evbuffer_get_length(c->out) > 0) {
		r = c->ssl != NULL ? conn_tls_write(c, why)
				   : plain_write(c, why);
		if (r > 0)
			c->stall_from = clock_mono_ms();
	}
	return r;
}

static bool
fell_below_low(const struct conn *c, size_t before)
{
	size_t now = evbuffer_get_length(c->out);
	if (now == before)
		return false;
	return now == 0 || (before >= c->output_low && now < c->output_low);
}

/* Gives the kernel what it takes. What the owner adds in drained waits for the
 * next round of the loop, so that one connection cannot keep it. */
static void
flush(struct conn *c)
{
	enum conn_failure why = CONN_RESET;
	size_t before = evbuffer_get_length(c->out);

	if (c->finished) {
		evbuffer_drain(c->out, before);
		return;
	}
	c->flushing = true;
	long r = write_out(c, &why);
	if (r < 0) {
		conn_fail(c, why);
		return;
	}
	c->write_blocked = r == CONN_IO_AGAIN;
	if (fell_below_low(c, before) && c->ops->drained != NULL)
		c->ops->drained(c, c->arg);
	if (c->phase != CONN_OPEN)
		return;
	c->flushing = false;
	if (evbuffer_get_length(c->out) > 0)
		c->write_blocked = true;
	else if (c->finish)
		send_finish(c);
	if (c->lingering && c->finished && c->peer_ended) {
		conn_free(c);
		return;
	}
	conn_watch(c);
	conn_timer_rearm(c);
}

/* --- event handlers --- */

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	(void)fd;
	(void)what;
	conn_enter(c);
	if (c->phase == CONN_HANDSHAKING)
		conn_tls_handshake(c);
	else if (c->phase == CONN_OPEN)
		fill(c);
	conn_leave(c);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	(void)fd;
	(void)what;
	conn_enter(c);
	if (c->phase == CONN_CONNECTING) {
		conn_connect_done(c);
	} else if (c->phase == CONN_HANDSHAKING) {
		conn_tls_handshake(c);
	} else if (c->phase == CONN_OPEN) {
		bool read_too = c->tls_want_write;
		c->tls_want_write = false;
		flush(c);
		if (read_too && c->phase == CONN_OPEN && !c->peer_ended)
			fill(c);
	}
	conn_leave(c);
}

static void
on_deferred(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	(void)fd;
	(void)what;
	conn_enter(c);
	if (c->later != 0)
		conn_fail(c, (enum conn_failure)(c->later - 1));
	else if (c->phase == CONN_HANDSHAKING && c->tls_job_ready)
		conn_tls_handshake(c);
	else if (c->phase == CONN_OPEN && !c->write_blocked)
		flush(c);
	conn_leave(c);
}

/* --- for the owner --- */

void
conn_set_owner(struct conn *c, const struct conn_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
}

void
conn_at_free(struct conn *c, void (*freed)(void *arg), void *arg)
{
	c->at_free = freed;
	c->at_free_arg = arg;
}

struct evbuffer *
conn_input(struct conn *c)
{
	return c->in;
}

struct evbuffer *
conn_output(struct conn *c)
{
	return c->out;
}

void
conn_watermarks(struct conn *c, size_t input_high, size_t output_low)
{
	c->input_high = input_high;
	c->output_low = output_low;
	conn_watch(c);
}

void
conn_read_pause(struct conn *c)
{
	c->read_paused = true;
	conn_watch(c);
}

void
conn_read_resume(struct conn *c)
{
	c->read_paused = false;
	conn_watch(c);
}

void
conn_finish(struct conn *c)
{
	if (c->finish)
		return;
	c->finish = true;
	if (evbuffer_get_length(c->out) == 0)
		c->stall_from = clock_mono_ms();
	conn_timer_rearm(c);
	conn_wake(c);
}

static void
linger_readable(struct conn *c, void *arg)
{
	(void)arg;
	evbuffer_drain(c->in, evbuffer_get_length(c->in));
}

static void
linger_ended(struct conn *c, void *arg)
{
	(void)arg;
	if (c->finished)
		conn_free(c);
}

void
conn_close_lingering(struct conn *c)
{
	static const struct conn_ops linger = {
		.readable = linger_readable,
		.ended = linger_ended,
	};
	if (c->phase != CONN_OPEN || c->later != 0 ||
	    (c->finished && c->peer_ended)) {
		conn_free(c);
		return;
	}
	conn_set_owner(c, &linger, NULL);
	c->lingering = true;
	c->read_paused = false;
	c->rate_min = 0;
	c->deadline_at = 0;
	if (c->stall_ms == 0)
		c->stall_ms = STALL_MS;
	evbuffer_drain(c->in, evbuffer_get_length(c->in));
	c->linger_by =
	    clock_mono_ms() + (c->finished ? LINGER_MS : LINGER_OUTPUT_MS);
	conn_finish(c);
	conn_watch(c);
	conn_timer_rearm(c);
}

const char *
conn_tls_error(const struct conn *c)
{
	return c->tls_error;
}

const char *
conn_peer(const struct conn *c)
{
	return c->peer_text;
}

uint16_t
conn_peer_port(const struct conn *c)
{
	const void *at = &c->peer;
	if (c->peer.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)at)->sin_port);
	if (c->peer.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)at)->sin6_port);
	return 0;
}

const struct sockaddr *
conn_peer_address(const struct conn *c)
{
	const void *at = &c->peer;
	return at;
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}
