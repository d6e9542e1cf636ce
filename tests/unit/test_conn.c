/* Plain connections: moving bytes, half-close, deadlines, freeing in callbacks.
 */
#include "common/conn.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/clock.h"

/* What has happened to one conn, in order, one letter each: Connected,
 * Readable, Drained, Ended, Failed. */
struct seen {
	char log[64];
	size_t n;
	enum conn_failure why;
	char free_at;  /* free the conn in this callback */
	char close_at; /* conn_close_lingering in this callback */
	bool eat;      /* take all input when readable */
	size_t got;
	bool gone;
	bool closed; /* conn_close_lingering is through */
};

static struct event_base *base;
static const struct conn_ops ops;

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
}

static void
teardown(void)
{
	event_base_free(base);
}

static void
closed(void *arg)
{
	struct seen *s = arg;

	ck_assert(s->gone && !s->closed);
	s->closed = true;
}

static void
note(struct conn *c, struct seen *s, char what)
{
	ck_assert(!s->gone);
	if (s->n == 0 || s->log[s->n - 1] != what)
		if (s->n < sizeof(s->log) - 1)
			s->log[s->n++] = what;
	if (s->eat && what == 'R') {
		size_t n = evbuffer_get_length(conn_input(c));
		s->got += n;
		evbuffer_drain(conn_input(c), n);
	}
	if (s->free_at == what || s->close_at == what) {
		s->gone = true;
		if (s->free_at == what) {
			conn_free(c);
		} else {
			conn_at_free(c, closed, s);
			conn_close_lingering(c);
		}
	}
}

static void
connected(struct conn *c, void *arg)
{
	note(c, arg, 'C');
}

static void
readable(struct conn *c, void *arg)
{
	note(c, arg, 'R');
}

static void
drained(struct conn *c, void *arg)
{
	note(c, arg, 'D');
}

static void
ended(struct conn *c, void *arg)
{
	note(c, arg, 'E');
}

static void
failed(struct conn *c, enum conn_failure why, void *arg)
{
	((struct seen *)arg)->why = why;
	note(c, arg, 'F');
}

static const struct conn_ops ops = { connected, readable, drained, ended,
	failed };

static void
stop_loop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* Runs the loop for ms; returns how often it woke up. */
static unsigned
run_for(int ms)
{
	bool over = false;
	unsigned rounds = 0;
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };
	event_base_once(base, -1, EV_TIMEOUT, stop_loop, &over, &tv);
	while (!over) {
		event_base_loop(base, EVLOOP_ONCE);
		rounds++;
	}
	return rounds;
}

static void
run_until(const struct seen *s, char what, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (strchr(s->log, what) == NULL && clock_mono_ms() < end)
		run_for(2);
	ck_assert_msg(
	    strchr(s->log, what) != NULL, "no %c in %s", what, s->log);
}

static int
pair(struct conn **c, struct seen *s)
{
	int fds[2];
	ck_assert(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	*c = conn_accepted(base, fds[0], &ops, s);
	return fds[1];
}

START_TEST(test_bytes_both_ways)
{
	struct seen s = { .n = 0 };
	struct conn *c;
	int fd = pair(&c, &s);
	char got[16];

	ck_assert(write(fd, "hello", 5) == 5);
	ck_assert_str_eq(s.log, "");
	run_until(&s, 'R', 1000);
	ck_assert(evbuffer_remove(conn_input(c), got, 16) == 5);
	ck_assert(memcmp(got, "hello", 5) == 0);
	evbuffer_add(conn_output(c), "world", 5);
	run_until(&s, 'D', 1000);
	ck_assert(read(fd, got, 16) == 5);
	ck_assert(memcmp(got, "world", 5) == 0);
	ck_assert_str_eq(conn_peer(c), "");
	conn_free(c);
	close(fd);
}
END_TEST

START_TEST(test_half_close)
{
	struct seen s = { .n = 0 };
	struct conn *c;
	int fd = pair(&c, &s);
	char got[16];

	ck_assert(write(fd, "x", 1) == 1);
	shutdown(fd, SHUT_WR);
	run_until(&s, 'E', 1000);
	ck_assert_str_eq(s.log, "RE");
	evbuffer_add(conn_output(c), "answer", 6);
	conn_finish(c);
	ck_assert(run_for(50) < 12);
	ck_assert(read(fd, got, 16) == 6);
	ck_assert(read(fd, got, 16) == 0);
	conn_free(c);
	close(fd);
}
END_TEST

START_TEST(test_input_watermark)
{
	struct seen s = { .n = 0 };
	struct conn *c;
	int fd = pair(&c, &s);
	static char block[300000];
	size_t sent = 0;

	conn_watermarks(c, 10000, 0);
	for (int i = 0; i < 20; i++) {
		ssize_t n = write(fd, block, sizeof(block));
		sent += n > 0 ? (size_t)n : 0;
		run_for(2);
	}
	size_t held = evbuffer_get_length(conn_input(c));
	ck_assert_uint_ge(held, 10000);
	ck_assert_uint_lt(held, 10000 + 65536);
	ck_assert_uint_gt(sent, held);
	s.eat = true;
	s.got = held;
	evbuffer_drain(conn_input(c), held);
	run_for(50);
	ck_assert_uint_eq(s.got, sent);
	conn_free(c);
	close(fd);
}
END_TEST

START_TEST(test_pause)
{
	struct seen s = { .n = 0 };
	struct conn *c;
	int fd = pair(&c, &s);

	conn_read_pause(c);
	ck_assert(write(fd, "x", 1) == 1);
	ck_assert(run_for(30) < 8);
	ck_assert_str_eq(s.log, "");
	conn_read_resume(c);
	run_until(&s, 'R', 1000);
	conn_free(c);
	close(fd);
}
END_TEST

START_TEST(test_much_output)
{
	struct seen s = { .n = 0 };
	struct conn *c;
	int fd = pair(&c, &s);
	size_t size = 8 * 1024 * 1024, got = 0;
	char *block = calloc(1, size);
	static char sink[65536];

	evbuffer_add(conn_output(c), block, size);
	free(block);
	conn_finish(c);
	for (int i = 0; i < 5000; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		ssize_t n = read(fd, sink, sizeof(sink));
		if (n == 0)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	ck_assert_uint_eq(got, size);
	ck_assert_str_eq(s.log, "D");
	conn_free(c);
	close(fd);
}
END_TEST

static void
time_deadline(struct conn *c)
{
	conn_deadline(c, 20000);
	conn_deadline(c, 60);
}

static void
time_rate(struct conn *c)
{
	conn_min_rate(c, 100, 60);
}

static void
time_stall(struct conn *c)
{
	static char block[1000000];
	conn_write_stall(c, 60);
	evbuffer_add(conn_output(c), block, sizeof(block));
}

static void
time_off(struct conn *c)
{
	time_deadline(c);
	conn_deadline(c, 0);
	time_rate(c);
	conn_min_rate(c, 0, 0);
}

static void
time_paused_rate(struct conn *c)
{
	conn_read_pause(c);
	time_rate(c);
}

static void
time_idle_stall(struct conn *c)
{
	conn_write_stall(c, 60);
}

static const struct {
	const char *name;
	void (*arrange)(struct conn *c);
	int expected; /* enum conn_failure, -1: none */
} times[] = {
	{ "deadline", time_deadline, CONN_DEADLINE },
	{ "minimum rate", time_rate, CONN_SLOW },
	{ "stalled output", time_stall, CONN_STALLED },
	{ "taken away", time_off, -1 },
	{ "we do not read", time_paused_rate, -1 },
	{ "nothing to write", time_idle_stall, -1 },
};

START_TEST(test_times)
{
	struct seen s = { .n = 0 };
	struct conn *c;
	int fd = pair(&c, &s);

	times[_i].arrange(c);
	ck_assert(write(fd, "x", 1) == 1);
	unsigned rounds = run_for(250);
	ck_assert_msg(rounds < 20, "%s: %u wake-ups", times[_i].name, rounds);
	if (times[_i].expected < 0) {
		ck_assert_msg(strchr(s.log, 'F') == NULL, "%s: %s",
		    times[_i].name, s.log);
	} else {
		ck_assert_msg(strchr(s.log, 'F') != NULL, "%s: %s",
		    times[_i].name, s.log);
		ck_assert_int_eq((int)s.why, times[_i].expected);
	}
	conn_free(c);
	close(fd);
}
END_TEST

START_TEST(test_free_in_callback)
{
	const char *at = "RDEF";
	struct seen s = { .free_at = at[_i] };
	struct conn *c;
	int fd = pair(&c, &s);

	if (at[_i] == 'F')
		conn_deadline(c, 20);
	else
		ck_assert(write(fd, "x", 1) == 1);
	if (at[_i] == 'D')
		evbuffer_add(conn_output(c), "x", 1);
	if (at[_i] == 'E')
		shutdown(fd, SHUT_WR);
	run_until(&s, at[_i], 1000);
	run_for(30);
	char got[4];
	while (read(fd, got, 1) > 0)
		;
	ck_assert(read(fd, got, 1) <= 0 && errno != EAGAIN);
	close(fd);
}
END_TEST

START_TEST(test_close_lingering)
{
	struct seen s = { .close_at = 'R' };
	struct conn *c;
	int fd = pair(&c, &s);
	char got[8];

	evbuffer_add(conn_output(c), "bye", 3);
	ck_assert(write(fd, "x", 1) == 1);
	run_until(&s, 'R', 1000);
	run_for(30);
	ck_assert(read(fd, got, 8) == 3);
	ck_assert(read(fd, got, 8) == 0);
	/* Still there, and it takes what comes: no reset. */
	ck_assert(write(fd, "late", 4) == 4);
	run_for(30);
	ck_assert(write(fd, "late", 4) == 4);
	int64_t from = clock_mono_ms();
	if (_i == 0) {
		ck_assert(!s.closed);
		close(fd);
		run_for(30);
		ck_assert(s.closed);
		return;
	}
	while (write(fd, "z", 1) == 1 && clock_mono_ms() - from < 5000)
		run_for(50);
	ck_assert(s.closed);
	ck_assert(clock_mono_ms() - from > 1500);
	ck_assert(clock_mono_ms() - from < 3500);
	close(fd);
}
END_TEST

static int
listener(struct sockaddr_in *at, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*at);
	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert(bind(fd, (struct sockaddr *)at, sizeof(*at)) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)at, &len) == 0);
	if (backlog >= 0)
		ck_assert(listen(fd, backlog) == 0);
	return fd;
}

START_TEST(test_connect)
{
	struct sockaddr_in at;
	int l = listener(&at, 5);
	struct seen s = { .n = 0 };
	struct conn *c = conn_connect(
	    base, (struct sockaddr *)&at, sizeof(at), 1000, &ops, &s);

	evbuffer_add(conn_output(c), "early", 5);
	ck_assert_str_eq(s.log, "");
	run_until(&s, 'D', 1000);
	ck_assert_str_eq(s.log, "CD");
	ck_assert_str_eq(conn_peer(c), "127.0.0.1");
	ck_assert_uint_eq(conn_peer_port(c), ntohs(at.sin_port));
	int fd = accept(l, NULL, NULL);
	char got[8];
	ck_assert(read(fd, got, 8) == 5);
	struct linger hard = { 1, 0 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	run_until(&s, 'F', 1000);
	ck_assert_int_eq((int)s.why, CONN_RESET);
	conn_free(c);
	close(l);
}
END_TEST

START_TEST(test_connect_refused)
{
	struct sockaddr_in at;
	int l = listener(&at, -1);
	char path[200];
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	struct seen s = { .n = 0 };
	struct conn *c = NULL;

	switch (_i) {
	case 0:
		c = conn_connect(
		    base, (struct sockaddr *)&at, sizeof(at), 1000, &ops, &s);
		break;
	case 1:
		c = conn_connect_unix(base, "/nonexistent/x", 1000, &ops, &s);
		break;
	case 2:
		c = conn_connect_unix(base, path, 1000, &ops, &s);
		break;
	}
	ck_assert_str_eq(s.log, "");
	run_until(&s, 'F', 1000);
	ck_assert_str_eq(s.log, "F");
	ck_assert_int_eq((int)s.why, CONN_REFUSED);
	run_for(20);
	conn_free(c);
	close(l);
}
END_TEST

/* A Unix listener whose backlog is full: the connect waits its turn. */
START_TEST(test_connect_unix_backlog)
{
	char path[64];
	snprintf(path, sizeof(path), "./conn-%d.sock", (int)getpid());
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	memcpy(at.sun_path, path, strlen(path) + 1);
	int l = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(bind(l, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert(listen(l, 0) == 0);
	struct seen a = { .n = 0 }, b = { .n = 0 }, d = { .n = 0 };
	struct conn *first = conn_connect_unix(base, path, 1000, &ops, &a);
	run_until(&a, 'C', 1000);
	struct conn *second = conn_connect_unix(base, path, 5000, &ops, &b);
	struct conn *third = conn_connect_unix(base, path, 60, &ops, &d);
	run_until(&d, 'F', 1000);
	ck_assert_int_eq((int)d.why, CONN_REFUSED);
	ck_assert_str_eq(b.log, "");
	close(accept(l, NULL, NULL));
	run_until(&b, 'C', 1000);
	conn_free(first);
	conn_free(second);
	conn_free(third);
	close(l);
	unlink(path);
}
END_TEST

START_TEST(test_v4_mapped)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(at);
	int l = socket(AF_INET6, SOCK_STREAM, 0);
	if (l < 0 || bind(l, (struct sockaddr *)&at, sizeof(at)) != 0)
		return;
	ck_assert(listen(l, 5) == 0);
	getsockname(l, (struct sockaddr *)&at, &len);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = at.sin6_port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	struct seen s = { .n = 0 };
	int in = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	struct conn *c = conn_accepted(base, in, &ops, &s);
	ck_assert_str_eq(conn_peer(c), "127.0.0.1");
	ck_assert_int_eq(conn_peer_address(c)->sa_family, AF_INET);
	conn_free(c);
	close(fd);
	close(l);
}
END_TEST

/* Peers that trickle must not make us hold 64 KB each. */
START_TEST(test_trickle_memory)
{
	enum { N = 500 };
	struct seen s = { .n = 0 };
	struct conn *c[N];
	int fd[N];
	struct rusage before, after;

	for (int i = 0; i < N; i++)
		fd[i] = pair(&c[i], &s);
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < N; i++)
		ck_assert(write(fd[i], "GET /", 5) == 5);
	run_for(100);
	getrusage(RUSAGE_SELF, &after);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, N * 8);
	for (int i = 0; i < N; i++) {
		conn_free(c[i]);
		close(fd[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conn");
	TCase *t = tcase_create("plain");
	int n_times = (int)(sizeof(times) / sizeof(times[0]));

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_bytes_both_ways);
	tcase_add_test(t, test_half_close);
	tcase_add_test(t, test_input_watermark);
	tcase_add_test(t, test_pause);
	tcase_add_test(t, test_much_output);
	tcase_add_loop_test(t, test_times, 0, n_times);
	tcase_add_loop_test(t, test_free_in_callback, 0, 4);
	tcase_add_loop_test(t, test_close_lingering, 0, 2);
	tcase_add_test(t, test_connect);
	tcase_add_loop_test(t, test_connect_refused, 0, 3);
	tcase_add_test(t, test_connect_unix_backlog);
	tcase_add_test(t, test_v4_mapped);
	tcase_add_test(t, test_trickle_memory);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
