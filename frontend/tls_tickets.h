/*
 * Session tickets under keys that secretd makes and all workers share: the
 * newest key encrypts, every key decrypts, and a ticket under an older one is
 * renewed. Until the first keys come, a random one of this worker's own serves.
 */
#ifndef FRONTEND_TLS_TICKETS_H
#define FRONTEND_TLS_TICKETS_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

struct wire_reader;
struct tls_tickets;

struct tls_tickets *tls_tickets_new(void);
void tls_tickets_free(struct tls_tickets *t); /* wipes; NULL allowed */
/* The payload of MSG_TICKET_KEYS_RESULT. 0 with the seconds after which to ask
 * again, or ERR_FORMAT, and the keys stay as they are. */
int tls_tickets_take(struct tls_tickets *t, struct wire_reader *payload,
    uint32_t *again_s) __attribute__((warn_unused_result));
size_t tls_tickets_count(const struct tls_tickets *t);
/* t must outlive the context's connections. ERR_CRYPTO: OpenSSL refuses. */
int tls_tickets_apply(struct tls_tickets *t, SSL_CTX *ctx)
    __attribute__((warn_unused_result));

#endif
