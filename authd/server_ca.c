/* See server_ca.h. */
#include "authd/server_ca.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"

enum part { PART_MAIN, PART_COMMON, PART_OWN, PARTS };

struct server_ca {
	unsigned own;	    /* enum ca_number */
	char *parts[PARTS]; /* PEM; main: the file's, the text's or the
			       system's */
	bool has_file, is_fixed;
	struct ca_text *text; /* all of them */
};

/* Whose they are, and what they are called in the configuration. */
/* clang-format off */
static const struct {
	const char *server, *key;
} names[CA_COUNT] = {
	[CA_COMMON]     = { "", CA_BUNDLE_NAME },
	[CA_API_SERVER] = { "API server", "doorward.kubernetes.ca_file" },
	[CA_OPENID]     = { "OpenID provider", "openid-server-ca.crt" },
};

/* Files that distributions keep the public CAs in. */
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
server_ca_hold(struct server_ca *ca)
{
	ca->text->refs++;
	return ca->text;
}

/* All parts, one behind the other. */
static void
compose(struct server_ca *ca)
{
	struct ca_text *text = mem_new(sizeof(*text));

	text->refs = 1;
	text->pem = mem_printf("%s%s%s", ca->parts[PART_MAIN],
	    ca->parts[PART_COMMON], ca->parts[PART_OWN]);
	text->len = strlen(text->pem);
	ca_text_release(ca->text);
	ca->text = text;
}

/* set (NULL: none) is dropped: only its text is kept. */
static void
set_part(struct server_ca *ca, enum part part, struct stack_st_X509 *set)
{
	size_t len;

	free(ca->parts[part]);
	ca->parts[part] = set != NULL ? ca_set_pem(set, &len) : mem_strdup("");
	ca_set_drop(set);
}

/* NULL: there are none, which matters only if no others come. */
static struct stack_st_X509 *
read_system(unsigned own)
{
	struct stack_st_X509 *set = NULL;
	int r = ERR_IO;

	for (size_t i = 0;
	     r != 0 && i < sizeof(system_bundles) / sizeof(system_bundles[0]);
	     i++)
		r = ca_set_read(system_bundles[i], NULL, &set);
	if (r != 0 && own == CA_API_SERVER)
		log_fatal("the system's CA certificates: %s %s; set "
			  "doorward.kubernetes.ca_file",
		    system_bundles[0], ca_set_problem(r));
	if (r != 0)
		log_warn("the system's CA certificates: %s %s; only those of "
			 "%s and %s are trusted",
		    system_bundles[0], ca_set_problem(r), names[own].key,
		    CA_BUNDLE_NAME);
	return set;
}

static struct stack_st_X509 *
read_own(const char *key, const char *file)
{
	struct stack_st_X509 *set = NULL;
	int r = ca_set_read(file, key, &set);

	if (r == ERR_IO)
		log_fatal("%s: %s: %s", key, file, strerror(errno));
	if (r != 0)
		log_fatal("%s: %s %s", key, file, ca_set_problem(r));
	return set;
}

static struct stack_st_X509 *
parse_text(const char *pem)
{
	static const char key[] = "auth.openid.api_proxy_ca_data";
	struct stack_st_X509 *set = NULL;
	int r = ca_set_parse(slice_of(pem), key, &set);

	if (r != 0)
		log_fatal("%s %s", key, ca_set_problem(r));
	return set;
}

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

struct server_ca *
server_ca_new(unsigned own, const char *file, const char *pem)
{
	struct server_ca *ca = mem_new(sizeof(*ca));

	ca->own = own;
	ca->is_fixed = is_given(pem);
	ca->has_file = !ca->is_fixed && is_given(file);
	for (size_t i = 0; i < PARTS; i++)
		ca->parts[i] = mem_strdup("");
	if (ca->is_fixed)
		set_part(ca, PART_MAIN, parse_text(pem));
	else if (ca->has_file)
		set_part(ca, PART_MAIN, read_own(names[own].key, file));
	else
		set_part(ca, PART_MAIN, read_system(own));
	compose(ca);
	return ca;
}

void
server_ca_free(struct server_ca *ca)
{
	if (ca == NULL)
		return;
	for (size_t i = 0; i < PARTS; i++)
		free(ca->parts[i]);
	ca_text_release(ca->text);
	free(ca);
}

/* Where the bundle of that number belongs; PARTS: nowhere. */
static enum part
part_of(const struct server_ca *ca, unsigned number)
{
	if (ca->is_fixed)
		return PARTS;
	if (number == ca->own)
		return ca->has_file ? PART_MAIN : PART_OWN;
	return number == CA_COMMON && !ca->has_file ? PART_COMMON : PARTS;
}

void
server_ca_set(struct server_ca *ca, unsigned number, struct slice pem)
{
	enum part part = part_of(ca, number);
	struct stack_st_X509 *set;
	int r;

	if (part == PARTS)
		return;
	r = ca_set_parse(pem, names[number].key, &set);
	if (r != 0) {
		log_error("%s %s; nothing changes", names[number].key,
		    ca_set_problem(r));
		return;
	}
	log_info("%s: %zu certificates of %s", names[ca->own].server,
	    ca_set_count(set), names[number].key);
	set_part(ca, part, set);
	compose(ca);
}
