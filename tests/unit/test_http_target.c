/* Rules 3, 4 and 6: characters and segments of targets, and Host values. */
#include <string.h>

#include "common/http/http.h"
#include "tests/unit/http_suite.h"

/* clang-format off */
static const struct {
	const char *path;
	int expected;
} paths[] = {
	{ "/", 0 }, { "/a", 0 }, { "/a/", 0 }, { "/a/b.c", 0 }, { "", 400 },
	{ "a", 400 }, { "*", 400 }, { "http://a/", 400 }, { "a:443", 400 },
	/* characters: unreserved, sub-delims, those that browsers send */
	{ "/-._~!$&'()*+,;=:@", 0 }, { "/[]|", 0 }, { "/0aZ", 0 },
	{ "/{", 400 }, { "/}", 400 }, { "/^", 400 }, { "/`", 400 },
	{ "/\"", 400 }, { "/<", 400 }, { "/>", 400 }, { "/\\", 400 },
	{ "/#", 400 }, { "/ ", 400 }, { "/\t", 400 }, { "/\x01", 400 },
	{ "/\x7f", 400 }, { "/\x80", 400 }, { "/\xff", 400 }, { "/?", 400 },
	{ "/a\r", 400 }, { "/a\n", 400 },
	/* escapes */
	{ "/%20", 0 }, { "/%C3%bc", 0 }, { "/%25", 0 }, { "/%3f", 0 },
	{ "/%", 400 }, { "/%2", 400 }, { "/%2/", 400 }, { "/%g0", 400 },
	{ "/%0g", 400 }, { "/%%20", 400 }, { "/%u0041", 400 }, { "/%-1", 400 },
	{ "/% 2", 400 }, { "/%00", 400 }, { "/a%00b", 400 }, { "/%2f", 400 },
	{ "/%2F", 400 }, { "/a%2fb", 400 }, { "/%5c", 400 }, { "/%5C", 400 },
	{ "/a/%5Cb", 400 },
	/* dot segments in every spelling */
	{ "/.", 400 }, { "/..", 400 }, { "/./", 400 }, { "/../", 400 },
	{ "/a/.", 400 }, { "/a/..", 400 }, { "/a/./b", 400 },
	{ "/a/../b", 400 }, { "/%2e", 400 }, { "/%2E", 400 },
	{ "/%2e%2e", 400 }, { "/%2E%2e/", 400 }, { "/.%2e", 400 },
	{ "/%2e.", 400 }, { "/a/%2E./b", 400 }, { "/a/.%2E/b", 400 },
	{ "/..;", 400 }, { "/..;a=b/c", 400 }, { "/.;/c", 400 },
	{ "/%2e%2e;x", 400 }, { "/%2e%2e%3bx", 400 },
	{ "/...", 0 }, { "/.a", 0 }, { "/..a", 0 }, { "/a.", 0 },
	{ "/a..", 0 }, { "/%2ea", 0 }, { "/.../a", 0 }, { "/.well-known", 0 },
	{ "/a;..", 0 }, { "/a;b=c", 0 }, { "/%252e%252e", 0 },
	/* empty segments */
	{ "//", 400 }, { "//a", 400 }, { "/a//", 400 }, { "/a//b", 400 },
	{ "///", 400 }, { "/;x/a", 400 }, { "/a/;", 400 },
};
static const struct {
	const char *query;
	int expected;
} queries[] = {
	{ "", 0 }, { "a=b&c=d", 0 }, { "/?:@", 0 }, { "[]|{}^`", 0 },
	{ "../..//", 0 }, { "%00", 0 }, { "%2f%5c%2e", 0 }, { "a+b%20c", 0 },
	{ "%", 400 }, { "%2", 400 }, { "%zz", 400 }, { "a%", 400 },
	{ "\"", 400 }, { "<", 400 }, { ">", 400 }, { "\\", 400 }, { "#", 400 },
	{ " ", 400 }, { "\t", 400 }, { "\x01", 400 }, { "\x7f", 400 },
	{ "\x80", 400 }, { "\xff", 400 },
};
static const struct {
	const char *host, *name; /* NULL: refused */
	unsigned port;
} hosts[] = {
	{ "a", "a", 0 }, { "A.Example", "A.Example", 0 },
	{ "a.example.", "a.example.", 0 }, { "my_host-1", "my_host-1", 0 },
	{ "127.0.0.1:8080", "127.0.0.1", 8080 }, { "a:1", "a", 1 },
	{ "a:65535", "a", 65535 }, { "a:00443", "a", 443 },
	{ "[::1]", "::1", 0 }, { "[2001:DB8::a]:443", "2001:DB8::a", 443 },
	{ "[::ffff:1.2.3.4]", "::ffff:1.2.3.4", 0 },
	{ "", NULL, 0 }, { ":80", NULL, 0 }, { "a:", NULL, 0 },
	{ "a:0", NULL, 0 }, { "a:65536", NULL, 0 }, { "a:000443", NULL, 0 },
	{ "a:+1", NULL, 0 }, { "a:-1", NULL, 0 }, { "a: 1", NULL, 0 },
	{ "a:80:80", NULL, 0 }, { "a:8o", NULL, 0 }, { "a:80 ", NULL, 0 },
	{ "u@a", NULL, 0 }, { "u:p@a", NULL, 0 }, { "a@", NULL, 0 },
	{ "a,b", NULL, 0 }, { "a b", NULL, 0 }, { "a/b", NULL, 0 },
	{ "a?b", NULL, 0 }, { "a#b", NULL, 0 }, { "a\\b", NULL, 0 },
	{ "a%2e", NULL, 0 }, { "a..b", NULL, 0 }, { ".a", NULL, 0 },
	{ ".", NULL, 0 }, { "a..", NULL, 0 }, { "\xc3\xbc", NULL, 0 },
	{ "::1", NULL, 0 }, { "[]", NULL, 0 }, { "[", NULL, 0 },
	{ "]", NULL, 0 }, { "[::1", NULL, 0 }, { "[::1]a", NULL, 0 },
	{ "[::1]80", NULL, 0 }, { "[::1]:", NULL, 0 }, { "[::1]:0", NULL, 0 },
	{ "[::1]]", NULL, 0 }, { "[1.2.3.4]", NULL, 0 }, { "[a]", NULL, 0 },
	{ "[fe80::1%25eth0]", NULL, 0 }, { "[fe80::1%eth0]", NULL, 0 },
	{ "[v1.x]", NULL, 0 }, { "[::1::]", NULL, 0 }, { "[ ::1]", NULL, 0 },
	{ "x[::1]", NULL, 0 },
};
/* clang-format on */

START_TEST(path_verdict)
{
	struct slice path = slice_of(paths[_i].path), none = { NULL, 0 };

	ck_assert_msg(
	    http_target_check(path, false, none) == paths[_i].expected, "%s",
	    paths[_i].path);
	/* in the middle of a target as at its end */
	ck_assert_int_eq(
	    http_target_check(path, true, SLICE("q")), paths[_i].expected);
}
END_TEST

START_TEST(query_verdict)
{
	struct slice query = slice_of(queries[_i].query);

	ck_assert_msg(
	    http_target_check(SLICE("/"), true, query) == queries[_i].expected,
	    "%s", queries[_i].query);
}
END_TEST

START_TEST(query_needs_its_mark)
{
	ck_assert_int_eq(http_target_check(SLICE("/"), false, SLICE("a")), 400);
}
END_TEST

START_TEST(host_verdict)
{
	struct slice name;
	uint16_t port;
	bool ok = http_host_split(slice_of(hosts[_i].host), &name, &port);

	ck_assert_msg(ok == (hosts[_i].name != NULL), "%s", hosts[_i].host);
	if (!ok)
		return;
	ck_assert_slice_eq(name, hosts[_i].name);
	ck_assert_uint_eq(port, hosts[_i].port);
}
END_TEST

START_TEST(host_with_a_nul)
{
	struct slice name;
	uint16_t port;

	ck_assert(!http_host_split(SLICE("a\0b"), &name, &port));
	ck_assert(!http_host_split(SLICE("[::1\0]"), &name, &port));
	ck_assert(!http_host_split(SLICE("a:8\0"), &name, &port));
}
END_TEST

START_TEST(long_hosts)
{
	char host[300];
	struct slice s = { host, 0 }, name;
	uint16_t port;

	for (size_t i = 0; i < sizeof(host); i++)
		host[i] = i % 64 == 63 ? '.' : 'a';
	s.len = 254;
	ck_assert(http_host_split(s, &name, &port));
	s.len = 255;
	ck_assert(!http_host_split(s, &name, &port));
	memset(host, 'a', sizeof(host));
	s.len = 63;
	ck_assert(http_host_split(s, &name, &port));
	s.len = 64;
	ck_assert(!http_host_split(s, &name, &port));
}
END_TEST

/* Every byte of a path and of a query against the sentence of rule 3. */
START_TEST(every_byte)
{
	static const char both[] = "-._~!$&'()*+,;=:@[]|";

	for (int b = 1; b < 256; b++) {
		char text[] = { '/', 'a', (char)b, 'a' };
		bool alnum = (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') ||
		    (b >= 'a' && b <= 'z');
		bool path = alnum || b == '/' || strchr(both, b) != NULL;
		bool query = path || strchr("?{}^`", b) != NULL;
		struct slice s = { text, sizeof(text) }, none = { NULL, 0 };

		ck_assert_msg((http_target_check(s, false, none) == 0) == path,
		    "path %02x", (unsigned)b);
		ck_assert_msg(
		    (http_target_check(SLICE("/"), true, s) == 0) == query,
		    "query %02x", (unsigned)b);
	}
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, path_verdict, 0, COUNT(paths));
	tcase_add_loop_test(tc, query_verdict, 0, COUNT(queries));
	tcase_add_test(tc, query_needs_its_mark);
	tcase_add_loop_test(tc, host_verdict, 0, COUNT(hosts));
	tcase_add_test(tc, host_with_a_nul);
	tcase_add_test(tc, long_hosts);
	tcase_add_test(tc, every_byte);
}

int
main(void)
{
	return run_cases("http_target", add);
}
