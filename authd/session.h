/*
 * Sessions: made at a login, found by their cookie, ended by whoever may. Joins
 * the store (rows), the seal (content) and the keys (which key opens what).
 * Decides nothing about tokens; answers only what a session is and whether its
 * time is over.
 */
#ifndef AUTHD_SESSION_H
#define AUTHD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"
#include "common/ticket.h"

#include "authd/identity.h"

#define SESSIONS_PER_USER 1000
#define SESSIONS_MAX 100000

struct keys;
struct settings;
struct store;
struct sessions;

/* An opened session. Holds the token: session_wipe when done. */
struct session {
	uint8_t handle[MSG_HANDLE_LEN];
	uint8_t key_id[MSG_KEY_ID_LEN]; /* it was made under, and stays */
	int strategy; /* enum strategy: the one it was made under */
	struct identity who;
	char token[MSG_TOKEN_MAX];
	size_t token_len;
	int64_t created, last_use, end; /* unix s */
};
void session_wipe(struct session *s);
struct slice session_token(const struct session *s);

/* Called for a session that had to make room for a new one; it is deleted
 * already. */
typedef void sessions_evicted_fn(
    const uint8_t handle[MSG_HANDLE_LEN], void *arg);

/* All borrowed; they must outlive it. */
struct sessions *sessions_new(const struct settings *settings,
    struct store *store, struct keys *keys, sessions_evicted_fn *evicted,
    void *arg);
void sessions_free(struct sessions *s);

/* The longest that a session may live, for the screening epochs. */
uint32_t sessions_longest_s(const struct sessions *s);
/* Makes a session for who with token until the earlier of the configured time
 * and token_end (unix s, 0: none). Writes the cookie and the end. ERR_LIMIT:
 * over-long token; ERR_EXPIRED: token_end is past; ERR_UNAVAILABLE: no
 * keys or no store. */
int sessions_create(struct sessions *s, const struct identity *who,
    struct slice token, int64_t token_end, char cookie[TICKET_LEN + 1],
    int64_t *end) __attribute__((warn_unused_result));
/* ERR_NOT_FOUND: no such session, or none that opens, or of another strategy;
 * ERR_EXPIRED: its time or its idle time is over; ERR_UNAVAILABLE: cannot be
 * said now. *out is written only on success. */
int sessions_find(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct session *out) __attribute__((warn_unused_result));
/* The session was used just now. Costs a write at most once a minute, and none
 * without an idle limit. */
void sessions_use(struct sessions *s, struct session *session);
/* ERR_NOT_FOUND when there was none, ERR_IO when it could not be deleted. */
int sessions_delete(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN])
    __attribute__((warn_unused_result));
/* Removes rows whose time is over, a bounded number; call it now and then. */
void sessions_purge(struct sessions *s);
size_t sessions_count(const struct sessions *s);

/* Finds a key that sessions are sealed under but that is not there any more:
 * they can never be opened again. False: there is none. */
bool sessions_find_lost_key(struct sessions *s, uint8_t key_id[MSG_KEY_ID_LEN]);
/* Ends all sessions under a key; *n_out says how many were open. On the disk
 * when it returns 0. */
int sessions_end_key(struct sessions *s, const uint8_t key_id[MSG_KEY_ID_LEN],
    size_t *n_out) __attribute__((warn_unused_result));
/* How many sessions are open under a key. ERR_IO. */
int sessions_count_key(struct sessions *s, const uint8_t key_id[MSG_KEY_ID_LEN],
    size_t *n_out) __attribute__((warn_unused_result));

#endif
