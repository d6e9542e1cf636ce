/* What a request's fields say about who is asking and from where. */
#include "frontend/facts.h"
#include "tests/unit/frontend_fixture.h"

enum fact { NAVIGATION, CROSS_SITE, CROSS_SITE_TLS, FORM };

/* clang-format off */
static const struct {
	enum fact fact;
	const char *fields;
	bool expected;
} cases[] = {
	{ NAVIGATION, "", false },
	{ NAVIGATION, "Sec-Fetch-Mode: navigate\r\n", true },
	{ NAVIGATION, "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n", false },
	{ NAVIGATION, "Accept: text/html,application/xhtml+xml;q=0.9\r\n", true },
	{ NAVIGATION, "Accept: application/json, text/html;q=0.1\r\n", true },
	{ NAVIGATION, "Accept: application/json, text/plain, */*\r\n", false },
	{ NAVIGATION, "Accept: */*\r\n", false },
	{ CROSS_SITE, "", false },
	{ CROSS_SITE, "Sec-Fetch-Site: same-origin\r\n", false },
	{ CROSS_SITE, "Sec-Fetch-Site: none\r\n", false },
	{ CROSS_SITE, "Sec-Fetch-Site: same-site\r\n", true },
	{ CROSS_SITE, "Sec-Fetch-Site: cross-site\r\n", true },
	{ CROSS_SITE, "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", true },
	{ CROSS_SITE, "Sec-Fetch-Site: nonsense\r\n", true },
	{ CROSS_SITE, "Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n", false },
	{ CROSS_SITE, "Origin: http://k.example\r\n", false },
	{ CROSS_SITE, "Origin: http://K.EXAMPLE:80\r\n", false },
	{ CROSS_SITE, "Origin: https://k.example\r\n", false },
	{ CROSS_SITE, "Origin: http://k.example:81\r\n", true },
	{ CROSS_SITE, "Origin: http://evil.example\r\n", true },
	{ CROSS_SITE, "Origin: http://k.example.evil\r\n", true },
	{ CROSS_SITE, "Origin: null\r\n", true },
	{ CROSS_SITE, "Origin: http://k.example\r\nOrigin: http://k.example\r\n", true },
	{ CROSS_SITE_TLS, "Origin: https://k.example\r\n", false },
	{ CROSS_SITE_TLS, "Origin: http://k.example\r\n", true },
	{ FORM, "", false },
	{ FORM, "Content-Type: application/x-www-form-urlencoded\r\n", true },
	{ FORM, "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n", true },
	{ FORM, "Content-Type: application/x-www-form-urlencoded;charset=\"utf-8\"\r\n", true },
	{ FORM, "Content-Type: application/x-www-form-urlencoded; charset=utf-16\r\n", false },
	{ FORM, "Content-Type: application/json\r\n", false },
	{ FORM, "Content-Type: multipart/form-data; boundary=x\r\n", false },
	{ FORM, "Content-Type: application/x-www-form-urlencodedx\r\n", false },
};
/* clang-format on */

START_TEST(fact)
{
	struct origin o = { .host = SLICE("k.example"),
		.tls = cases[_i].fact == CROSS_SITE_TLS };
	struct http_request q;
	char head[1024], fields[512];
	bool got = false;

	snprintf(
	    fields, sizeof(fields), "Host: k.example\r\n%s", cases[_i].fields);
	fixture_request(&q, head, sizeof(head), "/", fields);
	switch (cases[_i].fact) {
	case NAVIGATION:
		got = facts_navigation(&q.fields);
		break;
	case CROSS_SITE:
	case CROSS_SITE_TLS:
		got = facts_cross_site(&q.fields, &o);
		break;
	case FORM:
		got = facts_is_form(&q.fields);
		break;
	}
	ck_assert_msg(got == cases[_i].expected, "%s", cases[_i].fields);
}
END_TEST

START_TEST(bearer_and_id)
{
	static const struct {
		const char *fields, *bearer, *id;
	} table[] = {
		{ "Authorization: Bearer abc.def\r\n", "abc.def", "" },
		{ "Authorization: bearer  abc \r\n", "abc", "" },
		{ "Authorization: Basic YTpi\r\n", "", "" },
		{ "Authorization: Bearer a b\r\n", "", "" },
		{ "Authorization: Bearer \"abc\"\r\n", "", "" },
		{ "Authorization: Bearer a-._~+/=\r\n", "a-._~+/=", "" },
		{ "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", "",
		    "" },
		{ "X-Request-Id: a-B_9.z\r\n", "", "a-B_9.z" },
		{ "X-Request-Id: a b\r\n", "", "" },
		{ "X-Request-Id: a\r\nX-Request-Id: b\r\n", "", "" },
	};
	struct http_request q;
	char head[1024], fields[512];

	for (size_t i = 0; i < COUNT(table); i++) {
		snprintf(
		    fields, sizeof(fields), "Host: h\r\n%s", table[i].fields);
		fixture_request(&q, head, sizeof(head), "/", fields);
		ck_assert_msg(
		    slice_is(facts_bearer(&q.fields), table[i].bearer) &&
			slice_is(facts_request_id(&q.fields), table[i].id),
		    "%s", table[i].fields);
	}
}
END_TEST

START_TEST(made_ids_differ)
{
	char a[REQUEST_ID_MADE + 1], b[REQUEST_ID_MADE + 1];

	facts_make_request_id(a);
	facts_make_request_id(b);
	ck_assert_uint_eq(strlen(a), REQUEST_ID_MADE);
	ck_assert_str_ne(a, b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("facts");
	TCase *tc = tcase_create("facts");

	tcase_add_loop_test(tc, fact, 0, (int)COUNT(cases));
	tcase_add_test(tc, bearer_and_id);
	tcase_add_test(tc, made_ids_differ);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
