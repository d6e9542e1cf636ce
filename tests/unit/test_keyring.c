/*
 * The derived keys against vectors computed with another implementation
 * (RFC 5869 written out with Python's hmac); the ring: its order, what is kept,
 * what goes when, what is never taken again; and how ticket keys turn over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "common/err.h"
#include "common/msg.h"
#include "common/secret.h"
#include "common/text.h"
#include "secretd/keyring.h"
#include "secretd/tickets.h"

#define ENTRY (4 + 32 + 32)
#define TICKET (16 + 32 + 32)

static const struct {
	const char *key, *id, *seal, *screen;
} vectors[] = {
	{ "0123456789abcdef", "16d8678b",
	    "63a119f6c30e3537af2a5fb57dcd84a7"
	    "c3baaa90576fe0af16bcc59c80257a82",
	    "41d9115ec486b0c488b339cadd8f5eb1"
	    "bf5a9a561fb8ef40be4501c559dce70e" },
	{ "0123456789abcdef01234567", "83f96b30",
	    "076847631dac44f830d062938cfd84ec"
	    "e07570219ee7f44bfa5779dcc1f26d27",
	    "508beee68b253d81e82069fa1715986c"
	    "6763406513b93cffc2d00244c59e5e1d" },
	{ "0123456789abcdef0123456789ABCDEF", "10dde0a8",
	    "9dc73361c716e8d06c18342189dafbf1"
	    "4853dd0940369661de3e8d381a4aeaf9",
	    "78aad09999a579bb80395bf2f2817422"
	    "29a18dfe1268fca9b3ae80e6c8fd9fba" },
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

#define LIFE 86400
#define START 1700000000

static char dir[] = "/tmp/doorward-keyring-XXXXXX";
static int64_t now; /* each key comes a second after the last */

static int
try_use(struct keyring *k, const char *key, uint8_t id[4], bool *changed)
{
	struct secret *s = secret_from(key, strlen(key));
	int r = keyring_use(k, s, now++, id, changed);

	secret_free(s);
	return r;
}

static void
add(struct keyring *k, const char *key)
{
	uint8_t id[4];
	bool changed = false;

	ck_assert_int_eq(try_use(k, key, id, &changed), 0);
	ck_assert(changed);
}

static struct keyring *
keyring_new(void)
{
	now = START;
	return keyring_open(NULL, LIFE);
}

static size_t
put(const struct keyring *k, uint8_t *p, size_t cap)
{
	struct wire_writer w;

	wire_writer_init(&w, p, cap);
	keyring_put(k, &w);
	ck_assert_int_eq(wire_done(&w), 0);
	return w.len;
}

static void
assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char text[65];

	text_hex(text, bytes, n);
	ck_assert_str_eq(text, hex);
}

START_TEST(vectors_hold)
{
	struct keyring *k = keyring_new();
	uint8_t p[1 + ENTRY];

	add(k, vectors[_i].key);
	ck_assert_uint_eq(put(k, p, sizeof(p)), sizeof(p));
	ck_assert_uint_eq(p[0], 1);
	assert_hex(p + 1, 4, vectors[_i].id);
	assert_hex(p + 5, 32, vectors[_i].seal);
	assert_hex(p + 37, 32, vectors[_i].screen);
	keyring_free(k);
}
END_TEST

START_TEST(newest_first)
{
	struct keyring *k = keyring_new();
	uint8_t p[1 + 3 * ENTRY];

	ck_assert_uint_eq(put(k, p, sizeof(p)), 1);
	ck_assert_uint_eq(p[0], 0);
	for (size_t i = 0; i < N_VECTORS; i++)
		add(k, vectors[i].key);
	ck_assert_uint_eq(put(k, p, sizeof(p)), sizeof(p));
	assert_hex(p + 1, 4, vectors[2].id);
	assert_hex(p + 1 + 2 * ENTRY, 4, vectors[0].id);
	add(k, vectors[0].key); /* again: moves to the front */
	ck_assert_uint_eq(keyring_count(k), 3);
	(void)put(k, p, sizeof(p));
	assert_hex(p + 1, 4, vectors[0].id);
	assert_hex(p + 1 + ENTRY, 4, vectors[2].id);
	assert_hex(p + 1 + 2 * ENTRY, 4, vectors[1].id);
	keyring_free(k);
}
END_TEST

/* The one after the last that fits changes nothing. */
START_TEST(full)
{
	struct keyring *k = keyring_new();
	char key[] = "................";
	uint8_t p[1 + KEYRING_MAX * ENTRY], q[sizeof(p)], id[4];
	bool changed;

	for (int i = 0; i < KEYRING_MAX; i++) {
		key[0] = (char)('!' + i);
		add(k, key);
	}
	/* What the message may hold at most. */
	ck_assert_uint_eq(
	    put(k, p, sizeof(p)), msg_spec(MSG_SESSION_KEYS_RESULT)->max);
	key[1] = 'x';
	ck_assert_int_eq(try_use(k, key, id, &changed), ERR_LIMIT);
	ck_assert(!changed);
	(void)put(k, q, sizeof(q));
	ck_assert_mem_eq(p, q, sizeof(p));
	/* One that is there already may come back. */
	key[0] = '!';
	key[1] = '.';
	add(k, key);
	ck_assert_uint_eq(keyring_count(k), KEYRING_MAX);
	keyring_free(k);
}
END_TEST

/* --- previous keys, and what is kept --- */

static void
set_up(void)
{
	now = START;
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
tear_down(void)
{
	static const char *const names[] = { "keyring", "keyring.new",
		"keyring.damaged" };
	char path[80];

	(void)chmod(dir, 0700);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
}

static const char *
file(const char *name)
{
	static char path[80];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Both rings hold the same, in the same order. */
static void
assert_same(const struct keyring *a, const struct keyring *b)
{
	uint8_t p[1 + KEYRING_MAX * ENTRY], q[sizeof(p)];
	size_t len = put(a, p, sizeof(p));

	ck_assert_uint_eq(put(b, q, sizeof(q)), len);
	ck_assert_mem_eq(p, q, len);
}

/* As secretd does when it is started again. */
static void
reopen(struct keyring **k)
{
	struct keyring *again = keyring_open(dir, LIFE);

	assert_same(*k, again);
	keyring_free(*k);
	*k = again;
}

static void
id_of(uint8_t id[4], const char *hex)
{
	ck_assert_int_eq(text_unhex(slice_of(hex), id, 4), 0);
}

START_TEST(states_and_times)
{
	struct keyring *k = keyring_new();
	struct keyring_key at;

	add(k, vectors[0].key); /* at START */
	add(k, vectors[1].key); /* at START + 1 */
	ck_assert(keyring_at(k, 0, &at));
	assert_hex(at.id, 4, vectors[1].id);
	ck_assert_int_eq(at.state, KEY_CURRENT);
	ck_assert_int_eq(at.since, START + 1);
	ck_assert_int_eq(at.until, 0);
	ck_assert(keyring_at(k, 1, &at));
	assert_hex(at.id, 4, vectors[0].id);
	ck_assert_int_eq(at.state, KEY_PREVIOUS);
	ck_assert_int_eq(at.since, START);
	ck_assert_int_eq(at.until, START + 1 + LIFE + KEYRING_MARGIN_S);
	ck_assert(!keyring_at(k, 2, &at));
	/* Back again: it has been there since START. */
	add(k, vectors[0].key);
	ck_assert(keyring_at(k, 0, &at));
	ck_assert_int_eq(at.state, KEY_CURRENT);
	ck_assert_int_eq(at.since, START);
	keyring_free(k);
}
END_TEST

START_TEST(the_same_key_is_no_change)
{
	struct keyring *k = keyring_open(dir, LIFE);
	struct stat before, after;
	uint8_t id[4];
	bool changed = true;

	add(k, vectors[0].key);
	ck_assert_int_eq(stat(file("keyring"), &before), 0);
	ck_assert_int_eq(try_use(k, vectors[0].key, id, &changed), 0);
	ck_assert(!changed);
	assert_hex(id, 4, vectors[0].id);
	ck_assert_int_eq(stat(file("keyring"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	keyring_free(k);
}
END_TEST

START_TEST(previous_keys_expire)
{
	struct keyring *k = keyring_open(dir, LIFE);
	int64_t first = START + 1 + LIFE + KEYRING_MARGIN_S;

	for (size_t i = 0; i < N_VECTORS; i++)
		add(k, vectors[i].key);
	ck_assert_uint_eq(keyring_expire(k, first - 1), 0);
	ck_assert_uint_eq(keyring_expire(k, first), 1);
	ck_assert_uint_eq(keyring_count(k), 2);
	reopen(&k);
	ck_assert_uint_eq(keyring_expire(k, first + 1), 1);
	/* The current one stays, however old. */
	ck_assert_uint_eq(keyring_expire(k, first * 2), 0);
	ck_assert_uint_eq(keyring_count(k), 1);
	keyring_free(k);
}
END_TEST

/* Sessions that were made while they could live long are not lost by a
 * restart with a shorter life. */
START_TEST(the_longest_life_counts)
{
	struct keyring *k = keyring_open(dir, 7 * LIFE);
	struct keyring_key at;
	uint8_t id[4];
	bool changed = true;

	add(k, vectors[0].key);
	keyring_free(k);
	k = keyring_open(dir, LIFE);
	ck_assert_int_eq(try_use(k, vectors[0].key, id, &changed), 0);
	ck_assert(!changed);
	add(k, vectors[1].key);
	ck_assert(keyring_at(k, 1, &at));
	ck_assert_int_eq(at.until, now - 1 + 7 * LIFE + KEYRING_MARGIN_S);
	keyring_free(k);
	/* And the other way round. */
	k = keyring_open(dir, 30 * LIFE);
	ck_assert_int_eq(try_use(k, vectors[1].key, id, &changed), 0);
	ck_assert(!changed);
	add(k, vectors[2].key);
	ck_assert(keyring_at(k, 1, &at));
	ck_assert_int_eq(at.until, now - 1 + 30 * LIFE + KEYRING_MARGIN_S);
	keyring_free(k);
}
END_TEST

START_TEST(all_is_kept)
{
	struct keyring *k = keyring_open(dir, LIFE);
	struct stat st;

	for (size_t i = 0; i < N_VECTORS; i++) {
		add(k, vectors[i].key);
		ck_assert_int_eq(stat(file("keyring"), &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
		ck_assert_int_ne(stat(file("keyring.new"), &st), 0);
		reopen(&k);
	}
	ck_assert_uint_eq(keyring_count(k), N_VECTORS);
	keyring_free(k);
}
END_TEST

/* A new key that appears while nobody looked is a rotation as well. */
START_TEST(replaced_while_stopped)
{
	struct keyring *k = keyring_open(dir, LIFE);
	struct keyring_key at;

	add(k, vectors[0].key);
	keyring_free(k);
	now = START + 1000;
	k = keyring_open(dir, LIFE);
	add(k, vectors[1].key);
	ck_assert(keyring_at(k, 1, &at));
	assert_hex(at.id, 4, vectors[0].id);
	ck_assert_int_eq(at.until, START + 1000 + LIFE + KEYRING_MARGIN_S);
	keyring_free(k);
}
END_TEST

START_TEST(revoked_for_good)
{
	struct keyring *k = keyring_open(dir, LIFE);
	uint8_t first[4], second[4], id[4];
	bool changed;

	id_of(first, vectors[0].id);
	id_of(second, vectors[1].id);
	add(k, vectors[0].key);
	ck_assert_int_eq(keyring_drop(k, second, true), ERR_NOT_FOUND);
	ck_assert_int_eq(keyring_drop(k, first, true), ERR_DENIED);
	ck_assert_int_eq(keyring_drop(k, first, false), ERR_DENIED);
	add(k, vectors[1].key);
	ck_assert_int_eq(keyring_drop(k, first, true), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(keyring_count(k), 1);
		ck_assert_int_eq(
		    try_use(k, vectors[0].key, id, &changed), ERR_DENIED);
		ck_assert(!changed);
		assert_hex(id, 4, vectors[0].id);
		ck_assert_int_eq(keyring_drop(k, first, true), 0);
		ck_assert_int_eq(keyring_drop(k, first, false), ERR_NOT_FOUND);
		reopen(&k);
	}
	keyring_free(k);
}
END_TEST

START_TEST(retired_may_come_back)
{
	struct keyring *k = keyring_open(dir, LIFE);
	uint8_t first[4];

	id_of(first, vectors[0].id);
	add(k, vectors[0].key);
	add(k, vectors[1].key);
	ck_assert_int_eq(keyring_drop(k, first, false), 0);
	ck_assert_uint_eq(keyring_count(k), 1);
	reopen(&k);
	add(k, vectors[0].key);
	ck_assert_uint_eq(keyring_count(k), 2);
	keyring_free(k);
}
END_TEST

/* --- damage --- */

static size_t
load(uint8_t *p, size_t cap)
{
	FILE *f = fopen(file("keyring"), "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(p, 1, cap, f);
	(void)fclose(f);
	return n;
}

static void
store(const uint8_t *p, size_t n)
{
	FILE *f = fopen(file("keyring"), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	(void)fclose(f);
}

static void
expect_moved_aside(void)
{
	struct keyring *k = keyring_open(dir, LIFE);
	struct stat st;

	ck_assert_uint_eq(keyring_count(k), 0);
	ck_assert_int_ne(stat(file("keyring"), &st), 0);
	ck_assert_int_eq(stat(file("keyring.damaged"), &st), 0);
	add(k, vectors[2].key); /* and it goes on */
	keyring_free(k);
}

START_TEST(damage_is_moved_aside)
{
	struct keyring *k = keyring_open(dir, LIFE);
	uint8_t p[400];
	size_t n;

	add(k, vectors[0].key);
	add(k, vectors[1].key);
	keyring_free(k);
	n = load(p, sizeof(p) - 1);
	for (size_t i = 0; i < n; i++) {
		p[i] ^= 0x40;
		store(p, n);
		expect_moved_aside();
		p[i] ^= 0x40;
		store(p, i); /* cut off there; empty at first */
		expect_moved_aside();
	}
	p[n] = 0;
	store(p, n + 1);
	expect_moved_aside();
	store(p, n);
	k = keyring_open(dir, LIFE);
	ck_assert_uint_eq(keyring_count(k), 2);
	keyring_free(k);
}
END_TEST

/* What cannot be kept is not used. */
START_TEST(nothing_without_the_disk)
{
	struct keyring *k = keyring_open(dir, LIFE);
	uint8_t first[4], id[4];
	bool changed = true;

	id_of(first, vectors[0].id);
	add(k, vectors[0].key);
	add(k, vectors[1].key);
	/* even root cannot write a file over a folder */
	ck_assert_int_eq(mkdir(file("keyring.new"), 0700), 0);
	ck_assert_int_eq(try_use(k, vectors[2].key, id, &changed), ERR_IO);
	ck_assert(!changed);
	ck_assert_int_eq(keyring_drop(k, first, true), ERR_IO);
	ck_assert_uint_eq(keyring_expire(k, INT64_MAX), 0);
	ck_assert_uint_eq(keyring_count(k), 2);
	ck_assert_int_eq(rmdir(file("keyring.new")), 0);
	add(k, vectors[2].key);
	reopen(&k);
	keyring_free(k);
}
END_TEST

static uint32_t
put_tickets(struct tickets *t, int64_t now_ms, uint8_t *p, size_t cap)
{
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, p, cap);
	tickets_put(t, now_ms, &w);
	ck_assert_int_eq(wire_done(&w), 0);
	ck_assert_uint_eq(w.len, 5 + (size_t)p[4] * TICKET);
	wire_reader_init(&r, p, w.len);
	return wire_get_u32(&r);
}

START_TEST(tickets_turn_over)
{
	struct tickets *t = tickets_new(1000);
	int64_t period = TICKETS_PERIOD_MS;
	uint8_t a[245], b[245];

	ck_assert_uint_eq(put_tickets(t, 1000, a, sizeof(a)), 14400);
	ck_assert_uint_eq(a[4], 1);
	ck_assert_uint_eq(put_tickets(t, 1000 + period - 1, b, sizeof(b)), 1);
	ck_assert_mem_eq(a + 5, b + 5, TICKET);
	ck_assert_uint_eq(put_tickets(t, 1000 + period, b, sizeof(b)), 14400);
	ck_assert_uint_eq(b[4], 2);
	ck_assert_mem_ne(a + 5, b + 5, TICKET);
	ck_assert_mem_eq(a + 5, b + 5 + TICKET, TICKET);
	(void)put_tickets(t, 1000 + 2 * period, b, sizeof(b));
	ck_assert_uint_eq(b[4], 3);
	ck_assert_mem_eq(a + 5, b + 5 + 2 * TICKET, TICKET);
	/* After a long sleep nothing old is left. */
	memcpy(a, b, sizeof(a));
	ck_assert_uint_le(
	    put_tickets(t, 1000 + 50 * period, b, sizeof(b)), 14400);
	ck_assert_uint_eq(b[4], 3);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			ck_assert_mem_ne(
			    a + 5 + i * TICKET, b + 5 + j * TICKET, TICKET);
	tickets_free(t);
}
END_TEST

static TCase *
kept(void)
{
	TCase *tc = tcase_create("kept");

	tcase_set_timeout(
	    tc, 60); /* each change is on the disk when it is told */
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_same_key_is_no_change);
	tcase_add_test(tc, previous_keys_expire);
	tcase_add_test(tc, the_longest_life_counts);
	tcase_add_test(tc, all_is_kept);
	tcase_add_test(tc, replaced_while_stopped);
	tcase_add_test(tc, revoked_for_good);
	tcase_add_test(tc, retired_may_come_back);
	tcase_add_test(tc, damage_is_moved_aside);
	tcase_add_test(tc, nothing_without_the_disk);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("keyring");
	TCase *tc = tcase_create("keys");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, vectors_hold, 0, (int)N_VECTORS);
	tcase_add_test(tc, newest_first);
	tcase_add_test(tc, full);
	tcase_add_test(tc, states_and_times);
	tcase_add_test(tc, tickets_turn_over);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, kept());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
