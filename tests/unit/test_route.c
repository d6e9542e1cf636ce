/* The routing decision: a wrong row here is an open door. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/settings_text.h"

#define SERVERS                       \
	"  listen: ['127.0.0.1:1']\n" \
	"  kubernetes: {api_server: 'https://10.0.0.1:6443'}\n"

enum config { KIALI_ROOT, KIALI, KIALI_STRICT, GENERIC, ANONYMOUS, OPENID };

static const char *const configs[] = {
	[KIALI_ROOT] = "doorward:\n" SERVERS,
	[KIALI] = "server: {web_root: /kiali}\ndoorward:\n" SERVERS,
	[KIALI_STRICT] = "server: {require_auth: true}\ndoorward:\n" SERVERS,
	[GENERIC] = "doorward:\n  console: {preset: generic}\n" SERVERS,
	[OPENID] = "auth: {strategy: openid, openid: {client_id: c, "
		   "issuer_uri: 'https://idp.example'}}\n"
		   "login_token: {signing_key: 'secret:a:b'}\n"
		   "doorward:\n" SERVERS,
	[ANONYMOUS] = "auth: {strategy: anonymous}\ndoorward:\n" SERVERS,
};

static const struct {
	enum config config;
	const char *path;
	enum route_kind kind;
} cases[] = {
	{ KIALI_ROOT, "/", ROUTE_PUBLIC },
	{ KIALI_ROOT, "/console/graph", ROUTE_PUBLIC },
	{ KIALI_ROOT, "/static/app.js", ROUTE_PUBLIC },
	{ KIALI_ROOT, "/api", ROUTE_PUBLIC },
	{ KIALI_ROOT, "/api/status", ROUTE_SESSION },
	{ KIALI_ROOT, "/api/namespaces", ROUTE_SESSION },
	{ KIALI_ROOT, "/debug/pprof/", ROUTE_SESSION },
	{ KIALI_ROOT, "/debug", ROUTE_SESSION },
	{ KIALI_ROOT, "/%61pi/namespaces", ROUTE_SESSION },
	{ KIALI_ROOT, "/a%70%69/namespaces", ROUTE_SESSION },
	{ KIALI_ROOT, "/%61pi", ROUTE_SESSION },
	{ KIALI_ROOT, "/API/namespaces", ROUTE_SESSION },
	{ KIALI_ROOT, "/apix", ROUTE_SESSION },
	{ KIALI_ROOT, "//api/namespaces", ROUTE_NONE },
	{ KIALI_ROOT, "/x//api/namespaces", ROUTE_NONE },
	{ KIALI_ROOT, "/api/auth/info", ROUTE_OWN },
	{ KIALI_ROOT, "/api/auth/info/", ROUTE_OWN },
	{ KIALI_ROOT, "/api/auth/openid_redirect", ROUTE_NONE },
	{ KIALI_ROOT, "/api/auth/redirect", ROUTE_NONE },
	{ KIALI_ROOT, "/api/authenticate", ROUTE_OWN },
	{ KIALI_ROOT, "/api/logout", ROUTE_OWN },
	{ KIALI_ROOT, "/healthz", ROUTE_OWN },
	{ KIALI_ROOT, "/healthzz", ROUTE_PUBLIC },
	{ KIALI_ROOT, "/%68ealthz", ROUTE_NONE },
	{ KIALI_ROOT, "/_doorward", ROUTE_OWN },
	{ KIALI_ROOT, "/_doorward/login", ROUTE_OWN },
	{ KIALI_ROOT, "/_doorward/what/ever", ROUTE_OWN },
	{ KIALI_ROOT, "/%5fdoorward/login", ROUTE_NONE },
	{ KIALI_ROOT, "/_doorwardx", ROUTE_PUBLIC },
	{ KIALI, "/", ROUTE_OWN },
	{ KIALI, "/kiali", ROUTE_PUBLIC },
	{ KIALI, "/kiali/", ROUTE_PUBLIC },
	{ KIALI, "/kialix", ROUTE_NONE },
	{ KIALI, "/%6biali/", ROUTE_NONE },
	{ KIALI, "/api/namespaces", ROUTE_NONE },
	{ KIALI, "/healthz", ROUTE_NONE },
	{ KIALI, "/kiali/healthz", ROUTE_OWN },
	{ KIALI, "/kiali/api/namespaces", ROUTE_SESSION },
	{ KIALI, "/kiali/_doorward/login", ROUTE_OWN },
	{ KIALI_STRICT, "/api", ROUTE_SESSION },
	{ GENERIC, "/", ROUTE_SESSION },
	{ GENERIC, "/static/app.js", ROUTE_SESSION },
	{ GENERIC, "/api", ROUTE_SESSION },
	{ GENERIC, "/a//b", ROUTE_SESSION },
	{ GENERIC, "/_doorward/logout", ROUTE_OWN },
	{ ANONYMOUS, "/api/namespaces", ROUTE_PUBLIC },
	{ ANONYMOUS, "/api/auth/info", ROUTE_OWN },
	{ ANONYMOUS, "/api/auth/openid_redirect", ROUTE_NONE },
	{ GENERIC, "/api/auth/openid_redirect", ROUTE_SESSION },
	{ OPENID, "/api/auth/openid_redirect", ROUTE_OWN },
	{ OPENID, "/api/auth/openid_redirect/", ROUTE_OWN },
	{ OPENID, "/api/auth/openid%5fredirect", ROUTE_NONE },
	{ OPENID, "/", ROUTE_PUBLIC },
};

START_TEST(route)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(configs[cases[_i].config], &e);
	struct route r;

	ck_assert_ptr_nonnull(s);
	r = settings_route(s, HTTP_GET, slice_of(cases[_i].path));
	ck_assert_msg(r.kind == cases[_i].kind, "%u %s: %u, not %u",
	    cases[_i].config, cases[_i].path, r.kind, cases[_i].kind);
	/* credentials only ever go where a session was asked for */
	ck_assert_int_eq(r.inject,
	    r.kind == ROUTE_SESSION ? INJECT_USER_TOKEN : INJECT_NONE);
	ck_assert_str_eq(r.name, SETTINGS_ROUTE_CONSOLE);
	ck_assert_int_eq(r.service, SERVICE_NONE);
	ck_assert_uint_eq(r.base.len, 0);
	ck_assert(slice_is(r.rest, cases[_i].path));
	settings_free(s);
	conf_errors_done(&e);
}
END_TEST

/* --- doorward.routes --- */

static char *api_paths[] = { (char[]){ "/api/v1/query" },
	(char[]){ "/api/v1/label/*" }, (char[]){ "/graph/" } };
static char *everybody[] = { (char[]){ "*" } };

#define READ (1u << HTTP_GET | 1u << HTTP_HEAD)

static struct route_settings routes[] = {
	{ .path = (char[]){ "/prometheus/" },
	    .service = SERVICE_PROMETHEUS,
	    .method_mask = READ,
	    .paths = { api_paths, 3 },
	    .strip_prefix = true },
	{ .path = (char[]){ "/grafana/" },
	    .service = SERVICE_GRAFANA,
	    .method_mask = READ | 1u << HTTP_POST,
	    .allow = { .present = true, .users = { everybody, 1 } } },
	{ .path = (char[]){ "/grafana/jaeger/" },
	    .service = SERVICE_TRACING,
	    .method_mask = READ,
	    .strip_prefix = true },
	{ .path = (char[]){ "/api/" },
	    .service = SERVICE_PERSES,
	    .method_mask = READ,
	    .strip_prefix = true },
};

enum where { ROOT, ROOT_KIALI, NOBODY };

/* clang-format off */
static const struct {
	enum where where;
	enum http_method method;
	const char *path;
	enum route_kind kind;
	int service;
	const char *sent;
} service_cases[] = {
	/* listed paths, and those that are not */
	{ ROOT, HTTP_GET, "/prometheus/api/v1/query", ROUTE_SESSION, SERVICE_PROMETHEUS, "/prom/api/v1/query" },
	{ ROOT, HTTP_HEAD, "/prometheus/api/v1/query", ROUTE_SESSION, SERVICE_PROMETHEUS, "/prom/api/v1/query" },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/query/", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/queryx", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/quer", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/%71uery", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/API/v1/query", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/label/a%20b/values", ROUTE_SESSION, SERVICE_PROMETHEUS, "/prom/api/v1/label/a%20b/values" },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/label/", ROUTE_SESSION, SERVICE_PROMETHEUS, "/prom/api/v1/label/" },
	{ ROOT, HTTP_GET, "/prometheus/api/v1/label", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/graph/x", ROUTE_SESSION, SERVICE_PROMETHEUS, "/prom/graph/x" },
	{ ROOT, HTTP_GET, "/prometheus/graph", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_GET, "/prometheus/-/reload", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_POST, "/prometheus/-/reload", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
	/* methods */
	{ ROOT, HTTP_POST, "/prometheus/api/v1/query", ROUTE_METHOD, SERVICE_PROMETHEUS, NULL },
	{ ROOT, HTTP_DELETE, "/grafana/x", ROUTE_METHOD, SERVICE_GRAFANA, NULL },
	{ ROOT, HTTP_POST, "/grafana/x", ROUTE_SESSION, SERVICE_GRAFANA, "/grafana/x" },
	/* the whole path goes on */
	{ ROOT, HTTP_GET, "/grafana/d/1", ROUTE_SESSION, SERVICE_GRAFANA, "/grafana/d/1" },
	{ ROOT_KIALI, HTTP_GET, "/kiali/grafana/", ROUTE_SESSION, SERVICE_GRAFANA, "/kiali/grafana/" },
	/* the longest path decides */
	{ ROOT, HTTP_GET, "/grafana/jaeger/", ROUTE_SESSION, SERVICE_TRACING, "/" },
	{ ROOT, HTTP_GET, "/grafana/jaeger/api/traces", ROUTE_SESSION, SERVICE_TRACING, "/api/traces" },
	{ ROOT, HTTP_GET, "/grafana/jaeger", ROUTE_SESSION, SERVICE_GRAFANA, "/grafana/jaeger" },
	{ ROOT, HTTP_GET, "/grafana/jaegerx/", ROUTE_SESSION, SERVICE_GRAFANA, "/grafana/jaegerx/" },
	/* without the last slash */
	{ ROOT, HTTP_GET, "/prometheus", ROUTE_SLASH, SERVICE_NONE, NULL },
	{ ROOT, HTTP_POST, "/grafana", ROUTE_SLASH, SERVICE_NONE, NULL },
	{ ROOT_KIALI, HTTP_GET, "/kiali/prometheus", ROUTE_SLASH, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/%70rometheus", ROUTE_NONE, SERVICE_NONE, NULL },
	/* odd spellings of a route */
	{ ROOT, HTTP_GET, "/%70rometheus/graph/x", ROUTE_NONE, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/prometheu%73/graph/x", ROUTE_NONE, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/grafana/%6aaeger/api", ROUTE_NONE, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/gr%61fana/jaeger/api", ROUTE_NONE, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/grafana/%64/1", ROUTE_SESSION, SERVICE_GRAFANA, "/grafana/%64/1" },
	{ ROOT, HTTP_GET, "/Prometheus/graph/x", ROUTE_PUBLIC, SERVICE_NONE, "/Prometheus/graph/x" },
	{ ROOT, HTTP_GET, "/prometheus;x/graph/x", ROUTE_PUBLIC, SERVICE_NONE, "/prometheus;x/graph/x" },
	/* outside of web_root */
	{ ROOT_KIALI, HTTP_GET, "/prometheus/graph/x", ROUTE_NONE, SERVICE_NONE, NULL },
	{ ROOT_KIALI, HTTP_GET, "/kiali/prometheus/graph/x", ROUTE_SESSION, SERVICE_PROMETHEUS, "/prom/graph/x" },
	/* Doorward's own come first, the console's last */
	{ ROOT, HTTP_GET, "/api/logout", ROUTE_OWN, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/api/auth/info", ROUTE_OWN, SERVICE_NONE, NULL },
	{ ROOT, HTTP_GET, "/api/namespaces", ROUTE_SESSION, SERVICE_PERSES, "/namespaces" },
	{ ROOT, HTTP_GET, "/static/x", ROUTE_PUBLIC, SERVICE_NONE, "/static/x" },
	/* without logins: what everybody may use, and nothing else */
	{ NOBODY, HTTP_GET, "/grafana/d/1", ROUTE_PUBLIC, SERVICE_GRAFANA, "/grafana/d/1" },
	{ NOBODY, HTTP_GET, "/grafana/jaeger/api", ROUTE_NONE, SERVICE_TRACING, NULL },
	{ NOBODY, HTTP_GET, "/prometheus/graph/x", ROUTE_NONE, SERVICE_PROMETHEUS, NULL },
};
/* clang-format on */

static struct settings *
settings_with_routes(enum where where)
{
	static const enum config bases[] = { KIALI_ROOT, KIALI, ANONYMOUS };
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(configs[bases[where]], &e);

	ck_assert_ptr_nonnull(s);
	conf_errors_done(&e);
	s->routes = routes;
	s->n_routes = sizeof(routes) / sizeof(routes[0]);
	for (int i = 0; i < SERVICE_COUNT; i++) {
		free(s->services[i].url.path);
		s->services[i].url.path =
		    strdup(i == SERVICE_PROMETHEUS ? "/prom" : "");
	}
	return s;
}

static void
settings_with_routes_free(struct settings *s)
{
	s->routes = NULL; /* they are ours */
	s->n_routes = 0;
	settings_free(s);
}

START_TEST(service)
{
	struct settings *s = settings_with_routes(service_cases[_i].where);
	const char *path = service_cases[_i].path;
	struct route r =
	    settings_route(s, service_cases[_i].method, slice_of(path));
	char sent[100];

	ck_assert_msg(r.kind == service_cases[_i].kind, "%s: kind %u", path,
	    (unsigned)r.kind);
	ck_assert_msg(r.service == service_cases[_i].service, "%s: service %d",
	    path, r.service);
	ck_assert(r.service == SERVICE_NONE || r.inject == INJECT_NONE);
	ck_assert_str_eq(r.name,
	    r.service == SERVICE_NONE ? SETTINGS_ROUTE_CONSOLE
				      : r.settings->path);
	if (r.kind == ROUTE_METHOD)
		ck_assert_uint_eq(r.methods, r.settings->method_mask);
	if (service_cases[_i].sent != NULL) {
		(void)snprintf(sent, sizeof(sent), "%.*s%.*s",
		    SLICE_ARG(r.base), SLICE_ARG(r.rest));
		ck_assert_str_eq(sent, service_cases[_i].sent);
		ck_assert(r.service == SERVICE_NONE ||
		    r.mount.len + 1 >= strlen(r.settings->path));
	}
	settings_with_routes_free(s);
}
END_TEST

START_TEST(named)
{
	struct settings *s = settings_with_routes(ROOT);

	ck_assert_ptr_eq(
	    settings_route_named(s, SLICE("/grafana/")), &routes[1]);
	ck_assert_ptr_null(settings_route_named(s, SLICE("/grafana")));
	ck_assert_ptr_null(
	    settings_route_named(s, SLICE(SETTINGS_ROUTE_CONSOLE)));
	settings_with_routes_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("route");
	TCase *tc = tcase_create("route");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(
	    tc, route, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_loop_test(tc, service, 0,
	    (int)(sizeof(service_cases) / sizeof(service_cases[0])));
	tcase_add_test(tc, named);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
