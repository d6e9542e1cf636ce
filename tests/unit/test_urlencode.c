/* Forms and queries as they are written. */
#include <stdlib.h>
#include <string.h>

#include "common/http/urlencode.h"

#include "tests/unit/unit.h"

static const struct {
	const char *value;
	size_t len;
	const char *encoded;
} values[] = {
	{ "", 0, "" },
	{ "azAZ09-._~", 10, "azAZ09-._~" },
	{ "a b", 3, "a+b" },
	{ "a+b&c=d", 7, "a%2Bb%26c%3Dd" },
	{ "https://x/y?z", 13, "https%3A%2F%2Fx%2Fy%3Fz" },
	{ "*!'()", 5, "%2A%21%27%28%29" },
	{ "\0\r\n\x7f\xc3\xa4", 6, "%00%0D%0A%7F%C3%A4" },
	{ "%41", 3, "%2541" },
};

START_TEST(value)
{
	char text[64], back[64];
	struct http_out o;
	long n;

	http_out_init(&o, text, sizeof(text));
	urlencode_put(&o, (struct slice){ values[_i].value, values[_i].len });
	ck_assert(!o.overflow);
	ck_assert(slice_is((struct slice){ text, o.len }, values[_i].encoded));
	memcpy(back, text, o.len);
	n = text_url_decode(back, o.len, true);
	if (memchr(values[_i].value, '\0', values[_i].len) != NULL)
		return; /* is refused when read */
	ck_assert_int_eq(n, (long)values[_i].len);
	ck_assert_mem_eq(back, values[_i].value, values[_i].len);
}
END_TEST

START_TEST(pairs)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "", "a=b+c&d%26=" },
		{ "https://x/?", "https://x/?a=b+c&d%26=" },
		{ "https://x/?p=1", "https://x/?p=1&a=b+c&d%26=" },
		{ "https://x/?p=1&", "https://x/?p=1&a=b+c&d%26=" },
	};

	for (size_t i = 0; i < N_ROWS(cases); i++) {
		char text[64];
		struct http_out o;

		http_out_init(&o, text, sizeof(text));
		http_put_z(&o, cases[i].before);
		urlencode_pair(&o, SLICE("a"), SLICE("b c"));
		urlencode_pair(&o, SLICE("d&"), SLICE(""));
		ck_assert(
		    slice_is((struct slice){ text, o.len }, cases[i].after));
	}
}
END_TEST

START_TEST(overflow)
{
	char text[5];
	struct http_out o;

	http_out_init(&o, text, sizeof(text));
	urlencode_pair(&o, SLICE("a"), SLICE("/"));
	ck_assert(!o.overflow && o.len == sizeof(text));
	http_out_init(&o, text, sizeof(text) - 1);
	urlencode_pair(&o, SLICE("a"), SLICE("/"));
	ck_assert(o.overflow && o.len < sizeof(text));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("urlencode");

	tcase_add_loop_test(t, value, 0, (int)N_ROWS(values));
	tcase_add_test(t, pairs);
	tcase_add_test(t, overflow);
	return unit_run("urlencode", t);
}
