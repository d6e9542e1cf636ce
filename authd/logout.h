/*
 * MSG_LOGOUT and MSG_LOGOUT_EVERYWHERE: a person's session, or all of them,
 * end everywhere before anybody is told so.
 */
#ifndef AUTHD_LOGOUT_H
#define AUTHD_LOGOUT_H

#include <stddef.h>

#include "common/chan.h"

int handle_logout(struct chan *ch, struct chan_in *in);
int handle_logout_everywhere(struct chan *ch, struct chan_in *in);

/* For the trail: n sessions of a person ended, and who was it that ended them.
 * Texts that are "" are left out. */
void audit_sessions_ended(
    const char *user, const char *client, const char *reason, size_t n);

#endif
