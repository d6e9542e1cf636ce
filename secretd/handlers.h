/* What secretd answers, one table per kind of peer. */
#ifndef SECRETD_HANDLERS_H
#define SECRETD_HANDLERS_H

#include "common/chan.h"

/* The context of the channels is struct secretd. */
extern const struct chan_peer secretd_frontend, secretd_authd, secretd_egress,
    secretd_ctl;

/* Tells whom it concerns; an identity_changed_fn. */
void secretd_identity_changed(
    enum signer_purpose purpose, unsigned number, void *secretd);
/* Takes an accepted connection; a listen_accept_fn. */
void secretd_accept(int fd, enum role peer, void *secretd);

#endif
