/* Connecting a conn to a TCP or Unix address without waiting. */
#include "common/conn_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "common/clock.h"

#define CONNECT_RETRY_MS 10

/* A Unix listener with a full backlog answers EAGAIN and has to be asked again;
 * everything else is in progress or has failed. */
void
conn_connect_try(struct conn *c)
{
	int r;
	do
		r = connect(
		    c->fd, (const struct sockaddr *)&c->peer, c->peer_len);
	while (r < 0 && errno == EINTR);
	if (r == 0 || errno == EINPROGRESS || errno == EALREADY) {
		c->retry_at = 0;
		conn_watch(c);
	} else if (errno == EAGAIN && c->peer.ss_family == AF_UNIX) {
		c->retry_at = clock_mono_ms() + CONNECT_RETRY_MS;
		conn_timer_by(c, c->retry_at);
	} else {
		conn_fail_later(c, CONN_REFUSED);
	}
}

struct conn *
conn_connect(struct event_base *base, const struct sockaddr *address,
    socklen_t address_len, uint32_t timeout_ms, const struct conn_ops *ops,
    void *arg)
{
	struct conn *c = conn_new(base, ops, arg);

	conn_set_peer(c, address, address_len);
	c->phase = CONN_CONNECTING;
	c->setup_by = clock_mono_ms() + timeout_ms;
	conn_timer_by(c, c->setup_by);
	int fd = socket(
	    c->peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		conn_fail_later(c, CONN_REFUSED);
		return c;
	}
	conn_take_fd(c, fd);
	conn_connect_try(c);
	return c;
}

struct conn *
conn_connect_unix(struct event_base *base, const char *path,
    uint32_t timeout_ms, const struct conn_ops *ops, void *arg)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len < sizeof(at.sun_path)) {
		memcpy(at.sun_path, path, len + 1);
		return conn_connect(base, (const struct sockaddr *)&at,
		    sizeof(at), timeout_ms, ops, arg);
	}
	struct conn *c = conn_new(base, ops, arg);
	c->phase = CONN_CONNECTING;
	conn_fail_later(c, CONN_REFUSED);
	return c;
}

void
conn_connect_done(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ||
	    error != 0)
		conn_fail(c, CONN_REFUSED);
	else if (c->ssl != NULL)
		conn_tls_started(c);
	else
		conn_opened(c);
}
