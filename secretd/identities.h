/*
 * TLS identities: certificates whose keys signers have. The server certificates
 * of the configuration, and for every external service that wants one a client
 * certificate. Each has a signer of its own, started anew when it dies.
 *
 * A certificate and its key are replaced as a pair: when a file changes, a
 * second signer tries what is there; only when the two belong together it takes
 * over, and the first finishes what it has begun. Anything else changes nothing
 * but the status: a signer that dies meanwhile is started anew with the last
 * good pair, which is kept for that.
 *
 * And the key of slot oidc-key, with which Doorward proves itself to an OpenID
 * provider: of the same life, but without a certificate. What stands in its
 * place, client id and issuer, is from the configuration.
 */
#ifndef SECRETD_IDENTITIES_H
#define SECRETD_IDENTITIES_H

#include <stddef.h>
#include <sys/types.h>

#include "common/msg.h"
#include "common/text.h"
#include "secretd/slots.h"

struct event_base;
struct identities;
struct settings;
struct watch;

/* A new pair is served, or a signer is there again: who uses it should ask
 * anew. number: index of the server certificate, or enum service_id; 0 for
 * client assertions. */
typedef void identity_changed_fn(
    enum signer_purpose purpose, unsigned number, void *arg);

/* Before the sandbox. settings and where are borrowed. */
struct identities *identities_new(struct event_base *base,
    const struct settings *settings, const struct slot_dirs *where,
    identity_changed_fn *changed, void *arg);
/* Inside the sandbox: starts the signers and waits until they have their keys.
 * Fatal, with a sentence, when a pair is of no use. */
void identities_start(struct identities *all);
/* From now on changes are seen. */
void identities_watch(struct identities *all, struct watch *w);
/* Looks at every pair anew. */
void identities_look(struct identities *all);
/* Ends the signers, and wipes; NULL allowed. */
void identities_free(struct identities *all);

/* One end of a new channel to the signer, for the process (0: not known) of a
 * peer, which the caller closes, and the chain (PEM, leaf first; borrowed); for
 * client assertions the name of the key, "ES256 <kid>".
 * 0; ERR_NOT_FOUND: none is configured; ERR_UNAVAILABLE: the signer is away. */
int identities_attach(struct identities *all, enum signer_purpose purpose,
    unsigned number, pid_t process, int *fd, struct slice *chain)
    __attribute__((warn_unused_result));

/* Lines "name: value\n" for status; returns the length. */
size_t identities_status(const struct identities *all, char *dst, size_t cap);

#endif
