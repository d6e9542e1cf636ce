/* Back-off for failed logins: who waits, for how long, and who does not. */
#include <stdio.h>
#include <stdlib.h>

#include <check.h>

#include "authd/throttle.h"

static struct throttle *t;

static void
begin(void)
{
	t = throttle_new();
}

static void
end(void)
{
	throttle_free(t);
}

static void
fail_times(const char *client, int n, int64_t now_ms)
{
	for (int i = 0; i < n; i++)
		throttle_failed(t, slice_of(client), now_ms);
}

static bool
allows(const char *client, int64_t now_ms)
{
	return throttle_allows(t, slice_of(client), now_ms);
}

START_TEST(waits_grow_and_end)
{
	int64_t now = 1000000;
	static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000,
		THROTTLE_MAX_MS, THROTTLE_MAX_MS };

	fail_times("192.0.2.1:1", THROTTLE_FREE - 1, now);
	ck_assert(allows("192.0.2.1:1", now));
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		throttle_failed(t, SLICE("192.0.2.1:9"), now);
		ck_assert(!allows("192.0.2.1:2", now + waits[i] - 1));
		ck_assert(allows("192.0.2.1:2", now + waits[i]));
		now += waits[i];
	}
	throttle_succeeded(t, SLICE("192.0.2.1:3"));
	fail_times("192.0.2.1:1", THROTTLE_FREE - 1, now);
	ck_assert(allows("192.0.2.1:1", now));
}
END_TEST

START_TEST(quiet_addresses_are_forgiven)
{
	fail_times("192.0.2.1:1", THROTTLE_FREE - 1, 1000);
	fail_times("192.0.2.1:1", 1, 1000 + THROTTLE_FORGET_MS + 1);
	ck_assert(allows("192.0.2.1:1", 1000 + THROTTLE_FORGET_MS + 1));
}
END_TEST

/* One of the texts waits: which of the others wait with it? */
static const struct {
	const char *failed, *other;
	bool same;
} clients[] = {
	{ "192.0.2.1:1", "192.0.2.1:65535", true },
	{ "192.0.2.1:1", "192.0.2.1", true },
	{ "192.0.2.1:1", "192.0.2.2:1", false },
	{ "[2001:db8::1]:1", "[2001:db8::2]:77", true },
	{ "[2001:db8::1]:1", "2001:db8::ffff", true },
	{ "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false },
	{ "[2001:db8::1]:1", "32.1.13.184:1", false },
	{ "nonsense", "also nonsense", true },
	{ "nonsense", "0.0.0.0:1", false },
	{ "", "nonsense", true },
	{ "[", "]:", true },
};

START_TEST(addresses_are_told_apart)
{
	fail_times(clients[_i].failed, THROTTLE_FREE, 1000);
	ck_assert(!allows(clients[_i].failed, 1001));
	ck_assert_msg(allows(clients[_i].other, 1001) != clients[_i].same,
	    "%s and %s", clients[_i].failed, clients[_i].other);
}
END_TEST

/* One failure each from very many addresses: all wait, and soon no longer. */
START_TEST(all_addresses_share_a_budget)
{
	char client[32];

	for (int i = 0; i < THROTTLE_GLOBAL; i++) {
		ck_assert(allows("192.0.2.1:1", 1000));
		(void)snprintf(client, sizeof client, "10.0.0.%d:1", i);
		fail_times(client, 1, 1000);
	}
	ck_assert(!allows("192.0.2.1:1", 1000));
	ck_assert(allows("192.0.2.1:1", 1000 + 1000 / THROTTLE_GLOBAL_PER_S));
}
END_TEST

/* What nobody else was asked about: only its address waits. */
START_TEST(noise_leaves_the_budget_alone)
{
	char client[32];

	for (int i = 0; i < 2 * THROTTLE_GLOBAL; i++) {
		(void)snprintf(client, sizeof client, "10.0.%d.1:1", i);
		for (int n = 0; n < THROTTLE_FREE; n++) {
			ck_assert(allows(client, 1000));
			throttle_failed_here(t, slice_of(client), 1000);
		}
		ck_assert(!allows(client, 1000));
	}
	ck_assert(allows("192.0.2.1:1", 1000));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("throttle");
	TCase *tc = tcase_create("throttle");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, waits_grow_and_end);
	tcase_add_test(tc, quiet_addresses_are_forgiven);
	tcase_add_loop_test(tc, addresses_are_told_apart, 0,
	    (int)(sizeof clients / sizeof *clients));
	tcase_add_test(tc, all_addresses_share_a_budget);
	tcase_add_test(tc, noise_leaves_the_budget_alone);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
