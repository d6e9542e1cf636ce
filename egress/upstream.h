/*
 * An upstream server: its addresses, its idle connections, its TLS context.
 * Connections are kept for a few seconds after use; one that shows any sign of
 * life while idle is dropped.
 */
#ifndef EGRESS_UPSTREAM_H
#define EGRESS_UPSTREAM_H

#include <stddef.h>

struct event_base;
struct resolve;
struct conn;
struct url;
struct upstream;
struct upstream_wait;

/* Before the sandbox: reads ca_file ("" or NULL: the system's certificates)
 * for https. Fatal when it cannot be read. at is borrowed for good. */
struct upstream *upstream_new(struct event_base *base, struct resolve *resolve,
    const struct url *at, const char *ca_file);

/* An idle connection, now the caller's (conn_set_owner), or NULL. */
struct conn *upstream_idle(struct upstream *u);

/* c: connected, TLS included, the caller's; or NULL, and err says why:
 * ERR_UNAVAILABLE (refused, no such name, TLS not acceptable), ERR_TIMEOUT. */
typedef void upstream_fn(int err, struct conn *c, void *arg);
/* Connects anew, trying every address. done is called later, exactly once. */
struct upstream_wait *upstream_connect(
    struct upstream *u, upstream_fn *done, void *arg);
void upstream_cancel(struct upstream_wait *w);

/* Gives a connection back whose last response was complete and kept alive. */
void upstream_put(struct upstream *u, struct conn *c);
size_t upstream_idle_count(const struct upstream *u);

#endif
