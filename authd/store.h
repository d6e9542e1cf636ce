/*
 * Where sealed sessions are kept: one table, keyed by the SHA-256 of the
 * cookie; and a second one of what may be used once only. The store sees
 * ciphertext and the few facts that it needs to find, count and expire rows; it
 * never sees a token, a cookie or a key.
 *
 * This is the whole interface of a backend. Here: SQLite, one file of mode 0600
 * in the state directory, that this process alone opens.
 */
#ifndef AUTHD_STORE_H
#define AUTHD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"

#define STORE_SEALED_MAX 98304
#define STORE_OWNER_LEN 16
#define STORE_HASH_LEN 32
#define STORE_USED_MAX 200000 /* things used once, that are remembered */

struct store;

struct store_row {
	uint8_t handle[MSG_HANDLE_LEN];
	uint8_t key_id[MSG_KEY_ID_LEN];
	uint8_t owner[STORE_OWNER_LEN]; /* whose: a hash of the user's name */
	int64_t created, expires;	/* unix s */
	/* Hashes of the provider's session and person, by which it is ended,
	 * STORE_HASH_LEN each; NULL: none. For store_put alone. */
	const uint8_t *sid, *subject;
	const uint8_t *sealed; /* store_get: borrowed until the next
				  call of any store function */
	size_t sealed_len;     /* <= STORE_SEALED_MAX */
};

/* Opens or makes <dir>/sessions.db; before the sandbox. A damaged file is moved
 * aside (sessions.db.damaged) with an error in the log, and an empty one begun:
 * sessions are lost, the service lives; the same at any later call that finds
 * damage. Fatal when the directory does not serve. */
struct store *store_open(const char *dir);
void store_close(struct store *s); /* NULL allowed */

/* All return 0 or ERR_IO (logged); those that look a row up ERR_NOT_FOUND. */
int store_put(struct store *s, const struct store_row *row)
    __attribute__((warn_unused_result));
int store_get(struct store *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct store_row *row) __attribute__((warn_unused_result));
/* New content and end of a row. */
int store_touch(struct store *s, const struct store_row *row)
    __attribute__((warn_unused_result));
/* The same; on the disk when it returns. */
int store_renew(struct store *s, const struct store_row *row)
    __attribute__((warn_unused_result));
/* Is on the disk when it returns: a power failure brings no ended session
 * back. */
int store_delete(struct store *s, const uint8_t handle[MSG_HANDLE_LEN])
    __attribute__((warn_unused_result));
/* Removes every row of which column has this value (STORE_HASH_LEN bytes, of an
 * owner STORE_OWNER_LEN), on the disk when it returns. *handles: theirs, n_out
 * of them, to be freed; NULL on errors and when there are none. */
enum store_column { STORE_SID, STORE_SUBJECT, STORE_OWNER };
int store_delete_all(struct store *s, enum store_column column,
    const uint8_t *value, uint8_t (**handles)[MSG_HANDLE_LEN], size_t *n_out)
    __attribute__((warn_unused_result));
/* The handles of the newest rows of which column (not STORE_OWNER) has this
 * value, at most max. */
int store_find_all(struct store *s, enum store_column column,
    const uint8_t value[STORE_HASH_LEN], unsigned max,
    uint8_t (*handles)[MSG_HANDLE_LEN], size_t *n_out)
    __attribute__((warn_unused_result));
/* Removes at most max rows with expires <= now; *n_out says how many. */
int store_expire(struct store *s, int64_t now, unsigned max, size_t *n_out)
    __attribute__((warn_unused_result));
/* Rows under a key that do not expire before now. */
int store_count_key(struct store *s, const uint8_t key_id[MSG_KEY_ID_LEN],
    int64_t now, size_t *n_out) __attribute__((warn_unused_result));
/* Removes all rows under a key; on the disk when it returns, as store_delete.
 */
int store_delete_key(struct store *s, const uint8_t key_id[MSG_KEY_ID_LEN])
    __attribute__((warn_unused_result));
/* A key of some row that is not there(); there must not use the store. */
int store_find_key(struct store *s,
    bool (*there)(const uint8_t key_id[MSG_KEY_ID_LEN], void *arg), void *arg,
    uint8_t key_id[MSG_KEY_ID_LEN]) __attribute__((warn_unused_result));
size_t store_count(const struct store *s);
/* Rows of one owner. */
int store_count_owner(struct store *s, const uint8_t owner[STORE_OWNER_LEN],
    size_t *n_out) __attribute__((warn_unused_result));
/* The row made first; owner NULL: of all. */
int store_oldest(struct store *s, const uint8_t *owner,
    uint8_t handle[MSG_HANDLE_LEN]) __attribute__((warn_unused_result));

/* Remembers that something was used, by its hash, until then (unix s).
 * ERR_EXISTS: it is remembered already. ERR_LIMIT: too much is. */
int store_use_once(struct store *s, const uint8_t hash[STORE_HASH_LEN],
    int64_t until) __attribute__((warn_unused_result));
/* Forgets what was to be remembered until now or before. */
int store_forget_used(struct store *s, int64_t now)
    __attribute__((warn_unused_result));

#endif
