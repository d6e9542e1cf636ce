/*
 * A private key as JOSE sees it: its algorithm (RFC 7518 3.1, RFC 8037), its
 * public half as a JWK, the JWK's thumbprint (RFC 7638) as key id, and
 * signatures in the form that a JWS has. RSA signs with RS256.
 */
#ifndef SECRETD_JWS_KEY_H
#define SECRETD_JWS_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "common/b64url.h"
#include "common/msg.h"
#include "common/text.h"

struct private_key;

#define JWS_KID_LEN B64URL_LEN(32)

struct jws_facts {
	const char *alg; /* "ES256"; static */
	char kid[JWS_KID_LEN + 1];
	char jwk[MSG_JWK_MAX + 1]; /* public, with kid, alg and use */
};

/* 0, or ERR_CRYPTO. */
int jws_describe(const struct private_key *key, struct jws_facts *out)
    __attribute__((warn_unused_result));
/* *len: capacity of sig on entry (MSG_SIGN_MAX is enough), length on success.
 * 0, ERR_LIMIT or ERR_CRYPTO. */
int jws_sign(const struct private_key *key, struct slice input, uint8_t *sig,
    size_t *len) __attribute__((warn_unused_result));

#endif
