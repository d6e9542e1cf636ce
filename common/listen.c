/*
 * Inherited listeners, and the acceptor that knows its peers by uid. Contains
 * no bind: who may connect where was decided by whoever made the sockets.
 */
#include "common/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define CHANNELS_PER_ROLE 64
#define ACCEPTS_PER_EVENT 16
#define PAUSE_US 100000 /* when the process is out of descriptors */

struct acceptor {
	struct event readable, resume;
	enum role peer; /* ROLE_COUNT: anybody */
	const char *name;
	uid_t uid;
	bool is_channel; /* SEQPACKET: counted by chan.c */
	listen_accept_fn *accepted;
	void *ctx;
	struct log_rate refused_rate;
};

/* They live as long as the process; kept so that nothing counts as lost. */
static struct acceptor *acceptors[LISTEN_MAX];
static size_t n_acceptors;

static bool
name_is_known(const char *name)
{
	static const char *const names[] = { "http", "frontend", "authd",
		"egress", "ctl", "local" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* The environment variable as a number; fatal when it is not one. */
static uint64_t
environment_number(const char *name)
{
	const char *text = getenv(name);
	uint64_t n;

	if (text == NULL)
		log_fatal("no sockets inherited (%s is not set): start it "
			  "from its systemd socket units or by doorward run",
		    name);
	if (text_u64(slice_of(text), INT32_MAX, &n) != 0)
		log_fatal("%s is not a number", name);
	return n;
}

static void
check_listener(int fd, const char *name)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
	    listening == 0)
		log_fatal("inherited descriptor %d (%s) is not a listening "
			  "socket",
		    fd, name);
	if (evutil_make_socket_nonblocking(fd) != 0 ||
	    evutil_make_socket_closeonexec(fd) != 0)
		log_fatal("inherited descriptor %d (%s): %s", fd, name,
		    strerror(errno));
}

void
listen_take(struct listen_set *set)
{
	uint64_t pid = environment_number("LISTEN_PID");
	uint64_t n = environment_number("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	struct slice rest = slice_of(names);

	if (pid != (uint64_t)getpid())
		log_fatal("the inherited sockets are for process %u, not for "
			  "this one",
		    (unsigned)pid);
	if (n == 0 || n > LISTEN_MAX)
		log_fatal("%u sockets inherited, must be 1 to %d", (unsigned)n,
		    LISTEN_MAX);
	set->n = (size_t)n;
	for (size_t i = 0; i < set->n; i++) {
		struct listen_fd *l = &set->fds[i];
		l->fd = FIRST_FD + (int)i;
		if (slice_copy(
			slice_cut(&rest, ':'), l->name, sizeof(l->name)) != 0 ||
		    !name_is_known(l->name))
			log_fatal("inherited socket %zu has an unknown name "
				  "in LISTEN_FDNAMES",
			    i + 1);
		check_listener(l->fd, l->name);
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

int
listen_find(const struct listen_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->fds[i].name, name) == 0)
			return set->fds[i].fd;
	return -1;
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;

	(void)fd;
	(void)what;
	(void)event_add(&a->readable, NULL);
}

/* SECURITY: the uid is the kernel's word, taken when the peer connected. */
static bool
peer_is_right(struct acceptor *a, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (a->peer == ROLE_COUNT)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
	    a->uid == (uid_t)-1 || cred.uid != a->uid) {
		log_limited(&a->refused_rate, 1000, LOG_LEVEL_ERROR,
		    "connection refused: not the uid of the %s", a->name);
		return false;
	}
	if (a->is_channel && chan_count(a->peer) >= CHANNELS_PER_ROLE) {
		log_limited(&a->refused_rate, 1000, LOG_LEVEL_ERROR,
		    "connection refused: the %s has %d already", a->name,
		    CHANNELS_PER_ROLE);
		return false;
	}
	return true;
}

/* False when there is nothing more to accept now. */
static bool
accept_one(struct acceptor *a, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (peer_is_right(a, fd))
			a->accepted(fd, a->peer, a->ctx);
		else
			(void)close(fd);
		return true;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	if (errno == EAGAIN)
		return false;
	log_limited(&a->refused_rate, 1000, LOG_LEVEL_ERROR,
	    "cannot accept the %s: %s", a->name, strerror(errno));
	struct timeval pause = { .tv_sec = 0, .tv_usec = PAUSE_US };
	(void)event_del(&a->readable);
	(void)evtimer_add(&a->resume, &pause);
	return false;
}

static void
on_listener(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++)
		if (!accept_one(arg, fd))
			break;
}

static struct acceptor *
acceptor_new(
    struct event_base *base, int fd, listen_accept_fn *accepted, void *ctx)
{
	struct acceptor *a = mem_new(sizeof(*a));

	if (n_acceptors == LISTEN_MAX)
		log_fatal("more than %d listeners", LISTEN_MAX);
	acceptors[n_acceptors++] = a;
	a->accepted = accepted;
	a->ctx = ctx;
	(void)evtimer_assign(&a->resume, base, on_resume, a);
	(void)event_assign(
	    &a->readable, base, fd, EV_READ | EV_PERSIST, on_listener, a);
	(void)event_add(&a->readable, NULL);
	return a;
}

void
listen_unix(struct event_base *base, int fd, enum role peer,
    const uid_t uids[ROLE_COUNT], listen_accept_fn *accepted, void *ctx)
{
	int type = 0;
	socklen_t len = sizeof(type);
	struct acceptor *a;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		log_fatal("listener for the %s: %s", role_name(peer),
		    strerror(errno));
	a = acceptor_new(base, fd, accepted, ctx);
	a->peer = peer;
	a->name = role_name(peer);
	a->uid = uids[peer];
	a->is_channel = type == SOCK_SEQPACKET;
}

void
listen_anybody(struct event_base *base, int fd, const char *name,
    listen_accept_fn *accepted, void *ctx)
{
	struct acceptor *a = acceptor_new(base, fd, accepted, ctx);

	a->peer = ROLE_COUNT;
	a->name = name;
}
