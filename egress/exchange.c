/* See exchange.h. */
#include "egress/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <event2/buffer.h>

#include "common/audit.h"
#include "common/conn.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "egress/body.h"
#include "egress/egress.h"
#include "egress/front.h"
#include "egress/inject.h"
#include "egress/lease.h"
#include "egress/response.h"
#include "egress/service.h"
#include "egress/services.h"
#include "egress/upstream.h"

#define IDLE_MS 600000	       /* silence in the middle of a response */
#define INTERIM_MAX 8	       /* 1xx responses before the real one */
#define AUDIT_REFUSED_MS 10000 /* per service */

enum state {
	STATE_IDLE,	  /* waits for a request */
	STATE_LEASE,	  /* waits for authd */
	STATE_CREDENTIAL, /* waits for what the upstream is to be sent */
	STATE_CONNECT,	  /* waits for a connection */
	STATE_RELAY,
	STATE_DROP, /* answered before the request was all here */
};

struct exchange {
	struct egress *eg;
	struct front *front;
	struct conn *up;
	enum state state;
	struct route route;
	struct service *service; /* where it goes */

	struct lease_wait *lease_wait;
	struct lease_holder holder;
	struct service_wait *service_wait;
	struct upstream_wait *up_wait;

	struct body_out sending;
	struct body_in receiving;
	struct http_scan scan;
	unsigned interim;
	unsigned token_version; /* of the access token that was sent */
	bool renewed;	   /* a 401 has led to another access token, once */
	bool reused;	   /* the connection came from the pool */
	bool request_sent; /* with the whole body */
	bool continued;	   /* the front has been told that the body may come */
	bool body_begun;   /* of the request: it cannot be sent again */
	bool head_done;	   /* the response's head has gone to the front */
	bool up_ended, up_keep;
};

static void exchange_read_up(struct exchange *x);
static void exchange_connect(struct exchange *x, bool fresh);
static void exchange_allowed(struct exchange *x);

/* --- ends --- */

static void
up_close(struct exchange *x)
{
	service_cancel(x->service_wait);
	x->service_wait = NULL;
	upstream_cancel(x->up_wait);
	x->up_wait = NULL;
	conn_free(x->up);
	x->up = NULL;
}

void
exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	lease_cancel(x->lease_wait);
	lease_release(&x->holder);
	up_close(x);
	free(x);
}

/* Nothing of this exchange is left to do. */
static void
exchange_end(struct exchange *x)
{
	lease_release(&x->holder);
	up_close(x);
	x->state = x->request_sent ? STATE_IDLE : STATE_DROP;
	x->front->ops->over(x->front, x->request_sent);
}

static void
audit_denied(const struct exchange *x, const char *why)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Access denied");
	audit_str(&a, "reason", why);
	audit_str(&a, "client", x->front->client);
	audit_str(&a, "method", http_method_name(x->front->q.method));
	audit_str(&a, "route", x->route.name);
	audit_end(&a);
}

static const char *const deny_reason[DENY_COUNT] = {
	[DENY_NO_SESSION] = "no session",
	[DENY_EXPIRED] = "session expired",
	[DENY_REJECTED] = "token no longer accepted",
	[DENY_FORBIDDEN] = "forbidden",
	[DENY_NO_ROUTE] = "no route",
	[DENY_METHOD] = "method not allowed",
	[DENY_UNAVAILABLE] = "no verdict to be had",
	[DENY_UPSTREAM_DOWN] = "upstream down",
	[DENY_UPSTREAM_TIMEOUT] = "upstream timed out",
	[DENY_UPSTREAM_BAD] = "upstream answered badly",
	[DENY_BAD_REQUEST] = "bad request",
	[DENY_REVOKED] = "session ended",
	[DENY_CREDENTIAL] = "credential unavailable",
};

/* One of both says why: the slot that is lacking, or the reason. */
static void
audit_credential(const struct exchange *x, const char *slot, const char *reason)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Credential unavailable");
	audit_str(&a, "service", service_name(x->service));
	audit_str(&a, "slot", slot);
	audit_str(&a, "reason", reason);
	audit_str(&a, "client", x->front->client);
	audit_str(&a, "method", http_method_name(x->front->q.method));
	audit_str(&a, "route", x->route.name);
	audit_end(&a);
}

static bool
deny_is_decision(enum deny why)
{
	return why != DENY_UPSTREAM_DOWN && why != DENY_UPSTREAM_TIMEOUT &&
	    why != DENY_UPSTREAM_BAD && why != DENY_CREDENTIAL;
}

/* Ends the exchange with a refusal, or, when the response has begun, by closing
 * the front, which the client sees as a cut-off response. */
static void
exchange_deny(struct exchange *x, enum deny why)
{
	if (deny_is_decision(why)) {
		x->eg->n_denied++;
		audit_denied(x, deny_reason[why]);
	} else {
		x->eg->n_failed++;
		log_debug("exchange failed: %s", deny_reason[why]);
	}
	if (why == DENY_CREDENTIAL)
		audit_credential(x, service_lacks(x->service), NULL);
	if (x->head_done) {
		x->front->ops->abort(x->front);
		return;
	}
	x->front->ops->deny(x->front, why);
	/* The body was never asked for. */
	if (x->state != STATE_RELAY && !x->continued)
		x->request_sent = true;
	exchange_end(x);
}

/* --- the response --- */

static void
response_finish(struct exchange *x)
{
	struct conn *up = x->up;

	x->front->ops->end(x->front);
	/* Surplus bytes, an unfinished request or a close: not used again. */
	if (x->up_keep && x->request_sent && !x->up_ended &&
	    evbuffer_get_length(conn_input(up)) == 0 &&
	    evbuffer_get_length(conn_output(up)) == 0) {
		x->up = NULL;
		upstream_put(service_upstream(x->service), up);
	}
	exchange_end(x);
}

/* Other requests to the service are refused just the same: one line of many. */
static void
audit_refused_credential(const struct exchange *x)
{
	static struct log_rate rate[SERVICE_COUNT];

	if (log_is_due(&rate[x->route.service], AUDIT_REFUSED_MS))
		audit_credential(x, NULL, "refused by the service");
}

static int
response_put_head(struct exchange *x, const struct http_response *from)
{
	const struct frame_request *q = &x->front->q;
	struct location place = { .settings = x->eg->settings,
		.route = &x->route,
		.host = q->host,
		.has_query = q->has_query,
		.query = q->query };
	char text[HTTP_HEAD_MAX];
	struct frame_response a;
	struct http_out room;
	enum response_fate fate;

	inject_response(&a, x->eg->settings, q->method, from);
	http_out_init(&room, text, sizeof(text));
	fate = response_filter(&a, &room, &place);
	if (fate == RESPONSE_UNAUTHORIZED)
		audit_refused_credential(x);
	if (fate != RESPONSE_PASSES)
		return ERR_DENIED;
	return x->front->ops->response(x->front, &a);
}

/* Would the same request do the same again, and can it be sent again? */
static bool
is_repeatable(const struct exchange *x)
{
	enum http_method method = x->front->q.method;

	return !x->head_done && !x->body_begun && method != HTTP_POST &&
	    method != HTTP_PATCH;
}

/* A 401 to an access token: once, another token is tried. */
static bool
token_is_stale(struct exchange *x)
{
	if (x->token_version == 0 ||
	    !service_refused(x->service, x->token_version))
		return false;
	if (x->renewed || !is_repeatable(x))
		return false;
	x->renewed = true;
	return true;
}

/* Reads one response head. 0: one is through; ERR_MORE; ERR_FORMAT; ERR_DENIED:
 * not for the client; ERR_EXPIRED: the request is to be sent again with another
 * access token. */
static int
response_head(struct exchange *x)
{
	struct evbuffer *in = conn_input(x->up);
	size_t len = evbuffer_get_length(in);
	struct http_response a;
	const char *p;
	long head;
	int err;

	if (len > HTTP_HEAD_MAX + 1)
		len = HTTP_HEAD_MAX + 1;
	if (len == 0)
		return x->up_ended ? ERR_FORMAT : ERR_MORE;
	p = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);
	head = http_scan(&x->scan, p, len);
	if (head == ERR_MORE)
		return x->up_ended ? ERR_FORMAT : ERR_MORE;
	if (head < 0 ||
	    http_parse_response(&a, x->front->q.method, p, (size_t)head) != 0)
		return ERR_FORMAT;
	x->scan = (struct http_scan){ 0 };
	if (a.status == 401 && token_is_stale(x))
		return ERR_EXPIRED;
	if (a.status < 200) {
		evbuffer_drain(in, (size_t)head);
		return a.status == 101 || ++x->interim > INTERIM_MAX
		    ? ERR_FORMAT
		    : response_head(x);
	}
	err = response_put_head(x, &a);
	evbuffer_drain(in, (size_t)head);
	body_in_init(&x->receiving, a.body, a.content_length);
	x->up_keep = a.keep_alive && a.body != HTTP_BODY_CLOSE;
	x->head_done = err == 0;
	x->reused = false; /* it has answered: not to be asked again */
	return err;
}

/* A kept connection that the upstream closed just now: once more on a fresh
 * one, where that cannot do anything twice. */
static bool
exchange_retry(struct exchange *x)
{
	if (!x->reused || !is_repeatable(x) || x->interim > 0 ||
	    evbuffer_get_length(conn_input(x->up)) > 0)
		return false;
	up_close(x);
	exchange_connect(x, true);
	return true;
}

static void
exchange_renew(struct exchange *x)
{
	up_close(x);
	exchange_allowed(x);
}

/* The limits count only while the upstream is the one to move: not while the
 * client takes its time with an upload or with reading. */
static void
up_deadline(struct exchange *x)
{
	bool full = evbuffer_get_length(conn_output(x->front->conn)) >=
	    FRONT_HIGH_WATER;
	uint32_t ms = x->head_done ? IDLE_MS : x->eg->head_ms;

	conn_deadline(x->up, full || !x->request_sent ? 0 : ms);
}

static void
exchange_read_up(struct exchange *x)
{
	int err = 0;

	if (x->up == NULL || x->state != STATE_RELAY)
		return;
	if (!x->head_done)
		err = response_head(x);
	if (err == 0)
		err = body_in_move(&x->receiving, conn_input(x->up),
		    x->up_ended, conn_output(x->front->conn), FRONT_HIGH_WATER,
		    x->front->put);
	if (err == 0)
		response_finish(x);
	else if (err == ERR_MORE)
		up_deadline(x);
	else if (err == ERR_EXPIRED)
		exchange_renew(x);
	else if (!exchange_retry(x))
		exchange_deny(x, DENY_UPSTREAM_BAD);
}

static void
up_readable(struct conn *c, void *arg)
{
	(void)c;
	exchange_read_up(arg);
}

static void
up_drained(struct conn *c, void *arg)
{
	struct exchange *x = arg;

	(void)c;
	x->front->ops->resume(x->front);
}

static void
up_ended(struct conn *c, void *arg)
{
	struct exchange *x = arg;

	(void)c;
	x->up_ended = true;
	exchange_read_up(x);
}

static void
up_failed(struct conn *c, enum conn_failure why, void *arg)
{
	struct exchange *x = arg;

	(void)c;
	if (why == CONN_DEADLINE)
		exchange_deny(x, DENY_UPSTREAM_TIMEOUT);
	else if (!exchange_retry(x))
		exchange_deny(x, DENY_UPSTREAM_DOWN);
}

static const struct conn_ops up_ops = {
	.readable = up_readable,
	.drained = up_drained,
	.ended = up_ended,
	.failed = up_failed,
};

/* --- the request --- */

/* The credential as it is now, which may be newer than the one that was waited
 * for. false: it is gone. */
static bool
request_credential(struct exchange *x, struct inject_fields *out)
{
	if (!service_fields(x->service, out))
		return false;
	x->token_version = service_token_version(x->service);
	if (x->holder.lease != NULL && x->route.inject == INJECT_USER_TOKEN)
		out->bearer = lease_token(x->holder.lease);
	return true;
}

/* ERR_LIMIT: does not fit. The frames' own limits should not let that happen;
 * if it did, a body without its head would become a request of its own.
 * ERR_UNAVAILABLE: no credential. */
static int
request_send_head(struct exchange *x)
{
	struct egress *eg = x->eg;
	struct inject_to to = {
		.at = upstream_url(service_upstream(x->service)),
		.is_console = x->route.service == SERVICE_NONE,
		.base = x->route.base,
		.rest = x->route.rest,
	};
	struct http_out head;
	int r = ERR_LIMIT;

	if (!request_credential(x, &to.credential))
		return ERR_UNAVAILABLE;
	http_out_init(&head, (char *)eg->scratch, sizeof(eg->scratch));
	inject_request(&head, eg->settings, &x->front->q, &to);
	if (!head.overflow)
		r = body_out_head(conn_output(x->up), head.p, head.len);
	secret_wipe(head.p, head.len);
	return r;
}

static void
exchange_relay(struct exchange *x, struct conn *c)
{
	const struct frame_request *q = &x->front->q;
	int err;

	x->up = c;
	conn_set_owner(c, &up_ops, x);
	conn_watermarks(c, FRONT_HIGH_WATER, FRONT_LOW_WATER);
	err = request_send_head(x);
	if (err != 0) {
		exchange_deny(x,
		    err == ERR_UNAVAILABLE ? DENY_CREDENTIAL
					   : DENY_BAD_REQUEST);
		return;
	}
	x->state = STATE_RELAY;
	x->request_sent = q->body == HTTP_BODY_NONE;
	x->scan = (struct http_scan){ 0 };
	body_out_init(&x->sending, q->body, q->content_length);
	up_deadline(x);
	if (!x->request_sent && !x->continued) {
		x->continued = true;
		x->front->ops->proceed(x->front);
	}
	exchange_read_up(x);
}

static void
exchange_connected(int err, struct conn *c, void *arg)
{
	struct exchange *x = arg;

	x->up_wait = NULL;
	if (err != 0)
		exchange_deny(x,
		    err == ERR_TIMEOUT ? DENY_UPSTREAM_TIMEOUT
				       : DENY_UPSTREAM_DOWN);
	else
		exchange_relay(x, c);
}

static void
exchange_connect(struct exchange *x, bool fresh)
{
	struct upstream *to = service_upstream(x->service);
	struct conn *c = fresh ? NULL : upstream_idle(to);

	x->state = STATE_CONNECT;
	x->reused = c != NULL;
	if (c != NULL)
		exchange_relay(x, c);
	else
		x->up_wait = upstream_connect(to, exchange_connected, x);
}

static enum deny
deny_of_cut(enum verdict why)
{
	if (why == VERDICT_UNAVAILABLE)
		return DENY_UNAVAILABLE;
	/* The session goes on, this route is closed to it. */
	return why == VERDICT_FORBIDDEN ? DENY_FORBIDDEN : DENY_REVOKED;
}

static void
exchange_cut(struct lease_holder *h, enum verdict why)
{
	struct exchange *x = (struct exchange *)(void *)((char *)h -
	    offsetof(struct exchange, holder));

	lease_release(h);
	exchange_deny(x, deny_of_cut(why));
}

static enum deny
deny_of(enum verdict verdict)
{
	static const enum deny map[VERDICT_COUNT] = {
		[VERDICT_ALLOW] = DENY_UNAVAILABLE, /* never asked */
		[VERDICT_NO_SESSION] = DENY_NO_SESSION,
		[VERDICT_EXPIRED] = DENY_EXPIRED,
		[VERDICT_REJECTED] = DENY_REJECTED,
		[VERDICT_FORBIDDEN] = DENY_FORBIDDEN,
		[VERDICT_UNAVAILABLE] = DENY_UNAVAILABLE,
	};

	return map[verdict];
}

static void
exchange_ready(int err, void *arg)
{
	struct exchange *x = arg;

	x->service_wait = NULL;
	if (err != 0)
		exchange_deny(x, DENY_CREDENTIAL);
	else
		exchange_connect(x, false);
}

/* The request may pass. What the upstream is to be told of itself, its
 * credential, is waited for: without it nothing goes there. */
static void
exchange_allowed(struct exchange *x)
{
	int err;

	x->state = STATE_CREDENTIAL;
	x->service = services_get(x->eg, x->route.service);
	if (x->service == NULL) {
		exchange_deny(x, DENY_NO_ROUTE);
		return;
	}
	err =
	    service_authorize(x->service, exchange_ready, x, &x->service_wait);
	if (err != ERR_MORE)
		exchange_ready(err, x);
}

static void
exchange_leased(enum verdict verdict, struct lease *lease, void *arg)
{
	struct exchange *x = arg;

	x->lease_wait = NULL;
	if (verdict != VERDICT_ALLOW) {
		exchange_deny(x, deny_of(verdict));
		return;
	}
	lease_hold(lease, &x->holder);
	exchange_allowed(x);
}

static void
exchange_authorise(struct exchange *x)
{
	struct slice value = x->front->q.session;
	enum credential kind = CREDENTIAL_COOKIE;

	if (value.len == 0) {
		value = x->front->q.bearer;
		kind = CREDENTIAL_BEARER;
	}
	if (value.len == 0) {
		exchange_deny(x, DENY_NO_SESSION);
		return;
	}
	x->state = STATE_LEASE;
	x->lease_wait = lease_get(x->eg->leases, kind, value, x->route.name,
	    x->front->client, exchange_leased, x);
}

/* The one decision: the route of the parsed request. */
void
exchange_start(struct exchange *x)
{
	x->eg->n_requests++;
	x->request_sent = x->body_begun = x->head_done = false;
	x->continued = x->renewed = false;
	x->token_version = 0;
	x->up_ended = x->up_keep = x->reused = false;
	x->interim = 0;
	x->route = x->front->ops->route(x->front);
	switch (x->route.kind) {
	case ROUTE_SESSION:
		exchange_authorise(x);
		return;
	case ROUTE_PUBLIC:
		exchange_allowed(x);
		return;
	case ROUTE_METHOD:
		exchange_deny(x, DENY_METHOD);
		return;
	case ROUTE_OWN:
	case ROUTE_SLASH:
	case ROUTE_NONE:
		break;
	}
	exchange_deny(x, DENY_NO_ROUTE);
}

/* --- what the front brings --- */

struct exchange *
exchange_new(struct egress *eg, struct front *front)
{
	struct exchange *x = mem_new(sizeof(*x));

	x->eg = eg;
	x->front = front;
	x->holder.cut = exchange_cut;
	return x;
}

bool
exchange_is_idle(const struct exchange *x)
{
	return x->state == STATE_IDLE;
}

bool
exchange_takes_body(const struct exchange *x)
{
	return x->state == STATE_RELAY &&
	    evbuffer_get_length(conn_output(x->up)) < FRONT_HIGH_WATER;
}

int
exchange_body(struct exchange *x, struct evbuffer *in, size_t len)
{
	if (x->request_sent)
		return ERR_PROTOCOL;
	x->body_begun = true;
	return body_out_data(&x->sending, in, len, conn_output(x->up));
}

int
exchange_body_end(struct exchange *x)
{
	int err;

	if (x->request_sent)
		return ERR_PROTOCOL;
	x->body_begun = true;
	err = body_out_end(&x->sending, conn_output(x->up));
	if (err != 0)
		return err;
	x->request_sent = true;
	up_deadline(x);
	return 0;
}

void
exchange_dropped(struct exchange *x)
{
	assert(x->state == STATE_DROP);
	x->state = STATE_IDLE;
}

void
exchange_drained(struct exchange *x)
{
	exchange_read_up(x);
}
