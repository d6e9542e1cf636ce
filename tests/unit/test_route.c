/* The routing decision: a wrong row here is an open door. */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/settings_text.h"

#define SERVERS                       \
	"  listen: ['127.0.0.1:1']\n" \
	"  kubernetes: {api_server: 'https://10.0.0.1:6443'}\n"

enum config { KIALI_ROOT, KIALI, KIALI_STRICT, GENERIC, ANONYMOUS };

static const char *const configs[] = {
	[KIALI_ROOT] = "doorward:\n" SERVERS,
	[KIALI] = "server: {web_root: /kiali}\ndoorward:\n" SERVERS,
	[KIALI_STRICT] = "server: {require_auth: true}\ndoorward:\n" SERVERS,
	[GENERIC] = "doorward:\n  console: {preset: generic}\n" SERVERS,
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
};

START_TEST(route)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(configs[cases[_i].config], &e);
	struct route r;

	ck_assert_ptr_nonnull(s);
	r = settings_route(s, slice_of(cases[_i].path));
	ck_assert_msg(r.kind == cases[_i].kind, "%u %s: %u, not %u",
	    cases[_i].config, cases[_i].path, r.kind, cases[_i].kind);
	/* credentials only ever go where a session was asked for */
	ck_assert_int_eq(r.inject,
	    r.kind == ROUTE_SESSION ? INJECT_USER_TOKEN : INJECT_NONE);
	ck_assert_str_eq(r.name, "console");
	settings_free(s);
	conf_errors_done(&e);
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
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
