/*
 * Compact JWS with public keys; see the header.
 */
#include "authd/jose.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/secret.h"

#define HEADER_MAX 4096
#define SIGNATURE_MAX (JWKS_RSA_BITS_MAX / 8)
#define DER_SIGNATURE_MAX 128 /* two integers of 48 bytes and their heads */

struct jose {
	enum jose_alg alg;
	bool has_kid;
	struct slice kid;   /* borrowed from header */
	struct slice typ;   /* too; p NULL: none */
	struct slice input; /* what is signed: header and claims, encoded */
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_len;
	json_t *header, *claims;
};

/* Members by which a token would choose or bring its key, or ask for rules
 * that we do not follow (RFC 7515 4.1, RFC 7797). */
/* clang-format off */
static const char *const refused_members[] = {
	"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk",
};
/* clang-format on */

static int
decode_object(struct slice text, size_t max, json_t **out)
{
	size_t cap = text.len, len;
	uint8_t *bytes;
	int r;

	if (cap == 0)
		return ERR_FORMAT;
	if (cap > max)
		return ERR_LIMIT;
	bytes = mem_new(cap);
	r = b64url_decode(bytes, cap, &len, text.p, text.len);
	if (r == 0)
		r = json_strict_parse(
		    (struct slice){ (const char *)bytes, len }, max, out);
	secret_wipe(bytes, cap);
	free(bytes);
	return r;
}

static int
read_header(struct jose *j)
{
	struct slice text;
	int r;

	for (size_t i = 0;
	     i < sizeof(refused_members) / sizeof(refused_members[0]); i++)
		if (json_object_get(j->header, refused_members[i]) != NULL)
			return ERR_FORMAT;
	if (json_strict_text(j->header, "alg", &text) != 0)
		return ERR_FORMAT;
	r = jose_alg_from(text);
	if (r < 0)
		return ERR_FORMAT;
	j->alg = (enum jose_alg)r;
	r = json_strict_text(j->header, "kid", &j->kid);
	j->has_kid = r == 0;
	if (r == ERR_FORMAT)
		return r;
	r = json_strict_text(j->header, "typ", &j->typ);
	return r == ERR_FORMAT ? r : 0;
}

static int
parse_parts(struct slice token, struct jose *j)
{
	struct slice rest = token;
	struct slice header = slice_cut(&rest, '.');
	struct slice claims = slice_cut(&rest, '.');
	int r;

	/* Exactly two dots: five parts would be an encrypted token. */
	if (rest.p == NULL || rest.len == 0 ||
	    memchr(rest.p, '.', rest.len) != NULL)
		return ERR_FORMAT;
	j->input = (struct slice){ token.p, header.len + 1 + claims.len };
	r = decode_object(header, HEADER_MAX, &j->header);
	if (r == 0)
		r = read_header(j);
	if (r == 0)
		r = decode_object(claims, MSG_TOKEN_MAX, &j->claims);
	if (r == 0)
		r = b64url_decode(j->signature, sizeof(j->signature),
		    &j->signature_len, rest.p, rest.len);
	return r;
}

int
jose_parse(struct slice token, struct jose **out)
{
	struct jose *j;
	int r;

	if (token.len > MSG_TOKEN_MAX)
		return ERR_LIMIT;
	j = mem_new(sizeof(*j));
	r = parse_parts(token, j);
	if (r != 0) {
		jose_free(j);
		return r;
	}
	*out = j;
	return 0;
}

void
jose_free(struct jose *j)
{
	if (j == NULL)
		return;
	json_decref(j->header);
	json_decref(j->claims);
	secret_wipe(j, sizeof(*j));
	free(j);
}

const json_t *
jose_claims(const struct jose *j)
{
	return j->claims;
}

enum jose_alg
jose_alg_of(const struct jose *j)
{
	return j->alg;
}

bool
jose_is_for(const struct jose *j, const char *type)
{
	static const char media[] = "application/";
	struct slice typ = j->typ;

	if (typ.p == NULL)
		return true;
	if (slice_starts_nocase(typ, media)) {
		typ.p += sizeof(media) - 1;
		typ.len -= sizeof(media) - 1;
	}
	return slice_is_nocase(typ, "JWT") ||
	    (type != NULL && slice_is_nocase(typ, type));
}

/* RFC 7518 3.4: r and s, each of the curve's length; OpenSSL wants DER. */
static int
raw_to_der(const struct jose *j, size_t half, uint8_t der[DER_SIGNATURE_MAX],
    size_t *len)
{
	ECDSA_SIG *sig;
	BIGNUM *r = NULL, *s = NULL;
	uint8_t *end = der;
	int n = 0;

	if (j->signature_len != 2 * half)
		return ERR_CRYPTO;
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(j->signature, (int)half, NULL);
	s = BN_bin2bn(j->signature + half, (int)half, NULL);
	if (sig != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* sig owns them now */
		if (i2d_ECDSA_SIG(sig, NULL) <= DER_SIGNATURE_MAX)
			n = i2d_ECDSA_SIG(sig, &end);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (n <= 0)
		return ERR_CRYPTO;
	*len = (size_t)n;
	return 0;
}

/* RFC 7518 3.5: PSS with MGF1 and a salt as long as the digest. */
static bool
set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
	    1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, "SHA256", NULL) == 1;
}

static bool
verify_with(const struct jose *j, EVP_PKEY *key, const char *digest,
    const uint8_t *signature, size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL; /* md's */
	bool good = false;

	if (md != NULL &&
	    EVP_DigestVerifyInit_ex(md, &ctx, digest, NULL, NULL, key, NULL) ==
		1 &&
	    (j->alg != JOSE_PS256 || set_pss(ctx)))
		good = EVP_DigestVerify(md, signature, len,
			   (const uint8_t *)j->input.p, j->input.len) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}

int
jose_verify(const struct jose *j, const struct jwks *keys, unsigned algs)
{
	/* clang-format off */
	static const struct {
		const char *digest;
		size_t half; /* of an ECDSA signature */
	} rules[JOSE_ALG_COUNT] = {
		[JOSE_RS256] = { "SHA256", 0 },
		[JOSE_PS256] = { "SHA256", 0 },
		[JOSE_ES256] = { "SHA256", 32 },
		[JOSE_ES384] = { "SHA384", 48 },
		[JOSE_EDDSA] = { NULL,     0 },
	};
	/* clang-format on */
	EVP_PKEY *candidates[JWKS_TRIES_MAX];
	uint8_t der[DER_SIGNATURE_MAX];
	const uint8_t *signature = j->signature;
	size_t len = j->signature_len;
	size_t n;

	if ((algs & 1u << j->alg) == 0)
		return ERR_DENIED;
	n = jwks_select(keys, j->alg, j->has_kid, j->kid, candidates);
	if (n == 0)
		return ERR_NOT_FOUND;
	if (rules[j->alg].half > 0) {
		if (raw_to_der(j, rules[j->alg].half, der, &len) != 0)
			return ERR_CRYPTO;
		signature = der;
	}
	for (size_t i = 0; i < n; i++)
		if (verify_with(
			j, candidates[i], rules[j->alg].digest, signature, len))
			return 0;
	return ERR_CRYPTO;
}
