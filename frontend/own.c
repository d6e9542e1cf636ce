#include "frontend/own.h"

#include <stdlib.h>

#include <event2/buffer.h>

#include "common/audit.h"
#include "common/conn.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/settings.h"
#include "frontend/authd.h"
#include "frontend/own_internal.h"
#include "frontend/pages.h"

#define BODY_MAX (1024 * 1024)
#define PIECE_MAX 65536

static own_act_fn healthz, readyz;

/* clang-format off */
static const struct own_handler {
	own_act_fn *get, *post;
	bool is_page;
	enum { ANY_SITE, POST_SAME, SAME_ORIGIN } from; /* what other sites may
							   not ask for */
} handlers[ENDPOINT_COUNT] = {
	/* endpoint                        get                  post                page   from */
	[ENDPOINT_HEALTHZ]                = { healthz,             NULL,               false, POST_SAME },
	[ENDPOINT_READYZ]                 = { readyz,              NULL,               false, POST_SAME },
	[ENDPOINT_AUTH_INFO]              = { api_auth_info,       NULL,               false, POST_SAME },
	[ENDPOINT_AUTHENTICATE]           = { api_authenticate,    api_authenticate,   false, SAME_ORIGIN },
	[ENDPOINT_API_LOGOUT]             = { api_logout,          NULL,               false, SAME_ORIGIN },
	[ENDPOINT_LOGIN]                  = { page_login_get,      page_login_post,    true,  POST_SAME },
	[ENDPOINT_LOGOUT]                 = { page_logout_get,     page_logout_post,   true,  POST_SAME },
	[ENDPOINT_SIGNED_OUT]             = { page_signed_out_get, NULL,               true,  POST_SAME },
	[ENDPOINT_SESSION]                = { page_session_get,    NULL,               true,  POST_SAME },
	[ENDPOINT_OPENID_START]           = { openid_start,        NULL,               true,  ANY_SITE },
	[ENDPOINT_OPENID_CALLBACK]        = { openid_callback,     NULL,               true,  ANY_SITE },
	[ENDPOINT_BACKCHANNEL_LOGOUT]     = { NULL,                openid_backchannel, false, ANY_SITE },
	[ENDPOINT_FRONTCHANNEL_LOGOUT]    = { openid_frontchannel, NULL,               true,  ANY_SITE },
};
/* clang-format on */

static bool
is_post(const struct own *o)
{
	return o->c->req->http.method == HTTP_POST;
}

static void
act(struct own *o)
{
	const struct own_handler *h = &handlers[o->endpoint];

	(is_post(o) ? h->post : h->get)(o);
}

void
own_free(struct own *o)
{
	if (o == NULL)
		return;
	if (o->asked != 0)
		chan_cancel(o->c->w->authd, o->asked);
	form_free(o->form);
	free(o);
}

/* --- starting, and reading a form --- */

static void
refuse_cross_site(struct own *o)
{
	char client[ORIGIN_CLIENT_MAX];
	struct audit a;

	origin_text(&o->c->req->origin, client);
	audit_begin(&a, "AUDIT: Access denied");
	audit_str(&a, "client", client);
	audit_str(&a, "reason", "cross-site request to log in or out");
	audit_end(&a);
	own_error(
	    o, 403, "This request came from another site and was refused.");
}

static bool
needs_same_origin(const struct own *o)
{
	switch (handlers[o->endpoint].from) {
	case SAME_ORIGIN:
		return true;
	case POST_SAME:
		return is_post(o);
	case ANY_SITE:
		break;
	}
	return false;
}

static bool
needs_form(const struct own *o)
{
	return o->endpoint == ENDPOINT_BACKCHANNEL_LOGOUT ||
	    (is_post(o) && o->endpoint != ENDPOINT_LOGOUT &&
		o->c->w->settings->strategy == STRATEGY_TOKEN);
}

void
own_start(struct client *c, enum own_endpoint endpoint)
{
	struct own *o = mem_new(sizeof(*o));

	o->c = c;
	o->endpoint = endpoint;
	o->is_page = handlers[endpoint].is_page;
	c->own = o;
	if (needs_same_origin(o) &&
	    facts_cross_site(&c->req->http.fields, &c->req->origin)) {
		refuse_cross_site(o);
		return;
	}
	if (!is_post(o)) {
		act(o);
		return;
	}
	if (needs_form(o) && !facts_is_form(&c->req->http.fields)) {
		own_error(o, 400,
		    "The token must be sent as a form "
		    "(application/x-www-form-urlencoded).");
		return;
	}
	if (c->req->http.content_length > BODY_MAX) {
		own_error(o, 413, "The form is larger than 1 MB.");
		return;
	}
	o->form = form_new();
	client_continue(c);
	conn_min_rate(c->conn, CLIENT_BODY_RATE, CLIENT_BODY_PERIOD_MS);
	own_readable(c);
}

static void
body_complete(struct own *o)
{
	conn_min_rate(o->c->conn, 0, 0);
	switch (form_end(o->form)) {
	case 0:
		act(o);
		return;
	case ERR_LIMIT:
		own_error(o, 413, "The token is longer than 16 KB.");
		return;
	default:
		own_error(o, 400, "The form is not encoded properly.");
		return;
	}
}

void
own_readable(struct client *c)
{
	struct own *o = c->own;
	struct evbuffer *in = conn_input(c->conn);
	struct slice piece;
	size_t used;
	int r;

	if (o->form == NULL || o->asked != 0)
		return;
	do {
		r = body_peek(&c->req->body, in, PIECE_MAX, &piece, &used);
		if (r == ERR_FORMAT) {
			client_refuse(c, 400);
			return;
		}
		form_feed(o->form, piece.p, piece.len);
		o->body_len += piece.len;
		body_take_secret(in, used);
		if (o->body_len > BODY_MAX) {
			own_error(o, 413, "The form is larger than 1 MB.");
			return;
		}
	} while (r == ERR_MORE && used > 0);
	if (r == 0)
		body_complete(o);
	else if (c->ended)
		client_free(c); /* the rest of the form will never come */
}

/* --- what several endpoints share --- */

void
own_error(struct own *o, unsigned status, const char *sentence)
{
	if (o->endpoint == ENDPOINT_BACKCHANNEL_LOGOUT)
		openid_backchannel_error(o, status, sentence);
	else if (!o->is_page)
		api_error(o, status, slice_of(sentence),
		    (struct slice){ NULL, 0 }, false, 0);
	else if (o->endpoint == ENDPOINT_LOGIN && status != 403)
		login_page_error(o, status, slice_of(sentence));
	else
		client_reply_status(o->c, status, false, 0, 0);
}

const char *
own_drop_cookie(struct own *o, char line[COOKIE_LINE_MAX])
{
	const struct request *r = o->c->req;

	if (!r->carried_cookie ||
	    cookie_delete(line, o->c->w->settings, r->secure) != 0)
		return NULL;
	return line;
}

void
own_page(struct own *o, unsigned status, const struct http_out *page,
    const char *set_cookie)
{
	struct reply r = { .status = status,
		.type = REPLY_HTML,
		.body = { page->p, page->len },
		.csp = PAGES_CSP,
		.set_cookie = set_cookie };

	client_reply(o->c, &r);
}

void
own_redirect(
    struct own *o, unsigned status, const char *path, const char *set_cookie)
{
	struct reply r = {
		.status = status, .location = path, .set_cookie = set_cookie
	};

	client_reply(o->c, &r);
}

bool
own_has_header(const struct own *o)
{
	return o->c->w->settings->strategy != STRATEGY_HEADER ||
	    o->c->req->bearer.len > 0;
}

uint64_t
own_ask_session(struct own *o, chan_reply_fn *done)
{
	const struct request *r = o->c->req;
	struct slice token = { NULL, 0 };

	if (o->c->w->settings->strategy == STRATEGY_HEADER)
		token = r->bearer;
	return authd_session(o->c->w->authd, r->cookie, token, done, o);
}

bool
own_is_url(struct slice url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return false;
	return slice_starts(url, "https://") || slice_starts(url, "http://");
}

/* --- the endpoints that ask nobody --- */

static void
healthz(struct own *o)
{
	struct reply r = { .status = 200 };

	client_reply(o->c, &r);
}

static void
readyz(struct own *o)
{
	const struct worker *w = o->c->w;
	struct reply r = { .status = 200, .type = REPLY_TEXT };

	r.body = SLICE("ready\n");
	if (w->authd != NULL && !chan_is_ready(w->authd))
		r.body = SLICE("authd is not connected\n");
	else if (w->egress_failed)
		r.body = SLICE("egress does not accept connections\n");
	if (!slice_is(r.body, "ready\n"))
		r.status = 503;
	client_reply(o->c, &r);
}
