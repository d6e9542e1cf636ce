/*
 * Who hears of changes: every channel of a frontend, authd or egress, from
 * accept to close. A peer that is just away asks for everything when it is
 * back, so nothing is kept for it.
 */
#ifndef SECRETD_TOLD_H
#define SECRETD_TOLD_H

#include "common/chan.h"

struct secretd;

/* After chan_accepted; takes the channel's chan_user. */
void told_add(struct secretd *d, struct chan *ch, enum role peer);
/* A chan_peer's closed. */
void told_closed(struct chan *ch);
/* Pushes MSG_CHANGED to all channels of these roles (mask of 1 << enum role).
 */
void told_push(const struct secretd *d, unsigned roles, enum changed what,
    unsigned number);

#endif
