/*
 * The part of Kiali's API that Doorward answers itself, as Kiali's own web UI
 * expects it: /api/auth/info, /api/authenticate, /api/logout.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "frontend/authd.h"
#include "frontend/own_internal.h"

#define JSON_MAX 8192

static void
put_json_string(struct http_out *j, struct slice text)
{
	size_t cap = 6 * text.len + 1, n;
	char *escaped = mem_new(cap);

	n = log_json_escape(
	    escaped, cap, text.p != NULL ? text.p : "", text.len);
	http_put_z(j, "\"");
	http_put(j, (struct slice){ escaped, n });
	http_put_z(j, "\"");
	secret_wipe(escaped, cap);
	free(escaped);
}

static void
reply_json(struct own *o, unsigned status, const struct http_out *j,
    const char *set_cookie, unsigned retry_after_s)
{
	struct reply r = { .status = status,
		.type = REPLY_JSON,
		.body = { j->p, j->len },
		.set_cookie = set_cookie,
		.retry_after_s = retry_after_s,
		.cors = o->c->w->settings->cors_allow_all };

	client_reply(o->c, &r);
}

void
api_error(struct own *o, unsigned status, struct slice error,
    struct slice detail, bool drop_cookie, unsigned retry_after_s)
{
	char text[JSON_MAX], line[COOKIE_LINE_MAX];
	struct http_out j;

	http_out_init(&j, text, sizeof(text));
	http_put_z(&j, "{\"error\":");
	put_json_string(&j, error);
	if (detail.len > 0) {
		http_put_z(&j, ",\"detail\":");
		put_json_string(&j, detail);
	}
	http_put_z(&j, "}");
	reply_json(o, status, &j, drop_cookie ? own_drop_cookie(o, line) : NULL,
	    retry_after_s);
}

void
api_oauth_error(
    struct own *o, unsigned status, const char *error, const char *description)
{
	char text[JSON_MAX];
	struct http_out j;

	http_out_init(&j, text, sizeof(text));
	http_put_z(&j, "{\"error\":");
	put_json_string(&j, slice_of(error));
	http_put_z(&j, ",\"error_description\":");
	put_json_string(&j, slice_of(description));
	http_put_z(&j, "}");
	reply_json(o, status, &j, NULL, 0);
}

/* --- /api/auth/info --- */

/* Where Kiali's UI sends people who have no session. */
static void
put_authorization_endpoint(struct http_out *j, const struct own *o)
{
	char text[BASE_URL_MAX + 32];
	struct base_url base;

	if (o->c->w->settings->strategy != STRATEGY_OPENID ||
	    request_base_url(&base, o->c->w->settings, o->c->req) != 0)
		return;
	snprintf(text, sizeof(text), "%s/api/auth/openid_redirect", base.text);
	http_put_z(j, "\"authorizationEndpoint\":");
	put_json_string(j, slice_of(text));
	http_put_z(j, ",");
}

static const char *
strategy_name(const struct settings *s)
{
	switch ((enum strategy)s->strategy) {
	case STRATEGY_TOKEN:
		return "token";
	case STRATEGY_OPENID:
		return "openid";
	case STRATEGY_HEADER:
		return "header";
	case STRATEGY_ANONYMOUS:
	case STRATEGY_OPENSHIFT:
		break;
	}
	return "anonymous";
}

/* user "": no session. The order of the fields is Kiali's. */
static void
reply_info(struct own *o, struct slice user, int64_t expires_s, bool drop)
{
	const struct settings *s = o->c->w->settings;
	char text[JSON_MAX], line[COOKIE_LINE_MAX],
	    date[CLOCK_RFC1123Z_LEN + 1];
	struct http_out j;

	http_out_init(&j, text, sizeof(text));
	http_put_z(&j, "{");
	put_authorization_endpoint(&j, o);
	http_put_z(&j, "\"sessionInfo\":{");
	if (user.len > 0) {
		clock_rfc1123z(date, expires_s);
		http_put_z(&j, "\"clusterInfo\":{");
		put_json_string(&j, slice_of(s->cluster_name));
		http_put_z(&j, ":{\"name\":");
		put_json_string(&j, slice_of(s->cluster_name));
		http_put_z(&j, "}},\"expiresOn\":");
		put_json_string(&j, slice_of(date));
		http_put_z(&j, ",\"username\":");
		put_json_string(&j, user);
	}
	http_put_z(&j, "},\"strategy\":\"");
	http_put_z(&j, strategy_name(s));
	http_put_z(&j, "\"}");
	reply_json(o, 200, &j, drop ? own_drop_cookie(o, line) : NULL, 0);
}

static void
on_info(int err, struct chan_in *in, void *arg)
{
	const struct slice nobody = { NULL, 0 };
	struct authd_session a;
	struct own *o = arg;

	o->asked = 0;
	authd_read_session(&a, err, in);
	switch (a.verdict) {
	case VERDICT_ALLOW:
		reply_info(o, a.user, a.expires_s, false);
		return;
	case VERDICT_NO_SESSION:
	case VERDICT_EXPIRED:
	case VERDICT_REJECTED:
		reply_info(o, nobody, 0, true);
		return;
	case VERDICT_FORBIDDEN:
	case VERDICT_UNAVAILABLE:
	case VERDICT_COUNT:
		/* Kiali never fails here: the UI would show a fatal error. */
		reply_info(o, nobody, 0, false);
		return;
	}
}

void
api_auth_info(struct own *o)
{
	const struct request *r = o->c->req;

	if (o->c->w->authd == NULL || r->cookie.len == 0 ||
	    !own_has_header(o)) {
		reply_info(
		    o, (struct slice){ NULL, 0 }, 0, o->c->w->authd != NULL);
		return;
	}
	o->asked = own_ask_session(o, on_info);
}

/* --- /api/authenticate --- */

static void
reply_logged_in(struct own *o, const struct authd_login *a)
{
	char text[JSON_MAX], line[COOKIE_LINE_MAX], date[CLOCK_RFC3339_LEN + 1];
	char cookie[MSG_COOKIE_MAX + 1];
	struct http_out j;

	if (slice_copy(a->cookie, cookie, sizeof(cookie)) != 0 ||
	    cookie_set(line, o->c->w->settings, o->c->req->secure, cookie,
		a->expires_s) != 0) {
		api_error(o, 503,
		    own_login_reason(LOGIN_UNAVAILABLE, a->reason),
		    (struct slice){ NULL, 0 }, false, 0);
		return;
	}
	clock_rfc3339(date, a->expires_s);
	http_out_init(&j, text, sizeof(text));
	http_put_z(&j, "{\n  \"expiresOn\": ");
	put_json_string(&j, slice_of(date));
	http_put_z(&j, ",\n  \"username\": ");
	put_json_string(&j, a->user);
	http_put_z(&j, "\n}");
	reply_json(o, 200, &j, line, 0);
}

/* Where Kiali has a text, that text is the error, to the letter: people search
 * for it and scripts compare it. Where Kiali has none, the sentence itself is,
 * because the UI shows nothing but `error`. detail always has the sentence. */
static struct slice
error_text(enum login_code code, struct slice reason)
{
	switch (code) {
	case LOGIN_EXPIRED:
	case LOGIN_REJECTED:
		return SLICE("token is not valid or is expired");
	case LOGIN_NO_NAMESPACE:
		return SLICE("not enough privileges to login");
	case LOGIN_OK:
	case LOGIN_FORBIDDEN:
	case LOGIN_UNAVAILABLE:
	case LOGIN_NOT_OFFERED:
	case LOGIN_BUSY:
	case LOGIN_CODE_COUNT:
		break;
	}
	return reason;
}

static void
on_login(int err, struct chan_in *in, void *arg)
{
	struct authd_login a;
	struct own *o = arg;
	struct slice reason;
	unsigned status;

	o->asked = 0;
	authd_read_login(&a, err, in);
	if (a.code == LOGIN_OK) {
		reply_logged_in(o, &a);
		return;
	}
	reason = own_login_reason(a.code, a.reason);
	status = own_login_status(a.code);
	api_error(o, status, error_text(a.code, reason), reason, status == 401,
	    a.code == LOGIN_BUSY ? 10 : 0);
}

/* The UI sends an empty token by itself: the proxy's is what counts. */
static void
authenticate_header(struct own *o)
{
	char client[ORIGIN_CLIENT_MAX];

	if (!own_has_header(o)) {
		api_error(o, 401, SLICE("Token is missing"),
		    (struct slice){ NULL, 0 }, true, 0);
		return;
	}
	origin_text(&o->c->req->origin, client);
	o->asked = authd_login_token(
	    o->c->w->authd, o->c->req->bearer, client, on_login, o);
}

void
api_authenticate(struct own *o)
{
	struct reply nothing = { .status = 200 };

	if (o->c->w->settings->strategy == STRATEGY_ANONYMOUS) {
		client_reply(o->c, &nothing);
		return;
	}
	if (o->c->w->settings->strategy == STRATEGY_HEADER) {
		authenticate_header(o);
		return;
	}
	if (o->c->w->settings->strategy != STRATEGY_TOKEN) {
		own_error(
		    o, 400, "Signing in with a token is not offered here.");
		return;
	}
	own_login(o, on_login);
}

/* --- /api/logout --- */

static void
reply_logged_out(struct own *o)
{
	char line[COOKIE_LINE_MAX];
	struct reply r = { .status = 204,
		.set_cookie = own_drop_cookie(o, line),
		.cors = o->c->w->settings->cors_allow_all };

	client_reply(o->c, &r);
}

/* The UI goes there. */
static void
reply_logout_at(struct own *o, struct slice location)
{
	size_t cap = 6 * location.len + 64;
	char *text = mem_new(cap), line[COOKIE_LINE_MAX];
	struct http_out j;

	http_out_init(&j, text, cap);
	http_put_z(&j, "{\"redirect_url\":");
	put_json_string(&j, location);
	http_put_z(&j, "}");
	reply_json(o, 200, &j, own_drop_cookie(o, line), 0);
	secret_wipe(text, cap); /* it holds an id_token */
	free(text);
}

static void
on_logout(int err, struct chan_in *in, void *arg)
{
	struct own *o = arg;
	struct authd_ended a = own_logout_read(o, err, in);

	o->asked = 0;
	/* The cookie stays when nobody has ended the session: a person who
	 * believes to be out must be. */
	if (!a.over)
		api_error(o, 503,
		    SLICE("You are still signed in: the sign-in service does "
			  "not answer. Try again in a moment."),
		    (struct slice){ NULL, 0 }, false, 5);
	else if (a.location.len > 0)
		reply_logout_at(o, a.location);
	else
		reply_logged_out(o);
}

void
api_logout(struct own *o)
{
	own_logout(o, reply_logged_out, on_logout);
}
