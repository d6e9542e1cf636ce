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
#define SESSION_ISSUER_MAX 1024

struct keys;
struct settings;
struct store;
struct sessions;

/* An opened session. Holds tokens: session_wipe when done, and nothing of it is
 * good any more. */
struct session {
	uint8_t handle[MSG_HANDLE_LEN];
	uint8_t key_id[MSG_KEY_ID_LEN]; /* it was made under, and stays */
	int strategy; /* enum strategy: the one it was made under */
	struct identity who;
	/* All of these are in the one block; texts that there are not are "".
	 */
	const char *issuer, *subject, *sid;
	struct slice token; /* that the console and the cluster get */
	struct slice id_token, access_token, refresh_token;
	uint8_t *block;
	size_t block_len;
	/* When the tokens came, and until when the one in use is good; unix s,
	 * 0: not known. */
	int64_t token_since, token_end;
	int64_t created, last_use, end;
};
/* One that is all zeroes is allowed. */
void session_wipe(struct session *s);

/* What a login is made of; all borrowed. */
struct session_facts {
	const struct identity *who; /* sessions_renew: NULL: as it was */
	struct slice token;	    /* that the console and the cluster get */
	int64_t token_end;	    /* unix s, 0: not known */
	/* OpenID Connect only, else NULL or "". */
	const char *issuer, *subject, *sid;
	struct slice id_token, access_token, refresh_token;
};

/* Called for each session that ended without its user; it is deleted already.
 */
typedef void sessions_evicted_fn(
    const uint8_t handle[MSG_HANDLE_LEN], void *arg);

/* All borrowed; they must outlive it. */
struct sessions *sessions_new(const struct settings *settings,
    struct store *store, struct keys *keys, sessions_evicted_fn *evicted,
    void *arg);
void sessions_free(struct sessions *s);

/* The longest that a session may live, for the screening epochs. */
uint32_t sessions_longest_s(const struct sessions *s);
/* Makes a session of the configured time; without a refresh token it ends with
 * its token, if that is earlier. Writes the cookie and the end. ERR_LIMIT:
 * something is over-long; ERR_EXPIRED: token_end is past; ERR_UNAVAILABLE: no
 * keys or no store. */
int sessions_create(struct sessions *s, const struct session_facts *facts,
    char cookie[TICKET_LEN + 1], int64_t *end)
    __attribute__((warn_unused_result));
/* Gives a session the tokens that a refresh brought; its cookie, its key, its
 * sid and the time it was made stay. On the disk when it returns 0. Fails as
 * sessions_find, and with ERR_DENIED when issuer or subject are others, and as
 * sessions_create. */
int sessions_renew(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    const struct session_facts *facts) __attribute__((warn_unused_result));
/* ERR_NOT_FOUND: no such session, or none that opens, or of another strategy;
 * ERR_EXPIRED: its time or its idle time is over; ERR_UNAVAILABLE: cannot be
 * said now. *out is written only on success. */
int sessions_find(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct session *out) __attribute__((warn_unused_result));
/* The session was used just now. Costs a write at most once a minute, and none
 * without an idle limit. What is written is the session as it was found: find
 * and use belong into one turn of the loop. */
void sessions_use(struct sessions *s, struct session *session);
/* ERR_NOT_FOUND when there was none, ERR_IO when it could not be deleted. */
int sessions_delete(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN])
    __attribute__((warn_unused_result));
/* These end all sessions that a provider calls sid, all of an issuer's subject,
 * or all whose user is shown like that; whether they open or not, whatever
 * became of their keys. On the disk when it returns 0; each is then called for
 * every one, *n says how many. ERR_IO. */
int sessions_end_sid(struct sessions *s, const char *issuer, const char *sid,
    sessions_evicted_fn *each, void *arg, size_t *n)
    __attribute__((warn_unused_result));
int sessions_end_subject(struct sessions *s, const char *issuer,
    const char *subject, sessions_evicted_fn *each, void *arg, size_t *n)
    __attribute__((warn_unused_result));
int sessions_end_user(struct sessions *s, const char *user,
    sessions_evicted_fn *each, void *arg, size_t *n)
    __attribute__((warn_unused_result));
/* Opens the newest of those that the first two of these would end, at most
 * SESSIONS_VISITED; what does not open, or is over, is passed over. */
#define SESSIONS_VISITED 50
typedef void sessions_visit_fn(const struct session *session, void *arg);
void sessions_visit_sid(struct sessions *s, const char *issuer, const char *sid,
    sessions_visit_fn *visit, void *arg);
void sessions_visit_subject(struct sessions *s, const char *issuer,
    const char *subject, sessions_visit_fn *visit, void *arg);
/* What a login or a logout token names itself by, to be taken once. Remembered
 * until then (unix s), also by the next process. kind keeps names apart that do
 * not know of each other. ERR_EXISTS: used before. ERR_LIMIT, ERR_IO: cannot be
 * remembered, so do not take it. */
int sessions_use_once(struct sessions *s, const char *kind, struct slice id,
    int64_t until) __attribute__((warn_unused_result));
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
