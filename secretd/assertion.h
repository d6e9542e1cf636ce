/*
 * Client assertions (RFC 7523 2.2, OpenID Connect Core 9): JWTs by which
 * Doorward proves to the OpenID provider that it is the client it says.
 *   header  {"alg":ALG,"typ":"JWT","kid":KID}
 *   claims
 * {"iss":CLIENT,"sub":CLIENT,"aud":ISSUER,"jti":RANDOM,"iat":T,"exp":T+60}
 *
 * SECURITY: the signer writes every byte of what it signs by itself. Who asks
 * chooses nothing: a taken-over authd gets assertions of this client, for this
 * provider, for a minute, and no other JWT.
 *
 * The audience is the issuer, as RFC 7523 asks for anew since an endpoint's URL
 * may be one that another provider gave (draft-ietf-oauth-rfc7523bis).
 */
#ifndef SECRETD_ASSERTION_H
#define SECRETD_ASSERTION_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"

struct assertion_key;

#define ASSERTION_LIFE_S 60
#define ASSERTION_EARLY_S 5 /* iat is so long ago: clocks differ a little */

/* key: PEM; about: "text client id, text issuer" in the form of wire.h.
 * SIGNER_READY with *out, or SIGNER_BAD_KEY with a sentence for a person in
 * *why (static text). */
enum signer_state assertion_key_load(struct slice key, struct slice about,
    struct assertion_key **out, const char **why)
    __attribute__((warn_unused_result));
void assertion_key_free(struct assertion_key *k); /* wipes; NULL allowed */
/* "ES256 <kid>" */
const char *assertion_key_name(const struct assertion_key *k);
/* The public key, to be registered at the provider. */
const char *assertion_key_jwk(const struct assertion_key *k);
/* Makes one, with its NUL. 0, or ERR_CRYPTO. */
int assertion_key_make(const struct assertion_key *k, int64_t now_s,
    char jwt[MSG_ASSERTION_MAX + 1]) __attribute__((warn_unused_result));

#endif
