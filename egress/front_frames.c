/* See front_frames.h. */
#include "egress/front_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "common/conn.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "egress/egress.h"
#include "egress/exchange.h"
#include "egress/front.h"

struct frames {
	struct front front; /* first: the ops cast it back */
	uint8_t *bytes;	    /* of the REQUEST; front.q points into it */
	size_t n_bytes;
	bool reading; /* frames_read is at work */
	bool dead;    /* and is to free it */
	bool drop;    /* the rest of a body that nobody wants any more */
};

static void
request_forget(struct frames *f)
{
	if (f->bytes != NULL) {
		secret_wipe(f->bytes, f->n_bytes);
		free(f->bytes);
	}
	f->bytes = NULL;
}

static void
frames_free(struct frames *f)
{
	exchange_free(f->front.x);
	f->front.x = NULL;
	conn_free(f->front.conn);
	f->front.conn = NULL;
	request_forget(f);
	f->dead = true;
	if (f->reading)
		return;
	f->front.eg->n_open--;
	free(f);
}

static void
violation(struct frames *f, const char *what)
{
	log_error("a frontend broke the exchange protocol: %s", what);
	frames_free(f);
}

/* --- from the frontend --- */

static void
take_request(struct frames *f, struct evbuffer *in, uint32_t len)
{
	struct front *front = &f->front;

	f->n_bytes = len;
	f->bytes = mem_new(len > 0 ? len : 1);
	evbuffer_drain(in, FRAME_HEADER_LEN);
	evbuffer_remove(in, f->bytes, len);
	if (frame_get_request(&front->q, f->bytes, len) != 0) {
		violation(f, "REQUEST is not acceptable");
		return;
	}
	if (snprintf(front->client, sizeof(front->client), "%.*s:%u",
		SLICE_ARG(front->q.client),
		(unsigned)front->q.client_port) >= (int)sizeof(front->client))
		front->client[0] = '\0';
	exchange_start(front->x);
}

/* DATA or END of the request body. */
static void
take_body(
    struct frames *f, struct evbuffer *in, enum frame_type type, uint32_t len)
{
	int err;

	evbuffer_drain(in, FRAME_HEADER_LEN);
	err = type == FRAME_DATA ? exchange_body(f->front.x, in, len)
				 : exchange_body_end(f->front.x);
	if (err != 0)
		violation(f, "body is not what was declared");
}

/* Is the next frame one that may come now, and all here? ERR_MORE: not yet. */
static int
next_frame(
    struct frames *f, struct evbuffer *in, enum frame_type *type, uint32_t *len)
{
	uint8_t head[FRAME_HEADER_LEN];
	ev_ssize_t n = evbuffer_copyout(in, head, sizeof(head));
	bool begins;
	int err = frame_head(head, n > 0 ? (size_t)n : 0, type, len);

	if (err != 0)
		return err;
	begins = *type == FRAME_REQUEST;
	if (begins != exchange_is_idle(f->front.x) ||
	    (!begins && *type != FRAME_DATA && *type != FRAME_END))
		return ERR_PROTOCOL;
	return evbuffer_get_length(in) < FRAME_HEADER_LEN + *len ? ERR_MORE : 0;
}

/* Takes one frame; false when there is none to take. */
static bool
take(struct frames *f)
{
	struct evbuffer *in = conn_input(f->front.conn);
	enum frame_type type;
	uint32_t len;
	int err = next_frame(f, in, &type, &len);

	if (err == ERR_MORE)
		return false;
	if (err != 0)
		violation(f, "frame out of place");
	else if (type == FRAME_REQUEST)
		take_request(f, in, len);
	else
		take_body(f, in, type, len);
	return !f->dead;
}

/* The frontend may have sent its END while the response was on its way; then it
 * keeps the connection, and the next request comes behind that END. Else it
 * closes. */
static bool
drop_frame(struct frames *f)
{
	struct evbuffer *in = conn_input(f->front.conn);
	enum frame_type type;
	uint32_t len;
	int err = next_frame(f, in, &type, &len);

	if (err == ERR_MORE)
		return false;
	if (err != 0) {
		violation(f, "frame out of place");
		return false;
	}
	evbuffer_drain(in, FRAME_HEADER_LEN + len);
	if (type == FRAME_END) {
		f->drop = false;
		exchange_dropped(f->front.x);
	}
	return true;
}

static bool
open_for_frames(const struct frames *f)
{
	return exchange_is_idle(f->front.x) || exchange_takes_body(f->front.x);
}

static void
frames_read(struct frames *f)
{
	if (f->reading)
		return;
	f->reading = true;
	while (f->drop ? drop_frame(f) : open_for_frames(f) && take(f))
		;
	f->reading = false;
	if (f->dead)
		frames_free(f);
}

/* --- to the frontend --- */

static void
put_empty(struct front *front, enum frame_type type)
{
	uint8_t head[FRAME_HEADER_LEN];

	frame_put_head(head, type, 0);
	evbuffer_add(conn_output(front->conn), head, sizeof(head));
}

static struct route
frames_route(struct front *front)
{
	return settings_route(
	    front->eg->settings, front->q.method, front->q.path);
}

static void
frames_deny(struct front *front, enum deny why)
{
	uint8_t frame[FRAME_HEADER_LEN + 8];
	long n = frame_put_deny(frame, sizeof(frame), why);

	if (n > 0)
		evbuffer_add(conn_output(front->conn), frame, (size_t)n);
}

static void
frames_proceed(struct front *front)
{
	put_empty(front, FRAME_CONTINUE);
}

static int
frames_response(struct front *front, const struct frame_response *a)
{
	struct egress *eg = front->eg;
	long n = frame_put_response(eg->scratch, sizeof(eg->scratch), a);

	if (n <= 0)
		return ERR_FORMAT;
	evbuffer_add(conn_output(front->conn), eg->scratch, (size_t)n);
	return 0;
}

static void
frames_end(struct front *front)
{
	put_empty(front, FRAME_END);
}

static void
frames_over(struct front *front, bool clean)
{
	struct frames *f = (struct frames *)front;

	request_forget(f);
	f->drop = !clean;
	frames_read(f);
}

static void
frames_resume(struct front *front)
{
	frames_read((struct frames *)front);
}

static void
frames_abort(struct front *front)
{
	frames_free((struct frames *)front);
}

static const struct front_ops frames_ops = {
	.route = frames_route,
	.deny = frames_deny,
	.proceed = frames_proceed,
	.response = frames_response,
	.end = frames_end,
	.over = frames_over,
	.resume = frames_resume,
	.abort = frames_abort,
};

/* --- the connection's events --- */

static void
on_readable(struct conn *c, void *arg)
{
	(void)c;
	frames_read(arg);
}

static void
on_drained(struct conn *c, void *arg)
{
	struct frames *f = arg;

	(void)c;
	exchange_drained(f->front.x);
}

/* The frontend closes to cancel. */
static void
on_ended(struct conn *c, void *arg)
{
	(void)c;
	frames_free(arg);
}

static void
on_failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)c;
	(void)why;
	frames_free(arg);
}

static const struct conn_ops conn_ops = {
	.readable = on_readable,
	.drained = on_drained,
	.ended = on_ended,
	.failed = on_failed,
};

void
front_frames_accept(struct egress *eg, int fd)
{
	static struct log_rate rate;
	struct frames *f;

	if (eg->n_open >= eg->max_open) {
		log_limited(&rate, 10000, LOG_LEVEL_ERROR,
		    "frontend connection refused: there are %zu already",
		    eg->max_open);
		(void)close(fd);
		return;
	}
	f = mem_new(sizeof(*f));
	f->front.ops = &frames_ops;
	f->front.eg = eg;
	f->front.put = body_put_frame;
	f->front.x = exchange_new(eg, &f->front);
	f->front.conn = conn_accepted(eg->base, fd, &conn_ops, f);
	conn_watermarks(f->front.conn, FRONT_HIGH_WATER, FRONT_LOW_WATER);
	/* Backpressure to the frontend is no stall: the client may be slow. */
	conn_write_stall(f->front.conn, 0);
	eg->n_open++;
}
