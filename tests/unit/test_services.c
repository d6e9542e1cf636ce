/* External services, routes, the local listener and further certificates: what
 * is read, what follows from it, what is refused and where. */
#include <check.h>
#include <string.h>

#include "common/http/http.h"
#include "common/log.h"
#include "common/mem.h"
#include "tests/unit/settings_cases.h"
#include "tests/unit/settings_text.h"

#define DOOR                                               \
	"listen: ['127.0.0.1:8443'], hosts: [a.example], " \
	"kubernetes: {api_server: 'https://10.0.0.1:6443'}"
#define TLS "identity: {cert_file: /c.pem, private_key_file: /k.pem}\n"

/* Warnings about what the base of all cases lacks do not count. */
static size_t
warnings(const struct conf_errors *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		n += e->at[i].warning &&
		    strstr(e->at[i].text, "identity.cert_file") == NULL;
	return n;
}

static struct settings *
good(const char *text, struct conf_errors *e)
{
	struct settings *s = settings_text(text, e);

	if (s == NULL)
		show(e);
	ck_assert_ptr_nonnull(s);
	return s;
}

static void
done(struct settings *s, struct conf_errors *e)
{
	settings_free(s);
	conf_errors_done(e);
}

START_TEST(defaults)
{
	static const struct {
		const char *name, *url;
		bool enabled;
	} expected[SERVICE_COUNT] = {
		{ "prometheus", "http://prometheus.istio-system:9090", true },
		{ "grafana", "http://grafana.istio-system:3000", true },
		{ "tracing", "http://tracing.istio-system:16685/jaeger",
		    false },
		{ "perses", "http://perses.istio-system:4000", false },
		{ "customdashboards-prometheus", "", true },
	};
	struct conf_errors e = { 0 };
	struct settings *s = good("doorward: {" DOOR "}\n", &e);

	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct service_settings *service = &s->services[i];

		ck_assert_str_eq(service->name, expected[i].name);
		ck_assert_str_eq(service->url_text, expected[i].url);
		ck_assert(service->enabled == expected[i].enabled);
		ck_assert(!service->in_use);
		ck_assert_int_eq(service->auth.type, AUTH_NONE);
		ck_assert_str_eq(service->auth.password, "");
		ck_assert_int_eq(
		    service->auth.oauth2.auth_style, AUTH_STYLE_HEADER);
	}
	ck_assert_str_eq(
	    s->services[SERVICE_GRAFANA].url.host, "grafana.istio-system");
	ck_assert(s->services[SERVICE_TRACING].use_grpc);
	ck_assert_uint_eq(s->n_routes, 0);
	ck_assert_uint_eq(s->n_certificates, 0);
	ck_assert_str_eq(s->egress.listen, "");
	ck_assert_str_eq(s->ca_bundle_dir, "/kiali-cabundle");
	ck_assert_int_eq(s->log_level, LOG_LEVEL_INFO);
	ck_assert_uint_eq(warnings(&e), 0);
	done(s, &e);
}
END_TEST

START_TEST(services)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(
	    "external_services:\n"
	    "  prometheus:\n"
	    "    url: https://prom.example:9443/base/\n"
	    "    custom_headers:\n"
	    "      X-Scope-OrgID: tenant-1\n"
	    "      X-Api-Key: secret:keys:prom\n"
	    "      X-Token:\n"
	    "    auth: {type: basic, username: kiali,\n"
	    "      password: 'secret:my-prom-secret:value.txt',\n"
	    "      cert_file: /run/c.pem, key_file: 'secret:prom:tls.key',\n"
	    "      ca_file: /etc/prom-ca.pem}\n"
	    "  grafana: {in_cluster_url: 'https://graf', external_url: x,\n"
	    "    auth: {type: bearer, use_kiali_token: true}}\n"
	    "  tracing: {enabled: true, provider: tempo, use_grpc: false,\n"
	    "    internal_url: 'https://tempo:3200', auth: {type: oauth2,\n"
	    "    oauth2: {token_url: 'https://idp/token', client_id: me,\n"
	    "    client_secret: /run/secret, scopes: [a, b], audience: tempo,\n"
	    "    auth_style: params}}}\n"
	    "  custom_dashboards: {enabled: true, prometheus: {\n"
	    "    url: 'https://other', auth: ~}}\n"
	    "deployment: {logger: {log_level: debug}}\n"
	    "doorward: {" DOOR ", ca_bundle_dir: ''}\n",
	    &e);
	const struct service_settings *prom = &s->services[SERVICE_PROMETHEUS];
	const struct oauth2_settings *oauth2 =
	    &s->services[SERVICE_TRACING].auth.oauth2;

	ck_assert_str_eq(prom->url.host, "prom.example");
	ck_assert_uint_eq(prom->url.port, 9443);
	ck_assert_str_eq(prom->url.path, "/base");
	ck_assert_uint_eq(prom->custom_headers.n, 3);
	ck_assert_str_eq(prom->custom_headers.at[0].name, "X-Scope-OrgID");
	ck_assert_str_eq(prom->custom_headers.at[0].value, "tenant-1");
	ck_assert_str_eq(prom->custom_headers.at[1].value, "secret:keys:prom");
	ck_assert_str_eq(prom->custom_headers.at[2].value, "");
	ck_assert_int_eq(prom->auth.type, AUTH_BASIC);
	ck_assert_str_eq(prom->auth.username, "kiali");
	ck_assert_str_eq(prom->auth.ca_file, "/etc/prom-ca.pem");
	ck_assert_str_eq(prom->auth.key_file, "secret:prom:tls.key");
	ck_assert_str_eq(s->services[SERVICE_GRAFANA].url.host, "graf");
	ck_assert(s->services[SERVICE_GRAFANA].auth.use_kiali_token);
	ck_assert(has_error(&e, true, "is the old name of internal_url"));
	ck_assert_uint_eq(warnings(&e), 1);
	ck_assert_uint_eq(
	    settings_place(s, "external_services.grafana.internal_url").line,
	    12);
	ck_assert_uint_eq(
	    settings_place(s, "external_services.prometheus.auth.password")
		.line,
	    9);
	ck_assert_int_eq(s->services[SERVICE_TRACING].provider, TRACING_TEMPO);
	ck_assert_str_eq(oauth2->token_url.host, "idp");
	ck_assert_str_eq(oauth2->client_id, "me");
	ck_assert_str_eq(oauth2->client_secret, "/run/secret");
	ck_assert_uint_eq(oauth2->scopes.n, 2);
	ck_assert_str_eq(oauth2->audience, "tempo");
	ck_assert_int_eq(oauth2->auth_style, AUTH_STYLE_PARAMS);
	ck_assert_str_eq(
	    s->services[SERVICE_CUSTOM_DASHBOARDS].url.host, "other");
	ck_assert_str_eq(s->ca_bundle_dir, "");
	ck_assert_int_eq(s->log_level, LOG_LEVEL_DEBUG);
	/* external_url is known, and not used */
	ck_assert_uint_eq(s->ignored.n, 1);
	done(s, &e);
}
END_TEST

START_TEST(routes)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(
	    "server: {web_root: /kiali}\n"
	    "external_services: {perses: {enabled: true}}\n"
	    "doorward:\n"
	    "  listen: [':1']\n"
	    "  hosts: [a]\n"
	    "  kubernetes: {api_server: 'https://x'}\n"
	    "  routes:\n"
	    "  - {path: /prometheus/, service: prometheus,\n"
	    "     methods: [GET, POST], paths: [/api/v1/query, '/api/*'],\n"
	    "     allow: {groups: [sre, 'cn=ops,dc=x'], users: [bob]}}\n"
	    "  - path: /a/b/\n"
	    "    service: perses\n"
	    "    strip_prefix: false\n"
	    "  - path: /api/x/\n"
	    "    service: perses\n"
	    "    allow: {users: ['*']}\n",
	    &e);
	const struct route_settings *r = s->routes;

	ck_assert_uint_eq(s->n_routes, 3);
	ck_assert_str_eq(r[0].path, "/prometheus/");
	ck_assert_int_eq(r[0].service, SERVICE_PROMETHEUS);
	ck_assert_uint_eq(r[0].method_mask, 1u << HTTP_GET | 1u << HTTP_POST);
	ck_assert_uint_eq(r[0].paths.n, 2);
	ck_assert(r[0].strip_prefix);
	ck_assert(r[0].allow.present);
	ck_assert_uint_eq(r[0].allow.groups.n, 2);
	ck_assert_str_eq(r[0].allow.groups.at[1], "cn=ops,dc=x");
	ck_assert_str_eq(r[0].allow.users.at[0], "bob");
	ck_assert_int_eq(r[1].service, SERVICE_PERSES);
	ck_assert_uint_eq(r[1].method_mask, 1u << HTTP_GET | 1u << HTTP_HEAD);
	ck_assert(!r[1].strip_prefix);
	ck_assert(!r[1].allow.present);
	ck_assert(r[2].allow.present);
	ck_assert(has_error(&e, true,
	    "doorward.routes[1].allow: is not set: every signed-in person"));
	ck_assert_uint_eq(warnings(&e), 1);
	ck_assert(s->services[SERVICE_PROMETHEUS].in_use);
	ck_assert(s->services[SERVICE_PERSES].in_use);
	ck_assert(!s->services[SERVICE_GRAFANA].in_use);
	ck_assert_uint_eq(settings_place(s, "doorward.routes[1]").line, 11);
	ck_assert_uint_eq(settings_place(s, "doorward.routes[1]").column, 5);
	ck_assert_uint_eq(
	    settings_place(s, "doorward.routes[1].service").line, 12);
	done(s, &e);
}
END_TEST

START_TEST(local_listener)
{
	static const struct {
		const char *text, *path;
		int port;
		size_t uids;
	} cases[] = {
		{ "{listen: '127.0.0.1:9091'}", NULL, 9091, 0 },
		{ "{listen: '[::1]:0'}", NULL, 0, 0 },
		{ "{listen: /run/x.sock, allow_uids: [0, 1000]}", "/run/x.sock",
		    0, 2 },
		{ "{listen: 'unix:/run/x.sock', allow_uids: [4294967294]}",
		    "/run/x.sock", 0, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf_errors e = { 0 };
		char *text = mem_printf(
		    "doorward: {" DOOR ", egress: %s}\n", cases[i].text);
		struct settings *s = good(text, &e);

		ck_assert(s->egress.is_unix == (cases[i].path != NULL));
		if (cases[i].path != NULL)
			ck_assert_str_eq(s->egress.path, cases[i].path);
		ck_assert_int_eq(s->egress.at.port, cases[i].port);
		ck_assert_uint_eq(s->egress.n_allow_uids, cases[i].uids);
		if (cases[i].uids == 2)
			ck_assert_uint_eq(s->egress.allow_uids[1], 1000);
		ck_assert(s->services[SERVICE_GRAFANA].in_use);
		ck_assert(!s->services[SERVICE_TRACING].in_use);
		ck_assert(!s->services[SERVICE_CUSTOM_DASHBOARDS].in_use);
		ck_assert_uint_eq(warnings(&e), 0);
		free(text);
		done(s, &e);
	}
}
END_TEST

START_TEST(certificates)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(TLS
	    "doorward: {" DOOR ",\n"
	    "  certificates: [{cert_file: /b.pem, private_key_file: /b.key}]}\n",
	    &e);

	ck_assert_uint_eq(s->n_certificates, 2);
	ck_assert_str_eq(s->certificates[0].cert_file, "/c.pem");
	ck_assert_str_eq(s->certificates[0].key_file, "/k.pem");
	ck_assert_str_eq(s->certificates[1].cert_file, "/b.pem");
	ck_assert_str_eq(s->certificates[1].key_file, "/b.key");
	done(s, &e);
}
END_TEST

#define PROM(text) "external_services: {prometheus: {" text "}}\n"
#define ROUTE(text) "doorward: {routes: [{" text "}]}\n"
#define EGRESS(text) "doorward: {egress: {" text "}}\n"

static const struct refusal refusals[] = {
	/* the new kinds of values */
	{ PROM("auth: basic"), "must be a section", 1, 40 },
	{ PROM("auth: [basic]"), "must be a section", 1, 40 },
	{ PROM("auth: &a {type: basic}"), "anchors and aliases", 1, 40 },
	{ PROM("auth: {type: digest}"),
	    "prometheus.auth.type: must be one of none, basic, bearer, oauth2",
	    1, 47 },
	{ PROM("auth: {type: basic, type: bearer}"), "given twice", 1, 54 },
	{ ROUTE("allow.users: [x]"), "allow.users: unknown key", 1, 22 },
	{ PROM("auth: {oauth2.client_id: me}"), "written as sections", 1, 41 },
	{ PROM("custom_headers: [a]"), "name: value", 1, 50 },
	{ PROM("custom_headers: {X: [a]}"), "single value", 1, 54 },
	{ PROM("custom_headers: {X: *a}"), "single value", 1, 54 },
	{ PROM("custom_headers: {[X]: a}"), "plain words", 1, 51 },
	{ PROM("custom_headers: {'X Y': a}"), "is no name", 1, 58 },
	{ PROM("custom_headers: {'': a}"), "is no name", 1, 55 },
	{ PROM("custom_headers: {X-A: a, x-a: b}"),
	    "custom_headers.x-a: is given twice", 1, 64 },
	{ PROM("custom_headers: {X-A: \"a\\r\\nb\"}"), "control characters", 1,
	    56 },
	{ PROM("custom_headers: {a: , b: , c: , d: , e: , f: , g: , h: , "
	       "i: , j: , k: , l: , m: , n: , o: , p: , q: x}"),
	    "custom_headers.q: is one too many: at most 16", 1, 134 },
	{ "doorward: {routes: 5}\n", "must be a list of sections", 1, 20 },
	{ "doorward: {routes: {path: /x/}}\n", "must be a list of sections", 1,
	    20 },
	{ "doorward: {routes: [x]}\n", "doorward.routes[0]: must be a section",
	    1, 21 },
	{ "doorward: {routes: [*a]}\n", "anchors and aliases", 1, 21 },
	{ ROUTE("pth: /x/"), "routes[0].pth: unknown key; did you mean path?",
	    1, 22 },
	{ ROUTE("allow: {user: [x]}"),
	    "routes[0].allow.user: unknown key; did you mean users?", 1, 30 },
	{ "doorward: {certificates: [{key_file: /x}]}\n",
	    "key_file: unknown key; did you mean cert_file?", 1, 28 },

	/* external_services */
	{ PROM("url: ''"), "must not be empty", 1, 34 },
	{ PROM("url: prometheus:9090"), "https:// or http://", 1, 34 },
	{ "external_services: {grafana: {internal_url: 'http://a', "
	  "in_cluster_url: 'http://b'}}\n",
	    "in_cluster_url: is given as external_services.grafana.internal_url",
	    1, 57 },
	{ "external_services: {tracing: {in_cluster_url: 'http://a', "
	  "internal_url: 'http://b'}}\n",
	    "is given as external_services.tracing.in_cluster_url as well", 1,
	    59 },
	{ PROM("auth: {type: oauth2}"),
	    "auth.oauth2.token_url: is needed with auth.type oauth2", 1, 34 },
	{ PROM("auth: {type: oauth2}"),
	    "auth.oauth2.client_id: is needed with auth.type oauth2", 1, 34 },
	{ PROM("auth: {type: oauth2, oauth2: {token_url: 'http://x', "
	       "client_id: me}}"),
	    "must be https", 1, 64 },
	{ PROM("auth: {type: oauth2, oauth2: {token_url: x, client_id: me}}"),
	    "https:// or http://", 1, 64 },
	{ PROM("auth: {type: oauth2, oauth2: {token_url: 'https://x', "
	       "client_id: 'secret:a:b'}}"),
	    "the identifier itself", 1, 88 },
	{ PROM("auth: {type: oauth2, oauth2: {auth_style: body}}"),
	    "one of header, params", 1, 76 },
	{ PROM("auth: {type: basic, use_kiali_token: true}"),
	    "goes with auth.type bearer, not with basic", 1, 54 },
	{ PROM("auth: {type: oauth2, use_kiali_token: true}"),
	    "not with oauth2", 1, 55 },
	{ "external_services: {tracing: {enabled: true, auth: {type: "
	  "oauth2}}}\n",
	    "tracing.use_grpc: must be false with auth.type oauth2", 0, 0 },
	{ "external_services: {tracing: {provider: zipkin}}\n",
	    "one of jaeger, tempo", 1, 41 },
	{ PROM("auth: {key_file: /k.pem}"), "needs auth.cert_file", 1, 41 },
	{ PROM("auth: {ca_file: ca.pem}"), "absolute path", 1, 41 },
	{ PROM("custom_headers: {Content-Length: 5}"), "is set by Doorward", 1,
	    51 },

	/* credentials */
	{ PROM("auth: {password: canary}"),
	    "/etc/doorward/secrets/prometheus-password/value.txt", 1, 41 },
	{ PROM("enabled: false, auth: {token: canary}"),
	    "/prometheus-token/value.txt", 1, 57 },
	{ PROM("auth: {password: /canary+canary==}"), "must not stand here", 1,
	    41 },
	{ PROM("auth: {key_file: canary.pem}"), "/prometheus-key/", 1, 41 },
	{ PROM("auth: {username: 'secret:a'}"), "two plain names", 1, 41 },
	{ PROM("auth: {cert_file: 'secret:a:../b'}"), "two plain names", 1,
	    41 },
	{ PROM("custom_headers: {X-API-Key: canary}"),
	    "/prometheus-header-x-api-key/value.txt", 1, 51 },
	{ PROM("custom_headers: {Authorization: canary}"),
	    "/prometheus-header-authorization/value.txt", 1, 51 },
	{ PROM("custom_headers: {X-Tenant: 'secret:a'}"), "two plain names", 1,
	    51 },
	{ "external_services: {perses: {auth: {oauth2: {client_secret: "
	  "canary}}}}\n",
	    "/perses-oauth2-client-secret/value.txt", 1, 46 },
	{ "external_services: {custom_dashboards: {prometheus: {auth: "
	  "{password: canary}}}}\n",
	    "/customdashboards-prometheus-password/value.txt", 1, 61 },

	/* routes */
	{ ROUTE("service: prometheus"), "path: is needed", 1, 21 },
	{ ROUTE("path: prometheus/"), "begin with '/'", 1, 22 },
	{ ROUTE("path: /prometheus"), "end with '/'", 1, 22 },
	{ ROUTE("path: /"), "console's", 1, 22 },
	{ ROUTE("path: /a/../b/"), "segments", 1, 22 },
	{ ROUTE("path: '/a b/'"), "not allowed in a path", 1, 22 },
	{ ROUTE("path: '/a%20b/'"), "';' or '%'", 1, 22 },
	{ ROUTE("path: '/a*/'"), "must not have a '*'", 1, 22 },
	{ ROUTE("path: /api/"), "collides with Doorward's own /api/auth", 1,
	    22 },
	{ ROUTE("path: /API/Auth/x/"), "collides", 1, 22 },
	{ ROUTE("path: /api/authenticate/"), "collides", 1, 22 },
	{ ROUTE("path: /api/logout/"), "collides", 1, 22 },
	{ ROUTE("path: /healthz/"), "collides", 1, 22 },
	{ ROUTE("path: /_doorward/x/"), "collides", 1, 22 },
	{ "doorward: {routes: [{path: /x/}, {path: /x/}]}\n",
	    "routes[1].path: /x/ is doorward.routes[0] already", 1, 35 },
	{ ROUTE("path: /x/"), "service: must be one of prometheus", 1, 21 },
	{ ROUTE("service: jaeger"), "service: must be one of prometheus", 1,
	    22 },
	{ ROUTE("service: tracing"),
	    "tracing is not enabled: set external_services.tracing.enabled", 1,
	    22 },
	{ ROUTE("service: customdashboards-prometheus"),
	    "has no url: set "
	    "external_services.custom_dashboards.prometheus.url",
	    1, 22 },
	{ "external_services: {tracing: {enabled: true}}\n" ROUTE(
	      "service: tracing"),
	    "use_grpc: only HTTP goes through Doorward: set it to false", 0,
	    0 },
	{ ROUTE("methods: []"), "names none", 1, 22 },
	{ ROUTE("methods: [get]"), "get is not one of GET, HEAD", 1, 22 },
	{ ROUTE("methods: [CONNECT]"), "CONNECT is not one of", 1, 22 },
	{ ROUTE("paths: [api]"), "api: must begin with '/'", 1, 22 },
	{ ROUTE("paths: [/a/./b]"), "segments", 1, 22 },
	{ ROUTE("paths: ['/a*']"), "behind a '/'", 1, 22 },
	{ ROUTE("paths: ['/*/a']"), "at its end only", 1, 22 },
	{ ROUTE("allow: {}"), "allow: names nobody", 1, 22 },
	{ ROUTE("allow: ~"), "allow: names nobody", 1, 22 },
	{ ROUTE("allow: {users: ['']}"), "allow: names nobody", 1, 22 },
	{ ROUTE("allow: {groups: ['*']}"), "known to users only", 1, 22 },
	{ ROUTE("allow: {emails: [bob]}"), "bob is no e-mail address", 1, 30 },
	{ ROUTE("allow: {domains: ['@x']}"), "write it without @", 1, 30 },
	{ "auth: {strategy: anonymous}\n" ROUTE("path: /x/"),
	    "say so with allow: {users: [\"*\"]}", 2, 21 },
	{ "auth: {strategy: anonymous}\n" ROUTE("allow: {groups: [x]}"),
	    "say so with allow: {users: [\"*\"]}", 2, 22 },
	{ "external_services: {grafana: {internal_url: "
	  "'http://127.0.0.1:443'}}\n"
	  "doorward: {listen: [':443'], routes: [{service: grafana}]}\n",
	    "grafana.internal_url: is Doorward's own listener", 1, 31 },

	{ "external_services: {grafana: {internal_url: "
	  "'http://localhost:9091'}}\n" EGRESS("listen: '127.0.0.1:9091'"),
	    "grafana.internal_url: is Doorward's own listener", 1, 31 },
	{ "doorward: {listen: [':1'], egress: {listen: '127.0.0.1:20001'}}\n",
	    "is where the console itself is", 1, 37 },

	/* the local listener */
	{ EGRESS("listen: ':9091'"), "must be on loopback", 1, 21 },
	{ EGRESS("listen: '0.0.0.0:9091'"), "must be on loopback", 1, 21 },
	{ EGRESS("listen: localhost"), "a loopback address like", 1, 21 },
	{ EGRESS("listen: '127.0.0.1:9091', allow_uids: [0]"),
	    "goes with a Unix socket", 1, 47 },
	{ EGRESS("listen: /run/x.sock"),
	    "doorward.egress.allow_uids: must name the users", 0, 0 },
	{ EGRESS("listen: 'unix:x.sock', allow_uids: [0]"), "absolute path", 1,
	    21 },
	{ EGRESS("listen: /run/, allow_uids: [0]"), "absolute path", 1, 21 },
	{ EGRESS("listen: /0123456789/0123456789/0123456789/0123456789/"
		 "0123456789/0123456789/0123456789/0123456789/0123456789/"
		 "0123456789, allow_uids: [0]"),
	    "longer than 107", 1, 21 },
	{ EGRESS("listen: /run/x, allow_uids: [root]"),
	    "root is not the number of a user", 1, 37 },
	{ EGRESS("listen: /run/x, allow_uids: [4294967295]"),
	    "not the number of a user", 1, 37 },
	{ "doorward: {listen: [':9091'], egress: {listen: "
	  "'127.0.0.1:9091'}}\n",
	    "is taken by doorward.listen", 1, 40 },

	/* certificates and the rest */
	{ TLS "doorward: {certificates: [{cert_file: /c}]}\n",
	    "certificates[0].private_key_file: is needed", 2, 27 },
	{ TLS "doorward: {certificates: [{cert_file: c, private_key_file: "
	      "/k}]}\n",
	    "certificates[0].cert_file: must be an absolute path", 2, 28 },
	{ "doorward: {certificates: [{cert_file: /c, private_key_file: "
	  "/k}]}\n",
	    "needs identity.cert_file as well", 1, 12 },
	{ "doorward: {ca_bundle_dir: x}\n", "absolute path", 1, 12 },
	{ "deployment: {logger: {log_level: loud}}\n",
	    "one of trace, debug, info, warn, error, fatal", 1, 34 },
};

START_TEST(refusal)
{
	check_refusal(&refusals[_i]);
}
END_TEST

START_TEST(route_path_length)
{
	for (size_t len = SETTINGS_ROUTE_MAX; len <= SETTINGS_ROUTE_MAX + 1;
	     len++) {
		struct conf_errors e = { 0 };
		char *text = mem_printf("doorward: {" DOOR ", routes: [{path: "
					"/%0*d/, service: grafana}]}\n",
		    (int)len - 2, 0);
		struct settings *s = settings_text(text, &e);

		ck_assert((s != NULL) == (len == SETTINGS_ROUTE_MAX));
		ck_assert(s != NULL ||
		    has_error(&e, false, "is longer than 200 characters"));
		free(text);
		done(s, &e);
	}
}
END_TEST

/* As many entries as fit, and one more. */
START_TEST(bounded_lists)
{
	for (size_t n = 64; n <= 65; n++) {
		struct conf_errors e = { 0 };
		char *text = mem_strdup("doorward: {" DOOR ", routes: [");
		struct settings *s;

		for (size_t i = 0; i < n; i++) {
			char *longer =
			    mem_printf("%s{path: /%zu/, service: grafana, "
				       "allow: {users: [x]}}, ",
				text, i);

			free(text);
			text = longer;
		}
		char *whole = mem_printf("%s]}\n", text);

		s = settings_text(whole, &e);
		ck_assert((s != NULL) == (n == 64));
		if (n == 64)
			ck_assert_str_eq(s->routes[63].path, "/63/");
		else
			ck_assert(has_error(&e, false,
			    "routes[64]: is one too many: at most 64"));
		free(text);
		free(whole);
		done(s, &e);
	}
}
END_TEST

static const struct {
	const char *text, *warning;
} advice[] = {
	{ PROM("auth: {type: basic}") ROUTE("service: prometheus"),
	    "prometheus.url: http: what is sent there" },
	{ PROM("custom_headers: {X-Key: 'secret:a:b'}")
		ROUTE("service: prometheus"),
	    "prometheus.url: http: what is sent there" },
	{ PROM("auth: {ca_file: /x}") ROUTE("service: prometheus"),
	    "ca_file: is only used with https" },
	{ PROM("url: 'https://x', auth: {insecure_skip_verify: true}")
		ROUTE("service: prometheus"),
	    "insecure_skip_verify: true: anybody on the way" },
	{ PROM("url: 'https://x', auth: {insecure_skip_verify: true, ca_file: "
	       "/x}") ROUTE("service: prometheus"),
	    "is not looked at with insecure_skip_verify" },
	{ PROM("auth: {username: x}") ROUTE("service: prometheus"),
	    "auth.type: is none: the credentials here are not sent" },
	{ PROM("auth: {type: bearer, use_kiali_token: true, token: /x}"),
	    "auth.token: is not used beside use_kiali_token" },
	{ "server: {web_root: /kiali}\n" ROUTE("path: /kiali/x/"),
	    "people find it at /kiali/kiali/x/" },
	{ ROUTE("allow: {emails: [a@x]}"), "nobody has an e-mail address" },
	{ ROUTE("allow: {domains: [x]}"), "nobody has an e-mail address" },
	{ EGRESS("allow_uids: [0]"), "is only used with doorward.egress" },
	{ PROM("auth: {typ: basic}"), "ignored; did you mean type?" },
};

START_TEST(warning)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(advice[_i].text, &e);

	if (!has_error(&e, true, advice[_i].warning))
		show(&e);
	ck_assert_msg(has_error(&e, true, advice[_i].warning), "no \"%s\"",
	    advice[_i].warning);
	done(s, &e);
}
END_TEST

/* Kiali's file with services that nothing leads to: no word about them. */
START_TEST(unused_services)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(
	    "external_services:\n"
	    "  prometheus: {auth: {type: basic, insecure_skip_verify: true}}\n"
	    "  tracing: {enabled: true}\n"
	    "  perses: {enabled: false, internal_url: x, auth: {type: oauth2}}\n"
	    "  grafana: {external_url: 'https://g', url: 'https://g'}\n"
	    "doorward: {" DOOR "}\n",
	    &e);

	if (warnings(&e) > 0)
		show(&e);
	ck_assert_uint_eq(warnings(&e), 0);
	done(s, &e);
}
END_TEST

START_TEST(log_levels)
{
	ck_assert_int_eq(unsetenv("LOG_LEVEL"), 0);
	log_open("test");
	log_default_level(LOG_LEVEL_DEBUG);
	ck_assert(log_enabled(LOG_LEVEL_DEBUG));
	ck_assert(!log_enabled(LOG_LEVEL_TRACE));
	ck_assert_int_eq(setenv("LOG_LEVEL", "error", 1), 0);
	log_open("test");
	log_default_level(LOG_LEVEL_DEBUG);
	ck_assert(!log_enabled(LOG_LEVEL_WARN));
	ck_assert_int_eq(setenv("LOG_LEVEL", "loud", 1), 0);
	log_open("test");
	log_default_level(LOG_LEVEL_WARN);
	ck_assert(!log_enabled(LOG_LEVEL_INFO));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("services");
	TCase *tc = tcase_create("services");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, services);
	tcase_add_test(tc, routes);
	tcase_add_test(tc, local_listener);
	tcase_add_test(tc, certificates);
	tcase_add_loop_test(
	    tc, refusal, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tc, bounded_lists);
	tcase_add_test(tc, route_path_length);
	tcase_add_loop_test(
	    tc, warning, 0, (int)(sizeof(advice) / sizeof(advice[0])));
	tcase_add_test(tc, unused_services);
	tcase_add_test(tc, log_levels);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
