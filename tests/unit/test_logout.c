/*
 * Signing out everywhere, as the frontend sees it. What MSG_LOGOUT does is in
 * test_authd.c.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "common/err.h"

#include "authd/session.h"
#include "tests/unit/authd_fixture.h"
#include "tests/unit/unit.h"

#define ISSUER "https://idp.example"

static struct fixture f;

static void
begin(void)
{
	fixture_begin(&f);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
}

static void
end(void)
{
	fixture_end(&f);
}

struct everywhere {
	enum verdict verdict;
	uint32_t n;
	char location[64];
};

static void
send_everywhere(const char *cookie, struct answer *a)
{
	uint8_t buf[400];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, cookie);
	wire_put_text(&w, "192.0.2.1:1234");
	wire_put_text(&w, "https://k.example");
	fixture_send(f.frontend, MSG_LOGOUT_EVERYWHERE, &w, a);
}

static struct everywhere
ask_everywhere(const char *cookie)
{
	struct everywhere e;
	struct answer a;

	send_everywhere(cookie, &a);
	fixture_run_until(&f, &a.done);
	ck_assert_int_eq(a.type, MSG_LOGOUT_EVERYWHERE_RESULT);
	e.verdict = (enum verdict)wire_get_u8(&a.body);
	e.n = wire_get_u32(&a.body);
	ck_assert_int_eq(slice_copy(wire_get_text(&a.body, MSG_LOGOUT_URL_MAX),
			     e.location, sizeof e.location),
	    0);
	ck_assert_int_eq(wire_end(&a.body), 0);
	return e;
}

/* A session of the provider's subject; name is what is shown. */
static void
sign_in(const char *issuer, const char *subject, const char *name,
    char cookie[TICKET_LEN + 1])
{
	struct identity who = { .user = "" };
	struct session_facts facts = { .who = &who,
		.token = SLICE("good-alice"),
		.issuer = issuer,
		.subject = subject,
		.sid = "",
		.id_token = SLICE("id") };
	static char ours[] = ISSUER;
	int64_t until;

	f.settings.strategy = STRATEGY_OPENID;
	f.settings.openid.issuer = ours;
	(void)snprintf(who.user, sizeof who.user, "%s", name);
	(void)snprintf(who.name, sizeof who.name, "%s", name);
	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, &facts, cookie, &until), 0);
}

/* With a token: whoever is the same user to the cluster. */
START_TEST(by_user)
{
	struct login_answer alice[3], bob;
	struct everywhere e;

	for (int i = 0; i < 3; i++)
		ask_login(&f, "good-alice", &alice[i]);
	ask_login(&f, "good-bob", &bob);
	e = ask_everywhere(alice[1].cookie);
	ck_assert_int_eq(e.verdict, VERDICT_ALLOW);
	ck_assert_uint_eq(e.n, 3);
	ck_assert_str_eq(e.location, "");
	ck_assert_uint_eq(f.revokes, 3);
	ck_assert_int_eq(f.revoke_kind, REVOKE_SESSION);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    ask_session(&f, alice[i].cookie), VERDICT_NO_SESSION);
		ck_assert_int_eq(
		    ask_lease(&f, CREDENTIAL_COOKIE, alice[i].cookie, NULL),
		    VERDICT_NO_SESSION);
	}
	ck_assert_int_eq(ask_session(&f, bob.cookie), VERDICT_ALLOW);
	ck_assert_uint_eq(f.authd->logouts, 3);
	e = ask_everywhere(alice[1].cookie);
	ck_assert_int_eq(e.verdict, VERDICT_NO_SESSION);
	ck_assert_uint_eq(e.n, 0);
	ck_assert_uint_eq(f.revokes, 3);
}
END_TEST

/* With a provider: its subject, whatever people are called. */
START_TEST(by_subject)
{
	char mine[2][TICKET_LEN + 1], namesake[TICKET_LEN + 1],
	    elsewhere[TICKET_LEN + 1];
	struct everywhere e;

	sign_in(ISSUER, "s1", "alice", mine[0]);
	sign_in(ISSUER, "s1", "alice (renamed)", mine[1]);
	sign_in(ISSUER, "s2", "alice", namesake);
	sign_in("https://other.example", "s1", "alice", elsewhere);
	e = ask_everywhere(mine[0]);
	ck_assert_int_eq(e.verdict, VERDICT_ALLOW);
	ck_assert_uint_eq(e.n, 2);
	ck_assert_uint_eq(f.revokes, 2);
	ck_assert_int_eq(ask_session(&f, mine[0]), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, mine[1]), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, namesake), VERDICT_ALLOW);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 2);
}
END_TEST

/* Only a good session speaks for its person. */
START_TEST(only_with_a_session)
{
	struct login_answer old, young;

	ask_login(&f, "short-alice", &old);
	ask_login(&f, "good-alice", &young);
	ck_assert_int_eq(
	    ask_everywhere("no-such-cookie").verdict, VERDICT_NO_SESSION);
	clock_ahead_s = 101;
	ck_assert_int_eq(
	    ask_everywhere(old.cookie).verdict, VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, young.cookie), VERDICT_ALLOW);
	ck_assert_uint_eq(f.revokes, 0);
}
END_TEST

/* Nothing is confirmed before every egress has said so, of every session. */
START_TEST(waits_for_all)
{
	struct login_answer l[2];
	struct everywhere e;

	ask_login(&f, "good-alice", &l[0]);
	ask_login(&f, "good-alice", &l[1]);
	f.egress_acks = false;
	e = ask_everywhere(l[0].cookie);
	ck_assert_int_eq(e.verdict, VERDICT_UNAVAILABLE);
	ck_assert_uint_eq(e.n, 2);
	ck_assert_int_eq(ask_session(&f, l[1].cookie), VERDICT_NO_SESSION);
}
END_TEST

/* While there are no keys nobody can be told from anybody. */
START_TEST(without_keys)
{
	struct login_answer l;

	ask_login(&f, "good-alice", &l);
	fixture_restart(&f, false);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	ck_assert_int_eq(ask_everywhere(l.cookie).verdict, VERDICT_REJECTED);
	ck_assert_uint_eq(f.revokes, 0);
}
END_TEST

/* The fixture's egress, unlike the real one, does not read while its answers
 * wait: so no more than fit into a socket. */
START_TEST(many)
{
	char cookie[TICKET_LEN + 1];
	struct everywhere e;

	for (int i = 0; i < 200; i++)
		sign_in(ISSUER, "s1", "alice", cookie);
	e = ask_everywhere(cookie);
	ck_assert_int_eq(e.verdict, VERDICT_ALLOW);
	ck_assert_uint_eq(e.n, 200);
	ck_assert_uint_eq(f.revokes, 200);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
}
END_TEST

/* Who asked is gone: it ends all the same. */
START_TEST(nobody_waits)
{
	struct login_answer l[2];
	struct answer a;

	ask_login(&f, "good-alice", &l[0]);
	ask_login(&f, "good-alice", &l[1]);
	send_everywhere(l[0].cookie, &a);
	fixture_run_ms(&f, 0);
	fixture_lose(&f, &f.frontend);
	fixture_run_ms(&f, 50);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
	ck_assert_uint_eq(f.revokes, 2);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("logout");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, by_user);
	tcase_add_test(t, by_subject);
	tcase_add_test(t, only_with_a_session);
	tcase_add_test(t, waits_for_all);
	tcase_add_test(t, without_keys);
	tcase_add_test(t, many);
	tcase_add_test(t, nobody_waits);
	return unit_run("logout", t);
}
