/*
 * Exchanges of an egress in this process: the test speaks frames on one side
 * and is the console on the other.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/daemon.h"
#include "common/frame.h"
#include "common/json_strict.h"
#include "common/resolve.h"
#include "common/slot.h"
#include "egress/egress.h"
#include "egress/front_frames.h"
#include "egress/secrets.h"
#include "egress/services.h"
#include "tests/unit/frontend_fixture.h"

static struct egress eg;
static const char text[] =
    "auth: {strategy: anonymous}\n"
    "external_services:\n"
    "  prometheus: {url: \"http://127.0.0.1:9090\", auth: {type: bearer}}\n"
    "  grafana:\n"
    "    enabled: true\n"
    "    internal_url: \"http://127.0.0.1:9090\"\n"
    "    auth:\n"
    "      type: oauth2\n"
    "      insecure_skip_verify: true\n"
    "      oauth2: {token_url: \"http://127.0.0.1:9090/token\", "
    "client_id: me}\n"
    "doorward:\n"
    "  console: {url: \"http://127.0.0.1:30001\", credential: none}\n"
    "  routes:\n"
    "  - {path: /p/, service: prometheus, methods: [GET, POST, PUT], "
    "allow: {users: [\"*\"]}}\n"
    "  - {path: /g/, service: grafana, methods: [GET, POST, PUT], "
    "allow: {users: [\"*\"]}}\n";
static int console = -1; /* listener */

static void
set_up(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct settings *settings;

	json_strict_init();
	console = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
	    bind(console, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(console, 8), 0);
	ck_assert_int_eq(getsockname(console, (struct sockaddr *)&at, &len), 0);
	eg = (struct egress){ .head_ms = 200, .max_open = 2 };
	eg.base = daemon_base();
	settings = fixture_settings(text);
	settings->console.port = ntohs(at.sin_port);
	for (int i = 0; i < SERVICE_COUNT; i++) {
		settings->services[i].url.port = ntohs(at.sin_port);
		settings->services[i].auth.oauth2.token_url.port =
		    ntohs(at.sin_port);
	}
	eg.settings = settings;
	eg.resolve = resolve_new_files(eg.base, "/dev/null", "/dev/null");
	services_setup(&eg);
}

static void
run(long ms)
{
	const struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(eg.base, &t);
	event_base_dispatch(eg.base);
}

static int
frontend_open(void)
{
	int ends[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	front_frames_accept(&eg, ends[0]);
	return ends[1];
}

static void
ask_for(int fd, const char *path, enum http_method method, enum http_body body,
    uint64_t length)
{
	struct frame_request q = { .method = method,
		.body = body,
		.content_length = length,
		.path = slice_of(path),
		.host = SLICE("h"),
		.client = SLICE("192.0.2.1") };
	uint8_t frame[1024];
	long n = frame_put_request(frame, sizeof(frame), &q);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(write(fd, frame, (size_t)n), n);
	run(20);
}

static void
ask(int fd, enum http_method method, enum http_body body, uint64_t length)
{
	ask_for(fd, "/x", method, body, length);
}

static void
say(int fd, enum frame_type type, const char *payload)
{
	uint8_t frame[FRAME_HEADER_LEN + 64];
	size_t len = strlen(payload);

	frame_put_head(frame, type, (uint32_t)len);
	memcpy(frame + FRAME_HEADER_LEN, payload, len);
	len += FRAME_HEADER_LEN;
	ck_assert_int_eq(write(fd, frame, len), (ssize_t)len);
	run(20);
}

/* The type of the next frame, whose payload is dropped; 0: none, -1: closed. */
static int
hear(int fd)
{
	static uint8_t payload[FRAME_HEAD_MAX];
	uint8_t head[FRAME_HEADER_LEN];
	enum frame_type type;
	uint32_t len;
	ssize_t n = read(fd, head, sizeof(head));

	if (n <= 0)
		return n == 0 ? -1 : 0;
	ck_assert_int_eq(n, sizeof(head));
	ck_assert_int_eq(frame_head(head, sizeof(head), &type, &len), 0);
	ck_assert_int_eq(read(fd, payload, len), len);
	return (int)type;
}

static int
console_accept(void)
{
	int fd = accept4(console, NULL, NULL, SOCK_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
console_answer(int fd)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	ck_assert_int_eq(
	    write(fd, ok, sizeof(ok) - 1), (ssize_t)sizeof(ok) - 1);
	run(20);
}

/* The console's time begins when it has the whole request. */
START_TEST(slow_upload)
{
	int f = frontend_open(), c;

	ask(f, HTTP_POST, HTTP_BODY_LENGTH, 5);
	c = console_accept();
	ck_assert_int_eq(hear(f), FRAME_CONTINUE);
	run(500);
	ck_assert_int_eq(hear(f), 0);
	say(f, FRAME_DATA, "hello");
	say(f, FRAME_END, "");
	console_answer(c);
	ck_assert_int_eq(hear(f), FRAME_RESPONSE);
	ck_assert_int_eq(hear(f), FRAME_END);
}
END_TEST

/* The console answers before the body is there. A frontend whose END was on its
 * way by then keeps the connection. */
START_TEST(answered_before_the_body)
{
	int f = frontend_open(), c;

	ask(f, HTTP_POST, HTTP_BODY_LENGTH, 5);
	c = console_accept();
	console_answer(c);
	ck_assert_int_eq(hear(f), FRAME_CONTINUE);
	ck_assert_int_eq(hear(f), FRAME_RESPONSE);
	ck_assert_int_eq(hear(f), FRAME_END);
	say(f, FRAME_DATA, "hello");
	say(f, FRAME_END, "");
	ask(f, HTTP_GET, HTTP_BODY_NONE, 0);
	c = console_accept();
	console_answer(c);
	ck_assert_int_eq(hear(f), FRAME_RESPONSE);
	ck_assert_int_eq(hear(f), FRAME_END);
}
END_TEST

START_TEST(console_that_does_not_answer)
{
	for (int with_body = 0; with_body < 2; with_body++) {
		int f = frontend_open();

		ask(f, with_body ? HTTP_POST : HTTP_GET,
		    with_body ? HTTP_BODY_LENGTH : HTTP_BODY_NONE,
		    with_body ? 5 : 0);
		if (with_body) {
			ck_assert_int_eq(hear(f), FRAME_CONTINUE);
			say(f, FRAME_DATA, "hello");
			say(f, FRAME_END, "");
		}
		run(100);
		ck_assert_int_eq(hear(f), 0);
		run(200);
		ck_assert_int_eq(hear(f), FRAME_DENY);
	}
}
END_TEST

/* The console closes a kept connection under the next request. */
START_TEST(sent_again_with_body)
{
	int f = frontend_open(), c;

	ask(f, HTTP_GET, HTTP_BODY_NONE, 0);
	c = console_accept();
	console_answer(c);
	ck_assert_int_eq(hear(f), FRAME_RESPONSE);
	ck_assert_int_eq(hear(f), FRAME_END);
	ask(f, HTTP_PUT, HTTP_BODY_LENGTH, 5);
	ck_assert_int_eq(hear(f), FRAME_CONTINUE);
	(void)close(c);
	run(50);
	c = console_accept();
	ck_assert_int_eq(hear(f), 0); /* one CONTINUE is enough */
	say(f, FRAME_DATA, "hello");
	say(f, FRAME_END, "");
	console_answer(c);
	ck_assert_int_eq(hear(f), FRAME_RESPONSE);
	ck_assert_int_eq(hear(f), FRAME_END);
}
END_TEST

/* What a server was sent, after it has been given time to come. */
static const char *
sent_to(int fd)
{
	static char request[4096];
	ssize_t n;

	run(20);
	n = read(fd, request, sizeof(request) - 1);
	ck_assert_int_gt(n, 0);
	request[n] = '\0';
	return request;
}

static void
answer_with(int fd, const char *head, const char *body)
{
	char answer[512];
	int n = snprintf(answer, sizeof(answer),
	    "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body),
	    body);

	ck_assert_int_eq(write(fd, answer, (size_t)n), n);
	run(20);
}

static void
slot_is(enum service_id service, enum slot_field field, enum secret_state state,
    const char *value)
{
	secrets_answer(eg.secrets,
	    secrets_want(eg.secrets, slot_of_service(service, field)), state,
	    slice_of(value));
}

/* Without its credential a service is not even connected to. */
START_TEST(no_request_without_credential)
{
	int f = frontend_open(), c;

	ask_for(f, "/p/q", HTTP_GET, HTTP_BODY_NONE, 0);
	ck_assert_int_eq(hear(f), 0); /* waits for secretd */
	slot_is(SERVICE_PROMETHEUS, SLOT_TOKEN, SECRET_NONE, "");
	run(20);
	ck_assert_int_eq(hear(f), FRAME_DENY);
	ask_for(f, "/p/q", HTTP_POST, HTTP_BODY_LENGTH, 5);
	ck_assert_int_eq(hear(f), FRAME_DENY);
	ck_assert_int_lt(accept4(console, NULL, NULL, SOCK_NONBLOCK), 0);
	ck_assert_uint_eq(eg.n_failed, 2);
	slot_is(SERVICE_PROMETHEUS, SLOT_TOKEN, SECRET_OK, "T");
	ask_for(f, "/p/q", HTTP_GET, HTTP_BODY_NONE, 0);
	c = console_accept();
	ck_assert_ptr_nonnull(
	    strstr(sent_to(c), "\r\nAuthorization: Bearer T\r\n"));
	console_answer(c);
	ck_assert_int_eq(hear(f), FRAME_RESPONSE);
}
END_TEST

static void
give_token(const char *token)
{
	char body[128];
	int c = console_accept();

	snprintf(body, sizeof(body),
	    "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}", token);
	ck_assert(slice_starts(slice_of(sent_to(c)), "POST /token HTTP/1.1"));
	answer_with(c, "200 OK", body);
	(void)close(c);
}

/* A 401 to an access token: once more with another one, and then no more. A PUT
 * whose body has not begun is sent again, a POST is not. */
START_TEST(another_token_after_401)
{
	int f = frontend_open(), c;

	slot_is(SERVICE_GRAFANA, SLOT_CLIENT_SECRET, SECRET_OK, "s");
	ask_for(f, "/g/q", HTTP_PUT, HTTP_BODY_LENGTH, 5);
	give_token("T1");
	c = console_accept();
	ck_assert_ptr_nonnull(strstr(sent_to(c), "Bearer T1\r\n"));
	ck_assert_int_eq(hear(f), FRAME_CONTINUE);
	answer_with(c, "401 No", "not this one");
	ck_assert_int_eq(hear(f), 0);
	give_token("T2");
	c = console_accept();
	ck_assert_ptr_nonnull(strstr(sent_to(c), "Bearer T2\r\n"));
	ck_assert_int_eq(hear(f), 0);
	say(f, FRAME_DATA, "hello");
	say(f, FRAME_END, "");
	ck_assert_ptr_nonnull(strstr(sent_to(c), "hello"));
	answer_with(c, "401 No", "nor this one");
	ck_assert_int_eq(hear(f), FRAME_DENY);
}
END_TEST

/* The token endpoint fails after CONTINUE: the body that comes is dropped. */
START_TEST(no_other_token_after_401)
{
	int f = frontend_open(), c;

	slot_is(SERVICE_GRAFANA, SLOT_CLIENT_SECRET, SECRET_OK, "s");
	ask_for(f, "/g/q", HTTP_PUT, HTTP_BODY_LENGTH, 5);
	give_token("T1");
	c = console_accept();
	ck_assert_int_eq(hear(f), FRAME_CONTINUE);
	answer_with(c, "401 No", "");
	c = console_accept();
	answer_with(c, "500 Oops", "");
	ck_assert_int_eq(hear(f), FRAME_DENY);
	say(f, FRAME_DATA, "hello");
	ck_assert_int_eq(hear(f), 0);
	ck_assert_int_lt(accept4(console, NULL, NULL, SOCK_NONBLOCK), 0);
}
END_TEST

START_TEST(connections_are_bounded)
{
	int a = frontend_open(), b = frontend_open(), c = frontend_open();

	run(20);
	ck_assert_int_eq(hear(a), 0);
	ck_assert_int_eq(hear(c), -1);
	(void)close(b);
	run(20);
	c = frontend_open();
	run(20);
	ck_assert_int_eq(hear(c), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress exchange");
	TCase *tc = tcase_create("exchange");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, slow_upload);
	tcase_add_test(tc, answered_before_the_body);
	tcase_add_test(tc, console_that_does_not_answer);
	tcase_add_test(tc, sent_again_with_body);
	tcase_add_test(tc, no_request_without_credential);
	tcase_add_test(tc, another_token_after_401);
	tcase_add_test(tc, no_other_token_after_401);
	tcase_add_test(tc, connections_are_bounded);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
