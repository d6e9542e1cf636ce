/*
 * Client assertions for the OpenID provider (private_key_jwt: RFC 7523 2.2,
 * OpenID Connect Core 9). A signer that has the key of slot oidc-key makes them
 * whole; here is the way to it. secretd hands a channel out when it is asked:
 * at the first need, when secretd says that the key is another one, and when
 * the channel was lost.
 */
#ifndef AUTHD_OIDC_ASSERTION_H
#define AUTHD_OIDC_ASSERTION_H

#include <stddef.h>

struct assertion;
struct assertions;
struct authd;

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define ASSERTION_STATUS_MAX 320

/* authd is borrowed; its channel to secretd is used from the first need on. */
struct assertions *assertions_new(struct authd *authd);
/* What is under way is given up without done. NULL allowed. */
void assertions_free(struct assertions *all);

/* Asks secretd for a channel in place of the one there is: the key may be
 * another one. */
void assertions_ask(struct assertions *all);

/* err 0: a JWT, borrowed for the call; ERR_UNAVAILABLE: secretd or the signer
 * is away, or the key is of no use; jwt is NULL then. */
typedef void assertion_done_fn(int err, const char *jwt, void *arg);
/* done is called once, later, unless it is cancelled before. */
struct assertion *assertion_make(
    struct assertions *all, assertion_done_fn *done, void *arg);
void assertion_cancel(struct assertion *a);

/* "openid client key: ES256 <kid>\n", "away" or "not used yet", for the control
 * tool; returns the length. */
size_t assertions_status(
    const struct assertions *all, char text[ASSERTION_STATUS_MAX]);

#endif
