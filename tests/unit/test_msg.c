/*
 * The wire encoding and the message table: every row at its limits, and every
 * way to break it.
 */
#include <signal.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/msg.h"
#include "common/secret.h"
#include "common/wire.h"
#include "tests/unit/unit.h"

static size_t
wire_sample(uint8_t *dst, size_t cap)
{
	struct wire_writer w;

	wire_writer_init(&w, dst, cap);
	wire_put_u8(&w, 0x12);
	wire_put_u16(&w, 0x3456);
	wire_put_u32(&w, 0x789ABCDE);
	wire_put_u64(&w, 0xF01122334455667F);
	wire_put_text(&w, "text");
	wire_put_bytes(&w, "a\0b", 3);
	wire_put_raw(&w, "raw", 3);
	return wire_done(&w) == 0 ? w.len : 0;
}

static int
wire_sample_read(const uint8_t *p, size_t len, bool check_values)
{
	struct wire_reader r;
	char raw[3] = "xx";

	wire_reader_init(&r, p, len);
	unsigned u8 = wire_get_u8(&r);
	unsigned u16 = wire_get_u16(&r);
	uint32_t u32 = wire_get_u32(&r);
	uint64_t u64 = wire_get_u64(&r);
	struct slice text = wire_get_text(&r, 4);
	struct slice bytes = wire_get_bytes(&r, 3);
	wire_get_raw(&r, raw, 3);
	if (wire_end(&r) != 0)
		/* what could not be read is zero */
		ck_assert_int_eq(memcmp(raw, "\0\0\0", 3), 0);
	if (!check_values)
		return wire_end(&r);
	ck_assert_uint_eq(u8, 0x12);
	ck_assert_uint_eq(u16, 0x3456);
	ck_assert_uint_eq(u32, 0x789ABCDE);
	ck_assert_uint_eq(u64, 0xF01122334455667F);
	ck_assert(slice_is(text, "text"));
	ck_assert(slice_equal(bytes, SLICE("a\0b")));
	ck_assert_int_eq(memcmp(raw, "raw", 3), 0);
	return wire_end(&r);
}

START_TEST(test_wire_truncation)
{
	uint8_t buffer[64];
	size_t len = wire_sample(buffer, sizeof(buffer));

	ck_assert_uint_eq(len, 1 + 2 + 4 + 8 + 6 + 5 + 3);
	ck_assert_int_eq(wire_sample_read(buffer, len, true), 0);
	for (size_t cut = 0; cut < len; cut++) {
		/* a heap copy, so that a sanitizer sees a read too far */
		uint8_t *copy = malloc(cut + 1);
		memcpy(copy, buffer, cut);
		int r = wire_sample_read(copy, cut, false);
		ck_assert_int_eq(r, ERR_FORMAT);
		ck_assert_uint_eq(wire_sample(copy, cut), 0);
		free(copy);
	}
	buffer[len] = 0;
	struct wire_reader r;
	wire_reader_init(&r, buffer, 2);
	(void)wire_get_u8(&r);
	ck_assert_int_eq(wire_end(&r), ERR_FORMAT);
}
END_TEST

START_TEST(test_wire_errors_stick)
{
	uint8_t buffer[4] = { 0, 9, 'a', 'b' };
	struct wire_reader r;
	struct wire_writer w;

	wire_reader_init(&r, buffer, sizeof(buffer));
	ck_assert_uint_eq(wire_get_bytes(&r, 100).len, 0);
	ck_assert_uint_eq(wire_get_u8(&r), 0);
	ck_assert_int_eq(wire_end(&r), ERR_FORMAT);

	buffer[1] = 2; /* over the field's own limit */
	wire_reader_init(&r, buffer, sizeof(buffer));
	ck_assert_uint_eq(wire_get_bytes(&r, 1).len, 0);
	ck_assert_int_eq(wire_end(&r), ERR_FORMAT);

	buffer[2] = 0; /* a NUL is right in bytes, wrong in text */
	wire_reader_init(&r, buffer, sizeof(buffer));
	ck_assert_uint_eq(wire_get_bytes(&r, 2).len, 2);
	ck_assert_int_eq(wire_end(&r), 0);
	wire_reader_init(&r, buffer, sizeof(buffer));
	ck_assert_uint_eq(wire_get_text(&r, 2).len, 0);
	ck_assert_int_eq(wire_end(&r), ERR_FORMAT);

	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_u64(&w, 1);
	wire_put_u8(&w, 1);
	ck_assert_int_eq(wire_done(&w), ERR_LIMIT);
	ck_assert_uint_eq(w.len, 0);

	static uint8_t big[70000];
	static const uint8_t from[65536];
	wire_writer_init(&w, big, sizeof(big));
	wire_put_bytes(&w, from, 65535);
	ck_assert_int_eq(wire_done(&w), 0);
	wire_writer_init(&w, big, sizeof(big));
	wire_put_bytes(&w, from, 65536);
	ck_assert_int_eq(wire_done(&w), ERR_LIMIT);
}
END_TEST

/* Every row: right at min and max, wrong in each single way. */
START_TEST(test_rows)
{
	unsigned type = (unsigned)_i;
	const struct msg_spec *spec = msg_spec(type);
	bool fd = spec->fd == FD_ONE;

	ck_assert_ptr_nonnull(spec);
	ck_assert_str_eq(spec->name, msg_name(type));
	for (unsigned f = 0; f < ROLE_COUNT * ROLE_COUNT; f++) {
		enum role from = (enum role)(f / ROLE_COUNT);
		enum role to = (enum role)(f % ROLE_COUNT);
		bool direction = (spec->from >> from & spec->to >> to & 1) != 0;
		int right = direction ? 0 : ERR_PROTOCOL;
		ck_assert_int_eq(
		    msg_check(type, spec->min, fd, from, to), right);
		ck_assert_int_eq(
		    msg_check(type, spec->max, fd, from, to), right);
		ck_assert_int_eq(
		    msg_check(type, spec->max + 1, fd, from, to), ERR_PROTOCOL);
		ck_assert_int_eq(
		    msg_check(type, (size_t)spec->min - 1, fd, from, to),
		    ERR_PROTOCOL);
		ck_assert_int_eq(
		    msg_check(type, spec->min, !fd, from, to), ERR_PROTOCOL);
	}
}
END_TEST

START_TEST(test_unknown_rows)
{
	ck_assert_ptr_null(msg_spec(MSG_NONE));
	ck_assert_ptr_null(msg_spec(MSG_COUNT));
	ck_assert_ptr_null(msg_spec(65535));
	ck_assert_str_eq(msg_name(MSG_COUNT), "unknown message");
	ck_assert_int_eq(
	    msg_check(MSG_NONE, 0, false, ROLE_CTL, ROLE_AUTHD), ERR_PROTOCOL);
	ck_assert_int_eq(
	    msg_check(MSG_COUNT, 0, false, ROLE_CTL, ROLE_AUTHD), ERR_PROTOCOL);
}
END_TEST

/* A reply goes the way back, is no request itself, and is nobody else's. */
START_TEST(test_replies)
{
	const struct msg_spec *spec = msg_spec((unsigned)_i);

	for (unsigned answer = 0; answer < MSG_COUNT + 2; answer++) {
		bool other = (_i == MSG_TLS_IDENTITY &&
				 answer == MSG_TLS_IDENTITY_NONE) ||
		    (_i == MSG_CA && answer == MSG_CA_NONE) ||
		    (_i == MSG_ASSERTION_KEY &&
			answer == MSG_ASSERTION_KEY_NONE);
		bool is = answer != MSG_NONE &&
		    (answer == (unsigned)spec->reply || other);
		ck_assert_int_eq(msg_is_answer((unsigned)_i, answer), is);
	}
	ck_assert_int_eq(msg_is_request((unsigned)_i), spec->reply != MSG_NONE);
	if (spec->reply == MSG_NONE)
		return;
	const struct msg_spec *reply = msg_spec(spec->reply);
	ck_assert_uint_eq(reply->from, spec->to);
	ck_assert_uint_eq(reply->to, spec->from);
	ck_assert(!msg_is_request(spec->reply));
}
END_TEST

START_TEST(test_secret)
{
	struct secret *s = secret_from("0123456789", 10);

	ck_assert_uint_eq(secret_len(s), 10);
	ck_assert_uint_eq(secret_cap(s), 10);
	ck_assert_int_eq(memcmp(secret_peek(s), "0123456789", 10), 0);
	secret_set_len(s, 4);
	ck_assert_uint_eq(secret_len(s), 4);
	ck_assert_ptr_eq(secret_bytes(s), secret_peek(s));
	secret_free(s);
	secret_free(NULL);
	s = secret_new(SECRET_MAX);
	memset(secret_bytes(s), 1, SECRET_MAX);
	secret_free(s);

	ck_assert(secret_equal("abc", 3, "abc", 3));
	ck_assert(secret_equal("", 0, "", 0));
	ck_assert(!secret_equal("abc", 3, "abd", 3));
	ck_assert(!secret_equal("abc", 3, "abcd", 4));
	char buffer[4] = "abc";
	secret_wipe(buffer, sizeof(buffer));
	ck_assert_int_eq(memcmp(buffer, "\0\0\0", 4), 0);
	uint8_t random[2][32] = { { 0 }, { 0 } };
	secret_random(random[0], 32);
	secret_random(random[1], 32);
	ck_assert_int_ne(memcmp(random[0], random[1], 32), 0);
}
END_TEST

/* Behind the end, and before the pages, is a guard. */
START_TEST(test_secret_guard)
{
	struct secret *s = secret_new(64);
	volatile uint8_t *p = secret_bytes(s);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (_i == 0)
		p[64] = 1;
	else
		p[64 - (long)page - 1] = 1;
}
END_TEST

/* A forked child does not have it. */
START_TEST(test_secret_fork)
{
	struct secret *s = secret_from("x", 1);

	if (fork() == 0) {
		unsigned char there;
		void *start = (void *)((uintptr_t)secret_bytes(s) &
		    ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
		_exit(mincore(start, 1, &there) == 0 ? 1 : 0);
	}
	int status;
	ck_assert_int_gt(wait(&status), 0);
	ck_assert_int_eq(status, 0);
	secret_free(s);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("msg");

	tcase_add_test(t, test_wire_truncation);
	tcase_add_test(t, test_wire_errors_stick);
	tcase_add_loop_test(t, test_rows, MSG_NONE + 1, MSG_COUNT);
	tcase_add_test(t, test_unknown_rows);
	tcase_add_loop_test(t, test_replies, MSG_NONE + 1, MSG_COUNT);
	tcase_add_test(t, test_secret);
	tcase_add_loop_test_raise_signal(t, test_secret_guard, SIGSEGV, 0, 2);
	tcase_add_test(t, test_secret_fork);
	return unit_run("msg", t);
}
