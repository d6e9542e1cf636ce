/*
 * The client certificate of an upstream: the certificate is here, its key has
 * a signer, and every handshake in which the server asks for a certificate is
 * signed there. Follows changes; a bad one changes nothing.
 *
 * SECURITY: signers sign nothing of a client but TLS 1.3, so that is the least
 * version. Without the certificate no handshake goes through: never an
 * anonymous one in its place.
 */
#ifndef EGRESS_IDENTITY_H
#define EGRESS_IDENTITY_H

#include <stdbool.h>

#include <openssl/types.h>

struct chan;
struct event_base;
struct identity;

/* Before the sandbox. name: of the service, for messages, borrowed; number: its
 * enum service_id. changed is called from the loop whenever another certificate
 * has come into use, the first included. */
struct identity *identity_new(struct event_base *base, const char *name,
    unsigned number, void (*changed)(void *arg), void *arg);
/* NULL allowed. After every context that uses it. */
void identity_free(struct identity *id);
/* For a client's context, once. */
void identity_use(struct identity *id, SSL_CTX *ctx);
/* Asks secretd (borrowed, and asked again when the signer is gone), now. */
void identity_ask(struct identity *id, struct chan *secretd);
/* There is a certificate. */
bool identity_is_there(const struct identity *id);

#endif
