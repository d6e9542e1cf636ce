/* See jws_key.h. */
#include "secretd/jws_key.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/err.h"
#include "secretd/private_key.h"

#define NUMBER_MAX \
	MSG_SIGN_MAX /* bytes of the modulus of the largest RSA key */
#define TEXT_MAX B64URL_LEN(NUMBER_MAX)

/* How each kind of key signs, and what it is called. */
static const struct {
	const char *alg, *curve;
	struct sign_scheme scheme;
	size_t half; /* bytes of r, s and coordinates; 0: not EC */
} kinds[] = {
	[KEY_P256] = { "ES256", "P-256", { .digest = "SHA256" }, 32 },
	[KEY_P384] = { "ES384", "P-384", { .digest = "SHA384" }, 48 },
	[KEY_RSA] = { "RS256", NULL, { .digest = "SHA256" }, 0 },
	[KEY_ED25519] = { "EdDSA", "Ed25519", { .digest = NULL }, 0 },
};

/* A number of the public key in base64url: len bytes, 0: as many as it has. */
static int
number(EVP_PKEY *pkey, const char *name, size_t len, char text[TEXT_MAX + 1])
{
	uint8_t bytes[NUMBER_MAX];
	BIGNUM *n = NULL;
	int r = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 ? 0 : ERR_CRYPTO;

	if (r == 0 && len == 0)
		len = (size_t)BN_num_bytes(n);
	if (r == 0 &&
	    (len > sizeof(bytes) || BN_bn2binpad(n, bytes, (int)len) < 0))
		r = ERR_CRYPTO;
	if (r == 0)
		b64url_encode(text, bytes, len);
	BN_free(n);
	return r;
}

/* The members that a thumbprint is made of, in its order and without blanks
 * (RFC 7638 3.2, RFC 8037 2). */
static int
describe_ec(EVP_PKEY *pkey, enum key_kind kind, char *dst, size_t cap)
{
	size_t half = kinds[kind].half;
	char x[TEXT_MAX + 1], y[TEXT_MAX + 1];

	if (number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, half, x) < 0 ||
	    number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, half, y) < 0)
		return -1;
	return snprintf(dst, cap,
	    "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    kinds[kind].curve, x, y);
}

static int
describe_rsa(EVP_PKEY *pkey, enum key_kind kind, char *dst, size_t cap)
{
	char e[TEXT_MAX + 1], n[TEXT_MAX + 1];

	(void)kind;
	if (number(pkey, OSSL_PKEY_PARAM_RSA_E, 0, e) < 0 ||
	    number(pkey, OSSL_PKEY_PARAM_RSA_N, 0, n) < 0)
		return -1;
	return snprintf(
	    dst, cap, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);
}

static int
describe_okp(EVP_PKEY *pkey, enum key_kind kind, char *dst, size_t cap)
{
	uint8_t bytes[32];
	size_t len = sizeof(bytes);
	char x[B64URL_LEN(32) + 1];

	if (EVP_PKEY_get_raw_public_key(pkey, bytes, &len) != 1 ||
	    len != sizeof(bytes))
		return -1;
	b64url_encode(x, bytes, len);
	return snprintf(dst, cap,
	    "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"}", kinds[kind].curve,
	    x);
}

int
jws_describe(const struct private_key *key, struct jws_facts *out)
{
	static int (*const ways[])(
	    EVP_PKEY *, enum key_kind, char *, size_t) = {
		[KEY_P256] = describe_ec,
		[KEY_P384] = describe_ec,
		[KEY_RSA] = describe_rsa,
		[KEY_ED25519] = describe_okp,
	};
	enum key_kind kind = private_key_kind(key);
	uint8_t digest[32];
	char members[MSG_JWK_MAX + 1];
	int n =
	    ways[kind](private_key_pkey(key), kind, members, sizeof(members));

	ERR_clear_error();
	if (n <= 0 || (size_t)n >= sizeof(members) ||
	    EVP_Digest(members, (size_t)n, digest, NULL, EVP_sha256(), NULL) !=
		1)
		return ERR_CRYPTO;
	out->alg = kinds[kind].alg;
	b64url_encode(out->kid, digest, sizeof(digest));
	members[n - 1] = '\0'; /* without the last brace */
	n = snprintf(out->jwk, sizeof(out->jwk),
	    "%s,\"use\":\"sig\",\"alg\":\"%s\",\"kid\":\"%s\"}", members,
	    out->alg, out->kid);
	return n > 0 && (size_t)n < sizeof(out->jwk) ? 0 : ERR_CRYPTO;
}

/* RFC 7518 3.4: r and s of fixed length instead of ASN.1. */
static int
unwrap(uint8_t *sig, size_t *len, size_t half)
{
	const uint8_t *der = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)*len);
	int r = ERR_CRYPTO;

	if (s != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, (int)half) > 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + half, (int)half) > 0)
		r = 0;
	*len = 2 * half;
	ECDSA_SIG_free(s);
	ERR_clear_error();
	return r;
}

int
jws_sign(const struct private_key *key, struct slice input, uint8_t *sig,
    size_t *len)
{
	enum key_kind kind = private_key_kind(key);
	int r = private_key_sign(key, &kinds[kind].scheme, input, sig, len);

	if (r == 0 && kinds[kind].half > 0)
		r = unwrap(sig, len, kinds[kind].half);
	return r;
}
