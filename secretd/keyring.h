/*
 * The keys of the sessions, derived from the login-token signing key. authd
 * gets these and never the signing key itself:
 *   key id        first 4 bytes of HKDF-SHA-256 (RFC 5869), no salt,
 *                 info "doorward key id v1"
 *   seal key      32 bytes, info "doorward session seal v1"
 *   screening key 32 bytes, info "doorward session screen v1"
 */
#ifndef SECRETD_KEYRING_H
#define SECRETD_KEYRING_H

#include <stddef.h>

#include "common/wire.h"

struct keyring;
struct secret;

#define KEYRING_MAX 16

struct keyring *keyring_new(void);
void keyring_free(struct keyring *k); /* wipes; NULL allowed */
/* Derives and puts in front, the newest first; the oldest goes when there are
 * too many. The same key again changes nothing but its place. 0 or
 * ERR_CRYPTO. */
int keyring_add(struct keyring *k, const struct secret *signing_key)
    __attribute__((warn_unused_result));
size_t keyring_count(const struct keyring *k);
/* The payload of MSG_SESSION_KEYS_RESULT. */
void keyring_put(const struct keyring *k, struct wire_writer *w);

#endif
