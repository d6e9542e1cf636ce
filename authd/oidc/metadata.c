/* What a provider says of itself; see metadata.h. */
#include "authd/oidc/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"

#include "authd/jwks.h"

#define WELL_KNOWN "/.well-known/openid-configuration"
#define VALUES_MAX 64 /* in a list */

/* clang-format off */
static const struct {
	const char *name;
	bool required;
} endpoints[METADATA_ENDPOINTS] = {
	[METADATA_AUTHORIZATION] = { "authorization_endpoint", true },
	[METADATA_TOKEN]         = { "token_endpoint", true },
	[METADATA_JWKS]          = { "jwks_uri", true },
	[METADATA_USERINFO]      = { "userinfo_endpoint", false },
	[METADATA_END_SESSION]   = { "end_session_endpoint", false },
	[METADATA_REVOCATION]    = { "revocation_endpoint", false },
	[METADATA_PUSHED]        = { "pushed_authorization_request_endpoint", false },
};
static const char *const auths[METADATA_AUTHS] = {
	[METADATA_AUTH_BASIC]           = "client_secret_basic",
	[METADATA_AUTH_POST]            = "client_secret_post",
	[METADATA_AUTH_PRIVATE_KEY_JWT] = "private_key_jwt",
	[METADATA_AUTH_NONE]            = "none",
};
static const struct {
	const char *name;
	size_t at; /* a bool of struct metadata */
} flags[] = {
	{ "require_pushed_authorization_requests",
	    offsetof(struct metadata, pushed_required) },
	{ "authorization_response_iss_parameter_supported",
	    offsetof(struct metadata, iss_in_response) },
	{ "backchannel_logout_supported",
	    offsetof(struct metadata, backchannel_logout) },
	{ "backchannel_logout_session_supported",
	    offsetof(struct metadata, backchannel_sid) },
	{ "frontchannel_logout_supported",
	    offsetof(struct metadata, frontchannel_logout) },
	{ "frontchannel_logout_session_supported",
	    offsetof(struct metadata, frontchannel_sid) },
};
/* clang-format on */

int
metadata_auth_from(struct slice name)
{
	for (int i = 0; i < METADATA_AUTHS; i++)
		if (slice_is(name, auths[i]))
			return i;
	return -1;
}

static int
fail(struct metadata_problem *why, const char *member, const char *what)
{
	*why = (struct metadata_problem){ member, what };
	return ERR_FORMAT;
}

/* The characters of a URI (RFC 3986), less '#' and brackets outside the host:
 * nothing that a header, a log line or another parser could stumble over. */
static bool
is_target(struct slice target)
{
	for (size_t i = 0; i < target.len; i++)
		if (target.p[i] <= ' ' || target.p[i] > '~' ||
		    strchr("\"#<>[\\]^`{|}", target.p[i]) != NULL)
			return false;
	return true;
}

/* Bytes before the path or query; 0 when it is no http or https URL. */
static size_t
origin_len(struct slice text)
{
	size_t n = slice_starts(text, "https://") ? 8 : 7;

	if (n == 7 && !slice_starts(text, "http://"))
		return 0;
	while (n < text.len && strchr("/?#", text.p[n]) == NULL)
		n++;
	return n;
}

static int
read_url(struct slice text, const char *member, struct metadata_url *out,
    struct metadata_problem *why)
{
	static const char https[] =
	    "must begin with https:// (http:// only to this machine)";
	size_t n = origin_len(text);
	struct url server;
	const char *detail;
	char *origin;
	int r;

	if (n == 0)
		return fail(why, member, https);
	if (text.len > METADATA_URL_MAX)
		return fail(why, member, "is longer than 2048 characters");
	if (!is_target((struct slice){ text.p + n, text.len - n }))
		return fail(why, member,
		    "has a fragment or characters that a URL cannot have");
	origin = mem_strndup(text.p, n);
	r = url_parse(origin, &server, &detail);
	free(origin);
	if (r != 0)
		return fail(why, member, detail);
	if (!server.tls && !url_is_loopback(server.host)) {
		url_done(&server);
		return fail(why, member, https);
	}
	out->text = slice_dup(text);
	out->server = server;
	out->target = out->text + n;
	return 0;
}

void
metadata_url_done(struct metadata_url *u)
{
	free(u->text);
	url_done(&u->server);
	*u = (struct metadata_url){ .text = NULL };
}

void
metadata_free(struct metadata *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < METADATA_ENDPOINTS; i++)
		metadata_url_done(&m->at[i]);
	free(m->issuer);
	free(m);
}

int
metadata_locate(
    const char *issuer, struct metadata_url *out, struct metadata_problem *why)
{
	struct metadata_url base = { .text = NULL };
	size_t len = strlen(issuer);
	char *text;
	int r = read_url(slice_of(issuer), "issuer_uri", &base, why);

	if (r != 0)
		return r;
	if (strchr(base.target, '?') != NULL)
		r = fail(why, "issuer_uri", "must not have a query");
	metadata_url_done(&base);
	if (r != 0)
		return r;
	while (issuer[len - 1] == '/') /* behind a host */
		len--;
	text = mem_printf("%.*s" WELL_KNOWN, (int)len, issuer);
	r = read_url(slice_of(text), "issuer_uri", out, why);
	free(text);
	return r;
}

/* A provider that is reached through TLS must not send us, with secrets, to
 * what listens on this machine without it. */
static int
check_plain(const struct metadata *m, const struct metadata_url *u,
    const char *name, struct metadata_problem *why)
{
	if (u->server.tls || slice_starts(slice_of(m->issuer), "http://"))
		return 0;
	return fail(why, name, "must begin with https://, as issuer_uri does");
}

static int
read_endpoints(
    const json_t *o, struct metadata *m, struct metadata_problem *why)
{
	for (size_t i = 0; i < METADATA_ENDPOINTS; i++) {
		const char *name = endpoints[i].name;
		struct slice text;
		int r = json_strict_text(o, name, &text);

		if (r == ERR_NOT_FOUND && !endpoints[i].required)
			continue;
		if (r != 0)
			return fail(why, name,
			    r == ERR_NOT_FOUND ? "is missing"
					       : "is not a text");
		r = read_url(text, name, &m->at[i], why);
		if (r == 0)
			r = check_plain(m, &m->at[i], name, why);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
read_flags(const json_t *o, struct metadata *m, struct metadata_problem *why)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		bool *flag = (bool *)((char *)m + flags[i].at);

		if (json_strict_bool(o, flags[i].name, flag) == ERR_FORMAT)
			return fail(
			    why, flags[i].name, "is neither true nor false");
	}
	if (m->pushed_required && m->at[METADATA_PUSHED].text == NULL)
		return fail(why, flags[0].name,
		    "is true, but there is no "
		    "pushed_authorization_request_endpoint");
	return 0;
}

/* 0, ERR_NOT_FOUND, or ERR_FORMAT with the reason. */
static int
read_list(const json_t *o, const char *name, json_t **out,
    struct metadata_problem *why)
{
	int r = json_strict_array(o, name, out);

	if (r == ERR_NOT_FOUND)
		return r;
	if (r != 0 || !json_strict_texts(*out, VALUES_MAX))
		return fail(why, name, "is not a list of at most 64 texts");
	return 0;
}

static bool
list_has(const json_t *list, const char *value)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (slice_is(json_strict_text_at(list, i), value))
			return true;
	return false;
}

/* The bits of the values that we know; those that we do not are others'. */
static unsigned
list_mask(const json_t *list, int (*number)(struct slice name))
{
	unsigned mask = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		int n = number(json_strict_text_at(list, i));

		if (n >= 0)
			mask |= 1u << n;
	}
	return mask;
}

static int
read_response_types(const json_t *o, struct metadata_problem *why)
{
	static const char name[] = "response_types_supported";
	json_t *list;
	int r = read_list(o, name, &list, why);

	if (r == ERR_NOT_FOUND)
		return fail(why, name, "is missing");
	if (r == 0 && !list_has(list, "code"))
		return fail(why, name,
		    "has no \"code\": the provider offers no authorization "
		    "code flow");
	return r;
}

static int
read_auths(const json_t *o, struct metadata *m, struct metadata_problem *why)
{
	json_t *list;
	int r =
	    read_list(o, "token_endpoint_auth_methods_supported", &list, why);

	/* Discovery 3: the default. */
	m->auths = 1u << METADATA_AUTH_BASIC;
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0)
		m->auths = list_mask(list, metadata_auth_from);
	return r;
}

static int
read_algs(const json_t *o, struct metadata *m, struct metadata_problem *why)
{
	static const char name[] = "id_token_signing_alg_values_supported";
	json_t *list;
	int r = read_list(o, name, &list, why);

	/* Must be said, but is not needed: the keys have types. */
	m->algs = JOSE_ALGS_ALL;
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r != 0)
		return r;
	m->algs = list_mask(list, jose_alg_from);
	return m->algs != 0
	    ? 0
	    : fail(why, name, "has none of RS256, PS256, ES256, ES384, EdDSA");
}

static int
read_pkce(const json_t *o, struct metadata *m, struct metadata_problem *why)
{
	json_t *list;
	int r = read_list(o, "code_challenge_methods_supported", &list, why);

	m->pkce = METADATA_PKCE_UNSAID;
	if (r == 0)
		m->pkce = list_has(list, "S256") ? METADATA_PKCE_S256
						 : METADATA_PKCE_OTHER;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int
read_document(const json_t *o, const char *issuer, struct metadata *m,
    struct metadata_problem *why)
{
	int r;

	if (!json_strict_is(o, "issuer", issuer)) {
		*why = (struct metadata_problem){ "issuer",
			"is not issuer_uri, byte for byte (a slash at the end "
			"counts)" };
		return ERR_DENIED;
	}
	m->issuer = mem_strdup(issuer);
	r = read_endpoints(o, m, why);
	if (r == 0)
		r = read_response_types(o, why);
	if (r == 0)
		r = read_auths(o, m, why);
	if (r == 0)
		r = read_algs(o, m, why);
	if (r == 0)
		r = read_pkce(o, m, why);
	if (r == 0)
		r = read_flags(o, m, why);
	return r;
}

int
metadata_parse(struct slice text, const char *issuer, struct metadata **out,
    struct metadata_problem *why)
{
	struct metadata *m;
	json_t *o;
	int r = json_strict_parse(text, METADATA_TEXT_MAX, &o);

	if (r != 0) {
		(void)fail(why, "the document",
		    r == ERR_LIMIT
			? "is too long or nested too deeply"
			: "is not a JSON object without duplicate members");
		return r;
	}
	m = mem_new(sizeof(*m));
	r = read_document(o, issuer, m, why);
	json_decref(o);
	if (r != 0) {
		metadata_free(m);
		return r;
	}
	*out = m;
	return 0;
}

static bool
is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

bool
metadata_is_overridden(const struct metadata_override *o)
{
	return is_set(o->authorization_endpoint) && is_set(o->token_endpoint);
}

int
metadata_from_override(const char *issuer, const struct metadata_override *o,
    struct metadata **out, struct metadata_problem *why)
{
	const char *const given[METADATA_ENDPOINTS] = {
		[METADATA_AUTHORIZATION] = o->authorization_endpoint,
		[METADATA_TOKEN] = o->token_endpoint,
		[METADATA_JWKS] = o->jwks_uri,
		[METADATA_USERINFO] = o->userinfo_endpoint,
		[METADATA_END_SESSION] = o->end_session_endpoint,
	};
	struct metadata *m = mem_new(sizeof(*m));
	int r = 0;

	for (size_t i = 0; i < METADATA_ENDPOINTS && r == 0; i++) {
		const char *name = endpoints[i].name;

		if (is_set(given[i]))
			r = read_url(slice_of(given[i]), name, &m->at[i], why);
		else if (endpoints[i].required)
			r = fail(why, name, "is missing");
	}
	if (r != 0) {
		metadata_free(m);
		return r;
	}
	m->issuer = mem_strdup(issuer);
	m->auths = (1u << METADATA_AUTHS) - 1;
	m->algs = JOSE_ALGS_ALL;
	*out = m;
	return 0;
}

int
metadata_set_authorization(
    struct metadata *m, const char *url, struct metadata_problem *why)
{
	struct metadata_url new = { .text = NULL };
	int r = read_url(
	    slice_of(url), endpoints[METADATA_AUTHORIZATION].name, &new, why);

	if (r != 0)
		return r;
	metadata_url_done(&m->at[METADATA_AUTHORIZATION]);
	m->at[METADATA_AUTHORIZATION] = new;
	return 0;
}
