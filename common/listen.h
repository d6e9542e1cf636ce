/*
 * Sockets that were inherited (sd_listen_fds(3)): LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES. Daemons contain no bind code. Names are:
 *   http                     client listeners (frontend), may be several
 *   local                    the local listener (egress)
 *   frontend authd egress    the peer role that may connect
 *   ctl                      the control tool
 * The role of an accepted peer is the name of its listener, and its
 * SO_PEERCRED uid must be the one configured for that role.
 */
#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/role.h"

struct event_base;

#define LISTEN_MAX 16

struct listen_fd {
	int fd;
	char name[32];
};
struct listen_set {
	struct listen_fd fds[LISTEN_MAX];
	size_t n;
};

/* Takes the inherited descriptors: sets CLOEXEC and O_NONBLOCK, checks that
 * each is a listening socket, and removes the variables from the environment.
 * Fatal, with the reason, when there are none, too many or an unknown name. */
void listen_take(struct listen_set *set);
/* The descriptor of that name or -1. */
int listen_find(const struct listen_set *set, const char *name);

/* Called with a connected descriptor whose peer has been identified. */
typedef void listen_accept_fn(int fd, enum role peer, void *ctx);

/* Accepts on a Unix listener for as long as the process lives. Peers with a uid
 * other than the configured one are closed and logged (rate-limited); on a
 * SEQPACKET listener so is a peer role that has 64 channels (chan_count). The
 * callback owns the descriptor (non-blocking). uids is the table of options.h,
 * read now. */
void listen_unix(struct event_base *base, int fd, enum role peer,
    const uid_t uids[ROLE_COUNT], listen_accept_fn *accepted, void *ctx);
/* The same for a listener, Unix or TCP, whose clients are no daemons: accepts
 * everybody; who it is and whether there are too many is the callback's
 * question. Its peer is ROLE_COUNT. name: static, for the log. */
void listen_anybody(struct event_base *base, int fd, const char *name,
    listen_accept_fn *accepted, void *ctx);

#endif
