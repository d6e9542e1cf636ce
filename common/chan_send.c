/*
 * The sending half of a channel: messages out, at once or by the queue, and the
 * requests of ours that wait for an answer.
 */
#include <assert.h>
#include <stdlib.h>

#include <event2/event.h>

#include "common/chan_internal.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#define PENDING_DEFAULT 64
#define REQUESTS_MAX 4096    /* waiting; also forgotten ones */
#define QUEUE_MAX (4u << 20) /* bytes that wait for the socket */

struct timeval
chan_interval(uint32_t ms)
{
	return (
	    struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* A peer that asks and does not read the answers is not read either: else the
 * answers, and the descriptors among them, would pile up here. Only on channels
 * that we serve: were both ends to wait for each other, neither would go on. */
static bool
peer_does_not_read(const struct chan *ch)
{
	bool we_serve = ch->path == NULL && ch->peer->n_handlers > 0;

	return ch->ready && we_serve && !datagram_queue_empty(&ch->queue);
}

bool
chan_is_full(const struct chan *ch)
{
	uint32_t max = ch->peer->max_pending;

	return ch->n_unanswered >= (max != 0 ? max : PENDING_DEFAULT) ||
	    peer_does_not_read(ch);
}

static void
chan_resume(struct chan *ch)
{
	if (!ch->paused || ch->fd < 0 || ch->broken || ch->freed ||
	    chan_is_full(ch))
		return;
	ch->paused = false;
	(void)event_add(&ch->readable, NULL);
}

void
chan_flush(struct chan *ch)
{
	int r = datagram_queue_flush(&ch->queue, ch->fd);

	if (r == ERR_MORE)
		(void)event_add(&ch->writable, NULL);
	else
		(void)event_del(&ch->writable);
	if (r == ERR_IO)
		chan_break(ch);
	chan_resume(ch);
}

/* Sends or queues a message that has passed our own check. */
static int
message_send(struct chan *ch, enum msg_type type, uint64_t id,
    const struct wire_writer *body, int fd)
{
	uint8_t header[MSG_HEADER_LEN];
	struct wire_writer w;
	struct iovec iov[2] = { { header, sizeof(header) }, { NULL, 0 } };
	int r = ERR_MORE;

	wire_writer_init(&w, header, sizeof(header));
	wire_put_u16(&w, MSG_MAGIC);
	wire_put_u16(&w, (uint16_t)type);
	wire_put_u64(&w, id);
	if (body != NULL)
		iov[1] = (struct iovec){ body->p, body->len };

	/* what is queued goes first, and before HELLO came only HELLO goes */
	bool at_once = type == MSG_HELLO ||
	    (ch->ready && datagram_queue_empty(&ch->queue));
	if (ch->fd >= 0 && at_once)
		r = datagram_send(ch->fd, iov, 2, fd);
	if (r != ERR_MORE)
		return r;
	uint64_t tag = msg_is_request(type) ? id : 0;
	r = datagram_queue_add(&ch->queue, QUEUE_MAX, iov, fd, tag);
	if (r == 0 && ch->ready)
		(void)event_add(&ch->writable, NULL);
	return r;
}

/* After a failed message_send: a connection that cannot be written is over. */
static void
send_failed(struct chan *ch, int err)
{
	if (err == ERR_LIMIT && !ch->ready)
		return; /* it waits for the connection, which is not to blame */
	if (err == ERR_LIMIT)
		log_error("channel closed: the %s does not read",
		    role_name(ch->peer->peer));
	chan_break(ch);
}

/* Our own messages obey the table too: a wrong one is our mistake. */
static int
outgoing_check(const struct chan *ch, enum msg_type type,
    const struct wire_writer *body, int fd)
{
	size_t len = body != NULL ? body->len : 0;
	int r = body != NULL ? wire_done(body) : 0;

	if (r == 0)
		r = msg_check(
		    type, len, fd >= 0, ch->peer->self, ch->peer->peer);
	if (r != 0)
		log_error("%s to the %s not sent: %s", msg_name(type),
		    role_name(ch->peer->peer), err_text(r));
	return r;
}

void
chan_send_hello(struct chan *ch)
{
	uint8_t buffer[64];
	struct wire_writer w;

	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_u32(&w, MSG_PROTOCOL_VERSION);
	wire_put_text(&w, PACKAGE_VERSION);
	if (outgoing_check(ch, MSG_HELLO, &w, -1) != 0 ||
	    message_send(ch, MSG_HELLO, 0, &w, -1) != 0)
		chan_break(ch);
}

/* --- requests of ours --- */

static struct request *
request_find(struct chan *ch, uint64_t id)
{
	struct request *q;

	TAILQ_FOREACH(q, &ch->requests, link)
		if (q->id == id)
			return q;
	return NULL;
}

static void
request_free(struct request *q)
{
	struct chan *ch = q->ch;

	TAILQ_REMOVE(&ch->requests, q, link);
	if (q->done != NULL)
		ch->n_requests--;
	else
		ch->n_forgotten--;
	(void)event_del(&q->timer);
	free(q);
}

/* The request is over for its asker. One that never left is gone; of one that
 * was sent the answer is still expected, and dropped when it comes. */
static void
request_forget(struct request *q)
{
	struct chan *ch = q->ch;
	bool unsent = datagram_queue_remove(&ch->queue, q->id);

	if (unsent || q->err != ERR_TIMEOUT || ch->fd < 0) {
		request_free(q);
		return;
	}
	(void)event_del(&q->timer);
	q->done = NULL;
	ch->n_requests--;
	if (++ch->n_forgotten > REQUESTS_MAX) {
		chan_violation(ch, q->type, "does not answer");
		chan_break(ch);
	}
}

static void
request_over(struct request *q, int err)
{
	struct chan *ch = q->ch;
	chan_reply_fn *done = q->done;
	void *arg = q->arg;

	chan_enter(ch);
	request_forget(q);
	if (done != NULL)
		done(err, NULL, arg);
	chan_leave(ch);
}

static void
on_request_timer(evutil_socket_t fd, short what, void *arg)
{
	struct request *q = arg;

	(void)fd;
	(void)what;
	request_over(q, q->err);
}

/* Also ends requests that the callbacks make when the channel is being freed;
 * on a channel that lives on, those wait for the next connection. */
void
chan_fail_requests(struct chan *ch)
{
	uint64_t last = ch->last_id;
	struct request *q;

	chan_enter(ch);
	while ((q = TAILQ_FIRST(&ch->requests)) != NULL &&
	    (q->id <= last || ch->freed)) {
		int err = q->err == ERR_TIMEOUT ? ERR_UNAVAILABLE : q->err;
		request_over(q, err);
	}
	chan_leave(ch);
}

static int
request_send(struct chan *ch, const struct request *q,
    const struct wire_writer *body, int fd)
{
	int r = message_send(ch, q->type, q->id, body, fd);

	if (r == 0)
		return 0;
	send_failed(ch, r);
	return r == ERR_LIMIT ? r : ERR_UNAVAILABLE;
}

uint64_t
chan_request(struct chan *ch, enum msg_type type,
    const struct wire_writer *body, int fd, uint32_t timeout_ms,
    chan_reply_fn *done, void *arg)
{
	struct request *q = mem_new(sizeof(*q));
	bool gone = ch->freed || ch->broken || (ch->path == NULL && ch->fd < 0);
	int r = 0;

	assert(done != NULL && msg_is_request(type));
	q->ch = ch;
	q->id = ++ch->last_id;
	q->type = type;
	q->done = done;
	q->arg = arg;
	if (ch->n_requests >= REQUESTS_MAX)
		r = ERR_LIMIT;
	else if (gone)
		r = ERR_UNAVAILABLE;
	else if ((r = outgoing_check(ch, type, body, fd)) == 0)
		r = request_send(ch, q, body, fd);
	q->err = r == 0 ? ERR_TIMEOUT : r;
	TAILQ_INSERT_TAIL(&ch->requests, q, link);
	ch->n_requests++;

	struct timeval in = chan_interval(r == 0 ? timeout_ms : 0);
	(void)evtimer_assign(&q->timer, ch->base, on_request_timer, q);
	(void)evtimer_add(&q->timer, &in);
	return q->id;
}

void
chan_cancel(struct chan *ch, uint64_t id)
{
	struct request *q = request_find(ch, id);

	if (q != NULL && q->done != NULL)
		request_forget(q);
}

const char *
chan_take_reply(struct chan *ch, struct chan_in *in)
{
	struct request *q = request_find(ch, in->id);

	if (q == NULL || q->err != ERR_TIMEOUT ||
	    datagram_queue_has(&ch->queue, in->id))
		return "a reply nobody waits for";
	if (!msg_is_answer(q->type, in->type))
		return "not the answer to this request";
	chan_reply_fn *done = q->done;
	void *arg = q->arg;
	request_free(q);
	if (done != NULL)
		done(0, in, arg);
	return NULL;
}

/* --- messages that are no requests --- */

static int
chan_send(struct chan *ch, enum msg_type type, uint64_t id,
    const struct wire_writer *body, int fd)
{
	int r;

	if (!ch->ready || ch->broken || ch->freed)
		return ERR_UNAVAILABLE;
	if ((r = outgoing_check(ch, type, body, fd)) != 0)
		return r;
	if ((r = message_send(ch, type, id, body, fd)) == 0)
		return 0;
	send_failed(ch, r);
	return ERR_UNAVAILABLE;
}

int
chan_push(
    struct chan *ch, enum msg_type type, const struct wire_writer *body, int fd)
{
	assert(!msg_is_request(type));
	return chan_send(ch, type, 0, body, fd);
}

int
chan_reply(struct chan *ch, uint64_t id, enum msg_type type,
    const struct wire_writer *body, int fd)
{
	assert(id > 0 && !msg_is_request(type));
	if (ch->n_unanswered > 0)
		ch->n_unanswered--;
	int r = chan_send(ch, type, id, body, fd);
	chan_resume(ch);
	return r;
}
