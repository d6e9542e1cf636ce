/* See toy_server.h. */
#include "tests/unit/toy_server.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/conn.h"
#include "common/mem.h"

struct client {
	TAILQ_ENTRY(client) link;
	struct toy_server *server;
	struct conn *in, *tunnel; /* tunnel NULL: none */
};

struct toy_server {
	struct event_base *base;
	struct ssl_ctx_st *ctx;
	toy_answer_fn *answer;
	void *arg;
	struct event *accepting;
	int listener;
	uint16_t port, tunnel_port; /* 0: no proxy */
	unsigned connections, requests;
	char head[TOY_REQUEST_MAX];
	TAILQ_HEAD(, client) clients;
};

static void
drop(struct client *k)
{
	TAILQ_REMOVE(&k->server->clients, k, link);
	conn_free(k->in);
	conn_free(k->tunnel);
	free(k);
}

static void
over(struct conn *c, void *arg)
{
	(void)c;
	drop(arg);
}

static void
broke(struct conn *c, enum conn_failure why, void *arg)
{
	(void)c;
	(void)why;
	drop(arg);
}

/* Bytes of one side of a tunnel go to the other. */
static void
pump(struct conn *c, void *arg)
{
	struct client *k = arg;
	struct conn *to = c == k->in ? k->tunnel : k->in;

	evbuffer_add_buffer(conn_output(to), conn_input(c));
}

static const struct conn_ops tunnel_ops = {
	.readable = pump,
	.ended = over,
	.failed = broke,
};

static void
open_tunnel(struct client *k)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(k->server->tunnel_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	k->tunnel = conn_connect(k->server->base, (struct sockaddr *)&at,
	    sizeof(at), 2000, &tunnel_ops, k);
	conn_set_owner(k->in, &tunnel_ops, k);
	toy_answer(conn_output(k->in), "200 Connection established",
	    "Cache-Control: max-age=7\r\n", "");
}

static size_t
body_length(const char *head)
{
	const char *field = strstr(head, "\r\nContent-Length: ");

	return field != NULL ? strtoul(field + 18, NULL, 10) : 0;
}

static void
answer(struct client *k, const char *body)
{
	struct toy_server *s = k->server;
	struct conn *in = k->in;

	s->requests++;
	if (s->tunnel_port != 0 && strncmp(s->head, "CONNECT ", 8) == 0) {
		open_tunnel(k);
	} else if (s->answer(s->head, body, conn_output(in), s->arg)) {
		k->in = NULL;
		drop(k);
		conn_close_lingering(in);
	}
}

static void
readable(struct conn *c, void *arg)
{
	struct client *k = arg;
	struct toy_server *s = k->server;
	struct evbuffer *in = conn_input(c);
	size_t len = evbuffer_get_length(in);
	char *text = mem_new(len + 1), *end;
	size_t head;

	evbuffer_copyout(in, text, len);
	end = strstr(text, "\r\n\r\n");
	head = end != NULL ? (size_t)(end - text) + 4 : 0;
	ck_assert_uint_lt(head, TOY_REQUEST_MAX);
	if (end != NULL && len >= head + body_length(text)) {
		memcpy(s->head, text, head);
		s->head[head] = '\0';
		evbuffer_drain(in, len);
		answer(k, text + head);
	}
	free(text);
}

static const struct conn_ops ops = {
	.readable = readable,
	.ended = over,
	.failed = broke,
};

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct toy_server *s = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *k = mem_new(sizeof(*k));

	(void)what;
	ck_assert_int_ge(fd, 0);
	s->connections++;
	k->server = s;
	TAILQ_INSERT_TAIL(&s->clients, k, link);
	k->in = conn_accepted(s->base, fd, &ops, k);
	if (s->ctx != NULL)
		conn_tls_server(k->in, s->ctx, 5000);
}

struct toy_server *
toy_server_new(struct event_base *base, struct ssl_ctx_st *ctx,
    toy_answer_fn *fn, void *arg)
{
	struct toy_server *s = mem_new(sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	s->base = base;
	s->ctx = ctx;
	s->answer = fn;
	s->arg = arg;
	TAILQ_INIT(&s->clients);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(s->listener, 64), 0);
	ck_assert_int_eq(
	    getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	s->accepting =
	    event_new(base, s->listener, EV_READ | EV_PERSIST, on_accept, s);
	event_add(s->accepting, NULL);
	return s;
}

void
toy_server_tunnel(struct toy_server *s, uint16_t port)
{
	s->tunnel_port = port;
}

void
toy_server_free(struct toy_server *s)
{
	struct client *k;

	while ((k = TAILQ_FIRST(&s->clients)) != NULL)
		drop(k);
	event_free(s->accepting);
	close(s->listener);
	/* Connections end from the loop. */
	event_base_loop(s->base, EVLOOP_NONBLOCK);
	free(s);
}

uint16_t
toy_server_port(const struct toy_server *s)
{
	return s->port;
}

unsigned
toy_server_connections(const struct toy_server *s)
{
	return s->connections;
}

unsigned
toy_server_requests(const struct toy_server *s)
{
	return s->requests;
}

const char *
toy_server_head(const struct toy_server *s)
{
	return s->head;
}

void
toy_answer(struct evbuffer *out, const char *status, const char *fields,
    const char *body)
{
	evbuffer_add_printf(out, "HTTP/1.1 %s\r\n%s", status, fields);
	if (strncmp(status, "200 Connection", 14) != 0)
		evbuffer_add_printf(
		    out, "Content-Length: %zu\r\n", strlen(body));
	evbuffer_add_printf(out, "\r\n%s", body);
}
