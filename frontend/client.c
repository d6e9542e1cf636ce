#include "frontend/client.h"

#include <stdlib.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/conn.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "frontend/cookie.h"
#include "frontend/exchange.h"
#include "frontend/limits.h"
#include "frontend/own.h"
#include "frontend/pages.h"
#include "frontend/return_path.h"
#include "frontend/router.h"
#include "frontend/stats.h"
#include "frontend/tls.h"

#define HANDSHAKE_MS 10000
#define HEAD_MS 10000
#define KEEP_ALIVE_MS 60000
#define DRAIN_UNUSED_MS 3000 /* for a connection that has asked nothing yet */
#define INPUT_HIGH (64 * 1024)
#define OUTPUT_LOW (64 * 1024)
#define PIPELINE_OUTPUT_MAX (64 * 1024)

/* --- the end of a connection --- */

static void
request_drop(struct client *c)
{
	own_free(c->own);
	c->own = NULL;
	exchange_free(c->exchange);
	c->exchange = NULL;
	request_free(c->req);
	c->req = NULL;
}

void
client_free(struct client *c)
{
	struct conn *conn = c->conn;

	request_drop(c);
	screen_unwait(c->w->screen, &c->waiter);
	event_del(&c->next);
	TAILQ_REMOVE(&c->w->clients, c, link);
	free(c);
	conn_free(conn);
}

/* What was written still goes out, and a client that is sending gets to read
 * it: RFC 9112 9.6. */
static void
close_lingering(struct client *c)
{
	struct conn *conn = c->conn;

	c->conn = NULL;
	client_free(c);
	conn_close_lingering(conn);
}

void
client_abort(struct client *c, bool reset)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	STATS_UP(c->w->stats, truncated);
	if (!reset) {
		close_lingering(c);
		return;
	}
	(void)setsockopt(
	    conn_fd(c->conn), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	client_free(c);
}

void
client_refuse(struct client *c, unsigned status)
{
	STATS_UP(c->w->stats, bad_requests);
	log_debug("refused %u client=%s", status, conn_peer(c->conn));
	reply_refuse(conn_output(c->conn), status, c->tls);
	close_lingering(c);
}

/* --- answers --- */

static void
next_later(struct client *c)
{
	/* From the loop, not from here: a pipeline of thousands of small
	 * requests must not become a recursion. */
	event_active(&c->next, EV_TIMEOUT, 0);
}

void
client_done(struct client *c)
{
	bool close = c->req->close || !c->req->body.ended || c->w->draining;

	request_drop(c);
	if (close) {
		close_lingering(c);
		return;
	}
	c->state = CLIENT_IDLE;
	c->scan = (struct http_scan){ 0 };
	conn_min_rate(c->conn, 0, 0);
	conn_deadline(c->conn, KEEP_ALIVE_MS);
	next_later(c);
}

void
client_reply(struct client *c, const struct reply *r)
{
	struct reply_manner m = { .hsts = c->tls };

	if (!c->req->body.ended || c->w->draining)
		c->req->close = true;
	m.head = c->req->http.method == HTTP_HEAD;
	m.close = c->req->close;
	log_debug("%s %.*s status=%u client=%s request-id=%.*s",
	    http_method_name(c->req->http.method),
	    c->req->http.path.len > 100 ? 100 : (int)c->req->http.path.len,
	    c->req->http.path.p, r->status, c->req->origin.client,
	    SLICE_ARG(c->req->id));
	reply_write(conn_output(c->conn), r, &m);
	client_done(c);
}

void
client_reply_status(struct client *c, unsigned status, bool drop_cookie,
    unsigned allow, unsigned retry_after_s)
{
	struct reply r = {
		.status = status, .allow = allow, .retry_after_s = retry_after_s
	};
	char cookie[COOKIE_LINE_MAX], text[64];
	struct http_out o;

	if (drop_cookie && c->req->carried_cookie &&
	    cookie_delete(cookie, c->w->settings, c->req->secure) == 0)
		r.set_cookie = cookie;
	if (c->req->navigation) {
		http_out_init(&o, (char *)c->w->scratch, PAGES_MAX);
		page_error(&o, c->w->settings, status);
		r.type = REPLY_HTML;
		r.csp = PAGES_CSP;
	} else {
		http_out_init(&o, text, sizeof(text));
		http_put_z(&o,
		    status == 404 ? "404 page not found" : http_reason(status));
		http_put_z(&o, "\n");
		r.type = REPLY_TEXT;
	}
	r.body = (struct slice){ o.p, o.len };
	client_reply(c, &r);
}

void
client_reply_sentence(
    struct client *c, unsigned status, const char *title, const char *text)
{
	struct reply r = { .status = status, .type = REPLY_TEXT };
	struct http_out o;

	http_out_init(&o, (char *)c->w->scratch, PAGES_MAX);
	if (c->req->navigation) {
		page_sentence(&o, c->w->settings, status, title, text);
		r.type = REPLY_HTML;
		r.csp = PAGES_CSP;
	} else {
		http_put_z(&o, text);
		http_put_z(&o, "\n");
	}
	r.body = (struct slice){ o.p, o.len };
	client_reply(c, &r);
}

void
client_continue(struct client *c)
{
	if (c->req->http.expect_continue && c->req->http.minor >= 1 &&
	    !c->req->body.ended)
		evbuffer_add_printf(
		    conn_output(c->conn), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* --- requests --- */

static void
redirect(struct client *c, unsigned status, struct slice path)
{
	struct reply r = { .status = status };
	char location[HTTP_TARGET_MAX + 1];

	if (slice_copy(path, location, sizeof(location)) != 0) {
		client_refuse(c, 414);
		return;
	}
	r.location = location;
	client_reply(c, &r);
}

static void
redirect_to_slash(struct client *c)
{
	const struct http_request *q = &c->req->http;
	char *location = mem_printf("%.*s/%s%.*s", SLICE_ARG(q->path),
	    q->has_query ? "?" : "", SLICE_ARG(q->query));
	struct reply r = { .status = 308, .location = location };

	client_reply(c, &r);
	free(location);
}

static void
follow(struct client *c, struct router_result r)
{
	struct slice path = c->req->http.path;
	char root[COOKIE_LINE_MAX];
	struct slice to = return_path_or_root(
	    c->w->settings, (struct slice){ NULL, 0 }, root, sizeof(root));

	switch (r.action) {
	case ROUTER_PROXY:
		c->state = CLIENT_EXCHANGE;
		STATS_UP(c->w->stats, exchanges);
		exchange_start(c);
		return;
	case ROUTER_OWN:
		c->state = CLIENT_OWN;
		STATS_UP(c->w->stats, own_answers);
		own_start(c, r.endpoint);
		return;
	case ROUTER_TO_ROOT:
		redirect(c, 302, to);
		return;
	case ROUTER_NO_SLASH:
		path.len--;
		redirect(c, 301, path);
		return;
	case ROUTER_SLASH:
		redirect_to_slash(c);
		return;
	case ROUTER_METHOD:
		client_reply_status(c, 405, false, r.methods, 0);
		return;
	case ROUTER_NOT_FOUND:
		client_reply_status(c, 404, false, 0, 0);
		return;
	}
}

static void
dispatch(struct client *c)
{
	const struct settings *s = c->w->settings;
	const struct http_request *q = &c->req->http;
	struct router_result r = router_decide(s, q->method, q->path);

	if (own_is_openid_callback(s, c->req))
		r = (struct router_result){ ROUTER_OWN,
			ENDPOINT_OPENID_CALLBACK, 0 };
	follow(c, r);
}

void
client_pass_on(struct client *c)
{
	const struct http_request *q = &c->req->http;

	own_free(c->own);
	c->own = NULL;
	follow(c, router_decide(c->w->settings, q->method, q->path));
}

static void
screen_cookie(struct client *c)
{
	if (c->req->cookie.len > 0 &&
	    c->w->settings->strategy != STRATEGY_ANONYMOUS) {
		switch (screen_test(c->w->screen, c->req->cookie, &c->waiter)) {
		case SCREEN_PASS:
			break;
		case SCREEN_DROP:
			c->req->cookie = (struct slice){ NULL, 0 };
			break;
		case SCREEN_WAIT:
			c->state = CLIENT_SCREENING;
			screen_wait(c->w->screen, &c->waiter);
			return;
		}
	}
	dispatch(c);
}

static void
on_screen_ready(void *arg)
{
	screen_cookie(arg);
}

static void
take_request(struct client *c, const char *head, size_t len)
{
	int status;

	status = request_new(&c->req, c->w->settings,
	    conn_peer_address(c->conn), c->tls, head, len);
	/* It may hold a cookie or a token. */
	body_take_secret(conn_input(c->conn), len);
	if (status != 0) {
		client_refuse(c, (unsigned)status);
		return;
	}
	STATS_UP(c->w->stats, requests);
	c->used = true;
	conn_deadline(c->conn, 0);
	c->waiter.question = 0;
	screen_cookie(c);
}

/* Looks for a whole head at the front of the input. */
static void
read_head(struct client *c)
{
	struct evbuffer *in = conn_input(c->conn);
	size_t len = evbuffer_get_length(in);
	const char *p;
	long n;

	if (len == 0 ||
	    evbuffer_get_length(conn_output(c->conn)) > PIPELINE_OUTPUT_MAX)
		return;
	if (c->state == CLIENT_IDLE) {
		c->state = CLIENT_HEAD;
		conn_deadline(c->conn, HEAD_MS);
	}
	if (len > HTTP_HEAD_MAX + 1)
		len = HTTP_HEAD_MAX + 1;
	p = (const char *)evbuffer_pullup(in, (ssize_t)len);
	n = http_scan(&c->scan, p, len);
	if (n > 0)
		take_request(c, p, (size_t)n);
	else if (n != ERR_MORE)
		client_refuse(c, (unsigned)http_scan_status(&c->scan, n));
	else if (c->ended)
		client_free(c);
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	if (c->state != CLIENT_IDLE && c->state != CLIENT_HEAD)
		return;
	if (c->ended && evbuffer_get_length(conn_input(c->conn)) == 0)
		close_lingering(c);
	else
		read_head(c);
}

/* --- the connection's events --- */

static void
on_connected(struct conn *conn, void *arg)
{
	struct client *c = arg;

	(void)conn;
	c->state = CLIENT_IDLE;
	conn_deadline(c->conn, KEEP_ALIVE_MS);
	next_later(c);
}

static void
on_readable(struct conn *conn, void *arg)
{
	struct client *c = arg;

	(void)conn;
	switch (c->state) {
	case CLIENT_IDLE:
	case CLIENT_HEAD:
		read_head(c);
		return;
	case CLIENT_OWN:
		own_readable(c);
		return;
	case CLIENT_EXCHANGE:
		exchange_client_readable(c->exchange);
		return;
	case CLIENT_HANDSHAKE:
	case CLIENT_SCREENING:
		return;
	}
}

static void
on_drained(struct conn *conn, void *arg)
{
	struct client *c = arg;

	(void)conn;
	if (c->state == CLIENT_EXCHANGE)
		exchange_client_drained(c->exchange);
	else if (c->state == CLIENT_IDLE || c->state == CLIENT_HEAD)
		next_later(c);
}

static void
on_ended(struct conn *conn, void *arg)
{
	struct client *c = arg;

	(void)conn;
	c->ended = true;
	if (c->state == CLIENT_IDLE || c->state == CLIENT_HEAD) {
		next_later(c);
		return;
	}
	/* A browser that closes a page looks like this, so it cancels what is
	 * under way; unless there is a pipeline behind it. */
	if (evbuffer_get_length(conn_input(c->conn)) == 0)
		client_free(c);
}

static void
on_failed(struct conn *conn, enum conn_failure why, void *arg)
{
	static struct log_rate rate;
	struct client *c = arg;

	if (why == CONN_TLS || c->state == CLIENT_HANDSHAKE) {
		STATS_UP(c->w->stats, handshake_failures);
		log_limited(&rate, 1000, LOG_LEVEL_DEBUG,
		    "TLS with client=%s failed: %.100s", conn_peer(conn),
		    conn_tls_error(conn));
	}
	client_free(c);
}

static const struct conn_ops client_ops = {
	.connected = on_connected,
	.readable = on_readable,
	.drained = on_drained,
	.ended = on_ended,
	.failed = on_failed,
};

void
client_new(struct worker *w, int fd, struct limits_slot *slot)
{
	struct client *c = mem_new(sizeof(*c));

	c->w = w;
	c->waiter.ready = on_screen_ready;
	c->waiter.arg = c;
	c->conn = conn_accepted(w->base, fd, &client_ops, c);
	conn_watermarks(c->conn, INPUT_HIGH, OUTPUT_LOW);
	event_assign(&c->next, w->base, -1, 0, on_next, c);
	TAILQ_INSERT_TAIL(&w->clients, c, link);
	worker_seat(w, c->conn, slot);
	STATS_UP(w->stats, accepted);
	if (w->tls != NULL) {
		c->tls = true;
		c->state = CLIENT_HANDSHAKE;
		conn_tls_server(c->conn, tls_ctx(w->tls), HANDSHAKE_MS);
		return;
	}
	c->state = CLIENT_IDLE;
	conn_deadline(c->conn, KEEP_ALIVE_MS);
}

void
client_drain(struct client *c)
{
	if (c->state != CLIENT_IDLE)
		return;
	if (c->used)
		close_lingering(c);
	else
		conn_deadline(c->conn, DRAIN_UNUSED_MS);
}
