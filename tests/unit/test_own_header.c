/* The strategy header: the token of the proxy in front is what counts. */
#include "tests/unit/own_fixture.h"

#define TOKEN "Authorization: Bearer a.b.c\r\n"

static void
answer_login(enum login_code code)
{
	begin_answer(code);
	wire_put_text(&authd.w, code == LOGIN_OK ? "SESSION" : "");
	wire_put_u64(&authd.w, 1767323045);
	wire_put_text(&authd.w, "ann");
	wire_put_text(&authd.w, code == LOGIN_OK ? "" : "No.");
}

START_TEST(header_login)
{
	const char *a;

	start_with(fixture_header("/", "127.0.0.0/8"));
	answer_login(LOGIN_OK);
	a = post("/api/authenticate", TOKEN, "token=");
	ck_assert_int_eq(authd.type, MSG_LOGIN_TOKEN);
	ck_assert_str_eq(authd.text[0], "a.b.c");
	has(a, "HTTP/1.1 200 ");
	has(a, "Set-Cookie: doorward=SESSION; ");
	has(a, "\"username\": \"ann\"");
	answer_login(LOGIN_REJECTED);
	a = post("/api/authenticate", TOKEN, "");
	has(a, "HTTP/1.1 401 ");
	has(a, "{\"error\":\"token is not valid or is expired\"");
	begin_answer(0);
	a = post("/api/authenticate", "Cookie: doorward=x\r\n", "token=a.b.c");
	has(a, "HTTP/1.1 401 ");
	has(a, "\r\n\r\n{\"error\":\"Token is missing\"}");
	has(a, "Set-Cookie: doorward=; ");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

/* From elsewhere the header is a claim without proof. */
START_TEST(header_untrusted)
{
	start_with(fixture_header("/", "192.0.2.1"));
	begin_answer(0);
	has(post("/api/authenticate", TOKEN, ""),
	    "{\"error\":\"Token is "
	    "missing\"}");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

START_TEST(header_session)
{
	char fields[256], cookie[TICKET_LEN + 1];

	start_with(fixture_header("/", "127.0.0.0/8"));
	make_cookie(cookie);
	snprintf(
	    fields, sizeof(fields), TOKEN "Cookie: doorward=%s\r\n", cookie);
	begin_answer(VERDICT_ALLOW);
	wire_put_text(&authd.w, "ann");
	wire_put_u64(&authd.w, 1767323045);
	has(get("/api/auth/info", fields),
	    "\"username\":\"ann\"},\"strategy\":\"header\"}");
	ck_assert_int_eq(authd.type, MSG_SESSION);
	ck_assert_str_eq(authd.text[1], "a.b.c");
	begin_answer(0);
	snprintf(fields, sizeof(fields), "Cookie: doorward=%s\r\n", cookie);
	has(get("/api/auth/info", fields),
	    "\r\n\r\n{\"sessionInfo\":{},\"strategy\":\"header\"}");
	ck_assert_int_eq(authd.type, MSG_NONE);
	has(get("/_doorward/login", ""), "\r\nLocation: /\r\n");
	has(post("/_doorward/login", "", "token=x"), "\r\nLocation: /\r\n");
	has(get("/api/auth/openid_redirect", TOKEN), "HTTP/1.1 404 ");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("own_header");
	TCase *tc = tcase_create("own_header");

	tcase_add_test(tc, header_login);
	tcase_add_test(tc, header_untrusted);
	tcase_add_test(tc, header_session);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
