/*
 * A set of public keys (RFC 7517) for verifying signatures. Keys of types, uses
 * or curves that we do not know are left out, as the RFC asks; a key that we
 * should know but that is malformed, weak or private refuses the whole set.
 */
#ifndef AUTHD_JWKS_H
#define AUTHD_JWKS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"

#define JWKS_TEXT_MAX 65536
#define JWKS_KEYS_MAX 64
#define JWKS_KID_MAX 256
#define JWKS_TRIES_MAX 8 /* keys tried for a token without kid */
#define JWKS_RSA_BITS_MIN 2048
#define JWKS_RSA_BITS_MAX 8192

struct evp_pkey_st;

/* The algorithms that we accept (RFC 7518 3.1, RFC 8037), a closed list. */
enum jose_alg {
	JOSE_RS256,
	JOSE_PS256,
	JOSE_ES256,
	JOSE_ES384,
	JOSE_EDDSA, /* Ed25519 */
	JOSE_ALG_COUNT
};
#define JOSE_ALGS_ALL ((1u << JOSE_ALG_COUNT) - 1) /* 1u << enum jose_alg */
enum jwk_type { JWK_RSA, JWK_P256, JWK_P384, JWK_ED25519 };

/* -1 for everything that is not on the list. */
int jose_alg_from(struct slice name);
enum jwk_type jose_alg_key_type(enum jose_alg alg);

struct jwks;

/* Reads a key set. On failure *why is a static sentence for the administrator:
 * ERR_FORMAT, ERR_LIMIT, ERR_CRYPTO (a key does not serve) or ERR_NOT_FOUND (no
 * key that we can use). */
int jwks_parse(struct slice text, struct jwks **out, const char **why)
    __attribute__((warn_unused_result));
void jwks_free(struct jwks *set); /* NULL allowed */
size_t jwks_count(const struct jwks *set);

/* The keys that may have made a signature: those of the algorithm's type, not
 * bound to another algorithm, with this kid; all of them when the token has no
 * kid. At most JWKS_TRIES_MAX; borrowed. Returns how many. */
size_t jwks_select(const struct jwks *set, enum jose_alg alg, bool has_kid,
    struct slice kid, struct evp_pkey_st *out[JWKS_TRIES_MAX]);

#endif
