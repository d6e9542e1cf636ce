/*
 * Leases against an authd of the test's own at the other end of a socket pair:
 * asking once, renewing, revocation, authd away.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "egress/egress.h"
#include "egress/handlers.h"
#include "egress/lease.h"

/* The clock that the leases see can be set forward. */
static int64_t later_ms;
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + later_ms;
}

static struct event_base *base;
static struct egress eg;
static struct chan *authd_side;

/* What the other end answers, and what it has been asked. */
static enum verdict verdict;
static uint32_t life_ms;
static bool silent;
static int n_asked, n_acked;

/* What came to the exchanges. */
static int n_done, n_cut;
static enum verdict last_verdict;
static struct lease *last_lease;
static struct lease_holder holder;

static int
handle_lease(struct chan *ch, struct chan_in *in)
{
	uint8_t payload[1024], handle[MSG_HANDLE_LEN];
	struct wire_writer w;
	struct slice value;

	n_asked++;
	ck_assert_int_eq(wire_get_u8(&in->body), CREDENTIAL_COOKIE);
	value = wire_get_bytes(&in->body, MSG_TOKEN_MAX);
	ck_assert(slice_is(wire_get_text(&in->body, MSG_ROUTE_MAX), "console"));
	wire_get_text(&in->body, MSG_CLIENT_MAX);
	ck_assert_int_eq(wire_end(&in->body), 0);
	if (silent)
		return 0;
	ck_assert_int_eq(
	    EVP_Digest(value.p, value.len, handle, NULL, EVP_sha256(), NULL),
	    1);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)verdict);
	wire_put_text(&w, verdict == VERDICT_ALLOW ? "alice" : "");
	wire_put_text(&w, verdict == VERDICT_ALLOW ? "TOKEN" : "");
	wire_put_u32(&w, life_ms);
	wire_put_u64(&w, 0);
	wire_put_raw(&w, handle, sizeof(handle));
	/* "k..." is under a key of its own */
	wire_put_raw(&w, value.p[0] == 'k' ? "new!" : "old!", MSG_KEY_ID_LEN);
	return chan_reply(ch, in->id, MSG_LEASE_RESULT, &w, -1);
}

static const struct chan_handler from_egress[] = {
	{ MSG_LEASE, CHAN_READY, handle_lease },
};
static const struct chan_peer authd_peer = {
	.self = ROLE_AUTHD,
	.peer = ROLE_EGRESS,
	.handlers = from_egress,
	.n_handlers = 1,
};

static void
connect_authd(void)
{
	int fds[2];

	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	eg.authd = chan_accepted(base, fds[0], &egress_authd, &eg);
	authd_side = chan_accepted(base, fds[1], &authd_peer, NULL);
	leases_set_authd(eg.leases, eg.authd);
}

/* Runs the loop for ms. */
static void
run(int ms)
{
	const struct timeval t = { .tv_sec = ms / 1000,
		.tv_usec = (ms % 1000) * 1000 };

	event_base_loopexit(base, &t);
	event_base_dispatch(base);
}

static void
set_up(void)
{
	log_open("test");
	base = event_base_new();
	eg.base = base;
	eg.leases = leases_new(base, 100);
	verdict = VERDICT_ALLOW;
	life_ms = 10000;
	connect_authd();
	run(50);
}

static void
done(enum verdict v, struct lease *l, void *arg)
{
	(void)arg;
	n_done++;
	last_verdict = v;
	last_lease = l;
	if (l != NULL && arg != NULL)
		lease_hold(l, arg);
}

static void
cut(struct lease_holder *h, enum verdict why)
{
	n_cut++;
	last_verdict = why;
	lease_release(h);
}

static void
get(const char *cookie, void *hold)
{
	lease_get(eg.leases, CREDENTIAL_COOKIE, slice_of(cookie), "console",
	    "192.0.2.1:1", done, hold);
}

static void
handle_of(uint8_t handle[MSG_HANDLE_LEN], const char *cookie)
{
	ck_assert_int_eq(EVP_Digest(cookie, strlen(cookie), handle, NULL,
			     EVP_sha256(), NULL),
	    1);
}

START_TEST(asked_once)
{
	get("c1", NULL);
	get("c1", NULL);
	ck_assert_int_eq(n_done, 0);
	run(50);
	ck_assert_int_eq(n_done, 2);
	ck_assert_int_eq(last_verdict, VERDICT_ALLOW);
	ck_assert(slice_is(lease_token(last_lease), "TOKEN"));
	get("c1", NULL);
	ck_assert_int_eq(n_done, 3);
	ck_assert_int_eq(n_asked, 1);
	get("c2", NULL);
	run(50);
	ck_assert_int_eq(n_asked, 2);
}
END_TEST

START_TEST(refusal_is_not_kept_without_life)
{
	verdict = VERDICT_NO_SESSION;
	life_ms = 0;
	get("c1", NULL);
	run(50);
	ck_assert_int_eq(last_verdict, VERDICT_NO_SESSION);
	ck_assert_ptr_null(last_lease);
	ck_assert_uint_eq(leases_count(eg.leases), 0);
	get("c1", NULL);
	run(50);
	ck_assert_int_eq(n_asked, 2);
}
END_TEST

START_TEST(renewed_while_held)
{
	holder.cut = cut;
	life_ms = 1200;
	get("c1", &holder);
	run(2500);
	ck_assert_int_ge(n_asked, 2);
	ck_assert_int_eq(n_cut, 0);
	verdict = VERDICT_REJECTED;
	life_ms = 0;
	run(2000);
	ck_assert_int_eq(n_cut, 1);
	ck_assert_ptr_null(holder.lease);
	ck_assert_uint_eq(leases_count(eg.leases), 0);
}
END_TEST

START_TEST(not_renewed_unused)
{
	life_ms = 400;
	get("c1", NULL);
	run(1500);
	ck_assert_int_eq(n_asked, 1);
	ck_assert_uint_eq(leases_count(eg.leases), 0);
}
END_TEST

static void
acked(int err, struct chan_in *reply, void *arg)
{
	(void)arg;
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(wire_get_u64(&reply->body), 7);
	n_acked++;
}

static void
push_revoke(enum revoke what, const char *cookie)
{
	uint8_t payload[64], handle[MSG_HANDLE_LEN] = { 0 };
	struct wire_writer w;

	if (cookie != NULL)
		handle_of(handle, cookie);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u64(&w, 7);
	wire_put_u8(&w, (uint8_t)what);
	wire_put_raw(&w, handle, sizeof(handle));
	chan_request(authd_side, MSG_REVOKE, &w, -1, 1000, acked, NULL);
}

START_TEST(revoked)
{
	holder.cut = cut;
	get("c1", &holder);
	get("c2", NULL);
	run(50);
	push_revoke(REVOKE_SESSION, "c1");
	run(50);
	ck_assert_int_eq(n_cut, 1);
	ck_assert_int_eq(n_acked, 1);
	ck_assert_uint_eq(leases_count(eg.leases), 1);
	verdict = VERDICT_NO_SESSION;
	life_ms = 0;
	get("c1", NULL);
	run(50);
	ck_assert_int_eq(last_verdict, VERDICT_NO_SESSION);
}
END_TEST

/* All sessions under the key, and no others. */
START_TEST(revoked_key)
{
	uint8_t payload[64], handle[MSG_HANDLE_LEN] = "old!";
	struct wire_writer w;

	holder.cut = cut;
	get("c1", &holder);
	get("c2", NULL);
	get("k1", NULL);
	get("k2", NULL);
	run(50);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u64(&w, 7);
	wire_put_u8(&w, REVOKE_KEY);
	wire_put_raw(&w, handle, sizeof(handle));
	chan_request(authd_side, MSG_REVOKE, &w, -1, 1000, acked, NULL);
	run(50);
	ck_assert_int_eq(n_acked, 1);
	ck_assert_int_eq(n_cut, 1);
	ck_assert_uint_eq(leases_count(eg.leases), 2);
	n_asked = 0;
	get("k1", NULL);
	ck_assert_int_eq(last_verdict, VERDICT_ALLOW);
	ck_assert_int_eq(n_asked, 0);
}
END_TEST

START_TEST(revoked_all)
{
	holder.cut = cut;
	get("c1", &holder);
	get("c2", NULL);
	run(50);
	push_revoke(REVOKE_ALL, NULL);
	run(50);
	ck_assert_int_eq(n_cut, 1);
	ck_assert_uint_eq(leases_count(eg.leases), 0);
}
END_TEST

/* authd cannot decide: the old lease runs to its end, and no further. */
START_TEST(unavailable)
{
	life_ms = 900;
	get("c1", NULL);
	run(700);
	verdict = VERDICT_UNAVAILABLE;
	get("c1", NULL);
	ck_assert_int_eq(last_verdict, VERDICT_ALLOW);
	run(400);
	get("c1", NULL);
	run(50);
	ck_assert_int_eq(last_verdict, VERDICT_UNAVAILABLE);
	ck_assert_ptr_null(last_lease);
}
END_TEST

START_TEST(authd_silent_then_gone)
{
	silent = true;
	get("c1", NULL);
	run(50);
	ck_assert_int_eq(n_done, 0);
	chan_free(authd_side);
	run(50);
	ck_assert_int_eq(n_done, 1);
	ck_assert_int_eq(last_verdict, VERDICT_UNAVAILABLE);
}
END_TEST

/* What is under way outlives its lease for a while, but not for ever. */
START_TEST(held_without_verdict)
{
	holder.cut = cut;
	life_ms = 300;
	get("c1", &holder);
	run(50);
	silent = true;
	run(1000);
	later_ms = LEASE_HOLD_MS - 2000;
	run(600);
	ck_assert_int_eq(n_cut, 0);
	later_ms = LEASE_HOLD_MS;
	run(600);
	ck_assert_int_eq(n_cut, 1);
	ck_assert_int_eq(last_verdict, VERDICT_UNAVAILABLE);
}
END_TEST

/* Nothing may begin under a lease that could be neither renewed nor revoked. */
START_TEST(allowed_for_no_time)
{
	holder.cut = cut;
	life_ms = 0;
	get("c1", &holder);
	run(50);
	ck_assert_int_eq(last_verdict, VERDICT_EXPIRED);
	ck_assert_ptr_null(holder.lease);
}
END_TEST

START_TEST(revoked_while_asked)
{
	holder.cut = cut;
	get("c1", &holder);
	leases_revoke_all(eg.leases);
	run(50);
	ck_assert_int_eq(last_verdict, VERDICT_UNAVAILABLE);
	ck_assert_ptr_null(holder.lease);
}
END_TEST

START_TEST(cancelled)
{
	struct lease_wait *w = lease_get(eg.leases, CREDENTIAL_COOKIE,
	    SLICE("c1"), "console", "x", done, NULL);

	lease_cancel(w);
	run(50);
	ck_assert_int_eq(n_done, 0);
}
END_TEST

START_TEST(expired_all_is_asked_anew)
{
	get("c1", NULL);
	run(50);
	leases_expire_all(eg.leases);
	get("c1", NULL);
	run(50);
	ck_assert_int_eq(n_asked, 2);
	ck_assert_int_eq(last_verdict, VERDICT_ALLOW);
}
END_TEST

START_TEST(bounded)
{
	char cookie[16];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(cookie, sizeof(cookie), "c%d", i);
		get(cookie, NULL);
		if (i % 50 == 49)
			run(30);
	}
	run(50);
	ck_assert_int_eq(n_done, 300);
	ck_assert_uint_le(leases_count(eg.leases), 150);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress lease");
	TCase *t = tcase_create("lease");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_set_timeout(t, 20);
	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, asked_once);
	tcase_add_test(t, refusal_is_not_kept_without_life);
	tcase_add_test(t, renewed_while_held);
	tcase_add_test(t, not_renewed_unused);
	tcase_add_test(t, revoked);
	tcase_add_test(t, revoked_key);
	tcase_add_test(t, revoked_all);
	tcase_add_test(t, unavailable);
	tcase_add_test(t, authd_silent_then_gone);
	tcase_add_test(t, held_without_verdict);
	tcase_add_test(t, allowed_for_no_time);
	tcase_add_test(t, revoked_while_asked);
	tcase_add_test(t, cancelled);
	tcase_add_test(t, expired_all_is_asked_anew);
	tcase_add_test(t, bounded);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
