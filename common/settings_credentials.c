/*
 * Credentials in the configuration file: every process reads that file, so a
 * literal one is refused with the name of the slot where it belongs. Only
 * references (secret:NAME:KEY, absolute paths) may stand there; secretd alone
 * resolves them.
 *
 * SECURITY: what is refused here is never shown.
 */
#include "common/settings_internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/slot.h"

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

/* An absolute path of plain names. A password may begin with '/' as well: what
 * could be one is not taken for a path, since paths are shown in the log. */
static bool
is_plain_path(struct slice path)
{
	(void)slice_cut(&path, '/');
	while (path.p != NULL)
		if (!is_file_name(slice_cut(&path, '/')))
			return false;
	return true;
}

static enum reference
reference_kind(const char *value)
{
	struct slice rest = slice_of(value), name;

	if (value[0] == '\0')
		return REFERENCE_NONE;
	if (value[0] == '/')
		return is_plain_path(rest) ? REFERENCE_GOOD : LITERAL;
	if (!slice_starts(rest, "secret:"))
		return LITERAL;
	(void)slice_cut(&rest, ':');
	name = slice_cut(&rest, ':');
	return rest.p != NULL && is_file_name(name) && is_file_name(rest)
	    ? REFERENCE_GOOD
	    : REFERENCE_BAD;
}

/* The folder that a remedy names. */
static const char *
first_dir(const struct settings *s)
{
	return s->secrets_dirs.n > 0 ? s->secrets_dirs.at[0]
				     : DEFAULT_SECRETS_DIR;
}

void
settings_check_signing_key(struct settings *s, struct conf_errors *e)
{
	static const char path[] = "login_token.signing_key";

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
		    first_dir(s));
		break;
	}
}

static void
check_reference(const struct settings *s, const char *path, const char *value,
    const char *slot, const struct conf_place *at, struct conf_errors *e)
{
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
		    path, first_dir(s), slot);
		break;
	}
}

static bool
ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

/* Custom headers that carry credentials, by their names. */
static bool
is_credential_header(const char *header)
{
	static const char *const parts[] = { "authorization", "cookie", "token",
		"api-key", "apikey", "access-key", "secret", "password",
		"credential" };
	char *name = mem_strdup(header);
	bool found = false;

	text_lower(name);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		found = found || strstr(name, parts[i]) != NULL;
	free(name);
	return found;
}

bool
settings_has_credential(const struct service_settings *service)
{
	if (service->auth.type != AUTH_NONE)
		return true;
	for (size_t i = 0; i < service->custom_headers.n; i++) {
		const struct conf_pair *header = &service->custom_headers.at[i];

		if (is_credential_header(header->name) ||
		    reference_kind(header->value) != LITERAL)
			return true;
	}
	return false;
}

static void
check_header(const struct settings *s, const struct service_settings *service,
    const struct conf_pair *header, const char *path, struct conf_errors *e)
{
	struct conf_place at = settings_place(s, path);
	char *slot = mem_printf("%s-header-%s", service->name, header->name);

	text_lower(slot);
	if (is_credential_header(header->name) ||
	    slot_is_reference(header->value))
		check_reference(s, path, header->value, slot, &at, e);
	free(slot);
}

/* The rows that hold references, and their slots. */
static const struct {
	const char *key, *slot;
	size_t offset;
	bool literal; /* a name may stand there as it is */
} references[] = {
	{ "username", "username", offsetof(struct auth_settings, username),
	    true },
	{ "password", "password", offsetof(struct auth_settings, password),
	    false },
	{ "token", "token", offsetof(struct auth_settings, token), false },
	{ "cert_file", "cert", offsetof(struct auth_settings, cert_file),
	    false },
	{ "key_file", "key", offsetof(struct auth_settings, key_file), false },
	{ "oauth2.client_secret", "oauth2-client-secret",
	    offsetof(struct auth_settings, oauth2.client_secret), false },
};

void
settings_check_references(const struct settings *s,
    const struct service_settings *service, const char *prefix,
    struct conf_errors *e)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]);
	     i++) {
		const char *auth = (const char *)&service->auth;
		const char *value = *(const char *const *)(const void *)(auth +
		    references[i].offset);
		char *path =
		    mem_printf("%s.auth.%s", prefix, references[i].key);
		char *slot =
		    mem_printf("%s-%s", service->name, references[i].slot);
		struct conf_place at = settings_place(s, path);

		if (!references[i].literal || slot_is_reference(value))
			check_reference(s, path, value, slot, &at, e);
		free(path);
		free(slot);
	}
	for (size_t i = 0; i < service->custom_headers.n; i++) {
		const struct conf_pair *header = &service->custom_headers.at[i];
		char *path =
		    mem_printf("%s.custom_headers.%s", prefix, header->name);

		check_header(s, service, header, path, e);
		free(path);
	}
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

/* Where people look for a place for the provider's client secret. */
static bool
is_client_secret(const char *path)
{
	return strncmp(path, "auth.", 5) == 0 &&
	    (ends_with(path, "client_secret") ||
		ends_with(path, ".secret_name"));
}

/* Kiali passes over it in silence, and then the provider refuses every login.
 */
static void
check_client_secret(const struct settings *s, const char *path,
    const char *value, const struct conf_place *at, struct conf_errors *e)
{
	bool is_name = ends_with(path, ".secret_name");

	if (!is_name && reference_kind(value) == LITERAL)
		check_reference(s, path, value, "oidc-secret", at, e);
	else if (value[0] != '\0')
		conf_error_add(e, true, at->line, at->column,
		    "%s: is not read: the client secret is what "
		    "%s/oidc-secret/value.txt holds (slot oidc-secret)",
		    path, first_dir(s));
}

void
settings_other(void *settings, const char *path, const char *value,
    const struct conf_place *at, struct conf_errors *e)
{
	struct settings *s = settings;

	if (is_client_secret(path))
		check_client_secret(s, path, value, at, e);
	else if (strncmp(path, "chat_ai.", 8) == 0 && ends_with(path, ".key"))
		check_reference(s, path, value, "chat-ai-provider-NAME", at, e);
	if (!take_selector(s, path, value))
		conf_list_add(&s->ignored, path);
}
