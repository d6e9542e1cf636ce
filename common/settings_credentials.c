/*
 * Credentials in the configuration file: every process reads that file, so a
 * literal one is refused with the name of the slot where it belongs. Only
 * references (secret:NAME:KEY, absolute paths) may stand there; secretd alone
 * resolves them.
 *
 * SECURITY: values are looked at here and never shown or kept.
 */
#include "common/settings_internal.h"

#include <stdio.h>
#include <string.h>

/* Kiali's slots for external_services.<service>.auth.<key>. */
static const struct {
	const char *key, *slot;
} credentials[] = {
	{ "password", "password" },
	{ "token", "token" },
	{ "oauth2.client_secret", "oauth2-client-secret" },
	{ "cert_file", "cert" },
	{ "key_file", "key" },
};

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* A part of a reference becomes a file name: it must not lead elsewhere. */
static bool
is_file_name(struct slice part)
{
	if (part.len == 0 || part.len > 253 || slice_is(part, ".") ||
	    slice_is(part, ".."))
		return false;
	for (size_t i = 0; i < part.len; i++)
		if (!is_name_char(part.p[i]))
			return false;
	return true;
}

enum reference { REFERENCE_NONE, REFERENCE_GOOD, REFERENCE_BAD, LITERAL };

static enum reference
reference_kind(const char *value)
{
	struct slice rest = slice_of(value), name;

	if (value[0] == '\0')
		return REFERENCE_NONE;
	if (value[0] == '/')
		return REFERENCE_GOOD;
	if (!slice_starts(rest, "secret:"))
		return LITERAL;
	(void)slice_cut(&rest, ':');
	name = slice_cut(&rest, ':');
	return rest.p != NULL && is_file_name(name) && is_file_name(rest)
	    ? REFERENCE_GOOD
	    : REFERENCE_BAD;
}

void
settings_check_signing_key(struct settings *s, struct conf_errors *e)
{
	static const char path[] = "login_token.signing_key";
	const char *dir =
	    s->secrets_dirs.n > 0 ? s->secrets_dirs.at[0] : DEFAULT_SECRETS_DIR;

	switch (reference_kind(s->signing_key)) {
	case REFERENCE_NONE:
	case REFERENCE_GOOD:
		break;
	case REFERENCE_BAD:
		settings_complain(s, e, false, path,
		    "is not secret:NAME:KEY with two plain names");
		break;
	case LITERAL:
		settings_complain(s, e, false, path,
		    "the key must not stand here, where every process can read "
		    "it: put it (16, 24 or 32 bytes) into "
		    "%s/login-token-signing-key/value.txt, readable by "
		    "doorward-secretd alone, and leave this empty",
		    dir);
		break;
	}
}

static void
check_reference(const struct settings *s, const char *path, const char *value,
    const char *slot, const struct conf_place *at, struct conf_errors *e)
{
	const char *dir =
	    s->secrets_dirs.n > 0 ? s->secrets_dirs.at[0] : DEFAULT_SECRETS_DIR;

	switch (reference_kind(value)) {
	case REFERENCE_NONE:
	case REFERENCE_GOOD:
		break;
	case REFERENCE_BAD:
		conf_error_add(e, false, at->line, at->column,
		    "%s: is not secret:NAME:KEY with two plain names", path);
		break;
	case LITERAL:
		conf_error_add(e, false, at->line, at->column,
		    "%s: a credential must not stand here, where every process "
		    "can read it: put it into %s/%s/value.txt, readable by "
		    "doorward-secretd alone, and leave this empty",
		    path, dir, slot);
		break;
	}
}

/* external_services.<service>.auth.<credential> */
static bool
is_service_credential(const char *path, char *slot, size_t cap)
{
	static const char prefix[] = "external_services.";
	const char *auth = strstr(path, ".auth.");
	const char *service = path + sizeof(prefix) - 1;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 || auth == NULL ||
	    auth < service)
		return false;
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]);
	     i++) {
		size_t used = 0;

		if (strcmp(auth + 6, credentials[i].key) != 0)
			continue;
		/* custom_dashboards.prometheus: customdashboards-prometheus */
		for (const char *c = service; c < auth && used + 1 < cap; c++)
			if (*c != '_')
				slot[used++] = *c == '.' ? '-' : *c;
		(void)snprintf(
		    slot + used, cap - used, "-%s", credentials[i].slot);
		return true;
	}
	return false;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

/* custom_headers are not in a slot of Kiali's; those that carry credentials
 * by their name are refused all the same. */
static bool
is_credential_header(const char *path)
{
	static const char *const names[] = { "authorization", "cookie", "token",
		"api-key", "apikey", "secret", "password" };
	const char *headers = strstr(path, ".custom_headers.");
	char name[128];
	size_t n = 0;

	if (headers == NULL)
		return false;
	for (headers += 16; *headers != '\0' && n + 1 < sizeof(name); headers++)
		name[n++] = *headers >= 'A' && *headers <= 'Z'
		    ? (char)(*headers - 'A' + 'a')
		    : *headers;
	name[n] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(name, names[i]) != NULL)
			return true;
	return false;
}

/* deployment.discovery_selectors.default[0].matchLabels.kubernetes.io/... */
static bool
take_selector(struct settings *s, const char *path, const char *value)
{
	static const char prefix[] = "deployment.discovery_selectors.default[";

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 ||
	    !ends_with(path, "].matchLabels.kubernetes.io/metadata.name"))
		return false;
	if (url_is_host(slice_of(value)))
		conf_list_add(&s->selected_namespaces, value);
	return true;
}

void
settings_other(void *settings, const char *path, const char *value,
    const struct conf_place *at, struct conf_errors *e)
{
	struct settings *s = settings;
	char slot[128];

	if (is_service_credential(path, slot, sizeof(slot))) {
		check_reference(s, path, value, slot, at, e);
		return;
	}
	if (strncmp(path, "auth.", 5) == 0 && ends_with(path, "client_secret"))
		check_reference(s, path, value, "oidc-secret", at, e);
	else if (strncmp(path, "chat_ai.", 8) == 0 && ends_with(path, ".key"))
		check_reference(s, path, value, "chat-ai-provider-NAME", at, e);
	else if (is_credential_header(path))
		check_reference(s, path, value, "custom-headers", at, e);
	if (!take_selector(s, path, value))
		conf_list_add(&s->ignored, path);
}
