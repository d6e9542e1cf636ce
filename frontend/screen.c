#include "frontend/screen.h"

#include <stdlib.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/ticket.h"
#include "frontend/authd.h"

#define ASK_AGAIN_MIN_MS 1000 /* however many cookies are unknown */

struct screen {
	struct event_base *base;
	struct event *again;
	struct chan *authd; /* NULL before it was ready for the first time */
	struct ticket_keys keys;
	TAILQ_HEAD(, screen_waiter) waiters;
	int64_t asked_ms;
	bool asking, answered; /* answered: the last time that we asked */
};

static void ask(struct screen *s);

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask(arg);
}

struct screen *
screen_new(struct event_base *base)
{
	struct screen *s = mem_new(sizeof(*s));

	s->base = base;
	s->again = event_new(base, -1, 0, on_again, s);
	s->asked_ms = -ASK_AGAIN_MIN_MS;
	TAILQ_INIT(&s->waiters);
	return s;
}

static void
ask_later(struct screen *s, uint32_t seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	event_add(s->again, &tv);
}

static void
on_keys(int err, struct chan_in *reply, void *arg)
{
	struct screen *s = arg;
	struct screen_waiter *w;
	struct ticket_keys keys;
	uint32_t again_s;

	s->asking = false;
	/* Without keys authd has only just started and cannot say yet: the old
	 * ones stay. Else a restart of authd would look like a logout. */
	s->answered = err == 0 &&
	    ticket_keys_get(&reply->body, &keys, &again_s) == 0 && keys.n > 0;
	if (s->answered) {
		s->keys = keys;
		ticket_keys_wipe(&keys);
	}
	ask_later(s, s->answered && again_s > 0 ? again_s : 1);
	while ((w = TAILQ_FIRST(&s->waiters)) != NULL) {
		screen_unwait(s, w);
		w->ready(w->arg);
	}
}

static void
ask(struct screen *s)
{
	if (s->asking || s->authd == NULL)
		return;
	s->asking = true;
	s->asked_ms = clock_mono_ms();
	authd_screen_keys(s->authd, on_keys, s);
}

void
screen_authd_ready(struct screen *s, struct chan *authd)
{
	s->authd = authd;
	ask(s);
}

enum screen_result
screen_test(struct screen *s, struct slice cookie, bool waited)
{
	switch (ticket_screen(&s->keys, cookie)) {
	case 0:
		return SCREEN_PASS;
	case ERR_NOT_FOUND:
		break;
	default:
		return SCREEN_DROP;
	}
	/* Sessions that live for many days have more keys than fit. */
	if (s->authd == NULL || s->keys.n == TICKET_KEYS_MAX)
		return SCREEN_PASS;
	if (waited ||
	    (!s->asking && clock_mono_ms() - s->asked_ms < ASK_AGAIN_MIN_MS))
		return s->answered ? SCREEN_DROP : SCREEN_PASS;
	ask(s);
	return SCREEN_WAIT;
}

void
screen_wait(struct screen *s, struct screen_waiter *w)
{
	w->waiting = true;
	TAILQ_INSERT_TAIL(&s->waiters, w, link);
}

void
screen_unwait(struct screen *s, struct screen_waiter *w)
{
	if (!w->waiting)
		return;
	w->waiting = false;
	TAILQ_REMOVE(&s->waiters, w, link);
}
