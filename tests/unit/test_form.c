/* Forms, whole and byte by byte. */
#include "common/err.h"
#include "frontend/form.h"
#include "tests/unit/frontend_fixture.h"

static const struct {
	const char *text;
	int result;
	const char *token, *go_to;
} cases[] = {
	{ "token=abc", 0, "abc", "" },
	{ "token=a%2Bb+c%3d", 0, "a+b c=", "" },
	{ "t%6fken=abc", 0, "abc", "" },
	{ "x=1&return=%2Fa&token=abc", 0, "abc", "/a" },
	{ "token=a=b", 0, "a=b", "" },
	{ "token=first&token=second", 0, "first", "" },
	{ "token=", 0, "", "" },
	{ "token", 0, "", "" },
	{ "tokens=abc&averyveryverylongname=x", 0, "", "" },
	{ "", 0, "", "" },
	{ "token=%4", ERR_FORMAT, "", "" },
	{ "token=%zz", ERR_FORMAT, "", "" },
	{ "token=a%00b", ERR_FORMAT, "", "" },
};

START_TEST(parse)
{
	/* whole, then piecewise */
	for (size_t step = 64; step > 0; step = step == 64 ? 1 : 0) {
		struct form *f = form_new();
		size_t len = strlen(cases[_i].text);

		for (size_t i = 0; i < len; i += step)
			form_feed(f, cases[_i].text + i,
			    len - i < step ? len - i : step);
		ck_assert_int_eq(form_end(f), cases[_i].result);
		if (cases[_i].result == 0)
			ck_assert_msg(slice_is(form_get(f, FORM_TOKEN),
					  cases[_i].token) &&
				slice_is(
				    form_get(f, FORM_RETURN), cases[_i].go_to),
			    "%s", cases[_i].text);
		form_free(f);
	}
}
END_TEST

START_TEST(token_length)
{
	struct form *f;

	for (size_t over = 0; over < 2; over++) {
		f = form_new();
		form_feed(f, "token=", 6);
		for (size_t i = 0; i < MSG_TOKEN_MAX + over; i++)
			form_feed(f, "a", 1);
		ck_assert_int_eq(form_end(f), over == 0 ? 0 : ERR_LIMIT);
		ck_assert_uint_eq(
		    form_get(f, FORM_TOKEN).len, (size_t)MSG_TOKEN_MAX);
		form_free(f);
	}
}
END_TEST

START_TEST(other_fields)
{
	static const char text[] = "logout_token=a.b.c&everywhere=yes";
	struct form *f = form_new();

	form_feed(f, text, sizeof(text) - 1);
	ck_assert_int_eq(form_end(f), 0);
	ck_assert(slice_is(form_get(f, FORM_LOGOUT_TOKEN), "a.b.c"));
	ck_assert(slice_is(form_get(f, FORM_EVERYWHERE), "yes"));
	ck_assert_uint_eq(form_get(f, FORM_TOKEN).len, 0);
	form_free(f);
}
END_TEST

START_TEST(strip)
{
	static const struct {
		const char *text, *token;
	} table[] = {
		{ "token=+a.b%0A", "a.b" },
		{ "token=a%0D%0A.b+%09c", "a.bc" },
		{ "token=+%0A", "" },
		{ "token=a%0Bb", "a\vb" }, /* nothing else is taken out */
		{ "return=/", "" },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct form *f = form_new();

		form_feed(f, table[i].text, strlen(table[i].text));
		ck_assert_int_eq(form_end(f), 0);
		form_strip(f, FORM_TOKEN);
		ck_assert_msg(slice_is(form_get(f, FORM_TOKEN), table[i].token),
		    "%s", table[i].text);
		form_free(f);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("form");
	TCase *tc = tcase_create("form");

	tcase_add_loop_test(tc, parse, 0, (int)COUNT(cases));
	tcase_add_test(tc, token_length);
	tcase_add_test(tc, other_fields);
	tcase_add_test(tc, strip);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
