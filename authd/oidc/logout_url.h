/*
 * Where a browser goes to end its session at the provider as well (OpenID
 * Connect RP-Initiated Logout 1.0, section 2), with the parameters that Kiali
 * sends. Pure.
 *
 * SECURITY: the URL holds the id_token. It goes to the browser whose session it
 * was, and nowhere else: not into a log, not into a reason.
 */
#ifndef AUTHD_OIDC_LOGOUT_URL_H
#define AUTHD_OIDC_LOGOUT_URL_H

#include "common/text.h"

/* All borrowed. */
struct logout_url {
	const char *endpoint;  /* end_session_endpoint; a query stays */
	struct slice id_token; /* of the session; empty: there was none */
	const char *client_id; /* in place of an id_token */
	const char *return_to; /* post_logout_redirect_uri; "" none */
	const char *state;     /* comes back with the person; "" none */
};

/* The URL, its parameters sorted by name and encoded as Go's url.Values does
 * it; a name of ours in the endpoint's own query is replaced. An id_token with
 * which it would be longer than MSG_LOGOUT_URL_MAX is left out for client_id.
 * NULL: the endpoint is no http or https URL without fragment, or too long all
 * the same. For wiped_free. */
char *logout_url_make(const struct logout_url *q);

#endif
