/* Bodies between frames and HTTP, in both directions. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "common/err.h"
#include "common/frame.h"
#include "egress/body.h"

static struct evbuffer *in, *out;

static void
set_up(void)
{
	in = evbuffer_new();
	out = evbuffer_new();
}

static void
tear_down(void)
{
	evbuffer_free(in);
	evbuffer_free(out);
}

static void
expect_out(const char *text)
{
	size_t n = evbuffer_get_length(out);

	ck_assert_uint_eq(n, strlen(text));
	ck_assert_mem_eq(evbuffer_pullup(out, -1), text, n);
}

START_TEST(out_length)
{
	struct body_out b;

	body_out_init(&b, HTTP_BODY_LENGTH, 5);
	evbuffer_add(in, "hello!", 6);
	ck_assert_int_eq(body_out_data(&b, in, 2, out), 0);
	ck_assert_int_eq(body_out_end(&b, out), ERR_PROTOCOL);
	ck_assert_int_eq(body_out_data(&b, in, 3, out), 0);
	ck_assert_int_eq(body_out_end(&b, out), 0);
	ck_assert_int_eq(body_out_data(&b, in, 1, out), ERR_PROTOCOL);
	expect_out("hello");
}
END_TEST

/* The caller wipes its own copy at once; the body follows the head. */
START_TEST(out_head)
{
	char head[] = "POST / HTTP/1.1\r\n\r\n";
	struct body_out b;

	ck_assert_int_eq(body_out_head(out, head, strlen(head)), 0);
	memset(head, 0, sizeof(head));
	body_out_init(&b, HTTP_BODY_LENGTH, 2);
	evbuffer_add(in, "hi", 2);
	ck_assert_int_eq(body_out_data(&b, in, 2, out), 0);
	expect_out("POST / HTTP/1.1\r\n\r\nhi");
}
END_TEST

START_TEST(out_chunked)
{
	struct body_out b;

	body_out_init(&b, HTTP_BODY_CHUNKED, 0);
	evbuffer_add(in, "hello", 5);
	ck_assert_int_eq(body_out_data(&b, in, 5, out), 0);
	ck_assert_int_eq(body_out_data(&b, in, 0, out), 0);
	ck_assert_int_eq(body_out_end(&b, out), 0);
	expect_out("5\r\nhello\r\n0\r\n\r\n");
}
END_TEST

START_TEST(out_none)
{
	struct body_out b;

	body_out_init(&b, HTTP_BODY_NONE, 0);
	evbuffer_add(in, "x", 1);
	ck_assert_int_eq(body_out_data(&b, in, 1, out), ERR_PROTOCOL);
}
END_TEST

/* Unpacks the DATA frames of out into text. */
static void
unframe(char *text, size_t cap)
{
	uint8_t head[FRAME_HEADER_LEN];
	enum frame_type type;
	uint32_t len;
	size_t at = 0;

	while (evbuffer_get_length(out) > 0) {
		ck_assert_int_eq(
		    evbuffer_remove(out, head, sizeof(head)), sizeof(head));
		ck_assert_int_eq(
		    frame_head(head, sizeof(head), &type, &len), 0);
		ck_assert_int_eq(type, FRAME_DATA);
		ck_assert_uint_gt(len, 0);
		ck_assert_uint_lt(at + len, cap);
		evbuffer_remove(out, text + at, len);
		at += len;
	}
	text[at] = '\0';
}

static const struct {
	const char *name;
	enum http_body framing;
	uint64_t length;
	const char *wire;
	bool ended;
	int result;
	const char *body;
	size_t left; /* bytes that stay in the input */
} in_cases[] = {
	{ "length", HTTP_BODY_LENGTH, 5, "hello", false, 0, "hello", 0 },
	{ "length zero", HTTP_BODY_LENGTH, 0, "", false, 0, "", 0 },
	{ "length, surplus", HTTP_BODY_LENGTH, 5, "helloEXTRA", false, 0,
	    "hello", 5 },
	{ "length, more to come", HTTP_BODY_LENGTH, 9, "hello", false, ERR_MORE,
	    "hello", 0 },
	{ "length, cut off", HTTP_BODY_LENGTH, 9, "hello", true, ERR_FORMAT,
	    "hello", 0 },
	{ "chunked", HTTP_BODY_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\n", false, 0,
	    "hello", 0 },
	{ "chunked, surplus", HTTP_BODY_CHUNKED, 0,
	    "5\r\nhello\r\n0\r\n\r\nHTTP", false, 0, "hello", 4 },
	{ "chunked, cut off", HTTP_BODY_CHUNKED, 0, "5\r\nhello\r\n", true,
	    ERR_FORMAT, "hello", 0 },
	{ "chunked, more to come", HTTP_BODY_CHUNKED, 0, "5\r\nhel", false,
	    ERR_MORE, "hel", 0 },
	{ "chunked, bad", HTTP_BODY_CHUNKED, 0, "z\r\n", false, ERR_FORMAT, "",
	    3 },
	{ "close, open", HTTP_BODY_CLOSE, 0, "hello", false, ERR_MORE, "hello",
	    0 },
	{ "close, ended", HTTP_BODY_CLOSE, 0, "hello", true, 0, "hello", 0 },
	{ "none", HTTP_BODY_NONE, 0, "xx", false, 0, "", 2 },
};

START_TEST(in_case)
{
	struct body_in b;
	char text[256];

	body_in_init(&b, in_cases[_i].framing, in_cases[_i].length);
	evbuffer_add(in, in_cases[_i].wire, strlen(in_cases[_i].wire));
	ck_assert_msg(body_in_move(&b, in, in_cases[_i].ended, out, 65536,
			  body_put_frame) == in_cases[_i].result,
	    "%s", in_cases[_i].name);
	unframe(text, sizeof(text));
	ck_assert_str_eq(text, in_cases[_i].body);
	ck_assert_uint_eq(evbuffer_get_length(in), in_cases[_i].left);
}
END_TEST

/* The same, a byte at a time. */
START_TEST(in_bytewise)
{
	struct body_in b;
	char text[256];
	const char *p;
	int err = ERR_MORE;

	body_in_init(&b, in_cases[_i].framing, in_cases[_i].length);
	for (p = in_cases[_i].wire; *p != '\0' && err == ERR_MORE; p++) {
		evbuffer_add(in, p, 1);
		err = body_in_move(&b, in, false, out, 65536, body_put_frame);
	}
	if (err == ERR_MORE)
		err = body_in_move(
		    &b, in, in_cases[_i].ended, out, 65536, body_put_frame);
	ck_assert_msg(err == in_cases[_i].result, "%s", in_cases[_i].name);
	unframe(text, sizeof(text));
	ck_assert_str_eq(text, in_cases[_i].body);
}
END_TEST

START_TEST(in_high_water)
{
	static char big[200000];
	struct body_in b;

	evbuffer_add(in, big, sizeof(big));
	body_in_init(&b, HTTP_BODY_LENGTH, sizeof(big));
	ck_assert_int_eq(
	    body_in_move(&b, in, false, out, 65536, body_put_frame), ERR_MORE);
	ck_assert_uint_ge(evbuffer_get_length(out), 65536);
	ck_assert_uint_le(evbuffer_get_length(out), 2 * 65536 + 10);
	evbuffer_drain(out, evbuffer_get_length(out));
	ck_assert_int_eq(
	    body_in_move(&b, in, false, out, 1 << 20, body_put_frame), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress body");
	TCase *t = tcase_create("body");
	SRunner *runner = srunner_create(suite);
	int n = (int)(sizeof(in_cases) / sizeof(in_cases[0]));
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, out_length);
	tcase_add_test(t, out_head);
	tcase_add_test(t, out_chunked);
	tcase_add_test(t, out_none);
	tcase_add_loop_test(t, in_case, 0, n);
	tcase_add_loop_test(t, in_bytewise, 0, n);
	tcase_add_test(t, in_high_water);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
