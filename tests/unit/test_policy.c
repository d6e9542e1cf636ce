/* Who may use a route: the rules, what identities they see, and what authd
 * answers egress. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/clock.h"
#include "tests/unit/authd_fixture.h"

#include "authd/identity.h"
#include "authd/policy.h"
#include "authd/seal.h"
#include "authd/session.h"
#include "authd/store.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ROUTE "/prometheus/"

enum list { NONE, USERS, GROUPS, EMAILS, DOMAINS, ABSENT };
enum person { ACCOUNT, ALICE, NAMELESS, COLLEAGUE };

static const struct identity people[] = {
	[ACCOUNT] = { .user = "ns:robot",
	    .name = "system:serviceaccount:ns:robot",
	    .groups = "system:serviceaccounts\0system:serviceaccounts:ns",
	    .groups_len = 50 },
	[ALICE] = { .user = "alice",
	    .name = "alice",
	    .groups = "dev\0ops",
	    .groups_len = 8 },
	[NAMELESS] = { .user = "token" },
	[COLLEAGUE] = { .user = "bob",
	    .name = "bob",
	    .email = "Bob@Example.org",
	    .domain = "corp.example" },
};

/* clang-format off */
static const struct {
	enum list list;
	const char *rule;
	enum person who;
	bool allowed;
} rules[] = {
	{ ABSENT, "", ALICE, true },
	{ ABSENT, "", NAMELESS, true },
	{ NONE, "", ALICE, false },
	{ USERS, "*", ALICE, true },
	{ USERS, "*", NAMELESS, true },
	{ USERS, "alice", ALICE, true },
	{ USERS, "Alice", ALICE, false },
	{ USERS, "alic", ALICE, false },
	{ USERS, "alicee", ALICE, false },
	{ USERS, "a*", ALICE, false },
	{ USERS, "", ALICE, false },
	{ USERS, "", NAMELESS, false },
	{ USERS, "token", NAMELESS, false },
	{ USERS, "ns:robot", ACCOUNT, true },
	{ USERS, "system:serviceaccount:ns:robot", ACCOUNT, true },
	{ USERS, "system:serviceaccount:other:robot", ACCOUNT, false },
	{ USERS, "system:serviceaccount:alice", ALICE, false },
	{ GROUPS, "dev", ALICE, true },
	{ GROUPS, "ops", ALICE, true },
	{ GROUPS, "Dev", ALICE, false },
	{ GROUPS, "de", ALICE, false },
	{ GROUPS, "ev", ALICE, false },
	{ GROUPS, "*", ALICE, false },
	{ GROUPS, "", ALICE, false },
	{ GROUPS, "dev", NAMELESS, false },
	{ GROUPS, "system:serviceaccounts:ns", ACCOUNT, true },
	{ GROUPS, "system:serviceaccounts:n", ACCOUNT, false },
	{ EMAILS, "Bob@example.ORG", COLLEAGUE, true },
	{ EMAILS, "bob@Example.org", COLLEAGUE, false },
	{ EMAILS, "Bob@example.or", COLLEAGUE, false },
	{ EMAILS, "Bob@example.org.evil", COLLEAGUE, false },
	{ EMAILS, "@Example.org", COLLEAGUE, false },
	{ EMAILS, "bob", COLLEAGUE, false },
	{ EMAILS, "", ALICE, false },
	{ EMAILS, "alice", ALICE, false },
	{ DOMAINS, "example.org", COLLEAGUE, true },
	{ DOMAINS, "CORP.example", COLLEAGUE, true },
	{ DOMAINS, "ample.org", COLLEAGUE, false },
	{ DOMAINS, "org", COLLEAGUE, false },
	{ DOMAINS, "", ALICE, false },
	{ DOMAINS, "example.org", ALICE, false },
};
/* clang-format on */

static struct route_settings
route_with(enum list list, char **rule)
{
	struct route_settings r = { .path = (char[]){ ROUTE } };
	const struct conf_list one = { rule, 1 };

	r.allow.present = list != ABSENT;
	if (list == USERS)
		r.allow.users = one;
	else if (list == GROUPS)
		r.allow.groups = one;
	else if (list == EMAILS)
		r.allow.emails = one;
	else if (list == DOMAINS)
		r.allow.domains = one;
	return r;
}

START_TEST(rule)
{
	char *text = strdup(rules[_i].rule);
	struct route_settings r = route_with(rules[_i].list, &text);
	struct settings s = { .routes = &r, .n_routes = 1 };
	const struct identity *who = &people[rules[_i].who];

	r.path = strdup(ROUTE);
	ck_assert_msg(policy_allows(&s, SLICE(ROUTE), who) == rules[_i].allowed,
	    "rule %d \"%s\"", _i, text);
	ck_assert(policy_allows(&s, SLICE(SETTINGS_ROUTE_CONSOLE), who));
	ck_assert(!policy_allows(&s, SLICE("/prometheus"), who));
	ck_assert(!policy_allows(&s, SLICE("/other/"), who));
	ck_assert(!policy_allows(&s, SLICE(""), who));
	free(r.path);
	free(text);
}
END_TEST

/* --- identities as bytes --- */

START_TEST(wire)
{
	uint8_t buf[IDENTITY_WIRE_MAX];
	struct identity back = { .groups_len = 0 };
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, buf, sizeof buf);
	identity_put(&w, &people[_i]);
	ck_assert_int_eq(wire_done(&w), 0);
	wire_reader_init(&r, buf, w.len);
	identity_get(&r, &back);
	ck_assert_int_eq(wire_end(&r), 0);
	ck_assert_mem_eq(&back, &people[_i], sizeof back);
	for (size_t len = 0; len < w.len; len++) {
		wire_reader_init(&r, buf, len);
		identity_get(&r, &back);
		ck_assert_int_ne(wire_end(&r), 0);
	}
}
END_TEST

START_TEST(groups_must_end)
{
	uint8_t buf[100];
	struct identity back;
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, "alice");
	wire_put_text(&w, "alice");
	wire_put_bytes(&w, "dev", 3);
	wire_put_text(&w, "");
	wire_put_text(&w, "");
	wire_reader_init(&r, buf, w.len);
	identity_get(&r, &back);
	ck_assert_int_ne(wire_end(&r), 0);
	ck_assert_uint_eq(back.groups_len, 0);
}
END_TEST

/* --- authd --- */

static struct fixture f;
static struct route_settings only;
static char *listed;

static void
setup(void)
{
	fixture_begin(&f);
	fixture_connect_frontend(&f);
	fixture_connect_egress(&f);
	listed = strdup("alice");
	only = route_with(USERS, &listed);
	only.path = strdup(ROUTE);
	f.settings.routes = &only;
	f.settings.n_routes = 1;
}

static void
teardown(void)
{
	free(only.path);
	free(listed);
	fixture_end(&f);
}

START_TEST(leases)
{
	struct login_answer alice, bob;
	struct lease_answer lease;

	ask_login(&f, "good-alice", &alice);
	ask_login(&f, "good-bob", &bob);
	f.route = ROUTE;
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, alice.cookie, NULL),
	    VERDICT_ALLOW);
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-alice", NULL),
	    VERDICT_ALLOW);
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, bob.cookie, &lease),
	    VERDICT_FORBIDDEN);
	ck_assert_str_eq(lease.token, "");
	ck_assert_uint_eq(lease.lease_ms, 0);
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_BEARER, "good-bob", NULL),
	    VERDICT_FORBIDDEN);
	/* who is not allowed here is still signed in */
	ck_assert_int_eq(ask_session(&f, bob.cookie), VERDICT_ALLOW);
	f.route = NULL;
	ck_assert_int_eq(
	    ask_lease(&f, CREDENTIAL_COOKIE, bob.cookie, NULL), VERDICT_ALLOW);
	f.route = "/unknown/";
	ck_assert_int_eq(ask_lease(&f, CREDENTIAL_COOKIE, alice.cookie, NULL),
	    VERDICT_FORBIDDEN);
}
END_TEST

/* A session as version 1 of the format has it: the user's name alone. */
static void
make_old_session(const char *user, uint8_t handle[MSG_HANDLE_LEN])
{
	const struct session_key *key = keys_at(f.authd->keys, 0);
	int64_t now = clock_unix_s();
	uint8_t content[500], sealed[600];
	struct store_row row = {
		.created = now, .expires = now + 1000, .sealed = sealed
	};
	struct wire_writer w;

	wire_writer_init(&w, content, sizeof content);
	wire_put_u8(&w, 1);
	wire_put_u8(&w, STRATEGY_TOKEN);
	wire_put_text(&w, user);
	wire_put_text(&w, "a-token");
	wire_put_u64(&w, (uint64_t)now);
	wire_put_u64(&w, (uint64_t)now);
	wire_put_u64(&w, (uint64_t)now + 1000);
	memset(handle, 7, MSG_HANDLE_LEN);
	memcpy(row.handle, handle, MSG_HANDLE_LEN);
	memcpy(row.key_id, key->id, MSG_KEY_ID_LEN);
	seal_close(sealed, key, handle, content, w.len);
	row.sealed_len = w.len + SEAL_OVERHEAD;
	ck_assert_int_eq(store_put(f.authd->store, &row), 0);
}

START_TEST(sessions_of_the_older_format_open)
{
	uint8_t handle[MSG_HANDLE_LEN];
	struct session session;

	make_old_session("alice", handle);
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &session), 0);
	ck_assert_str_eq(session.who.user, "alice");
	ck_assert_uint_eq(session.who.groups_len, 0);
	ck_assert(slice_is(session.token, "a-token"));
	ck_assert(policy_allows(&f.settings, SLICE(ROUTE), &session.who));
	session_wipe(&session);
}
END_TEST

START_TEST(sessions_keep_who_it_is)
{
	char cookie[TICKET_LEN + 1];
	uint8_t handle[MSG_HANDLE_LEN];
	struct session session;
	int64_t end;
	struct session_facts facts = { .who = &people[_i],
		.token = SLICE("t") };

	ck_assert_int_eq(
	    sessions_create(f.authd->sessions, &facts, cookie, &end), 0);
	ticket_handle(handle, slice_of(cookie));
	ck_assert_int_eq(sessions_find(f.authd->sessions, handle, &session), 0);
	ck_assert_mem_eq(&session.who, &people[_i], sizeof session.who);
	session_wipe(&session);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("rules"), *authd = tcase_create("authd");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, rule, 0, (int)COUNT(rules));
	tcase_add_loop_test(tc, wire, 0, (int)COUNT(people));
	tcase_add_test(tc, groups_must_end);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(authd, setup, teardown);
	tcase_add_test(authd, leases);
	tcase_add_test(authd, sessions_of_the_older_format_open);
	tcase_add_loop_test(
	    authd, sessions_keep_who_it_is, 0, (int)COUNT(people));
	suite_add_tcase(suite, authd);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
