/*
 * See front_http.h. One connection: IDLE, HEAD (a request has begun), BUSY (the
 * exchange has it), OVER (it has been answered; the event loop goes on with the
 * next one or closes, so that a pipeline is no recursion).
 */
#include "egress/front_http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/conn.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "egress/egress.h"
#include "egress/exchange.h"
#include "egress/front.h"
#include "egress/local.h"

#define HEAD_MS 10000
#define KEEP_ALIVE_MS 60000
#define BODY_RATE 1024 /* bytes per period that an upload must make */
#define BODY_PERIOD_MS 10000
#define PIPELINE_OUTPUT_MAX (64 * 1024)

enum web_state { WEB_IDLE, WEB_HEAD, WEB_BUSY, WEB_OVER };

struct web {
	struct front front; /* first: the ops cast it back */
	enum web_state state;
	struct event next;
	struct http_scan scan;
	char *head; /* of the request; front.q points into it */
	size_t head_len;
	unsigned minor;
	struct body_in receiving;
	struct evbuffer *payload; /* of the request's body, without framing */
	bool expects_continue;
	bool body_done; /* the request has been read to its end */
	bool answered;	/* a response's head has gone out */
	bool chunked;	/* and its body goes out in chunks */
	bool refused;	/* the service did not take our credential */
	bool close;	/* after this answer */
	bool ended;	/* the client has finished sending */
};

/* --- ends --- */

static void
request_forget(struct web *w)
{
	if (w->head != NULL) {
		secret_wipe(w->head, w->head_len);
		free(w->head);
	}
	w->head = NULL;
}

static void
web_free(struct web *w)
{
	exchange_free(w->front.x);
	conn_free(w->front.conn);
	request_forget(w);
	evbuffer_free(w->payload);
	event_del(&w->next);
	free(w);
}

/* What was written still goes out: RFC 9112 9.6. */
static void
close_lingering(struct web *w)
{
	struct conn *c = w->front.conn;

	w->front.conn = NULL;
	web_free(w);
	conn_close_lingering(c);
}

static void
next_later(struct web *w)
{
	event_active(&w->next, EV_TIMEOUT, 0);
}

/* --- answers of our own --- */

static void
answer(struct web *w, unsigned status, const char *text)
{
	struct http_out o;

	http_out_init(
	    &o, (char *)w->front.eg->scratch, sizeof(w->front.eg->scratch));
	http_put_status_line(&o, status);
	http_put_field_z(&o, "Content-Type", "text/plain; charset=utf-8");
	http_put_field_z(&o, "X-Content-Type-Options", "nosniff");
	http_put_field_z(&o, "Cache-Control", "no-store");
	if (status == 401)
		http_put_field_z(&o, "WWW-Authenticate", "Bearer");
	http_put_framing(&o, HTTP_BODY_LENGTH, strlen(text) + 1);
	if (w->close)
		http_put_field_z(&o, "Connection", "close");
	http_put_end(&o);
	if (w->front.q.method != HTTP_HEAD) {
		http_put_z(&o, text);
		http_put_z(&o, "\n");
	}
	evbuffer_add(conn_output(w->front.conn), o.p, o.len);
}

/* Answers what was not handed to the exchange, or not to its end. */
static void
refuse(struct web *w, unsigned status, const char *why)
{
	log_debug(
	    "local request refused: %u client=%s", status, w->front.client);
	w->close = true;
	answer(w, status, why);
	close_lingering(w);
}

static const struct {
	unsigned status;
	const char *text;
} deny_answer[DENY_COUNT] = {
	[DENY_NO_SESSION] = { 403, "Not for the local listener." },
	[DENY_EXPIRED] = { 403, "Not for the local listener." },
	[DENY_REJECTED] = { 403, "Not for the local listener." },
	[DENY_FORBIDDEN] = { 403, "Not for the local listener." },
	[DENY_NO_ROUTE] = { 404,
	    "No such service, or not enabled: the path "
	    "begins with a service's name." },
	[DENY_METHOD] = { 405, "The method is not allowed." },
	[DENY_UNAVAILABLE] = { 503, "Cannot be decided now." },
	[DENY_UPSTREAM_DOWN] = { 502, "The service cannot be reached." },
	[DENY_UPSTREAM_TIMEOUT] = { 504,
	    "The service did not answer in "
	    "time." },
	[DENY_UPSTREAM_BAD] = { 502,
	    "The service answered badly, or did not "
	    "accept Doorward's credential." },
	[DENY_BAD_REQUEST] = { 400, "The request is not acceptable." },
	[DENY_CREDENTIAL] = { 502,
	    "The service's credential is not to be "
	    "had." },
	[DENY_REVOKED] = { 403, "Not for the local listener." },
};

static void
web_deny(struct front *front, enum deny why)
{
	struct web *w = (struct web *)front;

	if (!w->body_done)
		w->close = true;
	answer(w, deny_answer[why].status,
	    w->refused ? "The service did not accept Doorward's credential."
		       : deny_answer[why].text);
}

/* --- the service's answer --- */

static void
put_response_framing(
    struct web *w, struct http_out *o, const struct frame_response *a)
{
	bool bodiless = w->front.q.method == HTTP_HEAD || a->status == 204 ||
	    a->status == 304;

	w->chunked = false;
	w->front.put = body_put_plain;
	if (a->body == HTTP_BODY_LENGTH ||
	    (a->body == HTTP_BODY_NONE && !bodiless)) {
		http_put_framing(o, HTTP_BODY_LENGTH,
		    a->body == HTTP_BODY_NONE ? 0 : a->content_length);
	} else if (a->body == HTTP_BODY_CHUNKED && w->minor >= 1) {
		http_put_framing(o, HTTP_BODY_CHUNKED, 0);
		w->front.put = body_put_chunk;
		w->chunked = true;
	} else if (a->body == HTTP_BODY_CHUNKED) {
		w->close = true; /* which ends the body */
	}
}

/* A client must not take the service's 401 for one about its own credential. */
static int
credential_refused(struct web *w)
{
	static struct log_rate rate;

	log_limited(&rate, 10000, LOG_LEVEL_ERROR,
	    "service answered 401 to Doorward's credential; the local client "
	    "got 502: check external_services and the service's secrets");
	w->refused = true;
	return ERR_DENIED;
}

static int
web_response(struct front *front, const struct frame_response *a)
{
	struct web *w = (struct web *)front;
	struct egress *eg = front->eg;
	struct http_out o;

	if (a->status == 401)
		return credential_refused(w);
	http_out_init(&o, (char *)eg->scratch, sizeof(eg->scratch));
	http_put_status_line(&o, a->status);
	for (size_t i = 0; i < a->fields.n; i++)
		http_put_field(&o, a->fields.at[i].name, a->fields.at[i].value);
	put_response_framing(w, &o, a);
	if (w->close)
		http_put_field_z(&o, "Connection", "close");
	http_put_end(&o);
	if (o.overflow)
		return ERR_FORMAT;
	evbuffer_add(conn_output(front->conn), o.p, o.len);
	w->answered = true;
	return 0;
}

static void
web_end(struct front *front)
{
	const struct web *w = (const struct web *)front;

	if (w->chunked)
		evbuffer_add(conn_output(front->conn), "0\r\n\r\n", 5);
}

static void
web_over(struct front *front, bool clean)
{
	struct web *w = (struct web *)front;

	if (!clean)
		w->close = true;
	w->state = WEB_OVER;
	request_forget(w);
	conn_min_rate(front->conn, 0, 0);
	next_later(w);
}

/* Reset, so that a body which only closing ends does not look complete. */
static void
web_abort(struct front *front)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(
	    conn_fd(front->conn), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	web_free((struct web *)front);
}

/* --- the request --- */

static void
bad_body(struct web *w)
{
	if (w->answered)
		web_abort(&w->front);
	else
		refuse(w, 400, "The body is not what was declared.");
}

/* Moves a piece of the body: ERR_MORE, 0 at its end, or why it is a bad one. */
static int
move_body(struct web *w)
{
	int err = body_in_move(&w->receiving, conn_input(w->front.conn),
	    w->ended, w->payload, FRAME_DATA_MAX, body_put_plain);
	size_t n = evbuffer_get_length(w->payload);

	if (err != 0 && err != ERR_MORE)
		return err;
	if (n > 0 && exchange_body(w->front.x, w->payload, n) != 0)
		return ERR_PROTOCOL;
	return err == 0 ? exchange_body_end(w->front.x) : ERR_MORE;
}

static void
take_body(struct web *w)
{
	const struct evbuffer *in = conn_input(w->front.conn);
	size_t before;
	int err = ERR_MORE;

	if (w->body_done)
		return;
	do {
		if (!exchange_takes_body(w->front.x))
			return;
		before = evbuffer_get_length(in);
		err = move_body(w);
	} while (err == ERR_MORE && evbuffer_get_length(in) < before);
	if (err == 0) {
		w->body_done = true;
		conn_min_rate(w->front.conn, 0, 0);
	} else if (err != ERR_MORE) {
		bad_body(w);
	}
}

static void
web_proceed(struct front *front)
{
	struct web *w = (struct web *)front;

	if (w->expects_continue)
		evbuffer_add_printf(
		    conn_output(front->conn), "HTTP/1.1 100 Continue\r\n\r\n");
	conn_min_rate(front->conn, BODY_RATE, BODY_PERIOD_MS);
	next_later(w);
}

static void
web_resume(struct front *front)
{
	take_body((struct web *)front);
}

static struct route
web_route(struct front *front)
{
	return local_route(front->eg->settings, front->q.path);
}

static const struct front_ops web_ops = {
	.route = web_route,
	.deny = web_deny,
	.proceed = web_proceed,
	.response = web_response,
	.end = web_end,
	.over = web_over,
	.resume = web_resume,
	.abort = web_abort,
};

/* Addresses stay out: for the service this is one of its usual clients, not
 * one behind a proxy. */
static void
fill_request(struct frame_request *q, const struct http_request *http)
{
	*q = (struct frame_request){
		.method = http->method,
		.has_query = http->has_query,
		.body = http->body,
		.content_length = http->content_length,
		.path = http->path,
		.query = http->query,
		.fields = http->fields,
	};
}

static void
start(struct web *w, const struct http_request *http)
{
	w->minor = http->minor;
	w->expects_continue = http->expect_continue && http->minor >= 1;
	w->body_done = http->body == HTTP_BODY_NONE;
	w->answered = w->refused = false;
	w->close = !http->keep_alive || http->minor == 0;
	w->state = WEB_BUSY;
	body_in_init(&w->receiving, http->body, http->content_length);
	conn_deadline(w->front.conn, 0);
	exchange_start(w->front.x);
}

static void
take_request(struct web *w, void *head, size_t len)
{
	struct http_request http;
	const char *why = "The request is not acceptable.";
	unsigned status;

	w->head_len = len;
	w->head = mem_new(len);
	memcpy(w->head, head, len);
	secret_wipe(head, len); /* it holds a bearer token */
	evbuffer_drain(conn_input(w->front.conn), len);
	w->front.q.method = HTTP_GET;
	status = (unsigned)http_parse_request(&http, w->head, len);
	if (status == 0) {
		fill_request(&w->front.q, &http);
		status = http.expect_unknown
		    ? 417
		    : local_judge(&w->front, &http, &why);
	}
	if (status != 0)
		refuse(w, status, why);
	else
		start(w, &http);
}

/* Looks for a whole head at the front of the input. */
static void
read_head(struct web *w)
{
	struct evbuffer *in = conn_input(w->front.conn);
	size_t len = evbuffer_get_length(in);
	unsigned char *p;
	long n;

	if (len == 0 ||
	    evbuffer_get_length(conn_output(w->front.conn)) >
		PIPELINE_OUTPUT_MAX)
		return;
	if (w->state == WEB_IDLE) {
		w->state = WEB_HEAD;
		conn_deadline(w->front.conn, HEAD_MS);
	}
	if (len > HTTP_HEAD_MAX + 1)
		len = HTTP_HEAD_MAX + 1;
	p = evbuffer_pullup(in, (ev_ssize_t)len);
	n = http_scan(&w->scan, (const char *)p, len);
	if (n > 0) {
		take_request(w, p, (size_t)n);
	} else if (n != ERR_MORE) {
		w->front.q.method = HTTP_GET;
		refuse(w, (unsigned)http_scan_status(&w->scan, n),
		    "The request is not acceptable.");
	} else if (w->ended) {
		web_free(w);
	}
}

/* --- events --- */

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;

	(void)fd;
	(void)what;
	if (w->state == WEB_BUSY) {
		take_body(w);
		return;
	}
	if (w->state == WEB_OVER) {
		if (w->close) {
			close_lingering(w);
			return;
		}
		w->state = WEB_IDLE;
		w->scan = (struct http_scan){ 0 };
		conn_deadline(w->front.conn, KEEP_ALIVE_MS);
	}
	if (w->ended && evbuffer_get_length(conn_input(w->front.conn)) == 0)
		close_lingering(w);
	else
		read_head(w);
}

static void
on_readable(struct conn *c, void *arg)
{
	struct web *w = arg;

	(void)c;
	if (w->state == WEB_BUSY)
		take_body(w);
	else if (w->state != WEB_OVER)
		read_head(w);
}

static void
on_drained(struct conn *c, void *arg)
{
	struct web *w = arg;

	(void)c;
	if (w->state == WEB_BUSY)
		exchange_drained(w->front.x);
	else
		next_later(w);
}

/* A client that has gone looks like this, which cancels what is under way;
 * unless there is a pipeline behind it. */
static void
on_ended(struct conn *c, void *arg)
{
	struct web *w = arg;

	w->ended = true;
	if (w->state != WEB_BUSY)
		next_later(w);
	else if (evbuffer_get_length(conn_input(c)) == 0)
		web_free(w);
	else
		take_body(w);
}

static void
on_failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)c;
	(void)why;
	web_free(arg);
}

static const struct conn_ops conn_ops = {
	.readable = on_readable,
	.drained = on_drained,
	.ended = on_ended,
	.failed = on_failed,
};

static void
on_conn_freed(void *arg)
{
	struct egress *eg = arg;

	eg->n_local--;
}

void
front_http_accept(struct egress *eg, int fd, const char *client)
{
	struct web *w = mem_new(sizeof(*w));
	struct front *front = &w->front;

	front->ops = &web_ops;
	front->eg = eg;
	front->put = body_put_plain;
	front->x = exchange_new(eg, front);
	front->conn = conn_accepted(eg->base, fd, &conn_ops, w);
	if (client != NULL)
		(void)snprintf(
		    front->client, sizeof(front->client), "%s", client);
	else
		(void)snprintf(front->client, sizeof(front->client), "%s:%u",
		    conn_peer(front->conn),
		    (unsigned)conn_peer_port(front->conn));
	conn_watermarks(front->conn, FRONT_HIGH_WATER, FRONT_LOW_WATER);
	conn_deadline(front->conn, KEEP_ALIVE_MS);
	w->payload = evbuffer_new();
	assert(w->payload != NULL);
	event_assign(&w->next, eg->base, -1, 0, on_next, w);
	conn_at_free(front->conn, on_conn_freed, eg);
	eg->n_local++;
}
