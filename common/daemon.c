/*
 * The event base, the signals and the main loop of every daemon.
 */
#include "common/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/log.h"
#include "common/notify.h"
#include "common/wiped_mem.h"

/* One per process: signals belong to the process. */
static struct {
	struct event_base *base; /* whose signals are installed */
	struct event terminate, interrupt, hangup;
	bool running;
	unsigned stops; /* how often it was told to stop */
	void (*stopping)(void *ctx);
	void (*reload)(void *ctx);
	void *ctx;
} daemon_state;

struct event_base *
daemon_base(void)
{
	struct event_config *config;
	struct event_base *base;

	/* Tokens and cookies pass through evbuffers, which copy and free as
	 * they grow, are joined and drained: nothing stays behind (P2). */
	event_set_mem_functions(wiped_alloc, wiped_realloc, wiped_free);
	config = event_config_new();

	if (config == NULL)
		log_fatal("event loop: no memory");
	/* epoll only, whatever the environment says; the coarse timer needs no
	 * timerfd; one thread needs no locks */
	(void)event_config_avoid_method(config, "select");
	(void)event_config_avoid_method(config, "poll");
	(void)event_config_set_flag(
	    config, EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		log_fatal("event loop: %s", strerror(errno));
	return base;
}

static void
stop_begin(void)
{
	notify_stopping();
	if (daemon_state.stopping != NULL)
		daemon_state.stopping(daemon_state.ctx);
	else
		(void)event_base_loopexit(daemon_state.base, NULL);
}

static void
on_stop(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	daemon_state.stops++;
	if (!daemon_state.running)
		return;
	if (daemon_state.stops == 1)
		stop_begin();
	else
		(void)event_base_loopbreak(daemon_state.base);
}

static void
on_hangup(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	if (daemon_state.running && daemon_state.reload != NULL)
		daemon_state.reload(daemon_state.ctx);
}

static void
signal_install(struct event *e, int number, event_callback_fn callback)
{
	if (evsignal_assign(e, daemon_state.base, number, callback, NULL) !=
		0 ||
	    evsignal_add(e, NULL) != 0)
		log_fatal("signal %d: %s", number, strerror(errno));
}

void
daemon_signals(struct event_base *base)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	daemon_state.base = base;
	daemon_state.stops = 0;
	(void)sigaction(SIGPIPE, &ignore, NULL);
	signal_install(&daemon_state.terminate, SIGTERM, on_stop);
	signal_install(&daemon_state.interrupt, SIGINT, on_stop);
	signal_install(&daemon_state.hangup, SIGHUP, on_hangup);
}

int
daemon_run(struct event_base *base, void (*stopping)(void *ctx),
    void (*reload)(void *ctx), void *ctx)
{
	if (daemon_state.base != base)
		daemon_signals(base);
	daemon_state.stopping = stopping;
	daemon_state.reload = reload;
	daemon_state.ctx = ctx;
	daemon_state.running = true;
	notify_ready("running");
	notify_watchdog(base);
	log_info("ready");
	if (daemon_state.stops > 0)
		stop_begin();
	int r = event_base_dispatch(base);
	daemon_state.running = false;
	if (r < 0)
		log_error("the event loop failed");
	else
		log_info("stopped");
	return r < 0 ? 1 : 0;
}
