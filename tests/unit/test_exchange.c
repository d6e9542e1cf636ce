/*
 * Whole exchanges of a worker in this process: a client on a socket pair, and
 * an egress that plays scripts of frames on a Unix listener.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/daemon.h"
#include "common/frame.h"
#include "common/mem.h"
#include "frontend/client.h"
#include "frontend/limits.h"
#include "frontend/listener.h"
#include "frontend/pool.h"
#include "frontend/screen.h"
#include "frontend/stats.h"
#include "tests/unit/frontend_fixture.h"

static struct worker w;
static struct settings *settings; /* w's */
static char egress_path[64];
static int egress = -1; /* listener */

static void
worker_setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(egress_path, sizeof(egress_path), "/tmp/doorward-test-%d.sock",
	    (int)getpid());
	memcpy(at.sun_path, egress_path, strlen(egress_path) + 1);
	egress = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
	    bind(egress, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(egress, 8), 0);
	memset(&w, 0, sizeof(w));
	w.base = daemon_base();
	w.settings = settings = fixture_anonymous("/", "");
	w.stats = stats_new(1);
	w.egress_path = egress_path;
	w.screen = screen_new(w.base);
	w.pool = pool_new();
	w.limits = limits_new(10);
	w.scratch = mem_new(WORKER_SCRATCH_LEN);
	w.listener = listener_new(&w, NULL, 0);
	TAILQ_INIT(&w.clients);
}

static void
worker_teardown(void)
{
	(void)close(egress);
	(void)unlink(egress_path);
}

static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static int
client_open(void)
{
	int ends[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	client_new(&w, ends[0], NULL);
	return ends[1];
}

static void
say(int fd, const void *p, size_t len)
{
	ck_assert_int_eq(write(fd, p, len), (ssize_t)len);
	turn();
}

static void
say_z(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

/* Everything that is there; "<end>" is appended at the end of file. */
static const char *
hear(int fd)
{
	static char text[65536];
	size_t n = 0;
	ssize_t r;

	turn();
	while ((r = read(fd, text + n, sizeof(text) - n - 8)) > 0)
		n += (size_t)r;
	memcpy(text + n, r == 0 ? "<end>" : "", r == 0 ? 6 : 1);
	return text;
}

static void
has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "lacks '%s': %s", what, text);
}

static void
lacks(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) == NULL, "has '%s': %s", what, text);
}

/* --- the other side of the frames --- */

static int
egress_accept(void)
{
	int fd;

	turn();
	fd = accept4(egress, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	turn();
	return fd;
}

/* Takes one frame; its payload is in *p. */
static enum frame_type
egress_take(int fd, uint8_t **p, uint32_t *len)
{
	static uint8_t payload[FRAME_HEAD_MAX];
	uint8_t head[FRAME_HEADER_LEN];
	enum frame_type type;

	turn();
	ck_assert_int_eq(read(fd, head, sizeof(head)), (ssize_t)sizeof(head));
	ck_assert_int_eq(frame_head(head, sizeof(head), &type, len), 0);
	if (*len > 0)
		ck_assert_int_eq(read(fd, payload, *len), (ssize_t)*len);
	*p = payload;
	return type;
}

static void
egress_expect(int fd, enum frame_type type, const char *payload)
{
	uint8_t *p;
	uint32_t len;

	ck_assert_int_eq(egress_take(fd, &p, &len), type);
	if (payload != NULL) {
		ck_assert_uint_eq(len, strlen(payload));
		ck_assert_int_eq(memcmp(p, payload, len), 0);
	}
}

static void
egress_say(int fd, enum frame_type type, const char *payload)
{
	uint8_t frame[FRAME_HEADER_LEN + 64];
	size_t len = strlen(payload);

	frame_put_head(frame, type, (uint32_t)len);
	memcpy(frame + FRAME_HEADER_LEN, payload, len);
	say(fd, frame, FRAME_HEADER_LEN + len);
}

static void
egress_respond(int fd, enum http_body body, uint64_t length)
{
	struct frame_response a = {
		.status = 200, .body = body, .content_length = length
	};
	uint8_t frame[1024];
	long n = frame_put_response(frame, sizeof(frame), &a);

	ck_assert_int_gt(n, 0);
	say(fd, frame, (size_t)n);
}

static void
egress_deny(int fd, enum deny why)
{
	uint8_t frame[64];
	long n = frame_put_deny(frame, sizeof(frame), why);

	ck_assert_int_gt(n, 0);
	say(fd, frame, (size_t)n);
}

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

START_TEST(two_requests_on_one_pair)
{
	int c = client_open(), e;
	const char *text;

	say_z(c, GET GET); /* pipelined */
	e = egress_accept();
	for (int i = 0; i < 2; i++) {
		egress_expect(e, FRAME_REQUEST, NULL);
		egress_respond(e, HTTP_BODY_LENGTH, 5);
		egress_say(e, FRAME_DATA, "hello");
		egress_say(e, FRAME_END, "");
	}
	text = hear(c);
	has(text, "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK");
	lacks(text, "<end>");
	ck_assert_uint_eq(w.stats->pool_reused, 1);
}
END_TEST

START_TEST(chunked_answer)
{
	int c = client_open(), e;
	const char *text;

	say_z(c, GET);
	e = egress_accept();
	egress_respond(e, HTTP_BODY_CHUNKED, 0);
	egress_say(e, FRAME_DATA, "hello");
	egress_say(e, FRAME_END, "");
	text = hear(c);
	has(text, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
	lacks(text, "<end>");
}
END_TEST

START_TEST(body_waits_for_continue)
{
	int c = client_open(), e;
	uint8_t byte;

	say_z(c,
	    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
	    "Expect: 100-continue\r\n\r\n");
	e = egress_accept();
	egress_expect(e, FRAME_REQUEST, NULL);
	ck_assert_str_eq(hear(c), "");
	egress_say(e, FRAME_CONTINUE, "");
	ck_assert_str_eq(hear(c), "HTTP/1.1 100 Continue\r\n\r\n");
	say_z(c, "hello" GET);
	egress_expect(e, FRAME_DATA, "hello");
	egress_expect(e, FRAME_END, "");
	/* what follows the body is the next request, not part of this one */
	ck_assert_int_eq(read(e, &byte, 1), -1);
	egress_respond(e, HTTP_BODY_NONE, 0);
	egress_say(e, FRAME_END, "");
	egress_expect(e, FRAME_REQUEST, NULL);
}
END_TEST

START_TEST(chunked_body)
{
	int c = client_open(), e;

	say_z(c,
	    "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhel");
	e = egress_accept();
	egress_expect(e, FRAME_REQUEST, NULL);
	egress_say(e, FRAME_CONTINUE, "");
	egress_expect(e, FRAME_DATA, "hel");
	say_z(c, "lo\r\n0\r\n\r\n");
	egress_expect(e, FRAME_DATA, "lo");
	egress_expect(e, FRAME_END, "");
}
END_TEST

START_TEST(bad_chunk_is_refused)
{
	int c = client_open(), e;

	say_z(c,
	    "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhelloX");
	e = egress_accept();
	egress_say(e, FRAME_CONTINUE, "");
	has(hear(c), "HTTP/1.1 400 ");
	egress_expect(e, FRAME_REQUEST, NULL);
	has(hear(e), "<end>"); /* cancelled */
}
END_TEST

START_TEST(answer_before_the_body)
{
	int c = client_open(), e;
	const char *text;

	say_z(c, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhel");
	e = egress_accept();
	egress_respond(e, HTTP_BODY_LENGTH, 2);
	egress_say(e, FRAME_DATA, "no");
	egress_say(e, FRAME_END, "");
	text = hear(c);
	has(text, "Connection: close\r\n\r\nno<end>");
	egress_expect(e, FRAME_REQUEST, NULL);
	has(hear(e), "<end>");
}
END_TEST

START_TEST(cut_answers_are_visible)
{
	for (int by_end = 0; by_end < 2; by_end++) {
		int c = client_open(), e;
		const char *text;

		say_z(c, GET);
		e = egress_accept();
		egress_respond(e, by_end ? HTTP_BODY_LENGTH : HTTP_BODY_CHUNKED,
		    by_end ? 9 : 0);
		egress_say(e, FRAME_DATA, "hel");
		if (by_end)
			egress_say(e, FRAME_END, "");
		else
			(void)close(e);
		text = hear(c);
		has(text, "hel");
		has(text, "<end>");
		lacks(text, "0\r\n\r\n");
	}
	ck_assert_uint_eq(w.stats->truncated, 2);
}
END_TEST

START_TEST(too_much_answer)
{
	int c = client_open(), e;

	say_z(c, GET);
	e = egress_accept();
	egress_respond(e, HTTP_BODY_LENGTH, 2);
	egress_say(e, FRAME_DATA, "surplus");
	lacks(hear(c), "surplus");
}
END_TEST

START_TEST(denials)
{
	int c = client_open(), e;
	const char *text;

	say_z(c, GET);
	e = egress_accept();
	egress_deny(e, DENY_NO_SESSION);
	text = hear(c);
	has(text, "HTTP/1.1 401 Unauthorized\r\n");
	has(text, "\r\n\r\nUnauthorized\n");
	lacks(text, "<end>");
	say_z(c, GET); /* on the same connections */
	egress_expect(e, FRAME_REQUEST, NULL);
	egress_expect(e, FRAME_REQUEST, NULL);
	egress_deny(e, DENY_UPSTREAM_TIMEOUT);
	has(hear(c), "HTTP/1.1 504 ");
}
END_TEST

/* Whoever has no session goes on to the provider, but not who just came from
 * there without a cookie: that would never end. */
START_TEST(denials_openid)
{
	int c = client_open(), e;
	const char *text;

	settings_free(settings);
	w.settings = settings = fixture_openid("/", "generic", "");
	say_z(c, "GET /x?a=b HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n");
	e = egress_accept();
	egress_deny(e, DENY_NO_SESSION);
	text = hear(c);
	has(text, "HTTP/1.1 302 ");
	has(text, "Location: /api/auth/openid_redirect?return=/x%3Fa%3Db\r\n");
	say_z(c,
	    "GET /?code=C&state=S HTTP/1.1\r\nHost: h\r\n"
	    "Accept: text/html\r\n\r\n");
	egress_deny(e, DENY_NO_SESSION);
	text = hear(c);
	has(text, "HTTP/1.1 401 ");
	has(text, "blocks cookies");
	lacks(text, "Location:");
}
END_TEST

START_TEST(stale_pool_is_asked_again)
{
	int c = client_open(), e;

	say_z(c, GET);
	e = egress_accept();
	egress_respond(e, HTTP_BODY_NONE, 0);
	egress_say(e, FRAME_END, "");
	has(hear(c), "HTTP/1.1 200 ");
	/* the request meets a connection that ends under it */
	ck_assert_int_eq(write(c, GET, strlen(GET)), (ssize_t)strlen(GET));
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	(void)close(e);
	e = egress_accept();
	egress_expect(e, FRAME_REQUEST, NULL);
	egress_respond(e, HTTP_BODY_NONE, 0);
	has(hear(c), "HTTP/1.1 200 ");
}
END_TEST

START_TEST(no_egress)
{
	int c = client_open();

	worker_teardown();
	say_z(c, GET);
	has(hear(c), "HTTP/1.1 503 ");
	ck_assert(w.egress_failed);
}
END_TEST

START_TEST(client_gone_cancels)
{
	int c = client_open(), e;

	say_z(c, GET);
	e = egress_accept();
	egress_expect(e, FRAME_REQUEST, NULL);
	(void)close(c);
	has(hear(e), "<end>");
	ck_assert_uint_eq(w.n_clients, 0);
}
END_TEST

/* A pipeline whose last request is cut: its end comes while the first one is
 * being answered, so nothing more ever happens on that connection. */
START_TEST(cut_body_behind_another_request)
{
	static const char *const cut[] = {
		"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhel",
		"POST /x HTTP/1.1\r\nHost: h\r\n"
		"Transfer-Encoding: chunked\r\n\r\n9\r\nhel",
		"POST /api/authenticate HTTP/1.1\r\nHost: h\r\n"
		"Content-Length: 9\r\n\r\nhel",
	};

	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		int c = client_open(), e;

		say_z(c, GET);
		say_z(c, cut[i]);
		(void)shutdown(c, SHUT_WR);
		e = egress_accept();
		egress_expect(e, FRAME_REQUEST, NULL);
		egress_respond(e, HTTP_BODY_NONE, 0);
		egress_say(e, FRAME_END, "");
		if (i < 2) {
			egress_expect(e, FRAME_REQUEST, NULL);
			egress_say(e, FRAME_CONTINUE, "");
			has(hear(e), "<end>");
		}
		turn();
		ck_assert_uint_eq(w.n_clients, 0);
		(void)close(c);
		(void)close(e);
		turn();
	}
}
END_TEST

/* Whoever was refused but does not close still takes a place. */
START_TEST(lingering_counts)
{
	int c = client_open();

	say_z(c, "nonsense\r\n\r\n");
	has(hear(c), "HTTP/1.1 400 ");
	ck_assert_uint_eq(w.n_clients, 1);
	(void)close(c);
	turn();
	ck_assert_uint_eq(w.n_clients, 0);
}
END_TEST

START_TEST(garbled_egress)
{
	int c = client_open(), e;

	say_z(c, GET);
	e = egress_accept();
	say_z(e, "HTTP/1.1 200 OK\r\n");
	has(hear(c), "HTTP/1.1 503 ");
}
END_TEST

/* Neither side's buffer grows with what the other side does not take. */
START_TEST(flat_memory)
{
	static char block[FRAME_DATA_MAX];
	uint8_t head[FRAME_HEADER_LEN];
	int c = client_open(), e;
	size_t taken = 0;

	say_z(c, GET);
	e = egress_accept();
	egress_respond(e, HTTP_BODY_LENGTH, 1u << 30);
	frame_put_head(head, FRAME_DATA, sizeof(block));
	for (int i = 0; i < 200; i++) {
		ssize_t r = write(e, head, sizeof(head));

		if (r != (ssize_t)sizeof(head))
			break;
		for (size_t n = 0; n < sizeof(block);) {
			r = write(e, block + n, sizeof(block) - n);
			turn();
			if (r < 0 && errno == EAGAIN)
				goto full;
			n += (size_t)r;
			taken += (size_t)r;
		}
	}
full:
	/* two buffers of ours and four of the kernel's */
	ck_assert_uint_lt(taken, 4u << 20);
	ck_assert_uint_gt(taken, CLIENT_OUTPUT_HIGH / 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tc = tcase_create("exchange");

	tcase_add_checked_fixture(tc, worker_setup, worker_teardown);
	tcase_add_test(tc, two_requests_on_one_pair);
	tcase_add_test(tc, chunked_answer);
	tcase_add_test(tc, body_waits_for_continue);
	tcase_add_test(tc, chunked_body);
	tcase_add_test(tc, bad_chunk_is_refused);
	tcase_add_test(tc, answer_before_the_body);
	tcase_add_test(tc, cut_answers_are_visible);
	tcase_add_test(tc, too_much_answer);
	tcase_add_test(tc, denials);
	tcase_add_test(tc, denials_openid);
	tcase_add_test(tc, stale_pool_is_asked_again);
	tcase_add_test(tc, no_egress);
	tcase_add_test(tc, client_gone_cancels);
	tcase_add_test(tc, cut_body_behind_another_request);
	tcase_add_test(tc, lingering_counts);
	tcase_add_test(tc, garbled_egress);
	tcase_add_test(tc, flat_memory);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
