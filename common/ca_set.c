/* See ca_set.h. */
#include "common/ca_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 256
#define SUBJECT_MAX 200

/* --- which certificates serve --- */

static const char *
key_problem(X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);

	if (key == NULL)
		return "its key is not known here";
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return EVP_PKEY_get_bits(key) < RSA_BITS_MIN
		    ? "its RSA key is shorter than 2048 bits"
		    : NULL;
	case EVP_PKEY_EC:
		return EVP_PKEY_get_bits(key) < EC_BITS_MIN
		    ? "its EC key is shorter than 256 bits"
		    : NULL;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return NULL;
	case EVP_PKEY_DSA:
		return "its key is DSA";
	default:
		return "its key is neither RSA, EC nor EdDSA";
	}
}

/* Why it is skipped, or NULL. */
static const char *
problem(X509 *x)
{
	uint32_t flags = X509_get_extension_flags(x);

	if (flags & EXFLAG_INVALID)
		return "it contradicts itself";
	if (!(flags & EXFLAG_CA))
		return "it is not a CA (CA:TRUE is missing)";
	if (!(X509_get_key_usage(x) & KU_KEY_CERT_SIGN)) /* all, if absent */
		return "its key usage does not let it sign certificates";
	if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		return "it has expired";
	return key_problem(x);
}

static bool
serves(X509 *x, const char *name)
{
	const char *why = problem(x);
	char subject[SUBJECT_MAX];

	if (why == NULL)
		return true;
	/* Bytes that are not visible ASCII come out as \xNN. */
	if (X509_NAME_oneline(
		X509_get_subject_name(x), subject, sizeof(subject)) == NULL)
		subject[0] = '\0';
	log_warn("%s: the certificate %s is skipped: %s", name, subject, why);
	return false;
}

/* --- reading --- */

/* The end of the last block, or something that is no certificate? */
static bool
at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* All of them first: half a bundle gives no warnings. */
static int
read_all(BIO *in, STACK_OF(X509) * all)
{
	X509 *one;
	bool whole;

	ERR_clear_error();
	while ((one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(all, one) == 0)
			log_fatal("certificates: no memory");
	whole = at_end();
	ERR_clear_error();
	return whole ? 0 : ERR_FORMAT;
}

static void
choose(STACK_OF(X509) * set, const char *name)
{
	for (int i = sk_X509_num(set) - 1; i >= 0; i--)
		if (!serves(sk_X509_value(set, i), name))
			X509_free(sk_X509_delete(set, i));
}

int
ca_set_parse(struct slice pem, const char *name, STACK_OF(X509) * *out)
{
	STACK_OF(X509) *set = sk_X509_new_null();
	BIO *in;
	int r;

	if (pem.len > CA_PEM_MAX) {
		ca_set_drop(set);
		return ERR_LIMIT;
	}
	in = BIO_new_mem_buf(pem.p != NULL ? pem.p : "", (int)pem.len);
	if (set == NULL || in == NULL)
		log_fatal("certificates: no memory");
	r = read_all(in, set);
	BIO_free(in);
	if (r == 0 && name != NULL)
		choose(set, name);
	if (r == 0 && sk_X509_num(set) == 0)
		r = ERR_NOT_FOUND;
	if (r == 0)
		*out = set;
	else
		ca_set_drop(set);
	return r;
}

int
ca_set_read(const char *path, const char *name, STACK_OF(X509) * *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *pem;
	size_t len;
	int r;

	if (fd < 0)
		return ERR_IO;
	r = ca_pem_read(fd, &pem, &len);
	close(fd);
	if (r != 0)
		return r;
	r = ca_set_parse((struct slice){ pem, len }, name, out);
	free(pem);
	return r;
}

const char *
ca_set_problem(int err)
{
	switch (err) {
	case ERR_FORMAT:
		return "has a broken certificate";
	case ERR_LIMIT:
		return "is larger than 1 MB";
	case ERR_NOT_FOUND:
		return "has no CA certificate that can serve";
	default:
		return "cannot be read";
	}
}

void
ca_set_drop(STACK_OF(X509) * set)
{
	sk_X509_pop_free(set, X509_free);
}

size_t
ca_set_count(const STACK_OF(X509) * set)
{
	return set != NULL ? (size_t)sk_X509_num(set) : 0;
}

char *
ca_set_pem(const STACK_OF(X509) * set, size_t *len)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes, *copy;
	long n;

	if (out == NULL)
		log_fatal("certificates: no memory");
	for (size_t i = 0; i < ca_set_count(set); i++)
		if (PEM_write_bio_X509(out, sk_X509_value(set, (int)i)) != 1)
			log_fatal("certificates: no memory");
	n = BIO_get_mem_data(out, &bytes);
	*len = n > 0 ? (size_t)n : 0;
	copy = mem_new(*len + 1);
	if (*len > 0)
		memcpy(copy, bytes, *len);
	copy[*len] = '\0';
	BIO_free(out);
	return copy;
}

int
ca_pem_read(int fd, char **pem, size_t *len)
{
	char *into = mem_new(CA_PEM_MAX + 1);
	size_t n = 0;
	ssize_t r;

	while (n <= CA_PEM_MAX &&
	    (r = read(fd, into + n, CA_PEM_MAX + 1 - n)) != 0) {
		if (r < 0 && errno != EINTR) {
			free(into);
			return ERR_IO;
		}
		n += r > 0 ? (size_t)r : 0;
	}
	if (n > CA_PEM_MAX) {
		free(into);
		return ERR_LIMIT;
	}
	*pem = into;
	*len = n;
	return 0;
}
