/*
 * A TLS private key that is not here: an EVP_PKEY of a built-in OpenSSL
 * provider that knows the public half and has every signature made by the
 * signer process (MSG_SIGN), inside an async job, so that the event loop never
 * waits. The key can't be exported, decrypts nothing and signs only through
 * libssl's handshakes.
 *
 * SECURITY: a job that is resumed before the answer has come gives up; that is
 * how a cut-off handshake is unwound (common/conn_tls.c).
 */
#ifndef COMMON_TLS_KEY_H
#define COMMON_TLS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/role.h"

struct event_base;
struct evp_pkey_st;
struct tls_key;

/* Signatures that may be under way at once in this process; a handshake that
 * needs one more fails. */
#define TLS_KEY_JOBS_MAX 512

/* Before the sandbox; a second call does nothing: the provider and the async
 * jobs of this thread. Fatal when OpenSSL refuses. */
void tls_key_setup(void);
/* Gives back what tls_key_setup took, when all keys are gone. */
void tls_key_done(void);

/* self: ROLE_FRONTEND or ROLE_EGRESS. public_key: EC on P-256 or P-384, RSA of
 * 2048 to 4096 bits (kept by reference). signer_fd: a channel to the signer;
 * taken. lost is called, from the loop, whenever the signer is gone; signatures
 * then wait for the next one until their handshake ends or the key is dropped.
 */
struct tls_key *tls_key_new(struct event_base *base, enum role self,
    struct evp_pkey_st *public_key, int signer_fd, void (*lost)(void *arg),
    void *arg);
/* Another signer for the same key; takes signer_fd. What waits is asked of it.
 */
void tls_key_attach(struct tls_key *k, int signer_fd);
/* Gives the owner's reference back: lost is not called any more, and when the
 * signer is gone nothing waits. The key itself lives as long as an EVP_PKEY of
 * it does. NULL allowed. */
void tls_key_drop(struct tls_key *k);
/* A new EVP_PKEY of the key, for SSL_CTX_use_PrivateKey; the caller frees it.
 * NULL when OpenSSL refuses. */
struct evp_pkey_st *tls_key_pkey(struct tls_key *k);
/* Is the signer there? */
bool tls_key_is_live(const struct tls_key *k);
/* Signatures under way in this process. */
size_t tls_key_jobs(void);

#endif
