/*
 * Sessions by the key that they are sealed under: they end when their key is
 * gone, all of them and no others, and the control tool may ask how many there
 * are.
 */
#ifndef AUTHD_KEY_SESSIONS_H
#define AUTHD_KEY_SESSIONS_H

#include "common/chan.h"

struct authd;

/* Ends the sessions under keys that are there no more: rows, leases, audit
 * trail. Call it when the keys have changed. */
void key_sessions_end_lost(struct authd *a);
/* MSG_KEY_SESSIONS. */
int handle_key_sessions(struct chan *ch, struct chan_in *in);
/* Forgets who still waits for an answer. All channels must be closed. */
void key_sessions_free(struct authd *a);

#endif
