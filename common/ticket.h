/*
 * The session cookie's format: what authd makes and what a frontend may check
 * before it asks authd.
 *
 *   value     = b64url(u8 version 1, raw[4] key id, u16 epoch, raw[32] random,
 *               raw[16] tag)
 *   tag       = first 16 bytes of HMAC-SHA-256(epoch key, the 39 bytes before)
 *   epoch key = HMAC-SHA-256(screening key, "epoch", u16 epoch)
 *   epoch     = (unix time / 4 hours) mod 65536, whatever the sessions' life:
 *               another life must not make the cookies of live ones unknown
 *
 * SECURITY: the tag proves nothing; it only lets a frontend drop garbage
 * cheaply. A session exists when authd finds it, and for no other reason.
 */
#ifndef COMMON_TICKET_H
#define COMMON_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"
#include "common/wire.h"

#define TICKET_VERSION 1
#define TICKET_LEN 74 /* characters of a cookie's value, without NUL */
#define TICKET_KEY_LEN 32
#define TICKET_KEYS_MAX 64
#define TICKET_EPOCH_S 14400

struct ticket_key {
	uint8_t key_id[MSG_KEY_ID_LEN];
	uint16_t epoch;
	uint8_t key[TICKET_KEY_LEN];
};
/* Secret enough to be wiped (ticket_keys_wipe), not enough to make a session.
 */
struct ticket_keys {
	struct ticket_key at[TICKET_KEYS_MAX];
	size_t n; /* at the maximum there may be more that did not fit */
};

/* Once, before the sandbox: OpenSSL would else open its configuration at the
 * first use, and the process would be killed. */
void ticket_setup(void);

uint16_t ticket_epoch(int64_t unix_s);
/* Derives the epoch's key from the screening key of key_id. */
void ticket_key_derive(struct ticket_key *key,
    const uint8_t key_id[MSG_KEY_ID_LEN],
    const uint8_t screening_key[TICKET_KEY_LEN], uint16_t epoch);

/* A fresh random cookie value, NUL-terminated. */
void ticket_make(char dst[TICKET_LEN + 1], const struct ticket_key *key);
/* Could this be a cookie of ours? 0; ERR_FORMAT (never one of ours); ERR_CRYPTO
 * (right key, wrong tag); ERR_NOT_FOUND (key id or epoch unknown: it may be
 * worth while to ask authd for the keys again). Constant time for the tag. */
int ticket_screen(const struct ticket_keys *keys, struct slice cookie)
    __attribute__((warn_unused_result));
/* The handle of a cookie or a bearer token: SHA-256 of its text. */
void ticket_handle(uint8_t dst[MSG_HANDLE_LEN], struct slice credential);

/* Payload of MSG_SCREEN_KEYS_RESULT. */
void ticket_keys_put(
    struct wire_writer *w, const struct ticket_keys *keys, uint32_t again_s);
/* 0, or ERR_PROTOCOL; *keys and *again_s are written only on success. */
int ticket_keys_get(struct wire_reader *r, struct ticket_keys *keys,
    uint32_t *again_s) __attribute__((warn_unused_result));
void ticket_keys_wipe(struct ticket_keys *keys);

#endif
