/*
 * A worker in this process for the tests of own endpoints: a client on a TCP
 * connection from 127.0.0.1, and an authd that gives prepared answers and keeps
 * what it was asked.
 */
#ifndef TESTS_UNIT_OWN_FIXTURE_H
#define TESTS_UNIT_OWN_FIXTURE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/daemon.h"
#include "common/mem.h"
#include "common/ticket.h"
#include "frontend/client.h"
#include "frontend/limits.h"
#include "frontend/listener.h"
#include "frontend/pool.h"
#include "frontend/stats.h"
#include "tests/unit/frontend_fixture.h"

static struct worker w;
static struct settings *settings;

/* --- authd --- */

static struct {
	enum msg_type type; /* of the last question; MSG_NONE: none */
	char text[5][8193]; /* its texts */
	uint8_t answer[32768];
	struct wire_writer w; /* fills answer */
} authd;

static inline int
take(struct chan *ch, struct chan_in *in)
{
	size_t i = 0;

	authd.type = in->type;
	memset(authd.text, 0, sizeof(authd.text));
	while (in->body.left > 0 && i < 5) {
		struct slice text = wire_get_text(&in->body, 8192);

		ck_assert_int_eq(
		    slice_copy(text, authd.text[i], sizeof(authd.text[i])), 0);
		i++;
	}
	return chan_reply(ch, in->id, msg_spec(in->type)->reply, &authd.w, -1);
}

static const struct chan_handler rows[] = {
	{ MSG_OIDC_START, CHAN_READY, take },
	{ MSG_OIDC_CALLBACK, CHAN_READY, take },
	{ MSG_OIDC_BACKCHANNEL, CHAN_READY, take },
	{ MSG_OIDC_FRONTCHANNEL, CHAN_READY, take },
	{ MSG_LOGOUT, CHAN_READY, take },
	{ MSG_LOGOUT_EVERYWHERE, CHAN_READY, take },
	{ MSG_SESSION, CHAN_READY, take },
	{ MSG_LOGIN_TOKEN, CHAN_READY, take },
};
static const struct chan_peer as_authd = { .self = ROLE_AUTHD,
	.peer = ROLE_FRONTEND,
	.handlers = rows,
	.n_handlers = COUNT(rows) };
static const struct chan_peer as_frontend = { .self = ROLE_FRONTEND,
	.peer = ROLE_AUTHD };

static inline void
begin_answer(unsigned code)
{
	authd.type = MSG_NONE;
	wire_writer_init(&authd.w, authd.answer, sizeof(authd.answer));
	wire_put_u8(&authd.w, (uint8_t)code);
}

/* --- the worker and its client --- */

static inline void
turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static inline void
start_with(struct settings *s)
{
	int fd[2];

	settings = s;
	memset(&w, 0, sizeof(w));
	w.base = daemon_base();
	w.settings = settings;
	w.stats = stats_new(1);
	w.egress_path = "/nonexistent";
	w.screen = screen_new(w.base);
	w.pool = pool_new();
	w.limits = limits_new(10);
	w.scratch = mem_new(WORKER_SCRATCH_LEN);
	w.listener = listener_new(&w, NULL, 0);
	TAILQ_INIT(&w.clients);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	(void)chan_accepted(w.base, fd[0], &as_authd, NULL);
	w.authd = chan_accepted(w.base, fd[1], &as_frontend, NULL);
	turn();
}

static inline void
start(const char *root, const char *preset)
{
	start_with(fixture_openid(root, preset, ""));
}

/* Two ends of a TCP connection from 127.0.0.1. */
static inline void
connect_pair(int ends[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	ends[1] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    connect(ends[1], (const struct sockaddr *)&at, sizeof(at)), 0);
	ends[0] = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(ends[0], 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	(void)close(fd);
}

/* Sends line, Host, fields and body, and returns what comes back. */
static inline const char *
ask(const char *line, const char *fields, const char *body)
{
	static char text[65536], head[16384];
	size_t n = 0;
	int ends[2], len;
	ssize_t r;

	len = snprintf(head, sizeof(head),
	    "%s HTTP/1.1\r\nHost: k.example\r\n%s\r\n%s", line, fields, body);
	ck_assert_int_lt(len, (int)sizeof(head));
	connect_pair(ends);
	client_new(&w, ends[0], NULL);
	ck_assert_int_eq(write(ends[1], head, (size_t)len), len);
	turn();
	while ((r = read(ends[1], text + n, sizeof(text) - n - 1)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	(void)close(ends[1]);
	return text;
}

static inline const char *
get(const char *target, const char *fields)
{
	char line[8400];

	snprintf(line, sizeof(line), "GET %s", target);
	return ask(line, fields, "");
}

static inline const char *
post(const char *target, const char *fields, const char *body)
{
	char line[256], all[1024];

	snprintf(line, sizeof(line), "POST %s", target);
	snprintf(all, sizeof(all),
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n%s",
	    strlen(body), fields);
	return ask(line, all, body);
}

static inline void
has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "lacks '%s': %s", what, text);
}

static inline void
lacks(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) == NULL, "has '%s': %s", what, text);
}

/* One that the screen lets pass, which has no keys yet. */
static inline void
make_cookie(char cookie[TICKET_LEN + 1])
{
	const struct ticket_key key = { .epoch = 1 };

	ticket_setup();
	ticket_make(cookie, &key);
}

#endif
