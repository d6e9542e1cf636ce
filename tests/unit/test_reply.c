/* Our own answers on the wire, and the session cookie. */
#include <event2/buffer.h>

#include "frontend/cookie.h"
#include "frontend/reply.h"
#include "tests/unit/frontend_fixture.h"

static char text[8192];

static void
write_out(const struct reply *r, const struct reply_manner *m)
{
	struct evbuffer *b = evbuffer_new();
	int n;

	reply_write(b, r, m);
	n = evbuffer_remove(b, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	evbuffer_free(b);
}

static void
has(const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "lacks %s in %s", what, text);
}

START_TEST(plain)
{
	struct reply r = { .status = 401,
		.type = REPLY_TEXT,
		.body = SLICE("Unauthorized\n") };
	struct reply_manner m = { false, false, false };

	write_out(&r, &m);
	has("HTTP/1.1 401 Unauthorized\r\n");
	has("Content-Type: text/plain; charset=utf-8\r\n");
	has("X-Content-Type-Options: nosniff\r\n");
	has("X-Frame-Options: DENY\r\n");
	has("Cache-Control: no-store\r\n");
	has("Referrer-Policy: ");
	has("Content-Length: 13\r\n");
	has("\r\n\r\nUnauthorized\n");
	ck_assert_ptr_null(strstr(text, "Strict-Transport"));
	ck_assert_ptr_null(strstr(text, "WWW-Authenticate"));
	ck_assert_ptr_null(strstr(text, "Connection"));
	ck_assert_ptr_null(strstr(text, "Access-Control"));
}
END_TEST

START_TEST(manners)
{
	struct reply r = { .status = 200,
		.type = REPLY_TEXT,
		.body = SLICE("body"),
		.allow = 1u << HTTP_GET,
		.location = "/x",
		.retry_after_s = 7,
		.forget_pages = true,
		.cors = true };
	struct reply_manner m = { true, true, true };

	write_out(&r, &m);
	has("Content-Length: 4\r\n");
	has("Connection: close\r\n");
	has("Clear-Site-Data: \"cache\"\r\n");
	has("Strict-Transport-Security: max-age=31536000; "
	    "includeSubDomains\r\n");
	has("Allow: GET\r\n");
	has("Location: /x\r\n");
	has("Retry-After: 7\r\n");
	has("Access-Control-Allow-Origin: *\r\n");
	ck_assert_str_eq(text + strlen(text) - 4, "\r\n\r\n");
	r.status = 204;
	r.type = NULL;
	r.body.len = 0;
	write_out(&r, &m);
	ck_assert_ptr_null(strstr(text, "Content-Length"));
}
END_TEST

START_TEST(refusal)
{
	struct evbuffer *b = evbuffer_new();
	int n;

	reply_refuse(b, 431, false);
	n = evbuffer_remove(b, text, sizeof(text) - 1);
	text[n] = '\0';
	has("HTTP/1.1 431 ");
	has("Connection: close\r\n");
	evbuffer_free(b);
}
END_TEST

START_TEST(cookies)
{
	struct settings *s = fixture_token("/kiali", "kiali", "");
	char line[COOKIE_LINE_MAX];

	ck_assert_int_eq(cookie_set(line, s, true, "abc", 1767323045), 0);
	ck_assert_str_eq(line,
	    "__Secure-doorward=abc; Path=/kiali; Expires=Fri, 02 Jan 2026 "
	    "03:04:05 GMT; HttpOnly; Secure; SameSite=Strict");
	ck_assert_int_eq(cookie_delete(line, s, false), 0);
	ck_assert_str_eq(line,
	    "doorward=; Path=/kiali; Expires=Thu, 01 Jan 1970 00:00:00 GMT; "
	    "Max-Age=0; HttpOnly; SameSite=Strict");
	ck_assert(cookie_sets_own(s, SLICE("doorward=evil; Path=/")));
	ck_assert(cookie_sets_own(s, SLICE("kiali-token-x=1")));
	ck_assert(!cookie_sets_own(s, SLICE("theme=dark; HttpOnly")));
	settings_free(s);
	s = fixture_token("/", "generic", "");
	ck_assert_int_eq(cookie_set(line, s, true, "abc", 1767323045), 0);
	ck_assert_ptr_nonnull(strstr(line, "__Host-doorward=abc; Path=/; "));
	ck_assert_ptr_nonnull(strstr(line, "; SameSite=Lax"));
	settings_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reply");
	TCase *tc = tcase_create("reply");

	tcase_add_test(tc, plain);
	tcase_add_test(tc, manners);
	tcase_add_test(tc, refusal);
	tcase_add_test(tc, cookies);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
