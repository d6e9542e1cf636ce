#include "frontend/workers.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/mem.h"
#include "frontend/stats.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define HEALTHY_MS 10000 /* lived this long: the next fork is at once */
#define STOP_MS 27000	 /* workers end themselves after 25 s */

struct slot {
	struct workers *all;
	struct event *again;
	pid_t pid; /* 0: none */
	int64_t started_ms;
	uint32_t backoff_ms;
};

struct workers {
	struct event_base *base;
	struct event *child_signal;
	struct worker_start start;
	struct stats *stats;
	struct slot *slots;
	size_t n;
	unsigned crashes;
	int lifeline; /* writing end; only the parent has it */
	bool stopping;
};

static void on_again(evutil_socket_t fd, short what, void *arg);
static void on_child(evutil_socket_t fd, short what, void *arg);

struct workers *
workers_new(struct event_base *base, const struct worker_start *start, size_t n)
{
	struct workers *ws = mem_new(sizeof(*ws));
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		log_fatal("pipe: %s", strerror(errno));
	ws->base = base;
	ws->n = n;
	ws->start = *start;
	ws->start.lifeline = ends[0];
	ws->lifeline = ends[1];
	ws->stats = stats_new(n);
	ws->slots = mem_array(n, sizeof(ws->slots[0]));
	ws->child_signal = evsignal_new(base, SIGCHLD, on_child, ws);
	event_add(ws->child_signal, NULL);
	for (size_t i = 0; i < n; i++) {
		ws->slots[i].all = ws;
		ws->slots[i].again =
		    event_new(base, -1, 0, on_again, &ws->slots[i]);
	}
	return ws;
}

static bool
is_kept(const struct worker_start *start, int fd)
{
	for (size_t i = 0; i < start->n_listeners; i++)
		if (fd == start->listeners[i])
			return true;
	return fd <= STDERR_FILENO || fd == start->lifeline;
}

/* The parent's event loop, control channels and notification socket are none
 * of a worker's business. */
static void
close_parents(const struct worker_start *start)
{
	int top = start->lifeline;

	for (size_t i = 0; i < start->n_listeners; i++)
		if (start->listeners[i] > top)
			top = start->listeners[i];
	for (int fd = STDERR_FILENO + 1; fd < top; fd++)
		if (!is_kept(start, fd))
			(void)close(fd);
	(void)close_range((unsigned)top + 1, ~0U, 0);
}

static void
be_worker(struct workers *ws, size_t i)
{
	struct worker_start start = ws->start;

	start.stats = &ws->stats[i];
	/* Makes the loop a copy of our own before it is thrown away: its epoll
	 * descriptor is shared with the parent. */
	if (event_reinit(ws->base) != 0)
		log_fatal("event loop after fork: %s", strerror(errno));
	event_base_free(ws->base);
	close_parents(&start);
	exit(worker_run(&start));
}

static void
fork_later(struct slot *slot)
{
	struct timeval tv = { slot->backoff_ms / 1000,
		slot->backoff_ms % 1000 * 1000 };

	event_add(slot->again, &tv);
}

static void
fork_one(struct slot *slot)
{
	struct workers *ws = slot->all;
	pid_t pid;

	/* What the one before counted as open is gone with it. */
	ws->stats[slot - ws->slots].open = 0;
	ws->stats[slot - ws->slots].exchanges_open = 0;
	slot->started_ms = clock_mono_ms();
	pid = fork();
	if (pid == 0)
		be_worker(ws, (size_t)(slot - ws->slots));
	if (pid < 0) {
		log_error("cannot fork a worker: %s", strerror(errno));
		slot->backoff_ms = BACKOFF_MAX_MS;
		fork_later(slot);
		return;
	}
	slot->pid = pid;
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct slot *slot = arg;

	(void)fd;
	(void)what;
	if (!slot->all->stopping)
		fork_one(slot);
}

static void
worker_ended(struct slot *slot, int status)
{
	struct workers *ws = slot->all;
	int64_t lived_ms = clock_mono_ms() - slot->started_ms;

	slot->pid = 0;
	if (ws->stopping)
		return;
	ws->crashes++;
	if (WIFSIGNALED(status))
		log_error("worker ended by signal %d; starting another",
		    WTERMSIG(status));
	else
		log_error("worker ended with status %d; starting another",
		    WEXITSTATUS(status));
	slot->backoff_ms *= 2;
	if (lived_ms > HEALTHY_MS || slot->backoff_ms < BACKOFF_MIN_MS)
		slot->backoff_ms = BACKOFF_MIN_MS;
	if (slot->backoff_ms > BACKOFF_MAX_MS)
		slot->backoff_ms = BACKOFF_MAX_MS;
	fork_later(slot);
}

static void
end_if_all_gone(struct workers *ws)
{
	for (size_t i = 0; i < ws->n; i++)
		if (ws->slots[i].pid != 0)
			return;
	event_base_loopexit(ws->base, NULL);
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	struct workers *ws = arg;
	int status;
	pid_t pid;

	(void)fd;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < ws->n; i++)
			if (ws->slots[i].pid == pid)
				worker_ended(&ws->slots[i], status);
	if (ws->stopping)
		end_if_all_gone(ws);
}

void
workers_start(struct workers *ws)
{
	for (size_t i = 0; i < ws->n; i++)
		fork_one(&ws->slots[i]);
}

void
workers_stop(struct workers *ws)
{
	const struct timeval tv = { .tv_sec = STOP_MS / 1000 };

	ws->stopping = true;
	(void)close(ws->lifeline);
	ws->lifeline = -1;
	event_base_loopexit(ws->base, &tv);
	end_if_all_gone(ws);
}

size_t
workers_status(const struct workers *ws, char *dst, size_t cap)
{
	size_t running = 0, len;
	int n;

	for (size_t i = 0; i < ws->n; i++)
		running += ws->slots[i].pid != 0;
	n = snprintf(dst, cap, "workers: %zu of %zu\nworker crashes: %u\n",
	    running, ws->n, ws->crashes);
	len = n > 0 && (size_t)n < cap ? (size_t)n : 0;
	return len + stats_text(ws->stats, ws->n, dst + len, cap - len);
}
