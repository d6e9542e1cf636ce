/* Which certificates of a bundle may be trusted: each one is made for a case
 * and stands between two good ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/mem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define YEAR_S (365 * 86400L)

struct kind {
	const char *name;
	const char *key; /* "RSA-2048", "DSA", "ED25519", or a curve */
	const char *basic, *usage; /* extensions; NULL: none */
	long from_s, until_s;	   /* from now */
	bool serves;
};

#define CA "critical,CA:TRUE"
#define NOW .from_s = -60, .until_s = YEAR_S
/* clang-format off */
static const struct kind kinds[] = {
	{ "a CA", "P-256", CA, NULL, NOW, .serves = true },
	{ "a CA by its usage", "P-256", CA, "keyCertSign,cRLSign", NOW, .serves = true },
	{ "RSA of 2048 bits", "RSA-2048", CA, NULL, NOW, .serves = true },
	{ "Ed25519", "ED25519", CA, NULL, NOW, .serves = true },
	{ "not yet", "P-256", CA, NULL, .from_s = 86400, .until_s = YEAR_S, .serves = true },
	{ "no CA", "P-256", "CA:FALSE", NULL, NOW },
	{ "nothing said", "P-256", NULL, NULL, NOW },
	{ "may not sign", "P-256", CA, "digitalSignature", NOW },
	{ "expired", "P-256", CA, NULL, .from_s = -YEAR_S, .until_s = -1 },
	{ "RSA of 1024 bits", "RSA-1024", CA, NULL, NOW },
	{ "EC of 224 bits", "P-224", CA, NULL, NOW },
	{ "DSA", "DSA", CA, NULL, NOW },
};
/* clang-format on */

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (value == NULL)
		return;
	e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static EVP_PKEY *
dsa_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	EVP_PKEY *parameters = NULL, *key = NULL;
	size_t bits = 1024;
	OSSL_PARAM of[] = { OSSL_PARAM_construct_size_t(
				OSSL_PKEY_PARAM_FFC_PBITS, &bits),
		OSSL_PARAM_construct_end() };

	ck_assert_int_eq(EVP_PKEY_paramgen_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_params(ctx, of), 1);
	ck_assert_int_eq(EVP_PKEY_generate(ctx, &parameters), 1);
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
	ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(parameters);
	return key;
}

static EVP_PKEY *
key_of(const char *kind)
{
	if (strncmp(kind, "RSA-", 4) == 0)
		return EVP_RSA_gen((size_t)strtoul(kind + 4, NULL, 10));
	if (strcmp(kind, "DSA") == 0)
		return dsa_key();
	return kind[0] == 'P' ? EVP_EC_gen(kind)
			      : EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

/* In PEM; caller frees. */
static char *
certificate(const struct kind *k)
{
	EVP_PKEY *key = key_of(k->key);
	const EVP_MD *md = strcmp(k->key, "ED25519") == 0 ? NULL : EVP_sha256();
	BIO *out = BIO_new(BIO_s_mem());
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	char *bytes, *pem;
	long n;

	ck_assert_ptr_nonnull(key);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), k->from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), k->until_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)k->name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	extend(x, NID_basic_constraints, k->basic);
	extend(x, NID_key_usage, k->usage);
	ck_assert(X509_sign(x, key, md) > 0);
	PEM_write_bio_X509(out, x);
	n = BIO_get_mem_data(out, &bytes);
	pem = mem_strndup(bytes, (size_t)n);
	BIO_free(out);
	X509_free(x);
	EVP_PKEY_free(key);
	return pem;
}

/* How many of this text serve, or an error. */
static int
parse(const char *pem, const char *name)
{
	struct stack_st_X509 *set = NULL;
	int r = ca_set_parse(slice_of(pem), name, &set), n;

	ck_assert((r == 0) == (set != NULL));
	n = (int)ca_set_count(set);
	ca_set_drop(set);
	return r != 0 ? r : n;
}

START_TEST(one_by_one)
{
	const struct kind *k = &kinds[_i];
	char *good = certificate(&kinds[0]), *pem = certificate(k);
	char *all = mem_printf(
	    "a heading\n%s# %s\n%s%sthe end\n", good, k->name, pem, good);

	ck_assert_int_eq(parse(pem, "test"), k->serves ? 1 : ERR_NOT_FOUND);
	ck_assert_int_eq(parse(all, "test"), k->serves ? 3 : 2);
	ck_assert_int_eq(parse(all, NULL), 3);
	free(all);
	free(good);
	free(pem);
}
END_TEST

/* Nothing of a bundle counts that is not whole. */
START_TEST(broken)
{
	char *good = certificate(&kinds[0]);
	char *pair = mem_printf("%s%s", good, good);
	size_t len = strlen(pair);

	ck_assert_int_eq(parse("", "test"), ERR_NOT_FOUND);
	ck_assert_int_eq(parse("no PEM at all", "test"), ERR_NOT_FOUND);
	ck_assert_int_eq(parse(pair, "test"), 2);
	pair[len - 8] = '\0'; /* in the last line */
	ck_assert_int_eq(parse(pair, "test"), ERR_FORMAT);
	pair[len * 3 / 4] = '\0';
	ck_assert_int_eq(parse(pair, "test"), ERR_FORMAT);
	pair[len * 3 / 4] = 'x';
	ck_assert_int_eq(parse("-----BEGIN CERTIFICATE-----\nAAAA\n"
			       "-----END CERTIFICATE-----\n",
			     "test"),
	    ERR_FORMAT);
	free(pair);
	free(good);
}
END_TEST

START_TEST(too_large)
{
	char *text = mem_new(CA_PEM_MAX + 2), *pem;
	int pipe_of[2];
	size_t len;

	memset(text, '\n', CA_PEM_MAX + 1);
	ck_assert_int_eq(parse(text, "test"), ERR_LIMIT);
	text[CA_PEM_MAX] = '\0';
	ck_assert_int_eq(parse(text, "test"), ERR_NOT_FOUND);
	free(text);
	ck_assert_int_eq(pipe(pipe_of), 0);
	ck_assert_int_eq(write(pipe_of[1], "abc", 3), 3);
	close(pipe_of[1]);
	ck_assert_int_eq(ca_pem_read(pipe_of[0], &pem, &len), 0);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(pem, "abc", 3);
	free(pem);
	close(pipe_of[0]);
	ck_assert_int_eq(ca_pem_read(-1, &pem, &len), ERR_IO);
}
END_TEST

/* What is written is what was read. */
START_TEST(written)
{
	struct stack_st_X509 *set;
	char *good = certificate(&kinds[0]), *weak = certificate(&kinds[9]);
	char *all = mem_printf("%s# x\n%s%s", weak, good, good), *pem;
	char *expected = mem_printf("%s%s", good, good);
	size_t len;

	ck_assert_int_eq(ca_set_parse(slice_of(all), "test", &set), 0);
	pem = ca_set_pem(set, &len);
	ck_assert_str_eq(pem, expected);
	ck_assert_uint_eq(len, strlen(expected));
	ca_set_drop(set);
	free(pem);
	pem = ca_set_pem(NULL, &len);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(pem, "");
	free(pem);
	free(expected);
	free(all);
	free(weak);
	free(good);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ca_set");
	TCase *t = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(t, 30); /* DSA parameters */
	tcase_add_loop_test(t, one_by_one, 0, (int)COUNT(kinds));
	tcase_add_test(t, broken);
	tcase_add_test(t, too_large);
	tcase_add_test(t, written);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
