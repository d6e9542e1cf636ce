/*
 * The session store and the seal around its rows: reopening, damage, file
 * modes, tampering, caps, and what 10,000 sessions cost.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "common/clock.h"
#include "common/err.h"

#include "authd/keys.h"
#include "authd/seal.h"
#include "authd/session.h"
#include "authd/store.h"
#include "tests/unit/authd_fixture.h"

static struct fixture f;

static void
begin(void)
{
	fixture_begin(&f);
}

static void
end(void)
{
	fixture_end(&f);
}

static void
path_of(char *dst, size_t cap, const char *name)
{
	(void)snprintf(dst, cap, "%s/%s", f.dir, name);
}

static struct store_row
row_of(uint8_t n, int64_t expires, const void *sealed, size_t len)
{
	struct store_row row = { .created = 1000 + n,
		.expires = expires,
		.sealed = sealed,
		.sealed_len = len };

	memset(row.handle, n, sizeof row.handle);
	memset(row.key_id, n ^ 1, sizeof row.key_id);
	memset(row.owner, n & 1, sizeof row.owner);
	return row;
}

/* --- rows --- */

START_TEST(rows_come_back_after_reopening)
{
	struct store *s = f.authd->store;
	struct store_row row = row_of(7, 5000, "sealed content", 14), got;

	ck_assert_int_eq(store_put(s, &row), 0);
	ck_assert_int_eq(store_get(s, row.handle, &got), 0);
	fixture_restart(&f, false); /* no key: no row is under a lost one */
	s = f.authd->store;
	ck_assert_uint_eq(store_count(s), 1);
	ck_assert_int_eq(store_get(s, row.handle, &got), 0);
	ck_assert_mem_eq(got.key_id, row.key_id, sizeof row.key_id);
	ck_assert_mem_eq(got.owner, row.owner, sizeof row.owner);
	ck_assert_int_eq(got.created, 1007);
	ck_assert_int_eq(got.expires, 5000);
	ck_assert_uint_eq(got.sealed_len, 14);
	ck_assert_mem_eq(got.sealed, "sealed content", 14);
}
END_TEST

START_TEST(rows_are_touched_and_deleted)
{
	struct store *s = f.authd->store;
	struct store_row row = row_of(7, 5000, "old", 3), got;

	ck_assert_int_eq(store_touch(s, &row), ERR_NOT_FOUND);
	ck_assert_int_eq(store_put(s, &row), 0);
	row.sealed = (const uint8_t *)"newer";
	row.sealed_len = 5;
	row.expires = 6000;
	ck_assert_int_eq(store_touch(s, &row), 0);
	ck_assert_int_eq(store_get(s, row.handle, &got), 0);
	ck_assert_mem_eq(got.sealed, "newer", 5);
	ck_assert_int_eq(got.expires, 6000);
	ck_assert_int_eq(store_delete(s, row.handle), 0);
	ck_assert_int_eq(store_delete(s, row.handle), ERR_NOT_FOUND);
	ck_assert_int_eq(store_get(s, row.handle, &got), ERR_NOT_FOUND);
	ck_assert_uint_eq(store_count(s), 0);
}
END_TEST

START_TEST(same_handle_twice_is_refused)
{
	struct store_row row = row_of(7, 5000, "x", 1);

	ck_assert_int_eq(store_put(f.authd->store, &row), 0);
	ck_assert_int_eq(store_put(f.authd->store, &row), ERR_IO);
	ck_assert_uint_eq(store_count(f.authd->store), 1);
}
END_TEST

START_TEST(rows_expire_in_batches)
{
	struct store *s = f.authd->store;
	size_t n = 0;

	for (uint8_t i = 0; i < 10; i++) {
		struct store_row row = row_of(i, 100 + i, "x", 1);
		ck_assert_int_eq(store_put(s, &row), 0);
	}
	ck_assert_int_eq(store_expire(s, 99, 100, &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(store_expire(s, 105, 4, &n), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(store_expire(s, 105, 4, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(store_count(s), 4);
}
END_TEST

START_TEST(owners_are_counted)
{
	struct store *s = f.authd->store;
	uint8_t odd[STORE_OWNER_LEN], handle[MSG_HANDLE_LEN];
	size_t n = 0;

	memset(odd, 1, sizeof odd);
	ck_assert_int_eq(store_oldest(s, NULL, handle), ERR_NOT_FOUND);
	for (uint8_t i = 10; i > 0; i--) {
		struct store_row row = row_of(i, 100, "x", 1);
		ck_assert_int_eq(store_put(s, &row), 0);
	}
	ck_assert_int_eq(store_count_owner(s, odd, &n), 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(store_oldest(s, odd, handle), 0);
	ck_assert_uint_eq(handle[0], 1);
	ck_assert_int_eq(store_delete(s, handle), 0);
	ck_assert_int_eq(store_oldest(s, odd, handle), 0);
	ck_assert_uint_eq(handle[0], 3);
	ck_assert_int_eq(store_oldest(s, NULL, handle), 0);
	ck_assert_uint_eq(handle[0], 2);
}
END_TEST

START_TEST(files_are_private)
{
	static const char *const names[] = { "sessions.db", "sessions.db-wal" };
	struct store_row row = row_of(7, 5000, "x", 1);
	struct stat st;
	char path[128];

	ck_assert_int_eq(store_put(f.authd->store, &row), 0);
	for (size_t i = 0; i < 2; i++) {
		path_of(path, sizeof path, names[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
	}
	path_of(path, sizeof path, "sessions.db-shm");
	ck_assert_int_ne(stat(path, &st), 0); /* nothing shared or mapped */
}
END_TEST

/* --- damage --- */

static void
overwrite(const char *name, off_t at, size_t len)
{
	char path[128];
	uint8_t junk[8192];
	int fd;

	path_of(path, sizeof path, name);
	memset(junk, 0xa5, sizeof junk);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, junk, len, at), (ssize_t)len);
	close(fd);
}

static const struct {
	const char *name;
	off_t at;
	size_t len;
} damages[] = {
	{ "no database at all", 0, 8192 },
	{ "pages overwritten", 4096, 8192 },
};

START_TEST(damaged_file_is_moved_aside)
{
	struct store_row row = row_of(7, 5000, "x", 1), got;
	char path[128];
	struct stat st;

	ck_assert_int_eq(store_put(f.authd->store, &row), 0);
	store_close(f.authd->store);
	overwrite("sessions.db", damages[_i].at, damages[_i].len);
	f.authd->store = store_open(f.dir);
	ck_assert_uint_eq(store_count(f.authd->store), 0);
	ck_assert_int_eq(
	    store_get(f.authd->store, row.handle, &got), ERR_NOT_FOUND);
	ck_assert_int_eq(store_put(f.authd->store, &row), 0);
	path_of(path, sizeof path, "sessions.db.damaged");
	ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

/* Damage that shows only while it runs: the service goes on without the
 * sessions that were lost. */
START_TEST(damage_while_running_is_survived)
{
	static uint8_t big[STORE_SEALED_MAX];
	struct store *s = f.authd->store;
	bool failed = false;
	struct store_row row, got;

	/* more than SQLite keeps in memory */
	for (uint8_t i = 0; i < 250; i++) {
		row = row_of(i, 5000, big, sizeof big);
		ck_assert_int_eq(store_put(s, &row), 0);
	}
	fixture_restart(&f, false); /* empties the WAL into the file */
	s = f.authd->store;
	ck_assert_uint_eq(store_count(s), 250);
	for (off_t at = 4096 * 40; at < 4096 * 1240; at += 8192)
		overwrite("sessions.db", at, 8192);
	for (uint8_t i = 0; i < 250 && !failed; i++) {
		row = row_of(i, 5000, big, sizeof big);
		failed = store_get(s, row.handle, &got) == ERR_IO;
	}
	ck_assert(failed);
	ck_assert_uint_eq(store_count(s), 0);
	row = row_of(1, 5000, "x", 1);
	ck_assert_int_eq(store_put(s, &row), 0);
	ck_assert_int_eq(store_get(s, row.handle, &got), 0);
}
END_TEST

/* --- the seal --- */

START_TEST(seal_refuses_every_change)
{
	static const char plain[] = "what is sealed";
	struct session_key key, other;
	uint8_t handle[MSG_HANDLE_LEN] = { 1, 2, 3 }, out[64];
	uint8_t sealed[sizeof plain + SEAL_OVERHEAD];
	size_t n = 0;

	fixture_key(&key, 1);
	seal_close(sealed, &key, handle, plain, sizeof plain);
	ck_assert_int_eq(
	    seal_open(out, sizeof out, &n, &key, handle, sealed, sizeof sealed),
	    0);
	ck_assert_uint_eq(n, sizeof plain);
	ck_assert_mem_eq(out, plain, sizeof plain);
	for (size_t i = 0; i < sizeof sealed; i++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			sealed[i] ^= (uint8_t)bit;
			ck_assert_int_eq(seal_open(out, sizeof out, &n, &key,
					     handle, sealed, sizeof sealed),
			    ERR_CRYPTO);
			sealed[i] ^= (uint8_t)bit;
		}
	}
	for (size_t len = 0; len < sizeof sealed; len++)
		ck_assert_int_eq(
		    seal_open(out, sizeof out, &n, &key, handle, sealed, len),
		    ERR_CRYPTO);
	handle[31] ^= 1; /* another cookie's row */
	ck_assert_int_eq(
	    seal_open(out, sizeof out, &n, &key, handle, sealed, sizeof sealed),
	    ERR_CRYPTO);
	handle[31] ^= 1;
	other = key; /* the same key under another id */
	other.id[0] ^= 1;
	ck_assert_int_eq(seal_open(out, sizeof out, &n, &other, handle, sealed,
			     sizeof sealed),
	    ERR_CRYPTO);
	fixture_key(&other, 2);
	ck_assert_int_eq(seal_open(out, sizeof out, &n, &other, handle, sealed,
			     sizeof sealed),
	    ERR_CRYPTO);
	ck_assert_int_eq(
	    seal_open(out, 3, &n, &key, handle, sealed, sizeof sealed),
	    ERR_LIMIT);
}
END_TEST

static int
create(const char *user, struct slice token, char cookie[TICKET_LEN + 1])
{
	struct identity who = { .groups_len = 0 };
	struct session_facts facts = { .who = &who, .token = token };
	int64_t until;

	(void)snprintf(who.user, sizeof who.user, "%s", user);
	(void)snprintf(who.name, sizeof who.name, "%s", user);
	return sessions_create(f.authd->sessions, &facts, cookie, &until);
}

/* Every byte of a stored row, changed: no session, never another one. */
START_TEST(tampered_rows_do_not_open)
{
	char cookie[TICKET_LEN + 1];
	uint8_t handle[MSG_HANDLE_LEN], copy[STORE_SEALED_MAX];
	struct session session;
	struct store_row row;

	ck_assert_int_eq(create("alice", SLICE("token"), cookie), 0);
	ticket_handle(handle, slice_of(cookie));
	ck_assert_int_eq(store_get(f.authd->store, handle, &row), 0);
	memcpy(copy, row.sealed, row.sealed_len);
	row.sealed = copy;
	for (size_t i = 0; i < row.sealed_len; i++) {
		copy[i] ^= 1;
		ck_assert_int_eq(store_touch(f.authd->store, &row), 0);
		ck_assert_int_eq(
		    sessions_find(f.authd->sessions, handle, &session),
		    ERR_NOT_FOUND);
		copy[i] ^= 1;
	}
	ck_assert_int_eq(store_touch(f.authd->store, &row), 0);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &session), 0);
	ck_assert_str_eq(session.who.user, "alice");
	session_wipe(&session);
	/* the row of one cookie under another */
	memset(row.handle, 9, sizeof row.handle);
	ck_assert_int_eq(store_put(f.authd->store, &row), 0);
	ck_assert_int_eq(sessions_find(f.authd->sessions, row.handle, &session),
	    ERR_NOT_FOUND);
}
END_TEST

/* What is on the disk shows neither the token nor the cookie nor the name. */
START_TEST(files_hold_no_secret)
{
	static const char *const names[] = { "sessions.db", "sessions.db-wal" };
	static const char *const secrets[] = { "canary-token-0123456789",
		"canary-user-0123456789" };
	static char content[1 << 20];
	char cookie[TICKET_LEN + 1], path[128];

	ck_assert_int_eq(create(secrets[1], slice_of(secrets[0]), cookie), 0);
	for (size_t i = 0; i < 2; i++) {
		path_of(path, sizeof path, names[i]);
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, content, sizeof content);
		close(fd);
		ck_assert_int_gt(n, 0);
		ck_assert_ptr_null(memmem(content, (size_t)n, cookie, 20));
		for (size_t k = 0; k < 2; k++)
			ck_assert_ptr_null(memmem(content, (size_t)n,
			    secrets[k], strlen(secrets[k])));
	}
}
END_TEST

/* --- keys
 * ---------------------------------------------------------------------------
 */

START_TEST(keys_that_are_malformed_change_nothing)
{
	static const uint8_t none[] = { 0 }, many[] = { KEYS_MAX + 1 },
			     cut[20] = { 1 };
	static const struct {
		const uint8_t *p;
		size_t len;
		int err;
	} cases[] = {
		{ none, sizeof none, ERR_NOT_FOUND },
		{ many, sizeof many, ERR_PROTOCOL },
		{ cut, sizeof cut, ERR_PROTOCOL },
	};
	struct session_key key;

	fixture_key(&key, 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire_reader r;
		bool dropped = false;
		wire_reader_init(&r, cases[i].p, cases[i].len);
		ck_assert_int_eq(
		    keys_load(f.authd->keys, &r, &dropped), cases[i].err);
		ck_assert(!dropped);
		ck_assert_uint_eq(keys_count(f.authd->keys), 1);
		ck_assert_ptr_nonnull(keys_find(f.authd->keys, key.id));
	}
}
END_TEST

/* --- many
 * ------------------------------------------------------------------------------
 */

static long
resident_kb(void)
{
	long pages = 0;
	FILE *p = fopen("/proc/self/statm", "r");

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(fscanf(p, "%*d %ld", &pages), 1);
	fclose(p);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(one_user_has_at_most_a_thousand)
{
	char first[TICKET_LEN + 1], cookie[TICKET_LEN + 1];
	uint8_t handle[MSG_HANDLE_LEN];
	struct session session;

	ck_assert_int_eq(create("alice", SLICE("t"), first), 0);
	for (int i = 0; i < SESSIONS_PER_USER; i++)
		ck_assert_int_eq(create("alice", SLICE("t"), cookie), 0);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), SESSIONS_PER_USER);
	ticket_handle(handle, slice_of(first));
	ck_assert_int_eq(
	    sessions_find(f.authd->sessions, handle, &session), ERR_NOT_FOUND);
	ck_assert_uint_eq(f.authd->sessions_ended, 1);
}
END_TEST

START_TEST(ten_thousand_sessions)
{
	enum { COUNT = 10000 };
	static char token[1200];
	static uint8_t handles[COUNT][MSG_HANDLE_LEN];
	char cookie[TICKET_LEN + 1], user[32];
	struct session session;
	long before = resident_kb(), grown;
	int64_t start = clock_mono_us(), made, found;

	memset(token, 't', sizeof token);
	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(user, sizeof user, "user-%d", i % 500);
		ck_assert_int_eq(
		    create(user, (struct slice){ token, sizeof token }, cookie),
		    0);
		ticket_handle(handles[i], slice_of(cookie));
	}
	made = clock_mono_us();
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(
		    sessions_find(f.authd->sessions, handles[i], &session), 0);
		session_wipe(&session);
	}
	found = clock_mono_us();
	grown = resident_kb() - before;
	printf("10,000 sessions: %ld us to make one, %ld us to find one, "
	       "%ld KB more memory\n",
	    (long)(made - start) / COUNT, (long)(found - made) / COUNT, grown);
#ifndef DW_NO_SANDBOX /* sanitizers keep what was freed */
	ck_assert_int_lt(grown, 16 * 1024);
#endif
	ck_assert_int_lt(found - start, 20000000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rows_come_back_after_reopening);
	tcase_add_test(tc, rows_are_touched_and_deleted);
	tcase_add_test(tc, same_handle_twice_is_refused);
	tcase_add_test(tc, rows_expire_in_batches);
	tcase_add_test(tc, owners_are_counted);
	tcase_add_test(tc, files_are_private);
	tcase_add_loop_test(tc, damaged_file_is_moved_aside, 0,
	    (int)(sizeof damages / sizeof *damages));
	tcase_add_test(tc, damage_while_running_is_survived);
	tcase_add_test(tc, seal_refuses_every_change);
	tcase_add_test(tc, tampered_rows_do_not_open);
	tcase_add_test(tc, files_hold_no_secret);
	tcase_add_test(tc, keys_that_are_malformed_change_nothing);
	tcase_add_test(tc, one_user_has_at_most_a_thousand);
	tcase_add_test(tc, ten_thousand_sessions);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
