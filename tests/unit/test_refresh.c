/*
 * Sessions that are refreshed: in time, once for all who ask, with tokens that
 * change hands at each refresh, a provider that says no, says nonsense, says
 * nothing, and people who sign out meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/resolve.h"

#include "authd/fetch.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/refresh.h"
#include "authd/oidc/token_endpoint.h"
#include "authd/session.h"
#include "tests/unit/authd_fixture.h"
#include "tests/unit/provider_standin.h"
#include "tests/unit/unit.h"

#define TOKEN_S 300 /* the life of the first tokens */
#define SESSION_S 36000

static struct fixture f;
static struct standin p;
static struct resolve *resolve;
static struct fetch_client *client;
static struct provider *provider;
static struct token_endpoint *endpoint;
static char client_id[] = "doorward", empty[] = "";
static char cookie[TICKET_LEN + 1];
static uint8_t handle[MSG_HANDLE_LEN];

static void
connect_peers(void)
{
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
}

static void
provider_begin(void)
{
	resolve = resolve_new_files(f.base, "/dev/null", "/dev/null");
	client = fetch_client_new(
	    f.base, resolve, &(struct fetch_options){ .plain = true });
	provider = provider_new(f.base, &f.settings, client);
	endpoint = token_endpoint_new(&f.settings, provider, client, NULL);
	token_endpoint_set_secret(endpoint, SLICE(""));
	f.authd->refreshes = refreshes_new(f.authd, provider, endpoint);
	connect_peers();
}

static void
provider_end(void)
{
	token_endpoint_free(endpoint);
	provider_free(provider);
	fetch_client_free(client);
	resolve_free(resolve);
	standin_end(&p);
}

static void
make_session_with(const char *id_token)
{
	struct identity alice = { .user = "alice", .name = "alice" };
	struct session_facts facts = { .who = &alice,
		.token = SLICE("good-old"),
		.token_end = clock_unix_s() + TOKEN_S,
		.issuer = p.issuer,
		.subject = "subject-1",
		.sid = "sid-1",
		.id_token = slice_of(id_token),
		.access_token = SLICE("good-old"),
		.refresh_token = SLICE("refresh-1") };
	int64_t until;

	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, &facts, cookie, &until), 0);
	ticket_handle(handle, slice_of(cookie));
}

static void
make_session(void)
{
	make_session_with("id-old");
}

static void
begin(void)
{
	struct openid_settings *o = &f.settings.openid;

	fixture_begin(&f);
	standin_begin(&p, f.base);
	f.settings.strategy = STRATEGY_OPENID;
	f.settings.expiration_s = SESSION_S;
	o->issuer = p.issuer;
	o->client_id = client_id;
	o->authorization_endpoint = empty;
	o->ports[0] = p.port;
	o->n_ports = 1;
	o->use_access_token = true;
	o->disable_rbac = true;
	o->refresh_margin_s = 60;
	p.refresh = true;
	p.access_token = "good-new";
	provider_begin();
	make_session();
}

static void
end(void)
{
	provider_end();
	fixture_end(&f);
}

/* --- what is asked, and what there is --- */

static unsigned
refreshed(void)
{
	return p.asked[STANDIN_TOKEN];
}

static enum verdict
lease(struct lease_answer *l)
{
	return ask_lease(&f, CREDENTIAL_COOKIE, cookie, l);
}

static void
expect_token(const char *token)
{
	struct lease_answer l;

	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.user, "alice");
	ck_assert_str_eq(l.token, token);
}

static void
expect_kept(const char *refresh_token)
{
	struct session s;

	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert(slice_is(s.refresh_token, refresh_token));
	ck_assert_str_eq(s.sid, "sid-1");
	session_wipe(&s);
}

static void
expect_over(void)
{
	struct session s;

	ck_assert_int_eq(
	    sessions_find(f.authd->sessions, handle, &s), ERR_NOT_FOUND);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
	ck_assert_int_eq(lease(NULL), VERDICT_NO_SESSION);
}

static void
wait_for_count(const unsigned *count, unsigned n)
{
	for (int i = 0; i < 1000 && *count < n; i++)
		fixture_run_ms(&f, 5);
	ck_assert_uint_eq(*count, n);
}

/* --- in time --- */

START_TEST(tokens_that_are_good_are_left_alone)
{
	struct lease_answer l;

	clock_ahead_s = TOKEN_S - 70;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.token, "good-old");
	ck_assert_uint_eq(refreshed(), 0);
	ck_assert_uint_eq(fake.started, 0); /* nobody reviews */
	ck_assert_int_le(l.lease_ms, 60000);
}
END_TEST

START_TEST(refreshed_before_they_end)
{
	int64_t start = clock_unix_s();
	struct lease_answer l;

	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.token, "good-new");
	ck_assert_int_ge(l.end, start + SESSION_S - 2);
	ck_assert_int_le(l.end, start + SESSION_S + 2);
	ck_assert_uint_eq(refreshed(), 1);
	expect_kept("refresh-2");
	expect_token("good-new");
	ck_assert_uint_eq(refreshed(), 1);
	clock_ahead_s += 3600 - 10; /* with the new refresh token */
	p.access_token = "good-newer";
	expect_token("good-newer");
	expect_kept("refresh-3");
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

START_TEST(who_comes_back_late_is_refreshed_first)
{
	clock_ahead_s = 20000;
	expect_token("good-new");
	clock_ahead_s = 30000;
	p.access_token = "good-newer";
	ck_assert_int_eq(ask_session(&f, cookie), VERDICT_ALLOW);
	ck_assert_uint_eq(refreshed(), 2);
	clock_ahead_s = SESSION_S + 1; /* but not for ever */
	ck_assert_int_eq(lease(NULL), VERDICT_EXPIRED);
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

/* A lease is never good for longer than the token that it carries. */
START_TEST(leases_end_with_the_token)
{
	struct lease_answer l;

	f.settings.recheck_s = 3600;
	p.expires_in = 30;
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_uint_le(l.lease_ms, 30000);
	ck_assert_uint_gt(l.lease_ms, 25000);
	expect_token("good-new"); /* half of their life is enough */
	ck_assert_uint_eq(refreshed(), 1);
	clock_ahead_s += 16;
	expect_token("good-new");
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

static const struct {
	bool keep;
	const char *answer; /* laid over */
	const char *kept;
} rotations[] = {
	{ false, NULL, "refresh-2" },
	{ true, NULL, "refresh-1" },
	{ true, "{\"refresh_token\":null}", "refresh-1" },
	{ true, "{\"refresh_token\":null,\"id_token\":null}", "refresh-1" },
};

START_TEST(the_refresh_token_that_counts_is_kept)
{
	p.keep_refresh = rotations[_i].keep;
	standin_say(&p.token_answer, rotations[_i].answer);
	clock_ahead_s = TOKEN_S;
	expect_token("good-new");
	expect_kept(rotations[_i].kept);
	fixture_run_ms(&f, 20);
	ck_assert_uint_eq(p.asked[STANDIN_REVOKE], 0);
	clock_ahead_s += 3600;
	expect_token("good-new");
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

START_TEST(the_new_id_token_is_used_when_that_is_wanted)
{
	struct lease_answer l;

	f.settings.openid.use_access_token = false;
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_uint_gt(strlen(l.token), 200);
	ck_assert_uint_eq(refreshed(), 1);
}
END_TEST

/* --- all at once --- */

enum { MANY = 50 };

START_TEST(fifty_questions_are_one_refresh)
{
	static struct answer answers[MANY];
	struct lease_answer l;

	clock_ahead_s = TOKEN_S - 50;
	p.hold_tokens = true;
	for (size_t i = 0; i < MANY; i++)
		send_lease(&f, CREDENTIAL_COOKIE, cookie, &answers[i]);
	wait_for_count(&p.n_held, 1);
	fixture_run_ms(&f, 50);
	ck_assert_uint_eq(refreshed(), 1);
	for (size_t i = 0; i < MANY; i++)
		ck_assert(!answers[i].done);
	standin_release(&p);
	for (size_t i = 0; i < MANY; i++) {
		fixture_run_until(&f, &answers[i].done);
		read_lease(&answers[i], &l);
		ck_assert_int_eq(l.verdict, VERDICT_ALLOW);
		ck_assert_str_eq(l.token, "good-new");
	}
	ck_assert_uint_eq(refreshed(), 1);
	expect_kept("refresh-2");
}
END_TEST

/* Others do not wait for it, and no more than so many fly. */
START_TEST(a_bounded_number_of_refreshes)
{
	static struct answer answers[REFRESH_FLIGHTS];

	clock_ahead_s = TOKEN_S - 50;
	p.hold_tokens = true;
	for (size_t i = 0; i < REFRESH_FLIGHTS; i++) {
		clock_ahead_s = 0;
		make_session();
		clock_ahead_s = TOKEN_S - 50;
		send_lease(&f, CREDENTIAL_COOKIE, cookie, &answers[i]);
	}
	wait_for_count(&p.n_held, REFRESH_FLIGHTS);
	clock_ahead_s = 0;
	make_session();
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), REFRESH_FLIGHTS);
	clock_ahead_s = TOKEN_S;
	ck_assert_int_eq(lease(NULL), VERDICT_UNAVAILABLE);
	standin_release(&p);
	for (size_t i = 0; i < REFRESH_FLIGHTS; i++)
		fixture_run_until(&f, &answers[i].done);
}
END_TEST

/* --- refused --- */

START_TEST(invalid_grant_ends_the_session)
{
	p.generation = 9;
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(NULL), VERDICT_REJECTED);
	ck_assert_uint_eq(f.authd->sessions_ended, 1);
	wait_for_count(&f.revokes, 1);
	ck_assert_mem_eq(f.revoked, handle, MSG_HANDLE_LEN);
	expect_over();
	ck_assert_uint_eq(refreshed(), 1);
}
END_TEST

START_TEST(an_id_token_of_another_person_ends_the_session)
{
	standin_say(&p.id_token, "{\"sub\":\"subject-2\"}");
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(NULL), VERDICT_REJECTED);
	expect_over();
	wait_for_count(&p.asked[STANDIN_REVOKE], 2);
}
END_TEST

static const char *const bad_id_tokens[] = {
	"{\"aud\":\"others\"}",
	"{\"iss\":\"https://evil.example\"}",
	"{\"exp\":1000}",
	"{\"exp\":null}",
	"{\"at_hash\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
};

/* Nothing of such an answer is used; but the old refresh token is spent. */
START_TEST(a_bad_id_token_brings_nothing)
{
	standin_say(&p.id_token, bad_id_tokens[_i]);
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-old");
	expect_kept("refresh-2");
	standin_say(&p.id_token, NULL);
	clock_ahead_s += 6;
	expect_token("good-new");
	expect_kept("refresh-3");
}
END_TEST

static const struct {
	const char *said, *token;
} nonces[] = {
	{ "{\"nonce\":\"n-1\"}", "good-new" },
	{ "{\"nonce\":\"n-2\"}", "good-old" },
	{ "{\"nonce\":1}", "good-old" },
	{ "{}", "good-new" },
};

/* Core 12.2: a nonce need not be there, but no other one may. */
START_TEST(the_nonce_stays)
{
	char *first = standin_sign(&p, "{\"nonce\":\"n-1\"}");

	make_session_with(first);
	free(first);
	standin_say(&p.id_token, nonces[_i].said);
	clock_ahead_s = TOKEN_S - 50;
	expect_token(nonces[_i].token);
	expect_kept("refresh-2");
}
END_TEST

/* Nobody says until when it is good: as long as the one before was. */
START_TEST(an_access_token_without_an_end)
{
	struct lease_answer l;

	standin_say(&p.token_answer, "{\"id_token\":null,\"expires_in\":null}");
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-new");
	p.access_token = "good-newer";
	clock_ahead_s += TOKEN_S - 55;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.token, "good-newer");
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

/* What the console gets is the id_token, and no new one comes. */
START_TEST(without_a_new_id_token_the_session_ends_with_the_old_one)
{
	struct session s;

	f.settings.openid.use_access_token = false;
	standin_say(&p.token_answer, "{\"id_token\":null}");
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-old");
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert_uint_eq(s.refresh_token.len, 0);
	ck_assert(slice_is(s.id_token, "id-old"));
	ck_assert_int_eq(s.end, s.token_end);
	session_wipe(&s);
	wait_for_count(&p.asked[STANDIN_REVOKE], 1);
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), 1);
	clock_ahead_s = TOKEN_S + 1;
	ck_assert_int_eq(lease(NULL), VERDICT_EXPIRED);
}
END_TEST

/* --- not now --- */

static const struct standin_fault faults[] = {
	{ .status = 503 },
	{ .status = 429 },
	{ .status = 200, .body = "no JSON" },
	{ .status = 401, .body = "{\"error\":\"invalid_client\"}" },
	{ .status = 400, .body = "{\"error\":\"invalid_scope\"}" },
	{ .status = 302 },
};

START_TEST(old_tokens_serve_while_they_are_good)
{
	struct lease_answer l;

	f.settings.recheck_s = 3600;
	p.fault[STANDIN_TOKEN] = faults[_i];
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.token, "good-old");
	ck_assert_uint_le(l.lease_ms, REFRESH_REST_MS);
	ck_assert_uint_eq(refreshed(), 1);
	expect_token("good-old"); /* it rests */
	ck_assert_uint_eq(refreshed(), 1);
	clock_ahead_s += 6;
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), 2);
	p.fault[STANDIN_TOKEN] = (struct standin_fault){ .status = 0 };
	clock_ahead_s += 6;
	expect_token("good-new");
	expect_kept("refresh-2");
}
END_TEST

START_TEST(without_the_provider_a_session_ends_with_its_tokens)
{
	p.fault[STANDIN_TOKEN] = faults[_i];
	clock_ahead_s = TOKEN_S + 1;
	ck_assert_int_eq(lease(NULL), VERDICT_EXPIRED);
	ck_assert_uint_eq(f.authd->sessions_ended, 1);
	expect_over();
}
END_TEST

/* It failed while the tokens were good: one more try decides. */
START_TEST(at_the_end_it_is_tried_once_more)
{
	p.fault[STANDIN_TOKEN] = faults[0];
	clock_ahead_s = TOKEN_S - 3;
	expect_token("good-old");
	clock_ahead_s = TOKEN_S;
	ck_assert_int_eq(lease(NULL), VERDICT_UNAVAILABLE);
	p.fault[STANDIN_TOKEN] = (struct standin_fault){ .status = 0 };
	clock_ahead_s = TOKEN_S + 6;
	expect_token("good-new");
}
END_TEST

START_TEST(a_provider_that_is_down_is_left_in_peace)
{
	clock_ahead_s = TOKEN_S - 50;
	p.fault[STANDIN_TOKEN] = faults[0];
	expect_token("good-old");
	clock_ahead_s = 0;
	make_session();
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), 1);
	clock_ahead_s += 2;
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

/* A provider that takes its time keeps nobody waiting whose tokens are good. */
START_TEST(old_tokens_serve_while_the_answer_is_late)
{
	int64_t start = clock_mono_ms();
	struct answer over;
	struct lease_answer l;

	p.hold_tokens = true;
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.token, "good-old");
	ck_assert_uint_le(l.lease_ms, REFRESH_REST_MS);
	ck_assert_int_ge(clock_mono_ms() - start, REFRESH_PATIENCE_MS - 100);
	start = clock_mono_ms();
	expect_token("good-old");
	ck_assert_int_lt(clock_mono_ms() - start, REFRESH_PATIENCE_MS / 2);
	clock_ahead_s = TOKEN_S; /* whose tokens are not, waits */
	send_lease(&f, CREDENTIAL_COOKIE, cookie, &over);
	fixture_run_ms(&f, REFRESH_PATIENCE_MS + 100);
	ck_assert(!over.done);
	standin_release(&p);
	fixture_run_until(&f, &over.done);
	read_lease(&over, &l);
	ck_assert_str_eq(l.token, "good-new");
	ck_assert_uint_eq(refreshed(), 1);
}
END_TEST

/* It gives what it gave before: no reason to ask at every request. */
START_TEST(a_provider_that_brings_nothing_new)
{
	p.access_token = "good-old";
	p.expires_in = 50;
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-old");
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), 1);
	clock_ahead_s += 6;
	expect_token("good-old");
	ck_assert_uint_eq(refreshed(), 2);
}
END_TEST

/* --- meanwhile --- */

START_TEST(signing_out_wins)
{
	static struct answer answers[3];
	struct lease_answer l;

	clock_ahead_s = TOKEN_S - 50;
	p.hold_tokens = true;
	for (size_t i = 0; i < 3; i++)
		send_lease(&f, CREDENTIAL_COOKIE, cookie, &answers[i]);
	wait_for_count(&p.n_held, 1);
	ck_assert_int_eq(ask_logout(&f, cookie), VERDICT_ALLOW);
	standin_release(&p);
	for (size_t i = 0; i < 3; i++) {
		fixture_run_until(&f, &answers[i].done);
		read_lease(&answers[i], &l);
		ck_assert_int_eq(l.verdict, VERDICT_NO_SESSION);
		ck_assert_str_eq(l.token, "");
	}
	expect_over();
	wait_for_count(&p.asked[STANDIN_REVOKE], 2);
	ck_assert_ptr_nonnull(strstr(p.last[STANDIN_REVOKE], "token=good-new"));
}
END_TEST

/* A process that ends here leaves the session as it was before. */
START_TEST(nothing_changes_before_the_answer)
{
	static struct answer a;

	clock_ahead_s = TOKEN_S - 50;
	p.hold_tokens = true;
	send_lease(&f, CREDENTIAL_COOKIE, cookie, &a);
	wait_for_count(&p.n_held, 1);
	expect_kept("refresh-1");
	standin_release(&p);
	fixture_run_until(&f, &a.done);
	expect_kept("refresh-2");
}
END_TEST

/* --- the cluster --- */

START_TEST(the_cluster_is_asked_about_the_new_token)
{
	f.settings.openid.disable_rbac = false;
	expect_token("good-old");
	ck_assert_uint_eq(fake.started, 1);
	clock_ahead_s = TOKEN_S - 50;
	expect_token("good-new");
	ck_assert_uint_eq(fake.started, 2);
	p.access_token = "bad-newer";
	clock_ahead_s += 3600;
	ck_assert_int_eq(lease(NULL), VERDICT_REJECTED);
	expect_over();
}
END_TEST

/* Who it is is what the provider said at the login. */
START_TEST(the_cluster_does_not_rename_anybody)
{
	struct lease_answer l;

	f.settings.openid.disable_rbac = false;
	p.access_token = "good-system-of-the-cluster";
	clock_ahead_s = TOKEN_S - 50;
	ck_assert_int_eq(lease(&l), VERDICT_ALLOW);
	ck_assert_str_eq(l.user, "alice");
}
END_TEST

START_TEST(api_clients_have_no_session_here)
{
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-alice", NULL),
	    VERDICT_NO_SESSION);
	ck_assert_uint_eq(fake.started, 0);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, tokens_that_are_good_are_left_alone);
	tcase_add_test(tc, refreshed_before_they_end);
	tcase_add_test(tc, who_comes_back_late_is_refreshed_first);
	tcase_add_test(tc, leases_end_with_the_token);
	tcase_add_loop_test(
	    tc, the_refresh_token_that_counts_is_kept, 0, COUNT(rotations));
	tcase_add_test(tc, the_new_id_token_is_used_when_that_is_wanted);
	tcase_add_test(tc, fifty_questions_are_one_refresh);
	tcase_add_test(tc, a_bounded_number_of_refreshes);
	tcase_add_test(tc, invalid_grant_ends_the_session);
	tcase_add_test(tc, an_id_token_of_another_person_ends_the_session);
	tcase_add_loop_test(
	    tc, a_bad_id_token_brings_nothing, 0, COUNT(bad_id_tokens));
	tcase_add_loop_test(tc, the_nonce_stays, 0, COUNT(nonces));
	tcase_add_test(tc, an_access_token_without_an_end);
	tcase_add_test(
	    tc, without_a_new_id_token_the_session_ends_with_the_old_one);
	tcase_add_loop_test(
	    tc, old_tokens_serve_while_they_are_good, 0, COUNT(faults));
	tcase_add_loop_test(tc,
	    without_the_provider_a_session_ends_with_its_tokens, 0,
	    COUNT(faults));
	tcase_add_test(tc, at_the_end_it_is_tried_once_more);
	tcase_add_test(tc, a_provider_that_is_down_is_left_in_peace);
	tcase_add_test(tc, old_tokens_serve_while_the_answer_is_late);
	tcase_add_test(tc, a_provider_that_brings_nothing_new);
	tcase_add_test(tc, signing_out_wins);
	tcase_add_test(tc, nothing_changes_before_the_answer);
	tcase_add_test(tc, the_cluster_is_asked_about_the_new_token);
	tcase_add_test(tc, the_cluster_does_not_rename_anybody);
	tcase_add_test(tc, api_clients_have_no_session_here);
}

int
main(void)
{
	TCase *tc = tcase_create("refresh");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 30);
	add_tests(tc);
	return unit_run("refresh", tc);
}
