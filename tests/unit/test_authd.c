/*
 * authd's messages, as its peers see them: logins, sessions, leases, logout
 * with and without acknowledgement, restarts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/clock.h"
#include "common/err.h"

#include "authd/checks.h"
#include "authd/session.h"
#include "tests/unit/authd_fixture.h"

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

static void
login_good(struct login_answer *l)
{
	ask_login(&f, "good-alice", l);
	ck_assert_int_eq(l->code, LOGIN_OK);
}

/* --- logins --- */

static const struct {
	const char *name, *token;
	enum login_code code;
} login_cases[] = {
	{ "good", "good-alice", LOGIN_OK },
	{ "refused", "bad", LOGIN_REJECTED },
	{ "expired", "over", LOGIN_EXPIRED },
	{ "sees nothing", "none", LOGIN_NO_NAMESPACE },
	{ "cluster down", "down", LOGIN_UNAVAILABLE },
	{ "empty", "", LOGIN_REJECTED },
};

START_TEST(login_answers)
{
	struct login_answer l;

	ask_login(&f, login_cases[_i].token, &l);
	ck_assert_msg(l.code == login_cases[_i].code, "%s: %d",
	    login_cases[_i].name, (int)l.code);
	if (l.code == LOGIN_OK) {
		ck_assert_uint_eq(strlen(l.cookie), TICKET_LEN);
		ck_assert_str_eq(l.user, "alice");
		ck_assert_str_eq(l.reason, "");
		ck_assert_int_ge(l.expires, clock_unix_s() + 86400 - 2);
	} else {
		ck_assert_str_eq(l.cookie, "");
		ck_assert_str_eq(l.user, "");
		ck_assert_int_eq(l.expires, 0);
		ck_assert_str_ne(l.reason, "");
		ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
	}
}
END_TEST

START_TEST(login_ends_with_the_token)
{
	struct login_answer l;

	ask_login(&f, "short-bob", &l);
	ck_assert_int_eq(l.code, LOGIN_OK);
	ck_assert_int_le(l.expires, clock_unix_s() + 100);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_ALLOW);
	clock_ahead_s = 101;
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_EXPIRED);
	sessions_purge(f.authd->sessions);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_NO_SESSION);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
}
END_TEST

START_TEST(login_without_keys_is_unavailable)
{
	struct login_answer l;

	fixture_restart(&f, false);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	ask_login(&f, "good-alice", &l);
	ck_assert_int_eq(l.code, LOGIN_UNAVAILABLE);
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-a", NULL),
	    VERDICT_UNAVAILABLE);
	ck_assert_uint_eq(fake.started, 0);
}
END_TEST

START_TEST(login_not_offered_when_anonymous)
{
	struct login_answer l;

	f.settings.strategy = STRATEGY_ANONYMOUS;
	ask_login(&f, "good-alice", &l);
	ck_assert_int_eq(l.code, LOGIN_NOT_OFFERED);
	ck_assert_uint_eq(fake.started, 0);
}
END_TEST

START_TEST(login_flood_backs_off)
{
	struct login_answer l;
	char token[20] = "bad-x";
	unsigned busy = 0;

	for (int i = 0; i < 30; i++) {
		token[4] = (char)('A' + i);
		ask_login(&f, token, &l);
		busy += l.code == LOGIN_BUSY;
	}
	ck_assert_uint_ge(busy, 20);
	ck_assert_uint_le(fake.started, 10);
	ask_login(&f, "good-alice", &l);
	ck_assert_int_eq(l.code, LOGIN_BUSY);
	clock_ahead_s = 31;
	login_good(&l);
}
END_TEST

START_TEST(login_same_token_is_asked_once)
{
	struct answer a[10];
	struct login_answer l;

	fake.hold = true;
	for (int i = 0; i < 10; i++)
		send_login(&f, "good-alice", "192.0.2.1:1", &a[i]);
	fixture_run_ms(&f, 30);
	ck_assert_uint_eq(fake.started, 1);
	fake_release();
	for (int i = 0; i < 10; i++) {
		fixture_run_until(&f, &a[i].done);
		read_login(&a[i], &l);
		ck_assert_int_eq(l.code, LOGIN_OK);
	}
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 10);
}
END_TEST

/* What a person hears at the next try is how things are then. */
START_TEST(login_again_asks_again)
{
	struct login_answer l;

	fake.cluster_down = true;
	ask_login(&f, "good-alice", &l);
	ck_assert_int_eq(l.code, LOGIN_UNAVAILABLE);
	fake.cluster_down = false;
	fake.cluster_bad = true;
	ask_login(&f, "good-alice", &l);
	ck_assert_int_eq(l.code, LOGIN_REJECTED);
	fake.cluster_bad = false;
	login_good(&l);
	fake.cluster_bad = true;
	ask_login(&f, "good-alice", &l);
	ck_assert_int_eq(l.code, LOGIN_REJECTED);
	ck_assert_uint_eq(fake.started, 4);
}
END_TEST

START_TEST(login_checks_in_flight_are_bounded)
{
	static struct answer a[60];
	struct login_answer l;
	char token[20];
	unsigned busy = 0;

	fake.hold = true;
	for (int i = 0; i < 60; i++) {
		(void)snprintf(token, sizeof token, "good-%d", i);
		send_login(&f, token, "192.0.2.1:1", &a[i]);
	}
	fixture_run_ms(&f, 50);
	ck_assert_uint_eq(fake.started, CHECKS_FOR_GUESTS);
	fake_release();
	for (int i = 0; i < 60; i++) {
		fixture_run_until(&f, &a[i].done);
		read_login(&a[i], &l);
		busy += l.code == LOGIN_BUSY;
	}
	ck_assert_uint_eq(busy, 60 - CHECKS_FOR_GUESTS);
	ck_assert_uint_eq(checks_in_flight(f.authd->checks), 0);
}
END_TEST

/* The frontend goes away while its login is checked: no session is left that
 * nobody has the cookie of. */
START_TEST(login_of_a_lost_frontend_makes_no_session)
{
	struct answer a;

	fake.hold = true;
	send_login(&f, "good-alice", "192.0.2.1:1", &a);
	fixture_run_ms(&f, 20);
	ck_assert_uint_eq(fake.started, 1);
	fixture_lose(&f, &f.frontend);
	fake_release();
	fixture_run_ms(&f, 20);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
	ck_assert(TAILQ_EMPTY(&f.authd->pending));
}
END_TEST

/* --- sessions and leases --- */

START_TEST(lease_of_a_cookie)
{
	struct login_answer l;
	struct lease_answer lease;
	uint8_t handle[MSG_HANDLE_LEN];

	login_good(&l);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, &lease), VERDICT_ALLOW);
	ck_assert_str_eq(lease.user, "alice");
	ck_assert_str_eq(lease.token, "good-alice");
	ck_assert_int_eq(lease.end, l.expires);
	ck_assert_uint_le(lease.lease_ms, 10000);
	ck_assert_uint_ge(lease.lease_ms, 1000);
	ticket_handle(handle, slice_of(l.cookie));
	ck_assert_mem_eq(lease.handle, handle, sizeof handle);
	ck_assert_uint_eq(fake.started, 1); /* the login's */
}
END_TEST

START_TEST(lease_reviews_at_most_every_recheck)
{
	struct login_answer l;

	login_good(&l);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(
		    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL),
		    VERDICT_ALLOW);
	ck_assert_uint_eq(fake.started, 1);
	clock_ahead_s = 11;
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(
		    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL),
		    VERDICT_ALLOW);
	ck_assert_uint_eq(fake.started, 2);
}
END_TEST

START_TEST(lease_review_is_one_at_a_time)
{
	struct login_answer l;
	struct lease_answer lease;
	struct answer a[20];

	login_good(&l);
	clock_ahead_s = 11;
	fake.hold = true;
	for (int i = 0; i < 20; i++)
		send_lease(&f, CREDENTIAL_COOKIE, l.cookie, &a[i]);
	fixture_run_ms(&f, 30);
	ck_assert_uint_eq(fake.started, 2);
	fake_release();
	for (int i = 0; i < 20; i++) {
		fixture_run_until(&f, &a[i].done);
		read_lease(&a[i], &lease);
		ck_assert_int_eq(lease.verdict, VERDICT_ALLOW);
	}
}
END_TEST

START_TEST(lease_is_cut_at_the_end)
{
	struct login_answer l;
	struct lease_answer lease;

	f.settings.expiration_s = 5;
	login_good(&l);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, &lease), VERDICT_ALLOW);
	ck_assert_uint_le(lease.lease_ms, 5000);
	clock_ahead_s = 5;
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL), VERDICT_EXPIRED);
}
END_TEST

START_TEST(refused_token_ends_the_session)
{
	struct login_answer l;
	uint8_t handle[MSG_HANDLE_LEN];

	login_good(&l);
	clock_ahead_s = 11;
	fake.cluster_bad = true;
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL), VERDICT_REJECTED);
	fixture_run_ms(&f, 20);
	ck_assert_uint_eq(f.revokes, 1);
	ck_assert_uint_eq(f.revoke_kind, REVOKE_SESSION);
	ticket_handle(handle, slice_of(l.cookie));
	ck_assert_mem_eq(f.revoked, handle, sizeof handle);
	fake.cluster_bad = false;
	clock_ahead_s = 30;
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_NO_SESSION);
}
END_TEST

START_TEST(unreachable_cluster_keeps_the_session)
{
	struct login_answer l;

	login_good(&l);
	clock_ahead_s = 11;
	fake.cluster_down = true;
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL),
	    VERDICT_UNAVAILABLE);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_UNAVAILABLE);
	ck_assert_uint_eq(f.revokes, 0);
	fake.cluster_down = false;
	clock_ahead_s = 13;
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL), VERDICT_ALLOW);
}
END_TEST

/* Logged out while the cluster is asked: the late good answer lets nobody in.
 */
START_TEST(logout_during_a_review_wins)
{
	struct login_answer l;
	struct lease_answer lease;
	struct answer a;

	login_good(&l);
	clock_ahead_s = 11;
	fake.hold = true;
	send_lease(&f, CREDENTIAL_COOKIE, l.cookie, &a);
	fixture_run_ms(&f, 20);
	ck_assert_uint_eq(fake.started, 2);
	ck_assert_int_eq(ask_logout(&f, l.cookie), VERDICT_ALLOW);
	fake_release();
	fixture_run_until(&f, &a.done);
	read_lease(&a, &lease);
	ck_assert_int_eq(lease.verdict, VERDICT_NO_SESSION);
	ck_assert_str_eq(lease.token, "");
}
END_TEST

START_TEST(offline_needs_no_review)
{
	struct login_answer l;

	free(f.settings.jwks_file);
	f.settings.jwks_file = strdup("keys.json");
	login_good(&l);
	clock_ahead_s = 3600;
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL), VERDICT_ALLOW);
	ck_assert_uint_eq(fake.started, 1);
}
END_TEST

START_TEST(other_cookies_are_no_sessions)
{
	struct login_answer l;
	char c[TICKET_LEN + 1];

	login_good(&l);
	for (size_t i = 0; i < TICKET_LEN; i++) {
		memcpy(c, l.cookie, sizeof c);
		c[i] = c[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, c, NULL),
		    VERDICT_NO_SESSION);
	}
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, "", NULL), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, "x"), VERDICT_NO_SESSION);
}
END_TEST

START_TEST(other_strategy_refuses_the_session)
{
	struct login_answer l;

	login_good(&l);
	f.settings.strategy = STRATEGY_OPENID;
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_NO_SESSION);
	f.settings.strategy = STRATEGY_TOKEN;
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_ALLOW);
}
END_TEST

/* As with tokens of people: what the proxy in front sends is one. */
START_TEST(header_takes_tokens)
{
	struct login_answer l;

	f.settings.strategy = STRATEGY_HEADER;
	login_good(&l);
	ck_assert_int_eq(
	    ask_session_with(&f, l.cookie, "good-alice"), VERDICT_ALLOW);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_BEARER, "good-bob", NULL), VERDICT_ALLOW);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_BEARER, "bad", NULL), VERDICT_REJECTED);
	/* The cookie alone, or beside somebody else's token. */
	ck_assert_int_eq(
	    ask_session_with(&f, l.cookie, "good-bob"), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL),
	    VERDICT_NO_SESSION);
}
END_TEST

START_TEST(keys_rotate_and_are_withdrawn)
{
	static const uint8_t both[] = { 2, 1 }, new[] = { 2 };
	struct login_answer old, young;

	login_good(&old);
	fixture_load_keys(&f, 2, both);
	login_good(&young);
	ck_assert_int_eq(ask_session(&f, old.cookie), VERDICT_ALLOW);
	ck_assert_int_eq(ask_session(&f, young.cookie), VERDICT_ALLOW);
	fixture_load_keys(&f, 1, new);
	ck_assert_int_eq(ask_session(&f, old.cookie), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, young.cookie), VERDICT_ALLOW);
}
END_TEST

START_TEST(restart_loses_nothing)
{
	struct login_answer l, gone;

	login_good(&l);
	ask_login(&f, "good-bob", &gone);
	ck_assert_int_eq(ask_logout(&f, gone.cookie), VERDICT_ALLOW);
	fixture_restart(&f, true);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 1);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_ALLOW);
	ck_assert_int_eq(ask_session(&f, gone.cookie), VERDICT_NO_SESSION);
}
END_TEST

START_TEST(idle_sessions_end)
{
	struct login_answer l;

	f.settings.idle_s = 600;
	login_good(&l);
	for (clock_ahead_s = 500; clock_ahead_s < 5000; clock_ahead_s += 500)
		ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_ALLOW);
	clock_ahead_s += 601;
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_EXPIRED);
}
END_TEST

START_TEST(lease_of_a_bearer)
{
	struct lease_answer lease;
	uint8_t handle[MSG_HANDLE_LEN];

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
		    ask_lease(&f, CREDENTIAL_BEARER, "good-carol", &lease),
		    VERDICT_ALLOW);
	ck_assert_uint_eq(fake.started, 1);
	ck_assert_str_eq(lease.user, "carol");
	ck_assert_str_eq(lease.token, "good-carol");
	ck_assert_int_ge(lease.end, clock_unix_s() + 80000);
	ticket_handle(handle, SLICE("good-carol"));
	ck_assert_mem_eq(lease.handle, handle, sizeof handle);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
	clock_ahead_s = 11;
	fake.cluster_bad = true;
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-carol", NULL),
	    VERDICT_REJECTED);
	fake.cluster_bad = false; /* the refusal is remembered for 5 s */
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-carol", NULL),
	    VERDICT_REJECTED);
	ck_assert_uint_eq(fake.started, 2);
	clock_ahead_s = 17;
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-carol", NULL),
	    VERDICT_ALLOW);
}
END_TEST

START_TEST(bearer_of_short_life)
{
	struct lease_answer lease;

	f.settings.recheck_s = 60;
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "short-dave", &lease),
	    VERDICT_ALLOW);
	ck_assert_int_le(lease.end, clock_unix_s() + 100);
	clock_ahead_s = 99;
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "short-dave", &lease),
	    VERDICT_ALLOW);
}
END_TEST

START_TEST(answers_kept_are_bounded)
{
	char token[30];

	for (int i = 0; i < CHECKS_KEPT + 200; i++) {
		struct answer a;
		(void)snprintf(token, sizeof token, "bad-%d", i);
		send_lease(&f, CREDENTIAL_BEARER, token, &a);
		while (!a.done)
			fixture_run_ms(&f, 0);
	}
	ck_assert_uint_eq(checks_kept(f.authd->checks), CHECKS_KEPT);
}
END_TEST

/* --- logout --- */

START_TEST(logout_waits_for_the_acknowledgement)
{
	struct login_answer l;
	uint8_t handle[MSG_HANDLE_LEN];

	login_good(&l);
	ck_assert_int_eq(ask_logout(&f, l.cookie), VERDICT_ALLOW);
	ck_assert_uint_eq(f.revokes, 1);
	ticket_handle(handle, slice_of(l.cookie));
	ck_assert_mem_eq(f.revoked, handle, sizeof handle);
	/* the cookie again, on both sides, and a second logout */
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, l.cookie, NULL),
	    VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_logout(&f, l.cookie), VERDICT_NO_SESSION);
	ck_assert_uint_eq(f.revokes, 1);
}
END_TEST

START_TEST(logout_without_acknowledgement)
{
	struct login_answer l;
	int64_t start;

	login_good(&l);
	f.egress_acks = false;
	start = clock_mono_ms();
	ck_assert_int_eq(ask_logout(&f, l.cookie), VERDICT_UNAVAILABLE);
	ck_assert_int_ge(clock_mono_ms() - start, 1900);
	ck_assert_int_le(clock_mono_ms() - start, 2500);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_NO_SESSION);
}
END_TEST

START_TEST(logout_after_a_lost_channel)
{
	struct login_answer l[3];

	for (int i = 0; i < 3; i++)
		login_good(&l[i]);
	fixture_lose(&f, &f.egress);
	ck_assert_int_eq(ask_logout(&f, l[0].cookie), VERDICT_UNAVAILABLE);
	/* its last lease is over by now */
	clock_ahead_s = 11;
	ck_assert_int_eq(ask_logout(&f, l[1].cookie), VERDICT_ALLOW);
	/* lost, and back */
	fixture_connect_egress(&f);
	fixture_lose(&f, &f.egress);
	fixture_connect_egress(&f);
	ck_assert_int_eq(ask_logout(&f, l[2].cookie), VERDICT_ALLOW);
}
END_TEST

/* The egress goes while it is asked and comes back in time, without a lease. */
START_TEST(logout_while_the_channel_is_lost)
{
	struct login_answer l;
	struct answer a;
	uint8_t buf[300];
	struct wire_writer w;

	login_good(&l);
	f.egress_acks = false;
	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, l.cookie);
	wire_put_text(&w, "192.0.2.1:1");
	wire_put_text(&w, "https://k.example");
	fixture_send(f.frontend, MSG_LOGOUT, &w, &a);
	fixture_run_ms(&f, 50);
	ck_assert(!a.done);
	fixture_lose(&f, &f.egress);
	ck_assert(!a.done);
	fixture_connect_egress(&f);
	fixture_run_until(&f, &a.done);
	ck_assert_int_eq(wire_get_u8(&a.body), VERDICT_ALLOW);
}
END_TEST

/* A fresh authd does not know who has its predecessor's leases. */
START_TEST(logout_after_a_restart)
{
	struct login_answer l, m;

	login_good(&l);
	login_good(&m);
	fixture_restart(&f, true);
	fixture_connect_frontend(&f);
	ck_assert_int_eq(ask_logout(&f, l.cookie), VERDICT_UNAVAILABLE);
	fixture_connect_egress(&f);
	ck_assert_int_eq(ask_logout(&f, m.cookie), VERDICT_ALLOW);
}
END_TEST

START_TEST(logout_needs_no_keys)
{
	struct login_answer l;

	login_good(&l);
	fixture_restart(&f, false);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_UNAVAILABLE);
	ck_assert_int_eq(ask_logout(&f, l.cookie), VERDICT_ALLOW);
}
END_TEST

/* --- the rest --- */

START_TEST(screening_keys_fit_the_cookies)
{
	struct login_answer l;
	struct ticket_keys keys;
	struct answer a;
	uint32_t again = 0;

	login_good(&l);
	for (clock_ahead_s = 0; clock_ahead_s < 86400; clock_ahead_s += 7001) {
		fixture_ask(&f, f.frontend, MSG_SCREEN_KEYS, NULL, &a);
		ck_assert_int_eq(ticket_keys_get(&a.body, &keys, &again), 0);
		ck_assert_int_eq(ticket_screen(&keys, slice_of(l.cookie)), 0);
		ck_assert_uint_le(keys.n, 9);
		ck_assert_uint_eq(again, 7200);
	}
	clock_ahead_s = 86400 + 2 * 14400;
	fixture_ask(&f, f.frontend, MSG_SCREEN_KEYS, NULL, &a);
	ck_assert_int_eq(ticket_keys_get(&a.body, &keys, &again), 0);
	ck_assert_int_eq(
	    ticket_screen(&keys, slice_of(l.cookie)), ERR_NOT_FOUND);
}
END_TEST

/* A restart with another lifetime must not look like a logout. */
START_TEST(screening_keys_outlive_a_new_lifetime)
{
	static const int64_t lives[] = { 86400, 604800, 2592000, 604800 };
	struct login_answer l;
	struct ticket_keys keys;
	struct answer a;
	uint32_t again = 0;

	login_good(&l);
	for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
		f.settings.expiration_s = (uint32_t)lives[i];
		fixture_restart(&f, true);
		fixture_connect_frontend(&f);
		fixture_ask(&f, f.frontend, MSG_SCREEN_KEYS, NULL, &a);
		ck_assert_int_eq(ticket_keys_get(&a.body, &keys, &again), 0);
		ck_assert_int_eq(ticket_screen(&keys, slice_of(l.cookie)), 0);
	}
}
END_TEST

START_TEST(status_says_how_it_is)
{
	struct login_answer l;
	struct answer a;
	char text[2000];

	login_good(&l);
	fixture_connect_ctl(&f);
	fixture_ask(&f, f.ctl, MSG_STATUS, NULL, &a);
	ck_assert_int_eq(
	    slice_copy(wire_get_text(&a.body, 1999), text, sizeof text), 0);
	ck_assert_ptr_nonnull(strstr(text, "\nsessions: 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nsession keys: 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\negress channels: 1\n"));
}
END_TEST

/* A malformed request costs the peer its channel, and nobody else. */
START_TEST(malformed_requests_close_the_channel)
{
	uint8_t bytes[] = { 0, 9, 0, 0, 0 }; /* says 9 bytes, has none */
	struct wire_writer w = { .p = bytes, .len = 5, .cap = 5 };
	struct answer a;
	struct login_answer l;

	fixture_send(f.frontend, MSG_LOGIN_TOKEN, &w, &a);
	fixture_run_until(&f, &a.done);
	ck_assert_int_eq(a.err, ERR_UNAVAILABLE);
	ck_assert_ptr_null(f.frontend);
	fixture_connect_frontend(&f);
	login_good(&l);
}
END_TEST

static TCase *
logins(void)
{
	TCase *tc = tcase_create("logins");

	tcase_add_loop_test(tc, login_answers, 0,
	    (int)(sizeof login_cases / sizeof *login_cases));
	tcase_add_test(tc, login_ends_with_the_token);
	tcase_add_test(tc, login_without_keys_is_unavailable);
	tcase_add_test(tc, login_not_offered_when_anonymous);
	tcase_add_test(tc, login_flood_backs_off);
	tcase_add_test(tc, login_same_token_is_asked_once);
	tcase_add_test(tc, login_again_asks_again);
	tcase_add_test(tc, login_checks_in_flight_are_bounded);
	tcase_add_test(tc, login_of_a_lost_frontend_makes_no_session);
	return tc;
}

static TCase *
leases(void)
{
	TCase *tc = tcase_create("leases");

	tcase_add_test(tc, lease_of_a_cookie);
	tcase_add_test(tc, lease_reviews_at_most_every_recheck);
	tcase_add_test(tc, lease_review_is_one_at_a_time);
	tcase_add_test(tc, lease_is_cut_at_the_end);
	tcase_add_test(tc, refused_token_ends_the_session);
	tcase_add_test(tc, unreachable_cluster_keeps_the_session);
	tcase_add_test(tc, logout_during_a_review_wins);
	tcase_add_test(tc, offline_needs_no_review);
	tcase_add_test(tc, other_cookies_are_no_sessions);
	tcase_add_test(tc, other_strategy_refuses_the_session);
	tcase_add_test(tc, header_takes_tokens);
	tcase_add_test(tc, keys_rotate_and_are_withdrawn);
	tcase_add_test(tc, restart_loses_nothing);
	tcase_add_test(tc, idle_sessions_end);
	tcase_add_test(tc, lease_of_a_bearer);
	tcase_add_test(tc, bearer_of_short_life);
	tcase_add_test(tc, answers_kept_are_bounded);
	return tc;
}

static TCase *
logouts(void)
{
	TCase *tc = tcase_create("logouts");

	tcase_add_test(tc, logout_waits_for_the_acknowledgement);
	tcase_add_test(tc, logout_without_acknowledgement);
	tcase_add_test(tc, logout_after_a_lost_channel);
	tcase_add_test(tc, logout_while_the_channel_is_lost);
	tcase_add_test(tc, logout_after_a_restart);
	tcase_add_test(tc, logout_needs_no_keys);
	tcase_add_test(tc, screening_keys_fit_the_cookies);
	tcase_add_test(tc, screening_keys_outlive_a_new_lifetime);
	tcase_add_test(tc, status_says_how_it_is);
	tcase_add_test(tc, malformed_requests_close_the_channel);
	return tc;
}

int
main(void)
{
	TCase *(*const cases[])(void) = { logins, leases, logouts };
	Suite *s = suite_create("authd");
	SRunner *sr = srunner_create(s);
	int failed;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		TCase *tc = cases[i]();
		tcase_add_checked_fixture(tc, begin, end);
		tcase_set_timeout(tc, 60);
		suite_add_tcase(s, tc);
	}
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
