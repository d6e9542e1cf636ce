/*
 * One end of a control channel: a SEQPACKET socket on the event loop that
 * speaks msg.h. It sends and expects HELLO, checks every message against the
 * table, dispatches requests to the handlers of that peer role, and matches
 * replies to requests with a deadline each.
 *
 * SECURITY: a violation by the peer (unknown type, wrong direction, length,
 * state or descriptor, a reply nobody waits for) is logged once, with role,
 * message name and reason but no payload, and closes the channel; it never
 * ends the process. Received descriptors that no row asks for are closed.
 */
#ifndef COMMON_CHAN_H
#define COMMON_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/msg.h"
#include "common/wire.h"

struct event_base;
struct chan;

/* A received message. Everything is borrowed until the callback returns. */
struct chan_in {
	enum msg_type type;
	uint64_t id;
	struct wire_reader body;
	int fd; /* -1, or a descriptor that is closed unless set to -1 */
};

/* Channel states are small bit masks of the daemon's own choosing. A fresh
 * channel is in CHAN_READY once HELLO has been exchanged. */
#define CHAN_READY 1u

/* Returns 0, or a negative ERR_* to close the channel as a violation (with the
 * error's text logged). Must lead to exactly one reply for a row with one. */
typedef int chan_handle_fn(struct chan *ch, struct chan_in *in);

struct chan_handler {
	enum msg_type type;
	unsigned states; /* in which it is allowed */
	chan_handle_fn *handle;
};

/* What this process does with one kind of peer; static const in handlers.c. */
struct chan_peer {
	enum role self, peer;
	const struct chan_handler *handlers; /* a missing row is refused */
	size_t n_handlers;
	/* Requests of the peer not yet answered (0: 64); at that many nothing
	 * more is read from it until one is answered, nor while answers
	 * wait because it does not read them. */
	uint32_t max_pending;
	/* HELLO is through. Also after each reconnect. May be NULL. */
	void (*ready)(struct chan *ch);
	/* The channel is gone: pending requests have been failed with
	 * ERR_UNAVAILABLE; an accepted channel is freed after this, a
	 * connecting one stays and tries again (it is told only when it had
	 * been ready). Not called by chan_free. May be NULL. */
	void (*closed)(struct chan *ch);
};

/* Takes over an accepted, connected descriptor, or one end of a socketpair, and
 * makes it non-blocking. ctx is the daemon's own pointer. The channel is freed
 * when it closes, after peer->closed. A peer that has not said HELLO within
 * 10 s is closed. */
struct chan *chan_accepted(
    struct event_base *base, int fd, const struct chan_peer *peer, void *ctx);
/* Connects to path (copied), again and again with back-off (50 ms .. 1 s), for
 * as long as it lives. Requests before it is ready wait for it until their
 * deadline. */
struct chan *chan_connect(struct event_base *base, const char *path,
    const struct chan_peer *peer, void *ctx);
/* Closes and frees; pending requests fail with ERR_UNAVAILABLE first. Allowed
 * in every callback of the channel. NULL is allowed. */
void chan_free(struct chan *ch);

void *chan_ctx(const struct chan *ch);
enum role chan_peer_role(const struct chan *ch);
/* A second pointer for the daemon's per-channel state; freed by the daemon. */
void *chan_user(const struct chan *ch);
void chan_set_user(struct chan *ch, void *user);
bool chan_is_ready(const struct chan *ch);
/* The peer's process when it connected, or 0 (not visible from here). */
pid_t chan_peer_process(const struct chan *ch);
void chan_set_state(struct chan *ch, unsigned state);
/* Accepted channels alive now with peers of that role, in this process. */
unsigned chan_count(enum role peer);

/* err 0: reply is the answer, already checked against the table (msg_is_answer
 * holds for it); else reply is
 * NULL and err is ERR_TIMEOUT or ERR_UNAVAILABLE. Called exactly once. */
typedef void chan_reply_fn(int err, struct chan_in *reply, void *arg);

/* Sends a request with the payload in body (may be NULL: empty). fd: -1, or a
 * descriptor to pass, which stays the caller's. Returns the request id (> 0);
 * failures come through done, always later than this call returns. At most
 * 4096 requests wait per channel; more fail with ERR_LIMIT. A request that
 * ends before it could be sent is never sent. */
uint64_t chan_request(struct chan *ch, enum msg_type type,
    const struct wire_writer *body, int fd, uint32_t timeout_ms,
    chan_reply_fn *done, void *arg);
/* Forgets a request: done is not called, a late answer is dropped silently. */
void chan_cancel(struct chan *ch, uint64_t id);
/* Answers a request. An error means that the channel is gone: nothing to do. */
int chan_reply(struct chan *ch, uint64_t id, enum msg_type type,
    const struct wire_writer *body, int fd);
/* Pushes a message that has no request; the type must not be one. Before the
 * channel is ready: ERR_UNAVAILABLE. */
int chan_push(struct chan *ch, enum msg_type type,
    const struct wire_writer *body, int fd);

#endif
