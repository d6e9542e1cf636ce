/*
 * egress' side of secretd: the values of slots, the CA bundles, and word of
 * what changes. The last value stays in use while secretd is away, and when
 * a file vanishes or becomes useless.
 */
#ifndef EGRESS_SECRETS_H
#define EGRESS_SECRETS_H

#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"

struct event_base;
struct chan;
struct secrets;
struct settings;
struct held; /* a slot of which the value is wanted; lives for good */

enum held_state {
	HELD_WAITING, /* secretd has not answered yet */
	HELD_READY,
	HELD_ABSENT, /* there is no such file */
	HELD_BAD,    /* there is one, of no use; or it is empty */
};

struct secrets_ops {
	/* After each answer about a slot, also one that changed nothing, and
	 * when none came. */
	void (*answered)(const struct held *h, void *arg);
	/* The PEM of a bundle, "" when there is none (any more): number as in
	 * MSG_CA. Called when secretd answers. */
	void (*ca)(unsigned number, struct slice pem, void *arg);
	/* The channel is ready, or (MSG_CHANGED) that client certificate is
	 * another one: n is the service, or SERVICE_COUNT for all. May be
	 * NULL. */
	void (*identity)(unsigned n, void *arg);
};

/* Everything is borrowed for good. */
struct secrets *secrets_new(struct event_base *base,
    const struct settings *settings, const struct secrets_ops *ops, void *arg);
/* Before secrets_connect: these are wanted. The same slot twice is one. */
struct held *secrets_want(struct secrets *s, unsigned slot);
void secrets_want_ca(struct secrets *s, unsigned number);
/* Connects, and keeps connecting, to secretd's socket. */
void secrets_connect(struct secrets *s, const char *path);
/* Asks again now; ops->answered comes later, exactly once. */
void secrets_ask(struct secrets *s, struct held *h);
/* For other messages to secretd. NULL before secrets_connect. */
struct chan *secrets_chan(struct secrets *s);
/* For tests: as if secretd had answered. */
void secrets_answer(struct secrets *s, struct held *h, enum secret_state state,
    struct slice value);

enum held_state held_state(const struct held *h);
unsigned held_slot(const struct held *h);
/* "" unless it is HELD_READY. Borrowed until the next answer. */
struct slice held_value(const struct held *h);
/* Counts up with every new value. */
unsigned held_version(const struct held *h);

#endif
