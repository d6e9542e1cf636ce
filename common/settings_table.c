/*
 * The rows of the configuration: every key that Doorward uses, with its bounds,
 * its default and its meaning. This table is the whole list; a key that is not
 * here changes nothing.
 */
#include "common/settings_internal.h"

#include <stddef.h>

#include "common/log.h"
#include "common/slot.h"

static const char *const strategies[] = { "anonymous", "token", "openid",
	"openshift", "header", NULL };
static const char *const presets[] = { "kiali", "generic", NULL };
static const char *const injections[] = { "none", "user-token", NULL };
static const char *const tls_sources[] = { "config", "auto", NULL };
static const char *const stores[] = { "sqlite", NULL };
static const char *const log_levels[] = { "trace", "debug", "info", "warn",
	"error", "fatal", NULL };
static const char *const providers[] = { "jaeger", "tempo", NULL };
static const char *const auth_types[] = { "none", "basic", "bearer", "oauth2",
	NULL };
static const char *const auth_styles[] = { "header", "params", NULL };
static const char *const openid_auths[] = { "", "client_secret_basic",
	"client_secret_post", "private_key_jwt", "none", NULL };
static const char *const pushed_values[] = { "auto", "always", "never", NULL };

_Static_assert(STRATEGY_HEADER == 4, "the order of strategies[]");
_Static_assert(PRESET_GENERIC == 1, "the order of presets[]");
_Static_assert(INJECT_USER_TOKEN == 1, "the order of injections[]");
_Static_assert(LOG_LEVEL_FATAL == 5, "the order of log_levels[]");
_Static_assert(TRACING_TEMPO == 1, "the order of providers[]");
_Static_assert(AUTH_OAUTH2 == 3, "the order of auth_types[]");
_Static_assert(OPENID_AUTH_NONE == 4, "the order of openid_auths[]");
_Static_assert(PUSHED_NEVER == 2, "the order of pushed_values[]");
_Static_assert(AUTH_STYLE_PARAMS == 1, "the order of auth_styles[]");

/* clang-format off */
#define ROW(path_, type_, field_, help_) \
	.path = (path_), .type = (type_), .offset = offsetof(IN, field_), \
	.help = (help_)
#define STRING(path, field, fallback_, help) \
	{ ROW(path, CONF_STRING, field, help), .fallback = (fallback_) }
/* A long one. */
#define TEXT(path, field, max_, help) \
	{ ROW(path, CONF_STRING, field, help), .fallback = "", .max = (max_) }
#define BOOL(path, field, fallback_, help) \
	{ ROW(path, CONF_BOOL, field, help), .fallback = (fallback_) }
#define UINT(path, field, min_, max_, fallback_, help) \
	{ ROW(path, CONF_UINT, field, help), .fallback = (fallback_), \
	    .min = (min_), .max = (max_) }
#define SECONDS(path, field, min_, max_, fallback_, help) \
	{ ROW(path, CONF_SECONDS, field, help), .fallback = (fallback_), \
	    .min = (min_), .max = (max_) }
#define ENUM(path, field, values_, fallback_, help) \
	{ ROW(path, CONF_ENUM, field, help), .fallback = (fallback_), \
	    .values = (values_) }
#define STRINGS(path, field, fallback_, help) \
	{ ROW(path, CONF_STRINGS, field, help), .fallback = (fallback_) }
#define MAP(path, field, max_, help) \
	{ ROW(path, CONF_MAP, field, help), .max = (max_) }
#define TABLE(path, field, table_, help) \
	{ ROW(path, CONF_TABLE, field, help), .table = &(table_) }
#define TABLES(path, field, n_field, type, max_, table_, help) \
	{ ROW(path, CONF_TABLES, field, help), .max = (max_), \
	    .table = &(table_), .size = sizeof(type), \
	    .count = offsetof(IN, n_field) }
#define UNUSED(path_) { .path = (path_), .type = CONF_UNUSED }

#define ROWS(rows_) { .rows = (rows_), .n = sizeof(rows_) / sizeof((rows_)[0]) }

#define IN struct auth_settings
static const struct conf_row auth_rows[] = {
	ENUM("type", type, auth_types, "none",
	    "what requests carry: none, basic (to Perses too: there is no "
	    "login with its own form), bearer or oauth2"),
	STRING("username", username, "",
	    "for basic: the name, secret:NAME:KEY or a path; empty: the slot"),
	STRING("password", password, "",
	    "for basic: secret:NAME:KEY or a path; empty: the slot"),
	STRING("token", token, "",
	    "for bearer: secret:NAME:KEY or a path; empty: the slot"),
	BOOL("use_kiali_token", use_kiali_token, "false",
	    "for bearer: send the token in the slot cluster-token"),
	BOOL("insecure_skip_verify", insecure_skip_verify, "false",
	    "do not check the service's certificate"),
	STRING("cert_file", cert_file, "",
	    "client certificate: secret:NAME:KEY or a path; empty: none"),
	STRING("key_file", key_file, "",
	    "its private key: secret:NAME:KEY or a path; empty: the slot"),
	STRING("ca_file", ca_file, "",
	    "certificates that the service is checked with, and no others"),
	STRING("oauth2.token_url", oauth2.token_url_text, "",
	    "where a token is fetched (client_credentials)"),
	STRING("oauth2.client_id", oauth2.client_id, "",
	    "who fetches it"),
	STRING("oauth2.client_secret", oauth2.client_secret, "",
	    "secret:NAME:KEY or a path; empty: the slot"),
	STRINGS("oauth2.scopes", oauth2.scopes, "",
	    "scopes to ask for"),
	STRING("oauth2.audience", oauth2.audience, "",
	    "audience to ask for"),
	ENUM("oauth2.auth_style", oauth2.auth_style, auth_styles, "header",
	    "how client_id and client_secret are sent: header or params"),
};
#undef IN
static const struct conf_table auth_table = ROWS(auth_rows);

#define IN struct route_allow
static const struct conf_row allow_rows[] = {
	STRINGS("users", users, "",
	    "user names; \"*\": every signed-in person"),
	STRINGS("groups", groups, "",
	    "groups of which a person must be in one"),
	STRINGS("emails", emails, "",
	    "e-mail addresses"),
	STRINGS("domains", domains, "",
	    "what stands behind the @ of an e-mail address"),
};
#undef IN
static const struct conf_table allow_table = ROWS(allow_rows);

#define IN struct route_settings
static const struct conf_row route_rows[] = {
	STRING("path", path, "",
	    "where it begins, seen from web_root: /prometheus/"),
	STRING("service", service_name, "",
	    "prometheus, grafana, tracing, perses or "
	    "customdashboards-prometheus"),
	STRINGS("methods", methods, "GET,HEAD",
	    "methods that are let through"),
	STRINGS("paths", paths, "",
	    "paths that are let through, seen from path: /api/v1/query, or "
	    "/api/v1/ for all below; none: every path"),
	BOOL("strip_prefix", strip_prefix, "true",
	    "leave web_root and path away when the request goes on"),
	TABLE("allow", allow, allow_table,
	    "who may use it: anybody in one of its lists; unset: every "
	    "signed-in person"),
};
#undef IN
static const struct conf_table route_table = ROWS(route_rows);

#define IN struct certificate_settings
static const struct conf_row certificate_rows[] = {
	STRING("cert_file", cert_file, "",
	    "certificate chain in PEM; its names choose it"),
	STRING("private_key_file", key_file, "",
	    "private key in PEM, readable by doorward-secretd alone"),
};
#undef IN
static const struct conf_table certificate_table = ROWS(certificate_rows);

/* Of every service; its enabled and URL keys differ. */
#define SERVICE(prefix, id) \
	MAP(prefix ".custom_headers", services[id].custom_headers, \
	    SLOT_HEADERS_MAX, "headers that every request gets"), \
	TABLE(prefix ".auth", services[id].auth, auth_table, \
	    "what Doorward shows to the service; unset: nothing")

#define IN struct settings
static const struct conf_row rows[] = {
	ENUM("auth.strategy", strategy, strategies, "token",
	    "how people prove who they are: token, openid, header or "
	    "anonymous"),

	STRING("auth.openid.client_id", openid.client_id, "",
	    "name by which the provider knows Doorward"),
	STRING("auth.openid.issuer_uri", openid.issuer, "",
	    "the provider: byte for byte what it calls itself"),
	BOOL("auth.openid.disable_rbac", openid.disable_rbac, "false",
	    "do not ask the cluster what a person may see"),
	STRING("auth.openid.api_token", openid.api_token_text, "id_token",
	    "which token the console and the cluster get: id_token or "
	    "access_token"),
	STRING("auth.openid.api_proxy", openid.api_proxy_text, "",
	    "asked instead of the API server; with api_proxy_ca_data"),
	TEXT("auth.openid.api_proxy_ca_data", openid.api_proxy_ca_data, 131072,
	    "certificates (PEM in base64) that api_proxy is checked with"),
	STRINGS("auth.openid.scopes", openid.scopes, "openid,profile,email",
	    "scopes to ask for; openid always is among them"),
	STRING("auth.openid.username_claim", openid.username_claim, "sub",
	    "claim that is the user's name"),
	STRINGS("auth.openid.allowed_domains", openid.allowed_domains, "",
	    "domains whose people may sign in; none: all"),
	MAP("auth.openid.additional_request_params",
	    openid.additional_request_params, 16,
	    "further parameters for the provider's login page"),
	SECONDS("auth.openid.authentication_timeout",
	    openid.authentication_timeout_s, 30, 3600, "300",
	    "how long a login at the provider may take"),
	BOOL("auth.openid.insecure_skip_verify_tls",
	    openid.insecure_skip_verify_tls, "false",
	    "do not check the provider's certificate"),
	STRING("auth.openid.http_proxy", openid.http_proxy_text, "",
	    "counts for nothing: a provider is at https:, or on this machine"),
	STRING("auth.openid.https_proxy", openid.https_proxy_text, "",
	    "proxy on the way to a provider that is not on this machine"),
	STRING("auth.openid.authorization_endpoint",
	    openid.authorization_endpoint, "",
	    "where people are sent (deprecated: see discovery_override)"),
	STRING("auth.openid.discovery_override.authorization_endpoint",
	    openid.override.authorization_endpoint, "",
	    "with token_endpoint and jwks_uri: no discovery"),
	STRING("auth.openid.discovery_override.token_endpoint",
	    openid.override.token_endpoint, "", "where codes are redeemed"),
	STRING("auth.openid.discovery_override.jwks_uri",
	    openid.override.jwks_uri, "", "where the provider's keys are"),
	STRING("auth.openid.discovery_override.userinfo_endpoint",
	    openid.override.userinfo_endpoint, "",
	    "where more is said of a person"),
	STRING("auth.openid.discovery_override.end_session_endpoint",
	    openid.override.end_session_endpoint, "",
	    "where people sign out"),
	STRING("auth.openid.post_logout_redirect_uri",
	    openid.post_logout_redirect_uri, "",
	    "where the provider sends people who signed out; empty: here"),

	STRING("deployment.namespace", deployment_namespace, "istio-system",
	    "namespace of Kiali, for the hint on the login page"),
	STRING("deployment.instance_name", instance_name, "kiali",
	    "name of the Kiali installation, for the same hint"),
	ENUM("deployment.tls_config.source", tls_source, tls_sources, "config",
	    "where the TLS policy comes from; here always these lines"),
	STRING("deployment.tls_config.min_version", tls_min_text, "",
	    "lowest TLS version: TLSv1.2 or TLSv1.3 (default)"),
	STRING("deployment.tls_config.max_version", tls_max_text, "",
	    "highest TLS version: TLSv1.2 or TLSv1.3 (default)"),
	STRINGS("deployment.tls_config.cipher_suites", cipher_suites, "",
	    "cipher suites of TLS 1.2; empty: OpenSSL's strong ones"),
	STRINGS("deployment.tls_config.groups", groups, "",
	    "groups for key exchange; empty: OpenSSL's defaults"),

	ENUM("deployment.logger.log_level", log_level, log_levels, "info",
	    "trace, debug, info, warn, error or fatal; LOG_LEVEL in the "
	    "environment comes first"),

	BOOL("external_services.prometheus.enabled",
	    services[SERVICE_PROMETHEUS].enabled, "true",
	    "is there a Prometheus?"),
	STRING("external_services.prometheus.url",
	    services[SERVICE_PROMETHEUS].url_text,
	    "http://prometheus.istio-system:9090",
	    "Prometheus, as Doorward reaches it"),
	SERVICE("external_services.prometheus", SERVICE_PROMETHEUS),
	BOOL("external_services.grafana.enabled",
	    services[SERVICE_GRAFANA].enabled, "true",
	    "is there a Grafana?"),
	STRING("external_services.grafana.internal_url",
	    services[SERVICE_GRAFANA].url_text,
	    "http://grafana.istio-system:3000",
	    "Grafana, as Doorward reaches it"),
	STRING("external_services.grafana.in_cluster_url",
	    services[SERVICE_GRAFANA].url_text, NULL,
	    "the old name of internal_url"),
	UNUSED("external_services.grafana.external_url"),
	UNUSED("external_services.grafana.url"),
	SERVICE("external_services.grafana", SERVICE_GRAFANA),
	BOOL("external_services.tracing.enabled",
	    services[SERVICE_TRACING].enabled, "false",
	    "is there a Jaeger or a Tempo?"),
	ENUM("external_services.tracing.provider",
	    services[SERVICE_TRACING].provider, providers, "jaeger",
	    "jaeger or tempo"),
	STRING("external_services.tracing.internal_url",
	    services[SERVICE_TRACING].url_text,
	    "http://tracing.istio-system:16685/jaeger",
	    "Jaeger or Tempo, as Doorward reaches its HTTP query API"),
	STRING("external_services.tracing.in_cluster_url",
	    services[SERVICE_TRACING].url_text, NULL,
	    "the old name of internal_url"),
	UNUSED("external_services.tracing.external_url"),
	UNUSED("external_services.tracing.url"),
	BOOL("external_services.tracing.use_grpc",
	    services[SERVICE_TRACING].use_grpc, "true",
	    "must be false where Doorward leads to it: only HTTP goes through"),
	SERVICE("external_services.tracing", SERVICE_TRACING),
	BOOL("external_services.perses.enabled",
	    services[SERVICE_PERSES].enabled, "false",
	    "is there a Perses?"),
	STRING("external_services.perses.internal_url",
	    services[SERVICE_PERSES].url_text,
	    "http://perses.istio-system:4000",
	    "Perses, as Doorward reaches it"),
	UNUSED("external_services.perses.external_url"),
	SERVICE("external_services.perses", SERVICE_PERSES),
	BOOL("external_services.custom_dashboards.enabled",
	    services[SERVICE_CUSTOM_DASHBOARDS].enabled, "true",
	    "are there custom dashboards?"),
	STRING("external_services.custom_dashboards.prometheus.url",
	    services[SERVICE_CUSTOM_DASHBOARDS].url_text, "",
	    "a Prometheus of their own; empty: the other one"),
	SERVICE("external_services.custom_dashboards.prometheus",
	    SERVICE_CUSTOM_DASHBOARDS),

	STRING("identity.cert_file", cert_file, "",
	    "certificate chain in PEM; with private_key_file: serve HTTPS"),
	STRING("identity.private_key_file", key_file, "",
	    "private key in PEM, readable by doorward-secretd alone"),

	STRING("kubernetes_config.cluster_name", cluster_name, "Kubernetes",
	    "name of the cluster, as Kiali shows it"),
	SECONDS("kubernetes_config.cache_token_namespace_duration", recheck_s,
	    1, 3600, "10",
	    "seconds between two checks of a token that is in use"),

	SECONDS("login_token.expiration_seconds", expiration_s,
	    60, 31536000, "86400",
	    "longest life of a session; a token's own end comes first"),
	STRING("login_token.signing_key", signing_key, "",
	    "where the key is that seals sessions: empty, secret:NAME:KEY or "
	    "a path"),

	STRING("server.address", address, "",
	    "address to listen on, where doorward.listen is empty"),
	UINT("server.port", port, 1, 65535, "20001",
	    "port to listen on, where doorward.listen is empty"),
	STRING("server.web_root", web_root, "/",
	    "path under which everything is served"),
	STRING("server.web_fqdn", web_fqdn, "",
	    "host name by which people reach this server"),
	STRING("server.web_port", web_port, "",
	    "port by which people reach it, where it is another one"),
	STRING("server.web_schema", web_schema, "",
	    "http or https, as people reach it"),
	BOOL("server.audit_log", audit_log, "true",
	    "log every login, failure, logout and refusal"),
	BOOL("server.require_auth", require_auth, "false",
	    "ask for a session on GET /api as well"),
	BOOL("server.cors_allow_all", cors_allow_all, "false",
	    "let every web site read unauthenticated answers"),

	STRINGS("doorward.listen", listen, "",
	    "addresses to listen on (under systemd: see doorward-http.socket)"),
	STRINGS("doorward.hosts", hosts, "",
	    "names that the Host field may have; default server.web_fqdn"),
	STRINGS("doorward.trusted_proxies", trusted_proxies_text, "",
	    "networks whose X-Forwarded-* fields are believed"),
	STRINGS("doorward.secrets_dirs", secrets_dirs,
	    DEFAULT_SECRETS_DIR ",/kiali-override-secrets,/kiali-secret",
	    "folders that hold SLOT/value.txt or SLOT/KEY, first match wins"),
	UINT("doorward.workers", workers, 0, 64, "0",
	    "frontend processes; 0: one per core, at most 4"),
	UINT("doorward.max_connections", max_connections, 16, 65536, "4096",
	    "client connections per worker"),
	UINT("doorward.max_per_address", max_per_address, 1, 65536, "256",
	    "of these from one address (IPv6: one /64)"),

	STRING("doorward.ca_bundle_dir", ca_bundle_dir, "/kiali-cabundle",
	    "folder of additional-ca-bundle.pem: certificates that servers "
	    "are checked with beside the system's; and of "
	    "openid-server-ca.crt: the same for the OpenID provider"),
	TABLES("doorward.certificates", more_certificates,
	    n_more_certificates, struct certificate_settings,
	    CERTIFICATES_MAX - 1, certificate_table,
	    "further certificates, for other names than identity's"),

	STRING("doorward.console.url", console_url_text,
	    "http://127.0.0.1:20001",
	    "the console behind the door"),
	STRING("doorward.console.ca_file", console_ca_file, "",
	    "certificates that an https console is checked with, and no others"),
	ENUM("doorward.console.preset", console_preset, presets, "kiali",
	    "kiali: static files are public, the API is not; generic: "
	    "everything needs a session"),
	ENUM("doorward.console.credential", console_credential, injections,
	    "user-token",
	    "what the console is given: user-token or none"),

	STRING("doorward.kubernetes.api_server", api_server_text, "",
	    "API server that tokens are checked with"),
	STRING("doorward.kubernetes.ca_file", api_ca_file, "",
	    "certificates that the API server is checked with, and no others"),
	STRINGS("doorward.kubernetes.audiences", audiences, "",
	    "audiences of which a token must have one"),
	STRING("doorward.kubernetes.jwks_file", jwks_file, "",
	    "public keys, to check tokens without the API server"),
	STRING("doorward.kubernetes.issuer", issuer, "",
	    "issuer of the tokens that jwks_file verifies"),
	STRINGS("doorward.kubernetes.namespaces", namespaces, "",
	    "namespaces to try for people who may not list all"),

	ENUM("doorward.openid.token_endpoint_auth_method", openid.auth_method,
	    openid_auths, "",
	    "how Doorward proves itself to the provider: client_secret_basic, "
	    "client_secret_post, private_key_jwt (slot oidc-key) or none; "
	    "empty: by what there is"),
	ENUM("doorward.openid.pushed_authorization_requests", openid.pushed,
	    pushed_values, "auto",
	    "auto: when the provider offers them; always or never"),
	STRINGS("doorward.openid.signing_alg_values", openid.algs,
	    "RS256,PS256,ES256,ES384,EdDSA",
	    "algorithms with which the provider may sign"),
	STRING("doorward.openid.groups_claim", openid.groups_claim, "groups",
	    "claim that lists a person's groups; empty: none is read"),
	BOOL("doorward.openid.trust_unsaid_email", openid.trust_unsaid_email,
	    "false",
	    "believe an e-mail address of which the provider does not say "
	    "whether it is verified"),
	TABLE("doorward.openid.allow", openid.allow, allow_table,
	    "who may sign in: anybody in one of its lists; unset: everybody "
	    "whom the provider lets in"),
	SECONDS("doorward.openid.refresh_margin_seconds",
	    openid.refresh_margin_s, 5, 3600, "60",
	    "how long before their end tokens are renewed"),
	STRINGS("doorward.openid.ports", openid.ports_text, "",
	    "ports of the provider's endpoints other than 443 and the "
	    "issuer's"),

	SECONDS("doorward.session.idle_seconds", idle_s, 0, 31536000, "0",
	    "end a session that was not used for so long; 0: never"),
	ENUM("doorward.session.store", session_store, stores, "sqlite",
	    "where sessions are kept: sqlite, in the state directory"),
	STRING("doorward.session.cookie_name", cookie_name, "",
	    "name of the session cookie; empty: chosen by TLS and web_root"),

	TABLES("doorward.routes", routes, n_routes, struct route_settings,
	    ROUTES_MAX, route_table,
	    "external services under the same login"),

	STRING("doorward.egress.listen", egress.listen, "",
	    "where the console finds the services: 127.0.0.1:9091 (callers "
	    "send the slot egress-token as bearer) or /run/x.sock"),
	STRINGS("doorward.egress.allow_uids", egress.allow_uids_text, "",
	    "users who may connect to that socket, as numbers"),
};
#undef IN
/* clang-format on */

static const char *const owned[] = { "doorward", NULL };

const struct conf_table settings_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(rows[0]),
	.owned = owned,
	.other = settings_other,
};
