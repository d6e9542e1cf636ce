/*
 * Screens session cookies with the keys that authd hands out, so that garbage
 * costs a microsecond and no message.
 *
 * SECURITY: passing proves nothing; authd and egress decide. That is why a
 * cookie is passed on unscreened while authd cannot say what the keys are: the
 * answer is then 503 from behind, not a false 401 from here. And a cookie is
 * dropped as unknown only by an answer to a question that was asked after the
 * cookie came: it may be the first one under a new key.
 */
#ifndef FRONTEND_SCREEN_H
#define FRONTEND_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
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

/* Embedded in whoever has a cookie to be tested. */
struct screen_waiter {
	TAILQ_ENTRY(screen_waiter) link;
	void (*ready)(void *arg);
	void *arg;
	uint64_t question; /* whose answer decides; 0: a new cookie */
	uint64_t place;	   /* in the queue */
	bool waiting;
};

struct screen *screen_new(struct event_base *base);
/* The channel is up (again): asks for the keys. */
void screen_authd_ready(struct screen *s, struct chan *authd);
/* w->question must be 0 when the cookie is tested for the first time. */
enum screen_result screen_test(
    struct screen *s, struct slice cookie, struct screen_waiter *w);
/* ready is called once, from the loop, within about a tenth of a second and an
 * answer of authd: then test again, which may mean to wait again. */
void screen_wait(struct screen *s, struct screen_waiter *w);
void screen_unwait(struct screen *s, struct screen_waiter *w);

#endif
