/* MSG_LOGIN_TOKEN: a person's token becomes a session. */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include "common/chan.h"

int handle_login_token(struct chan *ch, struct chan_in *in);

#endif
