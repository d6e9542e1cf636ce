/*
 * Sessions with what a provider gave: their tokens and ends, how they are
 * renewed, ended by sid, subject and user, files of the version before, and
 * what may be used once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sqlite3.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/secret.h"

#include "authd/keys.h"
#include "authd/seal.h"
#include "authd/session.h"
#include "authd/session_content.h"
#include "authd/store.h"
#include "tests/unit/authd_fixture.h"

#define ISSUER "https://id.example"
#define OTHER "https://other.example"

static struct fixture f;
static char issuer[] = ISSUER;

static void
begin(void)
{
	fixture_begin(&f);
	f.settings.strategy = STRATEGY_OPENID;
	f.settings.openid.issuer = issuer;
	f.settings.expiration_s = 36000;
}

static void
end(void)
{
	fixture_end(&f);
}

/* --- wiping (linked with --wrap) --- */

void __real_secret_wipe(void *p, size_t len);
void __wrap_secret_wipe(void *p, size_t len);

static struct {
	const void *at;
	size_t len;
} wiped;

void
__wrap_secret_wipe(void *p, size_t len)
{
	if (p == wiped.at)
		wiped.len = len;
	__real_secret_wipe(p, len);
}

/* --- making --- */

static struct identity alice = { .user = "alice", .name = "alice-1" };

static struct session_facts
facts_of(const char *iss, const char *subject, const char *sid)
{
	return (struct session_facts){ .who = &alice,
		.token = SLICE("the-id-token"),
		.id_token = SLICE("the-id-token"),
		.access_token = SLICE("the-access-token"),
		.refresh_token = SLICE("the-refresh-token"),
		.token_end = clock_unix_s() + 300,
		.issuer = iss,
		.subject = subject,
		.sid = sid };
}

static void
make(const struct session_facts *facts, uint8_t handle[MSG_HANDLE_LEN])
{
	char cookie[TICKET_LEN + 1];
	int64_t until;

	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, facts, cookie, &until), 0);
	ticket_handle(handle, slice_of(cookie));
}

static int
find(const uint8_t handle[MSG_HANDLE_LEN])
{
	struct session session;
	int r = sessions_find(f.authd->sessions, handle, &session);

	if (r == 0)
		session_wipe(&session);
	return r;
}

/* --- what comes back --- */

START_TEST(everything_comes_back)
{
	struct session_facts facts = facts_of(ISSUER, "sub-1", "sid-1");
	uint8_t handle[MSG_HANDLE_LEN];
	struct session s;

	make(&facts, handle);
	fixture_restart(&f, true);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert_str_eq(s.who.user, "alice");
	ck_assert_str_eq(s.issuer, ISSUER);
	ck_assert_str_eq(s.subject, "sub-1");
	ck_assert_str_eq(s.sid, "sid-1");
	ck_assert(slice_is(s.token, "the-id-token"));
	ck_assert(slice_is(s.id_token, "the-id-token"));
	ck_assert(slice_is(s.access_token, "the-access-token"));
	ck_assert(slice_is(s.refresh_token, "the-refresh-token"));
	ck_assert_int_eq(s.token_end, facts.token_end);
	ck_assert_ptr_eq(s.token.p, s.id_token.p); /* kept once */
	session_wipe(&s);
}
END_TEST

static const struct {
	const char *refresh;
	int64_t token_left, session_left;
} ends[] = {
	{ "", 300, 300 },
	{ "", 0, 36000 },
	{ "", 72000, 36000 },
	{ "r", 300, 36000 },
	{ "r", 0, 36000 },
};

START_TEST(a_session_ends_with_its_token_unless_it_can_be_refreshed)
{
	struct session_facts facts = facts_of(ISSUER, "s", "");
	char cookie[TICKET_LEN + 1];
	int64_t now = clock_unix_s(), until = 0;

	facts.refresh_token = slice_of(ends[_i].refresh);
	facts.token_end =
	    ends[_i].token_left == 0 ? 0 : now + ends[_i].token_left;
	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, &facts, cookie, &until), 0);
	ck_assert_int_ge(until, now + ends[_i].session_left);
	ck_assert_int_le(until, now + ends[_i].session_left + 2);
	facts.token_end = now;
	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, &facts, cookie, &until),
	    ERR_EXPIRED);
}
END_TEST

START_TEST(another_provider_gets_no_session_of_the_one_before)
{
	static char other[] = OTHER;
	struct session_facts facts = facts_of(ISSUER, "s", "");
	uint8_t handle[MSG_HANDLE_LEN];

	make(&facts, handle);
	ck_assert_int_eq(find(handle), 0);
	f.settings.openid.issuer = other;
	ck_assert_int_eq(find(handle), ERR_NOT_FOUND);
}
END_TEST

START_TEST(long_tokens_and_longer_ones)
{
	static char big[4][MSG_TOKEN_MAX + 1];
	struct session_facts facts = facts_of(ISSUER, "s", "");
	struct slice *token[4] = { &facts.token, &facts.id_token,
		&facts.access_token, &facts.refresh_token };
	char cookie[TICKET_LEN + 1];
	uint8_t handle[MSG_HANDLE_LEN];
	struct session s;
	int64_t until;

	for (size_t i = 0; i < 4; i++) {
		memset(big[i], 'a' + (int)i, sizeof big[i]);
		*token[i] = (struct slice){ big[i], MSG_TOKEN_MAX };
	}
	make(&facts, handle);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert(slice_equal(s.token, facts.token));
	ck_assert(slice_equal(s.id_token, facts.id_token));
	ck_assert(slice_equal(s.access_token, facts.access_token));
	ck_assert(slice_equal(s.refresh_token, facts.refresh_token));
	session_wipe(&s);
	for (size_t i = 0; i < 4; i++) {
		token[i]->len++;
		ck_assert_int_eq(
		    sessions_create(f.authd->sessions, &facts, cookie, &until),
		    ERR_LIMIT);
		token[i]->len--;
	}
	big[0][MSG_SUBJECT_MAX + 1] = '\0';
	facts.sid = big[0];
	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, &facts, cookie, &until),
	    ERR_LIMIT);
}
END_TEST

START_TEST(what_held_tokens_is_wiped)
{
	struct session_facts facts = facts_of(ISSUER, "s", "");
	uint8_t handle[MSG_HANDLE_LEN];
	struct session s;
	size_t len;

	make(&facts, handle);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	len = s.block_len;
	ck_assert(s.token.p > (char *)s.block);
	ck_assert(
	    s.refresh_token.p + s.refresh_token.len <= (char *)s.block + len);
	wiped.at = s.block;
	wiped.len = 0;
	session_wipe(&s);
	ck_assert_uint_eq(wiped.len, len);
	wiped.at = NULL;
	ck_assert_ptr_null(s.block);
	session_wipe(&s); /* twice does no harm */
}
END_TEST

/* --- renewing --- */

START_TEST(new_tokens_and_nothing_else)
{
	struct session_facts facts = facts_of(ISSUER, "sub-1", "sid-1");
	static const uint8_t firsts[] = { 2, 1 };
	uint8_t handle[MSG_HANDLE_LEN];
	struct session old, s;

	make(&facts, handle);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &old), 0);
	fixture_load_keys(&f, 2, firsts);
	clock_ahead_s = 200;
	facts.who = NULL;
	facts.sid = NULL;
	facts.token = facts.access_token = SLICE("new-access-token");
	facts.refresh_token = SLICE("new-refresh-token");
	facts.token_end = clock_unix_s() + 300;
	ck_assert_int_eq(sessions_renew(f.authd->sessions, handle, &facts), 0);
	fixture_restart(&f, false);
	fixture_load_keys(&f, 2, firsts);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert(slice_is(s.token, "new-access-token"));
	ck_assert(slice_is(s.id_token, "the-id-token"));
	ck_assert(slice_is(s.refresh_token, "new-refresh-token"));
	ck_assert_int_eq(s.token_end, facts.token_end);
	ck_assert_str_eq(s.who.user, "alice");
	ck_assert_str_eq(s.sid, "sid-1");
	ck_assert_int_eq(s.created, old.created);
	ck_assert_int_eq(s.end, old.end);
	ck_assert_mem_eq(s.key_id, old.key_id, MSG_KEY_ID_LEN);
	session_wipe(&s);
	session_wipe(&old);
}
END_TEST

START_TEST(without_a_refresh_token_it_ends_with_the_token)
{
	struct session_facts facts = facts_of(ISSUER, "sub-1", "");
	uint8_t handle[MSG_HANDLE_LEN];
	struct session s;

	make(&facts, handle);
	facts.refresh_token = SLICE("");
	ck_assert_int_eq(sessions_renew(f.authd->sessions, handle, &facts), 0);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert_int_eq(s.end, facts.token_end);
	session_wipe(&s);
	clock_ahead_s = 400;
	ck_assert_int_eq(find(handle), ERR_EXPIRED);
	ck_assert_int_eq(
	    sessions_renew(f.authd->sessions, handle, &facts), ERR_EXPIRED);
}
END_TEST

START_TEST(only_the_same_person_is_renewed)
{
	struct session_facts facts = facts_of(ISSUER, "sub-1", "");
	uint8_t handle[MSG_HANDLE_LEN];
	struct session s;

	make(&facts, handle);
	facts.token = SLICE("stolen");
	facts.subject = "sub-2";
	ck_assert_int_eq(
	    sessions_renew(f.authd->sessions, handle, &facts), ERR_DENIED);
	facts.subject = "sub-1";
	facts.issuer = OTHER;
	ck_assert_int_eq(
	    sessions_renew(f.authd->sessions, handle, &facts), ERR_DENIED);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &s), 0);
	ck_assert(slice_is(s.token, "the-id-token"));
	session_wipe(&s);
	ck_assert_int_eq(sessions_delete(f.authd->sessions, handle), 0);
	facts.issuer = ISSUER;
	ck_assert_int_eq(
	    sessions_renew(f.authd->sessions, handle, &facts), ERR_NOT_FOUND);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 0);
}
END_TEST

/* --- ending --- */

enum { PEOPLE = 6 };
static const char *const people[PEOPLE][3] = {
	{ ISSUER, "sub-1", "sid-1" },
	{ ISSUER, "sub-1", "sid-2" },
	{ ISSUER, "sub-2", "sid-3" },
	{ OTHER, "sub-1", "sid-1" },
	{ ISSUER, "sub-1", "" },
	{ ISSUER, "sub-", "1sid-1" },
};
static uint8_t handles[PEOPLE][MSG_HANDLE_LEN];
static unsigned ended;

static void
mark_ended(const uint8_t handle[MSG_HANDLE_LEN], void *arg)
{
	ck_assert_ptr_eq(arg, &f);
	for (unsigned i = 0; i < PEOPLE; i++)
		if (memcmp(handle, handles[i], MSG_HANDLE_LEN) == 0)
			ended |= 1u << i;
}

static const struct {
	bool subject;
	const char *issuer, *name;
	unsigned ended;
} ends_by[] = {
	{ false, ISSUER, "sid-1", 0x01 },
	{ false, OTHER, "sid-1", 0x08 },
	{ false, ISSUER, "sid-9", 0 },
	{ false, ISSUER, "", 0 },
	{ false, "", "sid-1", 0 },
	{ true, ISSUER, "sub-1", 0x13 },
	{ true, OTHER, "sub-1", 0x08 },
	{ true, ISSUER, "sid-1", 0 },
	{ true, ISSUER, "", 0 },
};

/* Exactly those, after a restart and when their key is not there (any more). */
START_TEST(ended_by_sid_and_by_subject)
{
	static const uint8_t firsts[] = { 9, 1 };
	size_t n = 0, left;
	int r;

	for (size_t i = 0; i < PEOPLE; i++) {
		struct session_facts facts =
		    facts_of(people[i][0], people[i][1], people[i][2]);
		if (i == 2) /* the others are under a newer key */
			fixture_load_keys(&f, 2, firsts);
		make(&facts, handles[i]);
	}
	fixture_restart(&f, false);
	ended = 0;
	r = (ends_by[_i].subject ? sessions_end_subject : sessions_end_sid)(
	    f.authd->sessions, ends_by[_i].issuer, ends_by[_i].name, mark_ended,
	    &f, &n);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(ended, ends_by[_i].ended);
	ck_assert_uint_eq(n, (size_t)__builtin_popcount(ends_by[_i].ended));
	left = PEOPLE - n;
	ck_assert_uint_eq(sessions_count(f.authd->sessions), left);
	fixture_restart(&f, false);
	fixture_load_keys(&f, 2, firsts);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), left);
	for (size_t i = 0; i < PEOPLE; i++)
		if (strcmp(people[i][0], ISSUER) == 0)
			ck_assert_int_eq(find(handles[i]),
			    ended & (1u << i) ? ERR_NOT_FOUND : 0);
}
END_TEST

START_TEST(renewed_sessions_are_ended_too)
{
	struct session_facts facts = facts_of(ISSUER, "sub-1", "sid-1");
	size_t n = 0;

	make(&facts, handles[0]);
	facts.sid = NULL;
	ck_assert_int_eq(
	    sessions_renew(f.authd->sessions, handles[0], &facts), 0);
	ended = 0;
	ck_assert_int_eq(sessions_end_sid(f.authd->sessions, ISSUER, "sid-1",
			     mark_ended, &f, &n),
	    0);
	ck_assert_uint_eq(ended, 1);
}
END_TEST

START_TEST(ended_by_user)
{
	struct identity bob = { .user = "bob", .name = "bob" };
	struct session_facts facts = { .who = &alice, .token = SLICE("t") };
	size_t n = 0;

	f.settings.strategy = STRATEGY_TOKEN;
	make(&facts, handles[0]);
	make(&facts, handles[1]);
	facts.who = &bob;
	make(&facts, handles[2]);
	ended = 0;
	ck_assert_int_eq(
	    sessions_end_user(f.authd->sessions, "alice", mark_ended, &f, &n),
	    0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(ended, 3);
	ck_assert_int_eq(find(handles[2]), 0);
	ck_assert_uint_eq(sessions_count(f.authd->sessions), 1);
}
END_TEST

/* --- once --- */

START_TEST(used_once)
{
	struct sessions *s = f.authd->sessions;
	int64_t until = clock_unix_s() + 100;

	ck_assert_int_eq(sessions_use_once(s, "jti", SLICE("1"), until), 0);
	ck_assert_int_eq(
	    sessions_use_once(s, "jti", SLICE("1"), until), ERR_EXISTS);
	ck_assert_int_eq(sessions_use_once(s, "jti", SLICE("2"), until), 0);
	ck_assert_int_eq(sessions_use_once(s, "attempt", SLICE("1"), until), 0);
	ck_assert_int_ne(sessions_use_once(s, "jti", SLICE(""), until), 0);
	sessions_purge(s);
	fixture_restart(&f, false);
	s = f.authd->sessions;
	ck_assert_int_eq(
	    sessions_use_once(s, "jti", SLICE("1"), until), ERR_EXISTS);
	clock_ahead_s = 101;
	sessions_purge(s);
	ck_assert_int_eq(
	    sessions_use_once(s, "jti", SLICE("1"), until + 100), 0);
	ck_assert_int_eq(
	    sessions_use_once(s, "jti", SLICE("1"), until + 100), ERR_EXISTS);
}
END_TEST

/* --- files of the version before --- */

static const char old_schema[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE IF NOT EXISTS session("
    " id INTEGER PRIMARY KEY,"
    " handle BLOB NOT NULL UNIQUE,"
    " key_id BLOB NOT NULL,"
    " owner BLOB NOT NULL,"
    " created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " sealed BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS session_owner ON session(owner, created);"
    "CREATE INDEX IF NOT EXISTS session_created ON session(created);"
    "CREATE INDEX IF NOT EXISTS session_expires ON session(expires);"
    "CREATE INDEX IF NOT EXISTS session_key ON session(key_id, expires);"
    "PRAGMA user_version = 1;";

/* A session as version 2 of the content has it. */
static size_t
old_sealed(uint8_t *sealed, const struct session_key *key,
    const uint8_t handle[MSG_HANDLE_LEN])
{
	uint64_t now = (uint64_t)clock_unix_s();
	uint8_t content[1000];
	struct wire_writer w;

	wire_writer_init(&w, content, sizeof content);
	wire_put_u8(&w, 2);
	wire_put_u8(&w, STRATEGY_TOKEN);
	identity_put(&w, &alice);
	wire_put_text(&w, "an-old-token");
	wire_put_u64(&w, now);
	wire_put_u64(&w, now);
	wire_put_u64(&w, now + 1000);
	seal_close(sealed, key, handle, content, w.len);
	return w.len + SEAL_OVERHEAD;
}

static void
old_insert(sqlite3 *db, const uint8_t handle[MSG_HANDLE_LEN])
{
	static const uint8_t owner[STORE_OWNER_LEN] = { 1 };
	uint8_t sealed[1100];
	struct session_key key;
	sqlite3_stmt *st;
	size_t len;

	fixture_key(&key, 1);
	len = old_sealed(sealed, &key, handle);
	ck_assert_int_eq(sqlite3_prepare_v2(db,
			     "INSERT INTO session(handle, key_id, owner,"
			     " created, expires, sealed)"
			     " VALUES(?1, ?2, ?3, 1, 99999999999, ?4)",
			     -1, &st, NULL),
	    SQLITE_OK);
	sqlite3_bind_blob(st, 1, handle, MSG_HANDLE_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, key.id, sizeof key.id, SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, owner, sizeof owner, SQLITE_STATIC);
	sqlite3_bind_blob(st, 4, sealed, (int)len, SQLITE_STATIC);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

/* In place of the fixture's file. */
static void
old_file(const uint8_t handle[MSG_HANDLE_LEN])
{
	char path[128];
	sqlite3 *db;

	store_close(f.authd->store);
	f.authd->store = NULL;
	(void)snprintf(path, sizeof path, "%s/sessions.db", f.dir);
	ck_assert_int_eq(remove(path), 0);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, old_schema, NULL, NULL, NULL), SQLITE_OK);
	old_insert(db, handle);
	sqlite3_close(db);
}

START_TEST(a_file_of_the_version_before_is_brought_up_to_date)
{
	static const uint8_t handle[MSG_HANDLE_LEN] = { 1, 2, 3 };
	struct session_facts facts = facts_of(ISSUER, "sub-1", "sid-1");
	struct session s;
	size_t n = 0;

	f.settings.strategy = STRATEGY_TOKEN;
	old_file(handle);
	for (int i = 0; i < 2; i++) { /* and once more */
		fixture_restart(&f, true);
		ck_assert_uint_eq(sessions_count(f.authd->sessions), 1);
		ck_assert_int_eq(
		    sessions_find(f.authd->sessions, handle, &s), 0);
		ck_assert_str_eq(s.who.name, "alice-1");
		ck_assert(slice_is(s.token, "an-old-token"));
		ck_assert_str_eq(s.issuer, "");
		ck_assert_str_eq(s.sid, "");
		ck_assert_uint_eq(s.refresh_token.len, 0);
		ck_assert_int_eq(s.token_end, 0);
		session_wipe(&s);
	}
	make(&facts, handles[0]);
	ended = 0;
	ck_assert_int_eq(sessions_end_subject(f.authd->sessions, ISSUER,
			     "sub-1", mark_ended, &f, &n),
	    0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(ended, 1);
	ck_assert_int_eq(find(handle), 0);
}
END_TEST

/* One that a later version has been at: it knows more columns and tables. */
START_TEST(a_file_of_a_later_version_serves)
{
	struct session_facts facts = facts_of(ISSUER, "sub-1", "sid-1");
	char path[128];
	sqlite3 *db;

	make(&facts, handles[0]);
	store_close(f.authd->store);
	f.authd->store = NULL;
	(void)snprintf(path, sizeof path, "%s/sessions.db", f.dir);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db,
			     "ALTER TABLE session ADD COLUMN more BLOB;"
			     "PRAGMA user_version = 3;",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	fixture_restart(&f, true);
	ck_assert_int_eq(find(handles[0]), 0);
	make(&facts, handles[1]);
	ck_assert_int_eq(find(handles[1]), 0);
}
END_TEST

/* --- content --- */

static int
decode(const uint8_t *p, size_t len, size_t room)
{
	struct session s = { .block = NULL };
	uint8_t *block = malloc(room);
	int r;

	ck_assert_ptr_nonnull(block);
	memcpy(block, p, len);
	r = session_content_decode(&s, block, len);
	session_wipe(&s);
	return r;
}

START_TEST(malformed_content_is_refused)
{
	struct session s = { .strategy = STRATEGY_OPENID,
		.who = alice,
		.issuer = ISSUER,
		.subject = "sub-1",
		.sid = "sid-1",
		.token = SLICE("one"),
		.id_token = SLICE("two"),
		.access_token = SLICE("one"),
		.refresh_token = SLICE("") };
	size_t len = 0, at;
	uint8_t *p = session_content_encode(&s, &len);

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(decode(p, len, len), 0);
	for (size_t cut = 1; cut < len; cut++)
		ck_assert_int_eq(decode(p, cut, cut), ERR_FORMAT);
	ck_assert_int_eq(decode(p, len + 1, len + 1), ERR_FORMAT);
	for (unsigned version = 0; version < 256; version++) {
		p[0] = (uint8_t)version;
		if (version != 3)
			ck_assert_int_eq(decode(p, len, len), ERR_FORMAT);
	}
	p[0] = 3;
	at = (size_t)((uint8_t *)memmem(p, len, "sub-1", 5) - p);
	p[at + 2] = '\0';
	ck_assert_int_eq(decode(p, len, len), ERR_FORMAT);
	p[at + 2] = 'b';
	p[at + 5] = 'x'; /* no NUL */
	ck_assert_int_eq(decode(p, len, len), ERR_FORMAT);
	p[at + 5] = '\0';
	at = (size_t)((uint8_t *)memmem(p, len, "\0\0\003one", 6) - p);
	p[at] = 1; /* a token that is to equal a later one */
	ck_assert_int_eq(decode(p, len, len), ERR_FORMAT);
	free(p);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *tc = tcase_create("session");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, everything_comes_back);
	tcase_add_loop_test(tc,
	    a_session_ends_with_its_token_unless_it_can_be_refreshed, 0,
	    COUNT(ends));
	tcase_add_test(tc, another_provider_gets_no_session_of_the_one_before);
	tcase_add_test(tc, long_tokens_and_longer_ones);
	tcase_add_test(tc, what_held_tokens_is_wiped);
	tcase_add_test(tc, new_tokens_and_nothing_else);
	tcase_add_test(tc, without_a_refresh_token_it_ends_with_the_token);
	tcase_add_test(tc, only_the_same_person_is_renewed);
	tcase_add_loop_test(tc, ended_by_sid_and_by_subject, 0, COUNT(ends_by));
	tcase_add_test(tc, renewed_sessions_are_ended_too);
	tcase_add_test(tc, ended_by_user);
	tcase_add_test(tc, used_once);
	tcase_add_test(tc, a_file_of_the_version_before_is_brought_up_to_date);
	tcase_add_test(tc, a_file_of_a_later_version_serves);
	tcase_add_test(tc, malformed_content_is_refused);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
