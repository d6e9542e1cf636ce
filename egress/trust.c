/* See trust.h. Certificates are counted references: a store costs little. */
#include "egress/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";

struct trust {
	STACK_OF(X509) * system, *additional;
};

STACK_OF(X509) * trust_read(const char *file, const char *key)
{
	STACK_OF(X509) *set = NULL;
	int r = ca_set_read(file, key, &set);

	if (r == ERR_IO)
		log_fatal("%s: %s: %s", key, file, strerror(errno));
	if (r != 0)
		log_fatal("%s: %s %s", key, file, ca_set_problem(r));
	return set;
}

static STACK_OF(X509) * read_system(void)
{
	STACK_OF(X509) *set = NULL;
	int r = ca_set_read(system_file, NULL, &set);

	if (r != 0)
		log_fatal("the system's certificates: %s %s; Debian's package "
			  "ca-certificates has them",
		    system_file, ca_set_problem(r));
	return set;
}

struct trust *
trust_new(bool with_system)
{
	struct trust *t = mem_new(sizeof(*t));

	if (with_system)
		t->system = read_system();
	return t;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	ca_set_drop(t->system);
	ca_set_drop(t->additional);
	free(t);
}

void
trust_set_additional(struct trust *t, STACK_OF(X509) * set)
{
	ca_set_drop(t->additional);
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
