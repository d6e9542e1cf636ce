/*
 * doorward run: the directories and sockets that systemd's .socket units and
 * tmpfiles make otherwise. A Unix socket belongs to the group of the one peer
 * that may connect; the client listeners come from doorward.listen.
 */
#include "ctl/run.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"

#define BACKLOG 1024

/* Who listens for whom. */
static const struct {
	enum role server, peer;
	int type;
} sockets[] = {
	{ ROLE_SECRETD, ROLE_FRONTEND, SOCK_SEQPACKET },
	{ ROLE_SECRETD, ROLE_AUTHD, SOCK_SEQPACKET },
	{ ROLE_SECRETD, ROLE_EGRESS, SOCK_SEQPACKET },
	{ ROLE_SECRETD, ROLE_CTL, SOCK_SEQPACKET },
	{ ROLE_AUTHD, ROLE_FRONTEND, SOCK_SEQPACKET },
	{ ROLE_AUTHD, ROLE_EGRESS, SOCK_SEQPACKET },
	{ ROLE_AUTHD, ROLE_CTL, SOCK_SEQPACKET },
	{ ROLE_EGRESS, ROLE_FRONTEND, SOCK_STREAM },
	{ ROLE_EGRESS, ROLE_CTL, SOCK_SEQPACKET },
	{ ROLE_FRONTEND, ROLE_CTL, SOCK_SEQPACKET },
};

/* --- directories --- */

static void
make_dir(const char *path, mode_t mode, const struct run_user *owner)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		run_fail("cannot make %s: %s", path, strerror(errno));
	if (chmod(path, mode) != 0 ||
	    (owner != NULL && chown(path, owner->uid, owner->gid) != 0))
		run_fail("%s: %s", path, strerror(errno));
}

/* As root the daemons are strangers here: they must be able to walk in, but
 * not to list. */
void
run_dirs_make(struct run *run)
{
	mode_t mode = run->as_root ? 0711 : 0700;
	char *state = mem_printf("%s/state", run->dir);

	run->run_dir = mem_printf("%s/run", run->dir);
	make_dir(run->dir, mode, NULL);
	make_dir(run->run_dir, mode, NULL);
	make_dir(state, mode, NULL);
	for (size_t i = 0; i < RUN_DAEMONS; i++) {
		struct run_daemon *d = &run->daemons[i];

		d->state_dir = mem_printf("%s/%s", state, role_name(d->role));
		make_dir(d->state_dir, 0700,
		    run->as_root ? &run->users[d->role] : NULL);
	}
	free(state);
}

/* A socket that was left behind goes; anything else stays. */
static void
remove_socket(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
}

static void
remove_files(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(path);
}

void
run_dirs_remove(struct run *run)
{
	char *state = mem_printf("%s/state", run->dir);

	remove_files(run->run_dir);
	if (run->settings->egress.is_unix)
		remove_socket(run->settings->egress.path);
	if (run->own_dir) {
		for (size_t i = 0; i < RUN_DAEMONS; i++)
			remove_files(run->daemons[i].state_dir);
		(void)rmdir(state);
		(void)rmdir(run->dir);
	}
	free(state);
}

/* --- sockets --- */

static void
add_listener(struct run_daemon *d, int fd, const char *name)
{
	struct listen_fd *at;

	if (d->listeners.n == LISTEN_MAX)
		run_fail("more than %d listeners", LISTEN_MAX);
	at = &d->listeners.fds[d->listeners.n++];
	at->fd = fd;
	(void)snprintf(at->name, sizeof(at->name), "%s", name);
}

static int
bind_unix(const char *path, int type, mode_t mode)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	bool dgram = type == SOCK_DGRAM;
	int fd = socket(
	    AF_UNIX, type | SOCK_CLOEXEC | (dgram ? SOCK_NONBLOCK : 0), 0);

	if (strlen(path) >= sizeof(at.sun_path))
		run_fail("%s: too long for a socket; use a shorter path", path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	remove_socket(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    chmod(path, mode) != 0)
		run_fail("%s: %s", path, strerror(errno));
	if (!dgram && listen(fd, BACKLOG) != 0)
		run_fail("%s: %s", path, strerror(errno));
	return fd;
}

/* A Unix socket at path that only members of the peer's group can reach. */
static int
open_unix(const struct run *run, const char *path, int type, enum role peer)
{
	int fd = bind_unix(path, type, 0660);

	if (run->as_root && chown(path, 0, run->users[peer].gid) != 0)
		run_fail("%s: %s", path, strerror(errno));
	return fd;
}

static void
open_notify(struct run *run, struct run_daemon *d)
{
	d->notify_path =
	    mem_printf("%s/%s.notify.sock", run->run_dir, role_name(d->role));
	d->notify_fd = open_unix(run, d->notify_path, SOCK_DGRAM, d->role);
}

static socklen_t
endpoint_address(const struct endpoint *e, struct sockaddr_storage *out)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_port = in6.sin6_port = htons(e->port);
	in6.sin6_addr = in6addr_any;
	if (e->host[0] == '\0' ||
	    inet_pton(AF_INET6, e->host, &in6.sin6_addr) == 1) {
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	(void)inet_pton(AF_INET, e->host, &in.sin_addr);
	memcpy(out, &in, sizeof(in));
	return sizeof(in);
}

static int
try_tcp(const struct endpoint *e)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = endpoint_address(e, &at);
	int on = 1, off = 0;
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* ":443" is IPv4 too */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (at.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
		    e->host[0] == '\0' ? &off : &on, sizeof(on)) != 0) ||
	    bind(fd, (const struct sockaddr *)(const void *)&at, len) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		int err = errno;

		(void)close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);
	struct sockaddr_in6 in6;

	if (getsockname(fd, (struct sockaddr *)(void *)&at, &len) != 0)
		run_fail("getsockname: %s", strerror(errno));
	/* sin_port and sin6_port stand at the same place */
	memcpy(&in6, &at, sizeof(in6));
	return ntohs(in6.sin6_port);
}

static void
set_url(char *url, size_t cap, bool tls, const struct endpoint *e, int fd)
{
	const char *host = e->host;
	bool any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
	    strcmp(host, "::") == 0;
	bool v6 = !any && strchr(host, ':') != NULL;

	(void)snprintf(url, cap, "%s://%s%s%s:%u", tls ? "https" : "http",
	    v6 ? "[" : "", any ? "127.0.0.1" : host, v6 ? "]" : "",
	    bound_port(fd));
}

static void
open_tcp(struct run *run, struct run_daemon *frontend, const char *text)
{
	struct endpoint e;
	int fd;

	if (endpoint_parse(text, &e) != 0)
		run_fail("%s is no address", text);
	fd = try_tcp(&e);
	if (fd < 0 && e.host[0] == '\0') { /* no IPv6 here */
		(void)snprintf(e.host, sizeof(e.host), "0.0.0.0");
		fd = try_tcp(&e);
	}
	if (fd < 0)
		run_fail("cannot listen on %s: %s", text, strerror(errno));
	if (run->url[0] == '\0')
		set_url(run->url, sizeof(run->url), settings_tls(run->settings),
		    &e, fd);
	add_listener(frontend, fd, "http");
}

/* The local listener. Everybody may connect to a Unix socket: egress looks at
 * the uid. */
static void
open_local(struct run *run, struct run_daemon *egress)
{
	const struct settings *s = run->settings;
	int fd;

	if (s->egress.listen[0] == '\0')
		return;
	if (s->egress.is_unix) {
		fd = bind_unix(s->egress.path, SOCK_STREAM, 0666);
		(void)snprintf(
		    run->local, sizeof(run->local), "unix:%s", s->egress.path);
	} else {
		fd = try_tcp(&s->egress.at);
		if (fd < 0)
			run_fail("cannot listen on %s: %s", s->egress.listen,
			    strerror(errno));
		set_url(
		    run->local, sizeof(run->local), false, &s->egress.at, fd);
	}
	add_listener(egress, fd, "local");
}

static struct run_daemon *
daemon_of(struct run *run, enum role role)
{
	for (size_t i = 0; i < RUN_DAEMONS; i++)
		if (run->daemons[i].role == role)
			return &run->daemons[i];
	return NULL;
}

void
run_sockets_open(struct run *run)
{
	struct run_daemon *frontend = daemon_of(run, ROLE_FRONTEND);

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct run_daemon *d = daemon_of(run, sockets[i].server);
		char *path = mem_printf("%s/%s.%s.sock", run->run_dir,
		    role_name(sockets[i].server), role_name(sockets[i].peer));

		add_listener(d,
		    open_unix(run, path, sockets[i].type, sockets[i].peer),
		    role_name(sockets[i].peer));
		free(path);
	}
	for (size_t i = 0; i < run->settings->listen.n; i++)
		open_tcp(run, frontend, run->settings->listen.at[i]);
	open_local(run, daemon_of(run, ROLE_EGRESS));
	for (size_t i = 0; i < RUN_DAEMONS; i++)
		open_notify(run, &run->daemons[i]);
}
