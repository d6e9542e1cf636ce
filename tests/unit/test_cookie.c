/* Cookies on the wire, and by which scheme their names and Secure go. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "frontend/cookie.h"
#include "frontend/request.h"
#include "tests/unit/frontend_fixture.h"

START_TEST(lines)
{
	struct settings *token = fixture_token("/kiali", "kiali", "");
	struct settings *openid = fixture_openid("/kiali", "kiali", "");
	char line[COOKIE_LINE_MAX];

	ck_assert_int_eq(cookie_set(line, token, true, "v", 1767323045), 0);
	ck_assert_str_eq(line,
	    "__Secure-doorward=v; Path=/kiali; "
	    "Expires=Fri, 02 Jan 2026 03:04:05 GMT; HttpOnly; Secure; "
	    "SameSite=Strict");
	ck_assert_int_eq(cookie_set(line, openid, false, "v", 1767323045), 0);
	ck_assert_str_eq(line,
	    "doorward=v; Path=/kiali; "
	    "Expires=Fri, 02 Jan 2026 03:04:05 GMT; HttpOnly; SameSite=Lax");
	ck_assert_int_eq(cookie_set_login(line, openid, true, "v"), 0);
	ck_assert_str_eq(line,
	    "__Secure-doorward-login=v; Path=/kiali; Max-Age=300; HttpOnly; "
	    "Secure; SameSite=Lax");
	settings_free(token);
	settings_free(openid);
}
END_TEST

START_TEST(login_name)
{
	static const struct {
		const char *root, *more;
		bool secure;
		const char *name;
	} table[] = {
		{ "/", "", true, "__Host-doorward-login" },
		{ "/kiali", "", true, "__Secure-doorward-login" },
		{ "/", "", false, "doorward-login" },
		{ "/", "  session: {cookie_name: own}\n", false, "own-login" },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct settings *s =
		    fixture_openid(table[i].root, "kiali", table[i].more);
		char name[COOKIE_NAME_MAX], set[COOKIE_NAME_MAX + 8];

		ck_assert_int_eq(
		    cookie_login_name(name, s, table[i].secure), 0);
		ck_assert_str_eq(name, table[i].name);
		ck_assert(cookie_is_own(s, slice_of(name)));
		snprintf(set, sizeof(set), "%s=x", name);
		ck_assert(cookie_sets_own(s, slice_of(set)));
		ck_assert(!cookie_is_own(s, SLICE("own-logins")) &&
		    !cookie_is_own(s, SLICE("owner")));
		settings_free(s);
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *server, *fields;
	bool trusted, tls, secure;
} schemes[] = {
	{ "", "", true, false, false },
	{ "", "", true, true, true },
	{ "", "X-Forwarded-Proto: https\r\n", true, false, true },
	{ "", "X-Forwarded-Proto: https\r\n", false, false, false },
	{ "", "X-Forwarded-Proto: http\r\n", true, false, false },
	{ "", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\n", true, false, false },
	{ ", web_schema: https", "", false, false, true },
	{ ", web_schema: http", "X-Forwarded-Proto: https\r\n", true, false, false },
	{ ", web_schema: http", "", false, true, true },
};
/* clang-format on */

/* Who is asked by one name must be set by the same. */
START_TEST(secure)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	char more[256], head[512], line[COOKIE_LINE_MAX];
	struct settings *s;
	struct request *r;

	inet_pton(AF_INET, "192.0.2.1", &peer.sin_addr);
	snprintf(more, sizeof(more), "%s",
	    schemes[_i].trusted ? "  trusted_proxies: [192.0.2.0/24]\n" : "");
	s = fixture_openid("/", "kiali", more);
	if (strstr(schemes[_i].server, "https") != NULL) {
		free(s->web_schema);
		s->web_schema = strdup("https");
	} else if (schemes[_i].server[0] != '\0') {
		free(s->web_schema);
		s->web_schema = strdup("http");
	}
	snprintf(head, sizeof(head),
	    "GET / HTTP/1.1\r\nHost: h\r\n%s"
	    "Cookie: doorward=P; __Host-doorward=S; doorward-login=p; "
	    "__Host-doorward-login=s\r\n\r\n",
	    schemes[_i].fields);
	ck_assert_int_eq(request_new(&r, s, (struct sockaddr *)&peer,
			     schemes[_i].tls, head, strlen(head)),
	    0);
	ck_assert_int_eq(r->secure, schemes[_i].secure);
	ck_assert(slice_is(r->cookie, r->secure ? "S" : "P"));
	ck_assert(slice_is(r->login_cookie, r->secure ? "s" : "p"));
	ck_assert_int_eq(cookie_set(line, s, r->secure, "v", 0), 0);
	ck_assert_int_eq(strstr(line, "; Secure") != NULL, r->secure);
	request_free(r);
	settings_free(s);
}
END_TEST

START_TEST(one_login_cookie)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	static const char *const heads[] = {
		"GET / HTTP/1.1\r\nHost: h\r\n"
		"Cookie: doorward-login=a; doorward-login=b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nCookie: x=y\r\n\r\n",
	};
	struct settings *s = fixture_openid("/", "kiali", "");
	struct request *r;

	for (size_t i = 0; i < COUNT(heads); i++) {
		ck_assert_int_eq(request_new(&r, s, (struct sockaddr *)&peer,
				     false, heads[i], strlen(heads[i])),
		    0);
		ck_assert_uint_eq(r->login_cookie.len, 0);
		request_free(r);
	}
	settings_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cookie");
	TCase *tc = tcase_create("cookie");

	tcase_add_test(tc, lines);
	tcase_add_test(tc, login_name);
	tcase_add_loop_test(tc, secure, 0, (int)COUNT(schemes));
	tcase_add_test(tc, one_login_cookie);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
