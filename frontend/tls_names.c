/* See tls_names.h. */
#include "frontend/tls_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "common/mem.h"

static void
add(struct tls_names *names, const ASN1_STRING *s)
{
	const char *p = (const char *)ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s);

	/* A name with a NUL in it would be taken for a shorter one. */
	if (len == 0 || memchr(p, '\0', len) != NULL)
		return;
	names->at =
	    mem_grow(names->at, names->n, names->n + 1, sizeof(*names->at));
	names->at[names->n++] = mem_strndup(p, len);
}

void
tls_names_read(struct tls_names *out, const X509 *certificate)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	*out = (struct tls_names){ NULL, 0 };
	for (int i = 0; i < sk_GENERAL_NAME_num(all) && out->n < TLS_NAMES_MAX;
	     i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_DNS)
			add(out, name->d.dNSName);
	}
	GENERAL_NAMES_free(all);
}

void
tls_names_done(struct tls_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct tls_names){ NULL, 0 };
}

bool
tls_names_exact(const struct tls_names *names, const char *host)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcasecmp(names->at[i], host) == 0)
			return true;
	return false;
}

bool
tls_names_wildcard(const struct tls_names *names, const char *host)
{
	const char *rest = strchr(host, '.');

	if (rest == NULL || rest == host)
		return false;
	for (size_t i = 0; i < names->n; i++)
		if (names->at[i][0] == '*' &&
		    strcasecmp(names->at[i] + 1, rest) == 0)
			return true;
	return false;
}
