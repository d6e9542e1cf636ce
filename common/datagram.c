/*
 * Datagrams over SEQPACKET sockets: one sendmsg or recvmsg each.
 */
#include "common/datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"

/* Room for more descriptors than are allowed, so that they can be closed; the
 * kernel drops what does not fit. */
#define RECEIVED_FDS_MAX 8
#define BUFFER_OVERHEAD 8192 /* the kernel's own bytes per datagram */

struct datagram {
	TAILQ_ENTRY(datagram) link;
	uint64_t tag;
	int fd; /* our own duplicate, or -1 */
	size_t len;
	uint8_t bytes[];
};

void
datagram_buffer(int socket, size_t len)
{
	int size = 0, wanted = (int)(2 * len + BUFFER_OVERHEAD);
	socklen_t size_len = sizeof(size);

	if (getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, &size_len) == 0 &&
	    size < wanted)
		(void)setsockopt(
		    socket, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
}

int
datagram_send(
    int socket, const struct iovec *parts, size_t n_parts, int pass_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = { { NULL, 0 }, { NULL, 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n_parts };
	ssize_t n;

	memcpy(iov, parts, n_parts * sizeof(*parts));
	if (pass_fd >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	do
		n = sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == EAGAIN ? ERR_MORE : ERR_IO;
}

/* Collects all descriptors of a datagram; those over the limit are closed.
 * Returns how many came, which may be more than the limit. */
static size_t
received_fds(struct msghdr *m, int fds[RECEIVED_FDS_MAX])
{
	size_t n = 0;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++, n++) {
			int fd;
			memcpy(
			    &fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < RECEIVED_FDS_MAX)
				fds[n] = fd;
			else
				(void)close(fd);
		}
	}
	return n;
}

long
datagram_receive(int socket, void *buffer, size_t cap, int *fd_out)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(RECEIVED_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { buffer, cap };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	int fds[RECEIVED_FDS_MAX];
	ssize_t n;

	*fd_out = -1;
	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? ERR_MORE : ERR_IO;
	size_t n_fds = received_fds(&m, fds);
	bool cut = (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	/* an empty datagram looks like the end, where nobody looks for a fd */
	bool stray = n == 0 && n_fds > 0;
	if (n_fds <= 1 && !cut && !stray) {
		*fd_out = n_fds == 1 ? fds[0] : -1;
		return n;
	}
	for (size_t i = 0; i < n_fds && i < RECEIVED_FDS_MAX; i++)
		(void)close(fds[i]);
	return ERR_PROTOCOL;
}

void
datagram_queue_init(struct datagram_queue *q)
{
	TAILQ_INIT(&q->list);
	q->bytes = 0;
}

static struct datagram *
queue_find(const struct datagram_queue *q, uint64_t tag)
{
	struct datagram *d;

	TAILQ_FOREACH(d, &q->list, link)
		if (d->tag == tag)
			return d;
	return NULL;
}

static void
queue_drop(struct datagram_queue *q, struct datagram *d)
{
	TAILQ_REMOVE(&q->list, d, link);
	q->bytes -= d->len;
	if (d->fd >= 0)
		(void)close(d->fd);
	secret_wipe(d->bytes, d->len);
	free(d);
}

int
datagram_queue_add(struct datagram_queue *q, size_t max,
    const struct iovec parts[2], int pass_fd, uint64_t tag)
{
	size_t len = parts[0].iov_len + parts[1].iov_len;
	int own_fd = -1;

	if (q->bytes + len > max)
		return ERR_LIMIT;
	if (pass_fd >= 0) {
		own_fd = fcntl(pass_fd, F_DUPFD_CLOEXEC, 3);
		if (own_fd < 0)
			return ERR_IO;
	}
	struct datagram *d = mem_new(sizeof(*d) + len);
	d->tag = tag;
	d->fd = own_fd;
	d->len = len;
	memcpy(d->bytes, parts[0].iov_base, parts[0].iov_len);
	if (parts[1].iov_len > 0)
		memcpy(d->bytes + parts[0].iov_len, parts[1].iov_base,
		    parts[1].iov_len);
	TAILQ_INSERT_TAIL(&q->list, d, link);
	q->bytes += len;
	return 0;
}

int
datagram_queue_flush(struct datagram_queue *q, int socket)
{
	struct datagram *d;

	while ((d = TAILQ_FIRST(&q->list)) != NULL) {
		struct iovec iov = { d->bytes, d->len };
		int r = datagram_send(socket, &iov, 1, d->fd);
		if (r != 0)
			return r;
		queue_drop(q, d);
	}
	return 0;
}

bool
datagram_queue_empty(const struct datagram_queue *q)
{
	return TAILQ_EMPTY(&q->list);
}

bool
datagram_queue_has(const struct datagram_queue *q, uint64_t tag)
{
	return queue_find(q, tag) != NULL;
}

bool
datagram_queue_remove(struct datagram_queue *q, uint64_t tag)
{
	struct datagram *d = queue_find(q, tag);

	if (d == NULL)
		return false;
	queue_drop(q, d);
	return true;
}

void
datagram_queue_clear(struct datagram_queue *q)
{
	struct datagram *d;

	while ((d = TAILQ_FIRST(&q->list)) != NULL)
		queue_drop(q, d);
}
