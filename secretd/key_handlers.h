/* What the control tool may ask about the session keys: ids and times, never
 * a key; and to forget one. */
#ifndef SECRETD_KEY_HANDLERS_H
#define SECRETD_KEY_HANDLERS_H

#include "common/chan.h"

int handle_keys(struct chan *ch, struct chan_in *in);	  /* MSG_KEYS */
int handle_key_drop(struct chan *ch, struct chan_in *in); /* MSG_KEY_DROP */

#endif
