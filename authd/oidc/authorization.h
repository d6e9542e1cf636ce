/*
 * Where a browser is sent to sign in (RFC 6749 4.1.1, OpenID Connect Core
 * 3.1.2.1, PKCE by S256, RFC 7636 4.3): the provider's authorization endpoint
 * with the request as its query; or, after the request was pushed to the
 * provider (RFC 9126), with a reference to it.
 */
#ifndef AUTHD_OIDC_AUTHORIZATION_H
#define AUTHD_OIDC_AUTHORIZATION_H

#include "authd/oidc/token_answer.h"

struct token_endpoint;

struct authorization {
	const char *redirect_uri, *state, *nonce;
	const char *challenge; /* of S256 */
};

/* location: at most MSG_LOCATION_MAX characters, NULL with a fault; detail: why
 * there is one, for the log, else "". Borrowed for the call. */
typedef void authorization_done_fn(enum token_fault fault, const char *location,
    const char *detail, void *arg);

/* Pushes when doorward.openid.pushed_authorization_requests and the metadata
 * say so. TOKEN_REFUSED: they contradict each other, or the location is too
 * long. Everything is copied. done is called once, from the loop, later than
 * this call. */
void authorization_start(struct token_endpoint *te,
    const struct authorization *request, authorization_done_fn *done,
    void *arg);

#endif
