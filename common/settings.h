/*
 * What the configuration says, typed, checked and with defaults: Kiali's own
 * keys with Kiali's meaning, and the section doorward. All daemons read the
 * same file with the same table before they enter the sandbox, so that
 * `doorward check-config` says exactly what they would say.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/cidr.h"
#include "common/conf.h"
#include "common/http/http.h"
#include "common/text.h"
#include "common/url.h"

enum strategy { /* auth.strategy */
	STRATEGY_ANONYMOUS,
	STRATEGY_TOKEN,
	STRATEGY_OPENID,
	STRATEGY_OPENSHIFT, /* refused for good, with the reason */
	STRATEGY_HEADER,
};
enum preset { PRESET_KIALI, PRESET_GENERIC };
enum inject { INJECT_NONE, INJECT_USER_TOKEN }; /* credential: */
enum tls_version { TLS_VERSION_UNSET, TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* external_services.* */
enum service_id {
	SERVICE_PROMETHEUS,
	SERVICE_GRAFANA,
	SERVICE_TRACING,
	SERVICE_PERSES,
	SERVICE_CUSTOM_DASHBOARDS,
	SERVICE_COUNT
};
/* CA bundles: numbers below SERVICE_COUNT are the services' ca_file. */
enum ca_number {
	CA_COMMON = SERVICE_COUNT, /* additional-ca-bundle.pem */
	CA_CONSOLE,		   /* doorward.console.ca_file */
	CA_API_SERVER,		   /* doorward.kubernetes.ca_file */
	CA_OPENID,		   /* <ca_bundle_dir>/openid-server-ca.crt */
	CA_COUNT
};
enum auth_type { AUTH_NONE, AUTH_BASIC, AUTH_BEARER, AUTH_OAUTH2 };
enum auth_style { AUTH_STYLE_HEADER, AUTH_STYLE_PARAMS };
enum tracing_provider { TRACING_JAEGER, TRACING_TEMPO };

struct oauth2_settings { /* client_credentials */
	char *token_url_text;
	struct url token_url; /* host NULL: none */
	char *client_id;      /* the identifier itself */
	char *client_secret;  /* a reference */
	char *audience;
	struct conf_list scopes;
	int auth_style; /* enum auth_style */
};
struct auth_settings {
	int type; /* enum auth_type */
	/* References (secret:NAME:KEY or an absolute path) or ""; username may
	 * be the name itself. */
	char *username, *password, *token;
	bool use_kiali_token; /* with bearer: the slot cluster-token */
	bool insecure_skip_verify;
	char *cert_file; /* "": no client certificate */
	char *key_file;	 /* "" with cert_file: in the slot <name>-key */
	char *ca_file; /* "" or the only CAs that the service is checked with */
	struct oauth2_settings oauth2; /* checked with AUTH_OAUTH2 only */
};
struct service_settings {
	/* "prometheus", "grafana", "tracing", "perses",
	 * "customdashboards-prometheus": in routes, local paths and slots */
	const char *name;
	bool enabled;
	char *url_text;
	struct url url; /* host NULL: none */
	int provider;	/* enum tracing_provider, for tracing */
	bool use_grpc;	/* tracing: refused when it is in use */
	/* At most 16. Values: the text itself, a reference or "" (both: in the
	 * slot <name>-header-<lower-cased name>); of names that speak of
	 * credentials only the latter two. */
	struct conf_map custom_headers;
	struct auth_settings auth;
	bool in_use; /* enabled, and a route or the local listener leads here */
};

#define SETTINGS_ROUTE_MAX 200 /* characters of a route's path */
struct route_allow {
	bool present; /* false: every signed-in person */
	/* Who is in any of them; users ["*"]: every signed-in person, with
	 * STRATEGY_ANONYMOUS everybody. Domains are in lower case. */
	struct conf_list users, groups, emails, domains;
};
struct route_settings { /* doorward.routes[] */
	char *path;	/* "/prometheus/": below web_root, '/' at both ends */
	char *service_name;
	int service;		  /* enum service_id */
	struct conf_list methods; /* default GET, HEAD */
	unsigned method_mask;	  /* 1u << enum http_method */
	/* What may be asked for, seen from path: "/api/v1/query" is that path
	 * alone, "/api/v1/" (or with a star behind it) what is below; none:
	 * all. */
	struct conf_list paths;
	/* /prometheus/api becomes <path of the service's url>/api; false: the
	 * whole path goes on. */
	bool strip_prefix;
	struct route_allow allow;
};
struct certificate_settings {
	char *cert_file, *key_file;
};

enum openid_auth {	    /* doorward.openid.token_endpoint_auth_method */
	OPENID_AUTH_CHOSEN, /* "": by the slots and the provider's metadata */
	OPENID_AUTH_BASIC,
	OPENID_AUTH_POST,
	OPENID_AUTH_PRIVATE_KEY_JWT, /* slot oidc-key */
	OPENID_AUTH_NONE,
};
enum openid_pushed { PUSHED_AUTO, PUSHED_ALWAYS, PUSHED_NEVER };
struct openid_settings { /* auth.openid.*, then doorward.openid.* */
	char *client_id;
	char *issuer; /* issuer_uri, byte for byte */
	bool disable_rbac;
	bool use_access_token; /* api_token: access_token */
	char *api_token_text;
	/* Both or they count for nothing, as in Kiali: asked instead of
	 * doorward.kubernetes.api_server, trusting this CA alone. */
	char *api_proxy_text, *api_proxy_ca_data; /* the latter: base64 PEM */
	struct url api_proxy;			  /* host NULL: none */
	char *api_proxy_ca;			  /* PEM */
	struct conf_list scopes;		  /* "openid" is among them */
	char *username_claim;
	struct conf_list allowed_domains;
	struct conf_map additional_request_params; /* names of ours refused */
	uint32_t authentication_timeout_s;
	bool insecure_skip_verify_tls;
	char *http_proxy_text; /* counts for nothing */
	char *https_proxy_text;
	struct url https_proxy;	      /* host NULL: none */
	char *authorization_endpoint; /* deprecated */
	struct {
		char *authorization_endpoint, *token_endpoint, *jwks_uri,
		    *userinfo_endpoint, *end_session_endpoint;
	} override;
	char *post_logout_redirect_uri;

	int auth_method;       /* enum openid_auth */
	int pushed;	       /* enum openid_pushed */
	struct conf_list algs; /* signing_alg_values: names of RFC 7518 */
	char *groups_claim;
	bool trust_unsaid_email;
	struct route_allow allow;    /* who may sign in at all */
	uint32_t refresh_margin_s;   /* before the tokens end */
	struct conf_list ports_text; /* of endpoints on unusual ports */
	/* Every port that authd may have to connect to for the provider: 443,
	 * the issuer's, the overrides', the proxies', ports. */
	uint16_t ports[16];
	size_t n_ports;
};

struct settings {
	/* auth */
	int strategy;		       /* enum strategy */
	struct openid_settings openid; /* checked with STRATEGY_OPENID only */
	/* deployment */
	char *deployment_namespace; /* istio-system */
	char *instance_name;	    /* kiali */
	char *service_account; /* "<instance_name>-service-account", for the
				  hint */
	struct conf_list
	    namespaces; /* doorward.kubernetes.namespaces, and those of
			   deployment.discovery_selectors.default */
	int tls_source; /* config or auto; both mean the same here */
	char *tls_min_text, *tls_max_text;
	int tls_min, tls_max; /* enum tls_version; min default 1.3 */
	/* As OpenSSL names them, only those that are offered; empty: its
	 * defaults. cipher_suites are those of TLS 1.2. */
	struct conf_list cipher_suites, groups;
	int log_level; /* enum log_level; the environment's LOG_LEVEL wins */
	/* identity */
	char *cert_file, *key_file; /* both or none; set: TLS */
	/* kubernetes_config */
	char *cluster_name; /* Kubernetes */
	uint32_t recheck_s; /* cache_token_namespace_duration, 10 */
	/* login_token */
	uint32_t expiration_s; /* 86400 */
	char *signing_key;     /* "", "secret:name:key" or absolute path */
	/* server */
	char *address;
	uint32_t port;	  /* 20001 */
	char *web_root;	  /* as configured: "/" or "/kiali" */
	char *web_prefix; /* "" or "/kiali" */
	char *web_fqdn, *web_port, *web_schema;
	bool audit_log;
	bool require_auth;
	bool cors_allow_all;
	/* doorward */
	struct conf_list listen; /* "0.0.0.0:443"; default address:port;
				    ":443" is every address */
	struct conf_list hosts;	 /* names that Host may have, lower case;
				    default web_fqdn; none: any, with a
				    warning */
	struct cidr *trusted_proxies;
	size_t n_trusted_proxies;
	struct conf_list trusted_proxies_text;
	struct conf_list secrets_dirs;
	uint32_t workers;	  /* default: one per core, at most 4 */
	uint32_t max_connections; /* per worker, 4096 */
	uint32_t max_per_address; /* per worker, 256 (IPv6: per /64) */
	struct url console;
	char *console_url_text;
	char *console_ca_file;	/* for https; default: the system's */
	int console_preset;	/* enum preset */
	int console_credential; /* enum inject */
	char *api_server_text;
	struct url api_server; /* host NULL: none */
	char *api_ca_file;
	struct conf_list audiences;
	char *jwks_file;     /* offline verification */
	char *issuer;	     /* doorward.kubernetes.issuer, for jwks_file */
	uint32_t idle_s;     /* doorward.session.idle_seconds, 0: none */
	int session_store;   /* sqlite is the only one */
	char *cookie_name;   /* "": chosen from TLS and web_root */
	char *ca_bundle_dir; /* holds additional-ca-bundle.pem: trusted for
				services, console and API server beside the
				system's certificates */
	struct route_settings *routes; /* at most 64 */
	size_t n_routes;
	/* [0] is identity.*, the others are doorward.certificates; at most 16.
	 * None without identity. */
	struct certificate_settings *certificates;
	size_t n_certificates;
	struct {	      /* doorward.egress: the console's way out */
		char *listen; /* "": none; "127.0.0.1:9091", "/run/x.sock" */
		bool is_unix;
		char *path;	    /* of the Unix socket, else NULL */
		struct endpoint at; /* else: a loopback address */
		struct conf_list allow_uids_text;
		uint32_t *allow_uids; /* who may connect to the Unix socket */
		size_t n_allow_uids;
	} egress;
	struct service_settings services[SERVICE_COUNT];

	struct conf_list selected_namespaces; /* joined to namespaces */
	/* doorward.certificates, joined to certificates */
	struct certificate_settings *more_certificates;
	size_t n_more_certificates;
	struct conf_list ignored;  /* paths that were read but are not used */
	struct conf_places places; /* for check-config */
	char *file;		   /* where it was read from */
};

/* Reads and checks. Errors and warnings are added to e. NULL when one was
 * fatal. */
struct settings *settings_read(const char *file, struct conf_errors *e);
/* For daemons: logs every error, then is fatal. Warnings are for one of them to
 * tell: the frontend. */
struct settings *settings_load(const char *file, bool with_warnings);
void settings_free(struct settings *s);
/* The table, for check-config. */
extern const struct conf_table settings_table;

/* Is TLS terminated here? */
bool settings_tls(const struct settings *s);
/* Where a value stands; zero when it is the default. */
struct conf_place settings_place(const struct settings *s, const char *path);
/* The session cookie's name: cookie_name, or over HTTPS __Host-doorward (web
 * root /) or __Secure-doorward (other roots), else doorward. secure: whether
 * the client reaches us through HTTPS. Static or owned by s. */
const char *settings_cookie_name(const struct settings *s, bool secure);
/* What the login cookie's name has behind the session cookie's. */
#define SETTINGS_COOKIE_LOGIN "-login"
/* Every name that the session cookie and the login cookie may have had, Kiali's
 * own included, for stripping. */
bool settings_is_own_cookie(const struct settings *s, struct slice name);
/* Is address one of trusted_proxies? */
bool settings_trusts(const struct settings *s, const struct sockaddr *address);

/* The routing decision on a parsed request, shared by frontend and egress so
 * that one place says what is public and what leads where. */
enum route_kind {
	ROUTE_OWN,     /* Doorward's endpoint: the frontend answers */
	ROUTE_PUBLIC,  /* forwarded without a session */
	ROUTE_SESSION, /* forwarded with one */
	ROUTE_METHOD,  /* a route, but not for this method: methods has them */
	ROUTE_SLASH,   /* a route's path without its last '/': a redirect */
	ROUTE_NONE,    /* outside web_root, not listed, or no such thing */
};
struct route {
	enum route_kind kind;
	const char *name; /* SETTINGS_ROUTE_CONSOLE or the route's path */
	int inject;	  /* enum inject */
	int service;	  /* enum service_id, or SERVICE_NONE: the console */
	const struct route_settings *settings; /* NULL: the console */
	unsigned methods;		       /* 1u << enum http_method */
	/* The path that goes to the upstream: base, then rest, which is what
	 * matched. Borrowed from s and from path. */
	struct slice base, rest;
	/* Of a service: where it begins for the client, "/kiali/prometheus".
	 * stripped: the upstream does not see that. */
	struct slice mount;
	bool stripped;
};
#define SERVICE_NONE (-1)
#define SETTINGS_ROUTE_CONSOLE "console"
/* path: as it stood in the request, accepted by http_target_check, without the
 * query. Prefixes are compared with the decoded path too, since an upstream
 * decodes it before it routes. With STRATEGY_ANONYMOUS there is no
 * ROUTE_SESSION, and services that not everybody may use lead nowhere. */
struct route settings_route(
    const struct settings *s, enum http_method method, struct slice path);
/* The one of doorward.routes with this path, or NULL. */
const struct route_settings *settings_route_named(
    const struct settings *s, struct slice name);

#endif
