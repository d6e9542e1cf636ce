/* Signing in through an OpenID provider, as a browser sees it. */
#include "tests/unit/own_fixture.h"

#define LOGIN "Cookie: doorward-login=LOGIN\r\n"
#define BOTH "Cookie: doorward-login=LOGIN; doorward=OLD\r\n"
#define START "/api/auth/openid_redirect"

static void
answer_start(enum login_code code, const char *location, const char *reason)
{
	begin_answer(code);
	wire_put_text(&authd.w, location);
	wire_put_text(&authd.w, code == LOGIN_OK ? "LOGIN" : "");
	wire_put_text(&authd.w, reason);
	wire_put_text(&authd.w, code == LOGIN_OK ? "" : "REF1");
}

static void
answer_callback(enum login_code code, const char *path, unsigned rounds)
{
	begin_answer(code);
	wire_put_text(&authd.w, code == LOGIN_OK ? "SESSION" : "");
	wire_put_u64(&authd.w, 1767323045);
	wire_put_text(&authd.w, "ann");
	wire_put_text(&authd.w, path);
	wire_put_text(&authd.w, "LOGIN2");
	wire_put_text(&authd.w, code == LOGIN_OK ? "" : "It <did> not.");
	wire_put_text(&authd.w, code == LOGIN_OK ? "" : "REF2");
	wire_put_u8(&authd.w, (uint8_t)rounds);
}

static void
setup(void)
{
	start("/", "kiali");
}

/* --- to the provider --- */

START_TEST(to_the_provider)
{
	const char *a;

	answer_start(LOGIN_OK, "https://idp.example/auth?state=x", "");
	a = get(START "?return=/console%3Fa%3Db", LOGIN);
	ck_assert_int_eq(authd.type, MSG_OIDC_START);
	ck_assert_str_eq(authd.text[0], "http://k.example:20001");
	ck_assert_str_eq(authd.text[1], "/console?a=b");
	ck_assert_str_eq(authd.text[2], "LOGIN");
	ck_assert_str_eq(authd.text[4],
	    "scheme: served without TLS; host: Host; port: server.port");
	has(a, "HTTP/1.1 302 ");
	has(a, "Location: https://idp.example/auth?state=x\r\n");
	has(a,
	    "Set-Cookie: doorward-login=LOGIN; Path=/; Max-Age=300; HttpOnly; "
	    "SameSite=Lax\r\n");
	has(a, "Cache-Control: no-store\r\n");
	has(a, "Referrer-Policy: no-referrer\r\n");
}
END_TEST

START_TEST(another_site_may_link_to_it)
{
	answer_start(LOGIN_OK, "https://idp.example/auth", "");
	has(get(START, "Sec-Fetch-Site: cross-site\r\n"), "HTTP/1.1 302 ");
	ck_assert_str_eq(authd.text[1], "");
	has(ask("POST " START, "Content-Length: 0\r\n", ""), "HTTP/1.1 405 ");
}
END_TEST

START_TEST(return_paths)
{
	static const char *const bad[] = { "//evil.example", "/%5Cevil.example",
		"/%255Cevil", "https:%2F%2Fevil.example", "/%09/evil.example",
		"/_doorward/logout", "/api/logout", START,
		"/%3Fcode%3Da%26state%3Db" };
	char target[MSG_RETURN_MAX + 128], path[MSG_RETURN_MAX + 2];

	for (size_t i = 0; i < COUNT(bad); i++) {
		answer_start(LOGIN_OK, "https://idp.example/auth", "");
		snprintf(target, sizeof(target), START "?return=%s", bad[i]);
		get(target, "");
		ck_assert_int_eq(authd.type, MSG_OIDC_START);
		ck_assert_msg(authd.text[1][0] == '\0', "%s", bad[i]);
	}
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	for (size_t cut = 0; cut < 2; cut++) {
		path[MSG_RETURN_MAX + 1 - cut] = '\0';
		answer_start(LOGIN_OK, "https://idp.example/auth", "");
		snprintf(target, sizeof(target), START "?return=%s", path);
		get(target, "");
		ck_assert_uint_eq(
		    strlen(authd.text[1]), cut == 0 ? 0 : MSG_RETURN_MAX);
	}
}
END_TEST

/* Kiali's shell says only in Referer where the person was. */
START_TEST(return_to_the_referer)
{
	static const struct {
		const char *target, *referer, *path;
	} table[] = {
		{ START, "http://k.example/console/graph?a=b",
		    "/console/graph?a=b" },
		{ START, "https://k.example/console", "/console" },
		{ START, "http://k.example/", "/" },
		{ START, "http://k.example", "" },
		{ START, "http://evil.example/console", "" },
		{ START, "http://k.example@evil.example/console", "" },
		{ START, "http://k.example:81/console", "" },
		{ START, "http://k.example/api/auth/info", "" },
		{ START, "http://k.example//evil.example", "" },
		{ START, "about:blank", "" },
		{ START "?return=/x", "http://k.example/y", "/x" },
		{ START "?return=//x", "http://k.example/y", "" },
	};
	char fields[256];

	for (size_t i = 0; i < COUNT(table); i++) {
		answer_start(LOGIN_OK, "https://idp.example/auth", "");
		snprintf(fields, sizeof(fields), "Referer: %s\r\n",
		    table[i].referer);
		get(table[i].target, fields);
		ck_assert_int_eq(authd.type, MSG_OIDC_START);
		ck_assert_msg(strcmp(authd.text[1], table[i].path) == 0,
		    "%s: %s", table[i].referer, authd.text[1]);
	}
}
END_TEST

START_TEST(a_guess_does_not_start)
{
	static const char *const fields[] = { "Sec-Purpose: prefetch\r\n",
		"Sec-Purpose: prefetch;prerender\r\n",
		"Purpose: prefetch\r\n" };

	for (size_t i = 0; i < COUNT(fields); i++) {
		answer_start(LOGIN_OK, "https://idp.example/auth", "");
		has(get(START, fields[i]), "HTTP/1.1 503 ");
		ck_assert_int_eq(authd.type, MSG_NONE);
	}
}
END_TEST

START_TEST(no_start)
{
	static const struct {
		enum login_code code;
		const char *location, *status, *text;
	} table[] = {
		{ LOGIN_UNAVAILABLE, "", "503", "The <provider>" },
		{ LOGIN_BUSY, "", "429", "The <provider>" },
		{ LOGIN_OK, "", "503", "" },
		{ LOGIN_OK, "javascript:alert(1)", "503", "" },
		{ LOGIN_OK, "https://idp/\r\nX: y", "503", "" },
	};
	const char *a;

	for (size_t i = 0; i < COUNT(table); i++) {
		char status[32];

		answer_start(table[i].code, table[i].location, table[i].text);
		a = get(START "?return=/x", LOGIN);
		snprintf(
		    status, sizeof(status), "HTTP/1.1 %s ", table[i].status);
		has(a, status);
		lacks(a, "Location:");
		has(a, "Signing in did not work");
		if (table[i].text[0] != '\0') {
			has(a, "The &lt;provider&gt;");
			has(a, "REF1");
		}
		has(a, "href=\"" START "?return=/x\">Try again");
	}
}
END_TEST

/* Kiali's shell would begin again and again. */
START_TEST(without_cookies)
{
	const char *a;

	answer_start(LOGIN_OK, "https://idp.example/auth", "");
	a = get(START, "Referer: http://k.example/?code=C&state=S&iss=x\r\n");
	has(a, "HTTP/1.1 401 ");
	has(a, "blocks cookies");
	has(a, "<code>");
	ck_assert_int_eq(authd.type, MSG_NONE);
	get(START, "Referer: http://k.example/?code=C&state=S\r\n" LOGIN);
	ck_assert_int_eq(authd.type, MSG_OIDC_START);
	answer_start(LOGIN_OK, "https://idp.example/auth", "");
	get(START, "Referer: http://k.example/console\r\n");
	ck_assert_int_eq(authd.type, MSG_OIDC_START);
	answer_start(LOGIN_OK, "https://idp.example/auth", "");
	get(START, "Referer: http://k.example\r\n");
	ck_assert_int_eq(authd.type, MSG_OIDC_START);
}
END_TEST

/* --- and back --- */

START_TEST(signed_in)
{
	const char *a;

	answer_callback(LOGIN_OK, "/console?a=b", 0);
	a = get(
	    "/?code=CODE&state=STATE", BOTH "Sec-Fetch-Site: cross-site\r\n");
	ck_assert_int_eq(authd.type, MSG_OIDC_CALLBACK);
	ck_assert_str_eq(authd.text[0], "http://k.example:20001");
	ck_assert_str_eq(authd.text[1], "code=CODE&state=STATE");
	ck_assert_str_eq(authd.text[2], "LOGIN");
	has(a, "HTTP/1.1 303 ");
	has(a, "Location: /console?a=b\r\n");
	has(a,
	    "Set-Cookie: doorward=SESSION; Path=/; Expires=Fri, 02 Jan 2026 "
	    "03:04:05 GMT; HttpOnly; SameSite=Lax\r\n");
	has(a, "Set-Cookie: doorward-login=LOGIN2; ");
	has(a, "Cache-Control: no-store\r\n");
	has(a, "Referrer-Policy: no-referrer\r\n");
}
END_TEST

START_TEST(signed_in_at_the_root)
{
	static const char *const paths[] = { "", "//evil.example", "/\\x",
		"/api/logout", "/?code=a&state=b", "https://evil.example" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		answer_callback(LOGIN_OK, paths[i], 0);
		has(get("/?state=S&code=C", LOGIN), "\r\nLocation: /\r\n");
	}
}
END_TEST

START_TEST(not_signed_in)
{
	static const struct {
		enum login_code code;
		const char *status;
	} table[] = {
		{ LOGIN_EXPIRED, "401" },
		{ LOGIN_REJECTED, "401" },
		{ LOGIN_NO_NAMESPACE, "401" },
		{ LOGIN_FORBIDDEN, "403" },
		{ LOGIN_UNAVAILABLE, "503" },
		{ LOGIN_NOT_OFFERED, "400" },
		{ LOGIN_BUSY, "429" },
	};
	char status[32];
	const char *a;

	for (size_t i = 0; i < COUNT(table); i++) {
		answer_callback(table[i].code, "/x", 1);
		a = get("/?error=access_denied&state=S", BOTH);
		ck_assert_int_eq(authd.type, MSG_OIDC_CALLBACK);
		snprintf(
		    status, sizeof(status), "HTTP/1.1 %s ", table[i].status);
		has(a, status);
		lacks(a, "Location:");
		lacks(a, "http-equiv");
		lacks(a, "Set-Cookie: doorward=");
		has(a, "Set-Cookie: doorward-login=LOGIN2; ");
		has(a, "It &lt;did&gt; not.");
		has(a, "REF2");
		has(a, "Referrer-Policy: no-referrer\r\n");
		has(a, "href=\"" START "?return=/x\">Try again</a>");
		lacks(a, "access_denied");
	}
	answer_callback(LOGIN_REJECTED, "", 2);
	a = get("/?code=C&state=S", LOGIN);
	lacks(a, ">Try again</a>");
	has(a, "blocks cookies");
}
END_TEST

/* A state as authd makes them, by form. */
static const char *
sealed_target(const char *query)
{
	static char target[512];
	char state[MSG_STATE_MIN + 1];

	memset(state, 'A', MSG_STATE_MIN);
	state[MSG_STATE_MIN] = '\0';
	snprintf(target, sizeof(target), "/?%s&state=%s", query, state);
	return target;
}

START_TEST(back_without_the_login_cookie)
{
	static const char *const queries[] = { "code=C", "error=E",
		"code=C&code=D" };
	const char *a;

	for (size_t i = 0; i < COUNT(queries); i++) {
		answer_callback(LOGIN_REJECTED, "/console?a=b", 0);
		a = get(sealed_target(queries[i]), "");
		ck_assert_int_eq(authd.type, MSG_OIDC_CALLBACK);
		ck_assert_str_eq(authd.text[2], "");
		has(a, "HTTP/1.1 401 ");
		has(a, "REF2");
		has(a, "href=\"" START "?return=/console%3Fa%3Db\">Try again");
		lacks(a, "Location:");
		lacks(a, "http-equiv");
	}
}
END_TEST

static void
answer_nothing(const char *user, const char *path)
{
	begin_answer(LOGIN_OK);
	wire_put_text(&authd.w, "");
	wire_put_u64(&authd.w, 0);
	wire_put_text(&authd.w, user);
	wire_put_text(&authd.w, path);
	for (int i = 0; i < 3; i++)
		wire_put_text(&authd.w, "");
	wire_put_u8(&authd.w, 0);
}

START_TEST(back_when_signed_in)
{
	char cookie[TICKET_LEN + 1], fields[TICKET_LEN + 64];
	const char *a;

	make_cookie(cookie);
	snprintf(fields, sizeof(fields), "Cookie: doorward=%s\r\n", cookie);
	answer_nothing("ann", "/console");
	a = get(sealed_target("code=C"), fields);
	ck_assert_str_eq(authd.text[3], cookie);
	has(a, "HTTP/1.1 303 ");
	has(a, "Location: /console\r\n");
	lacks(a, "Set-Cookie:");
	answer_nothing("ann", "//evil.example");
	has(get(sealed_target("code=C"), fields), "\r\nLocation: /\r\n");
}
END_TEST

/* The state only looked like one: egress is asked, which is not there. */
START_TEST(back_with_a_state_of_the_console)
{
	const char *a;

	answer_nothing("", "");
	a = get(sealed_target("code=C"), "");
	ck_assert_int_eq(authd.type, MSG_OIDC_CALLBACK);
	has(a, "HTTP/1.1 503 ");
	lacks(a, "Signing in did not work");
	/* With a login cookie there is no such answer. */
	answer_nothing("", "");
	has(get("/?code=C&state=S", LOGIN), "Signing in did not work");
}
END_TEST

/* What is no callback goes to egress, which is not there: 503. */
START_TEST(falls_through)
{
	static const struct {
		const char *line, *fields;
	} table[] = {
		{ "GET /?code=C&state=S", "" },
		{ "GET /?code=C", LOGIN },
		{ "GET /?state=S", LOGIN },
		{ "GET /", LOGIN },
		{ "GET /console?code=C&state=S", LOGIN },
		{ "HEAD /?code=C&state=S", LOGIN },
		{ "GET /?code=C&state=S",
		    "Cookie: doorward-login=A; doorward-login=B\r\n" },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		answer_callback(LOGIN_OK, "", 0);
		has(ask(table[i].line, table[i].fields, ""), "HTTP/1.1 503 ");
		ck_assert_int_eq(authd.type, MSG_NONE);
	}
	settings->strategy = STRATEGY_TOKEN;
	has(get("/?code=C&state=S", LOGIN), "HTTP/1.1 503 ");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

/* --- what else there is --- */

START_TEST(auth_info)
{
	begin_answer(VERDICT_NO_SESSION);
	wire_put_text(&authd.w, "");
	wire_put_u64(&authd.w, 0);
	has(get("/api/auth/info", ""),
	    "\r\n\r\n{\"authorizationEndpoint\":\"http://k.example:20001/api/"
	    "auth/openid_redirect\",\"sessionInfo\":{},\"strategy\":"
	    "\"openid\"}");
}
END_TEST

START_TEST(no_tokens)
{
	const char *a = get("/_doorward/login?return=/x", "");

	has(a, "HTTP/1.1 200 ");
	has(a, "href=\"" START "?return=/x\">Sign in with your provider");
	lacks(a, "<form");
	a = post("/_doorward/login", "", "token=a.b.c");
	has(a, "HTTP/1.1 400 ");
	has(a, "is not offered here");
	a = post("/api/authenticate", "", "token=a.b.c");
	has(a, "HTTP/1.1 400 ");
	has(a, "{\"error\":\"Signing in with a token is not offered here.\"}");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

static void
setup_below(void)
{
	start("/kiali", "kiali");
}

START_TEST(below_kiali)
{
	answer_callback(LOGIN_OK, "", 0);
	has(get("/kiali?code=C&state=S", LOGIN), "\r\nLocation: /kiali/\r\n");
	answer_callback(LOGIN_OK, "", 0);
	has(get("/kiali/?code=C&state=S", LOGIN), "\r\nLocation: /kiali/\r\n");
	ck_assert_str_eq(authd.text[0], "http://k.example:20001/kiali");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("own_openid");
	TCase *tc = tcase_create("own_openid"), *below = tcase_create("below");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, to_the_provider);
	tcase_add_test(tc, another_site_may_link_to_it);
	tcase_add_test(tc, return_paths);
	tcase_add_test(tc, return_to_the_referer);
	tcase_add_test(tc, a_guess_does_not_start);
	tcase_add_test(tc, no_start);
	tcase_add_test(tc, without_cookies);
	tcase_add_test(tc, signed_in);
	tcase_add_test(tc, signed_in_at_the_root);
	tcase_add_test(tc, not_signed_in);
	tcase_add_test(tc, back_without_the_login_cookie);
	tcase_add_test(tc, back_when_signed_in);
	tcase_add_test(tc, back_with_a_state_of_the_console);
	tcase_add_test(tc, falls_through);
	tcase_add_test(tc, auth_info);
	tcase_add_test(tc, no_tokens);
	tcase_add_checked_fixture(below, setup_below, NULL);
	tcase_add_test(below, below_kiali);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, below);
	return fixture_run(suite);
}
