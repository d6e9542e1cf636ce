/*
 * AES-256-GCM around the content of a session: nonce[12] ciphertext tag[16],
 * with a random nonce. The store's key (the cookie's SHA-256) and the id of
 * the session key are authenticated with it, so that a row that was moved
 * under another cookie, or relabelled, does not open.
 */
#ifndef AUTHD_SEAL_H
#define AUTHD_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "authd/keys.h"

#define SEAL_OVERHEAD (12 + 16)

/* Writes len + SEAL_OVERHEAD bytes; dst must have room for them. */
void seal_close(uint8_t *dst, const struct session_key *key,
    const uint8_t handle[MSG_HANDLE_LEN], const void *plain, size_t len);
/* Writes len - SEAL_OVERHEAD bytes to dst of cap bytes, *n_out says how many.
 * ERR_CRYPTO when the seal does not hold (dst is wiped), ERR_LIMIT when it does
 * not fit. */
int seal_open(uint8_t *dst, size_t cap, size_t *n_out,
    const struct session_key *key, const uint8_t handle[MSG_HANDLE_LEN],
    const void *sealed, size_t len) __attribute__((warn_unused_result));

#endif
