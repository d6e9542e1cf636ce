/*
 * One of a worker's certificates: asks secretd for it, makes a context of it
 * and of the key that its signer has, and follows changes. A bad one changes
 * nothing. Connections keep the context that they began with.
 */
#ifndef FRONTEND_TLS_IDENTITY_H
#define FRONTEND_TLS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "frontend/tls_names.h"
#include "frontend/tls_policy.h"

struct chan;
struct event_base;
struct tls_identity;
struct tls_tickets;

/* What all certificates of a worker have in common. */
struct tls_common {
	struct event_base *base;
	struct chan *secretd;
	struct tls_policy policy;
	struct tls_tickets *tickets;
	/* SSL_CTX_set_tlsext_servername_callback's, for every context */
	int (*server_name)(SSL *ssl, int *alert, void *arg);
	/* a context has come into use */
	void (*changed)(void *arg);
	void *arg;
};

/* Asks at once. common is borrowed. */
struct tls_identity *tls_identity_new(
    const struct tls_common *common, unsigned number);
void tls_identity_free(struct tls_identity *id); /* NULL allowed */
/* Asks anew, now: secretd says that there is another. */
void tls_identity_ask(struct tls_identity *id);
/* Borrowed; NULL until the first answer. */
SSL_CTX *tls_identity_ctx(const struct tls_identity *id);
const struct tls_names *tls_identity_names(const struct tls_identity *id);
/* Its signer can be asked. */
bool tls_identity_is_live(const struct tls_identity *id);
/* unix s; 0: none yet */
int64_t tls_identity_until(const struct tls_identity *id);

#endif
