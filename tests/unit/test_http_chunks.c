/* Rule 8: chunked bodies, each decoded whole, byte by byte and at every split.
 */
#include <string.h>

#include "common/err.h"
#include "common/http/http.h"
#include "tests/unit/http_suite.h"

#define LAST "0\r\n\r\n"

struct decoded {
	char data[4096];
	size_t len, used;
	int r;
};

static void
feed(struct http_chunks *c, struct decoded *d, const char *p, size_t len)
{
	while (len > 0 && d->r == ERR_MORE) {
		struct slice data;
		size_t used;

		d->r = http_chunks_feed(c, p, len, &used, &data);
		if (data.len > 0)
			memcpy(d->data + d->len, data.p, data.len);
		d->len += data.len;
		d->used += used;
		p += used;
		len -= used;
	}
}

/* In pieces of at most step bytes, the first one of at most first bytes. */
static struct decoded
decode(const char *p, size_t len, size_t first, size_t step)
{
	struct decoded d = { .r = ERR_MORE };
	struct http_chunks c;
	size_t n = first;

	http_chunks_init(&c);
	while (len > 0) {
		n = n < len ? n : len;
		feed(&c, &d, p, n);
		p += n;
		len -= n;
		n = step;
	}
	return d;
}

/* clang-format off */
static const struct {
	const char *name, *body;
	size_t len;
	int expected;
	const char *payload;
	size_t surplus;
} cases[] = {
	{ "empty",             TEXT(LAST), 0, "", 0 },
	{ "one",               TEXT("5\r\nhello\r\n" LAST), 0, "hello", 0 },
	{ "two",               TEXT("3\r\nhel\r\n2\r\nlo\r\n" LAST), 0, "hello", 0 },
	{ "CRLF in data",      TEXT("4\r\na\r\nb\r\n" LAST), 0, "a\r\nb", 0 },
	{ "hex",               TEXT("00a\r\n0123456789\r\n" LAST), 0, "0123456789", 0 },
	{ "HEX",               TEXT("A\r\n0123456789\r\n000\r\n\r\n"), 0, "0123456789", 0 },
	{ "15 digits",         TEXT("000000000000001\r\na\r\n" LAST), 0, "a", 0 },
	{ "next message",      TEXT("1\r\na\r\n" LAST "GET /"), 0, "a", 5 },
	{ "cut",               TEXT("5\r\nhel"), ERR_MORE, "hel", 0 },
	{ "cut at the end",    TEXT("0\r\n\r"), ERR_MORE, "", 0 },
	{ "extension",         TEXT("1;a=b\r\na\r\n0;c=\"d\te\"\r\n\r\n"), 0, "a", 0 },
	{ "bare semicolon",    TEXT("1;\r\na\r\n" LAST), 0, "a", 0 },
	{ "trailers",          TEXT("0\r\nX-Sum: 1\r\nY:\r\n\r\n"), 0, "", 0 },
	{ "framing as trailer", TEXT("0\r\nContent-Length: 5\r\n\r\n"), 0, "", 0 },
	{ "no size",           TEXT("\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "only extension",    TEXT(";a\r\n"), ERR_FORMAT, "", 0 },
	{ "16 digits",         TEXT("0000000000000001\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "overflow",          TEXT("10000000000000005\r\nhello\r\n"), ERR_FORMAT, "", 0 },
	{ "minus",             TEXT("-1\r\n"), ERR_FORMAT, "", 0 },
	{ "plus",              TEXT("+1\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "0x",                TEXT("0x1\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "letter g",          TEXT("1g\r\n"), ERR_FORMAT, "", 0 },
	{ "SP before",         TEXT(" 1\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "SP behind",         TEXT("1 \r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "HTAB behind",       TEXT("1\t\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "SP, extension",     TEXT("1 ;a\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "comma",             TEXT("1,2\r\n"), ERR_FORMAT, "", 0 },
	{ "LF behind size",    TEXT("1\na\r\n"), ERR_FORMAT, "", 0 },
	{ "CR behind size",    TEXT("1\ra\r\n"), ERR_FORMAT, "", 0 },
	{ "CR CR LF",          TEXT("1\r\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "NUL in size",       TEXT("1\0\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "LF in extension",   TEXT("1;a\na\r\n"), ERR_FORMAT, "", 0 },
	{ "CR in extension",   TEXT("1;a\rb\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "NUL in extension",  TEXT("1;\0\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "control in ext",    TEXT("1;\x01\r\na\r\n"), ERR_FORMAT, "", 0 },
	{ "LF behind data",    TEXT("1\r\na\n" LAST), ERR_FORMAT, "a", 0 },
	{ "CR behind data",    TEXT("1\r\na\r0\r\n\r\n"), ERR_FORMAT, "a", 0 },
	{ "data too long",     TEXT("1\r\nab\r\n" LAST), ERR_FORMAT, "a", 0 },
	{ "nothing behind",    TEXT("1\r\na" LAST), ERR_FORMAT, "a", 0 },
	{ "LF ends",           TEXT("0\r\n\n"), ERR_FORMAT, "", 0 },
	{ "LF LF ends",        TEXT("0\n\n"), ERR_FORMAT, "", 0 },
	{ "CR X ends",         TEXT("0\r\n\rX"), ERR_FORMAT, "", 0 },
	{ "trailer no colon",  TEXT("0\r\nX\r\n\r\n"), ERR_FORMAT, "", 0 },
	{ "trailer no name",   TEXT("0\r\n: a\r\n\r\n"), ERR_FORMAT, "", 0 },
	{ "trailer SP colon",  TEXT("0\r\nX : a\r\n\r\n"), ERR_FORMAT, "", 0 },
	{ "trailer fold",      TEXT("0\r\nX: a\r\n b\r\n\r\n"), ERR_FORMAT, "", 0 },
	{ "trailer LF",        TEXT("0\r\nX: a\n\r\n"), ERR_FORMAT, "", 0 },
	{ "trailer CR",        TEXT("0\r\nX: a\rb\r\n\r\n"), ERR_FORMAT, "", 0 },
	{ "trailer NUL",       TEXT("0\r\nX: \0\r\n\r\n"), ERR_FORMAT, "", 0 },
	{ "request behind 0",  TEXT("0\r\nGET / HTTP/1.1\r\n"), ERR_FORMAT, "", 0 },
};
/* clang-format on */

static void
check_decoded(struct decoded d, int i, const char *how)
{
	ck_assert_msg(
	    d.r == cases[i].expected, "%s, %s: %d", cases[i].name, how, d.r);
	ck_assert_msg(d.len == strlen(cases[i].payload) &&
		memcmp(d.data, cases[i].payload, d.len) == 0,
	    "%s, %s: payload", cases[i].name, how);
	if (d.r == 0)
		ck_assert_uint_eq(d.used, cases[i].len - cases[i].surplus);
}

START_TEST(chunked)
{
	size_t len = cases[_i].len;

	check_decoded(decode(cases[_i].body, len, len, len), _i, "whole");
	check_decoded(decode(cases[_i].body, len, 1, 1), _i, "bytewise");
	for (size_t at = 1; at < len; at++)
		check_decoded(
		    decode(cases[_i].body, len, at, len), _i, "split");
}
END_TEST

/* A body of one extension and one trailer of that many bytes in all. */
static int
with_dropped(size_t extension, size_t trailer)
{
	char body[3 * HTTP_CHUNK_EXT_MAX];
	size_t n = 0;

	body[n++] = '0';
	body[n++] = ';';
	memset(body + n, 'e', extension);
	n += extension;
	body[n++] = '\r';
	body[n++] = '\n';
	memset(body + n, 't', trailer);
	n += trailer;
	memcpy(body + n, ":\r\n\r\n", 5);
	return decode(body, n + 5, n + 5, 1).r;
}

START_TEST(extension_limit)
{
	ck_assert_int_eq(with_dropped(HTTP_CHUNK_EXT_MAX - 1, 1), 0);
	ck_assert_int_eq(with_dropped(1, HTTP_CHUNK_EXT_MAX - 1), 0);
	ck_assert_int_eq(with_dropped(HTTP_CHUNK_EXT_MAX, 1), ERR_FORMAT);
	ck_assert_int_eq(with_dropped(1, HTTP_CHUNK_EXT_MAX), ERR_FORMAT);
	ck_assert_int_eq(with_dropped(HTTP_CHUNK_EXT_MAX + 1, 1), ERR_FORMAT);
}
END_TEST

/* The limit is per body, not per chunk. */
START_TEST(extensions_add_up)
{
	struct decoded d = { .r = ERR_MORE };
	struct http_chunks c;

	http_chunks_init(&c);
	for (unsigned i = 0; i < HTTP_CHUNK_EXT_MAX / 4; i++)
		feed(&c, &d, TEXT("1;abcd\r\na\r\n"));
	ck_assert_int_eq(d.r, ERR_MORE);
	feed(&c, &d, TEXT("1;a\r\na\r\n"));
	ck_assert_int_eq(d.r, ERR_FORMAT);
}
END_TEST

START_TEST(states_that_stay)
{
	struct http_chunks c;
	struct slice data;
	size_t used;

	http_chunks_init(&c);
	ck_assert_int_eq(
	    http_chunks_feed(&c, TEXT("x"), &used, &data), ERR_FORMAT);
	ck_assert_int_eq(
	    http_chunks_feed(&c, TEXT(LAST), &used, &data), ERR_FORMAT);
	http_chunks_init(&c);
	ck_assert_int_eq(http_chunks_feed(&c, TEXT(LAST), &used, &data), 0);
	ck_assert_int_eq(http_chunks_feed(&c, TEXT("GET"), &used, &data), 0);
	ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(largest_size_is_taken_at_its_word)
{
	struct http_chunks c;
	struct slice data;
	size_t used;

	http_chunks_init(&c);
	ck_assert_int_eq(
	    http_chunks_feed(&c, TEXT("fffffffffffffff\r\nab"), &used, &data),
	    ERR_MORE);
	ck_assert_slice_eq(data, "ab");
	ck_assert_uint_eq(c.left, UINT64_C(0xfffffffffffffff) - 2);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, chunked, 0, COUNT(cases));
	tcase_add_test(tc, extension_limit);
	tcase_add_test(tc, extensions_add_up);
	tcase_add_test(tc, states_that_stay);
	tcase_add_test(tc, largest_size_is_taken_at_its_word);
}

int
main(void)
{
	return run_cases("http_chunks", add);
}
