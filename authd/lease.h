/*
 * MSG_LEASE and MSG_SESSION: may this credential pass, and whose is it? Both
 * run the whole validation; a lease also carries the token to inject and how
 * long the answer may be used.
 */
#ifndef AUTHD_LEASE_H
#define AUTHD_LEASE_H

#include "common/chan.h"

int handle_lease(struct chan *ch, struct chan_in *in);
int handle_session(struct chan *ch, struct chan_in *in);

#endif
