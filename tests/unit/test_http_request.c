/* Rules 1 to 7 of the gate on whole request heads, each fed whole and byte by
 * byte: what is refused and with which status, and what a good one says. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/http/http.h"
#include "tests/unit/http_suite.h"

#define MORE (-1) /* the head has not ended */
#define GET_WITH(fields) TEXT("GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n")
#define POST_WITH(fields) TEXT("POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n")
#define LINE(line) TEXT(line "\r\nHost: a\r\n\r\n")
#define HOST(value) TEXT("GET / HTTP/1.1\r\nHost: " value "\r\n\r\n")

static long
scan_bytewise(struct http_scan *s, const char *buf, size_t len)
{
	long r = ERR_MORE;

	for (size_t n = 0; n <= len && r == ERR_MORE; n++)
		r = http_scan(s, buf, n);
	return r;
}

/* 0, MORE, or the status of a refusal. */
static int
judge(struct http_request *q, const char *buf, size_t len)
{
	struct http_scan whole = { 0 }, bytewise = { 0 };
	long r = http_scan(&whole, buf, len);

	ck_assert_int_eq(scan_bytewise(&bytewise, buf, len), r);
	ck_assert_int_eq(whole.past_first_line, bytewise.past_first_line);
	if (r == ERR_MORE)
		return MORE;
	if (r < 0)
		return http_scan_status(&whole, r);
	return http_parse_request(q, buf, (size_t)r);
}

/* clang-format off */
static const struct {
	const char *name, *head;
	size_t len;
	int expected;
} verdicts[] = {
	/* rule 1: line ends, NUL, the first byte */
	{ "plain",                GET_WITH(""), 0 },
	{ "nothing yet",          TEXT(""), MORE },
	{ "cut in the line",      TEXT("GET / HTT"), MORE },
	{ "cut after CR",         TEXT("GET / HTTP/1.1\r"), MORE },
	{ "cut before the end",   TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r"), MORE },
	{ "leading CRLF",         TEXT("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "leading SP",           TEXT(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "TLS client hello",     TEXT("\x16\x03\x01"), 400 },
	{ "first byte NUL",       TEXT("\0"), 400 },
	{ "first byte >= 0x80",   TEXT("\xc3"), 400 },
	{ "bare LF line",         TEXT("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400 },
	{ "bare LF everywhere",   TEXT("GET / HTTP/1.1\nHost: a\n\n"), 400 },
	{ "bare LF in the end",   TEXT("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400 },
	{ "bare CR in the line",  TEXT("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "bare CR in a value",   GET_WITH("X: a\rb\r\n"), 400 },
	{ "CR CR LF",             GET_WITH("X: a\r\r\n"), 400 },
	{ "bare LF in a value",   GET_WITH("X: a\nY: b\r\n"), 400 },
	{ "NUL in a value",       GET_WITH("X: a\0b\r\n"), 400 },
	{ "NUL in a name",        GET_WITH("X\0: a\r\n"), 400 },
	{ "NUL in the target",    LINE("GET /\0 HTTP/1.1"), 400 },
	{ "control in a value",   GET_WITH("X: a\x01\r\n"), 400 },
	{ "VT in a value",        GET_WITH("X: \x0b" "chunked\r\n"), 400 },
	{ "FF in a value",        GET_WITH("X: \x0c\r\n"), 400 },
	{ "DEL in a value",       GET_WITH("X: \x7f\r\n"), 400 },
	{ "HTAB in a value",      GET_WITH("X:\ta\tb\t\r\n"), 0 },
	{ "obs-text in a value",  GET_WITH("X: \xc3\xbc\r\n"), 0 },
	/* rule 2: the request line */
	{ "two SP",               LINE("GET  / HTTP/1.1"), 400 },
	{ "two SP later",         LINE("GET /  HTTP/1.1"), 400 },
	{ "SP at the end",        LINE("GET / HTTP/1.1 "), 400 },
	{ "HTAB between",         LINE("GET\t/ HTTP/1.1"), 400 },
	{ "HTAB later",           LINE("GET /\tHTTP/1.1"), 400 },
	{ "HTTP/0.9",             LINE("GET /"), 400 },
	{ "only a method",        LINE("GET"), 400 },
	{ "no target",            LINE("GET HTTP/1.1"), 400 },
	{ "four words",           LINE("GET / x HTTP/1.1"), 400 },
	{ "HEAD",                 LINE("HEAD / HTTP/1.1"), 0 },
	{ "POST",                 LINE("POST / HTTP/1.1"), 0 },
	{ "PUT",                  LINE("PUT / HTTP/1.1"), 0 },
	{ "DELETE",               LINE("DELETE / HTTP/1.1"), 0 },
	{ "PATCH",                LINE("PATCH / HTTP/1.1"), 0 },
	{ "OPTIONS",              LINE("OPTIONS / HTTP/1.1"), 0 },
	{ "CONNECT",              LINE("CONNECT a:443 HTTP/1.1"), 501 },
	{ "TRACE",                LINE("TRACE / HTTP/1.1"), 501 },
	{ "PRI of HTTP/2",        TEXT("PRI * HTTP/2.0\r\n\r\n"), 505 },
	{ "unknown method",       LINE("PROPFIND / HTTP/1.1"), 501 },
	{ "lower case",           LINE("get / HTTP/1.1"), 501 },
	{ "method with a prefix", LINE("GETX / HTTP/1.1"), 501 },
	{ "method cut short",     LINE("GE / HTTP/1.1"), 501 },
	{ "method no token",      LINE("GE(T / HTTP/1.1"), 400 },
	{ "method >= 0x80",       LINE("G\xc9T / HTTP/1.1"), 400 },
	{ "HTTP/1.0",             LINE("GET / HTTP/1.0"), 0 },
	{ "HTTP/1.2",             LINE("GET / HTTP/1.2"), 505 },
	{ "HTTP/0.9 said",        LINE("GET / HTTP/0.9"), 505 },
	{ "HTTP/2.0",             LINE("GET / HTTP/2.0"), 505 },
	{ "HTTP/2",               LINE("GET / HTTP/2"), 400 },
	{ "HTTP/1.10",            LINE("GET / HTTP/1.10"), 400 },
	{ "HTTP/01.1",            LINE("GET / HTTP/01.1"), 400 },
	{ "HTTP/1,1",             LINE("GET / HTTP/1,1"), 400 },
	{ "HTTP/1.x",             LINE("GET / HTTP/1.x"), 400 },
	{ "http/1.1",             LINE("GET / http/1.1"), 400 },
	{ "HTTPS/1.1",            LINE("GET / HTTPS/1.1"), 400 },
	{ "HTTP /1.1",            LINE("GET / HTTP /1.1"), 400 },
	/* rule 3: only the origin form */
	{ "absolute form",        LINE("GET http://a/ HTTP/1.1"), 400 },
	{ "asterisk form",        LINE("OPTIONS * HTTP/1.1"), 400 },
	{ "authority form",       LINE("GET a:80 HTTP/1.1"), 400 },
	{ "network path",         LINE("GET //a/ HTTP/1.1"), 400 },
	{ "query only",           LINE("GET ?a HTTP/1.1"), 400 },
	{ "fragment",             LINE("GET /#a HTTP/1.1"), 400 },
	{ "byte >= 0x80",         LINE("GET /\xc3\xbc HTTP/1.1"), 400 },
	/* rule 5: field lines */
	{ "no colon",             GET_WITH("X\r\n"), 400 },
	{ "empty name",           GET_WITH(": a\r\n"), 400 },
	{ "SP before the colon",  GET_WITH("X : a\r\n"), 400 },
	{ "HTAB after the name",  GET_WITH("X\t: a\r\n"), 400 },
	{ "SP in the name",       GET_WITH("X Y: a\r\n"), 400 },
	{ "name no token",        GET_WITH("X(: a\r\n"), 400 },
	{ "name in quotes",       GET_WITH("\"X\": a\r\n"), 400 },
	{ "name >= 0x80",         GET_WITH("\xc3\xbc: a\r\n"), 400 },
	{ "obs-fold SP",          GET_WITH("X: a\r\n b\r\n"), 400 },
	{ "obs-fold HTAB",        GET_WITH("X: a\r\n\tb\r\n"), 400 },
	{ "fold of the line",     TEXT("GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n"), 400 },
	{ "fold of TE",           POST_WITH("Transfer-Encoding:\r\n chunked\r\n"), 400 },
	{ "empty value",          GET_WITH("X:\r\n"), 0 },
	{ "no blank",             GET_WITH("X:a\r\n"), 0 },
	{ "colon in the value",   GET_WITH("X::a\r\n"), 0 },
	/* rule 6: Host */
	{ "no Host",              TEXT("GET / HTTP/1.1\r\n\r\n"), 400 },
	{ "no Host in 1.0",       TEXT("GET / HTTP/1.0\r\n\r\n"), 0 },
	{ "two Hosts",            GET_WITH("Host: a\r\n"), 400 },
	{ "two Hosts, other case", GET_WITH("hOST: b\r\n"), 400 },
	{ "two Hosts in 1.0",     TEXT("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400 },
	{ "empty Host",           HOST(""), 400 },
	{ "empty Host in 1.0",    TEXT("GET / HTTP/1.0\r\nHost:\r\n\r\n"), 400 },
	{ "Host list",            HOST("a,b"), 400 },
	{ "Host list, blank",     HOST("a, b"), 400 },
	{ "userinfo",             HOST("u@a"), 400 },
	{ "userinfo and port",    HOST("a:80@b"), 400 },
	{ "Host with a path",     HOST("a/b"), 400 },
	{ "Host with SP",         HOST("a b"), 400 },
	{ "name and port",        HOST("a.example:8443"), 0 },
	{ "bad port",             HOST("a:x"), 400 },
	{ "IPv6",                 HOST("[::1]:443"), 0 },
	{ "bad IPv6",             HOST("[::1"), 400 },
	/* rule 7: framing */
	{ "CL",                   POST_WITH("Content-Length: 5\r\n"), 0 },
	{ "CL 0",                 POST_WITH("Content-Length: 0\r\n"), 0 },
	{ "CL of 18 digits",      POST_WITH("Content-Length: 999999999999999999\r\n"), 0 },
	{ "CL of 19 digits",      POST_WITH("Content-Length: 1000000000000000000\r\n"), 400 },
	{ "CL of 19, zeroes",     POST_WITH("Content-Length: 0000000000000000005\r\n"), 400 },
	{ "CL past 2^64",         POST_WITH("Content-Length: 18446744073709551621\r\n"), 400 },
	{ "CL empty",             POST_WITH("Content-Length:\r\n"), 400 },
	{ "CL +5",                POST_WITH("Content-Length: +5\r\n"), 400 },
	{ "CL -5",                POST_WITH("Content-Length: -5\r\n"), 400 },
	{ "CL hex",               POST_WITH("Content-Length: 0x5\r\n"), 400 },
	{ "CL letters",           POST_WITH("Content-Length: 5a\r\n"), 400 },
	{ "CL 5.0",               POST_WITH("Content-Length: 5.0\r\n"), 400 },
	{ "CL 5 5",               POST_WITH("Content-Length: 5 5\r\n"), 400 },
	{ "CL in quotes",         POST_WITH("Content-Length: \"5\"\r\n"), 400 },
	{ "CL list",              POST_WITH("Content-Length: 5, 5\r\n"), 400 },
	{ "CL list, tight",       POST_WITH("Content-Length: 5,6\r\n"), 400 },
	{ "CL;",                  POST_WITH("Content-Length: 5;\r\n"), 400 },
	{ "CL arabic digit",      POST_WITH("Content-Length: \xd9\xa5\r\n"), 400 },
	{ "two CL, equal",        POST_WITH("Content-Length: 5\r\nContent-Length: 5\r\n"), 400 },
	{ "two CL",               POST_WITH("Content-Length: 5\r\nCONTENT-LENGTH: 6\r\n"), 400 },
	{ "TE",                   POST_WITH("Transfer-Encoding: chunked\r\n"), 0 },
	{ "TE on GET",            GET_WITH("Transfer-Encoding: chunked\r\n"), 0 },
	{ "CL and TE",            POST_WITH("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400 },
	{ "TE and CL",            POST_WITH("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400 },
	{ "TE and CL 0",          POST_WITH("Transfer-Encoding: chunked\r\ncontent-length: 0\r\n"), 400 },
	{ "TE in 1.0",            TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ "two TE",               POST_WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400 },
	{ "TE then TE identity",  POST_WITH("Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n"), 400 },
	{ "TE identity",          POST_WITH("Transfer-Encoding: identity\r\n"), 400 },
	{ "TE gzip",              POST_WITH("Transfer-Encoding: gzip\r\n"), 400 },
	{ "TE gzip, chunked",     POST_WITH("Transfer-Encoding: gzip, chunked\r\n"), 400 },
	{ "TE chunked, chunked",  POST_WITH("Transfer-Encoding: chunked, chunked\r\n"), 400 },
	{ "TE chunked, identity", POST_WITH("Transfer-Encoding: chunked, identity\r\n"), 400 },
	{ "TE ,chunked",          POST_WITH("Transfer-Encoding: ,chunked\r\n"), 400 },
	{ "TE chunked;x",         POST_WITH("Transfer-Encoding: chunked;x=1\r\n"), 400 },
	{ "TE Chunked",           POST_WITH("Transfer-Encoding: Chunked\r\n"), 400 },
	{ "TE xchunked",          POST_WITH("Transfer-Encoding: xchunked\r\n"), 400 },
	{ "TE chunkedx",          POST_WITH("Transfer-Encoding: chunkedx\r\n"), 400 },
	{ "TE 'chunked'",         POST_WITH("Transfer-Encoding: 'chunked'\r\n"), 400 },
	{ "TE \"chunked\"",       POST_WITH("Transfer-Encoding: \"chunked\"\r\n"), 400 },
	{ "TE empty",             POST_WITH("Transfer-Encoding:\r\n"), 400 },
	{ "TE : chunked",         POST_WITH("Transfer-Encoding : chunked\r\n"), 400 },
	{ "TE:[HTAB]chunked",     POST_WITH("Transfer-Encoding:\tchunked\r\n"), 0 },
	{ "TE:[VT]chunked",       POST_WITH("Transfer-Encoding:\x0b" "chunked\r\n"), 400 },
	{ "TE[NBSP]",             POST_WITH("Transfer-Encoding: chunked\xa0\r\n"), 400 },
	{ "TE behind LF",         POST_WITH("X: y\nTransfer-Encoding: chunked\r\n"), 400 },
	{ "TE behind CR",         POST_WITH("X: y\rTransfer-Encoding: chunked\r\n"), 400 },
};
/* clang-format on */

START_TEST(verdict)
{
	struct http_request q;

	ck_assert_msg(judge(&q, verdicts[_i].head, verdicts[_i].len) ==
		verdicts[_i].expected,
	    "%s: not %d", verdicts[_i].name, verdicts[_i].expected);
}
END_TEST

/* clang-format off */
static const struct {
	const char *name, *head;
	size_t len;
	enum http_body body;
	uint64_t length;
	bool keep_alive, expect_continue, expect_unknown;
} meanings[] = {
	{ "GET",            GET_WITH(""), HTTP_BODY_NONE, 0, true, false, false },
	{ "POST, no body",  POST_WITH(""), HTTP_BODY_NONE, 0, true, false, false },
	{ "length",         POST_WITH("content-length: 17\r\n"), HTTP_BODY_LENGTH, 17, true, false, false },
	{ "length 0",       POST_WITH("Content-Length: 0\r\n"), HTTP_BODY_LENGTH, 0, true, false, false },
	{ "leading zeroes", POST_WITH("Content-Length: 007\r\n"), HTTP_BODY_LENGTH, 7, true, false, false },
	{ "18 digits",      POST_WITH("Content-Length: 999999999999999999\r\n"), HTTP_BODY_LENGTH, UINT64_C(999999999999999999), true, false, false },
	{ "chunked",        POST_WITH("TRANSFER-ENCODING: chunked\r\n"), HTTP_BODY_CHUNKED, 0, true, false, false },
	{ "close",          GET_WITH("Connection: close\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "Close",          GET_WITH("connection: Close\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "close in list",  GET_WITH("Connection: te , close\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "close in 2nd",   GET_WITH("Connection: te\r\nConnection: close\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "closed is not",  GET_WITH("Connection: closed\r\n"), HTTP_BODY_NONE, 0, true, false, false },
	{ "1.0",            TEXT("GET / HTTP/1.0\r\n\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "1.0 keep-alive", TEXT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), HTTP_BODY_NONE, 0, true, false, false },
	{ "1.0 both",       TEXT("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "1.0 Keep-Alive field", TEXT("GET / HTTP/1.0\r\nKeep-Alive: 5\r\n\r\n"), HTTP_BODY_NONE, 0, false, false, false },
	{ "expect",         POST_WITH("Content-Length: 5\r\nExpect: 100-Continue\r\n"), HTTP_BODY_LENGTH, 5, true, true, false },
	{ "expect, no body", GET_WITH("Expect: 100-continue\r\n"), HTTP_BODY_NONE, 0, true, false, false },
	{ "expect in 1.0",  TEXT("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"), HTTP_BODY_LENGTH, 5, false, false, false },
	{ "expect other",   POST_WITH("Content-Length: 5\r\nExpect: gold\r\n"), HTTP_BODY_LENGTH, 5, true, false, true },
	{ "expect list",    POST_WITH("Content-Length: 5\r\nExpect: 100-continue, gold\r\n"), HTTP_BODY_LENGTH, 5, true, false, true },
	{ "expect twice",   POST_WITH("Content-Length: 5\r\nExpect: 100-continue\r\nExpect: gold\r\n"), HTTP_BODY_LENGTH, 5, true, false, true },
	{ "expect empty",   GET_WITH("Expect:\r\n"), HTTP_BODY_NONE, 0, true, false, true },
};
/* clang-format on */

START_TEST(meaning)
{
	struct http_request q;

	ck_assert_int_eq(judge(&q, meanings[_i].head, meanings[_i].len), 0);
	ck_assert_msg(q.body == meanings[_i].body, "%s: body %d",
	    meanings[_i].name, (int)q.body);
	ck_assert_uint_eq(q.content_length, meanings[_i].length);
	ck_assert_msg(q.keep_alive == meanings[_i].keep_alive &&
		q.expect_continue == meanings[_i].expect_continue &&
		q.expect_unknown == meanings[_i].expect_unknown,
	    "%s: keep-alive %d, continue %d, unknown %d", meanings[_i].name,
	    q.keep_alive, q.expect_continue, q.expect_unknown);
}
END_TEST

START_TEST(parts_are_found)
{
	static const char head[] =
	    "PATCH /a/b;c?d=e?f HTTP/1.0\r\n"
	    "Host: [2001:db8::1]:8443\r\n"
	    "X-One: \t two words \t\r\nx-empty: \r\n\r\n";
	struct http_request q;

	ck_assert_int_eq(judge(&q, TEXT(head)), 0);
	ck_assert_int_eq(q.method, HTTP_PATCH);
	ck_assert_int_eq(q.minor, 0);
	ck_assert_slice_eq(q.target, "/a/b;c?d=e?f");
	ck_assert_slice_eq(q.path, "/a/b;c");
	ck_assert(q.has_query);
	ck_assert_slice_eq(q.query, "d=e?f");
	ck_assert_slice_eq(q.host, "[2001:db8::1]:8443");
	ck_assert_uint_eq(q.fields.n, 3);
	ck_assert_slice_eq(q.fields.at[1].name, "X-One");
	ck_assert_slice_eq(q.fields.at[1].value, "two words");
	ck_assert_slice_eq(q.fields.at[2].value, "");
}
END_TEST

START_TEST(empty_query_is_kept_apart)
{
	struct http_request q;

	ck_assert_int_eq(judge(&q, LINE("GET /? HTTP/1.1")), 0);
	ck_assert(q.has_query);
	ck_assert_uint_eq(q.query.len, 0);
	ck_assert_int_eq(judge(&q, LINE("GET / HTTP/1.1")), 0);
	ck_assert(!q.has_query);
}
END_TEST

START_TEST(bytes_behind_the_head_are_not_looked_at)
{
	static const char two[] =
	    "GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\n\r garbage";
	struct http_scan s = { 0 };

	ck_assert_int_eq(http_scan(&s, TEXT(two)), 27);
}
END_TEST

START_TEST(every_truncation_asks_for_more)
{
	static const char head[] =
	    "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
	struct http_request q;

	for (size_t n = 0; n < sizeof(head) - 1; n++) {
		struct http_scan s = { 0 };

		ck_assert_int_eq(http_scan(&s, head, n), ERR_MORE);
		/* and what the scanner has not delimited is no head */
		ck_assert_int_ne(http_parse_request(&q, head, n), 0);
	}
	ck_assert_int_eq(http_parse_request(&q, TEXT(head)), 0);
	ck_assert_int_eq(http_parse_request(&q, head, sizeof(head)), 400);
}
END_TEST

/* Limits. The head: "GET /<n - 1 times a> HTTP/1.1", Host, fields, filler. */
static char big[4 * HTTP_HEAD_MAX];

static size_t
build(size_t target, size_t fields, size_t filler)
{
	size_t n = (size_t)sprintf(big, "GET /");

	memset(big + n, 'a', target - 1);
	n += target - 1;
	n += (size_t)sprintf(big + n, " HTTP/1.1\r\nHost: a\r\n");
	for (size_t i = 1; i < fields; i++)
		n += (size_t)sprintf(big + n, "x:\r\n");
	if (filler > 0) {
		n += (size_t)sprintf(big + n, "f:");
		memset(big + n, 'f', filler);
		n += filler;
		n += (size_t)sprintf(big + n, "\r\n");
	}
	return n + (size_t)sprintf(big + n, "\r\n");
}

START_TEST(target_limit)
{
	struct http_request q;

	ck_assert_int_eq(judge(&q, big, build(HTTP_TARGET_MAX, 1, 0)), 0);
	ck_assert_int_eq(judge(&q, big, build(HTTP_TARGET_MAX + 1, 1, 0)), 414);
	ck_assert_int_eq(
	    judge(&q, big, build(2 * (size_t)HTTP_HEAD_MAX, 1, 0)), 414);
}
END_TEST

START_TEST(field_limit)
{
	struct http_request q;

	ck_assert_int_eq(judge(&q, big, build(1, HTTP_FIELDS_MAX, 0)), 0);
	ck_assert_uint_eq(q.fields.n, HTTP_FIELDS_MAX);
	ck_assert_int_eq(judge(&q, big, build(1, HTTP_FIELDS_MAX + 1, 0)), 431);
}
END_TEST

START_TEST(head_limit)
{
	size_t rest = build(1, 1, 1) - 1; /* all but the filler */
	struct http_request q;

	ck_assert_int_eq(judge(&q, big, build(1, 1, HTTP_HEAD_MAX - rest)), 0);
	ck_assert_int_eq(
	    judge(&q, big, build(1, 1, HTTP_HEAD_MAX - rest + 1)), 431);
	ck_assert_int_eq(
	    judge(&q, big, build(1, 1, HTTP_HEAD_MAX - rest + 3)), 431);
	ck_assert_int_eq(judge(&q, big, build(1, 1, 2 * HTTP_HEAD_MAX)), 431);
}
END_TEST

/* Wherever one byte is replaced by a control, the head is refused. */
START_TEST(no_control_anywhere)
{
	static const char head[] =
	    "GET /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
	static const char controls[] = { '\0', 1, '\n', '\v', '\f', '\r', 27,
		127 };
	struct http_request q;
	char copy[sizeof(head)];

	for (size_t i = 0; i < sizeof(head) - 1; i++) {
		char was = head[i];

		memcpy(copy, head, sizeof(head));
		for (size_t c = 0; c < sizeof(controls); c++) {
			copy[i] = controls[c];
			if (copy[i] == was)
				continue;
			ck_assert_msg(judge(&q, copy, sizeof(head) - 1) == 400,
			    "%02x at %zu", (unsigned)controls[c], i);
		}
	}
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, verdict, 0, COUNT(verdicts));
	tcase_add_loop_test(tc, meaning, 0, COUNT(meanings));
	tcase_add_test(tc, parts_are_found);
	tcase_add_test(tc, empty_query_is_kept_apart);
	tcase_add_test(tc, bytes_behind_the_head_are_not_looked_at);
	tcase_add_test(tc, every_truncation_asks_for_more);
	tcase_add_test(tc, target_limit);
	tcase_add_test(tc, field_limit);
	tcase_add_test(tc, head_limit);
	tcase_add_test(tc, no_control_anywhere);
}

int
main(void)
{
	return run_cases("http_request", add);
}
