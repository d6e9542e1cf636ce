/*
 * The endpoints of OpenID Connect in a worker of this process: a client on a
 * socket pair, and an authd that gives prepared answers and keeps what it was
 * asked.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/daemon.h"
#include "common/mem.h"
#include "common/ticket.h"
#include "frontend/client.h"
#include "frontend/limits.h"
#include "frontend/listener.h"
#include "frontend/pool.h"
#include "frontend/stats.h"
#include "tests/unit/frontend_fixture.h"

static struct worker w;
static struct settings *settings;

/* --- authd --- */

static struct {
	enum msg_type type; /* of the last question; MSG_NONE: none */
	char text[5][8193]; /* its texts */
	uint8_t answer[32768];
	struct wire_writer w; /* fills answer */
} authd;

static int
take(struct chan *ch, struct chan_in *in)
{
	size_t i = 0;

	authd.type = in->type;
	memset(authd.text, 0, sizeof(authd.text));
	while (in->body.left > 0 && i < 5) {
		struct slice text = wire_get_text(&in->body, 8192);

		ck_assert_int_eq(
		    slice_copy(text, authd.text[i], sizeof(authd.text[i])), 0);
		i++;
	}
	return chan_reply(ch, in->id, msg_spec(in->type)->reply, &authd.w, -1);
}

static const struct chan_handler rows[] = {
	{ MSG_OIDC_START, CHAN_READY, take },
	{ MSG_OIDC_CALLBACK, CHAN_READY, take },
	{ MSG_OIDC_BACKCHANNEL, CHAN_READY, take },
	{ MSG_OIDC_FRONTCHANNEL, CHAN_READY, take },
	{ MSG_LOGOUT, CHAN_READY, take },
	{ MSG_LOGOUT_EVERYWHERE, CHAN_READY, take },
	{ MSG_SESSION, CHAN_READY, take },
};
static const struct chan_peer as_authd = { .self = ROLE_AUTHD,
	.peer = ROLE_FRONTEND,
	.handlers = rows,
	.n_handlers = COUNT(rows) };
static const struct chan_peer as_frontend = { .self = ROLE_FRONTEND,
	.peer = ROLE_AUTHD };

static void
begin_answer(unsigned code)
{
	authd.type = MSG_NONE;
	wire_writer_init(&authd.w, authd.answer, sizeof(authd.answer));
	wire_put_u8(&authd.w, (uint8_t)code);
}

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
answer_text(unsigned code, const char *text)
{
	begin_answer(code);
	wire_put_text(&authd.w, text);
}

/* --- the worker and its client --- */

static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static void
start(const char *root, const char *preset)
{
	int fd[2];

	settings = fixture_openid(root, preset, "");
	memset(&w, 0, sizeof(w));
	w.base = daemon_base();
	w.settings = settings;
	w.stats = stats_new(1);
	w.egress_path = "/nonexistent";
	w.screen = screen_new(w.base);
	w.pool = pool_new();
	w.limits = limits_new(10);
	w.scratch = mem_new(WORKER_SCRATCH_LEN);
	w.listener = listener_new(&w, NULL, 0);
	TAILQ_INIT(&w.clients);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	(void)chan_accepted(w.base, fd[0], &as_authd, NULL);
	w.authd = chan_accepted(w.base, fd[1], &as_frontend, NULL);
	turn();
}

static void
setup(void)
{
	start("/", "kiali");
}

/* Sends line, Host, fields and body, and returns what comes back. */
static const char *
ask(const char *line, const char *fields, const char *body)
{
	static char text[65536], head[16384];
	size_t n = 0;
	int ends[2], len;
	ssize_t r;

	len = snprintf(head, sizeof(head),
	    "%s HTTP/1.1\r\nHost: k.example\r\n%s\r\n%s", line, fields, body);
	ck_assert_int_lt(len, (int)sizeof(head));
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	client_new(&w, ends[0], NULL);
	ck_assert_int_eq(write(ends[1], head, (size_t)len), len);
	turn();
	while ((r = read(ends[1], text + n, sizeof(text) - n - 1)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	(void)close(ends[1]);
	return text;
}

static const char *
get(const char *target, const char *fields)
{
	char line[8400];

	snprintf(line, sizeof(line), "GET %s", target);
	return ask(line, fields, "");
}

static const char *
post(const char *target, const char *fields, const char *body)
{
	char line[256], all[1024];

	snprintf(line, sizeof(line), "POST %s", target);
	snprintf(all, sizeof(all),
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n%s",
	    strlen(body), fields);
	return ask(line, all, body);
}

static void
has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "lacks '%s': %s", what, text);
}

static void
lacks(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) == NULL, "has '%s': %s", what, text);
}

#define LOGIN "Cookie: doorward-login=LOGIN\r\n"
#define BOTH "Cookie: doorward-login=LOGIN; doorward=OLD\r\n"
#define START "/api/auth/openid_redirect"

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
		has(a, ">Try again</a>");
		lacks(a, "access_denied");
	}
	answer_callback(LOGIN_REJECTED, "", 2);
	a = get("/?code=C&state=S", LOGIN);
	lacks(a, ">Try again</a>");
	has(a, "blocks cookies");
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

/* One that the screen lets pass, which has no keys yet. */
static void
make_cookie(char cookie[TICKET_LEN + 1])
{
	const struct ticket_key key = { .epoch = 1 };

	ticket_setup();
	ticket_make(cookie, &key);
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
	/* a link may not sign anybody out, the provider's frame may */
	begin_answer(VERDICT_ALLOW);
	snprintf(fields, sizeof(fields),
	    "Cookie: doorward=%s\r\nSec-Fetch-Dest: document\r\n", cookie);
	has(get(FRONT, fields), "HTTP/1.1 400 ");
	ck_assert_int_eq(authd.type, MSG_NONE);
	snprintf(fields, sizeof(fields),
	    "Cookie: doorward=%s\r\nSec-Fetch-Dest: iframe\r\n", cookie);
	a = get(FRONT, fields);
	ck_assert_int_eq(authd.type, MSG_OIDC_FRONTCHANNEL);
	ck_assert_str_eq(authd.text[2], cookie);
	has(a, "Set-Cookie: doorward=; ");
	begin_answer(VERDICT_ALLOW);
	has(get(FRONT "?iss=x", fields), "HTTP/1.1 400 ");
	has(get(FRONT, ""), "HTTP/1.1 400 ");
	ck_assert_int_eq(authd.type, MSG_NONE);
}
END_TEST

START_TEST(below_kiali)
{
	start("/kiali", "kiali");
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
	TCase *tc = tcase_create("own_openid");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, to_the_provider);
	tcase_add_test(tc, another_site_may_link_to_it);
	tcase_add_test(tc, return_paths);
	tcase_add_test(tc, a_guess_does_not_start);
	tcase_add_test(tc, no_start);
	tcase_add_test(tc, without_cookies);
	tcase_add_test(tc, signed_in);
	tcase_add_test(tc, signed_in_at_the_root);
	tcase_add_test(tc, not_signed_in);
	tcase_add_test(tc, falls_through);
	tcase_add_test(tc, auth_info);
	tcase_add_test(tc, no_tokens);
	tcase_add_test(tc, logout);
	tcase_add_test(tc, logout_page);
	tcase_add_test(tc, backchannel);
	tcase_add_test(tc, frontchannel);
	tcase_add_test(tc, below_kiali);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
