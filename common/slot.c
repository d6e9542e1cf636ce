/* The table of slots; see slot.h. */
#include "common/slot.h"

#include <stdio.h>
#include <string.h>

#include "common/msg.h"

#define EGRESS (1u << ROLE_EGRESS)
#define AUTHD (1u << ROLE_AUTHD)
#define NOBODY 0u

/* In routes and slots; Kiali's names. */
static const char *const service_names[SERVICE_COUNT] = {
	[SERVICE_PROMETHEUS] = "prometheus",
	[SERVICE_GRAFANA] = "grafana",
	[SERVICE_TRACING] = "tracing",
	[SERVICE_PERSES] = "perses",
	[SERVICE_CUSTOM_DASHBOARDS] = "customdashboards-prometheus",
};

/* --- what the configuration says about the fields of a service --- */

static const char *
username(const struct service_settings *s)
{
	return s->auth.username;
}

static const char *
password(const struct service_settings *s)
{
	return s->auth.password;
}

static const char *
token(const struct service_settings *s)
{
	return s->auth.token;
}

static const char *
cert_file(const struct service_settings *s)
{
	return s->auth.cert_file;
}

static const char *
key_file(const struct service_settings *s)
{
	return s->auth.key_file;
}

static const char *
client_secret(const struct service_settings *s)
{
	return s->auth.oauth2.client_secret;
}

static bool
has_text(const char *value)
{
	return value != NULL && value[0] != '\0';
}

/* A user name may stand in the configuration itself. */
static bool
needs_username(const struct service_settings *s)
{
	return s->auth.type == AUTH_BASIC &&
	    (!has_text(s->auth.username) ||
		slot_is_reference(s->auth.username));
}

static bool
needs_password(const struct service_settings *s)
{
	return s->auth.type == AUTH_BASIC;
}

static bool
needs_token(const struct service_settings *s)
{
	return s->auth.type == AUTH_BEARER && !s->auth.use_kiali_token;
}

static bool
needs_identity(const struct service_settings *s)
{
	return has_text(s->auth.cert_file) || has_text(s->auth.key_file);
}

static bool
needs_client_secret(const struct service_settings *s)
{
	return s->auth.type == AUTH_OAUTH2;
}

static const struct {
	const char *name;
	enum slot_content content;
	unsigned askers;
	const char *(*reference)(const struct service_settings *s);
	bool (*needed)(const struct service_settings *s);
} fields[SLOT_FIELDS] = {
	[SLOT_USERNAME] = { "username", SLOT_TEXT, EGRESS, username,
	    needs_username },
	[SLOT_PASSWORD] = { "password", SLOT_TEXT, EGRESS, password,
	    needs_password },
	[SLOT_TOKEN] = { "token", SLOT_TEXT, EGRESS, token, needs_token },
	[SLOT_CERT] = { "cert", SLOT_CERTIFICATE, EGRESS, cert_file,
	    needs_identity },
	[SLOT_KEY] = { "key", SLOT_PRIVATE_KEY, NOBODY, key_file,
	    needs_identity },
	[SLOT_CLIENT_SECRET] = { "oauth2-client-secret", SLOT_TEXT, EGRESS,
	    client_secret, needs_client_secret },
};

/* --- slots that belong to no service --- */

static const char *
no_reference(const struct settings *s)
{
	(void)s;
	return "";
}

static const char *
signing_key(const struct settings *s)
{
	return s->signing_key;
}

static bool
needs_signing_key(const struct settings *s)
{
	return s->strategy != STRATEGY_ANONYMOUS;
}

static bool
needs_oidc_secret(const struct settings *s)
{
	/* without a method said, the client may be a public one */
	return s->strategy == STRATEGY_OPENID &&
	    (s->openid.auth_method == OPENID_AUTH_BASIC ||
		s->openid.auth_method == OPENID_AUTH_POST);
}

static bool
needs_oidc_key(const struct settings *s)
{
	return s->strategy == STRATEGY_OPENID &&
	    s->openid.auth_method == OPENID_AUTH_PRIVATE_KEY_JWT;
}

static bool
needs_cluster_token(const struct settings *s)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (s->services[i].in_use &&
		    s->services[i].auth.type == AUTH_BEARER &&
		    s->services[i].auth.use_kiali_token)
			return true;
	return false;
}

static bool
needs_local_token(const struct settings *s)
{
	return has_text(s->egress.listen) && !s->egress.is_unix;
}

static const struct {
	const char *name;
	enum slot_content content;
	unsigned askers;
	unsigned askers_if_needed; /* these only then */
	const char *(*reference)(const struct settings *s);
	bool (*needed)(const struct settings *s);
} others[SLOT_HEADER_BASE - SLOT_SIGNING_KEY_NO] = {
	{ "login-token-signing-key", SLOT_TEXT, NOBODY, NOBODY, signing_key,
	    needs_signing_key },
	{ "oidc-secret", SLOT_TEXT, AUTHD, NOBODY, no_reference,
	    needs_oidc_secret },
	{ "oidc-key", SLOT_PRIVATE_KEY, NOBODY, NOBODY, no_reference,
	    needs_oidc_key },
	{ "cluster-token", SLOT_TEXT, AUTHD, EGRESS, no_reference,
	    needs_cluster_token },
	{ "egress-token", SLOT_TEXT, NOBODY, EGRESS, no_reference,
	    needs_local_token },
};

/* --- */

unsigned
slot_of_service(enum service_id service, enum slot_field field)
{
	return (unsigned)service * SLOT_FIELDS + (unsigned)field;
}

unsigned
slot_of_header(enum service_id service, size_t header)
{
	return SLOT_HEADER_BASE + (unsigned)service * SLOT_HEADERS_MAX +
	    (unsigned)header;
}

bool
slot_is_reference(const char *value)
{
	return value != NULL &&
	    (value[0] == '/' || strncmp(value, "secret:", 7) == 0);
}

static bool
describe_field(const struct settings *s, unsigned number, struct slot_spec *out)
{
	unsigned service = number / SLOT_FIELDS, field = number % SLOT_FIELDS;
	const struct service_settings *at = &s->services[service];

	(void)snprintf(out->name, sizeof(out->name), "%s-%s",
	    service_names[service], fields[field].name);
	out->content = fields[field].content;
	out->askers = fields[field].askers;
	out->max = out->content == SLOT_TEXT ? MSG_TOKEN_MAX : MSG_SECRET_MAX;
	out->reference = fields[field].reference(at);
	out->needed = at->in_use && fields[field].needed(at);
	return true;
}

static bool
describe_other(const struct settings *s, unsigned i, struct slot_spec *out)
{
	(void)snprintf(out->name, sizeof(out->name), "%s", others[i].name);
	out->content = others[i].content;
	out->max = out->content == SLOT_TEXT ? MSG_TOKEN_MAX : MSG_SECRET_MAX;
	out->reference = others[i].reference(s);
	out->needed = others[i].needed(s);
	out->askers = others[i].askers |
	    (out->needed ? others[i].askers_if_needed : NOBODY);
	return true;
}

/* Header names are tokens: none has a '/', and in lower case one that differs
 * in case only is the same slot, as it is the same header. */
static bool
describe_header(const struct settings *s, unsigned i, struct slot_spec *out)
{
	unsigned service = i / SLOT_HEADERS_MAX, header = i % SLOT_HEADERS_MAX;
	const struct service_settings *at = &s->services[service];
	const char *value;
	size_t start;

	if (header >= at->custom_headers.n)
		return false;
	(void)snprintf(
	    out->name, sizeof(out->name), "%s-header-", service_names[service]);
	start = strlen(out->name);
	(void)snprintf(out->name + start, sizeof(out->name) - start, "%s",
	    at->custom_headers.at[header].name);
	for (char *c = out->name + start; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	value = at->custom_headers.at[header].value;
	out->content = SLOT_TEXT;
	out->askers = EGRESS;
	out->max = MSG_TOKEN_MAX;
	out->reference = value;
	out->needed =
	    at->in_use && (!has_text(value) || slot_is_reference(value));
	return true;
}

bool
slot_describe(const struct settings *s, unsigned number, struct slot_spec *out)
{
	bool is;

	if (number < SLOT_SIGNING_KEY_NO)
		is = describe_field(s, number, out);
	else if (number < SLOT_HEADER_BASE)
		is = describe_other(s, number - SLOT_SIGNING_KEY_NO, out);
	else if (number < SLOT_COUNT)
		is = describe_header(s, number - SLOT_HEADER_BASE, out);
	else
		return false;
	if (is && out->reference == NULL)
		out->reference = "";
	return is;
}

const char *
slot_name(const struct settings *s, unsigned number)
{
	static struct slot_spec spec;

	return slot_describe(s, number, &spec) ? spec.name : "no such slot";
}
