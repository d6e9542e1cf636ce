/* See tls_pem.h. */
#include "tests/unit/tls_pem.h"

#include <check.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/mem.h"

static struct slice
contents(BIO *bio)
{
	char *p;
	long len = BIO_get_mem_data(bio, &p);
	struct slice s = { mem_strndup(p, (size_t)len), (size_t)len };

	BIO_free(bio);
	return s;
}

struct slice
pem_of_key(EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = password != NULL ? EVP_aes_128_cbc() : NULL;
	char text[32] = "";

	if (password != NULL)
		ck_assert_int_eq(
		    slice_copy(slice_of(password), text, sizeof(text)), 0);
	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, NULL,
			     0, NULL, password != NULL ? text : NULL),
	    1);
	return contents(bio);
}

struct slice
pem_of_certificate(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *x = X509_new();
	const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();

	(void)X509_set_version(x, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	(void)X509_set_pubkey(x, key);
	ck_assert_int_gt(X509_sign(x, key, md), 0);
	ck_assert_int_eq(PEM_write_bio_X509(bio, x), 1);
	X509_free(x);
	return contents(bio);
}
