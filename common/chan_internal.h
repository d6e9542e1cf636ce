/*
 * What chan.c (life, connection, incoming) and chan_send.c (outgoing, requests
 * of ours) share. Nobody else includes this.
 */
#ifndef COMMON_CHAN_INTERNAL_H
#define COMMON_CHAN_INTERNAL_H

#include <sys/queue.h>
#include <sys/time.h>

#include <event2/event_struct.h>

#include "common/chan.h"
#include "common/datagram.h"

#define DATAGRAM_MAX (MSG_HEADER_LEN + MSG_PAYLOAD_MAX)

/* A request of ours. */
struct request {
	TAILQ_ENTRY(request) link;
	struct chan *ch;
	struct event timer;
	uint64_t id;
	enum msg_type type;
	int err;	     /* what the timer reports; 0 is never reported */
	chan_reply_fn *done; /* NULL: forgotten, a late answer is dropped */
	void *arg;
};

TAILQ_HEAD(request_list, request);

struct chan {
	struct event_base *base;
	const struct chan_peer *peer;
	void *ctx, *user;
	char *path; /* NULL: accepted */
	int fd;	    /* -1: not connected */
	unsigned state;
	bool ready;    /* HELLO came */
	bool broken;   /* to be closed from the loop */
	bool freed;    /* to be freed when busy is 0 */
	bool told;     /* that it cannot be reached */
	bool paused;   /* chan_is_full: not reading */
	unsigned busy; /* depth of callbacks that hold this channel */
	uint32_t backoff_ms;
	uint32_t n_unanswered; /* requests of the peer */
	uint64_t last_id;
	size_t n_requests, n_forgotten;
	struct request_list requests;
	struct datagram_queue queue; /* tag: id of a request, or 0 */
	struct event readable, writable;
	struct event timer; /* connecting: next try; else HELLO, or broken */
};

/* From chan.c: a callback that may free the channel runs between these two. */
void chan_enter(struct chan *ch);
void chan_leave(struct chan *ch);
/* The loop closes the channel soon, so that no callback runs inside a call of
 * the daemon. */
void chan_break(struct chan *ch);
/* Logs why the peer loses its channel. */
void chan_violation(struct chan *ch, unsigned type, const char *reason);

/* From chan_send.c. */
struct timeval chan_interval(uint32_t ms);
void chan_send_hello(struct chan *ch);
void chan_flush(struct chan *ch);
/* Nothing more is read for now: max_pending is reached, or the peer does not
 * read what it was answered. */
bool chan_is_full(const struct chan *ch);
/* Ends all requests; see there. */
void chan_fail_requests(struct chan *ch);
/* NULL, or why the reply is refused. */
const char *chan_take_reply(struct chan *ch, struct chan_in *in);

#endif
