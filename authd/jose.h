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

#include <stdbool.h>

#include <jansson.h>

#include "authd/jwks.h"
#include "common/text.h"

struct jose;

/* Splits and checks the form of a token: header, claims (an object) and
 * signature. ERR_FORMAT: it is not a compact JWS that we accept; ERR_LIMIT: too
 * long. The token is not copied and must outlive the jose. */
int jose_parse(struct slice token, struct jose **out)
    __attribute__((warn_unused_result));
/* algs: the algorithms that may be used, bits 1u << enum jose_alg. ERR_DENIED:
 * another one; ERR_NOT_FOUND: no key in the set for this token; ERR_CRYPTO: the
 * signature is not by any of them. */
int jose_verify(const struct jose *j, const struct jwks *keys, unsigned algs)
    __attribute__((warn_unused_result));
/* Borrowed. */
const json_t *jose_claims(const struct jose *j);
enum jose_alg jose_alg_of(const struct jose *j);
/* Does the header say (typ) that this is a JWT for the purpose type, such as
 * "logout+jwt"? With or without "application/", in any case (RFC 7515 4.1.9).
 * Also when it says nothing: no typ, or "JWT", which every JWT is. type NULL:
 * only then. */
bool jose_is_for(const struct jose *j, const char *type);
void jose_free(struct jose *j); /* NULL allowed */

#endif
