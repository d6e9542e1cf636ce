/*
 * Screens session cookies with the keys that authd hands out, so that garbage
 * costs a microsecond and no message.
 *
 * SECURITY: passing proves nothing; authd and egress decide. That is why a
 * cookie is passed on unscreened while authd cannot say what the keys are: the
 * answer is then 503 from behind, not a false 401 from here.
 */
#ifndef FRONTEND_SCREEN_H
#define FRONTEND_SCREEN_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/text.h"

struct chan;
struct event_base;
struct screen;

enum screen_result {
	SCREEN_PASS,
	SCREEN_DROP, /* treat it as no cookie */
	SCREEN_WAIT, /* the keys are being asked for: screen_wait, then again */
};

/* Embedded in whoever waits. */
struct screen_waiter {
	TAILQ_ENTRY(screen_waiter) link;
	void (*ready)(void *arg);
	void *arg;
	bool waiting;
};

struct screen *screen_new(struct event_base *base);
/* The channel is up (again): asks for the keys. */
void screen_authd_ready(struct screen *s, struct chan *authd);
/* waited: after a wait; never answers SCREEN_WAIT then. */
enum screen_result screen_test(
    struct screen *s, struct slice cookie, bool waited);
/* ready is called once, from the loop. */
void screen_wait(struct screen *s, struct screen_waiter *w);
void screen_unwait(struct screen *s, struct screen_waiter *w);

#endif
