/*
 * An HTTP server in the test's own loop, with or without TLS, which says what
 * the test wants; or a proxy that takes CONNECT.
 */
#ifndef TESTS_UNIT_TOY_SERVER_H
#define TESTS_UNIT_TOY_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct evbuffer;
struct ssl_ctx_st;
struct toy_server;

#define TOY_REQUEST_MAX 65536

/* Writes the whole answer, status line included. False: the connection stays
 * open, as if more would come. head ends with an empty line. */
typedef bool toy_answer_fn(
    const char *head, const char *body, struct evbuffer *out, void *arg);

/* On a port of 127.0.0.1. ctx NULL: without TLS. */
struct toy_server *toy_server_new(struct event_base *base,
    struct ssl_ctx_st *ctx, toy_answer_fn *answer, void *arg);
/* CONNECT, to whatever host, leads to this port of 127.0.0.1. */
void toy_server_tunnel(struct toy_server *s, uint16_t port);
void toy_server_free(struct toy_server *s);
uint16_t toy_server_port(const struct toy_server *s);
/* How often it was connected to, how many requests came, the last one's head
 * ("" before the first). */
unsigned toy_server_connections(const struct toy_server *s);
unsigned toy_server_requests(const struct toy_server *s);
const char *toy_server_head(const struct toy_server *s);

/* "HTTP/1.1 STATUS", the fields ("" or each with its line end), the body with
 * its length. */
void toy_answer(struct evbuffer *out, const char *status, const char *fields,
    const char *body);

#endif
