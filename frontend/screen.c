#include "frontend/screen.h"

#include <stdlib.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/ticket.h"
#include "frontend/authd.h"

#define ASK_AGAIN_MIN_MS 100 /* however many cookies are unknown */

struct screen {
	struct event_base *base;
	struct event *again;
	struct chan *authd; /* NULL before it was ready for the first time */
	struct ticket_keys keys;
	TAILQ_HEAD(, screen_waiter) waiters;
	uint64_t n_waited;	  /* places in the queue that were given */
	uint64_t n_asked, n_done; /* questions; those that are over */
	int64_t asked_ms;
	bool answered; /* the last question that is over */
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
ask_later(struct screen *s, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(s->again, &tv);
}

/* Those that wait again get a place behind the last of now. */
static void
wake_waiters(struct screen *s)
{
	uint64_t last = s->n_waited;
	struct screen_waiter *w;

	while ((w = TAILQ_FIRST(&s->waiters)) != NULL && w->place <= last) {
		screen_unwait(s, w);
		w->ready(w->arg);
	}
}

static void
on_keys(int err, struct chan_in *reply, void *arg)
{
	struct screen *s = arg;
	struct ticket_keys keys;
	uint32_t again_s;

	s->n_done = s->n_asked;
	/* Without keys authd has only just started and cannot say yet: the old
	 * ones stay. Else a restart of authd would look like a logout. */
	s->answered = err == 0 &&
	    ticket_keys_get(&reply->body, &keys, &again_s) == 0 && keys.n > 0;
	if (s->answered) {
		s->keys = keys;
		ticket_keys_wipe(&keys);
	}
	ask_later(
	    s, (s->answered && again_s > 0 ? (int64_t)again_s : 1) * 1000);
	wake_waiters(s);
}

static bool
is_asking(const struct screen *s)
{
	return s->n_asked != s->n_done;
}

static void
ask(struct screen *s)
{
	if (is_asking(s) || s->authd == NULL)
		return;
	s->n_asked++;
	s->asked_ms = clock_mono_ms();
	authd_screen_keys(s->authd, on_keys, s);
}

void
screen_authd_ready(struct screen *s, struct chan *authd)
{
	s->authd = authd;
	ask(s);
}

/* Now, or as soon as one may; a question under way ends by itself, and those
 * for whom it came too early ask again. */
static void
ask_soon(struct screen *s)
{
	int64_t wait = s->asked_ms + ASK_AGAIN_MIN_MS - clock_mono_ms();

	if (is_asking(s))
		return;
	if (wait > 0)
		ask_later(s, wait);
	else
		ask(s);
}

enum screen_result
screen_test(struct screen *s, struct slice cookie, struct screen_waiter *w)
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
	if (w->question == 0)
		w->question = s->n_asked + 1;
	if (s->n_done >= w->question)
		return s->answered ? SCREEN_DROP : SCREEN_PASS;
	ask_soon(s);
	return SCREEN_WAIT;
}

void
screen_wait(struct screen *s, struct screen_waiter *w)
{
	w->waiting = true;
	w->place = ++s->n_waited;
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
