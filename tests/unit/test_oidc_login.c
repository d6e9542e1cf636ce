/* Logins through a provider: good ones, who may, what stays
 * behind. */
#include "tests/unit/oidc_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"

#include "authd/oidc/oidc.h"
#include "authd/oidc/state.h"
#include "authd/session.h"
#include "tests/unit/unit.h"

static struct oidc_fixture o;

static void
setup(void)
{
	oidc_begin(&o);
}

static void
teardown(void)
{
	oidc_end(&o);
}

static struct openid_settings *
settings(void)
{
	return &o.f.settings.openid;
}

/* --- good logins --- */

START_TEST(a_login)
{
	struct callback_answer c;
	struct lease_answer l;
	struct oidc_visit v;

	oidc_visit(&o, "/kiali/console/graph?x=1", "", &v);
	oidc_come_back(&o, &v, &c);
	oidc_check_good(&o, &c);
	ck_assert_str_eq(c.path, "/kiali/console/graph?x=1");
	ck_assert_uint_eq(strlen(c.cookie), STATE_COOKIE_LEN);
	ck_assert_uint_eq(c.rounds, 0);
	ck_assert_int_gt(c.expires, clock_unix_s() + 3500);
	ck_assert_int_le(c.expires, clock_unix_s() + 3600);
	ck_assert_int_eq(ask_session(&o.f, c.session), VERDICT_ALLOW);
	ck_assert_int_eq(
	    ask_lease(&o.f, CREDENTIAL_COOKIE, c.session, &l), VERDICT_ALLOW);
	ck_assert_str_eq(l.user, "alice@example.com");
	ck_assert_uint_gt(strlen(l.token), 200); /* the id_token */
	/* Without RBAC nobody is asked what the cluster thinks of it. */
	ck_assert_uint_eq(fake.started, 0);
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 1);
	ck_assert_uint_eq(o.provider.asked[STANDIN_DISCOVERY], 1);
}
END_TEST

START_TEST(the_session_ends_with_the_token)
{
	struct callback_answer c;

	o.provider.expires_in = 600;
	oidc_login(&o, NULL, &c);
	oidc_check_good(&o, &c);
	ck_assert_int_le(c.expires, clock_unix_s() + 600);
	clock_ahead_s += 601;
	ck_assert_int_eq(ask_session(&o.f, c.session), VERDICT_EXPIRED);
}
END_TEST

START_TEST(the_access_token_can_be_the_one)
{
	struct callback_answer c;
	struct lease_answer l;

	settings()->use_access_token = true;
	oidc_login(&o, NULL, &c);
	oidc_check_good(&o, &c);
	ck_assert_int_eq(
	    ask_lease(&o.f, CREDENTIAL_COOKIE, c.session, &l), VERDICT_ALLOW);
	ck_assert_str_eq(l.token, "access-1");
}
END_TEST

START_TEST(tabs_do_not_disturb_each_other)
{
	struct oidc_visit first, second;
	struct callback_answer c;

	oidc_visit(&o, "/kiali/a", "", &first);
	oidc_visit(&o, "/kiali/b", first.cookie, &second);
	/* The browser has the later cookie now. */
	memcpy(first.cookie, second.cookie, sizeof(first.cookie));
	oidc_come_back(&o, &first, &c);
	oidc_check_good(&o, &c);
	ck_assert_str_eq(c.path, "/kiali/a");
	oidc_come_back(&o, &second, &c);
	oidc_check_good(&o, &c);
	ck_assert_str_eq(c.path, "/kiali/b");
}
END_TEST

START_TEST(authd_may_be_restarted_in_between)
{
	static const uint8_t keys[] = { 2, 1 };
	struct callback_answer c;
	struct oidc_visit v;

	oidc_visit(&o, "/kiali/a", "", &v);
	fixture_restart(&o.f, true);
	fixture_load_keys(&o.f, 2, keys); /* and the key changed as well */
	fixture_connect_frontend(&o.f);
	fixture_connect_egress(&o.f);
	oidc_come_back(&o, &v, &c);
	oidc_check_good(&o, &c);
	ck_assert_str_eq(c.path, "/kiali/a");
	/* And over a restart it counts once. */
	fixture_restart(&o.f, true);
	fixture_connect_frontend(&o.f);
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
}
END_TEST

START_TEST(the_old_session_of_the_browser_ends)
{
	struct callback_answer first, second;
	unsigned before;

	oidc_login(&o, NULL, &first);
	oidc_check_good(&o, &first);
	before = o.f.revokes;
	oidc_login(&o, first.session, &second);
	oidc_check_good(&o, &second);
	ck_assert_uint_eq(o.f.revokes, before + 1);
	ck_assert_int_eq(ask_session(&o.f, first.session), VERDICT_NO_SESSION);
	ck_assert_int_eq(ask_session(&o.f, second.session), VERDICT_ALLOW);
	ck_assert_uint_eq(o.f.authd->sessions_ended, 1);
}
END_TEST

/* Also one that is over, or of another strategy: it must not come to life
 * again. */
START_TEST(an_old_session_of_no_use_ends_as_well)
{
	struct callback_answer first, second, third;

	oidc_login(&o, NULL, &first);
	o.f.settings.idle_s = 600;
	clock_ahead_s += 700;
	ck_assert_int_eq(ask_session(&o.f, first.session), VERDICT_EXPIRED);
	oidc_login(&o, first.session, &second);
	oidc_check_good(&o, &second);
	ck_assert_uint_eq(sessions_count(o.f.authd->sessions), 1);
	o.f.settings.strategy = STRATEGY_TOKEN;
	ck_assert_int_eq(ask_session(&o.f, second.session), VERDICT_NO_SESSION);
	oidc_login(&o, second.session, &third);
	o.f.settings.strategy = STRATEGY_OPENID;
	ck_assert_int_eq(ask_session(&o.f, second.session), VERDICT_NO_SESSION);
	ck_assert_uint_eq(sessions_count(o.f.authd->sessions), 1);
}
END_TEST

static bool disk_is_full;
int __real_sessions_delete(
    struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN]);
int __wrap_sessions_delete(
    struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN]);

int
__wrap_sessions_delete(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN])
{
	if (!disk_is_full)
		return __real_sessions_delete(s, handle);
	disk_is_full = false;
	return ERR_IO;
}

/* Nobody gets a second session beside one that cannot be ended. */
START_TEST(an_old_session_that_stays)
{
	struct callback_answer first, second;

	oidc_login(&o, NULL, &first);
	disk_is_full = true;
	oidc_login(&o, first.session, &second);
	oidc_check_refused(&o, &second, LOGIN_UNAVAILABLE);
	ck_assert(!disk_is_full);
	ck_assert_uint_eq(sessions_count(o.f.authd->sessions), 1);
	ck_assert_int_eq(ask_session(&o.f, first.session), VERDICT_ALLOW);
}
END_TEST

START_TEST(a_dead_egress_does_not_keep_anybody_out)
{
	struct callback_answer first, second;

	oidc_login(&o, NULL, &first);
	o.f.egress_acks = false;
	oidc_login(&o, first.session, &second); /* waits for the time-out */
	oidc_check_good(&o, &second);
	ck_assert_int_eq(ask_session(&o.f, first.session), VERDICT_NO_SESSION);
}
END_TEST

START_TEST(a_refused_login_leaves_the_old_session)
{
	struct callback_answer first, second;
	struct oidc_visit v;
	struct callback_question q = { .cookie = v.cookie,
		.query = "state=x&code=y" };

	oidc_visit(&o, "", "", &v);
	oidc_login(&o, NULL, &first);
	q.session = first.session;
	ask_callback(&o, &q, &second);
	oidc_check_refused(&o, &second, LOGIN_REJECTED);
	ck_assert_int_eq(ask_session(&o.f, first.session), VERDICT_ALLOW);
}
END_TEST

START_TEST(a_hundred_at_once)
{
	static struct answer answers[100];
	static struct oidc_visit visits[100];
	struct callback_answer c;

	for (int i = 0; i < 100; i++)
		oidc_visit(&o, "", "", &visits[i]);
	for (int i = 0; i < 100; i++) {
		struct callback_question q = { .query = visits[i].query,
			.cookie = visits[i].cookie };
		send_callback(&o, &q, &answers[i]);
	}
	for (int i = 0; i < 100; i++) {
		fixture_run_until(&o.f, &answers[i].done);
		read_callback(&answers[i], &c);
		ck_assert_msg(c.code == LOGIN_OK, "%s", c.reason);
	}
	ck_assert_uint_eq(o.provider.asked[STANDIN_JWKS], 1);
}
END_TEST

/* --- the cluster --- */

START_TEST(the_cluster_is_asked)
{
	struct callback_answer c;

	settings()->disable_rbac = false;
	settings()->use_access_token = true;
	o.provider.access_token = "good-cluster";
	oidc_login(&o, NULL, &c);
	oidc_check_good(
	    &o, &c); /* as the provider has the name, not the cluster */
	ck_assert_uint_eq(fake.started, 1);
	ck_assert_int_eq(ask_session(&o.f, c.session), VERDICT_ALLOW);
}
END_TEST

static const struct {
	const char *token;
	enum login_code code;
} clusters[] = {
	{ "bad", LOGIN_REJECTED },
	{ "over", LOGIN_EXPIRED },
	{ "none", LOGIN_NO_NAMESPACE },
	{ "down", LOGIN_UNAVAILABLE },
};

START_TEST(the_cluster_may_refuse)
{
	struct callback_answer c;

	settings()->disable_rbac = false;
	settings()->use_access_token = true;
	o.provider.access_token = clusters[_i].token;
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, clusters[_i].code);
	if (c.code == LOGIN_REJECTED)
		ck_assert_ptr_nonnull(strstr(c.reason, "OIDC settings"));
}
END_TEST

/* --- who it is --- */

START_TEST(userinfo_says_the_rest)
{
	static char claim[] = "preferred_username";
	struct callback_answer c;

	settings()->username_claim = claim;
	oidc_login(&o, NULL, &c);
	ck_assert_msg(c.code == LOGIN_OK, "%s", c.reason);
	ck_assert_str_eq(c.user, "alice");
	ck_assert_uint_eq(o.provider.asked[STANDIN_USERINFO], 1);
	/* Of somebody else it says nothing. */
	standin_say(&o.provider.userinfo, "{\"sub\":\"subject-2\"}");
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	/* And what must be known is not left out. */
	standin_say(&o.provider.userinfo, NULL);
	o.provider.fault[STANDIN_USERINFO].status = 500;
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
}
END_TEST

START_TEST(userinfo_can_be_done_without)
{
	struct callback_answer c;

	standin_say(&o.provider.id_token, "{\"groups\":null}");
	o.provider.fault[STANDIN_USERINFO].status = 500;
	oidc_login(&o, NULL, &c);
	oidc_check_good(&o, &c);
	ck_assert_uint_eq(o.provider.asked[STANDIN_USERINFO], 1);
}
END_TEST

START_TEST(domains_are_allowed)
{
	struct callback_answer c;

	conf_list_add(&settings()->allowed_domains, "example.org");
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, LOGIN_FORBIDDEN);
	conf_list_add(&settings()->allowed_domains, "example.com");
	oidc_login(&o, NULL, &c);
	oidc_check_good(&o, &c);
}
END_TEST

START_TEST(people_are_allowed)
{
	struct callback_answer c;

	settings()->allow.present = true;
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, LOGIN_FORBIDDEN);
	conf_list_add(&settings()->allow.groups, "mesh");
	oidc_login(&o, NULL, &c);
	oidc_check_good(&o, &c);
}
END_TEST

/* --- what stays behind --- */

START_TEST(nobody_waits_any_more)
{
	struct oidc_visit v;
	struct answer a;
	struct callback_question q = { .query = v.query, .cookie = v.cookie };

	oidc_visit(&o, "", "", &v);
	o.provider.hold_tokens = true;
	send_callback(&o, &q, &a);
	fixture_run_ms(&o.f, 100);
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 1);
	fixture_lose(&o.f, &o.f.frontend);
	standin_release(&o.provider);
	fixture_run_ms(&o.f, 200);
	ck_assert_uint_eq(o.f.authd->oidc->n_attempts, 0);
	ck_assert_uint_eq(o.f.authd->oidc->logins, 0);
}
END_TEST

START_TEST(the_frontend_does_not_wait_forever)
{
	struct oidc_visit v;
	struct callback_answer c;
	struct answer a;
	struct callback_question q = { .query = v.query, .cookie = v.cookie };

	settings()->disable_rbac = false;
	settings()->use_access_token = true;
	o.provider.access_token = "good-cluster";
	oidc_visit(&o, "", "", &v);
	fake.hold = true;
	send_callback(&o, &q, &a);
	for (int i = 0; i < 200 && fake.started == 0; i++)
		fixture_run_ms(&o.f, 10);
	fixture_run_ms(&o.f, 10);
	clock_ahead_s += 23;
	fake_release();
	fixture_run_until(&o.f, &a.done);
	read_callback(&a, &c);
	oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
	ck_assert_uint_eq(sessions_count(o.f.authd->sessions), 0);
}
END_TEST

START_TEST(authd_may_end_at_any_time)
{
	struct oidc_visit v;
	static struct answer a, b; /* told when the channel ends */
	struct callback_question q = { .query = v.query, .cookie = v.cookie };

	oidc_visit(&o, "", "", &v);
	o.provider.fault[STANDIN_TOKEN].silent = true;
	send_callback(&o, &q, &a);
	send_start(&o, "", "", &b);
	fixture_run_ms(&o.f, 50);
	ck_assert_uint_ge(o.f.authd->oidc->n_attempts, 1);
}
END_TEST

START_TEST(too_many_at_once)
{
	static struct answer held[OIDC_LOGINS_MAX];
	struct start_answer s;

	o.provider.fault[STANDIN_DISCOVERY].silent = true;
	for (int i = 0; i < OIDC_LOGINS_MAX; i++)
		send_start(&o, "", "", &held[i]);
	fixture_run_ms(&o.f, 50);
	ck_assert_uint_eq(o.f.authd->oidc->n_attempts, OIDC_LOGINS_MAX);
	ask_start(&o, "", "", &s);
	ck_assert_int_eq(s.code, LOGIN_BUSY);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("oidc_login");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_login);
	tcase_add_test(t, the_session_ends_with_the_token);
	tcase_add_test(t, the_access_token_can_be_the_one);
	tcase_add_test(t, tabs_do_not_disturb_each_other);
	tcase_add_test(t, authd_may_be_restarted_in_between);
	tcase_add_test(t, the_old_session_of_the_browser_ends);
	tcase_add_test(t, an_old_session_of_no_use_ends_as_well);
	tcase_add_test(t, an_old_session_that_stays);
	tcase_add_test(t, a_dead_egress_does_not_keep_anybody_out);
	tcase_add_test(t, a_refused_login_leaves_the_old_session);
	tcase_add_test(t, a_hundred_at_once);
	tcase_add_test(t, the_cluster_is_asked);
	tcase_add_loop_test(
	    t, the_cluster_may_refuse, 0, (int)N_ROWS(clusters));
	tcase_add_test(t, userinfo_says_the_rest);
	tcase_add_test(t, userinfo_can_be_done_without);
	tcase_add_test(t, domains_are_allowed);
	tcase_add_test(t, people_are_allowed);
	tcase_add_test(t, nobody_waits_any_more);
	tcase_add_test(t, the_frontend_does_not_wait_forever);
	tcase_add_test(t, authd_may_end_at_any_time);
	tcase_add_test(t, too_many_at_once);
	return unit_run("oidc_login", t);
}
