/*
 * Compact JWS (RFC 7515) with public keys, and nothing else of JOSE: no
 * unsigned tokens, no HMAC, no encryption, no keys or extensions that the token
 * brings along. Pure: no I/O, no clock.
 *
 * SECURITY: the algorithm comes from a closed list and must fit the key's type,
 * so a token cannot choose how its own signature is read (RFC 8725 3.1). What
 * jose_parse hands out is not verified; jose_verify is what makes it true.
 */
#ifndef AUTHD_JOSE_H
#define AUTHD_JOSE_H

#include <jansson.h>

#include "authd/jwks.h"
#include "common/text.h"

struct jose;

/* Splits and checks the form of a token: header, claims (an object) and
 * signature. ERR_FORMAT: it is not a compact JWS that we accept; ERR_LIMIT: too
 * long. The token is not copied and must outlive the jose. */
int jose_parse(struct slice token, struct jose **out)
    __attribute__((warn_unused_result));
/* ERR_NOT_FOUND: no key in the set for this token; ERR_CRYPTO: the signature
 * is not by any of them. */
int jose_verify(const struct jose *j, const struct jwks *keys)
    __attribute__((warn_unused_result));
/* Borrowed. */
const json_t *jose_claims(const struct jose *j);
void jose_free(struct jose *j); /* NULL allowed */

#endif
