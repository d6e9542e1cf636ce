/*
 * Dates, log lines and audit lines, read back from standard output.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/unit.h"

static int out_pipe[2], real_stdout;
static char captured[8192];

static void
capture_begin(const char *level, const char *format)
{
	(void)setenv("LOG_LEVEL", level, 1);
	(void)setenv("LOG_FORMAT", format, 1);
	log_open("authd");
	ck_assert_int_eq(pipe(out_pipe), 0);
	real_stdout = dup(STDOUT_FILENO);
	ck_assert_int_eq(dup2(out_pipe[1], STDOUT_FILENO), STDOUT_FILENO);
	(void)close(out_pipe[1]);
}

/* What was written, with the time of every line replaced by "T". */
static const char *
capture_end(void)
{
	(void)dup2(real_stdout, STDOUT_FILENO);
	ssize_t n = read(out_pipe[0], captured, sizeof(captured) - 1);
	captured[n > 0 ? n : 0] = '\0';
	(void)close(out_pipe[0]);
	char *at = strstr(captured, "20");
	if (at != NULL && strlen(at) > CLOCK_RFC3339_LEN) {
		*at = 'T';
		memmove(at + 1, at + CLOCK_RFC3339_LEN,
		    strlen(at + CLOCK_RFC3339_LEN) + 1);
	}
	return captured;
}

static const struct {
	const char *format, *message, *expected;
} lines[] = {
	{ "text", "hello", "T INF hello process=authd\n" },
	{ "text", "a\nb\x1b[1m", "T INF a\\nb\\x1b[1m process=authd\n" },
	{ "text", "\xC3\xA9\xFF", "T INF \xC3\xA9\\xff process=authd\n" },
	{ "text",
	    "\xC2\x9B"
	    "1m",
	    "T INF \\u009b1m process=authd\n" },
	{ "json", "hello",
	    "{\"level\":\"info\",\"ts\":\"T\",\"msg\":\"hello\","
	    "\"process\":\"authd\"}\n" },
	{ "json", "\"<&>\\\t\x01\xFF\xE2\x80\xA8",
	    "{\"level\":\"info\",\"ts\":\"T\",\"msg\":\"\\\"\\u003c\\u0026"
	    "\\u003e\\\\\\t\\u0001\\ufffd\\u2028\",\"process\":\"authd\"}\n" },
};

START_TEST(test_lines)
{
	capture_begin("info", lines[_i].format);
	log_debug("not this");
	log_info("%s", lines[_i].message);
	ck_assert_str_eq(capture_end(), lines[_i].expected);
}
END_TEST

START_TEST(test_cut)
{
	static char message[20000];

	memset(message, _i == 0 ? 'x' : '<', sizeof(message) - 1);
	capture_begin("info", _i == 0 ? "text" : "json");
	log_error("%s", message);
	const char *line = capture_end();
	ck_assert_uint_lt(strlen(line), 4096);
	ck_assert_uint_gt(strlen(line), 2048);
	ck_assert_int_eq(line[strlen(line) - 1], '\n');
	if (_i == 1)
		ck_assert_str_eq(
		    line + strlen(line) - 21, "\",\"process\":\"authd\"}\n");
}
END_TEST

START_TEST(test_limited)
{
	struct log_rate rate = { 0, 0 };

	capture_begin("info", "text");
	for (int i = 0; i < 4; i++)
		log_limited(&rate, 60000, LOG_LEVEL_WARN, "line %d", i);
	rate.last_ms -= 60000;
	log_limited(&rate, 60000, LOG_LEVEL_WARN, "last");
	const char *text = capture_end();
	ck_assert_ptr_nonnull(strstr(text, "WRN line 0 process"));
	ck_assert_ptr_null(strstr(text, "line 1"));
	ck_assert_ptr_nonnull(strstr(text, "last (3 more like this before)"));
}
END_TEST

START_TEST(test_fatal)
{
	log_fatal("the end");
}
END_TEST

START_TEST(test_escape_cap)
{
	char dst[8];

	/* cut on a character, never inside an escape */
	ck_assert_uint_eq(log_json_escape(dst, sizeof(dst), "ab<c", 4), 2);
	ck_assert_str_eq(dst, "ab");
	ck_assert_uint_eq(log_json_escape(dst, 4, "ab\xC3\xA9", 4), 2);
	ck_assert_uint_eq(log_json_escape(dst, sizeof(dst), "\0", 1), 6);
	ck_assert_str_eq(dst, "\\u0000");
	ck_assert_uint_eq(log_json_escape(dst, 1, "a", 1), 0);
}
END_TEST

START_TEST(test_audit)
{
	static const uint8_t digest[32] = { 0xAB, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct audit a;

	capture_begin("fatal", "text");
	audit_begin(&a, "AUDIT: Login successful");
	audit_str(&a, "user", "a\"b");
	audit_str(&a, "nothing", NULL);
	audit_fingerprint(&a, "token", digest);
	audit_end(&a);
	ck_assert_str_eq(capture_end(),
	    "{\"level\":\"info\",\"ts\":\"T\",\"group\":\"audit\","
	    "\"process\":\"authd\",\"msg\":\"AUDIT: Login successful\","
	    "\"user\":\"a\\\"b\","
	    "\"token\":\"ab01020304050607\"}\n");
}
END_TEST

START_TEST(test_audit_full)
{
	static char value[1000];
	struct audit a;

	memset(value, 'v', sizeof(value) - 1);
	capture_begin("info", "text");
	audit_begin(&a, "AUDIT: Logout completed");
	for (int i = 0; i < 100; i++)
		audit_str(&a, "user", value);
	audit_end(&a);
	audit_enable(false);
	audit_begin(&a, "never");
	audit_end(&a);
	const char *line = capture_end();
	ck_assert_uint_le(strlen(line), 2048);
	ck_assert_str_eq(line + strlen(line) - 5, "vv\"}\n");
	ck_assert_ptr_null(strstr(line, "never"));
}
END_TEST

static const struct {
	int64_t unix_s;
	const char *http, *rfc3339;
} dates[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z" },
	{ -5, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z" },
	{ 1767323045, "Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05Z" },
	{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT", "2000-02-28T23:59:59Z" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z" },
	{ 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00Z" },
	{ INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z" },
};

START_TEST(test_dates)
{
	char text[CLOCK_RFC1123Z_LEN + 1];

	clock_http_date(text, dates[_i].unix_s);
	ck_assert_str_eq(text, dates[_i].http);
	clock_rfc3339(text, dates[_i].unix_s);
	ck_assert_str_eq(text, dates[_i].rfc3339);
	clock_rfc1123z(text, dates[_i].unix_s);
	ck_assert_str_eq(text + 25, " +0000");
	ck_assert_int_eq(strncmp(text, dates[_i].http, 25), 0);
}
END_TEST

/* Against the C library, over 400 years and more in uneven steps. */
START_TEST(test_calendar)
{
	char ours[CLOCK_HTTP_LEN + 1], theirs[64];
	struct tm tm;

	for (time_t s = 0; s < 20000000000; s += 86400 * 3 + 7919) {
		clock_http_date(ours, s);
		(void)gmtime_r(&s, &tm);
		(void)strftime(
		    theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		ck_assert_str_eq(ours, theirs);
	}
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("log");

	tcase_add_loop_test(t, test_lines, 0, N_ROWS(lines));
	tcase_add_loop_test(t, test_cut, 0, 2);
	tcase_add_test(t, test_limited);
	tcase_add_exit_test(t, test_fatal, 1);
	tcase_add_test(t, test_escape_cap);
	tcase_add_test(t, test_audit);
	tcase_add_test(t, test_audit_full);
	tcase_add_loop_test(t, test_dates, 0, N_ROWS(dates));
	tcase_add_test(t, test_calendar);
	return unit_run("log", t);
}
