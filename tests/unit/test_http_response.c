/* Rule 11: response heads are read as strictly as request heads. */
#include <string.h>

#include "common/err.h"
#include "common/http/http.h"
#include "tests/unit/http_suite.h"

#define OK(fields) TEXT("HTTP/1.1 200 OK\r\n" fields "\r\n")
#define STATUS(line) TEXT(line "\r\nContent-Length: 0\r\n\r\n")

/* clang-format off */
static const struct {
	const char *name, *head;
	size_t len;
	int expected;
} verdicts[] = {
	{ "plain",              OK(""), 0 },
	{ "no reason",          STATUS("HTTP/1.1 200 "), 0 },
	{ "no reason, no SP",   STATUS("HTTP/1.1 200"), 0 },
	{ "long reason",        STATUS("HTTP/1.1 404 Not \xc3\xbc here"), 0 },
	{ "status 100",         TEXT("HTTP/1.1 100 Continue\r\n\r\n"), 0 },
	{ "status 599",         STATUS("HTTP/1.1 599 x"), 0 },
	{ "HTTP/1.0",           STATUS("HTTP/1.0 200 OK"), 0 },
	{ "status 099",         STATUS("HTTP/1.1 099 x"), ERR_FORMAT },
	{ "status 600",         STATUS("HTTP/1.1 600 x"), ERR_FORMAT },
	{ "status 20",          STATUS("HTTP/1.1 20 x"), ERR_FORMAT },
	{ "status 2000",        STATUS("HTTP/1.1 2000 x"), ERR_FORMAT },
	{ "status +20",         STATUS("HTTP/1.1 +20 x"), ERR_FORMAT },
	{ "status 2xx",         STATUS("HTTP/1.1 2xx x"), ERR_FORMAT },
	{ "status 200OK",       STATUS("HTTP/1.1 200OK"), ERR_FORMAT },
	{ "two SP",             STATUS("HTTP/1.1  200 OK"), ERR_FORMAT },
	{ "HTAB",               STATUS("HTTP/1.1\t200 OK"), ERR_FORMAT },
	{ "HTAB behind status", STATUS("HTTP/1.1 200\tOK"), ERR_FORMAT },
	{ "no status",          STATUS("HTTP/1.1 "), ERR_FORMAT },
	{ "no version",         STATUS("200 OK"), ERR_FORMAT },
	{ "HTTP/2.0",           STATUS("HTTP/2.0 200 OK"), ERR_FORMAT },
	{ "HTTP/1.2",           STATUS("HTTP/1.2 200 OK"), ERR_FORMAT },
	{ "ICY",                STATUS("ICY 200 OK is old"), ERR_FORMAT },
	{ "control in reason",  STATUS("HTTP/1.1 200 O\x01K"), ERR_FORMAT },
	{ "NUL in reason",      STATUS("HTTP/1.1 200 O\0K"), ERR_FORMAT },
	{ "bare LF",            TEXT("HTTP/1.1 200 OK\nX: y\r\n\r\n"), ERR_FORMAT },
	{ "bare CR",            OK("X: a\rb\r\n"), ERR_FORMAT },
	{ "obs-fold",           OK("X: a\r\n b\r\n"), ERR_FORMAT },
	{ "SP before colon",    OK("X : a\r\n"), ERR_FORMAT },
	{ "no colon",           OK("X\r\n"), ERR_FORMAT },
	{ "CL",                 OK("Content-Length: 5\r\n"), 0 },
	{ "two CL, equal",      OK("Content-Length: 5\r\nContent-Length: 5\r\n"), ERR_FORMAT },
	{ "CL list",            OK("Content-Length: 5, 5\r\n"), ERR_FORMAT },
	{ "CL +5",              OK("Content-Length: +5\r\n"), ERR_FORMAT },
	{ "CL of 19 digits",    OK("Content-Length: 1000000000000000000\r\n"), ERR_FORMAT },
	{ "CL empty",           OK("Content-Length:\r\n"), ERR_FORMAT },
	{ "CL and TE",          OK("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), ERR_FORMAT },
	{ "TE",                 OK("Transfer-Encoding: chunked\r\n"), 0 },
	{ "TE Chunked",         OK("Transfer-Encoding: Chunked\r\n"), ERR_FORMAT },
	{ "TE gzip, chunked",   OK("Transfer-Encoding: gzip, chunked\r\n"), ERR_FORMAT },
	{ "TE identity",        OK("Transfer-Encoding: identity\r\n"), ERR_FORMAT },
	{ "two TE",             OK("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), ERR_FORMAT },
	{ "TE in 1.0",          TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), ERR_FORMAT },
	{ "CL and TE to 304",   TEXT("HTTP/1.1 304 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), ERR_FORMAT },
	{ "cut",                TEXT("HTTP/1.1 200 OK\r\nX: y\r\n"), ERR_FORMAT },
	{ "bytes behind",       TEXT("HTTP/1.1 200 OK\r\n\r\nx"), ERR_FORMAT },
	{ "empty",              TEXT(""), ERR_FORMAT },
};
static const struct {
	const char *name, *head;
	size_t len;
	enum http_method to;
	unsigned status;
	enum http_body body;
	bool has_length;
	uint64_t length;
	bool keep_alive;
} meanings[] = {
	{ "length",  OK("Content-Length: 7\r\n"), HTTP_GET, 200, HTTP_BODY_LENGTH, true, 7, true },
	{ "zero",    OK("Content-Length: 0\r\n"), HTTP_GET, 200, HTTP_BODY_LENGTH, true, 0, true },
	{ "chunked", OK("Transfer-Encoding: chunked\r\n"), HTTP_POST, 200, HTTP_BODY_CHUNKED, false, 0, true },
	{ "until close", OK(""), HTTP_GET, 200, HTTP_BODY_CLOSE, false, 0, false },
	{ "close said", OK("Connection: close\r\nContent-Length: 1\r\n"), HTTP_GET, 200, HTTP_BODY_LENGTH, true, 1, false },
	{ "1.0",     STATUS("HTTP/1.0 200 OK"), HTTP_GET, 200, HTTP_BODY_LENGTH, true, 0, false },
	{ "1.0 keep-alive", STATUS("HTTP/1.0 200 OK\r\nConnection: keep-alive"), HTTP_GET, 200, HTTP_BODY_LENGTH, true, 0, true },
	{ "HEAD, length", OK("Content-Length: 7\r\n"), HTTP_HEAD, 200, HTTP_BODY_NONE, true, 7, true },
	{ "HEAD, chunked", OK("Transfer-Encoding: chunked\r\n"), HTTP_HEAD, 200, HTTP_BODY_NONE, false, 0, true },
	{ "HEAD, neither", OK(""), HTTP_HEAD, 200, HTTP_BODY_NONE, false, 0, true },
	{ "304",     TEXT("HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n"), HTTP_GET, 304, HTTP_BODY_NONE, true, 7, true },
	{ "304 bare", TEXT("HTTP/1.1 304 x\r\n\r\n"), HTTP_GET, 304, HTTP_BODY_NONE, false, 0, true },
	{ "204",     TEXT("HTTP/1.1 204 x\r\n\r\n"), HTTP_GET, 204, HTTP_BODY_NONE, false, 0, true },
	{ "204, zero", STATUS("HTTP/1.1 204 x"), HTTP_GET, 204, HTTP_BODY_NONE, true, 0, true },
	{ "204 with content", TEXT("HTTP/1.1 204 x\r\nContent-Length: 7\r\n\r\n"), HTTP_GET, 204, HTTP_BODY_NONE, true, 7, false },
	{ "204, chunked", TEXT("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_GET, 204, HTTP_BODY_NONE, false, 0, false },
	{ "100",     TEXT("HTTP/1.1 100 Continue\r\n\r\n"), HTTP_POST, 100, HTTP_BODY_NONE, false, 0, true },
	{ "101",     TEXT("HTTP/1.1 101 x\r\nUpgrade: y\r\n\r\n"), HTTP_GET, 101, HTTP_BODY_NONE, false, 0, true },
	{ "103, content", TEXT("HTTP/1.1 103 x\r\nContent-Length: 3\r\n\r\n"), HTTP_GET, 103, HTTP_BODY_NONE, true, 3, false },
	{ "205",     STATUS("HTTP/1.1 205 x"), HTTP_POST, 205, HTTP_BODY_LENGTH, true, 0, true },
	{ "500 until close", TEXT("HTTP/1.1 500\r\n\r\n"), HTTP_GET, 500, HTTP_BODY_CLOSE, false, 0, false },
};
/* clang-format on */

/* The answers of the scanner and the parser together. */
static int
judge(struct http_response *a, enum http_method to, const char *buf, size_t len)
{
	struct http_scan s = { 0 };
	long r = http_scan(&s, buf, len);
	int parsed = http_parse_response(a, to, buf, len);

	if (parsed == 0)
		ck_assert_int_eq(r, (long)len);
	return parsed;
}

START_TEST(verdict)
{
	struct http_response a;

	ck_assert_msg(judge(&a, HTTP_GET, verdicts[_i].head,
			  verdicts[_i].len) == verdicts[_i].expected,
	    "%s", verdicts[_i].name);
}
END_TEST

START_TEST(meaning)
{
	struct http_response a;

	ck_assert_int_eq(
	    judge(&a, meanings[_i].to, meanings[_i].head, meanings[_i].len), 0);
	ck_assert_uint_eq(a.status, meanings[_i].status);
	ck_assert_msg(a.body == meanings[_i].body &&
		a.has_content_length == meanings[_i].has_length &&
		a.content_length == meanings[_i].length &&
		a.keep_alive == meanings[_i].keep_alive,
	    "%s: body %d, length %d, keep-alive %d", meanings[_i].name,
	    (int)a.body, a.has_content_length, a.keep_alive);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	static const char head[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\n";
	struct http_response a;

	for (size_t n = 0; n < sizeof(head) - 1; n++)
		ck_assert_int_eq(judge(&a, HTTP_GET, head, n), ERR_FORMAT);
	ck_assert_int_eq(judge(&a, HTTP_GET, TEXT(head)), 0);
	ck_assert_uint_eq(a.fields.n, 2);
	ck_assert_slice_eq(a.fields.at[1].value, "y");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, verdict, 0, COUNT(verdicts));
	tcase_add_loop_test(tc, meaning, 0, COUNT(meanings));
	tcase_add_test(tc, every_truncation_is_refused);
}

int
main(void)
{
	return run_cases("http_response", add);
}
