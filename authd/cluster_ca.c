/* See cluster_ca.h. */
#include "authd/cluster_ca.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"

#define KEY "doorward.kubernetes.ca_file"

struct cluster_ca {
	struct stack_st_X509 *main; /* the file's, or the system's */
	struct stack_st_X509 *additional;
	bool has_file;
	struct ca_text *text;
};

/* Files that distributions keep the public CAs in. */
/* clang-format off */
static const char *const system_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};
/* clang-format on */

void
ca_text_release(struct ca_text *text)
{
	if (text == NULL || --text->refs > 0)
		return;
	free(text->pem);
	free(text);
}

struct ca_text *
cluster_ca_hold(struct cluster_ca *ca)
{
	ca->text->refs++;
	return ca->text;
}

/* Both sets, one behind the other. */
static void
compose(struct cluster_ca *ca)
{
	struct ca_text *text = mem_new(sizeof(*text));
	size_t n, m;
	char *first = ca_set_pem(ca->main, &n);
	char *more = ca_set_pem(ca->additional, &m);

	*text = (struct ca_text){
		.refs = 1, .len = n + m, .pem = mem_printf("%s%s", first, more)
	};
	free(first);
	free(more);
	ca_text_release(ca->text);
	ca->text = text;
}

static struct stack_st_X509 *
read_system(void)
{
	struct stack_st_X509 *set = NULL;
	int r = ERR_IO;

	for (size_t i = 0;
	     r != 0 && i < sizeof(system_bundles) / sizeof(system_bundles[0]);
	     i++)
		r = ca_set_read(system_bundles[i], NULL, &set);
	if (r != 0)
		log_fatal("the system's CA certificates: %s %s; set " KEY,
		    system_bundles[0], ca_set_problem(r));
	return set;
}

static struct stack_st_X509 *
read_own(const char *file)
{
	struct stack_st_X509 *set = NULL;
	int r = ca_set_read(file, KEY, &set);

	if (r == ERR_IO)
		log_fatal(KEY ": %s: %s", file, strerror(errno));
	if (r != 0)
		log_fatal(KEY ": %s %s", file, ca_set_problem(r));
	return set;
}

struct cluster_ca *
cluster_ca_new(const char *file)
{
	struct cluster_ca *ca = mem_new(sizeof(*ca));

	ca->has_file = file != NULL && file[0] != '\0';
	ca->main = ca->has_file ? read_own(file) : read_system();
	compose(ca);
	return ca;
}

void
cluster_ca_free(struct cluster_ca *ca)
{
	if (ca == NULL)
		return;
	ca_set_drop(ca->main);
	ca_set_drop(ca->additional);
	ca_text_release(ca->text);
	free(ca);
}

void
cluster_ca_set(struct cluster_ca *ca, unsigned number, struct slice pem)
{
	const char *name = number == CA_API_SERVER ? KEY : CA_BUNDLE_NAME;
	struct stack_st_X509 **place, *set;
	int r;

	if (ca->has_file != (number == CA_API_SERVER))
		return;
	r = ca_set_parse(pem, name, &set);
	if (r != 0) {
		log_error("%s %s; nothing changes", name, ca_set_problem(r));
		return;
	}
	log_info("API server: %zu certificates of %s", ca_set_count(set), name);
	place = ca->has_file ? &ca->main : &ca->additional;
	ca_set_drop(*place);
	*place = set;
	compose(ca);
}
