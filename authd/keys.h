/*
 * The session keys that secretd hands out: one to seal with (the newest), and
 * older ones that still open what they sealed. Kept in guarded memory; the
 * signing key that they come from is never seen here.
 */
#ifndef AUTHD_KEYS_H
#define AUTHD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/wire.h"

#define KEYS_MAX MSG_KEYS_MAX
#define KEYS_LEN 32

struct session_key {
	uint8_t id[MSG_KEY_ID_LEN];
	uint8_t seal[KEYS_LEN];
	uint8_t screening[KEYS_LEN];
};

struct keys;
struct keys *keys_new(void);
void keys_free(struct keys *k); /* wipes; NULL allowed */

/* Takes the payload of MSG_SESSION_KEYS_RESULT in place of what there was.
 * ERR_PROTOCOL, or ERR_NOT_FOUND when secretd has no usable key: then the keys
 * stay as they are. *dropped: a key that was there is there no more, or it is
 * not known what was there before: sessions under lost keys are over. */
int keys_load(struct keys *k, struct wire_reader *r, bool *dropped)
    __attribute__((warn_unused_result));
/* Are there any? Until then nothing can be decided. */
bool keys_ready(const struct keys *k);
size_t keys_count(const struct keys *k);
/* 0 is the newest. Borrowed until the next keys_load; NULL behind the last. */
const struct session_key *keys_at(const struct keys *k, size_t i);
const struct session_key *keys_find(
    const struct keys *k, const uint8_t id[MSG_KEY_ID_LEN]);

#endif
