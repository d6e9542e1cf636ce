/* See token.h. */
#include "tests/peer/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "common/b64url.h"
#include "common/mem.h"

#define MODULUS_LEN 256
#define HEADER(alg) "{\"alg\":\"" alg "\",\"kid\":\"peer\"}"

static EVP_PKEY *issuer, *stranger;

void
token_issuer_new(void)
{
	issuer = EVP_RSA_gen(MODULUS_LEN * 8);
	stranger = EVP_RSA_gen(MODULUS_LEN * 8);
	ck_assert_ptr_nonnull(issuer);
	ck_assert_ptr_nonnull(stranger);
}

static void
modulus(char dst[B64URL_LEN(MODULUS_LEN) + 1])
{
	unsigned char bytes[MODULUS_LEN];
	BIGNUM *n = NULL;

	ck_assert_int_eq(
	    EVP_PKEY_get_bn_param(issuer, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	ck_assert_int_eq(
	    BN_bn2binpad(n, bytes, sizeof(bytes)), (int)sizeof(bytes));
	BN_free(n);
	b64url_encode(dst, bytes, sizeof(bytes));
}

char *
token_key_set(void)
{
	char n[B64URL_LEN(MODULUS_LEN) + 1];

	modulus(n);
	return mem_printf("{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\","
			  "\"alg\":\"RS256\",\"kid\":\"peer\",\"n\":\"%s\","
			  "\"e\":\"AQAB\"}]}",
	    n);
}

static size_t
put(char *dst, size_t at, const char *text)
{
	ck_assert_uint_lt(at + B64URL_LEN(strlen(text)) + 2, TOKEN_CAP);
	b64url_encode(dst + at, text, strlen(text));
	return at + B64URL_LEN(strlen(text));
}

/* The part that is signed: header and claims. */
static size_t
put_signed(char *dst, enum token_kind kind, const char *user)
{
	time_t now = time(NULL);
	char claims[1024];
	const char *header = HEADER("RS256");
	size_t at;

	if (kind == TOKEN_NO_SIGNATURE)
		header = HEADER("none");
	if (kind == TOKEN_PUBLIC_HMAC)
		header = HEADER("HS256");
	(void)snprintf(claims, sizeof(claims),
	    "{\"iss\":\"%s\",\"aud\":[\"%s\"],\"exp\":%lld,\"iat\":%lld,"
	    "\"sub\":\"system:serviceaccount:peer:%s\",\"kubernetes.io\":{"
	    "\"namespace\":\"peer\",\"serviceaccount\":{\"name\":\"%s\","
	    "\"uid\":\"1\"}}}",
	    kind == TOKEN_OTHER_ISSUER ? "https://other.test" : TOKEN_ISSUER,
	    kind == TOKEN_OTHER_AUDIENCE ? "other" : TOKEN_AUDIENCE,
	    (long long)(now + (kind == TOKEN_EXPIRED ? -3600 : 3600)),
	    (long long)(now - 7200), user, user);
	at = put(dst, 0, header);
	dst[at++] = '.';
	return put(dst, at, claims);
}

static size_t
sign(unsigned char sig[MODULUS_LEN], enum token_kind kind, const char *what,
    size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key = kind == TOKEN_OTHER_KEY ? stranger : issuer;
	char n[B64URL_LEN(MODULUS_LEN) + 1];
	unsigned hmac_len = 0;
	size_t sig_len = MODULUS_LEN;

	if (kind == TOKEN_PUBLIC_HMAC) {
		modulus(n);
		(void)HMAC(EVP_sha256(), n, (int)strlen(n),
		    (const unsigned char *)what, len, sig, &hmac_len);
		sig_len = hmac_len;
	} else {
		ck_assert_int_eq(
		    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
		ck_assert_int_eq(EVP_DigestSign(ctx, sig, &sig_len,
				     (const unsigned char *)what, len),
		    1);
	}
	EVP_MD_CTX_free(ctx);
	return sig_len;
}

void
token_make(char dst[TOKEN_CAP], enum token_kind kind)
{
	const char *user = kind == TOKEN_ANOTHER ? "another" : "user";
	unsigned char sig[MODULUS_LEN];
	size_t at = put_signed(dst, kind, user);
	size_t sig_len = sign(sig, kind, dst, at);

	if (kind == TOKEN_CHANGED)
		at = put_signed(dst, kind, "admin");
	dst[at++] = '.';
	if (kind == TOKEN_NO_SIGNATURE)
		sig_len = 0;
	ck_assert_uint_lt(at + B64URL_LEN(sig_len), TOKEN_CAP);
	b64url_encode(dst + at, sig, sig_len);
	if (kind == TOKEN_CUT)
		dst[strlen(dst) - 1] = '\0';
}
