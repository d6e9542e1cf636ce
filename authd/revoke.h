/*
 * Pushes the end of sessions to every egress and waits for their word that no
 * lease is left.
 *
 * An egress keeps its leases when it loses the channel and drops all of them
 * when the channel is back. So a lost channel counts as an egress that has not
 * acknowledged until one of two things has happened: a channel has become ready
 * since (each egress process has exactly one, so it is that egress or its
 * successor, and neither holds an old lease), or the longest lease has run out.
 * A fresh authd cannot know whom its predecessor gave leases to and begins as
 * if one channel had just been lost.
 */
#ifndef AUTHD_REVOKE_H
#define AUTHD_REVOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"

#define REVOKE_WAIT_MS 2000

struct chan;
struct event_base;
struct revokes;

/* lease_max_ms: the longest lease that is given out. */
struct revokes *revokes_new(struct event_base *base, uint32_t lease_max_ms);
/* No channel may be attached any more. */
void revokes_free(struct revokes *r);

/* An egress channel has become ready, or is gone. */
void revokes_attach(struct revokes *r, struct chan *ch);
void revokes_detach(struct revokes *r, struct chan *ch);
size_t revokes_channels(const struct revokes *r);

/* all: every egress is known to have dropped what was revoked. */
typedef void revoke_done_fn(bool all, void *arg);
/* Tells every egress. handle: NULL for REVOKE_ALL. done (NULL: nobody waits)
 * is called exactly once, within REVOKE_WAIT_MS, always later than this call.
 */
void revokes_push(struct revokes *r, enum revoke what, const uint8_t *handle,
    revoke_done_fn *done, void *arg);

#endif
