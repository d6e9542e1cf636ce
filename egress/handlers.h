/* The control messages that egress answers: authd's pushes, and status. */
#ifndef EGRESS_HANDLERS_H
#define EGRESS_HANDLERS_H

struct chan_peer;

extern const struct chan_peer egress_authd; /* for chan_connect, ctx: egress */
extern const struct chan_peer egress_ctl;   /* for chan_accepted */

#endif
