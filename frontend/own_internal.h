/* What own.c, api.c, login.c, logout.c and openid*.c share: one request for an
 * own endpoint. */
#ifndef FRONTEND_OWN_INTERNAL_H
#define FRONTEND_OWN_INTERNAL_H

#include <stdint.h>

#include "common/chan.h"
#include "common/http/http.h"
#include "frontend/authd.h"
#include "frontend/client.h"
#include "frontend/cookie.h"
#include "frontend/form.h"
#include "frontend/own.h"
#include "frontend/router.h"

struct own {
	struct client *c;
	enum own_endpoint endpoint;
	struct form *form; /* of a POST */
	uint64_t body_len;
	uint64_t asked;	 /* request id at authd, 0: none */
	bool is_page;	 /* answers are for a person, else for Kiali's UI */
	bool everywhere; /* the logout */
};

typedef void own_act_fn(struct own *o);

/* All of these answer, so they may free the client and with it o. */

/* Kiali's API (api.c) */
own_act_fn api_auth_info, api_authenticate, api_logout;
/* Our pages (login.c, logout.c) */
own_act_fn page_login_get, page_login_post, page_logout_get, page_logout_post,
    page_signed_out_get, page_session_get;
/* Through a provider (openid.c, openid_logout.c) */
own_act_fn openid_start, openid_callback, openid_backchannel,
    openid_frontchannel;

/* {"error":"...","detail":"..."}; detail may be empty. */
void api_error(struct own *o, unsigned status, struct slice error,
    struct slice detail, bool drop_cookie, unsigned retry_after_s);
/* {"error":"...","error_description":"..."} of RFC 6749. */
void api_oauth_error(
    struct own *o, unsigned status, const char *error, const char *description);
/* The login page again, with a sentence about what is wrong. */
void login_page_error(struct own *o, unsigned status, struct slice reason);
/* Whatever kind of endpoint: refuses with a sentence. */
void own_error(struct own *o, unsigned status, const char *sentence);
/* Sends the login with the form's token to authd, and the answer to done. */
void own_login(struct own *o, chan_reply_fn *done);
/* STRATEGY_HEADER: is the proxy's token there? Else the session is nobody's. */
bool own_has_header(const struct own *o);
/* Whose session the request's is; when it has a cookie and a header. */
uint64_t own_ask_session(struct own *o, chan_reply_fn *done);
/* Has authd end the request's session, or with o->everywhere all of that
 * person, and sends the answer to answered; calls nobody when the request has
 * none. */
void own_logout(struct own *o, own_act_fn *nobody, chan_reply_fn *answered);
/* What that answer says. A location that is no URL is none. */
struct authd_ended own_logout_read(
    const struct own *o, int err, struct chan_in *in);
/* How Back-Channel Logout says that it does not work. */
void openid_backchannel_error(
    struct own *o, unsigned status, const char *sentence);
/* Is url absolute and for a browser to open? */
bool own_is_url(struct slice url);
/* The sentence for a login that failed: authd's, or one of our own. */
struct slice own_login_reason(enum login_code code, struct slice reason);
unsigned own_login_status(enum login_code code);
/* Set-Cookie that deletes, if the request carried the cookie; else NULL. */
const char *own_drop_cookie(struct own *o, char line[COOKIE_LINE_MAX]);
/* An HTML page that was written to page. */
void own_page(struct own *o, unsigned status, const struct http_out *page,
    const char *set_cookie);
void own_redirect(
    struct own *o, unsigned status, const char *path, const char *set_cookie);

#endif
