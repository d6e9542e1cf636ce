/*
 * Where sealed sessions are kept: one table, keyed by the SHA-256 of the
 * cookie. The store sees ciphertext and the few facts that it needs to find,
 * count and expire rows; it never sees a token, a cookie or a key.
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

#define STORE_SEALED_MAX 24000
#define STORE_OWNER_LEN 16

struct store;

struct store_row {
	uint8_t handle[MSG_HANDLE_LEN];
	uint8_t key_id[MSG_KEY_ID_LEN];
	uint8_t owner[STORE_OWNER_LEN]; /* whose: a hash of the user's name */
	int64_t created, expires;	/* unix s */
	const uint8_t *sealed;		/* store_get: borrowed until the next
					   call of any store function */
	size_t sealed_len;		/* <= STORE_SEALED_MAX */
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
/* Is on the disk when it returns: a power failure brings no ended session
 * back. */
int store_delete(struct store *s, const uint8_t handle[MSG_HANDLE_LEN])
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

#endif
