/*
 * The rows of the configuration: every key that Doorward uses, with its bounds,
 * its default and its meaning. This table is the whole list; a key that is not
 * here changes nothing.
 */
#include "common/settings_internal.h"

#include <stddef.h>

static const char *const strategies[] = { "anonymous", "token", "openid",
	"openshift", "header", NULL };
static const char *const presets[] = { "kiali", "generic", NULL };
static const char *const injections[] = { "none", "user-token", NULL };
static const char *const tls_sources[] = { "config", "auto", NULL };
static const char *const stores[] = { "sqlite", NULL };

_Static_assert(STRATEGY_HEADER == 4, "the order of strategies[]");
_Static_assert(PRESET_GENERIC == 1, "the order of presets[]");
_Static_assert(INJECT_USER_TOKEN == 1, "the order of injections[]");

#define AT(field) offsetof(struct settings, field)
#define STRING(path, field, fallback, help)                              \
	{                                                                \
		path, CONF_STRING, AT(field), 0, 0, NULL, fallback, help \
	}
#define BOOL(path, field, fallback, help)                              \
	{                                                              \
		path, CONF_BOOL, AT(field), 0, 0, NULL, fallback, help \
	}
#define UINT(path, field, min, max, fallback, help)                        \
	{                                                                  \
		path, CONF_UINT, AT(field), min, max, NULL, fallback, help \
	}
#define SECONDS(path, field, min, max, fallback, help)                        \
	{                                                                     \
		path, CONF_SECONDS, AT(field), min, max, NULL, fallback, help \
	}
#define ENUM(path, field, values, fallback, help)                        \
	{                                                                \
		path, CONF_ENUM, AT(field), 0, 0, values, fallback, help \
	}
#define STRINGS(path, field, fallback, help)                              \
	{                                                                 \
		path, CONF_STRINGS, AT(field), 0, 0, NULL, fallback, help \
	}

/* clang-format off */
static const struct conf_row rows[] = {
	ENUM("auth.strategy", strategy, strategies, "token",
	    "how people prove who they are: token or anonymous"),

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

	STRING("doorward.console.url", console_url_text,
	    "http://127.0.0.1:20001",
	    "the console behind the door"),
	STRING("doorward.console.ca_file", console_ca_file, "",
	    "certificates that an https console is checked with"),
	ENUM("doorward.console.preset", console_preset, presets, "kiali",
	    "kiali: static files are public, the API is not; generic: "
	    "everything needs a session"),
	ENUM("doorward.console.credential", console_credential, injections,
	    "user-token",
	    "what the console is given: user-token or none"),

	STRING("doorward.kubernetes.api_server", api_server_text, "",
	    "API server that tokens are checked with"),
	STRING("doorward.kubernetes.ca_file", api_ca_file, "",
	    "certificates that the API server is checked with"),
	STRINGS("doorward.kubernetes.audiences", audiences, "",
	    "audiences of which a token must have one"),
	STRING("doorward.kubernetes.jwks_file", jwks_file, "",
	    "public keys, to check tokens without the API server"),
	STRING("doorward.kubernetes.issuer", issuer, "",
	    "issuer of the tokens that jwks_file verifies"),
	STRINGS("doorward.kubernetes.namespaces", namespaces, "",
	    "namespaces to try for people who may not list all"),

	SECONDS("doorward.session.idle_seconds", idle_s, 0, 31536000, "0",
	    "end a session that was not used for so long; 0: never"),
	ENUM("doorward.session.store", session_store, stores, "sqlite",
	    "where sessions are kept: sqlite, in the state directory"),
	STRING("doorward.session.cookie_name", cookie_name, "",
	    "name of the session cookie; empty: chosen by TLS and web_root"),
};
/* clang-format on */

static const char *const owned[] = { "doorward", NULL };

const struct conf_table settings_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(rows[0]),
	.owned = owned,
	.other = settings_other,
};
