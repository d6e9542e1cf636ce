/* See trust.h. Certificates are counted references: a store costs little. */
#include "egress/trust.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";

struct trust {
	STACK_OF(X509) * system, *additional;
};

void
trust_drop(STACK_OF(X509) * set)
{
	sk_X509_pop_free(set, X509_free);
}

size_t
trust_count(const STACK_OF(X509) * set)
{
	return set != NULL ? (size_t)sk_X509_num(set) : 0;
}

/* The end of the last block, or something that is no certificate? */
static bool
at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int
read_all(BIO *in, STACK_OF(X509) * *out)
{
	STACK_OF(X509) *set = sk_X509_new_null();
	X509 *one = NULL;
	bool whole;

	if (set == NULL)
		log_fatal("certificates: no memory");
	ERR_clear_error();
	while ((one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(set, one) == 0)
			log_fatal("certificates: no memory");
	whole = at_end();
	ERR_clear_error();
	if (!whole || sk_X509_num(set) == 0) {
		trust_drop(set);
		return ERR_FORMAT;
	}
	*out = set;
	return 0;
}

int
trust_parse(struct slice pem, STACK_OF(X509) * *out)
{
	BIO *in;
	int r;

	if (pem.len == 0 || pem.len > TRUST_PEM_MAX)
		return ERR_FORMAT;
	in = BIO_new_mem_buf(pem.p, (int)pem.len);
	if (in == NULL)
		log_fatal("certificates: no memory");
	r = read_all(in, out);
	BIO_free(in);
	return r;
}

STACK_OF(X509) * trust_read(const char *file, const char *key)
{
	STACK_OF(X509) *set = NULL;
	BIO *in = BIO_new_file(file, "r");

	if (in == NULL || read_all(in, &set) != 0)
		log_fatal(
		    "%s: no certificates, or broken ones (%s)", file, key);
	BIO_free(in);
	return set;
}

struct trust *
trust_new(bool with_system)
{
	struct trust *t = mem_new(sizeof(*t));

	if (with_system)
		t->system = trust_read(system_file,
		    "the system's; Debian's package ca-certificates has them");
	return t;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	trust_drop(t->system);
	trust_drop(t->additional);
	free(t);
}

void
trust_set_additional(struct trust *t, STACK_OF(X509) * set)
{
	trust_drop(t->additional);
	t->additional = set;
}

static void
add_all(X509_STORE *store, const STACK_OF(X509) * set)
{
	for (int i = 0; set != NULL && i < sk_X509_num(set); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(set, i)) != 1)
			log_fatal("certificates: no memory");
}

X509_STORE *
trust_store(const struct trust *t, const STACK_OF(X509) * own)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		log_fatal("certificates: no memory");
	if (own != NULL) {
		add_all(store, own);
	} else {
		add_all(store, t->system);
		add_all(store, t->additional);
	}
	return store;
}

void
trust_store_free(X509_STORE *store)
{
	X509_STORE_free(store);
}
