/* What becomes of a request, and how a denial is told. */
#include "frontend/deny.h"
#include "frontend/router.h"
#include "tests/unit/frontend_fixture.h"

#define M(method) (1u << HTTP_##method)

/* clang-format off */
static const struct {
	const char *root;
	enum http_method method;
	const char *path;
	enum router_action action;
	enum own_endpoint endpoint;
	unsigned methods;
} cases[] = {
	{ "/kiali", HTTP_GET,    "/",                        ROUTER_TO_ROOT,   ENDPOINT_NONE, 0 },
	{ "/kiali", HTTP_POST,   "/",                        ROUTER_TO_ROOT,   ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,    "/",                        ROUTER_PROXY,     ENDPOINT_NONE, 0 },
	{ "/kiali", HTTP_GET,    "/kiali",                   ROUTER_PROXY,     ENDPOINT_NONE, 0 },
	{ "/kiali", HTTP_GET,    "/kialix",                  ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/kiali", HTTP_GET,    "/other",                   ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/kiali", HTTP_GET,    "/kiali/api/namespaces",    ROUTER_PROXY,     ENDPOINT_NONE, 0 },
	{ "/kiali", HTTP_GET,    "/kiali/healthz",           ROUTER_OWN,       ENDPOINT_HEALTHZ, 0 },
	{ "/kiali", HTTP_GET,    "/healthz",                 ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,    "/healthz",                 ROUTER_OWN,       ENDPOINT_HEALTHZ, 0 },
	{ "/",      HTTP_DELETE, "/healthz",                 ROUTER_METHOD,    ENDPOINT_NONE, M(GET) | M(HEAD) },
	{ "/",      HTTP_GET,    "/healthz/",                ROUTER_NO_SLASH,  ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,    "/api/auth/info",           ROUTER_OWN,       ENDPOINT_AUTH_INFO, 0 },
	{ "/",      HTTP_POST,   "/api/auth/info",           ROUTER_METHOD,    ENDPOINT_NONE, M(GET) | M(HEAD) },
	{ "/",      HTTP_POST,   "/api/authenticate",        ROUTER_OWN,       ENDPOINT_AUTHENTICATE, 0 },
	{ "/",      HTTP_GET,    "/api/authenticate",        ROUTER_METHOD,    ENDPOINT_NONE, M(POST) },
	{ "/",      HTTP_GET,    "/api/logout",              ROUTER_OWN,       ENDPOINT_API_LOGOUT, 0 },
	{ "/",      HTTP_HEAD,   "/api/logout",              ROUTER_METHOD,    ENDPOINT_NONE, M(GET) },
	{ "/",      HTTP_POST,   "/api/logout",              ROUTER_METHOD,    ENDPOINT_NONE, M(GET) },
	{ "/",      HTTP_GET,    "/api/auth/openid_redirect", ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_POST,   "/_doorward/backchannel-logout", ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,    "/_doorward/login",         ROUTER_OWN,       ENDPOINT_LOGIN, 0 },
	{ "/",      HTTP_POST,   "/_doorward/login",         ROUTER_OWN,       ENDPOINT_LOGIN, 0 },
	{ "/",      HTTP_PUT,    "/_doorward/login",         ROUTER_METHOD,    ENDPOINT_NONE, M(GET) | M(HEAD) | M(POST) },
	{ "/",      HTTP_POST,   "/_doorward/logout",        ROUTER_OWN,       ENDPOINT_LOGOUT, 0 },
	{ "/",      HTTP_GET,    "/_doorward/readyz",        ROUTER_OWN,       ENDPOINT_READYZ, 0 },
	{ "/",      HTTP_GET,    "/_doorward/nothing",       ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,    "/_doorward%2flogin",       ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,    "/api/log%6fut",            ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
};
/* clang-format on */

/* clang-format off */
static const struct {
	const char *root;
	enum http_method method;
	const char *path;
	enum router_action action;
	enum own_endpoint endpoint;
	unsigned methods;
} openid_cases[] = {
	{ "/",      HTTP_GET,  "/api/auth/openid_redirect",        ROUTER_OWN,       ENDPOINT_OPENID_START, 0 },
	{ "/kiali", HTTP_GET,  "/kiali/api/auth/openid_redirect",  ROUTER_OWN,       ENDPOINT_OPENID_START, 0 },
	{ "/kiali", HTTP_GET,  "/kiali/api/auth/openid_redirect/", ROUTER_NO_SLASH,  ENDPOINT_NONE, 0 },
	{ "/",      HTTP_POST, "/api/auth/openid_redirect",        ROUTER_METHOD,    ENDPOINT_NONE, M(GET) },
	{ "/",      HTTP_HEAD, "/api/auth/openid_redirect",        ROUTER_METHOD,    ENDPOINT_NONE, M(GET) },
	{ "/",      HTTP_GET,  "/api/auth/openid%5fredirect",      ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_POST, "/_doorward/backchannel-logout",    ROUTER_OWN,       ENDPOINT_BACKCHANNEL_LOGOUT, 0 },
	{ "/",      HTTP_GET,  "/_doorward/backchannel-logout",    ROUTER_METHOD,    ENDPOINT_NONE, M(POST) },
	{ "/",      HTTP_GET,  "/_doorward/frontchannel-logout",   ROUTER_OWN,       ENDPOINT_FRONTCHANNEL_LOGOUT, 0 },
	{ "/",      HTTP_GET,  "/api/auth/redirect",               ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 },
	{ "/",      HTTP_GET,  "/",                                ROUTER_PROXY,     ENDPOINT_NONE, 0 },
};
/* clang-format on */

START_TEST(decide_openid)
{
	struct settings *s = fixture_openid(openid_cases[_i].root, "kiali", "");
	struct router_result r = router_decide(
	    s, openid_cases[_i].method, slice_of(openid_cases[_i].path));

	ck_assert_msg(r.action == openid_cases[_i].action &&
		r.endpoint == openid_cases[_i].endpoint,
	    "%s: action %d endpoint %d", openid_cases[_i].path, (int)r.action,
	    (int)r.endpoint);
	ck_assert_uint_eq(r.methods, openid_cases[_i].methods);
	settings_free(s);
}
END_TEST

START_TEST(decide)
{
	struct settings *s = fixture_token(cases[_i].root, "kiali", "");
	struct router_result r =
	    router_decide(s, cases[_i].method, slice_of(cases[_i].path));

	ck_assert_msg(
	    r.action == cases[_i].action && r.endpoint == cases[_i].endpoint,
	    "%s: action %d endpoint %d", cases[_i].path, (int)r.action,
	    (int)r.endpoint);
	ck_assert_uint_eq(r.methods, cases[_i].methods);
	settings_free(s);
}
END_TEST

/* Routes to services, with their own methods. */
START_TEST(service_routes)
{
	struct settings *s = fixture_token("/", "kiali",
	    "  routes: [{path: /prometheus/, service: prometheus, "
	    "methods: [GET, POST], paths: [/api/], "
	    "allow: {users: [\"*\"]}}]\n"
	    "external_services: {prometheus: {url: \"http://127.0.0.1:9\"}}\n");
	struct router_result r =
	    router_decide(s, HTTP_GET, SLICE("/prometheus/api/v1"));

	ck_assert_int_eq(r.action, ROUTER_PROXY);
	r = router_decide(s, HTTP_GET, SLICE("/prometheus/other"));
	ck_assert_int_eq(r.action, ROUTER_NOT_FOUND);
	r = router_decide(s, HTTP_GET, SLICE("/prometheus"));
	ck_assert_int_eq(r.action, ROUTER_SLASH);
	r = router_decide(s, HTTP_HEAD, SLICE("/prometheus/api/v1"));
	ck_assert_int_eq(r.action, ROUTER_METHOD);
	ck_assert_uint_eq(r.methods, M(GET) | M(POST));
	settings_free(s);
}
END_TEST

START_TEST(anonymous_authenticate)
{
	struct settings *s = fixture_anonymous("/", "");

	ck_assert_int_eq(
	    router_decide(s, HTTP_GET, SLICE("/api/authenticate")).action,
	    ROUTER_OWN);
	settings_free(s);
}
END_TEST

/* clang-format off */
static const struct {
	enum deny why;
	int preset;
	bool navigation, safe;
	struct deny_answer answer;
} denials[] = {
	{ DENY_NO_SESSION, PRESET_KIALI, false, true, { 401, true, false, false, 0 } },
	{ DENY_NO_SESSION, PRESET_KIALI, true, true, { 401, true, false, true, 0 } },
	{ DENY_NO_SESSION, PRESET_GENERIC, false, true, { 401, true, false, false, 0 } },
	{ DENY_NO_SESSION, PRESET_GENERIC, true, true, { 302, true, true, false, 0 } },
	{ DENY_NO_SESSION, PRESET_GENERIC, true, false, { 401, true, false, true, 0 } },
	{ DENY_EXPIRED, PRESET_KIALI, false, true, { 401, true, false, false, 0 } },
	{ DENY_REJECTED, PRESET_GENERIC, true, true, { 302, true, true, false, 0 } },
	{ DENY_REVOKED, PRESET_KIALI, false, false, { 401, true, false, false, 0 } },
	{ DENY_FORBIDDEN, PRESET_KIALI, false, true, { 403, false, false, false, 0 } },
	{ DENY_FORBIDDEN, PRESET_GENERIC, true, true, { 403, false, false, true, 0 } },
	{ DENY_NO_ROUTE, PRESET_KIALI, false, true, { 404, false, false, false, 0 } },
	{ DENY_METHOD, PRESET_KIALI, false, true, { 405, false, false, false, 0 } },
	{ DENY_UNAVAILABLE, PRESET_KIALI, false, true, { 503, false, false, false, 5 } },
	{ DENY_UPSTREAM_DOWN, PRESET_KIALI, false, true, { 502, false, false, false, 0 } },
	{ DENY_UPSTREAM_BAD, PRESET_KIALI, false, true, { 502, false, false, false, 0 } },
	{ DENY_UPSTREAM_TIMEOUT, PRESET_KIALI, true, true, { 504, false, false, true, 0 } },
	{ DENY_BAD_REQUEST, PRESET_KIALI, false, true, { 400, false, false, false, 0 } },
	{ DENY_CREDENTIAL, PRESET_KIALI, true, true, { 502, false, false, true, 0 } },
};
/* clang-format on */

START_TEST(denial)
{
	struct deny_context x = { denials[_i].preset, denials[_i].navigation,
		denials[_i].safe };
	struct deny_answer a = deny_answer(denials[_i].why, &x);
	const struct deny_answer *e = &denials[_i].answer;

	ck_assert_uint_eq(a.status, e->status);
	ck_assert_int_eq(a.drop_cookie, e->drop_cookie);
	ck_assert_int_eq(a.to_login, e->to_login);
	ck_assert_int_eq(a.page, e->page);
	ck_assert_uint_eq(a.retry_after_s, e->retry_after_s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("router");
	TCase *tc = tcase_create("router");

	tcase_add_loop_test(tc, decide, 0, (int)COUNT(cases));
	tcase_add_loop_test(tc, decide_openid, 0, (int)COUNT(openid_cases));
	tcase_add_test(tc, service_routes);
	tcase_add_test(tc, anonymous_authenticate);
	tcase_add_loop_test(tc, denial, 0, (int)COUNT(denials));
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
