/* The query of the callback: what it may have, what it may not. */
#include "authd/oidc/callback_query.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#include "authd/oidc/state.h"
#include "tests/unit/unit.h"

static enum callback_fault
parse(char *text, struct callback_query *q)
{
	return callback_query_parse(text, strlen(text), q);
}

/* clang-format off */
static const struct {
	const char *name, *text;
	enum callback_fault expected;
	const char *code, *error, *iss;
} cases[] = {
	{ "code", "code=c&state=s", CALLBACK_OK, "c", "", "" },
	{ "other order", "state=s&code=c", CALLBACK_OK, "c", "", "" },
	{ "issuer", "code=c&state=s&iss=https%3A%2F%2Fidp.example%2F",
	  CALLBACK_OK, "c", "", "https://idp.example/" },
	{ "unknown", "session_state=1&code=c&state=s&scope=openid+email",
	  CALLBACK_OK, "c", "", "" },
	{ "unknown twice", "x=1&code=c&x=2&state=s", CALLBACK_OK, "c", "", "" },
	{ "unknown with a broken value", "x=%zz&code=c&state=s",
	  CALLBACK_OK, "c", "", "" },
	{ "plus is a blank", "code=a+b%20c&state=s", CALLBACK_OK, "a b c", "",
	  "" },
	{ "name in escapes", "%63ode=c&state=s", CALLBACK_OK, "c", "", "" },
	{ "equals in a value", "code=a=b==&state=s", CALLBACK_OK, "a=b==", "",
	  "" },
	{ "empty pieces", "&&code=c&&state=s&", CALLBACK_OK, "c", "", "" },
	{ "error", "error=access_denied&state=s&error_description=No%0Away",
	  CALLBACK_OK, "", "access_denied", "" },
	{ "empty code beside an error", "code=&error=x&state=s",
	  CALLBACK_OK, "", "x", "" },
	{ "empty", "", CALLBACK_NO_STATE, NULL, NULL, NULL },
	{ "no state", "code=c", CALLBACK_NO_STATE, NULL, NULL, NULL },
	{ "empty state", "code=c&state=", CALLBACK_NO_STATE, NULL, NULL, NULL },
	{ "state without equals", "code=c&state", CALLBACK_NO_STATE, NULL, NULL,
	  NULL },
	{ "neither", "state=s", CALLBACK_NOTHING, NULL, NULL, NULL },
	{ "both", "state=s&code=c&error=e", CALLBACK_BOTH, NULL, NULL, NULL },
	{ "code twice", "code=c&state=s&code=c", CALLBACK_TWICE, NULL, NULL,
	  NULL },
	{ "code twice, empty first", "code=&code=c&state=s", CALLBACK_TWICE,
	  NULL, NULL, NULL },
	{ "code twice, one in escapes", "code=c&%63%6f%64%65=d&state=s",
	  CALLBACK_TWICE, NULL, NULL, NULL },
	{ "state twice", "code=c&state=s&state=t", CALLBACK_TWICE, NULL, NULL,
	  NULL },
	{ "iss twice", "code=c&state=s&iss=a&iss=a", CALLBACK_TWICE, NULL, NULL,
	  NULL },
	{ "error twice", "error=c&state=s&error=c", CALLBACK_TWICE, NULL, NULL,
	  NULL },
	{ "description twice",
	  "error=c&state=s&error_description=a&error_description=b",
	  CALLBACK_TWICE, NULL, NULL, NULL },
	{ "broken escape", "code=%4&state=s", CALLBACK_MALFORMED, NULL, NULL,
	  NULL },
	{ "no hex", "code=%4g&state=s", CALLBACK_MALFORMED, NULL, NULL, NULL },
	{ "NUL", "code=a%00b&state=s", CALLBACK_MALFORMED, NULL, NULL, NULL },
	{ "broken name", "%=1&code=a&state=s", CALLBACK_MALFORMED, NULL, NULL,
	  NULL },
	{ "line in a code", "code=a%0D%0Ab&state=s", CALLBACK_CODE, NULL, NULL,
	  NULL },
	{ "UTF-8 in a code", "code=%C3%A4&state=s", CALLBACK_CODE, NULL, NULL,
	  NULL },
	{ "line in an error", "error=a%0Ab&state=s", CALLBACK_ERROR, NULL, NULL,
	  NULL },
	{ "line in an issuer", "code=c&iss=a%0Ab&state=s", CALLBACK_ISSUER,
	  NULL, NULL, NULL },
};
/* clang-format on */

START_TEST(queries)
{
	struct callback_query q;
	char *text = mem_strdup(cases[_i].text);

	ck_assert_msg(
	    parse(text, &q) == cases[_i].expected, "%s", cases[_i].name);
	if (cases[_i].expected == CALLBACK_OK) {
		ck_assert(slice_is(q.state, "s"));
		ck_assert(slice_is(q.code, cases[_i].code));
		ck_assert(slice_is(q.error, cases[_i].error));
		ck_assert(slice_is(q.iss, cases[_i].iss));
	} else {
		ck_assert_uint_eq(q.code.len + q.state.len + q.error.len, 0);
	}
	free(text);
}
END_TEST

/* clang-format off */
static const struct {
	const char *before;
	size_t max;
	enum callback_fault fault;
} limits[] = {
	{ "state=s&code=", CALLBACK_CODE_MAX, CALLBACK_CODE },
	{ "code=c&state=", STATE_MAX, CALLBACK_NO_STATE },
	{ "state=s&error=", CALLBACK_ERROR_MAX, CALLBACK_ERROR },
	{ "state=s&code=c&iss=", CALLBACK_ISSUER_MAX, CALLBACK_ISSUER },
};
/* clang-format on */

START_TEST(lengths)
{
	size_t head = strlen(limits[_i].before);
	char *text = mem_new(head + limits[_i].max + 2);
	struct callback_query q;

	memset(text, 'a', head + limits[_i].max);
	memcpy(text, limits[_i].before, head);
	ck_assert_int_eq(parse(text, &q), CALLBACK_OK);
	text[head + limits[_i].max] = 'a';
	ck_assert_int_eq(parse(text, &q), limits[_i].fault);
	free(text);
}
END_TEST

START_TEST(a_description_is_kept)
{
	char text[] = "error=e&state=s&error_description=a%0Ab%C3%A4";
	struct callback_query q;

	ck_assert_int_eq(parse(text, &q), CALLBACK_OK);
	ck_assert(slice_is(q.description, "a\nb\xC3\xA4"));
}
END_TEST

START_TEST(every_fault_has_its_sentences)
{
	for (int i = 0; i < CALLBACK_FAULTS; i++) {
		const char *text = callback_person((enum callback_fault)i);
		ck_assert_ptr_nonnull(text);
		ck_assert_uint_gt(strlen(text), 10);
		ck_assert_uint_gt(
		    strlen(callback_log((enum callback_fault)i)), 3);
	}
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("callback_query");

	tcase_add_loop_test(t, queries, 0, (int)N_ROWS(cases));
	tcase_add_loop_test(t, lengths, 0, (int)N_ROWS(limits));
	tcase_add_test(t, a_description_is_kept);
	tcase_add_test(t, every_fault_has_its_sentences);
	return unit_run("callback_query", t);
}
