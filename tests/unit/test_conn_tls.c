/* TLS connections, client and server in one loop. */
#include "common/conn.h"

#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/clock.h"
#include "tests/unit/tls_fixture.h"

#define BULK (3 * 1024 * 1024 + 17)

struct end {
	struct conn *c;
	char log[16]; /* Connected, Ended, Failed */
	enum conn_failure why;
	char error[160];
	bool connected, ended, over, all;
	size_t got;
	bool wrong;
};

static struct event_base *base;
static struct tls_fixture cert, other;
static struct end server, client;
static int listener;
static struct sockaddr_in at;
static SSL_CTX *server_ctx, *client_ctx;

static void
note(struct end *e, char what)
{
	size_t n = strlen(e->log);
	ck_assert(n + 1 < sizeof(e->log));
	e->log[n] = what;
}

static void
connected(struct conn *c, void *arg)
{
	struct end *e = arg;
	(void)c;
	note(e, 'C');
	e->connected = true;
}

static void
readable(struct conn *c, void *arg)
{
	struct end *e = arg;
	struct evbuffer *in = conn_input(c);
	unsigned char block[4096];
	int n;
	while ((n = evbuffer_remove(in, block, sizeof(block))) > 0)
		for (int i = 0; i < n; i++, e->got++)
			e->wrong |= block[i] != (unsigned char)(e->got * 7);
	e->all = e->got >= BULK;
}

static void
ended(struct conn *c, void *arg)
{
	struct end *e = arg;
	(void)c;
	note(e, 'E');
	e->ended = true;
}

static void
failed(struct conn *c, enum conn_failure why, void *arg)
{
	struct end *e = arg;
	note(e, 'F');
	e->why = why;
	e->over = true;
	strncpy(e->error, conn_tls_error(c), sizeof(e->error) - 1);
}

static const struct conn_ops ops = { connected, readable, NULL, ended, failed };

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	int in = accept4((int)fd, NULL, NULL, SOCK_NONBLOCK);
	(void)what;
	(void)arg;
	server.c = conn_accepted(base, in, &ops, &server);
	conn_tls_server(server.c, server_ctx, 300);
}

static struct event *accepting;

static void
setup(void)
{
	socklen_t len = sizeof(at);
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	tls_fixture_make(&cert, "P-256");
	tls_fixture_make(&other, "P-256");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert(listen(listener, 8) == 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	accepting = event_new(base, listener, EV_READ, on_accept, NULL);
	event_add(accepting, NULL);
	server = client = (struct end){ .c = NULL };
}

static void
teardown(void)
{
	conn_free(server.c);
	conn_free(client.c);
	event_free(accepting);
	event_base_free(base);
	close(listener);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	tls_fixture_drop(&cert);
	tls_fixture_drop(&other);
}

static void
start(int version, const struct tls_fixture *trusted, const char *host)
{
	server_ctx = tls_fixture_server(&cert, version);
	client_ctx = tls_fixture_client(trusted, version);
	client.c = conn_connect(
	    base, (struct sockaddr *)&at, sizeof(at), 2000, &ops, &client);
	if (host != NULL)
		conn_tls_client(client.c, client_ctx, host);
}

static void
open_both(int version)
{
	start(version, &cert, "localhost");
	ck_assert(tls_fixture_run(base, &client.connected, 2000));
	ck_assert(tls_fixture_run(base, &server.connected, 2000));
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void
add_bulk(struct conn *c)
{
	unsigned char *block = malloc(BULK);
	for (size_t i = 0; i < BULK; i++)
		block[i] = (unsigned char)(i * 7);
	/* Pieces of many sizes, so that records join and split them. */
	size_t done = 0, piece = 1;
	while (done < BULK) {
		size_t n = BULK - done < piece ? BULK - done : piece;
		evbuffer_add(conn_output(c), block + done, n);
		done += n;
		piece = piece * 3 % 70001 + 1;
	}
	free(block);
}

START_TEST(test_bulk)
{
	open_both(versions[_i]);
	add_bulk(client.c);
	add_bulk(server.c);
	ck_assert(tls_fixture_run(base, &client.all, 10000));
	ck_assert(tls_fixture_run(base, &server.all, 10000));
	ck_assert_uint_eq(client.got, BULK);
	ck_assert_uint_eq(server.got, BULK);
	ck_assert(!client.wrong && !server.wrong);
}
END_TEST

START_TEST(test_half_close)
{
	open_both(versions[_i]);
	conn_finish(client.c);
	ck_assert(tls_fixture_run(base, &server.ended, 2000));
	add_bulk(server.c);
	ck_assert(tls_fixture_run(base, &client.all, 10000));
	conn_finish(server.c);
	ck_assert(tls_fixture_run(base, &client.ended, 2000));
	ck_assert(!client.wrong);
	ck_assert_str_eq(client.log, "CE");
	ck_assert_str_eq(server.log, "CE");
}
END_TEST

START_TEST(test_truncation_is_a_failure)
{
	open_both(versions[_i]);
	shutdown(conn_fd(client.c), SHUT_WR);
	ck_assert(tls_fixture_run(base, &server.over, 2000));
	ck_assert_str_eq(server.log, "CF");
	ck_assert_int_eq((int)server.why, CONN_RESET);
}
END_TEST

START_TEST(test_garbage_record)
{
	open_both(versions[_i]);
	ck_assert(write(conn_fd(client.c), "GET / HTTP/1.1\r\n\r\n", 18) == 18);
	ck_assert(tls_fixture_run(base, &server.over, 2000));
	ck_assert_int_eq((int)server.why, CONN_TLS);
	ck_assert_str_ne(server.error, "");
}
END_TEST

START_TEST(test_lingering_close)
{
	open_both(versions[_i]);
	add_bulk(server.c);
	conn_close_lingering(server.c);
	server.c = NULL;
	ck_assert(tls_fixture_run(base, &client.ended, 10000));
	ck_assert(client.all && !client.wrong);
	bool never = false;
	conn_free(client.c);
	client.c = NULL;
	tls_fixture_run(base, &never, 50);
}
END_TEST

static const struct {
	const char *host;
	bool trusted, good;
} hosts[] = {
	{ "localhost", true, true },
	{ "127.0.0.1", true, true },
	{ "localhost", false, false },
	{ "example.org", true, false },
	{ "127.0.0.2", true, false },
	{ "::1", true, false },
	{ "", true, false },
};

START_TEST(test_host_is_verified)
{
	start(
	    TLS1_3_VERSION, hosts[_i].trusted ? &cert : &other, hosts[_i].host);
	bool *wanted = hosts[_i].good ? &client.connected : &client.over;
	ck_assert_msg(tls_fixture_run(base, wanted, 2000), "%s: %s",
	    hosts[_i].host, client.log);
	ck_assert_str_eq(client.log, hosts[_i].good ? "C" : "F");
	if (!hosts[_i].good) {
		ck_assert_int_eq((int)client.why, CONN_TLS);
		ck_assert_str_ne(client.error, "");
	}
}
END_TEST

START_TEST(test_handshake_times_out)
{
	start(TLS1_3_VERSION, &cert, NULL);
	int64_t from = clock_mono_ms();
	ck_assert(tls_fixture_run(base, &server.over, 2000));
	ck_assert_str_eq(server.log, "F");
	ck_assert_int_eq((int)server.why, CONN_TLS);
	ck_assert_str_eq(server.error, "handshake timed out");
	ck_assert_int_lt(clock_mono_ms() - from, 1000);
}
END_TEST

START_TEST(test_client_leaves_handshake)
{
	start(TLS1_3_VERSION, &cert, NULL);
	ck_assert(tls_fixture_run(base, &client.connected, 2000));
	if (_i == 1)
		evbuffer_add(conn_output(client.c), "\x16\x03\x01", 3);
	conn_finish(client.c);
	ck_assert(tls_fixture_run(base, &server.over, 200));
	ck_assert_int_eq((int)server.why, CONN_RESET);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conn_tls");
	TCase *t = tcase_create("tls");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_bulk, 0, 2);
	tcase_add_loop_test(t, test_half_close, 0, 2);
	tcase_add_loop_test(t, test_truncation_is_a_failure, 0, 2);
	tcase_add_loop_test(t, test_garbage_record, 0, 2);
	tcase_add_loop_test(t, test_lingering_close, 0, 2);
	tcase_add_loop_test(t, test_host_is_verified, 0,
	    (int)(sizeof(hosts) / sizeof(hosts[0])));
	tcase_add_test(t, test_handshake_times_out);
	tcase_add_loop_test(t, test_client_leaves_handshake, 0, 2);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
