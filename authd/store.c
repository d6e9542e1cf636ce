/*
 * The session store in SQLite; see store.h.
 *
 * WAL with synchronous=NORMAL: a killed process loses nothing, a power failure
 * at most the newest sessions. Deletions are written with synchronous=FULL.
 * locking_mode=EXCLUSIVE keeps the WAL index in ordinary memory: no file is
 * shared or mapped, which the sandbox would have to allow.
 */
#include "authd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#include "authd/store_schema.h"

enum statement {
	STATEMENT_PUT,
	STATEMENT_GET,
	STATEMENT_TOUCH,
	STATEMENT_DELETE,
	STATEMENT_EXPIRE,
	STATEMENT_KEYS,
	STATEMENT_COUNT_KEY,
	STATEMENT_DELETE_KEY,
	STATEMENT_COUNT,
	STATEMENT_COUNT_OWNER,
	STATEMENT_OLDEST,
	STATEMENT_OLDEST_OWNER,
	STATEMENT_FIND_SID,
	STATEMENT_FIND_SUBJECT,
	STATEMENT_DELETE_SID,
	STATEMENT_DELETE_SUBJECT,
	STATEMENT_DELETE_OWNER,
	STATEMENT_USE,
	STATEMENT_USED_EXPIRE,
	STATEMENT_USED_COUNT,
	STATEMENT_COUNT_OF
};

static const char *const statements[STATEMENT_COUNT_OF] = {
	[STATEMENT_PUT] = "INSERT INTO session"
			  "(handle, key_id, owner, created, expires, sealed,"
			  " sid_hash, subject_hash)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[STATEMENT_GET] = "SELECT key_id, owner, created, expires, sealed"
			  " FROM session WHERE handle = ?1",
	[STATEMENT_TOUCH] = "UPDATE session SET key_id = ?2, expires = ?3,"
			    " sealed = ?4 WHERE handle = ?1",
	[STATEMENT_DELETE] = "DELETE FROM session WHERE handle = ?1",
	[STATEMENT_EXPIRE] = "DELETE FROM session WHERE id IN (SELECT id FROM"
			     " session WHERE expires <= ?1 LIMIT ?2)",
	[STATEMENT_KEYS] = "SELECT DISTINCT key_id FROM session",
	[STATEMENT_COUNT_KEY] = "SELECT count(*) FROM session"
				" WHERE key_id = ?1 AND expires > ?2",
	[STATEMENT_DELETE_KEY] = "DELETE FROM session WHERE key_id = ?1",
	[STATEMENT_COUNT] = "SELECT count(*) FROM session",
	[STATEMENT_COUNT_OWNER] = "SELECT count(*) FROM session"
				  " WHERE owner = ?1",
	[STATEMENT_OLDEST] = "SELECT handle FROM session"
			     " ORDER BY created, id LIMIT 1",
	[STATEMENT_OLDEST_OWNER] = "SELECT handle FROM session WHERE owner = ?1"
				   " ORDER BY created, id LIMIT 1",
	[STATEMENT_FIND_SID] = "SELECT handle FROM session WHERE sid_hash = ?1"
			       " ORDER BY created DESC LIMIT ?2",
	[STATEMENT_FIND_SUBJECT] = "SELECT handle FROM session"
				   " WHERE subject_hash = ?1"
				   " ORDER BY created DESC LIMIT ?2",
	[STATEMENT_DELETE_SID] = "DELETE FROM session WHERE sid_hash = ?1"
				 " RETURNING handle",
	[STATEMENT_DELETE_SUBJECT] = "DELETE FROM session"
				     " WHERE subject_hash = ?1"
				     " RETURNING handle",
	[STATEMENT_DELETE_OWNER] = "DELETE FROM session WHERE owner = ?1"
				   " RETURNING handle",
	[STATEMENT_USE] = "INSERT INTO used(hash, until) VALUES(?1, ?2)"
			  " ON CONFLICT DO NOTHING",
	[STATEMENT_USED_EXPIRE] = "DELETE FROM used WHERE until <= ?1",
	[STATEMENT_USED_COUNT] = "SELECT count(*) FROM used",
};

static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = NORMAL;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA mmap_size = 0;"
			      "PRAGMA trusted_schema = OFF;"
			      "PRAGMA secure_delete = ON;"
			      "PRAGMA cache_size = -4096;"
			      "PRAGMA journal_size_limit = 4194304;";

struct store {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENT_COUNT_OF];
	size_t count;
	size_t n_used;
};

/* --- opening --- */

static bool
is_damage(int rc)
{
	rc &= 0xff;
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

static void
database_close(struct store *s)
{
	for (int i = 0; i < STATEMENT_COUNT_OF; i++) {
		sqlite3_finalize(s->statement[i]);
		s->statement[i] = NULL;
	}
	sqlite3_close_v2(s->db);
	s->db = NULL;
}

/* SQLite makes its files with the umask's mode; ours exist before it looks.
 * The WAL gets the mode of the file itself. */
static int
file_prepare(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = ERR_IO;

	if (fd < 0)
		return r;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    ((st.st_mode & 07777) == 0600 || fchmod(fd, 0600) == 0))
		r = 0;
	close(fd);
	return r;
}

/* The number that a statement gives. */
static int
database_number(sqlite3_stmt *st, size_t *n_out)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW) {
		*n_out = (size_t)sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_reset(st);
	return rc;
}

/* Returns an SQLite code. */
static int
database_open(struct store *s)
{
	int rc = sqlite3_open_v2(
	    s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(
		    s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = store_schema_check(s->db);
	if (rc == SQLITE_OK)
		rc = store_schema_migrate(s->db);
	for (int i = 0; i < STATEMENT_COUNT_OF && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(s->db, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &s->statement[i], NULL);
	if (rc == SQLITE_OK)
		rc = database_number(s->statement[STATEMENT_COUNT], &s->count);
	if (rc == SQLITE_OK)
		rc = database_number(
		    s->statement[STATEMENT_USED_COUNT], &s->n_used);
	return rc;
}

static void
file_move_aside(const struct store *s)
{
	char *to = mem_printf("%s.damaged", s->path);
	char *wal = mem_printf("%s-wal", s->path);

	if (rename(s->path, to) != 0)
		log_error("session store: cannot move %s aside: %s", s->path,
		    strerror(errno));
	unlink(wal);
	free(to);
	free(wal);
}

/* Opens; a damaged file is replaced by an empty one, once. */
static int
store_begin(struct store *s)
{
	int rc = SQLITE_CANTOPEN;

	for (int attempt = 0; attempt < 2; attempt++) {
		if (file_prepare(s->path) != 0) {
			log_error("session store: cannot open %s: %s", s->path,
			    strerror(errno));
			return ERR_IO;
		}
		rc = database_open(s);
		if (rc == SQLITE_OK)
			return 0;
		log_error("session store: %s: %s", s->path, sqlite3_errstr(rc));
		database_close(s);
		if (!is_damage(rc))
			return ERR_IO;
		log_error("session store: %s is damaged: it is moved to "
			  "%s.damaged and all sessions are lost",
		    s->path, s->path);
		file_move_aside(s);
	}
	return ERR_IO;
}

struct store *
store_open(const char *dir)
{
	struct store *s = mem_new(sizeof *s);
	/* Whole and without links: SQLite would look for both, and may have to
	 * open the file again behind the sandbox. */
	char *whole = realpath(dir, NULL);

	if (whole == NULL)
		log_fatal("session store: %s: %s", dir, strerror(errno));
	s->path = mem_printf("%s/sessions.db", whole);
	free(whole);
	if (store_begin(s) != 0)
		log_fatal("session store: %s cannot be used", s->path);
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	database_close(s);
	free(s->path);
	free(s);
}

/* --- statements --- */

/* The statement, ready for its values; NULL when the database is gone (it was
 * damaged and could not be replaced): then it is tried again. */
static sqlite3_stmt *
statement_begin(struct store *s, enum statement which)
{
	if (s->db == NULL && store_begin(s) != 0)
		return NULL;
	/* The row that store_get lent ends here; a reader that stays open would
	 * keep the WAL from being emptied. */
	sqlite3_reset(s->statement[STATEMENT_GET]);
	sqlite3_reset(s->statement[which]);
	return s->statement[which];
}

static void
bind_blob(sqlite3_stmt *st, int at, const void *p, size_t len)
{
	/* SQLITE_STATIC: the values outlive the step. A failure to bind makes
	 * a NULL, which the table refuses; so does p NULL where it may not. */
	sqlite3_bind_blob(st, at, p, (int)len, SQLITE_STATIC);
}

static int
failed(struct store *s, int rc)
{
	log_error("session store: %s", sqlite3_errmsg(s->db));
	if (is_damage(rc)) {
		log_error("session store: %s is damaged: it is moved to "
			  "%s.damaged and all sessions are lost",
		    s->path, s->path);
		database_close(s);
		file_move_aside(s);
		s->count = s->n_used = 0;
		(void)store_begin(s);
	}
	return ERR_IO;
}

/* Runs a statement that gives no row; *changed says how many it changed. */
static int
statement_run(struct store *s, sqlite3_stmt *st, size_t *changed)
{
	int rc = sqlite3_step(st);

	if (rc != SQLITE_DONE)
		return failed(s, rc);
	*changed = (size_t)sqlite3_changes64(s->db);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return 0;
}

/* Runs to the first row. */
static int
statement_row(struct store *s, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 0;
	if (rc != SQLITE_DONE)
		return failed(s, rc);
	sqlite3_reset(st);
	return ERR_NOT_FOUND;
}

static int
column_copy(sqlite3_stmt *st, int column, uint8_t *dst, size_t len)
{
	const void *p = sqlite3_column_blob(st, column);

	if (p == NULL || sqlite3_column_bytes(st, column) != (int)len)
		return ERR_FORMAT;
	memcpy(dst, p, len);
	return 0;
}

/* --- the interface --- */

int
store_put(struct store *s, const struct store_row *row)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_PUT);
	size_t n = 0;

	if (st == NULL || row->sealed_len > STORE_SEALED_MAX)
		return ERR_IO;
	bind_blob(st, 1, row->handle, MSG_HANDLE_LEN);
	bind_blob(st, 2, row->key_id, MSG_KEY_ID_LEN);
	bind_blob(st, 3, row->owner, STORE_OWNER_LEN);
	sqlite3_bind_int64(st, 4, row->created);
	sqlite3_bind_int64(st, 5, row->expires);
	bind_blob(st, 6, row->sealed, row->sealed_len);
	bind_blob(st, 7, row->sid, STORE_HASH_LEN);
	bind_blob(st, 8, row->subject, STORE_HASH_LEN);
	if (statement_run(s, st, &n) != 0)
		return ERR_IO;
	s->count += n;
	return 0;
}

int
store_get(struct store *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct store_row *row)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_GET);
	int r;

	if (st == NULL)
		return ERR_IO;
	bind_blob(st, 1, handle, MSG_HANDLE_LEN);
	r = statement_row(s, st);
	if (r != 0)
		return r;
	memcpy(row->handle, handle, MSG_HANDLE_LEN);
	row->created = sqlite3_column_int64(st, 2);
	row->expires = sqlite3_column_int64(st, 3);
	row->sealed = sqlite3_column_blob(st, 4);
	row->sealed_len = (size_t)sqlite3_column_bytes(st, 4);
	if (column_copy(st, 0, row->key_id, MSG_KEY_ID_LEN) != 0 ||
	    column_copy(st, 1, row->owner, STORE_OWNER_LEN) != 0 ||
	    row->sealed == NULL || row->sealed_len > STORE_SEALED_MAX)
		return ERR_NOT_FOUND; /* nothing that we wrote */
	return 0;
}

int
store_touch(struct store *s, const struct store_row *row)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_TOUCH);
	size_t n = 0;

	if (st == NULL || row->sealed_len > STORE_SEALED_MAX)
		return ERR_IO;
	bind_blob(st, 1, row->handle, MSG_HANDLE_LEN);
	bind_blob(st, 2, row->key_id, MSG_KEY_ID_LEN);
	sqlite3_bind_int64(st, 3, row->expires);
	bind_blob(st, 4, row->sealed, row->sealed_len);
	if (statement_run(s, st, &n) != 0)
		return ERR_IO;
	return n == 1 ? 0 : ERR_NOT_FOUND;
}

/* What is written between the two outlives a power failure. */
static void
durable_begin(struct store *s)
{
	sqlite3_exec(s->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
}

static void
durable_end(struct store *s)
{
	sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
}

int
store_renew(struct store *s, const struct store_row *row)
{
	int r;

	durable_begin(s);
	r = store_touch(s, row);
	durable_end(s);
	return r;
}

static int
delete_run(struct store *s, sqlite3_stmt *st, size_t *n)
{
	int r = statement_run(s, st, n);

	if (r == 0)
		s->count -= *n < s->count ? *n : s->count;
	return r;
}

/* Deletes by the one value, durably. */
static int
delete_by(struct store *s, enum statement which, const void *value, size_t len,
    size_t *n)
{
	sqlite3_stmt *st = statement_begin(s, which);
	int r;

	if (st == NULL)
		return ERR_IO;
	durable_begin(s);
	bind_blob(st, 1, value, len);
	r = delete_run(s, st, n);
	durable_end(s);
	return r;
}

int
store_delete(struct store *s, const uint8_t handle[MSG_HANDLE_LEN])
{
	size_t n = 0;
	int r = delete_by(s, STATEMENT_DELETE, handle, MSG_HANDLE_LEN, &n);

	return r != 0 ? r : n == 1 ? 0 : ERR_NOT_FOUND;
}

int
store_delete_key(struct store *s, const uint8_t key_id[MSG_KEY_ID_LEN])
{
	size_t n = 0;

	return delete_by(s, STATEMENT_DELETE_KEY, key_id, MSG_KEY_ID_LEN, &n);
}

/* Steps through the handles of deleted rows, all of which SQLite has deleted
 * when it gives the first. */
static int
deleted_collect(struct store *s, sqlite3_stmt *st,
    uint8_t (**handles)[MSG_HANDLE_LEN], size_t *n_out)
{
	size_t cap = 0;
	int r;

	while ((r = statement_row(s, st)) == 0) {
		if (*n_out == cap) {
			*handles = mem_grow(
			    *handles, cap, 2 * cap + 8, sizeof **handles);
			cap = 2 * cap + 8;
		}
		if (column_copy(st, 0, (*handles)[*n_out], MSG_HANDLE_LEN) == 0)
			(*n_out)++;
		s->count -= s->count > 0;
	}
	return r == ERR_NOT_FOUND ? 0 : r;
}

int
store_delete_all(struct store *s, enum store_column column,
    const uint8_t *value, uint8_t (**handles)[MSG_HANDLE_LEN], size_t *n_out)
{
	static const struct {
		enum statement statement;
		size_t len;
	} by[] = {
		[STORE_SID] = { STATEMENT_DELETE_SID, STORE_HASH_LEN },
		[STORE_SUBJECT] = { STATEMENT_DELETE_SUBJECT, STORE_HASH_LEN },
		[STORE_OWNER] = { STATEMENT_DELETE_OWNER, STORE_OWNER_LEN },
	};
	sqlite3_stmt *st = statement_begin(s, by[column].statement);
	int r;

	*handles = NULL;
	*n_out = 0;
	if (st == NULL)
		return ERR_IO;
	durable_begin(s);
	bind_blob(st, 1, value, by[column].len);
	r = deleted_collect(s, st, handles, n_out);
	durable_end(s);
	if (r != 0) {
		free(*handles);
		*handles = NULL;
		*n_out = 0;
	}
	return r;
}

int
store_expire(struct store *s, int64_t now, unsigned max, size_t *n_out)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_EXPIRE);

	*n_out = 0;
	if (st == NULL)
		return ERR_IO;
	sqlite3_bind_int64(st, 1, now);
	sqlite3_bind_int64(st, 2, max);
	return delete_run(s, st, n_out);
}

size_t
store_count(const struct store *s)
{
	return s->count;
}

/* Runs a statement that counts. */
static int
count_run(struct store *s, sqlite3_stmt *st, size_t *n_out)
{
	if (statement_row(s, st) != 0)
		return ERR_IO;
	*n_out = (size_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

int
store_count_owner(
    struct store *s, const uint8_t owner[STORE_OWNER_LEN], size_t *n_out)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_COUNT_OWNER);

	if (st == NULL)
		return ERR_IO;
	bind_blob(st, 1, owner, STORE_OWNER_LEN);
	return count_run(s, st, n_out);
}

int
store_count_key(struct store *s, const uint8_t key_id[MSG_KEY_ID_LEN],
    int64_t now, size_t *n_out)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_COUNT_KEY);

	if (st == NULL)
		return ERR_IO;
	bind_blob(st, 1, key_id, MSG_KEY_ID_LEN);
	sqlite3_bind_int64(st, 2, now);
	return count_run(s, st, n_out);
}

int
store_find_key(struct store *s,
    bool (*there)(const uint8_t key_id[MSG_KEY_ID_LEN], void *arg), void *arg,
    uint8_t key_id[MSG_KEY_ID_LEN])
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_KEYS);
	int r;

	if (st == NULL)
		return ERR_IO;
	while ((r = statement_row(s, st)) == 0)
		if (column_copy(st, 0, key_id, MSG_KEY_ID_LEN) == 0 &&
		    !there(key_id, arg))
			break;
	if (r == 0)
		sqlite3_reset(st);
	return r;
}

int
store_oldest(
    struct store *s, const uint8_t *owner, uint8_t handle[MSG_HANDLE_LEN])
{
	sqlite3_stmt *st = statement_begin(
	    s, owner != NULL ? STATEMENT_OLDEST_OWNER : STATEMENT_OLDEST);
	int r;

	if (st == NULL)
		return ERR_IO;
	if (owner != NULL)
		bind_blob(st, 1, owner, STORE_OWNER_LEN);
	r = statement_row(s, st);
	if (r != 0)
		return r;
	r = column_copy(st, 0, handle, MSG_HANDLE_LEN);
	sqlite3_reset(st);
	return r == 0 ? 0 : ERR_IO;
}

int
store_find_all(struct store *s, enum store_column column,
    const uint8_t value[STORE_HASH_LEN], unsigned max,
    uint8_t (*handles)[MSG_HANDLE_LEN], size_t *n_out)
{
	sqlite3_stmt *st = statement_begin(s,
	    column == STORE_SID ? STATEMENT_FIND_SID : STATEMENT_FIND_SUBJECT);
	int r;

	*n_out = 0;
	if (st == NULL)
		return ERR_IO;
	bind_blob(st, 1, value, STORE_HASH_LEN);
	sqlite3_bind_int64(st, 2, max);
	while ((r = statement_row(s, st)) == 0)
		if (*n_out < max &&
		    column_copy(st, 0, handles[*n_out], MSG_HANDLE_LEN) == 0)
			(*n_out)++;
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* --- used once --- */

int
store_use_once(
    struct store *s, const uint8_t hash[STORE_HASH_LEN], int64_t until)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_USE);
	size_t n = 0;

	if (st == NULL)
		return ERR_IO;
	if (s->n_used >= STORE_USED_MAX)
		return ERR_LIMIT;
	bind_blob(st, 1, hash, STORE_HASH_LEN);
	sqlite3_bind_int64(st, 2, until);
	if (statement_run(s, st, &n) != 0)
		return ERR_IO;
	s->n_used += n;
	return n == 1 ? 0 : ERR_EXISTS;
}

int
store_forget_used(struct store *s, int64_t now)
{
	sqlite3_stmt *st = statement_begin(s, STATEMENT_USED_EXPIRE);
	size_t n = 0;

	if (st == NULL)
		return ERR_IO;
	sqlite3_bind_int64(st, 1, now);
	if (statement_run(s, st, &n) != 0)
		return ERR_IO;
	s->n_used -= n < s->n_used ? n : s->n_used;
	return 0;
}
