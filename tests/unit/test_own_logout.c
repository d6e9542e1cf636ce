/* Signing out: Kiali's call, our pages, and what a provider asks for. */
#include "tests/unit/own_fixture.h"

static void
answer_text(unsigned code, const char *text)
{
	begin_answer(code);
	wire_put_text(&authd.w, text);
}

static void
setup(void)
{
	start("/", "kiali");
}

START_TEST(logout)
{
	char fields[256], cookie[TICKET_LEN + 1];
	const char *a;

	make_cookie(cookie);
	snprintf(fields, sizeof(fields), "Cookie: doorward=%s\r\n", cookie);
	answer_text(VERDICT_ALLOW, "");
	a = get("/api/logout", fields);
	ck_assert_int_eq(authd.type, MSG_LOGOUT);
	ck_assert_str_eq(authd.text[0], cookie);
	ck_assert_str_eq(authd.text[2], "http://k.example:20001");
	has(a, "HTTP/1.1 204 ");
	has(a, "Set-Cookie: doorward=; ");
	answer_text(VERDICT_ALLOW, "https://idp.example/out?a=b&c=d");
	a = get("/api/logout", fields);
	has(a, "HTTP/1.1 200 ");
	has(a, "{\"redirect_url\":\"https://idp.example/out?a=b");
	has(a, "Set-Cookie: doorward=; ");
	answer_text(VERDICT_REJECTED, "");
	a = get("/api/logout", fields);
	has(a, "HTTP/1.1 503 ");
	lacks(a, "Set-Cookie");
	answer_text(VERDICT_ALLOW, "javascript:alert(1)");
	has(get("/api/logout", fields), "HTTP/1.1 204 ");
}
END_TEST

START_TEST(logout_page)
{
	char fields[256], cookie[TICKET_LEN + 1];
	const char *a;

	make_cookie(cookie);
	snprintf(fields, sizeof(fields), "Cookie: doorward=%s\r\n", cookie);
	answer_text(VERDICT_ALLOW, "");
	a = post("/_doorward/logout", fields, "");
	ck_assert_int_eq(authd.type, MSG_LOGOUT);
	has(a, "HTTP/1.1 303 ");
	has(a, "Location: /_doorward/signed-out\r\n");
	begin_answer(VERDICT_ALLOW);
	wire_put_u32(&authd.w, 3);
	wire_put_text(&authd.w, "https://idp.example/out?id_token_hint=x");
	a = post("/_doorward/logout", fields, "everywhere=yes");
	ck_assert_int_eq(authd.type, MSG_LOGOUT_EVERYWHERE);
	has(a, "HTTP/1.1 200 ");
	lacks(a, "Location:");
	has(a, "content=\"0;url=https://idp.example/out?id_token_hint=x\"");
	has(a, "Referrer-Policy: no-referrer\r\n");
	has(a, "Set-Cookie: doorward=; ");
	has(a, "Clear-Site-Data: \"cache\"");
}
END_TEST

START_TEST(backchannel)
{
	const char *a;

	answer_text(LOGIN_OK, "");
	a = post("/_doorward/backchannel-logout",
	    "Origin: https://idp.example\r\n", "logout_token=a.b.c");
	ck_assert_int_eq(authd.type, MSG_OIDC_BACKCHANNEL);
	ck_assert_str_eq(authd.text[0], "a.b.c");
	has(a, "HTTP/1.1 200 ");
	has(a, "Content-Length: 0\r\n");
	has(a, "Cache-Control: no-store\r\n");
	answer_text(LOGIN_REJECTED, "It is \"old\".");
	a = post("/_doorward/backchannel-logout", "", "logout_token=a.b.c");
	has(a, "HTTP/1.1 400 ");
	has(a, "Content-Type: application/json\r\n");
	has(a, "Cache-Control: no-store\r\n");
	has(a,
	    "\r\n\r\n{\"error\":\"invalid_request\",\"error_description\":"
	    "\"It is \\\"old\\\".\"}");
	answer_text(LOGIN_UNAVAILABLE, "");
	a = post("/_doorward/backchannel-logout", "", "logout_token=a.b.c");
	has(a, "HTTP/1.1 503 ");
	begin_answer(0);
	a = post("/_doorward/backchannel-logout", "", "token=a.b.c");
	has(a, "HTTP/1.1 400 ");
	has(a, "{\"error\":\"invalid_request\"");
	a = ask("POST /_doorward/backchannel-logout",
	    "Content-Type: application/json\r\nContent-Length: 2\r\n", "{}");
	has(a, "HTTP/1.1 400 ");
	has(a, "{\"error\":\"invalid_request\"");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

#define FRONT "/_doorward/frontchannel-logout"

START_TEST(frontchannel)
{
	char fields[256], cookie[TICKET_LEN + 1];
	const char *a;

	make_cookie(cookie);
	begin_answer(VERDICT_ALLOW);
	a = get(FRONT "?iss=https%3A%2F%2Fidp&sid=s%201",
	    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: iframe\r\n");
	ck_assert_int_eq(authd.type, MSG_OIDC_FRONTCHANNEL);
	ck_assert_str_eq(authd.text[0], "https://idp");
	ck_assert_str_eq(authd.text[1], "s 1");
	has(a, "HTTP/1.1 200 ");
	has(a, "frame-ancestors https://idp.example:8443\r\n");
	lacks(a, "X-Frame-Options");
	has(a, "You are signed out");
	begin_answer(VERDICT_REJECTED);
	has(get(FRONT "?iss=x&sid=y", ""), "HTTP/1.1 400 ");
	begin_answer(VERDICT_UNAVAILABLE);
	has(get(FRONT "?iss=x&sid=y", ""), "HTTP/1.1 503 ");
	/* nobody is signed out by a cookie alone */
	snprintf(fields, sizeof(fields),
	    "Cookie: doorward=%s\r\nSec-Fetch-Dest: iframe\r\n", cookie);
	begin_answer(VERDICT_ALLOW);
	a = get(FRONT "?iss=x&sid=y", fields);
	ck_assert_str_eq(authd.text[2], cookie);
	has(a, "Set-Cookie: doorward=; ");
	begin_answer(VERDICT_ALLOW);
	has(get(FRONT, fields), "HTTP/1.1 400 ");
	has(get(FRONT "?sid=y", fields), "HTTP/1.1 400 ");
	has(get(FRONT "?iss=x", fields), "HTTP/1.1 400 ");
	has(get(FRONT, ""), "HTTP/1.1 400 ");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("own_logout");
	TCase *tc = tcase_create("own_logout");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, logout);
	tcase_add_test(tc, logout_page);
	tcase_add_test(tc, backchannel);
	tcase_add_test(tc, frontchannel);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
