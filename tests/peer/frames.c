/*
 * Violations on the frame stream from a frontend to egress: each frame in each
 * state, lengths that lie, requests cut and spoilt. Each time egress closes
 * that connection, serves the others, and the console gets nothing that is not
 * lawful (upstream.h).
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peer/stream.h"
#include "tests/peer/suites.h"
#include "tests/peer/upstream.h"
#include "tests/peer/world.h"
#include "tests/unit/unit.h"

/* --- every frame in every state --- */

#define BODY_LEN 5

static void
ask_for_body(int fd, enum frame_type first)
{
	struct frame_request q;
	struct stream_frame f;

	stream_request(&q, UPSTREAM_SILENT);
	q.method = HTTP_POST;
	q.body = HTTP_BODY_LENGTH;
	q.content_length = BODY_LEN;
	ck_assert(stream_ask(fd, &q));
	ck_assert_int_eq(stream_hear(fd, &f), FRAME_CAME);
	ck_assert_int_eq(f.type, first);
}

static void
enter_idle(int fd)
{
	(void)fd;
}

static void
enter_served(int fd)
{
	stream_expect_service(fd);
}

static void
enter_denied(int fd)
{
	struct frame_request q;
	struct stream_frame f;

	stream_request(&q, SESSION_PATH);
	ck_assert(stream_ask(fd, &q));
	ck_assert_int_eq(stream_hear(fd, &f), FRAME_CAME);
	ck_assert_int_eq(f.type, FRAME_DENY);
}

static void
enter_body(int fd)
{
	ask_for_body(fd, FRAME_CONTINUE);
}

static void
enter_waiting(int fd)
{
	struct frame_request q;

	stream_request(&q, UPSTREAM_SILENT);
	ck_assert(stream_ask(fd, &q));
}

static void
enter_waiting_after_body(int fd)
{
	uint8_t bytes[2 * FRAME_HEADER_LEN + BODY_LEN] = { 0 };

	ask_for_body(fd, FRAME_CONTINUE);
	frame_put_head(bytes, FRAME_DATA, BODY_LEN);
	frame_put_head(bytes + FRAME_HEADER_LEN + BODY_LEN, FRAME_END, 0);
	ck_assert(stream_send(fd, bytes, sizeof(bytes)));
}

static const struct {
	const char *name;
	void (*enter)(int fd);
	bool takes_body;
} states[] = {
	{ "before anything", enter_idle, false },
	{ "after an answer", enter_served, false },
	{ "after a DENY", enter_denied, false },
	{ "while a body is awaited", enter_body, true },
	{ "while the console thinks", enter_waiting, false },
	{ "after the body", enter_waiting_after_body, false },
};

static const uint32_t lengths[] = { 0, 1, BODY_LEN + 1, FRAME_DATA_MAX,
	FRAME_DATA_MAX + 1, UINT32_MAX };

/* As much of the payload as is claimed, up to what any frame may have. */
static void
try_frame(size_t state, unsigned type, uint32_t len)
{
	static uint8_t bytes[STREAM_MAX];
	size_t sent = len < FRAME_HEAD_MAX ? len : FRAME_HEAD_MAX;
	char name[96];
	int fd = stream_open();

	states[state].enter(fd);
	frame_put_head(bytes, (enum frame_type)type, len);
	(void)snprintf(name, sizeof(name), "frame %u of %u bytes %s", type,
	    (unsigned)len, states[state].name);
	(void)stream_send(fd, bytes, FRAME_HEADER_LEN + sent);
	stream_expect_end(fd, name);
	(void)close(fd);
}

START_TEST(every_frame)
{
	size_t before = world_descriptors();
	size_t state = (size_t)_i;

	(void)stream_forwarded();
	for (unsigned type = 0; type <= FRAME_TYPE_END; type++)
		for (size_t i = 0; i < N_ROWS(lengths); i++) {
			if (states[state].takes_body && type == FRAME_DATA &&
			    lengths[i] == 1)
				continue; /* the one good frame */
			try_frame(state, type, lengths[i]);
			stream_expect_fresh_service();
		}
	try_frame(state, 0xff, 0);
	stream_expect_fresh_service();
	(void)stream_forwarded();
	world_check_descriptors(before);
	world_check();
}
END_TEST

/* --- bodies that are not what was said --- */

static const struct {
	const char *name;
	const char *path;
	enum http_body body;
	uint64_t length;
	size_t data; /* in one frame, sent together with the request; 0: none */
	bool end;
} bodies[] = {
	{ "DATA before CONTINUE, of a refused request", SESSION_PATH,
	    HTTP_BODY_LENGTH, 5, 5, true },
	{ "END before CONTINUE, of a refused request", SESSION_PATH,
	    HTTP_BODY_CHUNKED, 0, 0, true },
	{ "DATA without a body", UPSTREAM_SILENT, HTTP_BODY_NONE, 0, 5, false },
	{ "END without a body", UPSTREAM_SILENT, HTTP_BODY_NONE, 0, 0, true },
	{ "more DATA than declared", UPSTREAM_SILENT, HTTP_BODY_LENGTH, 4, 5,
	    false },
	{ "less DATA than declared", UPSTREAM_SILENT, HTTP_BODY_LENGTH, 6, 5,
	    true },
	{ "no DATA where some was declared", UPSTREAM_SILENT, HTTP_BODY_LENGTH,
	    6, 0, true },
};

START_TEST(every_body)
{
	static uint8_t bytes[STREAM_MAX + 64];
	struct frame_request q;
	struct stream_frame f;
	enum stream_hearing h;
	size_t len;
	int fd = stream_open();

	(void)stream_forwarded();
	stream_request(&q, bodies[_i].path);
	q.method = HTTP_POST;
	q.body = bodies[_i].body;
	q.content_length = bodies[_i].length;
	len = stream_encode(bytes, &q);
	if (bodies[_i].data > 0) {
		frame_put_head(
		    bytes + len, FRAME_DATA, (uint32_t)bodies[_i].data);
		len += FRAME_HEADER_LEN + bodies[_i].data;
	}
	if (bodies[_i].end) {
		frame_put_head(bytes + len, FRAME_END, 0);
		len += FRAME_HEADER_LEN;
	}
	(void)stream_send(fd, bytes, len);
	while ((h = stream_hear(fd, &f)) == FRAME_CAME)
		ck_assert_msg(f.type == FRAME_DENY || f.type == FRAME_CONTINUE,
		    "%s: answered with frame %u", bodies[_i].name,
		    (unsigned)f.type);
	ck_assert_msg(h == STREAM_END, "%s: still open", bodies[_i].name);
	stream_expect_fresh_service();
	if (slice_is(q.path, SESSION_PATH))
		ck_assert_uint_eq(stream_forwarded(), 0);
	world_check();
}
END_TEST

/* --- requests cut and spoilt --- */

static size_t
sample(uint8_t dst[STREAM_MAX])
{
	struct frame_request q;

	stream_request(&q, SESSION_PATH);
	q.session = SLICE("c2Vzc2lvbg");
	q.has_query = true;
	q.query = SLICE("a=b");
	(void)http_fields_add(&q.fields, SLICE("Accept"), SLICE("*/*"));
	return stream_encode(dst, &q);
}

/* The frame's length says what is there, but there is less, or one byte more,
 * than the request needs. */
START_TEST(requests_cut)
{
	static uint8_t bytes[STREAM_MAX];
	size_t len = sample(bytes) - FRAME_HEADER_LEN;

	(void)stream_forwarded();
	for (size_t cut = 0; cut <= len + 1; cut++) {
		int fd;

		if (cut == len)
			continue;
		fd = stream_open();
		frame_put_head(bytes, FRAME_REQUEST, (uint32_t)cut);
		(void)stream_send(fd, bytes, FRAME_HEADER_LEN + cut);
		stream_expect_end(fd, "a request of another length");
		(void)close(fd);
	}
	stream_expect_fresh_service();
	ck_assert_uint_eq(stream_forwarded(), 0);
	world_check();
}
END_TEST

/* The frame's length says more than ever comes: nothing happens. */
START_TEST(requests_unfinished)
{
	static uint8_t bytes[STREAM_MAX];
	size_t before = world_descriptors(), len = sample(bytes);

	(void)stream_forwarded();
	for (size_t cut = 0; cut < len; cut++) {
		int fd = stream_open();

		ck_assert(stream_send(fd, bytes, cut));
		(void)close(fd);
	}
	stream_expect_fresh_service();
	ck_assert_uint_eq(stream_forwarded(), 0);
	world_check_descriptors(before);
	world_check();
}
END_TEST

/* Whatever byte is changed, the console gets nothing unlawful: a changed path
 * may be a public one. */
START_TEST(requests_spoilt)
{
	static const uint8_t changes[] = { 0x01, 0x20, 0x80, 0xff };
	static uint8_t bytes[STREAM_MAX];
	size_t len = sample(bytes);
	struct stream_frame f;

	(void)stream_forwarded();
	for (size_t i = FRAME_HEADER_LEN; i < len; i++)
		for (size_t c = 0; c < N_ROWS(changes); c++) {
			int fd = stream_open();

			bytes[i] ^= changes[c];
			(void)stream_send(fd, bytes, len);
			bytes[i] ^= changes[c];
			ck_assert_int_ne(stream_hear(fd, &f), STREAM_SILENT);
			(void)close(fd);
		}
	stream_expect_fresh_service();
	(void)stream_forwarded();
	world_check();
}
END_TEST

/* --- floods --- */

#define FLOOD_REQUESTS 2000

/* Requests without end whose answers nobody reads, and many connections. */
START_TEST(flood)
{
	static uint8_t bytes[STREAM_MAX];
	size_t before = world_descriptors(), len;
	struct frame_request q;
	int fds[200];

	stream_request(&q, SESSION_PATH);
	len = stream_encode(bytes, &q);
	for (size_t i = 0; i < N_ROWS(fds); i++)
		fds[i] = stream_open();
	for (size_t i = 0; i < FLOOD_REQUESTS; i++)
		if (send(fds[i % 4], bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) <
		    0)
			break;
	stream_expect_fresh_service();
	for (size_t i = 0; i < N_ROWS(fds); i++)
		(void)close(fds[i]);
	stream_expect_fresh_service();
	(void)stream_forwarded();
	world_check_descriptors(before);
	world_check();
}
END_TEST

void
frames_add(TCase *t)
{
	tcase_add_loop_test(t, every_frame, 0, (int)N_ROWS(states));
	tcase_add_loop_test(t, every_body, 0, (int)N_ROWS(bodies));
	tcase_add_test(t, requests_cut);
	tcase_add_test(t, requests_unfinished);
	tcase_add_test(t, requests_spoilt);
	tcase_add_test(t, flood);
}
