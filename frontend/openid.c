/*
 * Signing in through an OpenID provider: the way there, the way back, and the
 * page for when it did not work. authd decides everything; what it says is
 * shown here. Nothing of a failed login ever redirects by itself, so there is
 * no loop.
 *
 * SECURITY: the query of a callback holds a code: it goes to authd and is
 * neither logged nor passed on as a referrer.
 */
#include <stdio.h>
#include <string.h>

#include "common/audit.h"
#include "common/b64url.h"
#include "common/log.h"
#include "common/settings.h"
#include "frontend/authd.h"
#include "frontend/own_internal.h"
#include "frontend/pages.h"
#include "frontend/return_path.h"

#define REFERENCE_LEN 10 /* as authd's */

_Static_assert(REFERENCE_LEN <= REQUEST_ID_MADE, "random characters enough");
_Static_assert(MSG_QUERY_MAX >= HTTP_TARGET_MAX, "every query fits");
_Static_assert(MSG_BASE_URL_MAX >= BASE_URL_MAX, "every base URL fits");
_Static_assert(MSG_RETURN_MAX <= RETURN_PATH_MAX, "a return path can be shown");

/* clang-format off */
static const char *const sentences[LOGIN_CODE_COUNT] = { /* when authd gives none */
	[LOGIN_OK]           = "",
	[LOGIN_EXPIRED]      = "The sign-in took too long. Begin again.",
	[LOGIN_REJECTED]     = "The answer of the provider cannot be accepted.",
	[LOGIN_NO_NAMESPACE] = "You are known to the provider, but this account may not see any namespace.",
	[LOGIN_FORBIDDEN]    = "You are known to the provider, but this account may not sign in here.",
	[LOGIN_UNAVAILABLE]  = "Signing in is not possible at the moment. Try again in a moment.",
	[LOGIN_NOT_OFFERED]  = "Signing in through a provider is not offered here.",
	[LOGIN_BUSY]         = "There were too many attempts. Wait a moment, then try again.",
};
/* clang-format on */

/* login_cookie: Set-Cookie, or NULL. */
static void
reply_failed(
    struct client *c, const struct page_failed *p, const char *login_cookie)
{
	struct reply r = { .status = own_login_status(p->code),
		.type = REPLY_HTML,
		.csp = PAGES_CSP,
		.set_login_cookie = login_cookie,
		.retry_after_s = p->code == LOGIN_BUSY ? 10 : 0,
		.no_referrer = true };
	struct http_out page;

	http_out_init(&page, (char *)c->w->scratch, PAGES_MAX);
	page_failed(&page, c->w->settings, p);
	r.body = (struct slice){ page.p, page.len };
	client_reply(c, &r);
}

/* p without its sentence; reason: authd's, "" for one of ours. */
static void
show_failed(struct own *o, struct page_failed *p, struct slice reason,
    const char *login_cookie)
{
	char sentence[MSG_REASON_MAX + 1];

	if (p->code == LOGIN_OK)
		p->code = LOGIN_UNAVAILABLE;
	p->sentence = sentences[p->code];
	if (reason.len > 0 &&
	    slice_copy(reason, sentence, sizeof(sentence)) == 0)
		p->sentence = sentence;
	if (!return_path_allowed(o->c->w->settings, p->go_to))
		p->go_to = (struct slice){ NULL, 0 };
	reply_failed(o->c, p, login_cookie);
}

/* authd has not heard of it, so it is said here; for the log as for the audit
 * trail under the reference that the page shows. */
static void
tell_no_login_cookie(const struct client *c, const char *reference)
{
	static struct log_rate rate;
	char client[ORIGIN_CLIENT_MAX];
	struct audit a;

	origin_text(&c->req->origin, client);
	log_limited(&rate, 1000, LOG_LEVEL_WARN,
	    "Authentication rejected: the browser came back without the login "
	    "cookie (blocked, expired, or another browser) (reference %s, "
	    "client %s)",
	    reference, client);
	audit_begin(&a, "AUDIT: Login failed");
	audit_str(&a, "client", client);
	audit_str(&a, "reason", "no login cookie");
	audit_str(&a, "reference", reference);
	audit_end(&a);
}

void
own_no_login_cookie(struct client *c)
{
	char reference[REQUEST_ID_MADE + 1];
	struct page_failed p = { .code = LOGIN_REJECTED,
		.sentence =
		    "You came back from the provider, but this browser did not "
		    "bring the cookie that the sign-in began with: it blocks "
		    "cookies for this site, or the sign-in began in another "
		    "browser or long ago." };

	facts_make_request_id(reference);
	reference[REFERENCE_LEN] = '\0';
	p.reference = slice_of(reference);
	tell_no_login_cookie(c, reference);
	reply_failed(c, &p, NULL);
}

/* --- to the provider --- */

/* Kiali's shell sends everybody without a session here by itself, and it is
 * what a callback without a login cookie falls through to: without cookies that
 * would go on for ever. */
static bool
came_back_without_cookie(const struct own *o)
{
	const struct request *r = o->c->req;
	struct slice rest = facts_referer(&r->http.fields, &r->origin);
	struct slice path = slice_cut(&rest, '?');

	return r->login_cookie.len == 0 &&
	    return_path_is_callback(o->c->w->settings, path, rest);
}

/* The parameter return, or the page that led here, as Kiali's shell does
 * without saying so, if it is allowed and fits; else "". dst may hold it. */
static struct slice
wanted_path(const struct own *o, char dst[3 * MSG_RETURN_MAX + 1])
{
	struct slice path;

	const struct request *r = o->c->req;

	return_path_from_query(
	    r->http.query, "return", dst, 3 * MSG_RETURN_MAX + 1);
	path = r->http.has_query ? slice_of(dst)
				 : facts_referer(&r->http.fields, &r->origin);
	if (path.len > MSG_RETURN_MAX ||
	    !return_path_allowed(o->c->w->settings, path))
		return (struct slice){ NULL, 0 };
	return path;
}

static void
on_started(int err, struct chan_in *in, void *arg)
{
	char line[COOKIE_LINE_MAX], cookie[MSG_LOGIN_COOKIE_MAX + 1];
	char location[MSG_LOCATION_MAX + 1], go_to[3 * MSG_RETURN_MAX + 1];
	struct page_failed p = { .rounds = 0 };
	struct reply r = { .status = 302,
		.location = location,
		.set_login_cookie = line,
		.no_referrer = true };
	struct authd_started a;
	struct own *o = arg;

	o->asked = 0;
	authd_read_oidc_start(&a, err, in);
	if (a.code == LOGIN_OK && own_is_url(a.location) &&
	    slice_copy(a.location, location, sizeof(location)) == 0 &&
	    slice_copy(a.login_cookie, cookie, sizeof(cookie)) == 0 &&
	    cookie_set_login(
		line, o->c->w->settings, o->c->req->secure, cookie) == 0) {
		client_reply(o->c, &r);
		return;
	}
	p.code = a.code;
	p.reference = a.reference;
	p.go_to = wanted_path(o, go_to);
	show_failed(o, &p, a.reason, NULL);
}

static void
base_url_failed(struct own *o)
{
	struct page_failed p = { .code = LOGIN_NOT_OFFERED };

	show_failed(o, &p,
	    SLICE("The address by which this server was reached is too long "
		  "to come back to."),
	    NULL);
}

void
openid_start(struct own *o)
{
	const struct request *r = o->c->req;
	char client[ORIGIN_CLIENT_MAX], why[MSG_WHY_MAX + 1];
	char go_to[3 * MSG_RETURN_MAX + 1];
	struct base_url base;
	const struct authd_start q = { .base_url = base.text,
		.why = why,
		.client = client,
		.return_path = wanted_path(o, go_to),
		.login_cookie = r->login_cookie };

	/* Nobody has clicked yet. */
	if (facts_prefetch(&r->http.fields)) {
		client_reply_status(o->c, 503, false, 0, 0);
		return;
	}
	if (came_back_without_cookie(o)) {
		own_no_login_cookie(o->c);
		return;
	}
	if (request_base_url(&base, o->c->w->settings, r) != 0) {
		base_url_failed(o);
		return;
	}
	snprintf(why, sizeof(why), "scheme: %s; host: %s; port: %s",
	    base.scheme_rule, base.host_rule, base.port_rule);
	origin_text(&r->origin, client);
	o->asked = authd_oidc_start(o->c->w->authd, &q, on_started, o);
}

/* --- and back --- */

/* Has state the form of one that authd made (authd/oidc/state.h)? */
static bool
may_be_ours(struct slice query)
{
	char state[MSG_STATE_MAX + 1];
	uint8_t sealed[MSG_STATE_MAX];
	size_t n;

	return_path_from_query(query, "state", state, sizeof(state));
	return strlen(state) >= MSG_STATE_MIN &&
	    b64url_decode(sealed, sizeof(sealed), &n, state, strlen(state)) ==
	    0;
}

bool
own_is_openid_callback(const struct settings *s, const struct request *r)
{
	return r->http.method == HTTP_GET &&
	    return_path_is_callback(s, r->http.path, r->http.query) &&
	    (r->login_cookie.len > 0 || may_be_ours(r->http.query));
}

/* line: the session's Set-Cookie; NULL: it is there already. */
static void
reply_signed_in(struct own *o, const struct authd_returned *a, const char *line,
    const char *login_cookie)
{
	char root[COOKIE_LINE_MAX], path[RETURN_PATH_MAX + 1];
	struct reply r = { .status = 303,
		.location = path,
		.set_cookie = line,
		.set_login_cookie = login_cookie,
		.no_referrer = true };

	if (slice_copy(return_path_or_root(o->c->w->settings, a->return_path,
			   root, sizeof(root)),
		path, sizeof(path)) != 0)
		r.location = root;
	client_reply(o->c, &r);
}

/* Somebody is signed in already, or comes from a provider of the console's own.
 * Answers then. */
static bool
is_nothing_to_do(struct own *o, const struct authd_returned *a)
{
	if (a->code != LOGIN_OK || a->cookie.len > 0)
		return false;
	if (a->user.len > 0)
		reply_signed_in(o, a, NULL, NULL);
	else if (o->c->req->login_cookie.len == 0)
		client_pass_on(o->c);
	else
		return false;
	return true;
}

static void
on_returned(int err, struct chan_in *in, void *arg)
{
	char line[COOKIE_LINE_MAX], login_line[COOKIE_LINE_MAX];
	char cookie[MSG_COOKIE_MAX + 1], login[MSG_LOGIN_COOKIE_MAX + 1];
	const char *login_cookie = NULL;
	struct page_failed p = { .rounds = 0 };
	struct authd_returned a;
	struct own *o = arg;
	const struct settings *s = o->c->w->settings;
	bool secure = o->c->req->secure;

	o->asked = 0;
	authd_read_oidc_callback(&a, err, in);
	if (a.login_cookie.len > 0 &&
	    slice_copy(a.login_cookie, login, sizeof(login)) == 0 &&
	    cookie_set_login(login_line, s, secure, login) == 0)
		login_cookie = login_line;
	if (a.code == LOGIN_OK && a.cookie.len > 0 &&
	    slice_copy(a.cookie, cookie, sizeof(cookie)) == 0 &&
	    cookie_set(line, s, secure, cookie, a.expires_s) == 0) {
		reply_signed_in(o, &a, line, login_cookie);
		return;
	}
	if (is_nothing_to_do(o, &a))
		return;
	p.code = a.code;
	p.reference = a.reference;
	p.rounds = a.rounds;
	p.go_to = a.return_path;
	show_failed(o, &p, a.reason, login_cookie);
}

void
openid_callback(struct own *o)
{
	const struct request *r = o->c->req;
	char client[ORIGIN_CLIENT_MAX];
	struct base_url base;
	struct authd_back q = { .base_url = base.text,
		.client = client,
		.query = r->http.query,
		.login_cookie = r->login_cookie,
		.cookie = r->cookie };

	if (request_base_url(&base, o->c->w->settings, r) != 0) {
		base_url_failed(o);
		return;
	}
	if (q.cookie.len > MSG_COOKIE_MAX)
		q.cookie = (struct slice){ NULL, 0 };
	origin_text(&r->origin, client);
	o->asked = authd_oidc_callback(o->c->w->authd, &q, on_returned, o);
}
