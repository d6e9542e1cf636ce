/* What an upstream sees of a request, and a client of a response. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/settings.h"
#include "egress/inject.h"

static struct settings settings;

static struct frame_request
request(void)
{
	static char console[] = "console.test", no_name[] = "";
	struct frame_request q = {
		.method = HTTP_GET,
		.tls = true,
		.path = SLICE("/api/x"),
		.host = SLICE("k.example"),
		.client = SLICE("192.0.2.1"),
		.client_port = 1234,
		.server_port = 443,
		.request_id = SLICE("id1"),
	};

	settings.console.host = console;
	settings.console.port = 80;
	settings.cookie_name = no_name;
	return q;
}

static const char *
injected_to(const struct frame_request *q, const struct inject_to *to)
{
	static char text[INJECT_HEAD_MAX + 1];
	struct http_out out;

	http_out_init(&out, text, INJECT_HEAD_MAX);
	inject_request(&out, &settings, q, to);
	ck_assert(!out.overflow);
	text[out.len] = '\0';
	return text;
}

/* To the console. */
static const char *
injected(const struct frame_request *q, const char *token)
{
	return injected_to(q,
	    &(struct inject_to){ .at = &settings.console,
		.is_console = true,
		.rest = q->path,
		.credential.bearer = slice_of(token) });
}

START_TEST(plain)
{
	struct frame_request q = request();

	ck_assert_str_eq(injected(&q, ""),
	    "GET /api/x HTTP/1.1\r\n"
	    "Host: k.example\r\n"
	    "X-Forwarded-For: 192.0.2.1\r\n"
	    "X-Forwarded-Proto: https\r\n"
	    "X-Forwarded-Host: k.example\r\n"
	    "X-Forwarded-Port: 443\r\n"
	    "X-Request-Id: id1\r\n"
	    "\r\n");
}
END_TEST

START_TEST(token_query_body)
{
	struct frame_request q = request();

	q.method = HTTP_POST;
	q.has_query = true;
	q.query = SLICE("a=b");
	q.body = HTTP_BODY_LENGTH;
	q.content_length = 7;
	q.tls = false;
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, "T"), "POST /api/x?a=b HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, "T"), "\r\nAuthorization: Bearer T\r\n"));
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, "T"), "\r\nContent-Length: 7\r\n"));
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, "T"), "\r\nX-Forwarded-Proto: http\r\n"));
	q.body = HTTP_BODY_CHUNKED;
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, ""), "\r\nTransfer-Encoding: chunked\r\n"));
	ck_assert_ptr_null(strstr(injected(&q, ""), "Authorization"));
}
END_TEST

START_TEST(no_host)
{
	struct frame_request q = request();

	q.host = (struct slice){ NULL, 0 };
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, ""), "\r\nHost: console.test\r\n"));
	ck_assert_ptr_null(strstr(injected(&q, ""), "X-Forwarded-Host"));
}
END_TEST

/* Names whose value must not reach the upstream, whoever sent them. */
static const char *const dropped[] = {
	"Authorization",
	"authorization",
	"Proxy-Authorization",
	"Impersonate-User",
	"impersonate_group",
	"Kiali-User",
	"kiali_user",
	"X-Forwarded-For",
	"x_forwarded_for",
	"Forwarded",
	"X-Real-IP",
	"X-Auth-Request-User",
	"Remote-User",
	"X-Remote-Group",
	"X-WEBAUTH-USER",
	"X-Original-URL",
	"X-Rewrite-URL",
	"X-Client-Cert",
	"X-SSL-Client",
	"X-Envoy-Internal",
	"X-Doorward-Assertion",
	"Connection",
	"Upgrade",
	"Expect",
	"X-Request-Id",
};

START_TEST(owned_fields)
{
	struct frame_request q = request();

	ck_assert(http_fields_add(
	    &q.fields, slice_of(dropped[_i]), SLICE("evil-value")));
	ck_assert(
	    http_fields_add(&q.fields, SLICE("Accept"), SLICE("kept-value")));
	ck_assert_ptr_null(strstr(injected(&q, ""), "evil-value"));
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, ""), "\r\nAccept: kept-value\r\n"));
}
END_TEST

/* Only with the strategy header, only to the console, only beside a user. */
START_TEST(impersonation)
{
	static const char *const names[] = { "Impersonate-User",
		"impersonate-group", "Impersonate-Extra-Scopes" };
	struct url at = { .host = (char[]){ "p.test" }, 9090 };
	struct inject_to to = { .at = &at, .rest = SLICE("/x") };
	struct frame_request q = request();

	ck_assert(http_fields_add(&q.fields, SLICE("Connection"),
	    SLICE("Impersonate-User, Impersonate-Group")));
	ck_assert(http_fields_add(
	    &q.fields, SLICE("Impersonate_User"), SLICE("evil-value")));
	ck_assert(http_fields_add(
	    &q.fields, SLICE("Impersonate-Uid"), SLICE("evil-value")));
	settings.strategy = STRATEGY_HEADER;
	for (size_t i = 3; i-- > 0;) {
		ck_assert_ptr_null(strstr(injected(&q, "T"), ": ann\r\n"));
		ck_assert(http_fields_add(
		    &q.fields, slice_of(names[i]), SLICE("ann")));
	}
	ck_assert_ptr_nonnull(strstr(injected(&q, "T"),
	    "Impersonate-Extra-Scopes: ann\r\nimpersonate-group: ann\r\n"
	    "Impersonate-User: ann\r\n"));
	ck_assert_ptr_null(strstr(injected(&q, "T"), "evil-value"));
	ck_assert_ptr_null(strstr(injected_to(&q, &to), ": ann\r\n"));
	settings.strategy = STRATEGY_OPENID;
	ck_assert_ptr_null(strstr(injected(&q, "T"), ": ann\r\n"));
}
END_TEST

/* A service has its own name, path and credential; what the client sent under
 * the names of the credential does not get there. */
START_TEST(to_a_service)
{
	struct url at = { .tls = true, .host = (char[]){ "p.test" }, 9090 };
	struct inject_to to = { .at = &at,
		.base = SLICE("/base"),
		.rest = SLICE("/api/v1/query"),
		.credential = { .n = 2,
		    .at = { { SLICE("Authorization"), SLICE("Basic a") },
			{ SLICE("X-Scope-OrgID"), SLICE("tenant") } } } };
	struct frame_request q = request();

	ck_assert(http_fields_add(
	    &q.fields, SLICE("x_scope_orgid"), SLICE("evil-value")));
	ck_assert(http_fields_add(
	    &q.fields, SLICE("Authorization"), SLICE("evil-value")));
	ck_assert(http_fields_add(
	    &q.fields, SLICE("Cookie"), SLICE("console=evil-value")));
	q.path = SLICE("/prometheus/api/v1/query");
	q.has_query = true;
	q.query = SLICE("q=up");
	ck_assert_str_eq(injected_to(&q, &to),
	    "GET /base/api/v1/query?q=up HTTP/1.1\r\n"
	    "Host: p.test:9090\r\n"
	    "X-Forwarded-For: 192.0.2.1\r\n"
	    "X-Forwarded-Proto: https\r\n"
	    "X-Forwarded-Host: k.example\r\n"
	    "X-Forwarded-Port: 443\r\n"
	    "X-Request-Id: id1\r\n"
	    "Authorization: Basic a\r\n"
	    "X-Scope-OrgID: tenant\r\n"
	    "\r\n");
	at = (struct url){ .tls = true, .host = (char[]){ "::1" }, 443 };
	ck_assert_ptr_nonnull(
	    strstr(injected_to(&q, &to), "\r\nHost: [::1]\r\n"));
}
END_TEST

START_TEST(own_cookies)
{
	struct frame_request q = request();

	ck_assert(http_fields_add(&q.fields, SLICE("Cookie"),
	    SLICE("a=1; __Host-doorward=S1; kiali-token-Kubernetes=S2; "
		  "doorward=S3; b=2")));
	ck_assert_ptr_nonnull(
	    strstr(injected(&q, ""), "\r\nCookie: a=1; b=2\r\n"));
	q.fields.n = 0;
	ck_assert(http_fields_add(
	    &q.fields, SLICE("Cookie"), SLICE("__Host-doorward=S1")));
	ck_assert_ptr_null(strstr(injected(&q, ""), "Cookie"));
}
END_TEST

START_TEST(response_fields)
{
	struct http_response from = { .status = 200, .body = HTTP_BODY_CLOSE };
	struct frame_response a;

	(void)request();
	ck_assert(http_fields_add(
	    &from.fields, SLICE("Connection"), SLICE("close, x-hop")));
	ck_assert(http_fields_add(&from.fields, SLICE("X-Hop"), SLICE("1")));
	ck_assert(http_fields_add(&from.fields, SLICE("Set-Cookie"),
	    SLICE("__Host-doorward=x; Path=/")));
	ck_assert(http_fields_add(&from.fields, SLICE("Set-Cookie"),
	    SLICE("kiali-token-x=x; Path=/")));
	ck_assert(http_fields_add(
	    &from.fields, SLICE("Set-Cookie"), SLICE("app=1; Path=/")));
	inject_response(&a, &settings, HTTP_GET, &from);
	ck_assert_uint_eq(a.fields.n, 1);
	ck_assert(slice_is(a.fields.at[0].value, "app=1; Path=/"));
	ck_assert_int_eq(a.body, HTTP_BODY_CHUNKED);
}
END_TEST

START_TEST(response_head_method)
{
	struct http_response from = { .status = 200,
		.body = HTTP_BODY_NONE,
		.has_content_length = true,
		.content_length = 42 };
	struct frame_response a;

	inject_response(&a, &settings, HTTP_HEAD, &from);
	ck_assert_int_eq(a.body, HTTP_BODY_LENGTH);
	ck_assert_uint_eq(a.content_length, 42);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress inject");
	TCase *t = tcase_create("inject");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_test(t, plain);
	tcase_add_test(t, token_query_body);
	tcase_add_test(t, no_host);
	tcase_add_loop_test(
	    t, owned_fields, 0, (int)(sizeof(dropped) / sizeof(dropped[0])));
	tcase_add_test(t, impersonation);
	tcase_add_test(t, to_a_service);
	tcase_add_test(t, own_cookies);
	tcase_add_test(t, response_fields);
	tcase_add_test(t, response_head_method);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
