/*
 * Which keys and certificates the signer takes, and that what it signs
 * verifies with the certificate's key under every scheme.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "common/err.h"
#include "secretd/private_key.h"
#include "tests/unit/tls_pem.h"

static EVP_PKEY *
generate(const char *what)
{
	if (strncmp(what, "RSA", 3) == 0)
		return EVP_RSA_gen((unsigned)strtoul(what + 3, NULL, 10));
	if (strcmp(what, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(what);
}

static enum signer_state
load(struct slice key, struct slice cert, struct private_key **out)
{
	const char *why = "";
	enum signer_state state = private_key_load(key, cert, out, &why);

	ck_assert_int_eq(state == SIGNER_READY, why[0] == '\0' || *out != NULL);
	return state;
}

static const struct {
	const char *key;
	enum signer_state state;
	enum key_kind kind;
} kinds[] = {
	{ "P-256", SIGNER_READY, KEY_P256 },
	{ "P-384", SIGNER_READY, KEY_P384 },
	{ "RSA2048", SIGNER_READY, KEY_RSA },
	{ "RSA1024", SIGNER_BAD_KEY, KEY_RSA },
	{ "P-521", SIGNER_BAD_KEY, KEY_P256 },
	{ "secp256k1", SIGNER_BAD_KEY, KEY_P256 },
	{ "ED25519", SIGNER_BAD_KEY, KEY_P256 },
};

START_TEST(kinds_of_keys)
{
	EVP_PKEY *pkey = generate(kinds[_i].key);
	struct slice key = pem_of_key(pkey, NULL);
	struct slice cert = pem_of_certificate(pkey);
	struct private_key *k = NULL;

	ck_assert_msg(
	    load(key, cert, &k) == kinds[_i].state, "%s", kinds[_i].key);
	if (k != NULL)
		ck_assert_int_eq(private_key_kind(k), kinds[_i].kind);
	private_key_free(k);
	EVP_PKEY_free(pkey);
	free((void *)(uintptr_t)key.p);
	free((void *)(uintptr_t)cert.p);
}
END_TEST

START_TEST(what_does_not_fit)
{
	EVP_PKEY *mine = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	struct slice key = pem_of_key(mine, NULL);
	struct slice locked = pem_of_key(mine, "secret");
	struct slice cert = pem_of_certificate(mine);
	struct slice strange = pem_of_certificate(other);
	struct slice cut = { key.p, key.len / 2 };
	struct slice none = { NULL, 0 }, junk = SLICE("not PEM at all\n");
	struct private_key *k = NULL;

	ck_assert_int_eq(load(key, strange, &k), SIGNER_MISMATCH);
	ck_assert_int_eq(load(locked, cert, &k), SIGNER_BAD_KEY);
	ck_assert_int_eq(load(cut, cert, &k), SIGNER_BAD_KEY);
	ck_assert_int_eq(load(none, cert, &k), SIGNER_BAD_KEY);
	ck_assert_int_eq(load(junk, cert, &k), SIGNER_BAD_KEY);
	ck_assert_int_eq(load(cert, cert, &k), SIGNER_BAD_KEY);
	ck_assert_int_eq(load(key, none, &k), SIGNER_BAD_CERT);
	ck_assert_int_eq(load(key, junk, &k), SIGNER_BAD_CERT);
	ck_assert_int_eq(load(key, key, &k), SIGNER_BAD_CERT);
	ck_assert_ptr_null(k);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(other);
	free((void *)(uintptr_t)key.p);
	free((void *)(uintptr_t)locked.p);
	free((void *)(uintptr_t)cert.p);
	free((void *)(uintptr_t)strange.p);
}
END_TEST

static bool
verifies(EVP_PKEY *pkey, const struct sign_scheme *scheme, struct slice message,
    const uint8_t *sig, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool ok = EVP_DigestVerifyInit_ex(
		      ctx, &pctx, scheme->digest, NULL, NULL, pkey, NULL) == 1;

	if (ok && scheme->pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(
			 pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(
			pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok &&
	    EVP_DigestVerify(
		ctx, sig, len, (const uint8_t *)message.p, message.len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static const struct {
	const char *key;
	uint16_t scheme;
} signs[] = {
	{ "P-256", 0x0403 },
	{ "P-256", 0x0503 },
	{ "P-384", 0x0503 },
	{ "P-384", 0x0603 },
	{ "RSA2048", 0x0804 },
	{ "RSA2048", 0x0805 },
	{ "RSA2048", 0x0806 },
	{ "RSA2048", 0x0401 },
	{ "RSA4096", 0x0601 },
};

START_TEST(signatures_verify)
{
	EVP_PKEY *pkey = generate(signs[_i].key);
	struct slice key = pem_of_key(pkey, NULL);
	struct slice cert = pem_of_certificate(pkey);
	char structure[64 + 4 + 32] = { [64] = 3, [66] = 29, [67] = 32 };
	struct slice message = { structure, sizeof(structure) };
	const struct sign_scheme *scheme;
	struct private_key *k = NULL;
	uint8_t sig[MSG_SIGN_MAX];
	size_t len = sizeof(sig), small = 16;
	const char *why;

	ck_assert_int_eq(load(key, cert, &k), SIGNER_READY);
	scheme = sign_check(private_key_kind(k),
	    (struct sign_use){ SIGNER_TLS_SERVER, true }, signs[_i].scheme,
	    message, &why);
	ck_assert_ptr_nonnull(scheme);
	ck_assert_int_eq(private_key_sign(k, scheme, message, sig, &len), 0);
	ck_assert(verifies(pkey, scheme, message, sig, len));
	structure[0] = 1;
	ck_assert(!verifies(pkey, scheme, message, sig, len));
	ck_assert_int_eq(
	    private_key_sign(k, scheme, message, sig, &small), ERR_LIMIT);
	private_key_free(k);
	EVP_PKEY_free(pkey);
	free((void *)(uintptr_t)key.p);
	free((void *)(uintptr_t)cert.p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("private_key");
	TCase *tc = tcase_create("keys");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, kinds_of_keys, 0, (int)(sizeof(kinds) / sizeof(kinds[0])));
	tcase_add_test(tc, what_does_not_fit);
	tcase_add_loop_test(
	    tc, signatures_verify, 0, (int)(sizeof(signs) / sizeof(signs[0])));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
