/*
 * Accepts clients on the inherited listeners that all workers share, within
 * the caps on connections. At the worker's cap it stops accepting: those who
 * wait in the backlog may get another worker.
 */
#ifndef FRONTEND_LISTENER_H
#define FRONTEND_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct listener;
struct settings;
struct worker;

struct listener *listener_new(struct worker *w, const int *fds, size_t n);
/* Looks whether there is room again. */
void listener_update(struct listener *l);
/* For good. */
void listener_stop(struct listener *l);
/* May this peer speak plain HTTP? Only the machine itself and trusted proxies:
 * a token that travels the network in the clear is anybody's. */
bool listener_plain_allowed(
    const struct settings *s, const struct sockaddr *peer);

#endif
