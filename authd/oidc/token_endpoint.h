/*
 * The provider's token endpoint: redeems codes and refresh tokens (RFC 6749
 * 4.1.3 and 6, with PKCE, RFC 7636 4.5); and its revocation endpoint (RFC
 * 7009). How we prove there who we are is chosen in client_call.c.
 *
 * SECURITY: the client secret, codes, verifiers and tokens are in the forms
 * alone, which are wiped. Redirects are not followed, so nothing of it gets to
 * another server than the endpoint's own.
 */
#ifndef AUTHD_OIDC_TOKEN_ENDPOINT_H
#define AUTHD_OIDC_TOKEN_ENDPOINT_H

#include "common/text.h"

#include "authd/oidc/token_answer.h"

struct assertions;
struct fetch_client;
struct provider;
struct settings;
struct token_endpoint;

#define TOKEN_ENDPOINT_MS 10000 /* for a request */

/* All borrowed. assertions: what makes client assertions with the key of slot
 * oidc-key; NULL: there is no key. */
struct token_endpoint *token_endpoint_new(const struct settings *settings,
    struct provider *provider, struct fetch_client *client,
    struct assertions *assertions);
/* Before the fetch client, and without the loop between it and the provider's
 * end. What is under way is given up without done. NULL allowed. */
void token_endpoint_free(struct token_endpoint *te);
/* What is in slot oidc-secret, now or anew; empty: nothing. Until the first
 * time the methods that need to know are TOKEN_UNAVAILABLE. Copied. */
void token_endpoint_set_secret(struct token_endpoint *te, struct slice secret);

/* answer is borrowed for the call and never NULL; with a fault its detail is a
 * line for the log ("token endpoint: 401 invalid_client: ..."). */
typedef void token_done_fn(
    enum token_fault fault, const struct token_answer *answer, void *arg);

/* Everything is copied, and wiped when done. done is called once, from the
 * loop, later than this call. It must not end te. */
void token_endpoint_code(struct token_endpoint *te, struct slice code,
    const char *verifier, const char *redirect_uri, token_done_fn *done,
    void *arg);
void token_endpoint_refresh(struct token_endpoint *te,
    struct slice refresh_token, token_done_fn *done, void *arg);
/* hint: "refresh_token" or "access_token". TOKEN_OK also when the provider has
 * no revocation endpoint or does not revoke such tokens. */
void token_endpoint_revoke(struct token_endpoint *te, struct slice token,
    const char *hint, token_done_fn *done, void *arg);

#endif
