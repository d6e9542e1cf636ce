/*
 * Channels over socket pairs: two well-behaved ends, and one end against a peer
 * that says what the table forbids, with and without descriptors.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "tests/unit/unit.h"

static struct event_base *base;
static struct chan *server, *client;
static int raw = -1; /* the other end of server */
static unsigned n_handled, n_ready, n_closed, n_done;
static int last_err, last_type;
static uint64_t held_id;
static bool hold, refuse, free_in_handler, free_in_done, request_again;

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void
spin(uint32_t ms)
{
	struct timeval in = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	(void)event_base_loopexit(base, &in);
	(void)event_base_dispatch(base);
}

static int
answer(struct chan *ch, uint64_t id)
{
	uint8_t buffer[64];
	struct wire_writer w;

	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_u8(&w, VERDICT_ALLOW);
	wire_put_text(&w, "alice");
	wire_put_u64(&w, 7);
	return chan_reply(ch, id, MSG_SESSION_RESULT, &w, -1);
}

static int
handle_session(struct chan *ch, struct chan_in *in)
{
	n_handled++;
	(void)wire_get_text(&in->body, MSG_COOKIE_MAX);
	(void)wire_get_text(&in->body, MSG_TOKEN_MAX);
	if (wire_end(&in->body) != 0)
		return ERR_FORMAT;
	if (refuse)
		return ERR_DENIED;
	if (free_in_handler) {
		server = NULL;
		chan_free(ch);
		return 0;
	}
	held_id = in->id;
	if (!hold)
		(void)answer(ch, in->id);
	return 0;
}

static int
handle_logout(struct chan *ch, struct chan_in *in)
{
	(void)ch;
	(void)in;
	n_handled++;
	return 0;
}

static void
on_ready(struct chan *ch)
{
	(void)ch;
	n_ready++;
}

static void
on_closed(struct chan *ch)
{
	n_closed++;
	if (ch == server)
		server = NULL;
	if (ch == client)
		client = NULL;
}

static void
on_connecting_closed(struct chan *ch)
{
	(void)ch;
	n_closed++;
}

static const struct chan_handler from_frontend[] = {
	{ MSG_SESSION, CHAN_READY, handle_session },
	{ MSG_LOGOUT, 2, handle_logout },
};
static const struct chan_peer of_authd = { .self = ROLE_AUTHD,
	.peer = ROLE_FRONTEND,
	.handlers = from_frontend,
	.n_handlers = 2,
	.max_pending = 3,
	.ready = on_ready,
	.closed = on_closed };
static const struct chan_peer of_frontend = { .self = ROLE_FRONTEND,
	.peer = ROLE_AUTHD,
	.ready = on_ready,
	.closed = on_closed };
static const struct chan_peer of_connecting = { .self = ROLE_FRONTEND,
	.peer = ROLE_AUTHD,
	.ready = on_ready,
	.closed = on_connecting_closed };

static uint64_t ask(uint32_t timeout_ms);

static void
on_done(int err, struct chan_in *reply, void *arg)
{
	struct chan *ch = client;

	(void)arg;
	n_done++;
	last_err = err;
	last_type = reply != NULL ? (int)reply->type : -1;
	ck_assert_int_eq(err == 0, reply != NULL);
	if (request_again) {
		request_again = false;
		(void)ask(1000);
	}
	if (free_in_done) {
		client = NULL;
		chan_free(ch);
	}
}

static uint64_t
ask(uint32_t timeout_ms)
{
	uint8_t buffer[64];
	struct wire_writer w;

	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_text(&w, "cookie");
	wire_put_text(&w, "");
	return chan_request(
	    client, MSG_SESSION, &w, -1, timeout_ms, on_done, NULL);
}

static void
setup(void)
{
	(void)setenv("LOG_LEVEL", "fatal", 1);
	log_open("test");
	base = daemon_base();
}

static void
teardown(void)
{
	chan_free(server);
	chan_free(client);
	if (raw >= 0)
		(void)close(raw);
	event_base_free(base);
	ck_assert_uint_eq(chan_count(ROLE_FRONTEND), 0);
}

static void
start_pair(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	server = chan_accepted(base, pair[0], &of_authd, NULL);
	client = chan_accepted(base, pair[1], &of_frontend, NULL);
	spin(5);
	ck_assert(chan_is_ready(server) && chan_is_ready(client));
}

/* Sends header fields and len zero bytes with n_fds descriptors. */
static void
raw_send(unsigned magic, unsigned type, uint64_t id, size_t len, int n_fds,
    uint32_t first)
{
	static uint8_t buffer[70000];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct wire_writer w;
	int fds[8];

	memset(buffer, 0, sizeof(buffer));
	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_u16(&w, (uint16_t)magic);
	wire_put_u16(&w, (uint16_t)type);
	wire_put_u64(&w, id);
	wire_put_u32(&w, first);
	struct iovec iov = { buffer, MSG_HEADER_LEN + len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		size_t bytes = (size_t)n_fds * sizeof(int);
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(bytes);
		for (int i = 0; i < n_fds; i++)
			fds[i] = STDERR_FILENO;
		memcpy(CMSG_DATA(c), fds, bytes);
	}
	ck_assert_int_gt(sendmsg(raw, &m, MSG_NOSIGNAL), 0);
}

static void
start_raw(const struct chan_peer *peer, bool hello)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	raw = pair[1];
	server = chan_accepted(base, pair[0], peer, NULL);
	if (!hello)
		return;
	raw_send(MSG_MAGIC, MSG_HELLO, 0, 6, 0, MSG_PROTOCOL_VERSION);
	spin(5);
	ck_assert_uint_eq(n_ready, 1);
}

START_TEST(test_request)
{
	start_pair();
	uint64_t id = ask(1000);
	ck_assert_uint_gt(id, 0);
	ck_assert_uint_eq(n_done, 0); /* never inside the call */
	spin(10);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(last_err, 0);
	ck_assert_int_eq(last_type, MSG_SESSION_RESULT);
}
END_TEST

START_TEST(test_timeout)
{
	hold = true;
	start_pair();
	(void)ask(20);
	spin(60);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(last_err, ERR_TIMEOUT);
	/* the late answer is dropped, the channel lives */
	ck_assert_int_eq(answer(server, held_id), 0);
	hold = false;
	(void)ask(1000);
	spin(20);
	ck_assert_uint_eq(n_done, 2);
	ck_assert_int_eq(last_err, 0);
	ck_assert_uint_eq(n_closed, 0);
}
END_TEST

START_TEST(test_cancel)
{
	start_pair();
	chan_cancel(client, ask(1000));
	chan_cancel(client, 999);
	spin(20);
	ck_assert_uint_eq(n_handled, 1);
	ck_assert_uint_eq(n_done, 0);
	ck_assert_uint_eq(n_closed, 0);
	/* a second answer to it is one that nobody waits for */
	(void)answer(server, held_id);
	spin(20);
	ck_assert_uint_eq(n_closed, 2);
}
END_TEST

START_TEST(test_max_pending)
{
	hold = true;
	start_pair();
	for (int i = 0; i < 10; i++)
		(void)ask(5000);
	spin(20);
	ck_assert_uint_eq(n_handled, 3);
	hold = false;
	(void)answer(server, held_id);
	spin(20);
	ck_assert_uint_eq(n_handled, 10);
	ck_assert_uint_eq(n_done, 8);
	ck_assert_uint_eq(n_closed, 0);
}
END_TEST

START_TEST(test_too_many_requests)
{
	hold = true;
	start_pair();
	for (int i = 0; i < 4097; i++)
		(void)ask(60000);
	spin(20);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(last_err, ERR_LIMIT);
}
END_TEST

START_TEST(test_peer_gone)
{
	hold = true;
	start_pair();
	(void)ask(60000);
	spin(10);
	chan_free(server);
	server = NULL;
	spin(10);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(last_err, ERR_UNAVAILABLE);
	ck_assert_uint_eq(n_closed, 1);
}
END_TEST

START_TEST(test_free_in_callbacks)
{
	free_in_handler = _i == 0;
	free_in_done = _i != 0;
	hold = _i == 2;
	request_again = _i == 3;
	start_pair();
	(void)ask(_i == 2 ? 10 : 1000);
	spin(40);
	ck_assert_uint_eq(n_done, _i == 3 ? 2 : 1);
	ck_assert_ptr_null(client);
	ck_assert_ptr_null(server);
}
END_TEST

START_TEST(test_handler_refuses)
{
	refuse = true;
	start_pair();
	(void)ask(1000);
	spin(20);
	ck_assert_int_eq(last_err, ERR_UNAVAILABLE);
	ck_assert_uint_eq(n_closed, 2);
}
END_TEST

START_TEST(test_wrong_own_messages)
{
	uint8_t buffer[8];
	struct wire_writer w;

	start_pair();
	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_u64(&w, 1);
	wire_put_u64(&w, 1); /* does not fit */
	(void)chan_request(client, MSG_SESSION, &w, -1, 1000, on_done, NULL);
	(void)chan_request(client, MSG_SESSION, NULL, -1, 1000, on_done, NULL);
	ck_assert_uint_eq(n_done, 0);
	spin(10);
	ck_assert_uint_eq(n_done, 2);
	ck_assert_int_eq(last_err, ERR_PROTOCOL);
	ck_assert_int_eq(
	    chan_push(client, MSG_REVOKE_ACK, NULL, -1), ERR_PROTOCOL);
	ck_assert_uint_eq(n_closed, 0);
}
END_TEST

#define ANY MSG_MAGIC
static const struct {
	const char *name;
	unsigned magic, type;
	uint64_t id;
	size_t len;
	int n_fds;
	uint32_t first; /* first four bytes of the payload */
	bool hello;
} violations[] = {
	{ "bad magic", 1, MSG_SESSION, 1, 8, 0, 0, true },
	{ "unknown type", ANY, MSG_COUNT, 1, 8, 0, 0, true },
	{ "type none", ANY, MSG_NONE, 1, 8, 0, 0, true },
	{ "wrong direction", ANY, MSG_SESSION_RESULT, 1, 11, 0, 0, true },
	{ "another role's", ANY, MSG_LEASE, 1, 20, 0, 0, true },
	{ "too short", ANY, MSG_SESSION, 1, 4, 0, 0, true },
	{ "too long", ANY, MSG_SESSION, 1, 16517, 0, 0, true },
	{ "oversize", ANY, MSG_SESSION, 1, 65001, 0, 0, true },
	{ "garbled payload", ANY, MSG_SESSION, 1, 8, 0, 0, true },
	{ "1 descriptor", ANY, MSG_SESSION, 1, 8, 1, 0x00026161, true },
	{ "2 descriptors", ANY, MSG_SESSION, 1, 6, 2, 0x00026161, true },
	{ "5 descriptors", ANY, MSG_SESSION, 1, 6, 5, 0x00026161, true },
	{ "8 descriptors", ANY, MSG_SESSION, 1, 6, 8, 0x00026161, true },
	{ "oversize with one", ANY, MSG_SESSION, 1, 65001, 1, 0, true },
	{ "request without id", ANY, MSG_SESSION, 0, 6, 0, 0x00026161, true },
	{ "wrong state", ANY, MSG_LOGOUT, 1, 7, 0, 0, true },
	{ "no handler", ANY, MSG_SCREEN_KEYS, 1, 0, 0, 0, true },
	{ "HELLO twice", ANY, MSG_HELLO, 0, 6, 0, 1, true },
	{ "no HELLO", ANY, MSG_SESSION, 1, 6, 0, 0x00026161, false },
	{ "HELLO of another version", ANY, MSG_HELLO, 0, 6, 0, 2, false },
	{ "HELLO with an id", ANY, MSG_HELLO, 1, 6, 0, 1, false },
	{ "HELLO with leftovers", ANY, MSG_HELLO, 0, 9, 0, 1, false },
	{ "HELLO with a descriptor", ANY, MSG_HELLO, 0, 6, 1, 1, false },
};

START_TEST(test_violations)
{
	int before = count_fds();

	start_raw(&of_authd, violations[_i].hello);
	unsigned ready = n_ready;
	raw_send(violations[_i].magic, violations[_i].type, violations[_i].id,
	    violations[_i].len, violations[_i].n_fds, violations[_i].first);
	spin(10);
	ck_assert_msg(n_closed == 1, "%s: not closed", violations[_i].name);
	ck_assert_uint_eq(n_ready, ready);
	/* handlers see only what passes the checks before them */
	ck_assert_uint_eq(
	    n_handled, strcmp(violations[_i].name, "garbled payload") == 0);
	(void)close(raw);
	raw = -1;
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(test_good_raw)
{
	start_raw(&of_authd, true);
	raw_send(MSG_MAGIC, MSG_SESSION, 5, 6, 0, 0x00026161);
	spin(10);
	ck_assert_uint_eq(n_handled, 1);
	ck_assert_uint_eq(n_closed, 0);
}
END_TEST

/* Against the requesting side: answers that fit no question. */
START_TEST(test_bad_replies)
{
	start_raw(&of_frontend, true);
	client = server;
	server = NULL;
	uint64_t id = ask(60000);
	if (_i == 0)
		raw_send(MSG_MAGIC, MSG_SESSION_RESULT, id + 1, 11, 0, 0);
	else if (_i == 1)
		raw_send(MSG_MAGIC, MSG_LOGOUT_RESULT, id, 3, 0, 0);
	else if (_i == 2)
		raw_send(MSG_MAGIC, MSG_SESSION_RESULT, 0, 11, 0, 0);
	else
		raw_send(MSG_MAGIC, MSG_SESSION_RESULT, id, 11, 1, 0);
	spin(10);
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(last_err, ERR_UNAVAILABLE);
}
END_TEST

/* Descriptors are passed whole, and one that nobody keeps is closed. */
static const struct chan_peer of_secretd = { .self = ROLE_SECRETD,
	.peer = ROLE_SIGNER,
	.ready = on_ready,
	.closed = on_closed };
static int kept_fd = -1;
static bool keep;

static int
handle_attach(struct chan *ch, struct chan_in *in)
{
	(void)ch;
	n_handled++;
	ck_assert_int_ge(in->fd, 0);
	ck_assert_int_ne(fcntl(in->fd, F_GETFD) & FD_CLOEXEC, 0);
	if (keep) {
		kept_fd = in->fd;
		in->fd = -1;
	}
	return 0;
}

static const struct chan_handler from_secretd[] = {
	{ MSG_SIGNER_ATTACH, CHAN_READY, handle_attach },
};
static const struct chan_peer of_signer = { .self = ROLE_SIGNER,
	.peer = ROLE_SECRETD,
	.handlers = from_secretd,
	.n_handlers = 1,
	.ready = on_ready,
	.closed = on_closed };

START_TEST(test_descriptor)
{
	uint8_t payload[4];
	struct wire_writer w;
	int pair[2];

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u32(&w, 0);
	keep = _i == 1;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	server = chan_accepted(base, pair[0], &of_signer, NULL);
	client = chan_accepted(base, pair[1], &of_secretd, NULL);
	spin(5);
	int before = count_fds();
	ck_assert_int_eq(
	    chan_push(client, MSG_SIGNER_ATTACH, &w, STDIN_FILENO), 0);
	ck_assert_int_eq(
	    chan_push(client, MSG_SIGNER_ATTACH, &w, -1), ERR_PROTOCOL);
	spin(10);
	ck_assert_uint_eq(n_handled, 1);
	ck_assert_int_eq(count_fds(), before + (keep ? 1 : 0));
	if (keep)
		(void)close(kept_fd);
}
END_TEST

/* The largest datagram, many of them, against a peer that does not read at
 * first; then so many that the queue's limit closes the channel. */
START_TEST(test_queue)
{
	static uint8_t payload[MSG_PAYLOAD_MAX], received[70000];
	struct wire_writer w = { payload, sizeof(payload), sizeof(payload), 0 };
	int n = _i == 0 ? 40 : 80, got = 0;

	start_raw(&of_secretd, true);
	client = server;
	server = NULL;
	for (int i = 0; i < n; i++)
		(void)chan_request(
		    client, MSG_SIGNER_LOAD, &w, -1, 60000, on_done, NULL);
	spin(10);
	ck_assert_uint_eq(n_closed, _i == 0 ? 0 : 1);
	if (_i != 0)
		return;
	for (int round = 0; round < 100; round++) {
		ssize_t len;
		while ((len = recv(
			    raw, received, sizeof(received), MSG_DONTWAIT)) > 0)
			got += len == MSG_HEADER_LEN + MSG_PAYLOAD_MAX;
		spin(2);
	}
	ck_assert_int_eq(got, n);
}
END_TEST

static char socket_path[64];

static int
listen_here(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", socket_path);
	(void)unlink(socket_path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

static void
accept_here(int listener)
{
	int fd = -1;

	for (int i = 0; i < 200 && fd < 0; i++) {
		spin(10);
		fd = accept(listener, NULL, NULL);
	}
	ck_assert_int_ge(fd, 0);
	server = chan_accepted(base, fd, &of_authd, NULL);
	spin(10);
}

START_TEST(test_reconnect)
{
	(void)snprintf(socket_path, sizeof(socket_path),
	    "/tmp/doorward-test-chan.%d", (int)getpid());
	client = chan_connect(base, socket_path, &of_connecting, NULL);
	(void)ask(30);
	(void)ask(5000); /* waits for the connection */
	spin(120);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_int_eq(last_err, ERR_TIMEOUT);

	int listener = listen_here();
	accept_here(listener);
	ck_assert_uint_eq(n_done, 2);
	ck_assert_int_eq(last_err, 0);
	ck_assert_uint_eq(n_handled, 1); /* the first was never sent */

	hold = true;
	(void)ask(5000);
	spin(10);
	chan_free(server);
	spin(10);
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_uint_eq(n_done, 3);
	ck_assert_int_eq(last_err, ERR_UNAVAILABLE);
	hold = false;
	(void)ask(5000);
	accept_here(listener);
	ck_assert_uint_eq(n_done, 4);
	ck_assert_int_eq(last_err, 0);
	(void)close(listener);
	(void)unlink(socket_path);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("chan");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, test_request);
	tcase_add_test(t, test_timeout);
	tcase_add_test(t, test_cancel);
	tcase_add_test(t, test_max_pending);
	tcase_add_test(t, test_too_many_requests);
	tcase_add_test(t, test_peer_gone);
	tcase_add_loop_test(t, test_free_in_callbacks, 0, 4);
	tcase_add_test(t, test_handler_refuses);
	tcase_add_test(t, test_wrong_own_messages);
	tcase_add_loop_test(t, test_violations, 0, N_ROWS(violations));
	tcase_add_test(t, test_good_raw);
	tcase_add_loop_test(t, test_bad_replies, 0, 4);
	tcase_add_loop_test(t, test_descriptor, 0, 2);
	tcase_add_loop_test(t, test_queue, 0, 2);
	tcase_add_test(t, test_reconnect);
	return unit_run("chan", t);
}
