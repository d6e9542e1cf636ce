/* Revocations to every egress; see revoke.h. */
#include "authd/revoke.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"

#define CHANNELS_MAX 64 /* as many as are accepted of a role (listen.h) */
#define LOST_MAX 64

struct revokes {
	struct event_base *base;
	uint32_t lease_max_ms;
	uint64_t sequence;
	struct chan *channel[CHANNELS_MAX];
	size_t n_channels;
	int64_t lost_until_ms[LOST_MAX]; /* soonest first */
	size_t n_lost;
	TAILQ_HEAD(, revocation) running;
};

struct revocation {
	TAILQ_ENTRY(revocation) link;
	struct revokes *owner;
	uint64_t sequence;
	size_t asked; /* requests whose callback has yet to come */
	size_t lost;  /* egresses that have to come back first */
	bool refused; /* one has not answered in time */
	bool over;
	revoke_done_fn *done;
	void *arg;
	struct event *timer;
};

struct revokes *
revokes_new(struct event_base *base, uint32_t lease_max_ms)
{
	struct revokes *r = mem_new(sizeof *r);

	r->base = base;
	r->lease_max_ms = lease_max_ms;
	/* So that a number of this process is never one of its predecessor. */
	r->sequence = (uint64_t)clock_unix_ms() << 8;
	r->lost_until_ms[r->n_lost++] = clock_mono_ms() + lease_max_ms;
	TAILQ_INIT(&r->running);
	return r;
}

static void
revocation_free(struct revocation *v)
{
	TAILQ_REMOVE(&v->owner->running, v, link);
	event_free(v->timer);
	free(v);
}

void
revokes_free(struct revokes *r)
{
	struct revocation *v;

	if (r == NULL)
		return;
	while ((v = TAILQ_FIRST(&r->running)) != NULL)
		revocation_free(v);
	free(r);
}

size_t
revokes_channels(const struct revokes *r)
{
	return r->n_channels;
}

/* --- who is there, and who is missing --- */

static void
lost_drop_first(struct revokes *r)
{
	if (r->n_lost == 0)
		return;
	r->n_lost--;
	memmove(r->lost_until_ms, r->lost_until_ms + 1,
	    r->n_lost * sizeof *r->lost_until_ms);
}

static size_t
lost_count(struct revokes *r)
{
	while (r->n_lost > 0 && r->lost_until_ms[0] <= clock_mono_ms())
		lost_drop_first(r);
	return r->n_lost;
}

static void
lost_add(struct revokes *r)
{
	if (r->n_lost == LOST_MAX)
		lost_drop_first(r);
	r->lost_until_ms[r->n_lost++] = clock_mono_ms() + r->lease_max_ms;
}

/* --- one revocation --- */

static void
timer_set(struct revocation *v, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(v->timer, &tv);
}

/* Tells the result if it is known, and frees when no callback can come. */
static void
revocation_settle(struct revocation *v, bool time_is_up)
{
	bool all = v->asked == 0 && v->lost == 0 && !v->refused;

	if (!v->over && (all || time_is_up)) {
		v->over = true;
		event_del(v->timer);
		if (!all)
			log_warn("a revocation was not acknowledged by every "
				 "egress in time");
		if (v->done != NULL)
			v->done(all, v->arg);
	}
	if (v->over && v->asked == 0)
		revocation_free(v);
}

static void
revocation_timer(evutil_socket_t fd, short what, void *arg)
{
	struct revocation *v = arg;

	(void)fd;
	(void)what;
	revocation_settle(v, true);
}

static void
revocation_answered(int err, struct chan_in *reply, void *arg)
{
	struct revocation *v = arg;

	v->asked--;
	if (err == ERR_UNAVAILABLE)
		v->lost++; /* the channel broke: it counts when it is back */
	else if (err != 0 || wire_get_u64(&reply->body) != v->sequence ||
	    wire_end(&reply->body) != 0)
		v->refused = true;
	revocation_settle(v, false);
}

static void
revocation_send(struct revocation *v, struct chan *ch, enum revoke what,
    const uint8_t *handle)
{
	static const uint8_t nobody[MSG_HANDLE_LEN];
	uint8_t buf[41];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_u64(&w, v->sequence);
	wire_put_u8(&w, (uint8_t)what);
	wire_put_raw(&w, handle != NULL ? handle : nobody, MSG_HANDLE_LEN);
	v->asked++;
	chan_request(
	    ch, MSG_REVOKE, &w, -1, REVOKE_WAIT_MS, revocation_answered, v);
}

void
revokes_push(struct revokes *r, enum revoke what, const uint8_t *handle,
    revoke_done_fn *done, void *arg)
{
	struct revocation *v = mem_new(sizeof *v);

	v->owner = r;
	v->sequence = ++r->sequence;
	v->done = done;
	v->arg = arg;
	v->timer = evtimer_new(r->base, revocation_timer, v);
	if (v->timer == NULL)
		log_fatal("no timer");
	TAILQ_INSERT_TAIL(&r->running, v, link);
	v->lost = lost_count(r);
	for (size_t i = 0; i < r->n_channels; i++)
		revocation_send(v, r->channel[i], what, handle);
	/* With nobody to wait for, the loop still answers, not this call. */
	timer_set(v, v->asked > 0 || v->lost > 0 ? REVOKE_WAIT_MS : 0);
}

/* --- channels --- */

void
revokes_attach(struct revokes *r, struct chan *ch)
{
	struct revocation *v, *next;

	if (r->n_channels == CHANNELS_MAX) {
		log_error("too many egress channels");
		return;
	}
	r->channel[r->n_channels++] = ch;
	lost_drop_first(r);
	for (v = TAILQ_FIRST(&r->running); v != NULL; v = next) {
		next = TAILQ_NEXT(v, link);
		if (v->lost > 0) {
			v->lost--;
			revocation_settle(v, false);
		}
	}
}

void
revokes_detach(struct revokes *r, struct chan *ch)
{
	for (size_t i = 0; i < r->n_channels; i++) {
		if (r->channel[i] != ch)
			continue;
		r->channel[i] = r->channel[--r->n_channels];
		lost_add(r);
		return;
	}
}
