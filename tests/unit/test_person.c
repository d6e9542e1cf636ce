/* Who somebody is, by what the provider says: each rule is a few rows. */
#include "authd/oidc/person.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/json_strict.h"
#include "common/mem.h"

#include "authd/identity.h"

#include "tests/unit/unit.h"

static char *corp[] = { (char *)(uintptr_t) "corp.example",
	(char *)(uintptr_t) "Other.Example" };
static const struct conf_list no_domains = { NULL, 0 };
static const struct conf_list domains = { corp, 2 };

static json_t *
object(const char *text)
{
	json_t *o = NULL;

	if (text != NULL)
		ck_assert_msg(json_strict_parse(slice_of(text), 65536, &o) == 0,
		    "%s", text);
	return o;
}

static enum person_fault
read_said(const char *claims_text, const char *userinfo_text,
    const struct person_rules *rules, struct identity *who, size_t *left_out)
{
	json_t *claims = object(claims_text);
	json_t *userinfo = object(userinfo_text);
	enum person_fault fault =
	    person_read(claims, userinfo, rules, who, left_out);

	json_decref(claims);
	json_decref(userinfo);
	return fault;
}

static struct person_rules
rules_with(const char *username_claim, const struct conf_list *allowed)
{
	return (struct person_rules){ .username_claim = username_claim,
		.groups_claim = "groups",
		.allowed_domains = allowed };
}

#define U(member) "{\"sub\":\"s\",\"preferred_username\":" member "}"
#define LONG64 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG512 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64

static const struct name_case {
	const char *claim, *claims, *userinfo;
	enum person_fault expected;
	const char *user;
	bool named; /* name is user; else "" */
} names[] = {
	{ "sub", "{\"sub\":\"alice\"}", NULL, PERSON_OK, "alice", true },
	{ "preferred_username", U("\"Alice B\""), NULL, PERSON_OK, "Alice B",
	    true },
	{ "preferred_username", U("\"\\u00e4\""), NULL, PERSON_OK, "\xC3\xA4",
	    true },
	/* Kiali: else everybody has one name */
	{ "preferred_username", "{\"sub\":\"s\"}", NULL, PERSON_OK,
	    "OpenId User", false },
	{ "preferred_username", U("\"\""), NULL, PERSON_OK, "OpenId User",
	    false },
	{ "preferred_username", U("7"), NULL, PERSON_OK, "OpenId User", false },
	{ "preferred_username", U("[\"a\"]"), NULL, PERSON_OK, "OpenId User",
	    false },
	/* userinfo */
	{ "preferred_username", "{\"sub\":\"s\"}", U("\"bob\""), PERSON_OK,
	    "bob", true },
	{ "preferred_username", U("\"alice\""), U("\"bob\""), PERSON_OK,
	    "alice", true },
	{ "preferred_username", U("\"alice\""), "{\"sub\":\"t\"}",
	    PERSON_USERINFO_SUBJECT, "", false },
	{ "preferred_username", U("\"alice\""), "{}", PERSON_USERINFO_SUBJECT,
	    "", false },
	{ "preferred_username", U("\"alice\""), "{\"sub\":1}",
	    PERSON_USERINFO_SUBJECT, "", false },
	/* what names must not be */
	{ "preferred_username", U("\"a\\nb\""), NULL, PERSON_NAME, "", false },
	{ "preferred_username", U("\"a\\u007f\""), NULL, PERSON_NAME, "",
	    false },
	{ "preferred_username", U("\"" LONG512 "\""), NULL, PERSON_OK, LONG512,
	    true },
	{ "preferred_username", U("\"" LONG512 "x\""), NULL, PERSON_NAME, "",
	    false },
	{ "preferred_username", U("\"system:admin\""), NULL,
	    PERSON_RESERVED_NAME, "", false },
	{ "preferred_username", U("\"system:serviceaccount:a:b\""), NULL,
	    PERSON_RESERVED_NAME, "", false },
	/* an address as the name */
	{ "email",
	    "{\"sub\":\"s\",\"email\":\"a@b.example\","
	    "\"email_verified\":true}",
	    NULL, PERSON_OK, "a@b.example", true },
	{ "email", "{\"sub\":\"s\",\"email\":\"a@b.example\"}", NULL,
	    PERSON_UNVERIFIED_NAME, "", false },
	{ "email",
	    "{\"sub\":\"s\",\"email\":\"a@b.example\","
	    "\"email_verified\":false}",
	    NULL, PERSON_UNVERIFIED_NAME, "", false },
	{ "email", "{\"sub\":\"s\"}",
	    "{\"sub\":\"s\",\"email\":\"a@b.example\","
	    "\"email_verified\":true}",
	    PERSON_OK, "a@b.example", true },
	{ "email", "{\"sub\":\"s\",\"email\":\"victim@b.example\"}",
	    "{\"sub\":\"s\",\"email\":\"a@b.example\","
	    "\"email_verified\":true}",
	    PERSON_UNVERIFIED_NAME, "", false },
};

START_TEST(test_name)
{
	const struct name_case *c = &names[_i];
	const struct person_rules rules = rules_with(c->claim, &no_domains);
	struct identity who;
	size_t left_out;
	enum person_fault fault =
	    read_said(c->claims, c->userinfo, &rules, &who, &left_out);

	ck_assert_msg(
	    fault == c->expected, "%s: %s", c->claims, person_log(fault));
	ck_assert_msg(
	    strcmp(who.user, c->user) == 0, "%s: %s", c->claims, who.user);
	ck_assert_str_eq(who.name, c->named ? c->user : "");
}
END_TEST

#define E(members) "{\"sub\":\"s\"," members "}"
#define TRUE ",\"email_verified\":true"

static const struct email_case {
	const char *claims, *userinfo;
	bool trust;
	const char *email, *domain;
	enum person_fault allowed; /* with allowed_domains */
} emails[] = {
	{ E("\"x\":1"), NULL, false, "", "", PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\"" TRUE), NULL, false, "a@corp.example",
	    "corp.example", PERSON_OK },
	{ E("\"email\":\"A@Corp.Example\"" TRUE), NULL, false, "A@Corp.Example",
	    "corp.example", PERSON_OK },
	{ E("\"email\":\"a@other.example\"" TRUE), NULL, false,
	    "a@other.example", "other.example", PERSON_OK },
	{ E("\"email\":\"a@evil.example\"" TRUE), NULL, false, "a@evil.example",
	    "evil.example", PERSON_DOMAIN },
	{ E("\"email\":\"a@sub.corp.example\"" TRUE), NULL, false,
	    "a@sub.corp.example", "sub.corp.example", PERSON_DOMAIN },
	{ E("\"email\":\"a@xcorp.example\"" TRUE), NULL, false,
	    "a@xcorp.example", "xcorp.example", PERSON_DOMAIN },
	{ E("\"email\":\"a@corp.example.\"" TRUE), NULL, false,
	    "a@corp.example.", "corp.example.", PERSON_DOMAIN },
	/* verified or not */
	{ E("\"email\":\"a@corp.example\""), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\""), NULL, true, "a@corp.example",
	    "corp.example", PERSON_OK },
	{ E("\"email\":\"a@corp.example\",\"email_verified\":false"), NULL,
	    true, "", "", PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\",\"email_verified\":\"true\""), NULL,
	    true, "", "", PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\",\"email_verified\":1"), NULL, false,
	    "", "", PERSON_NO_DOMAIN },
	/* one '@' and a host behind it */
	{ E("\"email\":\"a@evil.example@corp.example\"" TRUE), NULL, false, "",
	    "", PERSON_NO_DOMAIN },
	{ E("\"email\":\"\\\"a@b\\\"@corp.example\"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"corp.example\"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"@corp.example\"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@\"" TRUE), NULL, false, "", "", PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example \"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"a b@corp.example\"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"a\\n@corp.example\"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"<a@corp.example>\"" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":[\"a@corp.example\"]" TRUE), NULL, false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":null" TRUE), NULL, false, "", "", PERSON_NO_DOMAIN },
	/* hd goes first */
	{ E("\"hd\":\"corp.example\""), NULL, false, "", "corp.example",
	    PERSON_OK },
	{ E("\"hd\":\"CORP.example\",\"email\":\"a@evil.example\"" TRUE), NULL,
	    false, "a@evil.example", "corp.example", PERSON_OK },
	{ E("\"hd\":\"evil.example\",\"email\":\"a@corp.example\"" TRUE), NULL,
	    false, "a@corp.example", "evil.example", PERSON_DOMAIN },
	{ E("\"hd\":7,\"email\":\"a@corp.example\"" TRUE), NULL, false,
	    "a@corp.example", "", PERSON_NO_DOMAIN },
	{ E("\"hd\":\"\",\"email\":\"a@corp.example\"" TRUE), NULL, false,
	    "a@corp.example", "", PERSON_NO_DOMAIN },
	{ E("\"hd\":null"), NULL, false, "", "", PERSON_NO_DOMAIN },
	{ E("\"hd\":\"corp.example\\u0000\""), NULL, false, NULL, NULL,
	    PERSON_OK },
	/* userinfo adds, and never mixes */
	{ E("\"x\":1"), E("\"email\":\"a@corp.example\"" TRUE), false,
	    "a@corp.example", "corp.example", PERSON_OK },
	{ E("\"x\":1"), E("\"hd\":\"corp.example\""), false, "", "corp.example",
	    PERSON_OK },
	{ E("\"email\":\"a@corp.example\""),
	    E("\"email\":\"a@corp.example\"" TRUE), false, "a@corp.example",
	    "corp.example", PERSON_OK },
	{ E("\"email\":\"a@corp.example\""),
	    E("\"email\":\"b@evil.example\"" TRUE), false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\",\"email_verified\":false"),
	    E("\"email\":\"a@corp.example\"" TRUE), false, "", "",
	    PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\""), E("\"email_verified\":true"),
	    false, "", "", PERSON_NO_DOMAIN },
	{ E("\"email_verified\":true"), E("\"email\":\"a@corp.example\""),
	    false, "", "", PERSON_NO_DOMAIN },
	{ E("\"email\":\"a@corp.example\""),
	    E("\"email\":\"a@corp.example\",\"email_verified\":false"), true,
	    "", "", PERSON_NO_DOMAIN },
};

START_TEST(test_email)
{
	const struct email_case *c = &emails[_i];
	struct person_rules rules = rules_with("sub", &no_domains);
	struct identity who;
	size_t left_out;
	json_t *o = NULL;

	rules.trust_unsaid_email = c->trust;
	if (c->email == NULL) { /* JSON with NUL never gets here */
		ck_assert_int_ne(
		    json_strict_parse(slice_of(c->claims), 65536, &o), 0);
		return;
	}
	ck_assert_int_eq(
	    read_said(c->claims, c->userinfo, &rules, &who, &left_out),
	    PERSON_OK);
	ck_assert_msg(
	    strcmp(who.email, c->email) == 0, "%s: %s", c->claims, who.email);
	ck_assert_msg(strcmp(who.domain, c->domain) == 0, "%s: %s", c->claims,
	    who.domain);
	rules.allowed_domains = &domains;
	ck_assert_msg(read_said(c->claims, c->userinfo, &rules, &who,
			  &left_out) == c->allowed,
	    "%s", c->claims);
}
END_TEST

START_TEST(test_email_length)
{
	const struct person_rules rules = rules_with("sub", &no_domains);
	struct identity who;
	size_t left_out;

	for (size_t extra = 0; extra < 2; extra++) {
		size_t local = IDENTITY_EMAIL_MAX - 10 + extra;
		char *name = mem_new(local + 1);
		char *text;

		memset(name, 'a', local);
		text = mem_printf("{\"sub\":\"s\",\"email\":\"%s@b.example\","
				  "\"email_verified\":true}",
		    name);
		ck_assert_int_eq(
		    read_said(text, NULL, &rules, &who, &left_out), PERSON_OK);
		ck_assert_uint_eq(
		    strlen(who.email), extra == 0 ? IDENTITY_EMAIL_MAX : 0);
		free(text);
		free(name);
	}
}
END_TEST

static const struct group_case {
	const char *claims, *userinfo;
	const char *groups; /* each with its NUL, shown as '|' */
	size_t left_out;
} groups[] = {
	{ E("\"x\":1"), NULL, "", 0 },
	{ E("\"groups\":[\"dev\",\"ops\"]"), NULL, "dev|ops|", 0 },
	{ E("\"groups\":\"dev\""), NULL, "dev|", 0 },
	{ E("\"groups\":\"dev,ops\""), NULL, "dev,ops|", 0 },
	{ E("\"groups\":[]"), NULL, "", 0 },
	{ E("\"groups\":[\"dev\",1,\"\",\"a\\nb\",null,[\"x\"],\"ops\"]"), NULL,
	    "dev|ops|", 5 },
	{ E("\"groups\":{\"dev\":true}"), NULL, "", 1 },
	{ E("\"groups\":7"), NULL, "", 1 },
	{ E("\"groups\":[\"system:masters\",\"dev\"]"), NULL, "dev|", 1 },
	{ E("\"x\":1"), E("\"groups\":[\"ops\"]"), "ops|", 0 },
	{ E("\"groups\":[\"dev\"]"), E("\"groups\":[\"ops\"]"), "dev|", 0 },
	{ E("\"groups\":[]"), E("\"groups\":[\"ops\"]"), "", 0 },
};

START_TEST(test_groups)
{
	const struct group_case *c = &groups[_i];
	const struct person_rules rules = rules_with("sub", &no_domains);
	struct identity who;
	size_t left_out;

	ck_assert_int_eq(
	    read_said(c->claims, c->userinfo, &rules, &who, &left_out),
	    PERSON_OK);
	ck_assert_msg(left_out == c->left_out, "%s: %zu", c->claims, left_out);
	ck_assert_uint_eq(who.groups_len, strlen(c->groups));
	for (size_t i = 0; i < who.groups_len; i++)
		ck_assert_msg(who.groups[i] ==
			(c->groups[i] == '|' ? '\0' : c->groups[i]),
		    "%s", c->claims);
}
END_TEST

/* What does not fit is left out and counted; another claim; none. */
START_TEST(test_many_groups)
{
	struct person_rules rules = rules_with("sub", &no_domains);
	struct identity who;
	json_t *claims = object(E("\"cognito:groups\":[\"dev\"]"));
	json_t *many = json_array();
	size_t left_out;

	for (int i = 0; i < 500; i++)
		json_array_append_new(many, json_string("nine-char"));
	json_object_set_new(claims, "groups", many);
	ck_assert_int_eq(
	    person_read(claims, NULL, &rules, &who, &left_out), PERSON_OK);
	ck_assert_uint_eq(left_out, 500 - IDENTITY_GROUPS_MAX / 10);
	rules.groups_claim = "cognito:groups";
	ck_assert_int_eq(
	    person_read(claims, NULL, &rules, &who, &left_out), PERSON_OK);
	ck_assert_str_eq(who.groups, "dev");
	rules.groups_claim = "";
	ck_assert_int_eq(
	    person_read(claims, NULL, &rules, &who, &left_out), PERSON_OK);
	ck_assert_uint_eq(who.groups_len, 0);
	json_decref(claims);
}
END_TEST

#define FULL "\"email\":\"a@corp.example\",\"email_verified\":true"

START_TEST(test_wants_userinfo)
{
	static const struct {
		const char *claim, *claims;
		bool allowed_domains;
		enum person_userinfo expected;
	} rows[] = {
		{ "sub", E("\"groups\":[]," FULL), false, PERSON_USERINFO_NO },
		{ "sub", E("\"groups\":[]," FULL), true, PERSON_USERINFO_NO },
		{ "sub", E(FULL), false, PERSON_USERINFO_MAY },
		{ "sub", E("\"groups\":[]"), false, PERSON_USERINFO_MAY },
		{ "sub", E("\"groups\":[]"), true, PERSON_USERINFO_MUST },
		{ "sub", E("\"groups\":[],\"hd\":\"corp.example\""), true,
		    PERSON_USERINFO_MAY },
		{ "name", E("\"groups\":[]," FULL), false,
		    PERSON_USERINFO_MUST },
		{ "email", E("\"groups\":[]," FULL), false,
		    PERSON_USERINFO_NO },
		{ "email", E("\"groups\":[],\"email\":\"a@corp.example\""),
		    false, PERSON_USERINFO_MUST },
	};

	for (size_t i = 0; i < N_ROWS(rows); i++) {
		const struct person_rules rules = rules_with(rows[i].claim,
		    rows[i].allowed_domains ? &domains : &no_domains);
		json_t *claims = object(rows[i].claims);

		ck_assert_msg(
		    person_wants_userinfo(claims, &rules) == rows[i].expected,
		    "%s %s", rows[i].claim, rows[i].claims);
		json_decref(claims);
	}
}
END_TEST

START_TEST(test_sentences)
{
	for (int i = 0; i < PERSON_FAULTS; i++) {
		ck_assert_ptr_nonnull(person_person((enum person_fault)i));
		ck_assert_ptr_nonnull(person_log((enum person_fault)i));
	}
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("person");

	json_strict_init();
	tcase_add_loop_test(t, test_name, 0, N_ROWS(names));
	tcase_add_loop_test(t, test_email, 0, N_ROWS(emails));
	tcase_add_test(t, test_email_length);
	tcase_add_loop_test(t, test_groups, 0, N_ROWS(groups));
	tcase_add_test(t, test_many_groups);
	tcase_add_test(t, test_wants_userinfo);
	tcase_add_test(t, test_sentences);
	return unit_run("person", t);
}
