/* Return paths: what the login page may send a person to. */
#include "frontend/return_path.h"
#include "tests/unit/frontend_fixture.h"

/* clang-format off */
static const struct {
	const char *path;
	bool allowed;
} cases[] = {
	{ "/", true },
	{ "/kiali/", true },
	{ "/kiali/console/graph?ns=a&x=%2F#", false },
	{ "/kiali/console/graph?ns=a&x=%2F", true },
	{ "/x?u=https://example.org/", true },
	{ "/a_doorward/login", true },
	{ "", false },
	{ "kiali", false },
	{ "//evil.example/", false },
	{ "/\\evil.example/", false },
	{ "/x\\y", false },
	{ "https://evil.example/", false },
	{ "javascript:alert(1)", false },
	{ "/x\r\nSet-Cookie: a=b", false },
	{ "/x\ty", false },
	{ "/x y", false },
	{ "/\x7f", false },
	{ "/\xc3\xa9", false },
	{ "/a/../b", false },
	{ "/%2e%2e/b", false },
	{ "/a%2f%2fb", false },
	{ "/a//b", false },
	{ "/%zz", false },
	{ "/kiali/_doorward/login", false },
	{ "/kiali/_doorward/logout?x", false },
	{ "/kiali/_doorward", false },
	{ "/kiali/api/logout", false },
	{ "/kiali/api/authenticate", false },
	{ "/kiali/api/auth/openid_redirect?return=/", false },
	{ "/kiali/api/auth", false },
	{ "/kiali/api/authors", true },
	{ "/kiali/%5fdoorward/logout", false },
	{ "/kiali/api/%6cogout", false },
	{ "/k%69ali/api/logout", false },
	{ "/kiali/api%2flogout", false },
	{ "/kiali/?code=a&state=b", false },
	{ "/kiali?state=b&error=c", false },
	{ "/kiali/?state=b", true },
	{ "/kiali/console?code=a&state=b", true },
	/* what WHATWG URL resolves to another origin, or strips first */
	{ "///evil.example", false },
	{ "////evil.example", false },
	{ "/\\/evil.example", false },
	{ "\\\\evil.example", false },
	{ "\\/evil.example", false },
	{ "/\t/evil.example", false },
	{ "/\n/evil.example", false },
	{ "/\r/evil.example", false },
	{ "\t//evil.example", false },
	{ " //evil.example", false },
	{ "\x01//evil.example", false },
	{ "/\x0b/evil.example", false },
	{ "/./evil.example", false },
	{ "/.//evil.example", false },
	{ "/x/..//evil.example", false },
	{ "/%2e//evil.example", false },
	{ "/%2E%2E//evil.example", false },
	{ "/%2f/evil.example", false },
	{ "/%5cevil.example", false },
	{ "/%5C/evil.example", false },
	{ "http:evil.example", false },
	{ "http:/evil.example", false },
	{ "https:evil.example", false },
	{ "JaVaScRiPt:alert(1)", false },
	{ "java\tscript:alert(1)", false },
	{ "data:text/html,x", false },
	{ "blob:https://evil.example/x", false },
	{ "@evil.example", false },
	{ ":443@evil.example", false },
	{ "?x=//evil.example", false },
	{ "#//evil.example", false },
	{ ".evil.example", false },
	{ "/@evil.example", true }, /* a path of ours all the same */
	{ "/x\x80", false },
	{ "/\xe2\x80\xaf/evil.example", false },
};
/* clang-format on */

START_TEST(allowed)
{
	struct settings *s = fixture_openid("/kiali", "kiali", "");

	ck_assert_msg(return_path_allowed(s, slice_of(cases[_i].path)) ==
		cases[_i].allowed,
	    "%s", cases[_i].path);
	settings_free(s);
}
END_TEST

START_TEST(length)
{
	struct settings *s = fixture_anonymous("/", "");
	char path[RETURN_PATH_MAX + 2];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	ck_assert(
	    return_path_allowed(s, (struct slice){ path, RETURN_PATH_MAX }));
	ck_assert(!return_path_allowed(
	    s, (struct slice){ path, RETURN_PATH_MAX + 1 }));
	settings_free(s);
}
END_TEST

START_TEST(fallback)
{
	struct settings *s = fixture_anonymous("/kiali", "");
	char root[64];

	ck_assert(slice_is(
	    return_path_or_root(s, SLICE("//evil"), root, sizeof(root)),
	    "/kiali/"));
	ck_assert(slice_is(
	    return_path_or_root(s, SLICE("/x"), root, sizeof(root)), "/x"));
	settings_free(s);
}
END_TEST

START_TEST(callback)
{
	static const struct {
		const char *root, *path, *query;
		bool is;
	} table[] = {
		{ "/kiali", "/kiali", "code=a&state=b", true },
		{ "/kiali", "/kiali/", "state=b&code=a", true },
		{ "/kiali", "/kiali/", "state=b&error=a&iss=x", true },
		{ "/", "/", "code=a&state=b", true },
		{ "/kiali", "/", "code=a&state=b", false },
		{ "/kiali", "/kialix", "code=a&state=b", false },
		{ "/kiali", "/kiali/x", "code=a&state=b", false },
		{ "/kiali", "/kiali/", "code=a", false },
		{ "/kiali", "/kiali/", "state=a", false },
		{ "/kiali", "/kiali/", "xcode=a&state=b", false },
		{ "/kiali", "/kiali/", "", false },
		/* twice: authd says what is wrong with it */
		{ "/kiali", "/kiali/", "code=a&code=b&state=b", true },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct settings *s = fixture_openid(table[i].root, "kiali", "");

		ck_assert_msg(
		    return_path_is_callback(s, slice_of(table[i].path),
			slice_of(table[i].query)) == table[i].is,
		    "%s?%s", table[i].path, table[i].query);
		s->strategy = STRATEGY_TOKEN;
		ck_assert(!return_path_is_callback(
		    s, slice_of(table[i].path), slice_of(table[i].query)));
		settings_free(s);
	}
}
END_TEST

START_TEST(query)
{
	static const struct {
		const char *query, *value;
	} table[] = {
		{ "return=%2Fa%3Fb%3Dc&x=y", "/a?b=c" },
		{ "x=y&return=/a", "/a" },
		{ "return=/a&return=/b", "/a" },
		{ "returns=/a", "" },
		{ "return=%0", "" },
		{ "return", "" },
		{ "", "" },
	};
	char value[64];

	for (size_t i = 0; i < COUNT(table); i++) {
		return_path_from_query(
		    slice_of(table[i].query), "return", value, sizeof(value));
		ck_assert_msg(strcmp(value, table[i].value) == 0, "%s: %s",
		    table[i].query, value);
	}
}
END_TEST

START_TEST(encode)
{
	char dst[32];

	ck_assert_int_eq(
	    return_path_encode(SLICE("/a?b=c&d"), dst, sizeof(dst)), 0);
	ck_assert_str_eq(dst, "/a%3Fb%3Dc%26d");
	ck_assert_int_ne(return_path_encode(SLICE("/?"), dst, 4), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("return_path");
	TCase *tc = tcase_create("return_path");

	tcase_add_loop_test(tc, allowed, 0, (int)COUNT(cases));
	tcase_add_test(tc, length);
	tcase_add_test(tc, fallback);
	tcase_add_test(tc, callback);
	tcase_add_test(tc, query);
	tcase_add_test(tc, encode);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
