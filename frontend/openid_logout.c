/*
 * Logouts that begin at the OpenID provider: OpenID Connect Back-Channel Logout
 * 1.0, where its server calls, and Front-Channel Logout 1.0, where it shows our
 * page in a frame. authd checks who is meant.
 */
#include <stdio.h>

#include "common/settings.h"
#include "frontend/authd.h"
#include "frontend/own_internal.h"
#include "frontend/pages.h"
#include "frontend/return_path.h"

/* --- back channel --- */

void
openid_backchannel_error(struct own *o, unsigned status, const char *sentence)
{
	/* 2.8: as in OAuth 2.0 (RFC 6749 5.2). */
	api_oauth_error(o, status,
	    status == 503 ? "temporarily_unavailable" : "invalid_request",
	    sentence);
}

static void
on_backchannel(int err, struct chan_in *in, void *arg)
{
	struct reply done = { .status = 200 };
	char sentence[MSG_REASON_MAX + 1] = "";
	struct own *o = arg;
	struct slice reason;
	enum login_code code;

	o->asked = 0;
	code = authd_read_oidc_backchannel(&reason, err, in);
	if (code == LOGIN_OK) {
		client_reply(o->c, &done);
		return;
	}
	if (slice_copy(reason, sentence, sizeof(sentence)) != 0 ||
	    sentence[0] == '\0')
		snprintf(sentence, sizeof(sentence), "%s",
		    code == LOGIN_REJECTED
			? "The logout token was refused."
			: "The logout cannot be carried out now.");
	openid_backchannel_error(
	    o, code == LOGIN_REJECTED ? 400 : 503, sentence);
}

void
openid_backchannel(struct own *o)
{
	struct slice token = form_get(o->form, FORM_LOGOUT_TOKEN);
	char client[ORIGIN_CLIENT_MAX];

	if (token.len == 0) {
		openid_backchannel_error(
		    o, 400, "The field logout_token is missing.");
		return;
	}
	origin_text(&o->c->req->origin, client);
	o->asked = authd_oidc_backchannel(
	    o->c->w->authd, token, client, on_backchannel, o);
	form_free(o->form); /* the token is not needed any more */
	o->form = NULL;
}

/* --- front channel --- */

#define ORIGIN_MAX 256

/* "https://idp.example:8443" of the issuer; "'none'" when it is no URL. */
static void
issuer_origin(char dst[ORIGIN_MAX], const struct settings *s)
{
	struct slice rest = slice_of(s->openid.issuer), host;

	snprintf(dst, ORIGIN_MAX, "'none'");
	if (!own_is_url(rest))
		return;
	host = rest;
	(void)slice_cut(&rest, '/');
	(void)slice_cut(&rest, '/');
	(void)slice_cut(&rest, '/');
	if (rest.len > 0)
		host.len -= rest.len + 1;
	else if (host.p[host.len - 1] == '/')
		host.len--;
	for (size_t i = 0; i < host.len; i++)
		if (host.p[i] == ';' || host.p[i] == ',' || host.p[i] == '\'')
			return;
	if (host.len < ORIGIN_MAX)
		snprintf(dst, ORIGIN_MAX, "%.*s", SLICE_ARG(host));
}

static void
reply_frame(struct own *o, enum verdict v)
{
	char origin[ORIGIN_MAX], line[COOKIE_LINE_MAX];
	char csp[sizeof(PAGES_CSP) + ORIGIN_MAX];
	bool ended = v == VERDICT_ALLOW,
	     over = ended || v == VERDICT_NO_SESSION;
	struct reply r = { .status = 200,
		.type = REPLY_HTML,
		.csp = csp,
		.no_referrer = true,
		.may_be_framed = true };
	struct http_out page;

	if (v == VERDICT_UNAVAILABLE)
		r.status = 503;
	else if (!over)
		r.status = 400;
	issuer_origin(origin, o->c->w->settings);
	snprintf(csp, sizeof(csp), PAGES_CSP_FRAMED_BY "%s", origin);
	http_out_init(&page, (char *)o->c->w->scratch, PAGES_MAX);
	page_front_channel(&page, ended);
	r.body = (struct slice){ page.p, page.len };
	if (over)
		r.set_cookie = own_drop_cookie(o, line);
	client_reply(o->c, &r);
}

static void
on_frontchannel(int err, struct chan_in *in, void *arg)
{
	struct own *o = arg;

	o->asked = 0;
	reply_frame(o, authd_read_oidc_frontchannel(err, in));
}

void
openid_frontchannel(struct own *o)
{
	const struct request *r = o->c->req;
	char client[ORIGIN_CLIENT_MAX];
	char iss[MSG_BASE_URL_MAX + 1], sid[MSG_SUBJECT_MAX + 1];
	struct authd_front q = { .cookie = r->cookie, .client = client };

	return_path_from_query(r->http.query, "iss", iss, sizeof(iss));
	return_path_from_query(r->http.query, "sid", sid, sizeof(sid));
	q.iss = slice_of(iss);
	q.sid = slice_of(sid);
	/* 3: both or none. With none the cookie would have to say who is meant,
	 * and any page of this site could sign people out with a frame. */
	if (q.iss.len == 0 || q.sid.len == 0) {
		reply_frame(o, VERDICT_REJECTED);
		return;
	}
	if (q.cookie.len > MSG_COOKIE_MAX)
		q.cookie = (struct slice){ NULL, 0 };
	origin_text(&r->origin, client);
	o->asked =
	    authd_oidc_frontchannel(o->c->w->authd, &q, on_frontchannel, o);
}
