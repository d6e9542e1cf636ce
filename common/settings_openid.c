/*
 * auth.openid and doorward.openid: the provider, what is asked of it and who
 * may sign in. Kiali's keys mean what they mean there; what Kiali passes over
 * in silence is told here.
 *
 * SECURITY: from these endpoints come the answers that let people in, and the
 * client secret goes to one of them: https, or http to this machine alone.
 */
#include "common/settings_internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/mem.h"

#define OPENID "auth.openid."
#define OVERRIDE OPENID "discovery_override"
#define ENDPOINT_MAX 2048

/* The section while it is checked. */
struct check {
	struct settings *s;
	struct openid_settings *o;
	struct conf_errors *e;
};

/* --- endpoints --- */

/* The characters of a URI behind its host (RFC 3986), less '#'. */
static bool
is_target(const char *c)
{
	for (; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"#<>[\\]^`{|}", *c))
			return false;
	return true;
}

/* BROWSER: people are sent there, and no code or token with them. */
enum endpoint_rule { SERVER, ISSUER, BROWSER };

/* What is wrong with it, or NULL: then port is the server's. */
static const char *
endpoint_fault(const char *text, enum endpoint_rule rule, uint16_t *port)
{
	size_t n = slice_starts(slice_of(text), "https://") ? 8 : 7;
	const char *why = NULL;
	struct url url;
	char *origin;
	int r;

	if (strlen(text) > ENDPOINT_MAX)
		return "is longer than 2048 characters";
	if (n == 7 && !slice_starts(slice_of(text), "http://"))
		return rule == BROWSER ? "must begin with https:// or http://"
				       : "must begin with https:// (http:// "
					 "only to this machine)";
	n += strcspn(text + n, "/?#");
	if (!is_target(text + n))
		return "has a fragment or characters that a URL cannot have";
	if (rule == ISSUER && strchr(text + n, '?') != NULL)
		return "must not have a query";
	origin = mem_strndup(text, n);
	r = url_parse(origin, &url, &why);
	free(origin);
	if (r != 0)
		return why;
	if (rule != BROWSER && !url.tls && !url_is_loopback(url.host))
		why = "must be https: (http: only to this machine)";
	*port = url.port;
	url_done(&url);
	return why;
}

static void
add_port(const struct check *c, uint16_t port)
{
	static const size_t max = sizeof(c->o->ports) / sizeof(c->o->ports[0]);

	for (size_t i = 0; i < c->o->n_ports; i++)
		if (c->o->ports[i] == port)
			return;
	if (c->o->n_ports < max)
		c->o->ports[c->o->n_ports++] = port;
	else
		settings_complain(c->s, c->e, false, "doorward.openid.ports",
		    "the provider's endpoints are on more than %zu different "
		    "ports",
		    max);
}

/* connects: authd will, and not only people's browsers. */
static void
check_endpoint(const struct check *c, const char *path, const char *text,
    enum endpoint_rule rule, bool connects)
{
	uint16_t port = 0;
	const char *fault;

	if (text[0] == '\0')
		return;
	fault = endpoint_fault(text, rule, &port);
	if (fault != NULL)
		settings_complain(c->s, c->e, false, path, "%s", fault);
	else if (connects)
		add_port(c, port);
}

static void
check_issuer(const struct check *c)
{
	static const char path[] = OPENID "issuer_uri";
	const char *issuer = c->o->issuer;

	if (issuer[0] == '\0')
		settings_complain(c->s, c->e, false, path,
		    "is needed with auth.strategy openid: the provider's "
		    "issuer, byte for byte as its discovery document has it");
	else if (strstr(issuer, "/.well-known/") != NULL)
		settings_complain(c->s, c->e, false, path,
		    "must be the issuer alone, without /.well-known/ and what "
		    "follows");
	else
		check_endpoint(c, path, issuer, ISSUER, true);
}

static void
check_override(const struct check *c)
{
	const struct openid_settings *o = c->o;
	bool is_whole = o->override.authorization_endpoint[0] != '\0' &&
	    o->override.token_endpoint[0] != '\0';
	bool is_begun = o->override.authorization_endpoint[0] != '\0' ||
	    o->override.token_endpoint[0] != '\0' ||
	    o->override.jwks_uri[0] != '\0' ||
	    o->override.userinfo_endpoint[0] != '\0' ||
	    o->override.end_session_endpoint[0] != '\0';

	check_endpoint(c, OVERRIDE ".authorization_endpoint",
	    o->override.authorization_endpoint, SERVER, false);
	check_endpoint(c, OVERRIDE ".token_endpoint",
	    o->override.token_endpoint, SERVER, is_whole);
	check_endpoint(
	    c, OVERRIDE ".jwks_uri", o->override.jwks_uri, SERVER, is_whole);
	check_endpoint(c, OVERRIDE ".userinfo_endpoint",
	    o->override.userinfo_endpoint, SERVER, is_whole);
	check_endpoint(c, OVERRIDE ".end_session_endpoint",
	    o->override.end_session_endpoint, SERVER, false);
	if (is_whole && o->override.jwks_uri[0] == '\0')
		settings_complain(c->s, c->e, false, OVERRIDE ".jwks_uri",
		    "is needed beside authorization_endpoint and "
		    "token_endpoint: every id_token's signature is verified "
		    "with the keys there");
	if (is_begun && !is_whole)
		settings_complain(c->s, c->e, true, OVERRIDE,
		    "counts for nothing without both authorization_endpoint "
		    "and token_endpoint: the provider is discovered at "
		    "issuer_uri");
	check_endpoint(c, OPENID "authorization_endpoint",
	    o->authorization_endpoint, SERVER, false);
	if (o->authorization_endpoint[0] != '\0')
		settings_complain(c->s, c->e, true,
		    OPENID "authorization_endpoint",
		    is_whole ? "is not used beside discovery_override"
			     : "is deprecated: discovery finds it, and "
			       "discovery_override replaces it");
}

static bool
refuse_proxy_credential(
    const struct check *c, const char *path, const char *text)
{
	if (strchr(text, '@') == NULL)
		return false;
	settings_complain(c->s, c->e, false, path,
	    "a credential must not stand here, where every process can read "
	    "it: use a proxy that asks this machine for none");
	return true;
}

/* Plain http is spoken to this machine alone, and there no proxy is asked. */
static void
check_http_proxy(const struct check *c)
{
	static const char path[] = OPENID "http_proxy";

	if (c->o->http_proxy_text[0] != '\0' &&
	    !refuse_proxy_credential(c, path, c->o->http_proxy_text))
		settings_complain(c->s, c->e, true, path,
		    "counts for nothing: a provider is asked through https, "
		    "and http:// only on this machine, without a proxy; "
		    "https_proxy is the one that counts");
}

static void
check_https_proxy(const struct check *c)
{
	static const char path[] = OPENID "https_proxy";
	const char *text = c->o->https_proxy_text, *why;
	struct url *out = &c->o->https_proxy;

	if (text[0] == '\0' || refuse_proxy_credential(c, path, text))
		return;
	if (slice_starts(slice_of(text), "https://"))
		settings_complain(c->s, c->e, false, path,
		    "must begin with http://: TLS goes through the proxy, not "
		    "to it");
	else if (url_parse(text, out, &why) != 0)
		settings_complain(c->s, c->e, false, path, "%s", why);
	else if (out->path[0] != '\0')
		settings_complain(c->s, c->e, false, path, "must have no path");
	else
		add_port(c, out->port);
}

static void
check_ports(const struct check *c)
{
	for (size_t i = 0; i < c->o->ports_text.n; i++) {
		const char *text = c->o->ports_text.at[i];
		uint64_t port;

		if (text_u64(slice_of(text), UINT16_MAX, &port) != 0 ||
		    port == 0)
			settings_complain(c->s, c->e, false,
			    "doorward.openid.ports",
			    "%.100s is not a port from 1 to 65535", text);
		else
			add_port(c, (uint16_t)port);
	}
}

static void
check_servers(const struct check *c)
{
	add_port(c, 443);
	check_issuer(c);
	check_override(c);
	check_http_proxy(c);
	check_https_proxy(c);
	check_ports(c);
	check_endpoint(c, OPENID "post_logout_redirect_uri",
	    c->o->post_logout_redirect_uri, BROWSER, false);
	if (c->o->insecure_skip_verify_tls)
		settings_complain(c->s, c->e, true,
		    OPENID "insecure_skip_verify_tls",
		    "true: anybody on the way can pretend to be the provider, "
		    "is shown the client secret and can sign in as anybody");
}

/* --- what is asked for --- */

static void
check_client(const struct check *c)
{
	static const char path[] = OPENID "client_id";

	if (c->o->client_id[0] == '\0')
		settings_complain(c->s, c->e, false, path,
		    "is needed with auth.strategy openid: the name under which "
		    "the provider knows Doorward");
	else if (slice_starts(slice_of(c->o->client_id), "secret:"))
		settings_complain(c->s, c->e, false, path,
		    "must be the identifier itself, which is no secret");
	if (c->o->username_claim[0] == '\0')
		settings_complain(c->s, c->e, false, OPENID "username_claim",
		    "must name a claim, like sub");
}

/* RFC 6749 3.3 */
static bool
is_scope(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
			return false;
	return text[0] != '\0';
}

static void
check_scopes(const struct check *c)
{
	struct conf_list *scopes = &c->o->scopes;
	bool has_openid = false;

	for (size_t i = 0; i < scopes->n; i++) {
		if (!is_scope(scopes->at[i]))
			settings_complain(c->s, c->e, false, OPENID "scopes",
			    "%.100s is not a scope: each is an entry of its "
			    "own, without blanks and quotes",
			    scopes->at[i]);
		has_openid = has_openid || strcmp(scopes->at[i], "openid") == 0;
	}
	if (!has_openid)
		conf_list_add(scopes, "openid");
}

/* Those that Doorward sets itself, or without which it does not work. */
static void
check_params(const struct check *c)
{
	static const char *const ours[] = { "client_id", "response_type",
		"redirect_uri", "scope", "nonce", "state", "code_challenge",
		"code_challenge_method", "request", "request_uri",
		"client_secret", "client_assertion", "client_assertion_type",
		"response_mode" };
	const struct conf_map *map = &c->o->additional_request_params;

	for (size_t i = 0; i < map->n; i++)
		for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++) {
			char *path;

			if (!slice_is_nocase(
				slice_of(map->at[i].name), ours[k]))
				continue;
			path = mem_printf(OPENID "additional_request_params.%s",
			    map->at[i].name);
			settings_complain(c->s, c->e, false, path, "%s",
			    strcmp(ours[k], "client_secret") == 0
				? "must not stand here: it would be shown to "
				  "every browser; it belongs into the slot "
				  "oidc-secret"
				: "is Doorward's own and cannot be set here");
			free(path);
		}
}

static const char *
alg_fault(const char *name)
{
	static const char *const known[] = { "RS256", "PS256", "ES256", "ES384",
		"EdDSA" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return NULL;
	if (slice_is_nocase(slice_of(name), "none"))
		return "is no signature: anybody could sign in as anybody";
	if (slice_starts_nocase(slice_of(name), "HS"))
		return "is made with the client secret, so that whoever knows "
		       "that could sign in as anybody: let the provider sign "
		       "with a key of its own";
	return "is not one of RS256, PS256, ES256, ES384, EdDSA";
}

static void
check_algs(const struct check *c)
{
	static const char path[] = "doorward.openid.signing_alg_values";

	if (c->o->algs.n == 0)
		settings_complain(c->s, c->e, false, path,
		    "names none; leave it out for RS256, PS256, ES256, ES384 "
		    "and EdDSA");
	for (size_t i = 0; i < c->o->algs.n; i++) {
		const char *fault = alg_fault(c->o->algs.at[i]);

		if (fault != NULL)
			settings_complain(c->s, c->e, false, path, "%.100s %s",
			    c->o->algs.at[i], fault);
	}
}

static void
check_people(const struct check *c)
{
	static const char path[] = "doorward.openid.allow";
	struct conf_list *domains = &c->o->allowed_domains;

	for (size_t i = 0; i < domains->n; i++)
		if (!url_is_host(slice_of(domains->at[i])))
			settings_complain(c->s, c->e, false,
			    OPENID "allowed_domains",
			    "%.100s is no domain (write it without @)",
			    domains->at[i]);
	settings_check_allow(c->s, c->e, path, &c->o->allow);
	if (c->o->allow.present && !settings_allows_anybody(&c->o->allow))
		settings_complain(c->s, c->e, false, path,
		    "names nobody, so nobody could sign in; leave it out for "
		    "everybody whom the provider lets in");
}

/* --- the cluster --- */

/* Kiali's value is standard base64 (RFC 4648 4) of PEM; blanks are where the
 * file breaks its line. NULL: it is not that. */
static char *
decode_pem(const char *base64)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	size_t len = strlen(base64), n = 0, padding = 0, size = 0;
	char *text = mem_new(len + 1), *pem = mem_new(len + 1);
	bool good = true;

	for (size_t i = 0; i < len; i++) {
		char b = base64[i];

		if (b == ' ')
			continue;
		good =
		    good && b != '-' && b != '_' && (b == '=' || padding == 0);
		if (b == '=')
			padding++;
		else
			text[n++] = (char)(b == '+' ? '-' : b == '/' ? '_' : b);
	}
	good = good && padding <= 2 && (n + padding) % 4 == 0 &&
	    b64url_decode((uint8_t *)pem, len, &size, text, n) == 0 &&
	    memchr(pem, '\0', size) == NULL && strstr(pem, begin) != NULL &&
	    strstr(pem, "PRIVATE KEY-----") == NULL;
	free(text);
	if (!good) {
		free(pem);
		return NULL;
	}
	return pem;
}

static void
check_api_proxy(const struct check *c)
{
	static const char path[] = OPENID "api_proxy";
	static const char ca_path[] = OPENID "api_proxy_ca_data";
	struct openid_settings *o = c->o;
	const char *why;

	if (o->api_proxy_text[0] == '\0' && o->api_proxy_ca_data[0] == '\0')
		return;
	if (o->api_proxy_text[0] == '\0' || o->api_proxy_ca_data[0] == '\0') {
		settings_complain(c->s, c->e, true,
		    o->api_proxy_text[0] == '\0' ? ca_path : path,
		    "counts for nothing without %s",
		    o->api_proxy_text[0] == '\0' ? "api_proxy"
						 : "api_proxy_ca_data");
		return;
	}
	if (o->disable_rbac)
		settings_complain(c->s, c->e, true, path,
		    "is not asked while disable_rbac is true");
	if (url_parse(o->api_proxy_text, &o->api_proxy, &why) != 0)
		settings_complain(c->s, c->e, false, path, "%s", why);
	else if (!o->api_proxy.tls && !url_is_loopback(o->api_proxy.host))
		settings_complain(c->s, c->e, false, path,
		    "must be https: people's tokens are sent there");
	o->api_proxy_ca = decode_pem(o->api_proxy_ca_data);
	if (o->api_proxy_ca == NULL)
		settings_complain(c->s, c->e, false, ca_path,
		    "must be certificates in PEM, as one line of base64: "
		    "base64 -w0 ca.crt");
}

/* Kiali goes to the cluster as itself then; behind Doorward it cannot. */
static void
warn_of_token(const struct check *c)
{
	if (c->o->disable_rbac &&
	    c->s->console_credential == INJECT_USER_TOKEN &&
	    c->s->console_preset == PRESET_KIALI)
		settings_complain(c->s, c->e, true, OPENID "disable_rbac",
		    "true: the console still gets the provider's token, and a "
		    "Kiali behind it asks its cluster with that; if the "
		    "cluster does not take it, set doorward.console.credential "
		    "to none and Kiali's own auth.strategy to anonymous, where "
		    "nobody but Doorward can reach it");
}

static void
check_cluster(const struct check *c)
{
	bool asks = c->s->api_server_text[0] != '\0' ||
	    (c->o->api_proxy_text[0] != '\0' &&
		c->o->api_proxy_ca_data[0] != '\0');

	if (strcmp(c->o->api_token_text, "access_token") == 0)
		c->o->use_access_token = true;
	else if (strcmp(c->o->api_token_text, "id_token") != 0)
		settings_complain(c->s, c->e, true, OPENID "api_token",
		    "is neither id_token nor access_token: the id_token is "
		    "used");
	check_api_proxy(c);
	warn_of_token(c);
	if (!c->o->disable_rbac && !asks)
		settings_complain(c->s, c->e, false, OPENID "disable_rbac",
		    "false: the cluster is asked what a person may see, so "
		    "doorward.kubernetes.api_server is needed, or api_proxy "
		    "with api_proxy_ca_data%s; without a cluster set this to "
		    "true",
		    c->s->jwks_file[0] != '\0'
			? " (doorward.kubernetes.jwks_file is for the "
			  "strategies token and header only)"
			: "");
	else if (c->s->jwks_file[0] != '\0')
		settings_complain(c->s, c->e, true,
		    "doorward.kubernetes.jwks_file",
		    "is not used with auth.strategy openid: the provider's "
		    "keys are fetched from the provider");
}

/* --- */

static void
warn_of_base_url(const struct check *c)
{
	const struct settings *s = c->s;

	if (s->web_fqdn[0] == '\0')
		settings_complain(s, c->e, true, "server.web_fqdn",
		    "is empty: where the provider sends people back to follows "
		    "from the Host field%s of their requests, which anybody "
		    "can set; write the name in people's address bar here",
		    s->n_trusted_proxies > 0
			? " and the X-Forwarded-* fields (of trusted_proxies)"
			: "");
	if (!settings_tls(s) && s->n_trusted_proxies == 0)
		settings_complain(s, c->e, true, "auth.strategy",
		    "openid without HTTPS, here (identity) or at "
		    "doorward.trusted_proxies: codes and session cookies "
		    "cross the network in clear, and many providers refuse "
		    "such a redirect URI");
}

void
settings_check_openid(struct settings *s, struct conf_errors *e)
{
	const struct check c = { .s = s, .o = &s->openid, .e = e };

	if (s->strategy != STRATEGY_OPENID)
		return;
	check_client(&c);
	check_servers(&c);
	check_scopes(&c);
	check_params(&c);
	check_algs(&c);
	check_people(&c);
	check_cluster(&c);
	warn_of_base_url(&c);
}
