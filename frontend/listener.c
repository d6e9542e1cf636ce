#include "frontend/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/conn.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "frontend/client.h"
#include "frontend/limits.h"
#include "frontend/stats.h"
#include "frontend/tls.h"

#define ACCEPTS_PER_EVENT 8 /* the rest is for the other workers */
#define PAUSE_MS 100	    /* out of descriptors; TLS not ready yet */

struct listener {
	struct worker *w;
	struct event *fds[LISTEN_MAX];
	size_t n;
	struct event *resume;
	bool accepting, stopped, pausing;
};

bool
listener_plain_allowed(const struct settings *s, const struct sockaddr *peer)
{
	if (peer->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, peer, sizeof(v4));
		if (ntohl(v4.sin_addr.s_addr) >> 24 == 127)
			return true;
	} else if (peer->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, peer, sizeof(v6));
		if (IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) &&
			v6.sin6_addr.s6_addr[12] == 127))
			return true;
	} else if (peer->sa_family == AF_UNIX) {
		return true;
	}
	return settings_trusts(s, peer);
}

static void
on_refused_over(struct conn *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void
on_refused_failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)why;
	(void)arg;
	conn_free(c);
}

/* Says why instead of only hanging up, since it is a matter of configuration
 * that somebody has to find. What the client sends is not even parsed. */
static void
refuse_plain(struct listener *l, int fd, struct limits_slot *slot)
{
	static const struct conn_ops ops = { .readable = on_refused_over,
		.ended = on_refused_over,
		.failed = on_refused_failed };
	static const char text[] =
	    "This server speaks plain HTTP only with the machine itself and "
	    "with trusted proxies. Use https, or add the proxy to "
	    "doorward.trusted_proxies.\n";
	const struct reply_manner m = { .close = true };
	const struct reply r = { .status = 403,
		.type = REPLY_TEXT,
		.body = { text, sizeof(text) - 1 } };
	static struct log_rate rate;
	struct conn *c = conn_accepted(l->w->base, fd, &ops, NULL);

	worker_seat(l->w, c, slot);
	STATS_UP(l->w->stats, refused_plain);
	log_limited(&rate, 10000, LOG_LEVEL_WARN,
	    "refused plain HTTP from client=%s, which is neither this machine "
	    "nor in doorward.trusted_proxies",
	    conn_peer(c));
	reply_write(conn_output(c), &r, &m);
	conn_close_lingering(c);
}

static void
admit(struct listener *l, int fd, const struct sockaddr *peer)
{
	struct worker *w = l->w;
	struct limits_slot *slot = NULL;
	static struct log_rate rate;

	/* A trusted proxy is many clients in one address. */
	if (!settings_trusts(w->settings, peer)) {
		slot = limits_enter(w->limits, peer);
		if (slot == NULL) {
			STATS_UP(w->stats, refused_full);
			log_limited(&rate, 10000, LOG_LEVEL_WARN,
			    "a client address has all the connections that "
			    "doorward.max_per_address allows");
			close(fd);
			return;
		}
	}
	if (w->tls == NULL && !listener_plain_allowed(w->settings, peer)) {
		refuse_plain(l, fd, slot);
		return;
	}
	client_new(w, fd, slot);
}

static void
accepting_set(struct listener *l, bool on)
{
	if (on == l->accepting)
		return;
	l->accepting = on;
	for (size_t i = 0; i < l->n; i++)
		if (on)
			event_add(l->fds[i], NULL);
		else
			event_del(l->fds[i]);
}

static void
pause_accepting(struct listener *l)
{
	struct timeval tv = { .tv_usec = PAUSE_MS * 1000 };

	l->pausing = true;
	accepting_set(l, false);
	event_add(l->resume, &tv);
}

void
listener_update(struct listener *l)
{
	const struct worker *w = l->w;

	if (l->stopped || l->pausing)
		return;
	if (w->tls != NULL && tls_ctx(w->tls) == NULL)
		pause_accepting(l); /* clients wait in the backlog meanwhile */
	else
		accepting_set(l, w->n_clients < w->settings->max_connections);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	l->pausing = false;
	listener_update(l);
}

static void
on_acceptable(evutil_socket_t listener, short what, void *arg)
{
	struct listener *l = arg;
	struct sockaddr_storage peer;
	static struct log_rate rate;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_EVENT && l->accepting; i++) {
		socklen_t len = sizeof(peer);
		int fd;

		memset(&peer, 0, sizeof(peer));
		fd = accept4(listener, (struct sockaddr *)&peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(l, fd, (struct sockaddr *)&peer);
			listener_update(l);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			log_limited(&rate, 1000, LOG_LEVEL_ERROR,
			    "cannot accept clients: %s", strerror(errno));
			pause_accepting(l);
		}
	}
}

struct listener *
listener_new(struct worker *w, const int *fds, size_t n)
{
	struct listener *l = mem_new(sizeof(*l));

	l->w = w;
	l->n = n;
	l->resume = event_new(w->base, -1, 0, on_resume, l);
	for (size_t i = 0; i < n; i++)
		l->fds[i] = event_new(
		    w->base, fds[i], EV_READ | EV_PERSIST, on_acceptable, l);
	listener_update(l);
	return l;
}

void
listener_stop(struct listener *l)
{
	l->stopped = true;
	accepting_set(l, false);
	event_del(l->resume);
}
