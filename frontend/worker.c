/*
 * SECURITY: this is the process that reads what anybody sends. It holds no key
 * that opens or makes a session, opens no file and reaches no upstream: see
 * SANDBOX_FRONTEND. It accepts nothing before it is confined.
 */
#include "frontend/worker.h"

#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/conn.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "frontend/authd.h"
#include "frontend/client.h"
#include "frontend/limits.h"
#include "frontend/listener.h"
#include "frontend/pool.h"
#include "frontend/screen.h"
#include "frontend/stats.h"
#include "frontend/tls.h"

#define DRAIN_MS 25000

/* A connection's place: it is given back when the descriptor is, so that one
 * that lingers still counts. */
struct seat {
	struct worker *w;
	struct limits_slot *slot;
};

static void
seat_leave(void *arg)
{
	struct seat *s = arg;
	struct worker *w = s->w;

	w->n_clients--;
	limits_leave(w->limits, s->slot);
	STATS_DOWN(w->stats, open);
	free(s);
	if (!w->draining)
		listener_update(w->listener);
	else if (w->n_clients == 0)
		event_base_loopexit(w->base, NULL);
}

void
worker_seat(struct worker *w, struct conn *conn, struct limits_slot *slot)
{
	struct seat *s = mem_new(sizeof(*s));

	*s = (struct seat){ w, slot };
	w->n_clients++;
	STATS_UP(w->stats, open);
	conn_at_free(conn, seat_leave, s);
}

static void
drain(struct worker *w)
{
	const struct timeval tv = { .tv_sec = DRAIN_MS / 1000 };
	struct client *c, *next;

	if (w->draining)
		return;
	w->draining = true;
	log_debug("worker drains %zu connections", w->n_clients);
	listener_stop(w->listener);
	event_base_loopexit(w->base, &tv);
	for (c = TAILQ_FIRST(&w->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		client_drain(c);
	}
	if (w->n_clients == 0)
		event_base_loopexit(w->base, NULL);
}

static void
on_told_to_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain(arg);
}

static void
on_authd_ready(struct chan *ch)
{
	struct worker *w = chan_ctx(ch);

	screen_authd_ready(w->screen, ch);
}

static int
handle_changed(struct chan *ch, struct chan_in *in)
{
	const struct worker *w = chan_ctx(ch);
	unsigned what = wire_get_u8(&in->body);
	unsigned number = wire_get_u16(&in->body);
	int r = wire_end(&in->body);

	if (r != 0 || what >= CHANGED_COUNT)
		return ERR_FORMAT;
	if (what == CHANGED_IDENTITY)
		tls_changed(w->tls, number);
	return 0;
}

static const struct chan_handler from_secretd[] = {
	{ MSG_CHANGED, CHAN_READY, handle_changed },
};

static const struct chan_peer secretd = {
	.self = ROLE_FRONTEND,
	.peer = ROLE_SECRETD,
	.handlers = from_secretd,
	.n_handlers = sizeof(from_secretd) / sizeof(from_secretd[0]),
};

/* What is asked is answered when the loop runs, after the sandbox. */
static void
open_peers(struct worker *w, const struct worker_start *start)
{
	w->screen = screen_new(w->base);
	if (w->settings->strategy != STRATEGY_ANONYMOUS)
		w->authd = authd_connect(
		    w->base, start->authd_path, on_authd_ready, w);
	if (settings_tls(w->settings)) {
		w->secretd =
		    chan_connect(w->base, start->secretd_path, &secretd, w);
		w->tls = tls_new(w->base, w->settings, w->secretd,
		    &w->stats->certificate_until_s);
	}
}

int
worker_run(const struct worker_start *start)
{
	struct worker w = { .settings = start->settings,
		.stats = start->stats,
		.egress_path = start->egress_path };
	struct event *terminate, *orphaned;

	w.base = daemon_base();
	terminate = evsignal_new(w.base, SIGTERM, on_told_to_stop, &w);
	orphaned =
	    event_new(w.base, start->lifeline, EV_READ, on_told_to_stop, &w);
	event_add(terminate, NULL);
	event_add(orphaned, NULL);
	w.scratch = mem_new(WORKER_SCRATCH_LEN);
	w.pool = pool_new();
	w.limits = limits_new(w.settings->max_per_address);
	TAILQ_INIT(&w.clients);
	open_peers(&w, start);
	sandbox_tighten(&(struct sandbox){ .role = SANDBOX_FRONTEND,
	    .max_fds = 2 * (size_t)w.settings->max_connections + 128 });
	w.listener = listener_new(&w, start->listeners, start->n_listeners);
	event_base_dispatch(w.base);
	return 0;
}
