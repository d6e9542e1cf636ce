/* Heads in both directions: what is passed on, and how bodies are framed. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "frontend/upstream_head.h"
#include "tests/unit/frontend_fixture.h"

static uint8_t frame[FRAME_HEADER_LEN + FRAME_HEAD_MAX];
static char cookies[HTTP_HEAD_MAX];

static struct request *
request_from(const struct settings *s, const char *head)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
		.sin_port = htons(5555) };
	struct request *r;

	inet_pton(AF_INET, "192.0.2.1", &peer.sin_addr);
	ck_assert_int_eq(request_new(&r, s, (struct sockaddr *)&peer, true,
			     head, strlen(head)),
	    0);
	return r;
}

START_TEST(request)
{
	struct settings *s = fixture_token("/", "kiali", "");
	struct request *r = request_from(s,
	    "POST /api/x?q=1 HTTP/1.1\r\nHost: k.example\r\n"
	    "Cookie: a=1; __Host-doorward=SESSION; kiali-token-K=x; b=2\r\n"
	    "Authorization: Bearer TOKEN\r\nX-Forwarded-For: 6.6.6.6\r\n"
	    "Impersonate-User: root\r\nKiali_User: root\r\n"
	    "Connection: x-drop\r\nX-Drop: 1\r\nX-Keep: 1\r\n"
	    "Upgrade: websocket\r\nX-Request-Id: id-1\r\n"
	    "Content-Length: 5\r\n\r\n");
	struct frame_request q;
	long n = upstream_put_request(frame, sizeof(frame), cookies, s, r);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(frame_get_request(&q, frame + FRAME_HEADER_LEN,
			     (size_t)n - FRAME_HEADER_LEN),
	    0);
	ck_assert_int_eq(q.method, HTTP_POST);
	ck_assert(slice_is(q.path, "/api/x") && slice_is(q.query, "q=1"));
	ck_assert(slice_is(q.host, "k.example"));
	ck_assert(slice_is(q.session, "SESSION"));
	ck_assert(slice_is(q.bearer, "TOKEN"));
	ck_assert(slice_is(q.client, "192.0.2.1"));
	ck_assert(slice_is(q.request_id, "id-1"));
	ck_assert(q.tls && q.server_port == 443);
	ck_assert_int_eq(q.body, HTTP_BODY_LENGTH);
	ck_assert_uint_eq(q.content_length, 5);
	ck_assert_uint_eq(q.fields.n, 2);
	ck_assert(slice_is_nocase(q.fields.at[0].name, "cookie"));
	ck_assert(slice_is(q.fields.at[0].value, "a=1; b=2"));
	ck_assert(slice_is_nocase(q.fields.at[1].name, "x-keep"));
	request_free(r);
	settings_free(s);
}
END_TEST

/* clang-format off */
static const struct {
	bool header, trusted;
	const char *fields;
	const char *session, *bearer;
	const char *kept; /* of the impersonation: names, in their order */
} impersonations[] = {
	{ true, true, "Impersonate-User: ann\r\nImpersonate-Group: a\r\nImpersonate-Group: b\r\n"
	  "Impersonate-Extra-x: y\r\nImpersonate-Uid: 1\r\nImpersonate_User: z\r\n",
	  "", "TOKEN", "ann,a,b,y," },
	{ true, true, "Impersonate-Group: a\r\n", "", "TOKEN", "" },
	{ true, true, "Impersonate-User: ann\r\nConnection: impersonate-user\r\n", "", "TOKEN", "ann," },
	{ true, false, "Impersonate-User: ann\r\n", "", "", "" },
	{ false, true, "Impersonate-User: ann\r\n", "SESSION", "TOKEN", "" },
};
/* clang-format on */

START_TEST(header_strategy)
{
	struct settings *s = impersonations[_i].header
	    ? fixture_header("/", "192.0.2.0/24")
	    : fixture_token(
		  "/", "kiali", "  trusted_proxies: [192.0.2.0/24]\n");
	struct sockaddr_in peer = { .sin_family = AF_INET };
	char head[512], kept[64] = "";
	struct frame_request q;
	struct request *r;
	long n;

	inet_pton(AF_INET,
	    impersonations[_i].trusted ? "192.0.2.1" : "198.51.100.1",
	    &peer.sin_addr);
	snprintf(head, sizeof(head),
	    "GET /api HTTP/1.1\r\nHost: h\r\nCookie: doorward=SESSION\r\n"
	    "Authorization: Bearer TOKEN\r\n%s\r\n",
	    impersonations[_i].fields);
	ck_assert_int_eq(request_new(&r, s, (struct sockaddr *)&peer, false,
			     head, strlen(head)),
	    0);
	n = upstream_put_request(frame, sizeof(frame), cookies, s, r);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(frame_get_request(&q, frame + FRAME_HEADER_LEN,
			     (size_t)n - FRAME_HEADER_LEN),
	    0);
	ck_assert(slice_is(q.session, impersonations[_i].session));
	ck_assert(slice_is(q.bearer, impersonations[_i].bearer));
	for (size_t i = 0; i < q.fields.n; i++)
		snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept),
		    "%.*s,", SLICE_ARG(q.fields.at[i].value));
	ck_assert_str_eq(kept, impersonations[_i].kept);
	request_free(r);
	settings_free(s);
}
END_TEST

/* To drop both would be to act as the proxy. */
START_TEST(two_impersonated)
{
	static const char head[] =
	    "GET /api HTTP/1.1\r\nHost: h\r\nImpersonate-User: a\r\n"
	    "Impersonate-User: b\r\n\r\n";
	struct sockaddr_in peer = { .sin_family = AF_INET };
	struct settings *s = fixture_header("/", "192.0.2.0/24");
	struct request *r;

	ck_assert_int_eq(request_new(&r, s, (struct sockaddr *)&peer, false,
			     head, sizeof(head) - 1),
	    400);
	settings_free(s);
}
END_TEST

START_TEST(two_session_cookies_are_none)
{
	struct settings *s = fixture_token("/", "kiali", "");
	struct request *r = request_from(s,
	    "GET / HTTP/1.1\r\nHost: h\r\n"
	    "Cookie: __Host-doorward=A; __Host-doorward=B\r\n\r\n");

	ck_assert_uint_eq(r->cookie.len, 0);
	ck_assert(r->carried_cookie);
	request_free(r);
	settings_free(s);
}
END_TEST

START_TEST(wrong_host)
{
	struct settings *s =
	    fixture_token("/", "kiali", "  hosts: [k.example]\n");
	struct sockaddr_in peer = { .sin_family = AF_INET };
	static const char head[] = "GET / HTTP/1.1\r\nHost: other\r\n\r\n";
	struct request *r;

	ck_assert_int_eq(request_new(&r, s, (struct sockaddr *)&peer, false,
			     head, sizeof(head) - 1),
	    421);
	settings_free(s);
}
END_TEST

/* clang-format off */
static const struct {
	unsigned status;
	enum http_body body;
	uint64_t length;
	enum http_method method;
	unsigned minor;
	const char *framing; /* "" for none */
	enum http_body out;
} framings[] = {
	{ 200, HTTP_BODY_LENGTH, 7, HTTP_GET, 1, "Content-Length: 7\r\n", HTTP_BODY_LENGTH },
	{ 200, HTTP_BODY_NONE, 0, HTTP_GET, 1, "Content-Length: 0\r\n", HTTP_BODY_LENGTH },
	{ 200, HTTP_BODY_CHUNKED, 0, HTTP_GET, 1, "Transfer-Encoding: chunked\r\n", HTTP_BODY_CHUNKED },
	{ 200, HTTP_BODY_CHUNKED, 0, HTTP_GET, 0, "", HTTP_BODY_CLOSE },
	{ 200, HTTP_BODY_CLOSE, 0, HTTP_GET, 1, "Transfer-Encoding: chunked\r\n", HTTP_BODY_CHUNKED },
	{ 200, HTTP_BODY_LENGTH, 7, HTTP_HEAD, 1, "Content-Length: 7\r\n", HTTP_BODY_NONE },
	{ 200, HTTP_BODY_CHUNKED, 0, HTTP_HEAD, 1, "", HTTP_BODY_NONE },
	{ 204, HTTP_BODY_NONE, 0, HTTP_GET, 1, "", HTTP_BODY_NONE },
	{ 304, HTTP_BODY_LENGTH, 7, HTTP_GET, 1, "Content-Length: 7\r\n", HTTP_BODY_NONE },
	{ 304, HTTP_BODY_NONE, 0, HTTP_GET, 1, "", HTTP_BODY_NONE },
};
/* clang-format on */

START_TEST(framing)
{
	struct settings *s = fixture_anonymous("/", "");
	struct frame_response a = { .status = (uint16_t)framings[_i].status,
		.body = framings[_i].body,
		.content_length = framings[_i].length };
	struct upstream_framing f =
	    upstream_framing(&a, framings[_i].method, framings[_i].minor);
	char text[512] = "", expected[512];
	struct http_out o;

	http_out_init(&o, text, sizeof(text) - 1);
	upstream_put_response(&o, s, &a, &f, false, false);
	ck_assert_int_eq(f.body, framings[_i].out);
	snprintf(
	    expected, sizeof(expected), "\r\n%s\r\n", framings[_i].framing);
	ck_assert_str_eq(strstr(text, "\r\n"), expected);
	settings_free(s);
}
END_TEST

START_TEST(response_fields)
{
	struct settings *s = fixture_anonymous("/", "");
	struct frame_response a = { .status = 200 };
	struct upstream_framing f = upstream_framing(&a, HTTP_GET, 1);
	char text[1024] = "";
	struct http_out o;

	http_fields_add(&a.fields, SLICE("Set-Cookie"), SLICE("doorward=x"));
	http_fields_add(&a.fields, SLICE("Set-Cookie"), SLICE("ok=1"));
	http_fields_add(
	    &a.fields, SLICE("Strict-Transport-Security"), SLICE("max-age=0"));
	http_fields_add(&a.fields, SLICE("Connection"), SLICE("x-hop"));
	http_fields_add(&a.fields, SLICE("X-Hop"), SLICE("1"));
	http_out_init(&o, text, sizeof(text) - 1);
	upstream_put_response(&o, s, &a, &f, true, true);
	ck_assert_str_eq(text,
	    "HTTP/1.1 200 OK\r\nSet-Cookie: ok=1\r\n"
	    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n");
	settings_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("upstream_head");
	TCase *tc = tcase_create("upstream_head");

	tcase_add_test(tc, request);
	tcase_add_test(tc, two_session_cookies_are_none);
	tcase_add_loop_test(tc, header_strategy, 0, (int)COUNT(impersonations));
	tcase_add_test(tc, two_impersonated);
	tcase_add_test(tc, wrong_host);
	tcase_add_loop_test(tc, framing, 0, (int)COUNT(framings));
	tcase_add_test(tc, response_fields);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
