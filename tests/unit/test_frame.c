/* Frames between frontend and egress: round trips, truncation, limits, and
 * everything that a taken-over peer could put into one. */
#include <string.h>

#include "common/err.h"
#include "common/frame.h"
#include "tests/unit/http_suite.h"

static uint8_t buf[FRAME_HEADER_LEN + FRAME_HEAD_MAX + 64];

static void
good_request(struct frame_request *q)
{
	memset(q, 0, sizeof(*q));
	q->method = HTTP_POST;
	q->tls = true;
	q->has_query = true;
	q->body = HTTP_BODY_LENGTH;
	q->content_length = 12;
	q->path = SLICE("/kiali/api");
	q->query = SLICE("a=b");
	q->host = SLICE("console.example:443");
	q->session = SLICE("AQ-_");
	q->bearer = SLICE("ey.J-_~+/=");
	q->client = SLICE("2001:db8::1");
	q->client_port = 40000;
	q->server_port = 443;
	q->request_id = SLICE("abc-1._");
	http_fields_add(&q->fields, SLICE("Accept"), SLICE("*/*"));
	http_fields_add(&q->fields, SLICE("Cookie"), SLICE("x=y"));
	http_fields_add(&q->fields, SLICE("X"), SLICE(""));
}

static int
round_trip(const struct frame_request *q, struct frame_request *got)
{
	long n = frame_put_request(buf, sizeof(buf), q);
	enum frame_type type;
	uint32_t len;

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(frame_head(buf, (size_t)n, &type, &len), 0);
	ck_assert_int_eq(type, FRAME_REQUEST);
	ck_assert_uint_eq(len + FRAME_HEADER_LEN, (size_t)n);
	return frame_get_request(got, buf + FRAME_HEADER_LEN, len);
}

START_TEST(request_round_trip)
{
	struct frame_request q, got;

	good_request(&q);
	ck_assert_int_eq(round_trip(&q, &got), 0);
	ck_assert_int_eq(got.method, HTTP_POST);
	ck_assert(got.tls && got.has_query);
	ck_assert_int_eq(got.body, HTTP_BODY_LENGTH);
	ck_assert_uint_eq(got.content_length, 12);
	ck_assert(slice_equal(got.path, q.path));
	ck_assert(slice_equal(got.query, q.query));
	ck_assert(slice_equal(got.host, q.host));
	ck_assert(slice_equal(got.session, q.session));
	ck_assert(slice_equal(got.bearer, q.bearer));
	ck_assert(slice_equal(got.client, q.client));
	ck_assert_uint_eq(got.client_port, 40000);
	ck_assert_uint_eq(got.server_port, 443);
	ck_assert(slice_equal(got.request_id, q.request_id));
	ck_assert_uint_eq(got.fields.n, 3);
	ck_assert_slice_eq(got.fields.at[1].name, "Cookie");
	ck_assert_slice_eq(got.fields.at[1].value, "x=y");
}
END_TEST

START_TEST(smallest_request)
{
	struct frame_request q = { .path = SLICE("/") }, got;

	ck_assert_int_eq(round_trip(&q, &got), 0);
	ck_assert_uint_eq(got.host.len, 0);
}
END_TEST

START_TEST(truncation_at_every_byte)
{
	struct frame_request q, got;
	long n;

	good_request(&q);
	n = frame_put_request(buf, sizeof(buf), &q);
	for (long i = FRAME_HEADER_LEN; i < n; i++)
		ck_assert_int_eq(frame_get_request(&got, buf + FRAME_HEADER_LEN,
				     (size_t)(i - FRAME_HEADER_LEN)),
		    ERR_PROTOCOL);
	buf[n] = 0;
	ck_assert_int_eq(frame_get_request(&got, buf + FRAME_HEADER_LEN,
			     (size_t)n - FRAME_HEADER_LEN + 1),
	    ERR_PROTOCOL);
}
END_TEST

/* One slice of the request after the other is given a bad value. */
/* clang-format off */
#define AT(member) offsetof(struct frame_request, member)
static const struct {
	const char *name;
	size_t member;
	struct slice value;
} bad_slices[] = {
	{ "empty path", AT(path), { "", 0 } },
	{ "relative path", AT(path), { "a", 1 } },
	{ "path with query", AT(path), { "/a?b", 4 } },
	{ "dot segment", AT(path), { "/a/..", 5 } },
	{ "encoded dots", AT(path), { "/%2e%2E/a", 9 } },
	{ "empty segment", AT(path), { "//a", 3 } },
	{ "SP in path", AT(path), { "/a HTTP/1.1", 11 } },
	{ "CRLF in path", AT(path), { "/\r\n", 3 } },
	{ "NUL in path", AT(path), { "/\0", 2 } },
	{ "SP in query", AT(query), { "a b", 3 } },
	{ "CRLF in query", AT(query), { "a\r\nb", 4 } },
	{ "bad escape", AT(query), { "%", 1 } },
	{ "host list", AT(host), { "a,b", 3 } },
	{ "CRLF in host", AT(host), { "a\r\nX:b", 6 } },
	{ "userinfo", AT(host), { "a@b", 3 } },
	{ "session no base64url", AT(session), { "a=b", 3 } },
	{ "session with NUL", AT(session), { "a\0", 2 } },
	{ "session with ;", AT(session), { "a;b", 3 } },
	{ "bearer with SP", AT(bearer), { "a b", 3 } },
	{ "bearer with CRLF", AT(bearer), { "a\r\n", 3 } },
	{ "bearer >= 0x80", AT(bearer), { "\xff", 1 } },
	{ "client no address", AT(client), { "local", 5 } },
	{ "client with CRLF", AT(client), { "1\r\n", 3 } },
	{ "client with comma", AT(client), { "1.2.3.4, 5", 10 } },
	{ "request id with SP", AT(request_id), { "a b", 3 } },
	{ "request id with CR", AT(request_id), { "a\r", 2 } },
};
static const struct {
	const char *name;
	struct http_field field;
	bool allowed;
} fields[] = {
	{ "plain",               { { "X", 1 }, { "a", 1 } }, true },
	{ "second Cookie",       { { "Cookie", 6 }, { "b=c", 3 } }, true },
	{ "empty name",          { { "", 0 }, { "a", 1 } }, false },
	{ "colon in name",       { { "X:", 2 }, { "a", 1 } }, false },
	{ "CRLF in name",        { { "X\r\nY", 4 }, { "a", 1 } }, false },
	{ "CRLF in value",       { { "X", 1 }, { "a\r\nY: b", 7 } }, false },
	{ "LF in value",         { { "X", 1 }, { "a\nb", 3 } }, false },
	{ "NUL in value",        { { "X", 1 }, { "\0", 1 } }, false },
	{ "Host",                { { "Host", 4 }, { "b", 1 } }, false },
	{ "HOST",                { { "HOST", 4 }, { "b", 1 } }, false },
	{ "Connection",          { { "Connection", 10 }, { "close", 5 } }, false },
	{ "connection",          { { "connection", 10 }, { "close", 5 } }, false },
	{ "Transfer-Encoding",   { { "Transfer-Encoding", 17 }, { "chunked", 7 } }, false },
	{ "Transfer_Encoding",   { { "Transfer_Encoding", 17 }, { "chunked", 7 } }, false },
	{ "Content-Length",      { { "Content-Length", 14 }, { "5", 1 } }, false },
	{ "content_length",      { { "content_length", 14 }, { "5", 1 } }, false },
	{ "Upgrade",             { { "Upgrade", 7 }, { "h2c", 3 } }, false },
	{ "Keep-Alive",          { { "Keep-Alive", 10 }, { "5", 1 } }, false },
	{ "TE",                  { { "TE", 2 }, { "trailers", 8 } }, false },
	{ "Trailer",             { { "Trailer", 7 }, { "X", 1 } }, false },
	{ "Proxy-Connection",    { { "Proxy-Connection", 16 }, { "x", 1 } }, false },
	{ "Expect",              { { "Expect", 6 }, { "100-continue", 12 } }, false },
};
/* clang-format on */

START_TEST(bad_slice_in_a_request)
{
	struct frame_request q, got;

	good_request(&q);
	memcpy((char *)&q + bad_slices[_i].member, &bad_slices[_i].value,
	    sizeof(struct slice));
	ck_assert_msg(
	    round_trip(&q, &got) == ERR_PROTOCOL, "%s", bad_slices[_i].name);
}
END_TEST

static int
response_trip(const struct frame_response *a, struct frame_response *got)
{
	long n = frame_put_response(buf, sizeof(buf), a);
	enum frame_type type;
	uint32_t len;

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(frame_head(buf, (size_t)n, &type, &len), 0);
	ck_assert_int_eq(type, FRAME_RESPONSE);
	return frame_get_response(got, buf + FRAME_HEADER_LEN, len);
}

START_TEST(field_in_either_direction)
{
	int expected = fields[_i].allowed ? 0 : ERR_PROTOCOL;
	struct frame_request q, got;
	struct frame_response a = { .status = 200 }, got_response;

	good_request(&q);
	http_fields_add(
	    &q.fields, fields[_i].field.name, fields[_i].field.value);
	ck_assert_msg(round_trip(&q, &got) == expected, "%s", fields[_i].name);
	http_fields_add(
	    &a.fields, fields[_i].field.name, fields[_i].field.value);
	ck_assert_msg(response_trip(&a, &got_response) == expected,
	    "response: %s", fields[_i].name);
}
END_TEST

/* Payload bytes 0 to 3: method, tls, has_query, body; then u64 length. */
START_TEST(numbers_out_of_range)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = { { 0, HTTP_METHOD_COUNT }, { 0, 255 }, { 1, 2 },
		{ 2, 2 }, { 3, HTTP_BODY_CLOSE }, { 3, 255 }, { 4, 0x80 },
		{ 4, 0x0e },
		/* a query without its mark, a length without its framing */
		{ 2, 0 }, { 3, HTTP_BODY_NONE }, { 3, HTTP_BODY_CHUNKED } };
	struct frame_request q, got;

	good_request(&q);
	for (int i = 0; i < COUNT(changes); i++) {
		long n = frame_put_request(buf, sizeof(buf), &q);

		buf[FRAME_HEADER_LEN + changes[i].at] = changes[i].value;
		ck_assert_msg(frame_get_request(&got, buf + FRAME_HEADER_LEN,
				  (size_t)n - FRAME_HEADER_LEN) == ERR_PROTOCOL,
		    "%zu = %u", changes[i].at, changes[i].value);
	}
}
END_TEST

START_TEST(over_the_limit_of_a_field)
{
	static char long_text[HTTP_HEAD_MAX + 2];
	struct frame_request q, got;

	memset(long_text, 'a', sizeof(long_text));
	good_request(&q);
	q.session = (struct slice){ long_text, 128 };
	ck_assert_int_eq(round_trip(&q, &got), 0);
	q.session.len = 129;
	ck_assert_int_eq(round_trip(&q, &got), ERR_PROTOCOL);
	good_request(&q);
	q.bearer = (struct slice){ long_text, 16384 };
	ck_assert_int_eq(round_trip(&q, &got), 0);
	q.bearer.len = 16385;
	ck_assert_int_eq(round_trip(&q, &got), ERR_PROTOCOL);
	good_request(&q);
	q.client = (struct slice){ long_text, 65 };
	ck_assert_int_eq(round_trip(&q, &got), ERR_PROTOCOL);
	good_request(&q);
	q.request_id = (struct slice){ long_text, 129 };
	ck_assert_int_eq(round_trip(&q, &got), ERR_PROTOCOL);
	good_request(&q);
	long_text[0] = '/';
	q.path = (struct slice){ long_text, HTTP_TARGET_MAX };
	ck_assert_int_eq(round_trip(&q, &got), ERR_PROTOCOL); /* and a query */
	q.has_query = false;
	q.query.len = 0;
	ck_assert_int_eq(round_trip(&q, &got), 0);
}
END_TEST

START_TEST(fields_together_within_a_head)
{
	static char value[HTTP_HEAD_MAX];
	struct frame_request q = { .path = SLICE("/") }, got;

	memset(value, 'a', sizeof(value));
	http_fields_add(
	    &q.fields, SLICE("X"), (struct slice){ value, HTTP_HEAD_MAX - 5 });
	ck_assert_int_eq(round_trip(&q, &got), 0);
	http_fields_add(&q.fields, SLICE("Y"), SLICE(""));
	ck_assert_int_eq(round_trip(&q, &got), ERR_PROTOCOL);
}
END_TEST

START_TEST(too_many_fields)
{
	struct frame_request q = { .path = SLICE("/") }, got;
	long n;

	while (http_fields_add(&q.fields, SLICE("X"), SLICE("")))
		;
	ck_assert_int_eq(round_trip(&q, &got), 0);
	ck_assert_uint_eq(got.fields.n, HTTP_FIELDS_MAX);
	/* one more by hand; its count stands before 100 fields of 5 bytes */
	n = frame_put_request(buf, sizeof(buf), &q);
	memcpy(buf + n, "\0\1X\0\0", 5);
	buf[(size_t)n - 5 * HTTP_FIELDS_MAX - 1]++;
	ck_assert_int_eq(frame_get_request(&got, buf + FRAME_HEADER_LEN,
			     (size_t)n + 5 - FRAME_HEADER_LEN),
	    ERR_PROTOCOL);
}
END_TEST

START_TEST(no_room)
{
	struct frame_request q;
	struct frame_response a = { .status = 200 };
	long n;

	good_request(&q);
	n = frame_put_request(buf, sizeof(buf), &q);
	for (long cap = 0; cap < n; cap++)
		ck_assert_int_eq(
		    frame_put_request(buf, (size_t)cap, &q), ERR_LIMIT);
	ck_assert_int_eq(frame_put_request(buf, (size_t)n, &q), n);
	ck_assert_int_eq(frame_put_response(buf, 5, &a), ERR_LIMIT);
	ck_assert_int_eq(frame_put_deny(buf, 5, DENY_METHOD), ERR_LIMIT);
}
END_TEST

START_TEST(payload_over_the_limit)
{
	static char value[UINT16_MAX + 1];
	struct frame_response a = { .status = 200 };

	http_fields_add(
	    &a.fields, SLICE("X"), (struct slice){ value, UINT16_MAX });
	http_fields_add(&a.fields, SLICE("X"), SLICE("abc"));
	ck_assert_int_eq(frame_put_response(buf, sizeof(buf), &a), ERR_LIMIT);
	a.fields.n = 0;
	http_fields_add(
	    &a.fields, SLICE("X"), (struct slice){ value, sizeof(value) });
	ck_assert_int_eq(frame_put_response(buf, sizeof(buf), &a), ERR_LIMIT);
}
END_TEST

START_TEST(response_round_trip)
{
	static const struct {
		uint16_t status;
		enum http_body body;
		uint64_t length;
		int expected;
	} cases[] = {
		{ 200, HTTP_BODY_LENGTH, 999999999999999999, 0 },
		{ 200, HTTP_BODY_LENGTH, 1000000000000000000, ERR_PROTOCOL },
		{ 200, HTTP_BODY_CHUNKED, 0, 0 },
		{ 200, HTTP_BODY_CLOSE, 0, 0 },
		{ 200, HTTP_BODY_CLOSE, 1, ERR_PROTOCOL },
		{ 200, HTTP_BODY_COUNT, 0, ERR_PROTOCOL },
		{ 204, HTTP_BODY_NONE, 0, 0 },
		{ 204, HTTP_BODY_CHUNKED, 0, ERR_PROTOCOL },
		{ 304, HTTP_BODY_LENGTH, 5, 0 },
		{ 599, HTTP_BODY_NONE, 0, 0 },
		{ 600, HTTP_BODY_NONE, 0, ERR_PROTOCOL },
		{ 199, HTTP_BODY_NONE, 0, ERR_PROTOCOL },
		{ 101, HTTP_BODY_NONE, 0, ERR_PROTOCOL },
		{ 0, HTTP_BODY_NONE, 0, ERR_PROTOCOL },
	};

	for (int i = 0; i < COUNT(cases); i++) {
		struct frame_response a = { .status = cases[i].status,
			.body = cases[i].body,
			.content_length = cases[i].length };
		struct frame_response got;

		http_fields_add(&a.fields, SLICE("Set-Cookie"), SLICE("a=b"));
		http_fields_add(&a.fields, SLICE("Set-Cookie"), SLICE("c=d"));
		ck_assert_msg(
		    response_trip(&a, &got) == cases[i].expected, "case %d", i);
		if (cases[i].expected != 0)
			continue;
		ck_assert_uint_eq(got.status, cases[i].status);
		ck_assert_int_eq(got.body, cases[i].body);
		ck_assert_uint_eq(got.content_length, cases[i].length);
		ck_assert_uint_eq(got.fields.n, 2);
		ck_assert_slice_eq(got.fields.at[1].value, "c=d");
	}
}
END_TEST

START_TEST(response_truncated)
{
	struct frame_response a = { .status = 200 }, got;
	long n;

	http_fields_add(&a.fields, SLICE("X"), SLICE("abc"));
	n = frame_put_response(buf, sizeof(buf), &a);
	for (long i = FRAME_HEADER_LEN; i < n; i++)
		ck_assert_int_eq(
		    frame_get_response(&got, buf + FRAME_HEADER_LEN,
			(size_t)(i - FRAME_HEADER_LEN)),
		    ERR_PROTOCOL);
}
END_TEST

START_TEST(denials)
{
	enum deny why;
	uint8_t bad[2] = { DENY_COUNT, 0 };

	for (unsigned i = 0; i < DENY_COUNT; i++) {
		ck_assert_int_eq(
		    frame_put_deny(buf, sizeof(buf), (enum deny)i), 6);
		ck_assert_int_eq(frame_get_deny(&why, buf + 5, 1), 0);
		ck_assert_uint_eq(why, i);
	}
	ck_assert_int_eq(frame_get_deny(&why, bad, 1), ERR_PROTOCOL);
	bad[0] = 0;
	ck_assert_int_eq(frame_get_deny(&why, bad, 0), ERR_PROTOCOL);
	ck_assert_int_eq(frame_get_deny(&why, bad, 2), ERR_PROTOCOL);
}
END_TEST

START_TEST(heads_of_frames)
{
	static const struct {
		unsigned type;
		uint32_t len;
		int expected;
	} cases[] = {
		{ 0, 0, ERR_PROTOCOL },
		{ FRAME_TYPE_END, 1, ERR_PROTOCOL },
		{ 255, 0, ERR_PROTOCOL },
		{ FRAME_REQUEST, 0, ERR_PROTOCOL },
		{ FRAME_REQUEST, 1, 0 },
		{ FRAME_REQUEST, FRAME_HEAD_MAX, 0 },
		{ FRAME_REQUEST, FRAME_HEAD_MAX + 1, ERR_PROTOCOL },
		{ FRAME_RESPONSE, FRAME_HEAD_MAX, 0 },
		{ FRAME_RESPONSE, UINT32_MAX, ERR_PROTOCOL },
		{ FRAME_CONTINUE, 0, 0 },
		{ FRAME_CONTINUE, 1, ERR_PROTOCOL },
		{ FRAME_DATA, 0, ERR_PROTOCOL },
		{ FRAME_DATA, 1, 0 },
		{ FRAME_DATA, FRAME_DATA_MAX, 0 },
		{ FRAME_DATA, FRAME_DATA_MAX + 1, ERR_PROTOCOL },
		{ FRAME_END, 0, 0 },
		{ FRAME_END, 1, ERR_PROTOCOL },
		{ FRAME_DENY, 1, 0 },
		{ FRAME_DENY, 0, ERR_PROTOCOL },
		{ FRAME_DENY, 2, ERR_PROTOCOL },
	};

	for (int i = 0; i < COUNT(cases); i++) {
		uint8_t head[FRAME_HEADER_LEN];
		enum frame_type type;
		uint32_t len;

		frame_put_head(
		    head, (enum frame_type)cases[i].type, cases[i].len);
		for (size_t n = 0; n < sizeof(head); n++)
			ck_assert_int_eq(
			    frame_head(head, n, &type, &len), ERR_MORE);
		ck_assert_msg(frame_head(head, sizeof(head), &type, &len) ==
			cases[i].expected,
		    "case %d", i);
		if (cases[i].expected != 0)
			continue;
		ck_assert_uint_eq(type, cases[i].type);
		ck_assert_uint_eq(len, cases[i].len);
	}
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, request_round_trip);
	tcase_add_test(tc, smallest_request);
	tcase_add_test(tc, truncation_at_every_byte);
	tcase_add_loop_test(tc, bad_slice_in_a_request, 0, COUNT(bad_slices));
	tcase_add_loop_test(tc, field_in_either_direction, 0, COUNT(fields));
	tcase_add_test(tc, numbers_out_of_range);
	tcase_add_test(tc, over_the_limit_of_a_field);
	tcase_add_test(tc, fields_together_within_a_head);
	tcase_add_test(tc, too_many_fields);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, payload_over_the_limit);
	tcase_add_test(tc, response_round_trip);
	tcase_add_test(tc, response_truncated);
	tcase_add_test(tc, denials);
	tcase_add_test(tc, heads_of_frames);
}

int
main(void)
{
	return run_cases("frame", add);
}
