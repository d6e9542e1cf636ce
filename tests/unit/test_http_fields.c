/* Fields that do not travel (design: what goes to the upstream), lookups,
 * cookies, and the serialiser. */
#include <string.h>

#include "common/http/http.h"
#include "tests/unit/http_suite.h"

static struct http_fields
fields_of(const char *const pairs[][2], size_t n)
{
	struct http_fields f;

	f.n = 0;
	for (size_t i = 0; i < n; i++)
		ck_assert(http_fields_add(
		    &f, slice_of(pairs[i][0]), slice_of(pairs[i][1])));
	return f;
}

/* clang-format off */
static const struct {
	const char *name;
	bool expected;
} owned[] = {
	{ "Authorization", true }, { "AUTHORIZATION", true },
	{ "authorization", true }, { "Proxy-Authorization", true },
	{ "proxy_authorization", true }, { "Proxy.Authorization", true },
	{ "Impersonate-User", true }, { "impersonate_group", true },
	{ "Impersonate-Extra-scopes", true }, { "IMPERSONATE.UID", true },
	{ "Kiali-User", true }, { "kiali_user", true }, { "KIALI~USER", true },
	{ "X-Forwarded-For", true }, { "x_forwarded_host", true },
	{ "X.Forwarded-Proto", true }, { "X-Forwarded_Port", true },
	{ "X-Forwarded-User", true }, { "X-FORWARDED-GROUPS", true },
	{ "Forwarded", true }, { "FORWARDED", true }, { "X-Real-IP", true },
	{ "x_real_ip", true }, { "X-Real_IP", true },
	{ "X-Auth-Request-Email", true }, { "x_auth_request_user", true },
	{ "Remote-User", true }, { "REMOTE_USER", true },
	{ "remote.groups", true }, { "X-Remote-User", true },
	{ "x_remote_group", true }, { "X-Remote-Extra-a", true },
	{ "X-WEBAUTH-USER", true }, { "x-webauth-user", true },
	{ "x_webauth_role", true }, { "X-Original-URL", true },
	{ "x_original_uri", true }, { "X-Original-Host", true },
	{ "X-Rewrite-URL", true }, { "x_rewrite_url", true },
	{ "X-Client-Cert", true }, { "X-Client-Certificate", true },
	{ "x_client_cert_dn", true }, { "X-SSL-Client-DN", true },
	{ "x_ssl_client_verify", true }, { "X-Envoy-External-Address", true },
	{ "x_envoy_original_path", true }, { "X-Doorward-Assertion", true },
	{ "x_doorward_user", true }, { "X!Doorward#User", true },
	{ "Accept", false }, { "Authorization2", false }, { "Auth", false },
	{ "X-Authorization", false }, { "Impersonate", false },
	{ "Kiali-Users", false }, { "Kiali-Use", false },
	{ "X-Forward", false }, { "X-Forwarded", false },
	{ "XForwardedFor", false }, { "Forwarded-For", false },
	{ "X-Real-IPs", false }, { "Remote", false }, { "X-Remote", false },
	{ "X-Rewrite-URL2", false }, { "X-Client", false }, { "X-SSL", false },
	{ "Cookie", false }, { "X-Request-Id", false }, { "", false },
};
static const struct {
	const char *name;
	bool expected;
} hops[] = {
	{ "Connection", true }, { "Keep-Alive", true },
	{ "proxy-connection", true }, { "Proxy-Authenticate", true },
	{ "TE", true }, { "Trailer", true }, { "Transfer-Encoding", true },
	{ "transfer_encoding", true }, { "Transfer.Encoding", true },
	{ "Upgrade", true }, { "Content-Length", true },
	{ "CONTENT_LENGTH", true }, { "Expect", true },
	{ "HTTP2-Settings", true },
	{ "X-Named", true }, { "x-named", true }, { "X-Other", true },
	{ "X-Third", true },
	{ "Content-Type", false }, { "X-Name", false }, { "Cookie", false },
	{ "Accept", false }, { "X-Fourth", false },
};
/* clang-format on */

START_TEST(owned_names)
{
	ck_assert_msg(
	    http_field_is_owned(slice_of(owned[_i].name)) == owned[_i].expected,
	    "%s", owned[_i].name);
}
END_TEST

START_TEST(hop_names)
{
	static const char *const pairs[][2] = { { "Connection",
						    "close,X-Named , X-other" },
		{ "connection", "x-third" }, { "X", "X-Fourth" } };
	struct http_fields f = fields_of(pairs, 3);

	ck_assert_msg(
	    http_field_is_hop(&f, slice_of(hops[_i].name)) == hops[_i].expected,
	    "%s", hops[_i].name);
}
END_TEST

START_TEST(fixed_hop_names_need_no_fields)
{
	ck_assert(http_field_is_hop(NULL, SLICE("Upgrade")));
	ck_assert(!http_field_is_hop(NULL, SLICE("X-Named")));
}
END_TEST

START_TEST(lookup)
{
	static const char *const pairs[][2] = { { "A", "1" }, { "b", "2" },
		{ "B", "3" } };
	struct http_fields f = fields_of(pairs, 3);
	size_t n;

	ck_assert_slice_eq(http_fields_get(&f, "a", &n)->value, "1");
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_null(http_fields_get(&f, "B", &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_ptr_null(http_fields_get(&f, "c", &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(http_fields_get(&f, "c", NULL));
}
END_TEST

START_TEST(adding_stops_when_full)
{
	struct http_fields f = { .n = 0 };

	for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
		ck_assert(http_fields_add(&f, SLICE("a"), SLICE("")));
	ck_assert(!http_fields_add(&f, SLICE("a"), SLICE("")));
	ck_assert_uint_eq(f.n, HTTP_FIELDS_MAX);
}
END_TEST

START_TEST(lists)
{
	static const char *const pairs[][2] = { { "Connection", "a,b ,\tc" },
		{ "CONNECTION", ",, D" }, { "Connections", "e" } };
	struct http_fields f = fields_of(pairs, 3);

	ck_assert(http_fields_list_has(&f, "connection", "A"));
	ck_assert(http_fields_list_has(&f, "Connection", "b"));
	ck_assert(http_fields_list_has(&f, "connection", "c"));
	ck_assert(http_fields_list_has(&f, "connection", "d"));
	ck_assert(!http_fields_list_has(&f, "connection", "e"));
	ck_assert(!http_fields_list_has(&f, "connection", "a,b"));
}
END_TEST

START_TEST(field_check)
{
	struct slice ok = SLICE("v");

	ck_assert(http_field_check(SLICE("X-a!1"), ok));
	ck_assert(http_field_check(SLICE("X"), SLICE("")));
	ck_assert(http_field_check(SLICE("X"), SLICE("a\tb \xc3\xbc")));
	ck_assert(!http_field_check(SLICE(""), ok));
	ck_assert(!http_field_check(SLICE("X:"), ok));
	ck_assert(!http_field_check(SLICE("X "), ok));
	ck_assert(!http_field_check(SLICE("X\0"), ok));
	ck_assert(!http_field_check(SLICE("X"), SLICE("a\r\nb")));
	ck_assert(!http_field_check(SLICE("X"), SLICE("a\n")));
	ck_assert(!http_field_check(SLICE("X"), SLICE("a\0")));
	ck_assert(!http_field_check(SLICE("X"), SLICE("\x7f")));
}
END_TEST

/* clang-format off */
static const struct {
	const char *first, *second, *value;
	size_t count;
} cookies[] = {
	{ "s=1", NULL, "1", 1 }, { "a=2; s=1", NULL, "1", 1 },
	{ "a=2;s=1;b=3", NULL, "1", 1 }, { "s=1; s=2", NULL, "1", 2 },
	{ "s=1", "s=2", "1", 2 }, { "a=1", "s=2", "2", 1 },
	{ "s=", NULL, "", 1 }, { "s", NULL, "", 1 }, { "s=a=b", NULL, "a=b", 1 },
	{ " s = 1 ", NULL, "1", 1 }, { ";;s=1;", NULL, "1", 1 },
	{ "s=\"1\"", NULL, "\"1\"", 1 }, { "a=\"x; s=1; y\"", NULL, "1", 1 },
	{ "S=1", NULL, "", 0 }, { "ss=1", NULL, "", 0 }, { "xs=1", NULL, "", 0 },
	{ "a=s=1", NULL, "", 0 }, { "a=1, s=2", NULL, "", 0 },
	{ "", NULL, "", 0 }, { "=1", NULL, "", 0 }, { "=s=1", NULL, "", 0 },
};
static const struct {
	const char *value, *kept; /* without a and s */
} filters[] = {
	{ "a=1", "" }, { "s=1; a=2", "" }, { "b=1", "b=1" },
	{ "b=1; c=2", "b=1; c=2" }, { "b=1;c=2", "b=1;c=2" },
	{ "a=1; b=2", "b=2" }, { "b=2; a=1", "b=2" },
	{ "b=2; s=1; c=3", "b=2; c=3" }, { "b=2;s=1;c=3;a=4", "b=2;c=3" },
	{ "s=1;s=2;b=3;s=4", "b=3" }, { " b=1 ;  c=2\t", "b=1; c=2" },
	{ "b=1;;; c=2;", "b=1; c=2" }, { "s", "" }, { " s =1", "" },
	{ "b", "b" }, { "b=s=1", "b=s=1" }, { "", "" }, { ";", "" }, { " ", "" },
	{ "b=\"x; s=1; y\"", "b=\"x; y\"" }, { "S=1", "S=1" },
};
/* clang-format on */

START_TEST(cookie_lookup)
{
	struct http_fields f = { .n = 0 };
	struct slice value;
	size_t n;

	http_fields_add(&f, SLICE("X"), SLICE("s=9"));
	http_fields_add(&f, SLICE("cookie"), slice_of(cookies[_i].first));
	if (cookies[_i].second != NULL)
		http_fields_add(
		    &f, SLICE("COOKIE"), slice_of(cookies[_i].second));
	value = http_cookie_get(&f, "s", &n);
	ck_assert_msg(n == cookies[_i].count, "%s: %zu", cookies[_i].first, n);
	ck_assert_slice_eq(value, cookies[_i].value);
}
END_TEST

static bool
is_a_or_s(struct slice name, void *arg)
{
	(*(unsigned *)arg)++;
	return slice_is(name, "a") || slice_is(name, "s");
}

START_TEST(cookie_filter)
{
	struct slice value = slice_of(filters[_i].value);
	char dst[64];
	unsigned asked = 0;
	size_t n = http_cookie_filter(dst, value, is_a_or_s, &asked);

	ck_assert_uint_le(n, value.len);
	ck_assert_slice_eq(((struct slice){ dst, n }), filters[_i].kept);
	ck_assert(asked > 0 || n == 0);
}
END_TEST

START_TEST(serialised_request)
{
	char buf[256];
	struct http_out o;

	http_out_init(&o, buf, sizeof(buf));
	http_put_request_line(&o, HTTP_DELETE, SLICE("/a"), true, SLICE("b=c"));
	http_put_field_z(&o, "Host", "a:1");
	http_put_field(&o, SLICE("X"), SLICE(""));
	http_put_framing(&o, HTTP_BODY_LENGTH, UINT64_MAX);
	http_put_framing(&o, HTTP_BODY_CHUNKED, 5);
	http_put_framing(&o, HTTP_BODY_NONE, 5);
	http_put_framing(&o, HTTP_BODY_CLOSE, 5);
	http_put_end(&o);
	ck_assert(!o.overflow);
	ck_assert_slice_eq(((struct slice){ buf, o.len }),
	    "DELETE /a?b=c HTTP/1.1\r\nHost: a:1\r\nX: \r\n"
	    "Content-Length: 18446744073709551615\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
}
END_TEST

START_TEST(serialised_status)
{
	char buf[64];
	struct http_out o;

	http_out_init(&o, buf, sizeof(buf));
	http_put_status_line(&o, 404);
	http_put_status_line(&o, 299);
	ck_assert_slice_eq(((struct slice){ buf, o.len }),
	    "HTTP/1.1 404 Not Found\r\nHTTP/1.1 299 Unknown\r\n");
}
END_TEST

START_TEST(empty_query_keeps_its_mark)
{
	char buf[64];
	struct http_out o;

	http_out_init(&o, buf, sizeof(buf));
	http_put_request_line(
	    &o, HTTP_GET, SLICE("/"), true, (struct slice){ NULL, 0 });
	ck_assert_slice_eq(
	    ((struct slice){ buf, o.len }), "GET /? HTTP/1.1\r\n");
}
END_TEST

START_TEST(overflow_sticks)
{
	char buf[8];
	struct http_out o;

	http_out_init(&o, buf, sizeof(buf));
	http_put_z(&o, "12345678");
	ck_assert(!o.overflow);
	http_put_z(&o, "9");
	http_put_z(&o, "");
	ck_assert(o.overflow);
	ck_assert_uint_eq(o.len, 8);
}
END_TEST

START_TEST(fields_cannot_begin_lines)
{
	static const struct http_field bad[] = {
		{ { "X", 1 }, { "a\r\nY: b", 7 } },
		{ { "X\r\nY", 4 }, { "a", 1 } },
		{ { "X", 1 }, { "\0", 1 } },
		{ { "", 0 }, { "a", 1 } },
	};

	for (int i = 0; i < COUNT(bad); i++) {
		char buf[64];
		struct http_out o;

		http_out_init(&o, buf, sizeof(buf));
		http_put_field(&o, bad[i].name, bad[i].value);
		ck_assert(o.overflow);
	}
}
END_TEST

START_TEST(chunk_heads)
{
	char dst[20];

	ck_assert_slice_eq(
	    ((struct slice){ dst, http_chunk_head(dst, 1) }), "1\r\n");
	ck_assert_slice_eq(
	    ((struct slice){ dst, http_chunk_head(dst, 65536) }), "10000\r\n");
	ck_assert_slice_eq(
	    ((struct slice){ dst, http_chunk_head(dst, 0xabcdef) }),
	    "abcdef\r\n");
	ck_assert_uint_le(http_chunk_head(dst, SIZE_MAX), sizeof(dst));
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(http_method_name(HTTP_OPTIONS), "OPTIONS");
	ck_assert_str_eq(http_reason(200), "OK");
	ck_assert_str_eq(http_reason(511), "Network Authentication Required");
	ck_assert_str_eq(http_reason(0), "Unknown");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, owned_names, 0, COUNT(owned));
	tcase_add_loop_test(tc, hop_names, 0, COUNT(hops));
	tcase_add_test(tc, fixed_hop_names_need_no_fields);
	tcase_add_test(tc, lookup);
	tcase_add_test(tc, adding_stops_when_full);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, field_check);
	tcase_add_loop_test(tc, cookie_lookup, 0, COUNT(cookies));
	tcase_add_loop_test(tc, cookie_filter, 0, COUNT(filters));
	tcase_add_test(tc, serialised_request);
	tcase_add_test(tc, serialised_status);
	tcase_add_test(tc, empty_query_keeps_its_mark);
	tcase_add_test(tc, overflow_sticks);
	tcase_add_test(tc, fields_cannot_begin_lines);
	tcase_add_test(tc, chunk_heads);
	tcase_add_test(tc, names);
}

int
main(void)
{
	return run_cases("http_fields", add);
}
