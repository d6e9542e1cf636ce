/*
 * Control channels. Reads one datagram per recvmsg, refuses what the table does
 * not allow, matches replies, queues what the socket cannot take yet. Knows no
 * daemon and no message but HELLO. Callbacks run only from the event loop,
 * never inside a call of the daemon (but for chan_free, which fails what is
 * pending).
 */
#include "common/chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan_internal.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"

#define READS_PER_EVENT 64
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000
#define HELLO_MS 10000

static unsigned accepted_count[ROLE_COUNT];
static struct log_rate violation_rate;

static void on_timer(evutil_socket_t fd, short what, void *arg);

static void
timer_set(struct chan *ch, uint32_t ms)
{
	struct timeval in = chan_interval(ms);

	(void)evtimer_add(&ch->timer, &in);
}

void
chan_break(struct chan *ch)
{
	if (ch->broken || ch->freed || ch->fd < 0)
		return;
	ch->broken = true;
	timer_set(ch, 0);
}

void
chan_violation(struct chan *ch, unsigned type, const char *reason)
{
	log_limited(&violation_rate, 100, LOG_LEVEL_ERROR,
	    "channel closed: the %s broke the protocol: %s: %s",
	    role_name(ch->peer->peer), msg_name(type), reason);
}

/* --- life --- */

static struct chan *
chan_new(struct event_base *base, const struct chan_peer *peer, void *ctx)
{
	struct chan *ch = mem_new(sizeof(*ch));

	ch->base = base;
	ch->peer = peer;
	ch->ctx = ctx;
	ch->fd = -1;
	ch->backoff_ms = BACKOFF_MIN_MS;
	TAILQ_INIT(&ch->requests);
	datagram_queue_init(&ch->queue);
	(void)evtimer_assign(&ch->timer, base, on_timer, ch);
	return ch;
}

static void
chan_destroy(struct chan *ch)
{
	if (ch->path == NULL)
		accepted_count[ch->peer->peer]--;
	(void)event_del(&ch->timer);
	free(ch->path);
	free(ch);
}

void
chan_enter(struct chan *ch)
{
	ch->busy++;
}

void
chan_leave(struct chan *ch)
{
	if (--ch->busy == 0 && ch->freed)
		chan_destroy(ch);
}

/* --- incoming --- */

/* NULL, or why the message is refused. */
static const char *
hello_handle(struct chan *ch, struct chan_in *in)
{
	uint32_t version = wire_get_u32(&in->body);

	(void)wire_get_text(&in->body, 58);
	if (ch->ready || in->id != 0)
		return "not expected now";
	if (wire_end(&in->body) != 0)
		return err_text(ERR_FORMAT);
	if (version != MSG_PROTOCOL_VERSION)
		return "another protocol version; are all processes of one "
		       "build?";
	ch->ready = true;
	ch->state = CHAN_READY;
	ch->backoff_ms = BACKOFF_MIN_MS;
	ch->told = false;
	(void)event_del(&ch->timer);
	chan_flush(ch);
	if (ch->peer->ready != NULL)
		ch->peer->ready(ch);
	return NULL;
}

static const char *
handler_call(struct chan *ch, struct chan_in *in)
{
	const struct chan_peer *peer = ch->peer;
	const struct chan_handler *h = NULL;

	for (size_t i = 0; i < peer->n_handlers && h == NULL; i++)
		if (peer->handlers[i].type == in->type)
			h = &peer->handlers[i];
	if (h == NULL || h->handle == NULL)
		return "nobody handles it";
	if ((h->states & ch->state) == 0)
		return "not allowed in this state";
	if (msg_is_request(in->type))
		ch->n_unanswered++;
	int r = h->handle(ch, in);
	return r == 0 ? NULL : err_text(r);
}

/* One for the process: every message is handled before the next is read, and
 * wiped after that, since it may carry tokens and keys. A forked child does not
 * have its parent's. */
static uint8_t *
receive_buffer(void)
{
	static struct secret *memory;
	static pid_t owner;

	if (owner != getpid()) {
		secret_free(memory);
		memory = secret_new(DATAGRAM_MAX);
		owner = getpid();
	}
	return secret_bytes(memory);
}

/* SECURITY: everything that a peer says comes through here. */
static const char *
message_handle(
    struct chan *ch, const uint8_t *received, size_t len, struct chan_in *in)
{
	struct wire_reader *body = &in->body;
	unsigned magic, type;

	wire_reader_init(body, received, len);
	magic = wire_get_u16(body);
	type = wire_get_u16(body);
	in->id = wire_get_u64(body);
	if (body->err != 0 || magic != MSG_MAGIC)
		return "not a message";
	in->type = (enum msg_type)(type < MSG_COUNT ? type : MSG_NONE);
	if (msg_check(type, body->left, in->fd >= 0, ch->peer->peer,
		ch->peer->self) != 0)
		return "type, direction, length or descriptor";
	if (in->type == MSG_HELLO)
		return hello_handle(ch, in);
	if (!ch->ready)
		return "before HELLO";
	if (msg_is_request(type) == (in->id != 0))
		return handler_call(ch, in);
	if (in->id == 0)
		return "a request without an id";
	return chan_take_reply(ch, in);
}

/* Reads and handles one datagram; false when there is no more to read. */
static bool
message_receive(struct chan *ch)
{
	struct chan_in in = { .type = MSG_NONE, .fd = -1 };
	uint8_t *received = receive_buffer();
	long n = datagram_receive(ch->fd, received, DATAGRAM_MAX, &in.fd);

	if (n == ERR_MORE)
		return false;
	if (n <= 0) {
		if (n == ERR_PROTOCOL)
			chan_violation(ch, MSG_NONE, "size or descriptors");
		chan_break(ch);
		return false;
	}
	const char *reason = message_handle(ch, received, (size_t)n, &in);
	secret_wipe(received, (size_t)n);
	if (in.fd >= 0)
		(void)close(in.fd);
	if (reason == NULL)
		return true;
	chan_violation(ch, in.type, reason);
	chan_break(ch);
	return false;
}

static bool
chan_may_read(struct chan *ch)
{
	if (ch->fd < 0 || ch->broken || ch->freed)
		return false;
	if (!chan_is_full(ch))
		return true;
	ch->paused = true;
	(void)event_del(&ch->readable);
	return false;
}

static void chan_lost(struct chan *ch);

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct chan *ch = arg;

	(void)fd;
	(void)what;
	chan_enter(ch);
	for (int i = 0; i < READS_PER_EVENT && chan_may_read(ch); i++)
		if (!message_receive(ch))
			break;
	if (ch->broken && !ch->freed)
		chan_lost(ch);
	chan_leave(ch);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	chan_flush(arg);
}

/* --- connection --- */

/* Bytes of the largest message that goes from self to peer. */
static size_t
largest_datagram(enum role self, enum role peer)
{
	size_t max = 0;

	for (unsigned type = MSG_NONE + 1; type < MSG_COUNT; type++) {
		const struct msg_spec *spec = msg_spec(type);
		if ((spec->from >> self & spec->to >> peer & 1) != 0 &&
		    spec->max > max)
			max = spec->max;
	}
	return MSG_HEADER_LEN + max;
}

static void
chan_attach(struct chan *ch, int fd)
{
	ch->fd = fd;
	datagram_buffer(fd, largest_datagram(ch->peer->self, ch->peer->peer));
	(void)event_assign(
	    &ch->readable, ch->base, fd, EV_READ | EV_PERSIST, on_readable, ch);
	(void)event_assign(&ch->writable, ch->base, fd, EV_WRITE | EV_PERSIST,
	    on_writable, ch);
	(void)event_add(&ch->readable, NULL);
	chan_send_hello(ch);
}

static void
chan_detach(struct chan *ch)
{
	if (ch->fd < 0)
		return;
	(void)event_del(&ch->readable);
	(void)event_del(&ch->writable);
	(void)event_del(&ch->timer);
	(void)close(ch->fd);
	ch->fd = -1;
	ch->ready = ch->broken = ch->paused = false;
	ch->state = 0;
	ch->n_unanswered = 0;
}

static void
retry_later(struct chan *ch)
{
	timer_set(ch, ch->backoff_ms);
	ch->backoff_ms *= 2;
	if (ch->backoff_ms > BACKOFF_MAX_MS)
		ch->backoff_ms = BACKOFF_MAX_MS;
}

/* The connection is over. What waited for a connection that never became ready
 * keeps waiting for the next one. */
static void
chan_lost(struct chan *ch)
{
	bool accepted = ch->path == NULL;
	bool tell = ch->ready || accepted;

	chan_enter(ch);
	chan_detach(ch);
	if (tell) {
		datagram_queue_clear(&ch->queue);
		chan_fail_requests(ch);
	}
	if (tell && !ch->freed && ch->peer->closed != NULL)
		ch->peer->closed(ch);
	if (accepted && !ch->freed)
		chan_free(ch);
	if (!ch->freed)
		retry_later(ch);
	chan_leave(ch);
}

static int
socket_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static void
chan_try(struct chan *ch)
{
	int fd = socket_connect(ch->path);

	if (fd >= 0) {
		chan_attach(ch, fd);
		return;
	}
	/* told once per outage, and not of a peer that is just starting */
	if (!ch->told && ch->backoff_ms == BACKOFF_MAX_MS) {
		ch->told = true;
		log_warn("cannot reach the %s at %s: %s; trying again",
		    role_name(ch->peer->peer), ch->path, strerror(errno));
	}
	retry_later(ch);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct chan *ch = arg;

	(void)fd;
	(void)what;
	if (ch->fd < 0) {
		chan_try(ch);
		return;
	}
	if (!ch->broken)
		chan_violation(ch, MSG_HELLO, "did not come");
	chan_lost(ch);
}

struct chan *
chan_accepted(
    struct event_base *base, int fd, const struct chan_peer *peer, void *ctx)
{
	struct chan *ch = chan_new(base, peer, ctx);

	accepted_count[peer->peer]++;
	(void)evutil_make_socket_nonblocking(fd);
	timer_set(ch, HELLO_MS);
	chan_attach(ch, fd);
	return ch;
}

struct chan *
chan_connect(struct event_base *base, const char *path,
    const struct chan_peer *peer, void *ctx)
{
	struct sockaddr_un a;

	if (strlen(path) >= sizeof(a.sun_path))
		log_fatal("socket path too long: %.200s", path);
	struct chan *ch = chan_new(base, peer, ctx);
	ch->path = mem_strdup(path);
	timer_set(ch, 0);
	return ch;
}

void
chan_free(struct chan *ch)
{
	if (ch == NULL || ch->freed)
		return;
	chan_enter(ch);
	ch->freed = true;
	chan_detach(ch);
	(void)event_del(&ch->timer);
	datagram_queue_clear(&ch->queue);
	chan_fail_requests(ch);
	chan_leave(ch);
}

/* --- questions --- */

enum role
chan_peer_role(const struct chan *ch)
{
	return ch->peer->peer;
}

void *
chan_ctx(const struct chan *ch)
{
	return ch->ctx;
}

void *
chan_user(const struct chan *ch)
{
	return ch->user;
}

void
chan_set_user(struct chan *ch, void *user)
{
	ch->user = user;
}

bool
chan_is_ready(const struct chan *ch)
{
	return ch->ready && !ch->broken;
}

pid_t
chan_peer_process(const struct chan *ch)
{
	struct ucred cred = { .pid = 0 };
	socklen_t len = sizeof(cred);

	if (getsockopt(ch->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return 0;
	return cred.pid;
}

void
chan_set_state(struct chan *ch, unsigned state)
{
	ch->state = state;
}

unsigned
chan_count(enum role peer)
{
	return accepted_count[peer];
}
