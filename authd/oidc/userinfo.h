/*
 * What the provider's userinfo endpoint says of somebody (OpenID Connect Core
 * 5.3), asked with the access token of the login. person.h compares its sub
 * with the id_token's, and reads the rest.
 */
#ifndef AUTHD_OIDC_USERINFO_H
#define AUTHD_OIDC_USERINFO_H

#include <jansson.h>

#include "common/text.h"

#include "authd/oidc/token_answer.h"

struct token_endpoint;

/* userinfo: an object without duplicate members, of at most
 * PERSON_USERINFO_MAX bytes, borrowed for the call; NULL with a fault. */
typedef void userinfo_done_fn(
    enum token_fault fault, const json_t *userinfo, void *arg);

/* access_token: visible ASCII; copied. TOKEN_REFUSED: there is no such
 * endpoint, it does not accept the token, or it answers with a signed JWT,
 * which we do not read. done is called once, from the loop, later than this
 * call; why there is a fault has been logged by then. */
void userinfo_get(struct token_endpoint *te, struct slice access_token,
    userinfo_done_fn *done, void *arg);

#endif
