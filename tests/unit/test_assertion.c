/*
 * Client assertions of every kind of key: read back as any verifier reads them,
 * with exactly the header and the claims that were said, and key ids that are
 * the thumbprints of RFC 7638.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "authd/jose.h"
#include "authd/jwks.h"
#include "common/b64url.h"
#include "common/mem.h"
#include "common/wire.h"
#include "secretd/assertion.h"
#include "tests/unit/tls_pem.h"
#include "tests/unit/unit.h"

#define CLIENT "door\"ward\\ \x01 \xc3\xa9"
#define ISSUER "https://idp.example/realms/r"
#define NOW 1790000000

static const struct {
	const char *name, *alg;
	enum jose_alg jose;
} kinds[] = {
	{ "P-256", "ES256", JOSE_ES256 },
	{ "P-384", "ES384", JOSE_ES384 },
	{ "RSA2048", "RS256", JOSE_RS256 },
	{ "RSA4096", "RS256", JOSE_RS256 },
	{ "ED25519", "EdDSA", JOSE_EDDSA },
};

static EVP_PKEY *
generate(const char *name)
{
	if (strncmp(name, "RSA", 3) == 0)
		return EVP_RSA_gen((unsigned)atoi(name + 3));
	if (strcmp(name, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(name);
}

static enum signer_state
load_for(EVP_PKEY *pkey, struct slice client, struct assertion_key **k,
    const char **why)
{
	struct slice pem = pem_of_key(pkey, NULL);
	static uint8_t about[32768];
	struct wire_writer w;
	enum signer_state state;

	wire_writer_init(&w, about, sizeof(about));
	wire_put_slice(&w, client);
	wire_put_text(&w, ISSUER);
	state = assertion_key_load(
	    pem, (struct slice){ (const char *)about, w.len }, k, why);
	free((void *)(uintptr_t)pem.p);
	EVP_PKEY_free(pkey);
	return state;
}

static struct assertion_key *
load(EVP_PKEY *pkey)
{
	struct assertion_key *k = NULL;
	const char *why = NULL;

	ck_assert_msg(
	    load_for(pkey, slice_of(CLIENT), &k, &why) == SIGNER_READY, "%s",
	    why);
	return k;
}

/* The set that the administrator registers. */
static struct jwks *
registered(const struct assertion_key *k)
{
	char *set = mem_printf("{\"keys\":[%s]}", assertion_key_jwk(k));
	struct jwks *out = NULL;
	const char *why = "";

	ck_assert_msg(
	    jwks_parse(slice_of(set), &out, &why) == 0, "%s: %s", set, why);
	free(set);
	return out;
}

/* Decoded, up to the dot. */
static char *
part(const char *from)
{
	size_t len = strcspn(from, "."), n;
	uint8_t *dst = mem_new(len + 1);

	ck_assert_int_eq(b64url_decode(dst, len, &n, from, len), 0);
	return (char *)dst;
}

/* By hand: the JWK's required members in alphabetical order (3.2). */
static void
expect_thumbprint(const char *jwk_text, const char *kid)
{
	json_t *jwk = json_loads(jwk_text, 0, NULL);
	static const char *const members[] = { "crv", "e", "kty", "n", "x",
		"y" };
	char text[2048] = "{", digest64[B64URL_LEN(32) + 1];
	uint8_t digest[32];
	size_t len = 1;

	ck_assert_ptr_nonnull(jwk);
	ck_assert_ptr_null(json_object_get(jwk, "d"));
	for (size_t i = 0; i < N_ROWS(members); i++) {
		const char *value =
		    json_string_value(json_object_get(jwk, members[i]));

		if (value != NULL)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s\"%s\":\"%s\"", len > 1 ? "," : "", members[i],
			    value);
	}
	text[len++] = '}';
	ck_assert_int_eq(
	    EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL), 1);
	b64url_encode(digest64, digest, sizeof(digest));
	ck_assert_str_eq(digest64, kid);
	ck_assert_str_eq(json_string_value(json_object_get(jwk, "kid")), kid);
	ck_assert_str_eq(json_string_value(json_object_get(jwk, "use")), "sig");
	json_decref(jwk);
}

START_TEST(every_kind_of_key)
{
	struct assertion_key *k = load(generate(kinds[_i].name));
	const char *kid = strchr(assertion_key_name(k), ' ') + 1;
	struct jwks *keys = registered(k);
	char jwt[MSG_ASSERTION_MAX + 1], *header, *expected;
	struct jose *j = NULL;

	ck_assert_int_eq(assertion_key_make(k, NOW, jwt), 0);
	ck_assert_int_eq(jose_parse(slice_of(jwt), &j), 0);
	ck_assert_int_eq(jose_verify(j, keys, 1u << kinds[_i].jose), 0);
	header = part(jwt);
	expected = mem_printf("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
	    kinds[_i].alg, kid);
	ck_assert_str_eq(header, expected);
	ck_assert_int_eq(strncmp(assertion_key_name(k), kinds[_i].alg,
			     strlen(kinds[_i].alg)),
	    0);
	expect_thumbprint(assertion_key_jwk(k), kid);
	free(expected);
	free(header);
	jose_free(j);
	jwks_free(keys);
	assertion_key_free(k);
}
END_TEST

START_TEST(claims_are_exact)
{
	struct assertion_key *k = load(EVP_EC_gen("P-256"));
	char jwt[MSG_ASSERTION_MAX + 1], first[64];
	json_t *claims;
	char *text;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(assertion_key_make(k, NOW, jwt), 0);
		text = part(strchr(jwt, '.') + 1);
		claims = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		free(text);
		ck_assert_ptr_nonnull(claims);
		ck_assert_uint_eq(json_object_size(claims), 6);
#define TEXT(name) json_string_value(json_object_get(claims, name))
#define NUMBER(name) json_integer_value(json_object_get(claims, name))
		ck_assert_str_eq(TEXT("iss"), CLIENT);
		ck_assert_str_eq(TEXT("sub"), CLIENT);
		ck_assert_str_eq(TEXT("aud"), ISSUER);
		ck_assert_uint_eq(strlen(TEXT("jti")), 22);
		ck_assert_int_eq(NUMBER("iat"), NOW - 5);
		ck_assert_int_eq(NUMBER("exp"), NOW + 55);
		if (i == 0)
			(void)snprintf(first, sizeof(first), "%s", TEXT("jti"));
		else
			ck_assert_str_ne(TEXT("jti"), first);
		json_decref(claims);
	}
	assertion_key_free(k);
}
END_TEST

/* r and s with leading zeroes: both keep their length (one in 128 has some). */
START_TEST(signatures_have_one_length)
{
	struct assertion_key *k = load(EVP_EC_gen("P-256"));
	struct jwks *keys = registered(k);
	char jwt[MSG_ASSERTION_MAX + 1];

	for (int i = 0; i < 1000; i++) {
		struct jose *j = NULL;

		ck_assert_int_eq(assertion_key_make(k, NOW, jwt), 0);
		ck_assert_uint_eq(
		    strlen(strrchr(jwt, '.') + 1), B64URL_LEN(64));
		ck_assert_int_eq(jose_parse(slice_of(jwt), &j), 0);
		ck_assert_int_eq(jose_verify(j, keys, 1u << JOSE_ES256), 0);
		jose_free(j);
	}
	jwks_free(keys);
	assertion_key_free(k);
}
END_TEST

/* RFC 8037 A.1 to A.3: the private key and its thumbprint. */
START_TEST(thumbprint_of_rfc_8037)
{
	static const char d[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
	uint8_t bytes[32];
	size_t n;
	struct assertion_key *k;

	ck_assert_int_eq(
	    b64url_decode(bytes, sizeof(bytes), &n, d, strlen(d)), 0);
	k = load(
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, n));
	ck_assert_str_eq(assertion_key_name(k),
	    "EdDSA kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	assertion_key_free(k);
}
END_TEST

START_TEST(what_is_of_no_use)
{
	static char longest[32000];
	struct assertion_key *k = NULL;
	const char *why = NULL;

	ck_assert_int_eq(load_for(EVP_RSA_gen(1024), slice_of("c"), &k, &why),
	    SIGNER_BAD_KEY);
	ck_assert_ptr_nonnull(strstr(why, "2048 to 4096 bits"));
	ck_assert_int_eq(load_for(EVP_EC_gen("P-521"), slice_of("c"), &k, &why),
	    SIGNER_BAD_KEY);
	ck_assert_ptr_nonnull(strstr(why, "Ed25519"));
	memset(longest, 'c', sizeof(longest) - 1);
	ck_assert_int_eq(
	    load_for(EVP_EC_gen("P-256"), slice_of(longest), &k, &why),
	    SIGNER_BAD_KEY);
	ck_assert_ptr_nonnull(strstr(why, "too long"));
	ck_assert_ptr_null(k);
}
END_TEST

/* The longest client id that is taken leads to an assertion that fits. */
START_TEST(the_longest_fits)
{
	static char client[8000];
	struct assertion_key *k = NULL;
	const char *why;
	char jwt[MSG_ASSERTION_MAX + 1];
	size_t low = 1, high = sizeof(client) - 1;

	while (low + 1 < high) {
		size_t middle = (low + high) / 2;

		memset(client, 'c', middle);
		client[middle] = '\0';
		if (load_for(EVP_EC_gen("P-256"), slice_of(client), &k, &why) ==
		    SIGNER_READY) {
			low = middle;
			ck_assert_int_eq(assertion_key_make(k, NOW, jwt), 0);
			assertion_key_free(k);
		} else {
			high = middle;
		}
	}
	ck_assert_uint_gt(low, 1024);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("assertion");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_kind_of_key, 0, (int)N_ROWS(kinds));
	tcase_add_test(t, claims_are_exact);
	tcase_add_test(t, signatures_have_one_length);
	tcase_add_test(t, thumbprint_of_rfc_8037);
	tcase_add_test(t, what_is_of_no_use);
	tcase_add_test(t, the_longest_fits);
	return unit_run("assertion", t);
}
