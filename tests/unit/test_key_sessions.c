/*
 * authd when keys come and go: the sessions of a key that is gone end, those
 * and no others, also when nobody was there while it went; and what the control
 * tool is told.
 */
#include <string.h>

#include "common/err.h"
#include "tests/unit/authd_fixture.h"
#include "tests/unit/unit.h"

static struct fixture f;
static const uint8_t first[] = { 1 }, second[] = { 2 }, both[] = { 2, 1 };

static void
set_up(void)
{
	fixture_begin(&f);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	fixture_connect_ctl(&f);
}

static void
tear_down(void)
{
	fixture_end(&f);
}

static void
log_in(struct login_answer *l)
{
	ask_login(&f, "good-alice", l);
	ck_assert_int_eq(l->code, LOGIN_OK);
}

static void
send_key_sessions(uint8_t key, struct answer *a)
{
	struct session_key k;
	uint8_t buf[MSG_KEY_ID_LEN];
	struct wire_writer w;

	fixture_key(&k, key);
	wire_writer_init(&w, buf, sizeof buf);
	wire_put_raw(&w, k.id, sizeof k.id);
	fixture_send(f.ctl, MSG_KEY_SESSIONS, &w, a);
}

static uint32_t
read_key_sessions(struct answer *a)
{
	uint32_t n;

	ck_assert_int_eq(a->err, 0);
	ck_assert_int_eq(a->type, MSG_KEY_SESSIONS_RESULT);
	n = wire_get_u32(&a->body);
	ck_assert_int_eq(wire_end(&a->body), 0);
	return n;
}

static uint32_t
ask_key_sessions(uint8_t key)
{
	struct answer a;

	send_key_sessions(key, &a);
	fixture_run_until(&f, &a.done);
	return read_key_sessions(&a);
}

START_TEST(a_lease_names_its_key)
{
	static const uint8_t none[MSG_KEY_ID_LEN];
	struct login_answer old, young;
	struct lease_answer a;
	struct session_key k;

	log_in(&old);
	fixture_load_keys(&f, 2, both);
	log_in(&young);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, old.cookie, &a), VERDICT_ALLOW);
	fixture_key(&k, 1);
	ck_assert_mem_eq(a.key_id, k.id, sizeof none);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, young.cookie, &a), VERDICT_ALLOW);
	fixture_key(&k, 2);
	ck_assert_mem_eq(a.key_id, k.id, sizeof none);
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_BEARER, "good-bob", &a), VERDICT_ALLOW);
	ck_assert_mem_eq(a.key_id, none, sizeof none);
}
END_TEST

START_TEST(exactly_the_sessions_of_a_lost_key)
{
	struct login_answer old[2], young;
	struct session_key k;

	log_in(&old[0]);
	log_in(&old[1]);
	fixture_load_keys(&f, 2, both);
	log_in(&young);
	ck_assert_uint_eq(ask_key_sessions(1), 2);
	ck_assert_uint_eq(ask_key_sessions(2), 1);
	ck_assert_uint_eq(ask_key_sessions(3), 0);
	ck_assert_uint_eq(f.revokes, 0);
	fixture_load_keys(&f, 1, second);
	ck_assert_uint_eq(ask_key_sessions(1), 0);
	ck_assert_uint_eq(f.revokes, 1);
	ck_assert_uint_eq(f.revoke_kind, REVOKE_KEY);
	fixture_key(&k, 1);
	ck_assert_mem_eq(f.revoked, k.id, sizeof k.id);
	ck_assert_uint_eq(f.authd->sessions_ended, 2);
	ck_assert_int_eq(ask_session(&f, old[0].cookie), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&f, young.cookie), VERDICT_ALLOW);
	/* They are deleted: the key brings them back no more. */
	fixture_load_keys(&f, 2, both);
	ck_assert_int_eq(ask_session(&f, old[1].cookie), VERDICT_NO_SESSION);
	ck_assert_uint_eq(f.revokes, 1);
}
END_TEST

/* The key went while authd was not there. */
START_TEST(lost_while_authd_was_down)
{
	struct login_answer old, young;

	log_in(&old);
	fixture_load_keys(&f, 2, both);
	log_in(&young);
	fixture_restart(&f, false);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	fixture_connect_ctl(&f);
	ck_assert_uint_eq(ask_key_sessions(1), 1);
	fixture_load_keys(&f, 1, second);
	ck_assert_uint_eq(ask_key_sessions(1), 0);
	ck_assert_uint_eq(f.revokes, 1);
	ck_assert_int_eq(ask_session(&f, young.cookie), VERDICT_ALLOW);
	ck_assert_int_eq(ask_session(&f, old.cookie), VERDICT_NO_SESSION);
}
END_TEST

/* However often it is written again: else a revoked key's session would live
 * on under the next. */
START_TEST(a_session_stays_under_its_key)
{
	struct login_answer l;

	f.settings.idle_s = 600;
	log_in(&l);
	fixture_load_keys(&f, 2, both);
	clock_ahead_s += 300;
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_ALLOW);
	ck_assert_uint_eq(ask_key_sessions(1), 1);
	ck_assert_uint_eq(ask_key_sessions(2), 0);
	clock_ahead_s += 500; /* it was written: its idle time is not over */
	ck_assert_int_eq(ask_session(&f, l.cookie), VERDICT_ALLOW);
	f.settings.idle_s = 0;
}
END_TEST

/* "None is left" is said only when egress has dropped them as well. */
START_TEST(the_answer_waits_for_egress)
{
	struct login_answer l;
	struct answer a;

	log_in(&l);
	fixture_load_keys(&f, 2, both);
	f.egress_acks = false;
	fixture_load_keys(&f, 1, second);
	send_key_sessions(1, &a);
	fixture_run_ms(&f, 300);
	ck_assert(!a.done);
	ck_assert_uint_eq(f.revokes, 1);
	fixture_run_until(&f, &a.done);
	ck_assert_uint_eq(read_key_sessions(&a), 0);
}
END_TEST

START_TEST(the_asker_goes)
{
	struct login_answer l;
	struct answer a;

	log_in(&l);
	f.egress_acks = false;
	fixture_load_keys(&f, 1, second);
	send_key_sessions(1, &a);
	fixture_run_ms(&f, 50);
	fixture_lose(&f, &f.ctl);
	ck_assert_int_eq(a.err, ERR_UNAVAILABLE);
	fixture_connect_ctl(&f);
	ck_assert_uint_eq(ask_key_sessions(2), 0);
	/* and one that nobody ever answers is forgotten at the end */
	log_in(&l);
	fixture_load_keys(&f, 1, first);
	send_key_sessions(2, &a);
	fixture_run_ms(&f, 50);
}
END_TEST

START_TEST(expired_sessions_do_not_count)
{
	struct login_answer l;

	log_in(&l);
	ck_assert_uint_eq(ask_key_sessions(1), 1);
	clock_ahead_s = 86401;
	ck_assert_uint_eq(ask_key_sessions(1), 0);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("key sessions");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_lease_names_its_key);
	tcase_add_test(t, exactly_the_sessions_of_a_lost_key);
	tcase_add_test(t, lost_while_authd_was_down);
	tcase_add_test(t, a_session_stays_under_its_key);
	tcase_add_test(t, the_answer_waits_for_egress);
	tcase_add_test(t, the_asker_goes);
	tcase_add_test(t, expired_sessions_do_not_count);
	return unit_run("key sessions", t);
}
