/* MSG_LOGOUT: a session ends, everywhere, before anybody is told so. */
#ifndef AUTHD_LOGOUT_H
#define AUTHD_LOGOUT_H

#include "common/chan.h"

int handle_logout(struct chan *ch, struct chan_in *in);

#endif
