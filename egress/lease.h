/*
 * Leases: what authd said of a credential on a route, and until when that may
 * be used. A request with a fresh lease costs no message; a lease in use is
 * renewed in the background before it ends. authd revokes by pushing.
 *
 * An answer that cannot be had (authd or the cluster away) leaves the old lease
 * to run to its end; after that the verdict is UNAVAILABLE, never ALLOW. What
 * is under way then goes on for LEASE_HOLD_MS, so that a restart of authd cuts
 * nothing off, and no longer.
 */
#ifndef EGRESS_LEASE_H
#define EGRESS_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"

#define LEASE_HOLD_MS 15000

struct event_base;
struct chan;
struct leases;
struct lease;
struct lease_wait;

/* An exchange that lives under a lease. cut is called when it may not go on:
 * the session is over (any verdict), or nobody could be asked for too long
 * (UNAVAILABLE). It must call lease_release. */
struct lease_holder {
	struct lease *lease; /* NULL: holds none */
	struct lease_holder *next, **link;
	void (*cut)(struct lease_holder *h, enum verdict why);
};

/* Before the sandbox. At most max leases are kept; the least recently used
 * without holders go. */
struct leases *leases_new(struct event_base *base, size_t max);
/* The channel to authd, before the first lease_get. */
void leases_set_authd(struct leases *ls, struct chan *authd);

/* verdict ALLOW: lease is valid, borrowed until the callback returns unless
 * held; any other verdict: lease is NULL. */
typedef void lease_fn(enum verdict verdict, struct lease *lease, void *arg);

/* Finds or asks for the lease of a credential (1..MSG_TOKEN_MAX bytes) on a
 * route (static storage). client: "address:port", for the audit trail. Either
 * calls done before it returns, and returns NULL, or later, exactly once. */
struct lease_wait *lease_get(struct leases *ls, enum credential kind,
    struct slice value, const char *route, const char *client, lease_fn *done,
    void *arg);
void lease_cancel(struct lease_wait *w);

void lease_hold(struct lease *l, struct lease_holder *h);
void lease_release(struct lease_holder *h); /* nothing when it holds none */

/* The token to inject, "" for none. Borrowed. */
struct slice lease_token(const struct lease *l);

/* Drops the leases of one session (its handle) and cuts their holders. */
void leases_revoke(struct leases *ls, const uint8_t handle[MSG_HANDLE_LEN]);
/* The same for all sessions that are sealed under a key. */
void leases_revoke_key(struct leases *ls, const uint8_t id[MSG_KEY_ID_LEN]);
void leases_revoke_all(struct leases *ls);
/* No lease may be used before it has been asked for again; holders go on. */
void leases_expire_all(struct leases *ls);
size_t leases_count(const struct leases *ls);

#endif
