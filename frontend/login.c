/*
 * Our own pages to sign in and to see who one is. And what the form and Kiali's
 * /api/authenticate share.
 */
#include "frontend/authd.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/settings.h"
#include "frontend/own_internal.h"
#include "frontend/pages.h"

/* clang-format off */
static const struct {
	unsigned status;
	const char *sentence; /* when authd gives none */
} login_rows[LOGIN_CODE_COUNT] = {
	[LOGIN_OK]           = { 200, "" },
	[LOGIN_EXPIRED]      = { 401, "The token has expired. Make a new one." },
	[LOGIN_REJECTED]     = { 401, "The cluster does not accept this token. Check that it was copied whole, or make a new one." },
	[LOGIN_NO_NAMESPACE] = { 401, "The token is good, but its account may not see any namespace." },
	[LOGIN_FORBIDDEN]    = { 403, "The token is good, but its account may not sign in here." },
	[LOGIN_UNAVAILABLE]  = { 503, "The token cannot be checked at the moment. Try again in a moment." },
	[LOGIN_NOT_OFFERED]  = { 400, "Signing in with a token is not offered here." },
	[LOGIN_BUSY]         = { 429, "There were too many attempts. Wait a moment, then try again." },
};
/* clang-format on */

unsigned
own_login_status(enum login_code code)
{
	return login_rows[code].status;
}

struct slice
own_login_reason(enum login_code code, struct slice reason)
{
	return reason.len > 0 ? reason : slice_of(login_rows[code].sentence);
}

void
own_login(struct own *o, chan_reply_fn *done)
{
	char client[ORIGIN_CLIENT_MAX];
	struct slice token;

	/* A token pasted from a terminal brings a line end with it, or many
	 * when it was wrapped; browsers paste those as spaces. */
	form_strip(o->form, FORM_TOKEN);
	token = form_get(o->form, FORM_TOKEN);
	if (token.len == 0) {
		own_error(o, 400, "The token is empty: paste the whole token.");
		return;
	}
	origin_text(&o->c->req->origin, client);
	o->asked = authd_login_token(o->c->w->authd, token, client, done, o);
	if (o->endpoint == ENDPOINT_AUTHENTICATE) {
		form_free(o->form); /* the token is not needed any more */
		o->form = NULL;
	}
}

/* --- sign in --- */

static void
show_login(struct own *o, unsigned status, const char *error,
    struct slice go_to, const char *set_cookie)
{
	char root[COOKIE_LINE_MAX];
	struct http_out page;
	struct page_login p = { .error = error };

	p.go_to =
	    return_path_or_root(o->c->w->settings, go_to, root, sizeof(root));
	http_out_init(&page, (char *)o->c->w->scratch, PAGES_MAX);
	page_login(&page, o->c->w->settings, &p);
	own_page(o, status, &page, set_cookie);
}

/* Nobody signs in here: with anonymous nobody has to, with header the proxy in
 * front sees to it. */
static bool
has_login_page(const struct own *o)
{
	return o->c->w->settings->strategy != STRATEGY_ANONYMOUS &&
	    o->c->w->settings->strategy != STRATEGY_HEADER;
}

void
page_login_get(struct own *o)
{
	char go_to[RETURN_PATH_MAX + 1], root[COOKIE_LINE_MAX];

	if (!has_login_page(o)) {
		(void)return_path_or_root(o->c->w->settings,
		    (struct slice){ NULL, 0 }, root, sizeof(root));
		own_redirect(o, 302, root, NULL);
		return;
	}
	return_path_from_query(
	    o->c->req->http.query, "return", go_to, sizeof(go_to));
	show_login(o, 200, NULL, slice_of(go_to), NULL);
}

void
login_page_error(struct own *o, unsigned status, struct slice reason)
{
	char sentence[MSG_REASON_MAX + 1];
	struct slice go_to = { NULL, 0 };

	if (!has_login_page(o)) { /* a form that is none of ours */
		client_reply_status(o->c, status, false, 0, 0);
		return;
	}
	if (slice_copy(reason, sentence, sizeof(sentence)) != 0)
		sentence[0] = '\0';
	if (o->form != NULL)
		go_to = form_get(o->form, FORM_RETURN);
	show_login(o, status, sentence, go_to, NULL);
}

static void
on_login(int err, struct chan_in *in, void *arg)
{
	char line[COOKIE_LINE_MAX], cookie[MSG_COOKIE_MAX + 1];
	char root[COOKIE_LINE_MAX], path[RETURN_PATH_MAX + 1];
	struct authd_login a;
	struct own *o = arg;

	o->asked = 0;
	authd_read_login(&a, err, in);
	if (a.code == LOGIN_OK &&
	    (slice_copy(a.cookie, cookie, sizeof(cookie)) != 0 ||
		cookie_set(line, o->c->w->settings, o->c->req->secure, cookie,
		    a.expires_s) != 0))
		a.code = LOGIN_UNAVAILABLE;
	if (a.code != LOGIN_OK) {
		login_page_error(o, own_login_status(a.code),
		    own_login_reason(a.code, a.reason));
		return;
	}
	if (slice_copy(return_path_or_root(o->c->w->settings,
			   form_get(o->form, FORM_RETURN), root, sizeof(root)),
		path, sizeof(path)) != 0)
		snprintf(
		    path, sizeof(path), "%s/", o->c->w->settings->web_prefix);
	own_redirect(o, 303, path, line);
}

void
page_login_post(struct own *o)
{
	const struct slice nothing = { NULL, 0 };

	if (!has_login_page(o)) {
		page_login_get(o);
		return;
	}
	if (o->c->w->settings->strategy != STRATEGY_TOKEN) {
		login_page_error(
		    o, 400, own_login_reason(LOGIN_NOT_OFFERED, nothing));
		return;
	}
	own_login(o, on_login);
}

/* --- who am I --- */

static void
show_session(struct own *o, struct slice user, int64_t expires_s, bool drop)
{
	char line[COOKIE_LINE_MAX];
	struct page_session p = { user, expires_s, clock_unix_s() };
	struct http_out page;

	http_out_init(&page, (char *)o->c->w->scratch, PAGES_MAX);
	page_session(&page, o->c->w->settings, &p);
	own_page(o, 200, &page, drop ? own_drop_cookie(o, line) : NULL);
}

static void
on_session(int err, struct chan_in *in, void *arg)
{
	struct authd_session a;
	struct own *o = arg;

	o->asked = 0;
	authd_read_session(&a, err, in);
	switch (a.verdict) {
	case VERDICT_ALLOW:
		show_session(o, a.user, a.expires_s, false);
		return;
	case VERDICT_NO_SESSION:
	case VERDICT_EXPIRED:
	case VERDICT_REJECTED:
		show_session(o, (struct slice){ NULL, 0 }, 0, true);
		return;
	case VERDICT_FORBIDDEN:
		client_reply_status(o->c, 403, false, 0, 0);
		return;
	case VERDICT_UNAVAILABLE:
	case VERDICT_COUNT:
		client_reply_status(o->c, 503, false, 0, 5);
		return;
	}
}

void
page_session_get(struct own *o)
{
	const struct request *r = o->c->req;

	if (o->c->w->authd == NULL || r->cookie.len == 0 ||
	    !own_has_header(o)) {
		show_session(o, (struct slice){ NULL, 0 }, 0, true);
		return;
	}
	o->asked = own_ask_session(o, on_session);
}
