/*
 * The end of sessions where there is a provider: where a browser is sent, which
 * tokens are revoked, and what the provider may end by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"

#include "authd/oidc/end.h"
#include "authd/oidc/oidc.h"
#include "authd/oidc/provider.h"
#include "authd/session.h"
#include "tests/unit/oidc_fixture.h"
#include "tests/unit/unit.h"

#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"

static struct oidc_fixture o;

static void
begin(void)
{
	oidc_begin(&o);
}

static void
end(void)
{
	oidc_end(&o);
}

static void
restart(void)
{
	fixture_restart(&o.f, true);
	fixture_connect_frontend(&o.f);
	fixture_connect_egress(&o.f);
}

static size_t
count(void)
{
	return sessions_count(o.f.authd->sessions);
}

/* A session of subject and sid ("" none), as a login makes it. */
static void
sign_in(const char *subject, const char *sid, char cookie[TICKET_LEN + 1])
{
	struct identity who = { .user = "" };
	struct session_facts facts = { .who = &who,
		.token = SLICE("id-token"),
		.issuer = o.provider.issuer,
		.subject = subject,
		.sid = sid,
		.id_token = SLICE("id-token"),
		.access_token = SLICE("access-token"),
		.refresh_token = SLICE("refresh-token") };
	int64_t until;

	(void)snprintf(who.user, sizeof(who.user), "user of %s", subject);
	ck_assert_int_eq(
	    sessions_create(o.f.authd->sessions, &facts, cookie, &until), 0);
}

static bool
is_there(const char *cookie)
{
	struct session session;
	uint8_t handle[MSG_HANDLE_LEN];

	ticket_handle(handle, slice_of(cookie));
	if (sessions_find(o.f.authd->sessions, handle, &session) != 0)
		return false;
	session_wipe(&session);
	return true;
}

static void
need_provider(void)
{
	struct start_answer s;

	ask_start(&o, "", "", &s);
	ck_assert_int_eq(s.code, LOGIN_OK);
}

/* --- signing out --- */

struct out {
	enum verdict verdict;
	uint32_t n;
	char location[MSG_LOGOUT_URL_MAX + 1];
};

static void
ask_out(enum msg_type type, const char *cookie, struct out *out)
{
	uint8_t buf[700];
	struct wire_writer w;
	struct answer a;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, cookie);
	wire_put_text(&w, "192.0.2.1:1234");
	wire_put_text(&w, OIDC_BASE_URL);
	fixture_ask(&o.f, o.f.frontend, type, &w, &a);
	ck_assert_int_eq(a.err, 0);
	out->verdict = (enum verdict)wire_get_u8(&a.body);
	out->n = type == MSG_LOGOUT_EVERYWHERE ? wire_get_u32(&a.body) : 0;
	ck_assert_int_eq(slice_copy(wire_get_text(&a.body, MSG_LOGOUT_URL_MAX),
			     out->location, sizeof(out->location)),
	    0);
	ck_assert_int_eq(wire_end(&a.body), 0);
}

static void
expect_parameter(const struct out *out, const char *name, const char *expected)
{
	const char *query = strchr(out->location, '?');
	char value[2000] = "";

	ck_assert_ptr_nonnull(query);
	if (!standin_parameter(query + 1, name, value, sizeof(value)))
		ck_assert_msg(expected == NULL, "%s is missing", name);
	else
		ck_assert_msg(expected != NULL && strcmp(value, expected) == 0,
		    "%s: %s", name, value);
}

static void
expect_page(const struct out *out)
{
	char page[128];

	(void)snprintf(
	    page, sizeof(page), "%s/end_session?", o.provider.issuer);
	ck_assert_msg(strncmp(out->location, page, strlen(page)) == 0, "%s",
	    out->location);
}

START_TEST(logout_goes_to_the_provider)
{
	struct out out, again;
	char cookie[TICKET_LEN + 1];

	need_provider();
	sign_in("s1", "sid-1", cookie);
	ask_out(MSG_LOGOUT, cookie, &out);
	ck_assert_int_eq(out.verdict, VERDICT_ALLOW);
	ck_assert(!is_there(cookie));
	expect_page(&out);
	expect_parameter(&out, "id_token_hint", "id-token");
	expect_parameter(&out, "client_id", NULL);
	expect_parameter(&out, "post_logout_redirect_uri", OIDC_BASE_URL);
	ck_assert_ptr_nonnull(strstr(out.location, "&state="));
	/* Without a session the client is named, as Kiali does. */
	ask_out(MSG_LOGOUT, cookie, &again);
	ck_assert_int_eq(again.verdict, VERDICT_NO_SESSION);
	expect_page(&again);
	expect_parameter(&again, "id_token_hint", NULL);
	expect_parameter(&again, "client_id", "doorward");
	ck_assert_str_ne(
	    strstr(out.location, "&state="), strstr(again.location, "&state="));
}
END_TEST

START_TEST(logout_returns_where_configured)
{
	static char elsewhere[] = "https://www.example/bye?x=1&y=2";
	struct out out;

	need_provider();
	o.f.settings.openid.post_logout_redirect_uri = elsewhere;
	ask_out(MSG_LOGOUT, "none", &out);
	expect_parameter(&out, "post_logout_redirect_uri", elsewhere);
}
END_TEST

START_TEST(logout_of_a_provider_without_a_page)
{
	struct out out;
	char cookie[TICKET_LEN + 1];

	standin_say(&o.provider.discovery, "{\"end_session_endpoint\": null}");
	need_provider();
	sign_in("s1", "sid-1", cookie);
	ask_out(MSG_LOGOUT, cookie, &out);
	ck_assert_int_eq(out.verdict, VERDICT_ALLOW);
	ck_assert_str_eq(out.location, "");
	standin_say(&o.provider.discovery, NULL);
}
END_TEST

/* The local end does not wait, and does not ask for anything. */
START_TEST(logout_while_the_provider_is_down)
{
	struct out out;
	char cookie[TICKET_LEN + 1];
	int64_t begun;
	unsigned asked;

	standin_down(&o.provider);
	sign_in("s1", "sid-1", cookie);
	asked = o.provider.asked[STANDIN_DISCOVERY];
	begun = clock_mono_ms();
	ask_out(MSG_LOGOUT, cookie, &out);
	ck_assert_int_lt(clock_mono_ms() - begun, 500);
	ck_assert_int_eq(out.verdict, VERDICT_ALLOW);
	ck_assert_str_eq(out.location, "");
	ck_assert(!is_there(cookie));
	ck_assert_uint_eq(o.provider.asked[STANDIN_DISCOVERY], asked);
}
END_TEST

static void
wait_revoked(unsigned n)
{
	for (int i = 0; i < 200 && o.provider.asked[STANDIN_REVOKE] < n; i++)
		fixture_run_ms(&o.f, 10);
	fixture_run_ms(&o.f, 50);
	ck_assert_uint_eq(o.provider.asked[STANDIN_REVOKE], n);
}

START_TEST(tokens_are_revoked)
{
	struct out out;
	char cookie[TICKET_LEN + 1];

	need_provider();
	sign_in("s1", "sid-1", cookie);
	ask_out(MSG_LOGOUT, cookie, &out);
	wait_revoked(2);
	/* The last of them, so the refresh token was the first. */
	ck_assert_ptr_nonnull(
	    strstr(o.provider.last[STANDIN_REVOKE], "token=access-token"));
	ck_assert_ptr_nonnull(strstr(
	    o.provider.last[STANDIN_REVOKE], "token_type_hint=access_token"));
	ck_assert_uint_eq(o.f.authd->oidc->n_token_ends, 0);
}
END_TEST

START_TEST(tokens_that_cannot_be_revoked)
{
	struct out out;
	char cookie[TICKET_LEN + 1];

	need_provider();
	o.provider.fault[STANDIN_REVOKE].status = 503;
	sign_in("s1", "sid-1", cookie);
	ask_out(MSG_LOGOUT, cookie, &out);
	ck_assert_int_eq(out.verdict, VERDICT_ALLOW);
	wait_revoked(1);
	ck_assert_ptr_nonnull(
	    strstr(o.provider.last[STANDIN_REVOKE], "token=refresh-token"));
	ck_assert_uint_eq(o.f.authd->oidc->n_token_ends, 0);
}
END_TEST

START_TEST(revocations_are_bounded)
{
	struct out out;
	char cookie[TICKET_LEN + 1];

	need_provider();
	o.provider.fault[STANDIN_REVOKE].silent = true;
	for (int i = 0; i < OIDC_TOKEN_ENDS_MAX + 10; i++)
		sign_in("s1", "sid-1", cookie);
	ask_out(MSG_LOGOUT_EVERYWHERE, cookie, &out);
	ck_assert_int_eq(out.verdict, VERDICT_ALLOW);
	ck_assert_uint_eq(out.n, OIDC_TOKEN_ENDS_MAX + 10);
	ck_assert_uint_eq(o.f.authd->oidc->n_token_ends, OIDC_TOKEN_ENDS_MAX);
	sign_in("s1", "sid-1", cookie);
	ask_out(MSG_LOGOUT, cookie, &out);
	ck_assert_uint_eq(o.f.authd->oidc->n_token_ends, OIDC_TOKEN_ENDS_MAX);
}
END_TEST

START_TEST(everywhere)
{
	struct out out;
	char mine[2][TICKET_LEN + 1], other[TICKET_LEN + 1];

	need_provider();
	sign_in("s1", "sid-1", mine[0]);
	sign_in("s1", "sid-2", mine[1]);
	sign_in("s2", "sid-3", other);
	ask_out(MSG_LOGOUT_EVERYWHERE, mine[1], &out);
	ck_assert_int_eq(out.verdict, VERDICT_ALLOW);
	ck_assert_uint_eq(out.n, 2);
	expect_page(&out);
	expect_parameter(&out, "id_token_hint", "id-token");
	ck_assert(!is_there(mine[0]) && !is_there(mine[1]) && is_there(other));
	wait_revoked(4);
}
END_TEST

/* --- back channel --- */

struct back {
	enum login_code code;
	char reason[MSG_REASON_MAX + 1];
};

static void
send_back(const char *token, struct answer *a)
{
	static uint8_t buf[MSG_TOKEN_MAX + 100];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, token);
	wire_put_text(&w, "198.51.100.1:4711");
	fixture_send(o.f.frontend, MSG_OIDC_BACKCHANNEL, &w, a);
}

static void
read_back(struct answer *a, struct back *b)
{
	ck_assert_int_eq(a->err, 0);
	ck_assert_int_eq(a->type, MSG_OIDC_BACKCHANNEL_RESULT);
	b->code = (enum login_code)wire_get_u8(&a->body);
	ck_assert_int_eq(slice_copy(wire_get_text(&a->body, MSG_REASON_MAX),
			     b->reason, sizeof(b->reason)),
	    0);
	ck_assert_int_eq(wire_end(&a->body), 0);
	ck_assert_int_eq(b->code == LOGIN_OK, b->reason[0] == '\0');
}

static enum login_code
ask_back(const char *token)
{
	struct answer a;
	struct back b;

	send_back(token, &a);
	fixture_run_until(&o.f, &a.done);
	read_back(&a, &b);
	return b.code;
}

/* whom: members, as "\"sid\":\"x\",". */
static char *
logout_token(const char *whom, const char *id)
{
	char *claims = mem_printf(
	    "{\"iss\":\"%s\",\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld,"
	    "%s\"jti\":\"%s\",\"events\":{\"" LOGOUT_EVENT "\":{}}}",
	    o.provider.issuer, o.provider.client_id, (long long)clock_unix_s(),
	    (long long)clock_unix_s() + 120, whom, id);
	char *token = standin_sign(&o.provider, claims);

	free(claims);
	return token;
}

static enum login_code
end_back(const char *whom, const char *id)
{
	char *token = logout_token(whom, id);
	enum login_code code = ask_back(token);

	free(token);
	return code;
}

static const struct {
	const char *name, *whom;
	enum login_code code;
	bool ends[4];
} back_cases[] = {
	/* s1 sid-1, s1 sid-2, s2 sid-3, s1 without sid */
	{ "sid", "\"sid\":\"sid-1\",", LOGIN_OK, { true } },
	{ "sub", "\"sub\":\"s1\",", LOGIN_OK, { true, true, false, true } },
	{ "both", "\"sub\":\"s1\",\"sid\":\"sid-2\",", LOGIN_OK,
	    { false, true } },
	{ "not that person's", "\"sub\":\"s2\",\"sid\":\"sid-1\",",
	    LOGIN_REJECTED, { false } },
	{ "an unknown sid", "\"sid\":\"sid-9\",", LOGIN_OK, { false } },
	{ "an unknown sub", "\"sub\":\"s9\",", LOGIN_OK, { false } },
	{ "sid is no sub", "\"sid\":\"s1\",", LOGIN_OK, { false } },
	{ "nobody", "", LOGIN_REJECTED, { false } },
	{ "nonce", "\"sid\":\"sid-1\",\"nonce\":\"n\",", LOGIN_REJECTED,
	    { false } },
};

START_TEST(back_channel)
{
	char cookie[4][TICKET_LEN + 1];
	size_t n = 0;

	sign_in("s1", "sid-1", cookie[0]);
	sign_in("s1", "sid-2", cookie[1]);
	sign_in("s2", "sid-3", cookie[2]);
	sign_in("s1", "", cookie[3]);
	ck_assert_msg(
	    end_back(back_cases[_i].whom, "j1") == back_cases[_i].code, "%s",
	    back_cases[_i].name);
	for (size_t i = 0; i < N_ROWS(cookie); i++) {
		n += back_cases[_i].ends[i];
		ck_assert_msg(is_there(cookie[i]) != back_cases[_i].ends[i],
		    "%s: %zu", back_cases[_i].name, i);
	}
	ck_assert_uint_eq(o.f.revokes, n);
	ck_assert_uint_eq(o.f.authd->oidc->n_notices, 0);
}
END_TEST

/* Once: neither again at once, nor after a restart, nor under another session
 * key; a new login is not ended by the old word. */
START_TEST(back_channel_replay)
{
	static const uint8_t keys[] = { 2, 1 };
	char cookie[TICKET_LEN + 1];
	char *token = logout_token("\"sub\":\"s1\",", "j1");

	sign_in("s1", "sid-1", cookie);
	ck_assert_int_eq(ask_back(token), LOGIN_OK);
	ck_assert(!is_there(cookie));
	sign_in("s1", "sid-1", cookie);
	ck_assert_int_eq(ask_back(token), LOGIN_REJECTED);
	restart();
	ck_assert_int_eq(ask_back(token), LOGIN_REJECTED);
	fixture_load_keys(&o.f, 2, keys);
	ck_assert_int_eq(ask_back(token), LOGIN_REJECTED);
	ck_assert(is_there(cookie));
	ck_assert_int_eq(end_back("\"sub\":\"s1\",", "j2"), LOGIN_OK);
	ck_assert(!is_there(cookie));
	free(token);
}
END_TEST

/* Exact across restarts and keys. */
START_TEST(back_channel_after_a_restart)
{
	static const uint8_t both[] = { 2, 1 };
	char cookie[2][TICKET_LEN + 1];

	sign_in("s1", "sid-1", cookie[0]);
	fixture_load_keys(&o.f, 2, both);
	sign_in("s1", "sid-2", cookie[1]);
	fixture_restart(&o.f, false);
	fixture_load_keys(&o.f, 2, both);
	fixture_connect_frontend(&o.f);
	fixture_connect_egress(&o.f);
	ck_assert_uint_eq(count(), 2);
	ck_assert_int_eq(end_back("\"sid\":\"sid-1\",", "j1"), LOGIN_OK);
	ck_assert_uint_eq(count(), 1);
	ck_assert_int_eq(end_back("\"sub\":\"s1\",", "j2"), LOGIN_OK);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(back_channel_not_acknowledged)
{
	char cookie[TICKET_LEN + 1];

	sign_in("s1", "sid-1", cookie);
	o.f.egress_acks = false;
	ck_assert_int_eq(
	    end_back("\"sid\":\"sid-1\",", "j1"), LOGIN_UNAVAILABLE);
	ck_assert(!is_there(cookie));
}
END_TEST

START_TEST(back_channel_while_the_provider_is_unknown)
{
	char cookie[TICKET_LEN + 1];
	char *token = logout_token("\"sid\":\"sid-1\",", "j1");

	sign_in("s1", "sid-1", cookie);
	standin_down(&o.provider);
	ck_assert_int_eq(ask_back(token), LOGIN_UNAVAILABLE);
	ck_assert(is_there(cookie));
	/* It was not used up by that. */
	standin_up(&o.provider);
	clock_ahead_s = 31;
	ck_assert_int_eq(ask_back(token), LOGIN_OK);
	ck_assert(!is_there(cookie));
	free(token);
}
END_TEST

START_TEST(back_channel_rubbish)
{
	char *good = logout_token("\"sid\":\"sid-1\",", "j1");
	char cookie[TICKET_LEN + 1];

	sign_in("s1", "sid-1", cookie);
	good[strlen(good) - 10] ^= 1;
	ck_assert_int_eq(ask_back(good), LOGIN_REJECTED);
	ck_assert_int_eq(ask_back("x"), LOGIN_REJECTED);
	ck_assert_int_eq(ask_back("a.b.c"), LOGIN_REJECTED);
	ck_assert_int_eq(ask_back(""), LOGIN_REJECTED);
	ck_assert(is_there(cookie));
	free(good);
}
END_TEST

START_TEST(back_channel_in_flight_is_bounded)
{
	static struct answer a[OIDC_NOTICES_MAX + 8];
	struct back b;
	unsigned busy = 0;

	o.provider.fault[STANDIN_DISCOVERY].silent = true;
	for (size_t i = 0; i < N_ROWS(a); i++)
		send_back("a.b.c", &a[i]);
	fixture_run_ms(&o.f, 300);
	for (size_t i = 0; i < N_ROWS(a); i++) {
		if (!a[i].done)
			continue;
		read_back(&a[i], &b);
		busy += b.code == LOGIN_UNAVAILABLE;
	}
	ck_assert_uint_eq(busy, 8);
	ck_assert_uint_eq(o.f.authd->oidc->n_notices, OIDC_NOTICES_MAX);
}
END_TEST

START_TEST(back_channel_not_offered)
{
	char *token = logout_token("\"sid\":\"sid-1\",", "j1");

	o.f.settings.strategy = STRATEGY_TOKEN;
	restart();
	ck_assert_int_eq(ask_back(token), LOGIN_REJECTED);
	free(token);
}
END_TEST

/* --- front channel --- */

static enum verdict
ask_front(const char *iss, const char *sid, const char *cookie)
{
	uint8_t buf[1000];
	struct wire_writer w;
	struct answer a;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, iss);
	wire_put_text(&w, sid);
	wire_put_text(&w, cookie);
	wire_put_text(&w, "192.0.2.1:1234");
	fixture_ask(&o.f, o.f.frontend, MSG_OIDC_FRONTCHANNEL, &w, &a);
	ck_assert_int_eq(a.type, MSG_OIDC_FRONTCHANNEL_RESULT);
	return (enum verdict)wire_get_u8(&a.body);
}

START_TEST(front_channel)
{
	char one[TICKET_LEN + 1], same[TICKET_LEN + 1], two[TICKET_LEN + 1];
	const char *iss = o.provider.issuer;

	sign_in("s1", "sid-1", one);
	sign_in("s1", "sid-1", same);
	sign_in("s2", "sid-2", two);
	/* Any site may ask this. */
	ck_assert_int_eq(ask_front("", "", one), VERDICT_REJECTED);
	ck_assert_int_eq(ask_front(iss, "", one), VERDICT_REJECTED);
	ck_assert_int_eq(ask_front("", "sid-1", one), VERDICT_REJECTED);
	ck_assert_int_eq(
	    ask_front("https://evil.example", "sid-1", one), VERDICT_REJECTED);
	ck_assert_int_eq(ask_front(iss, "sid-2", one), VERDICT_REJECTED);
	ck_assert_int_eq(ask_front(iss, "sid-9", ""), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_front(iss, "sid-9", "gone"), VERDICT_NO_SESSION);
	ck_assert_uint_eq(o.f.revokes, 0);
	ck_assert_uint_eq(count(), 3);

	ck_assert_int_eq(ask_front(iss, "sid-1", one), VERDICT_ALLOW);
	ck_assert_uint_eq(o.f.revokes, 2);
	ck_assert(!is_there(one) && !is_there(same) && is_there(two));
	/* An iframe's request may come without the cookie. */
	ck_assert_int_eq(ask_front(iss, "sid-2", ""), VERDICT_ALLOW);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(front_channel_not_acknowledged)
{
	char one[TICKET_LEN + 1];

	sign_in("s1", "sid-1", one);
	o.f.egress_acks = false;
	ck_assert_int_eq(
	    ask_front(o.provider.issuer, "sid-1", one), VERDICT_UNAVAILABLE);
	ck_assert(!is_there(one));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("end");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, logout_goes_to_the_provider);
	tcase_add_test(t, logout_returns_where_configured);
	tcase_add_test(t, logout_of_a_provider_without_a_page);
	tcase_add_test(t, logout_while_the_provider_is_down);
	tcase_add_test(t, tokens_are_revoked);
	tcase_add_test(t, tokens_that_cannot_be_revoked);
	tcase_add_test(t, revocations_are_bounded);
	tcase_add_test(t, everywhere);
	tcase_add_loop_test(t, back_channel, 0, (int)N_ROWS(back_cases));
	tcase_add_test(t, back_channel_replay);
	tcase_add_test(t, back_channel_after_a_restart);
	tcase_add_test(t, back_channel_not_acknowledged);
	tcase_add_test(t, back_channel_while_the_provider_is_unknown);
	tcase_add_test(t, back_channel_rubbish);
	tcase_add_test(t, back_channel_in_flight_is_bounded);
	tcase_add_test(t, back_channel_not_offered);
	tcase_add_test(t, front_channel);
	tcase_add_test(t, front_channel_not_acknowledged);
	return unit_run("oidc_end", t);
}
