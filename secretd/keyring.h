/*
 * The keys of the sessions, derived from the login-token signing key. authd
 * gets these and never the signing key itself, which is not kept here either:
 *   key id        first 4 bytes of HKDF-SHA-256 (RFC 5869), no salt,
 *                 info "doorward key id v1"
 *   seal key      32 bytes, info "doorward session seal v1"
 *   screening key 32 bytes, info "doorward session screen v1"
 *
 * One key is current: the slot's; new sessions are made under it. Those before
 * it are previous: they open what they sealed until the longest session can
 * have ended, and then go by themselves. A revoked key goes at once, and its id
 * is remembered, so that it is never accepted again.
 *
 * SECURITY: the ring is kept in the file "keyring" of the state directory, mode
 * 0600, derived keys unsealed. A seal would have to be under the current key,
 * and that is not at hand just when the file is needed: when the slot's key was
 * replaced while secretd was stopped. Who can read the file can also read the
 * slot, both being secretd's alone; the signing key cannot be had from it.
 */
#ifndef SECRETD_KEYRING_H
#define SECRETD_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/wire.h"

struct keyring;
struct secret;

#define KEYRING_MAX MSG_KEYS_MAX
/* Ids that are remembered; then the oldest is forgotten. */
#define KEYRING_REVOKED_MAX 1024
/* A previous key stays this much longer than a session lives: authd may learn
 * of a new key half a minute late, and clocks are set. */
#define KEYRING_MARGIN_S 300

/* Reads what dir holds; a damaged file is moved aside, with an error in the
 * log. dir NULL: nothing is kept. life_s: the longest that a session may live;
 * a key remembers the longest that held while it was current. */
struct keyring *keyring_open(const char *dir, uint32_t life_s);
void keyring_free(struct keyring *k); /* wipes; NULL allowed */

/* All changes are on the disk when they return, or have not happened. now: unix
 * s. */

/* Derives a key and makes it current; the one that was is previous from now on.
 * One that was previous comes back. *changed: it was not current already. id:
 * of the key, also when it is refused. ERR_CRYPTO; ERR_DENIED: it was revoked;
 * ERR_LIMIT: there are KEYRING_MAX; ERR_IO: it cannot be kept. */
int keyring_use(struct keyring *k, const struct secret *signing_key,
    int64_t now, uint8_t id[MSG_KEY_ID_LEN], bool *changed)
    __attribute__((warn_unused_result));
/* Forgets a previous key; revoked: for good. ERR_NOT_FOUND: there is none (but
 * revoking twice is allowed); ERR_DENIED: it is the current one; ERR_IO. */
int keyring_drop(struct keyring *k, const uint8_t id[MSG_KEY_ID_LEN],
    bool revoked) __attribute__((warn_unused_result));
/* Lets go of previous keys whose time is over. Returns how many. */
size_t keyring_expire(struct keyring *k, int64_t now);

size_t keyring_count(const struct keyring *k);
/* What is known of a key besides the key. */
struct keyring_key {
	uint8_t id[MSG_KEY_ID_LEN];
	enum key_state state;
	int64_t since; /* unix s: first current */
	int64_t until; /* unix s: goes then; 0: the current one */
};
/* 0 is the newest. False behind the last. */
bool keyring_at(const struct keyring *k, size_t i, struct keyring_key *out);
/* The payload of MSG_SESSION_KEYS_RESULT: all of them, the newest first. */
void keyring_put(const struct keyring *k, struct wire_writer *w);

#endif
