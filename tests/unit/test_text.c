/*
 * Slices, numbers, hex, percent decoding, UTF-8, base64url, names of roles and
 * errors.
 */
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/role.h"
#include "common/text.h"
#include "tests/unit/unit.h"

START_TEST(test_slices)
{
	struct slice rest = SLICE("a:b:"), none = { NULL, 0 };

	ck_assert(slice_is(slice_cut(&rest, ':'), "a"));
	ck_assert(slice_is(slice_cut(&rest, ':'), "b"));
	ck_assert_ptr_nonnull(rest.p);
	ck_assert(slice_is(slice_cut(&rest, ':'), ""));
	ck_assert_ptr_null(rest.p);
	ck_assert_uint_eq(slice_cut(&none, ':').len, 0);

	ck_assert(slice_is_nocase(SLICE("HoSt"), "host"));
	ck_assert(!slice_is_nocase(SLICE("HoSt"), "hosts"));
	ck_assert(!slice_is(SLICE("HoSt"), "host"));
	ck_assert(slice_starts(SLICE("/api/x"), "/api"));
	ck_assert(!slice_starts(SLICE("/ap"), "/api"));
	ck_assert(slice_starts_nocase(SLICE("Bearer x"), "bearer "));
	ck_assert(slice_is(slice_trim(SLICE(" \t a b\t ")), "a b"));
	ck_assert(slice_is(slice_trim(SLICE(" \t ")), ""));
	ck_assert(slice_equal(slice_of(NULL), SLICE("")));
}
END_TEST

START_TEST(test_copy)
{
	char dst[4] = "xyz";

	ck_assert_int_eq(slice_copy(SLICE("abc"), dst, sizeof(dst)), 0);
	ck_assert_str_eq(dst, "abc");
	ck_assert_int_eq(
	    slice_copy(SLICE("abcd"), dst, sizeof(dst)), ERR_LIMIT);
	ck_assert_str_eq(dst, "");
	ck_assert_int_eq(slice_copy(SLICE(""), dst, 0), ERR_LIMIT);
	char *copy = slice_dup(SLICE("abc"));
	ck_assert_str_eq(copy, "abc");
	free(copy);
}
END_TEST

static const struct {
	const char *input;
	uint64_t max;
	int expected;
	uint64_t value;
} numbers[] = {
	{ "0", 0, 0, 0 },
	{ "1", 0, ERR_FORMAT, 0 },
	{ "42", 42, 0, 42 },
	{ "43", 42, ERR_FORMAT, 0 },
	{ "9", 5, ERR_FORMAT, 0 },
	{ "007", 10, 0, 7 },
	{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, ERR_FORMAT, 0 },
	{ "99999999999999999999999", UINT64_MAX, ERR_FORMAT, 0 },
	{ "", 10, ERR_FORMAT, 0 },
	{ "+1", 10, ERR_FORMAT, 0 },
	{ "-1", 10, ERR_FORMAT, 0 },
	{ " 1", 10, ERR_FORMAT, 0 },
	{ "1x", 100, ERR_FORMAT, 0 },
};

START_TEST(test_numbers)
{
	uint64_t v = 0;
	int r = text_u64(slice_of(numbers[_i].input), numbers[_i].max, &v);

	ck_assert_int_eq(r, numbers[_i].expected);
	ck_assert_uint_eq(v, numbers[_i].value);
}
END_TEST

START_TEST(test_hex)
{
	uint8_t bytes[3];
	char hex[7];

	ck_assert_int_eq(text_unhex(SLICE("00fFa1"), bytes, 3), 0);
	text_hex(hex, bytes, 3);
	ck_assert_str_eq(hex, "00ffa1");
	ck_assert_int_eq(text_unhex(SLICE("00ff"), bytes, 3), ERR_FORMAT);
	ck_assert_int_eq(text_unhex(SLICE("00ffa"), bytes, 2), ERR_FORMAT);
	ck_assert_int_eq(text_unhex(SLICE("00fg"), bytes, 2), ERR_FORMAT);
}
END_TEST

static const struct {
	const char *input;
	bool plus;
	long expected;
	const char *output;
} encoded[] = {
	{ "a%20b", false, 3, "a b" },
	{ "a+b", false, 3, "a+b" },
	{ "a+b", true, 3, "a b" },
	{ "%2B", true, 1, "+" },
	{ "", true, 0, "" },
	{ "%c3%A9", true, 2, "\xC3\xA9" },
	{ "%00", true, ERR_FORMAT, "" },
	{ "%", true, ERR_FORMAT, "" },
	{ "%4", true, ERR_FORMAT, "" },
	{ "ab%4", true, ERR_FORMAT, "" },
	{ "%zz", true, ERR_FORMAT, "" },
	{ "%41", true, 1, "A" },
};

START_TEST(test_url_decode)
{
	char *s = mem_strdup(encoded[_i].input);
	long n = text_url_decode(s, strlen(s), encoded[_i].plus);

	ck_assert_int_eq(n, encoded[_i].expected);
	if (n >= 0)
		ck_assert_int_eq(memcmp(s, encoded[_i].output, (size_t)n), 0);
	free(s);
}
END_TEST

START_TEST(test_distance)
{
	ck_assert_uint_eq(text_distance("strategy", "strategy"), 0);
	ck_assert_uint_eq(text_distance("stratgy", "strategy"), 1);
	ck_assert_uint_eq(text_distance("", "abc"), 3);
	ck_assert_uint_eq(text_distance("kitten", "sitting"), 3);
	char *long_text = mem_printf("%065d", 0);
	ck_assert_uint_gt(text_distance(long_text, long_text), 64);
	free(long_text);
}
END_TEST

static const struct {
	const char *input;
	size_t expected;
} characters[] = {
	{ "a", 1 },
	{ "\xC3\xA9", 2 },
	{ "\xE2\x82\xAC", 3 },
	{ "\xF0\x9F\x98\x80", 4 },
	{ "\xF4\x8F\xBF\xBF", 4 },
	{ "\x80", 0 },	   /* continuation alone */
	{ "\xC0\x80", 0 }, /* overlong */
	{ "\xC1\xBF", 0 },
	{ "\xE0\x9F\xBF", 0 },
	{ "\xF0\x8F\xBF\xBF", 0 },
	{ "\xED\xA0\x80", 0 },	   /* surrogate */
	{ "\xF4\x90\x80\x80", 0 }, /* over U+10FFFF */
	{ "\xF5\x80\x80\x80", 0 },
	{ "\xC3", 0 }, /* cut */
	{ "\xE2\x82", 0 },
	{ "\xF0\x9F\x98", 0 },
	{ "", 0 },
};

START_TEST(test_utf8)
{
	const char *s = characters[_i].input;

	ck_assert_uint_eq(text_utf8_len(s, strlen(s)), characters[_i].expected);
}
END_TEST

/* RFC 4648 section 10, and what strict decoding refuses */
static const struct {
	const char *text, *bytes;
	int expected;
} b64[] = {
	{ "", "", 0 },
	{ "Zg", "f", 0 },
	{ "Zm8", "fo", 0 },
	{ "Zm9v", "foo", 0 },
	{ "Zm9vYmFy", "foobar", 0 },
	{ "_-8", "\xFF\xEF", 0 },
	{ "Zg==", NULL, ERR_FORMAT },
	{ "Zh", NULL, ERR_FORMAT },
	{ "Zm9", NULL, ERR_FORMAT },
	{ "Z", NULL, ERR_FORMAT },
	{ "Zm+v", NULL, ERR_FORMAT },
	{ "Zm/v", NULL, ERR_FORMAT },
	{ "Zm v", NULL, ERR_FORMAT },
	{ "Zm\xC1v", NULL, ERR_FORMAT },
	{ "Zm9vYmFyYmF6", NULL, ERR_LIMIT },
};

START_TEST(test_b64url)
{
	uint8_t bytes[6];
	char text[16];
	size_t n = 99;
	const char *input = b64[_i].text;
	int r = b64url_decode(bytes, sizeof(bytes), &n, input, strlen(input));

	ck_assert_int_eq(r, b64[_i].expected);
	if (r != 0)
		return;
	ck_assert_uint_eq(n, strlen(b64[_i].bytes));
	ck_assert_int_eq(memcmp(bytes, b64[_i].bytes, n), 0);
	ck_assert_uint_eq(B64URL_LEN(n), strlen(input));
	b64url_encode(text, bytes, n);
	ck_assert_str_eq(text, input);
}
END_TEST

/* Every byte value in every position survives, and every character that is not
 * of the alphabet is refused. */
START_TEST(test_b64)
{
	/* RFC 4648 section 10, and the two last characters. */
	static const char *const vectors[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xef\xbe", "/+++" } };
	char text[16];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		b64_encode(text, vectors[i][0], strlen(vectors[i][0]));
		ck_assert_str_eq(text, vectors[i][1]);
		ck_assert_uint_eq(strlen(text), B64_LEN(strlen(vectors[i][0])));
	}
}
END_TEST

START_TEST(test_b64url_alphabet)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	uint8_t in[3], out[3];
	char text[5];
	size_t n;

	for (unsigned v = 0; v < 3 * 256; v++) {
		memset(in, 0x5A, sizeof(in));
		in[v / 256] = (uint8_t)(v % 256);
		b64url_encode(text, in, 3);
		ck_assert_int_eq(b64url_decode(out, 3, &n, text, 4), 0);
		ck_assert_int_eq(memcmp(in, out, 3), 0);
	}
	for (int c = 0; c < 256; c++) {
		text[0] = (char)c;
		memset(text + 1, 'A', 3);
		bool known = c != 0 && strchr(alphabet, c) != NULL;
		ck_assert_int_eq(
		    b64url_decode(out, 3, &n, text, 4), known ? 0 : ERR_FORMAT);
	}
}
END_TEST

START_TEST(test_names)
{
	for (int r = 0; r < ROLE_COUNT; r++)
		ck_assert_int_eq(role_from_name(role_name((enum role)r)), r);
	ck_assert_int_eq(role_from_name("root"), -1);
	ck_assert_int_eq(role_from_name(""), -1);
	for (int e = 0; e >= ERR_EXISTS; e--)
		ck_assert_str_ne(err_text(e), "unknown error");
	ck_assert_str_eq(err_text(ERR_EXISTS - 1), "unknown error");
	ck_assert_str_eq(err_text(1), "unknown error");
}
END_TEST

START_TEST(test_memory)
{
	uint32_t *p = mem_grow(NULL, 0, 4, sizeof(*p));
	p[3] = 7;
	p = mem_grow(p, 4, 1000, sizeof(*p));
	ck_assert_uint_eq(p[3], 7);
	for (size_t i = 4; i < 1000; i++)
		ck_assert_uint_eq(p[i], 0);
	free(p);
}
END_TEST

START_TEST(test_memory_overflow)
{
	volatile size_t n = SIZE_MAX / 2;
	free(mem_grow(NULL, 0, n, 4));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("text");

	tcase_add_test(t, test_slices);
	tcase_add_test(t, test_copy);
	tcase_add_loop_test(t, test_numbers, 0, N_ROWS(numbers));
	tcase_add_test(t, test_hex);
	tcase_add_loop_test(t, test_url_decode, 0, N_ROWS(encoded));
	tcase_add_test(t, test_distance);
	tcase_add_loop_test(t, test_utf8, 0, N_ROWS(characters));
	tcase_add_loop_test(t, test_b64url, 0, N_ROWS(b64));
	tcase_add_test(t, test_b64);
	tcase_add_test(t, test_b64url_alphabet);
	tcase_add_test(t, test_names);
	tcase_add_test(t, test_memory);
	tcase_add_exit_test(t, test_memory_overflow, 1);
	return unit_run("text", t);
}
