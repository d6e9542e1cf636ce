/*
 * One worker process: everything that its connections share. Made after the
 * fork, so that nothing of it is ever shared between workers but the listening
 * sockets and the counters.
 */
#ifndef FRONTEND_WORKER_H
#define FRONTEND_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/frame.h"

struct chan;
struct client;
struct conn;
struct event;
struct event_base;
struct limits;
struct limits_slot;
struct listener;
struct pool;
struct screen;
struct settings;
struct stats;
struct tls;

/* Room for one encoded head and, behind it, for rewritten cookies. */
#define WORKER_SCRATCH_LEN \
	(FRAME_HEADER_LEN + FRAME_HEAD_MAX + HTTP_HEAD_MAX + 1024)

TAILQ_HEAD(client_list, client);

struct worker {
	struct event_base *base;
	const struct settings *settings;
	struct stats *stats;
	const char *egress_path;
	struct chan *authd;   /* NULL with strategy anonymous */
	struct chan *secretd; /* NULL without TLS */
	struct tls *tls;      /* NULL without TLS */
	struct screen *screen;
	struct pool *pool;
	struct limits *limits;
	struct listener *listener;
	struct client_list clients;
	size_t n_clients; /* connections, those that linger as well */
	bool draining, egress_failed;
	uint8_t *scratch;
};

/* What the parent hands to its child. */
struct worker_start {
	const struct settings *settings;
	struct stats *stats;
	const char *egress_path, *authd_path, *secretd_path;
	const int *listeners;
	size_t n_listeners;
	int lifeline; /* reading end: the parent is gone at its end of file */
};

/* The whole life of a worker, from fork to exit status. */
int worker_run(const struct worker_start *start);
/* Counts a connection, with its place in the limits (may be NULL), until it is
 * gone; lingering is part of that. */
void worker_seat(struct worker *w, struct conn *conn, struct limits_slot *slot);

#endif
