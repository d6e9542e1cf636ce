#include "frontend/exchange.h"

#include <assert.h>
#include <stdlib.h>

#include <event2/buffer.h>

#include "common/conn.h"
#include "common/err.h"
#include "common/frame.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "frontend/client.h"
#include "frontend/deny.h"
#include "frontend/own.h"
#include "frontend/pool.h"
#include "frontend/return_path.h"
#include "frontend/stats.h"
#include "frontend/upstream_head.h"

#define CONNECT_MS 5000
/* egress has deadlines of its own for the upstream; these only notice an
 * egress that hangs. */
#define ANSWER_MS 180000
#define STREAM_IDLE_MS 900000
#define UP_OUTPUT_HIGH (256 * 1024)
#define UP_INPUT_HIGH (256 * 1024)
#define UP_OUTPUT_LOW (64 * 1024)

struct exchange {
	struct client *c;
	struct conn *up;
	bool reused;	/* up came from the pool */
	bool heard;	/* a frame came */
	bool up_ended;	/* egress has finished sending */
	bool body_open; /* CONTINUE came */
	bool body_sent; /* END was sent */
	bool answering; /* RESPONSE came */
	struct upstream_framing framing;
	uint32_t left; /* of the DATA frame that is coming in */
};

/* What became of an exchange while a frame was dealt with. */
enum step { STEP_ON, STEP_WAIT, STEP_GONE };

static void connect_fresh(struct exchange *e);

/* --- the end --- */

void
exchange_free(struct exchange *e)
{
	if (e == NULL)
		return;
	STATS_DOWN(e->c->w->stats, exchanges_open);
	conn_free(e->up);
	free(e);
}

/* The connection to egress is clean: keep it for the next exchange. */
static void
give_back(struct exchange *e)
{
	struct conn *up = e->up;

	if (evbuffer_get_length(conn_input(up)) > 0)
		return;
	e->up = NULL;
	pool_give(e->c->w->pool, up);
}

static void
deny(struct exchange *e, enum deny why)
{
	struct client *c = e->c;
	const struct settings *s = c->w->settings;
	struct route route =
	    settings_route(s, c->req->http.method, c->req->http.path);
	struct deny_context x = { .preset = s->console_preset,
		.navigation = c->req->navigation,
		.safe = c->req->http.method == HTTP_GET ||
		    c->req->http.method == HTTP_HEAD };
	struct deny_answer a;
	char target[RETURN_PATH_MAX + 1], encoded[3 * RETURN_PATH_MAX + 1];
	char *location;
	struct reply r = { .status = 0 };

	/* A service has no login form of its own, whatever the console has. */
	if (route.service != SERVICE_NONE)
		x.preset = PRESET_GENERIC;
	if (s->strategy == STRATEGY_HEADER)
		x.preset = PRESET_KIALI; /* there is no login page */
	a = deny_answer(why, &x);
	r.status = a.status;
	STATS_UP(c->w->stats, denied);
	if (why == DENY_CREDENTIAL) {
		client_reply_sentence(c, a.status,
		    "This service cannot be asked",
		    "Doorward has no usable credential for the service behind "
		    "this page. You have done nothing wrong: tell whoever "
		    "runs Doorward; the log says what is missing.");
		return;
	}
	if (!a.to_login) {
		client_reply_status(c, a.status, a.drop_cookie,
		    why == DENY_METHOD ? route.methods : 0, a.retry_after_s);
		return;
	}
	/* To go on to the provider would be a loop without an end. */
	if (return_path_is_callback(s, c->req->http.path, c->req->http.query)) {
		own_no_login_cookie(c);
		return;
	}
	if (slice_copy(c->req->http.target, target, sizeof(target)) != 0 ||
	    !return_path_allowed(s, slice_of(target)) ||
	    return_path_encode(slice_of(target), encoded, sizeof(encoded)) != 0)
		encoded[0] = '\0';
	location = mem_printf("%s%s%s%s", s->web_prefix,
	    s->strategy == STRATEGY_OPENID ? "/api/auth/openid_redirect"
					   : "/_doorward/login",
	    encoded[0] != '\0' ? "?return=" : "", encoded);
	r.location = location;
	client_reply(c, &r);
	free(location);
}

/* No more can come from egress. */
static void
lost(struct exchange *e, enum deny why)
{
	struct client *c = e->c;

	if (!e->answering)
		deny(e, why);
	else
		client_abort(c, e->framing.body == HTTP_BODY_CLOSE);
}

static void
broken(struct exchange *e, const char *what)
{
	static struct log_rate rate;

	log_limited(&rate, 1000, LOG_LEVEL_ERROR,
	    "egress broke the exchange protocol: %s", what);
	lost(e, DENY_UNAVAILABLE);
}

/* --- request body --- */

static void
put_frame_head(struct evbuffer *out, enum frame_type type, size_t len)
{
	uint8_t head[FRAME_HEADER_LEN];

	frame_put_head(head, type, (uint32_t)len);
	evbuffer_add(out, head, sizeof(head));
}

/* A body of known length is moved, not copied. */
static int
move_length(struct body *b, struct evbuffer *in, struct evbuffer *out)
{
	size_t n = evbuffer_get_length(in);

	if (n > FRAME_DATA_MAX)
		n = FRAME_DATA_MAX;
	if (n > b->left)
		n = (size_t)b->left;
	if (n > 0) {
		put_frame_head(out, FRAME_DATA, n);
		evbuffer_remove_buffer(in, out, n);
		b->left -= n;
	}
	b->ended = b->left == 0;
	return b->ended ? 0 : ERR_MORE;
}

static int
copy_chunks(struct body *b, struct evbuffer *in, struct evbuffer *out)
{
	struct slice piece;
	size_t used;
	int r;

	r = body_peek(b, in, FRAME_DATA_MAX, &piece, &used);
	if (r == ERR_FORMAT)
		return r;
	if (piece.len > 0) {
		put_frame_head(out, FRAME_DATA, piece.len);
		evbuffer_add(out, piece.p, piece.len);
	}
	evbuffer_drain(in, used);
	return r;
}

static void
body_complete(struct exchange *e)
{
	put_frame_head(conn_output(e->up), FRAME_END, 0);
	e->body_sent = true;
	conn_min_rate(e->c->conn, 0, 0);
	if (!e->answering)
		conn_deadline(e->up, ANSWER_MS);
}

/* Moves what the client has sent to egress, as far as egress takes it. May free
 * the client. */
static void
pump_request(struct exchange *e)
{
	struct client *c = e->c;
	struct evbuffer *in = conn_input(c->conn), *out = conn_output(e->up);
	struct body *b = &c->req->body;
	int r = b->ended ? 0 : ERR_MORE;

	if (!e->body_open || e->body_sent)
		return;
	while (r == ERR_MORE && evbuffer_get_length(in) > 0 &&
	    evbuffer_get_length(out) < UP_OUTPUT_HIGH)
		r = b->kind == HTTP_BODY_LENGTH ? move_length(b, in, out)
						: copy_chunks(b, in, out);
	if (r == 0)
		body_complete(e);
	else if (r == ERR_FORMAT && e->answering)
		client_abort(c, e->framing.body == HTTP_BODY_CLOSE);
	else if (r == ERR_FORMAT)
		client_refuse(c, 400);
	else if (c->ended && evbuffer_get_length(in) == 0)
		client_free(c); /* the rest of the body will never come */
}

void
exchange_client_readable(struct exchange *e)
{
	pump_request(e);
}

/* --- response --- */

static enum step
take_continue(struct exchange *e)
{
	if (e->c->req->http.body == HTTP_BODY_NONE || e->body_open ||
	    e->answering) {
		broken(e, "CONTINUE out of place");
		return STEP_GONE;
	}
	e->body_open = true;
	conn_deadline(e->up, 0);
	client_continue(e->c);
	/* Counts only while the connection is read: egress may be slow. */
	conn_min_rate(e->c->conn, CLIENT_BODY_RATE, CLIENT_BODY_PERIOD_MS);
	return STEP_ON;
}

static enum step
take_response(struct exchange *e, const uint8_t *p, size_t len)
{
	struct client *c = e->c;
	struct frame_response a;
	struct http_out o;

	if (e->answering || frame_get_response(&a, p, len) != 0) {
		broken(e, "bad RESPONSE");
		return STEP_GONE;
	}
	e->framing =
	    upstream_framing(&a, c->req->http.method, c->req->http.minor);
	/* A body that egress does not want is not read either. */
	if ((!c->req->body.ended && !e->body_open) || c->w->draining ||
	    e->framing.body == HTTP_BODY_CLOSE)
		c->req->close = true;
	http_out_init(&o, (char *)c->w->scratch, WORKER_SCRATCH_LEN);
	upstream_put_response(
	    &o, c->w->settings, &a, &e->framing, c->req->close, c->tls);
	if (o.overflow) {
		broken(e, "RESPONSE too long");
		return STEP_GONE;
	}
	e->answering = true;
	evbuffer_add(conn_output(c->conn), o.p, o.len);
	conn_deadline(e->up, STREAM_IDLE_MS);
	log_debug("%s status=%u client=%s request-id=%.*s",
	    http_method_name(c->req->http.method), (unsigned)a.status,
	    c->req->origin.client, SLICE_ARG(c->req->id));
	return STEP_ON;
}

static enum step
take_end(struct exchange *e)
{
	struct client *c = e->c;

	if (!e->answering ||
	    (e->framing.body == HTTP_BODY_LENGTH && e->framing.length > 0)) {
		broken(e, "END before the end");
		return STEP_GONE;
	}
	if (e->framing.body == HTTP_BODY_CHUNKED)
		evbuffer_add(conn_output(c->conn), "0\r\n\r\n", 5);
	if (e->body_sent || c->req->http.body == HTTP_BODY_NONE)
		give_back(e);
	client_done(c);
	return STEP_GONE;
}

static enum step
take_deny(struct exchange *e, const uint8_t *p, size_t len)
{
	enum deny why;

	if (frame_get_deny(&why, p, len) != 0) {
		broken(e, "bad DENY");
		return STEP_GONE;
	}
	if (e->answering) { /* revoked in the middle, or the upstream broke */
		lost(e, why);
		return STEP_GONE;
	}
	if (!e->body_open)
		give_back(e);
	deny(e, why);
	return STEP_GONE;
}

/* One whole frame but DATA. */
static enum step
take_frame(
    struct exchange *e, enum frame_type type, const uint8_t *p, size_t len)
{
	switch (type) {
	case FRAME_CONTINUE:
		return take_continue(e);
	case FRAME_RESPONSE:
		return take_response(e, p, len);
	case FRAME_END:
		return take_end(e);
	case FRAME_DENY:
		return take_deny(e, p, len);
	case FRAME_REQUEST:
	case FRAME_DATA:
	case FRAME_TYPE_END:
		break;
	}
	broken(e, "unexpected frame");
	return STEP_GONE;
}

static enum step
begin_data(struct exchange *e, uint32_t len)
{
	struct upstream_framing *f = &e->framing;

	if (!e->answering || (f->body == HTTP_BODY_NONE && len > 0) ||
	    (f->body == HTTP_BODY_LENGTH && len > f->length)) {
		broken(e, "DATA out of place");
		return STEP_GONE;
	}
	if (f->body == HTTP_BODY_LENGTH)
		f->length -= len;
	e->left = len;
	return STEP_ON;
}

static enum step
move_data(struct exchange *e, struct evbuffer *in)
{
	struct evbuffer *out = conn_output(e->c->conn);
	size_t n = evbuffer_get_length(in);
	char head[20];

	if (n == 0)
		return STEP_WAIT;
	if (n > e->left)
		n = e->left;
	if (e->framing.body == HTTP_BODY_CHUNKED)
		evbuffer_add(out, head, http_chunk_head(head, n));
	evbuffer_remove_buffer(in, out, n);
	if (e->framing.body == HTTP_BODY_CHUNKED)
		evbuffer_add(out, "\r\n", 2);
	e->left -= (uint32_t)n;
	return STEP_ON;
}

static enum step
next_frame(struct exchange *e, struct evbuffer *in)
{
	size_t len = evbuffer_get_length(in);
	uint8_t head[FRAME_HEADER_LEN], *copy;
	enum frame_type type;
	uint32_t payload;
	enum step step;
	int r;

	if (len < sizeof(head))
		return STEP_WAIT;
	evbuffer_copyout(in, head, sizeof(head));
	r = frame_head(head, sizeof(head), &type, &payload);
	if (r != 0) {
		broken(e, "bad frame");
		return STEP_GONE;
	}
	e->heard = true;
	if (type == FRAME_DATA) {
		evbuffer_drain(in, sizeof(head));
		return begin_data(e, payload);
	}
	if (len < sizeof(head) + payload)
		return STEP_WAIT;
	/* Taken out first: what follows may free both connections. */
	copy = mem_new(payload + 1);
	evbuffer_drain(in, sizeof(head));
	evbuffer_remove(in, copy, payload);
	step = take_frame(e, type, copy, payload);
	free(copy);
	return step;
}

/* Moves what egress has sent to the client, as far as the client takes it.
 * STEP_GONE when the exchange is over. */
static enum step
pump_response(struct exchange *e)
{
	struct evbuffer *in = conn_input(e->up);
	struct evbuffer *out = conn_output(e->c->conn);
	enum step step = STEP_ON;

	while (step == STEP_ON && evbuffer_get_length(out) < CLIENT_OUTPUT_HIGH)
		step = e->left > 0 ? move_data(e, in) : next_frame(e, in);
	return step;
}

/* A pooled connection may have been closed just before it was used: ask once
 * more on a fresh one what may be asked twice, or cannot have been asked whole
 * because its body has not begun. */
static bool
ask_again(struct exchange *e)
{
	const struct request *r = e->c->req;
	bool safe = r->http.method == HTTP_GET || r->http.method == HTTP_HEAD;

	if (!e->reused || e->heard || (r->body.ended && !safe))
		return false;
	conn_free(e->up);
	connect_fresh(e);
	return true;
}

static void
pump(struct exchange *e)
{
	enum step step = pump_response(e);

	if (step == STEP_GONE)
		return;
	if (step == STEP_WAIT && e->up_ended) {
		if (!ask_again(e))
			lost(e, DENY_UNAVAILABLE);
		return;
	}
	if (e->answering)
		conn_deadline(e->up, STREAM_IDLE_MS);
	pump_request(e);
}

void
exchange_client_drained(struct exchange *e)
{
	pump(e);
}

/* --- the connection to egress --- */

static void
send_request(struct exchange *e)
{
	struct worker *w = e->c->w;
	size_t head_max = FRAME_HEADER_LEN + FRAME_HEAD_MAX;
	char *cookies = (char *)w->scratch + head_max;
	long n;

	n = upstream_put_request(
	    w->scratch, head_max, cookies, w->settings, e->c->req);
	if (n > 0)
		evbuffer_add(conn_output(e->up), w->scratch, (size_t)n);
	/* Both hold credentials. The cookies are shorter than the head. */
	secret_wipe(w->scratch, n > 0 ? (size_t)n : head_max);
	secret_wipe(cookies, e->c->req->head_len);
	if (n < 0)
		client_refuse(e->c, 431);
	else
		conn_deadline(e->up, ANSWER_MS);
}

static void
on_connected(struct conn *up, void *arg)
{
	struct exchange *e = arg;

	(void)up;
	e->c->w->egress_failed = false;
	send_request(e);
}

static void
on_readable(struct conn *up, void *arg)
{
	(void)up;
	pump(arg);
}

static void
on_drained(struct conn *up, void *arg)
{
	(void)up;
	pump_request(arg);
}

static void
on_ended(struct conn *up, void *arg)
{
	struct exchange *e = arg;

	(void)up;
	/* What came before may hold the rest of the answer, and a slow client
	 * may not have room for it yet. */
	e->up_ended = true;
	pump(e);
}

static void
on_failed(struct conn *up, enum conn_failure why, void *arg)
{
	struct exchange *e = arg;
	static struct log_rate rate;

	(void)up;
	if (why == CONN_REFUSED)
		e->c->w->egress_failed = true;
	log_limited(&rate, 1000, LOG_LEVEL_WARN,
	    "lost an exchange with egress%s",
	    why == CONN_REFUSED	       ? ": it does not accept connections"
		: why == CONN_DEADLINE ? ": no answer in time"
				       : "");
	if (!ask_again(e))
		lost(e,
		    why == CONN_DEADLINE ? DENY_UPSTREAM_TIMEOUT
					 : DENY_UNAVAILABLE);
}

static const struct conn_ops up_ops = {
	.connected = on_connected,
	.readable = on_readable,
	.drained = on_drained,
	.ended = on_ended,
	.failed = on_failed,
};

static void
connect_fresh(struct exchange *e)
{
	struct worker *w = e->c->w;

	e->reused = false;
	e->up_ended = false;
	e->up =
	    conn_connect_unix(w->base, w->egress_path, CONNECT_MS, &up_ops, e);
	conn_watermarks(e->up, UP_INPUT_HIGH, UP_OUTPUT_LOW);
}

void
exchange_start(struct client *c)
{
	struct exchange *e = mem_new(sizeof(*e));

	e->c = c;
	c->exchange = e;
	STATS_UP(c->w->stats, exchanges_open);
	e->up = pool_take(c->w->pool);
	if (e->up == NULL) {
		connect_fresh(e);
		return;
	}
	e->reused = true;
	STATS_UP(c->w->stats, pool_reused);
	conn_set_owner(e->up, &up_ops, e);
	send_request(e);
}
