/*
 * Everything about a connection that ends with time: connect and handshake,
 * the owner's deadline, minimum rates, stalled output, lingering. One event
 * timer serves all; it is only added anew when something earlier comes up, so
 * that moving a deadline costs no heap operation.
 */
#include <stdio.h>

#include "common/clock.h"
#include "common/conn_internal.h"

void
conn_timer_by(struct conn *c, int64_t t)
{
	if (t == 0 || c->phase == CONN_OVER)
		return;
	if (c->timer_at != 0 && c->timer_at <= t)
		return;
	int64_t ms = t - clock_mono_ms();
	if (ms < 0)
		ms = 0;
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (ms % 1000) * 1000 };
	event_add(&c->on_timer, &tv);
	c->timer_at = t;
}

bool
conn_output_waits(const struct conn *c)
{
	return c->phase == CONN_OPEN &&
	    (evbuffer_get_length(c->out) > 0 || (c->finish && !c->finished));
}

static int64_t
stall_at(const struct conn *c)
{
	if (c->stall_ms == 0 || !conn_output_waits(c))
		return 0;
	return c->stall_from + c->stall_ms;
}

static int64_t
rate_at(const struct conn *c)
{
	if (c->rate_min == 0 || c->peer_ended)
		return 0;
	return c->rate_from + c->rate_period_ms;
}

void
conn_timer_rearm(struct conn *c)
{
	conn_timer_by(c, c->setup_by);
	conn_timer_by(c, c->retry_at);
	conn_timer_by(c, c->deadline_at);
	conn_timer_by(c, c->linger_by);
	conn_timer_by(c, stall_at(c));
	conn_timer_by(c, rate_at(c));
}

/* True when the window that is over had too few bytes. A window in which we
 * ourselves did not read all the time says nothing about the peer. */
static bool
rate_too_low(struct conn *c, int64_t now)
{
	int64_t end = rate_at(c);
	if (end == 0 || now < end)
		return false;
	bool low = !c->rate_void && c->rate_bytes < c->rate_min;
	c->rate_from = now;
	c->rate_bytes = 0;
	c->rate_void = !c->reading;
	return low;
}

static bool
passed(int64_t t, int64_t now)
{
	return t != 0 && now >= t;
}

static void
setup_timed_out(struct conn *c)
{
	if (c->phase == CONN_CONNECTING) {
		conn_fail(c, CONN_REFUSED);
		return;
	}
	snprintf(c->tls_error, sizeof(c->tls_error), "handshake timed out");
	conn_fail(c, CONN_TLS);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t now = clock_mono_ms();
	(void)fd;
	(void)what;
	conn_enter(c);
	c->timer_at = 0;
	if (passed(c->setup_by, now))
		setup_timed_out(c);
	else if (passed(c->deadline_at, now) || passed(c->linger_by, now))
		conn_fail(c, CONN_DEADLINE);
	else if (passed(stall_at(c), now))
		conn_fail(c, CONN_STALLED);
	else if (rate_too_low(c, now))
		conn_fail(c, CONN_SLOW);
	else if (passed(c->retry_at, now))
		conn_connect_try(c);
	conn_timer_rearm(c);
	conn_leave(c);
}

void
conn_timer_init(struct conn *c)
{
	c->stall_ms = STALL_MS;
	event_assign(&c->on_timer, c->base, -1, 0, on_timer, c);
}

void
conn_deadline(struct conn *c, uint32_t ms)
{
	c->deadline_at = ms == 0 ? 0 : clock_mono_ms() + ms;
	conn_timer_by(c, c->deadline_at);
}

void
conn_min_rate(struct conn *c, size_t min_bytes, uint32_t period_ms)
{
	c->rate_min = min_bytes;
	c->rate_period_ms = period_ms;
	c->rate_from = clock_mono_ms();
	c->rate_bytes = 0;
	c->rate_void = !c->reading;
	conn_timer_by(c, rate_at(c));
}

void
conn_write_stall(struct conn *c, uint32_t ms)
{
	c->stall_ms = ms;
	conn_timer_by(c, stall_at(c));
}
