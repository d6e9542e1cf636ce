/*
 * secretd's side of the signer: reads certificate and key, forks the signer,
 * gives it both, forgets the key, and forks again when the signer dies.
 */
#ifndef SECRETD_TLS_SIGNER_H
#define SECRETD_TLS_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

struct event_base;
struct settings;
struct tls_signer;

/* NULL when no TLS is configured. Before the sandbox. settings is borrowed. */
struct tls_signer *tls_signer_new(
    struct event_base *base, const struct settings *settings);
/* Inside the sandbox: starts the signer and waits until it has the key. Fatal,
 * with a sentence, when key or certificate are of no use. NULL does nothing. */
void tls_signer_start(struct tls_signer *t);
/* One end of a new channel to the signer; the caller closes it. 0, or
 * ERR_UNAVAILABLE when the signer is away. */
int tls_signer_attach(struct tls_signer *t, int *fd)
    __attribute__((warn_unused_result));
/* The certificate chain that belongs to the signer's key (PEM, leaf first);
 * empty when the signer is away. */
struct slice tls_signer_chain(const struct tls_signer *t);
/* "not configured", "ready", "starting" or "away", for status. */
const char *tls_signer_state(const struct tls_signer *t);
uint64_t tls_signer_restarts(const struct tls_signer *t);

#endif
