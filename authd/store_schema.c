/* See store_schema.h. */
#include "authd/store_schema.h"

#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

/* Each brings a file of the version that is its index to the next one. A file
 * of a later version serves too: columns and tables are only ever added. */
static const char *const migrations[] = {
	"BEGIN;"
	"CREATE TABLE session("
	" id INTEGER PRIMARY KEY,"
	" handle BLOB NOT NULL UNIQUE,"
	" key_id BLOB NOT NULL,"
	" owner BLOB NOT NULL,"
	" created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" sealed BLOB NOT NULL) STRICT;"
	"CREATE INDEX session_owner ON session(owner, created);"
	"CREATE INDEX session_created ON session(created);"
	"CREATE INDEX session_expires ON session(expires);"
	"CREATE INDEX session_key ON session(key_id, expires);"
	"PRAGMA user_version = 1;"
	"COMMIT;",
	/* what a provider ends sessions by */
	"BEGIN;"
	"ALTER TABLE session ADD COLUMN sid_hash BLOB;"
	"ALTER TABLE session ADD COLUMN subject_hash BLOB;"
	"CREATE INDEX session_sid ON session(sid_hash)"
	" WHERE sid_hash IS NOT NULL;"
	"CREATE INDEX session_subject ON session(subject_hash)"
	" WHERE subject_hash IS NOT NULL;"
	"CREATE TABLE used("
	" hash BLOB PRIMARY KEY,"
	" until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX used_until ON used(until);"
	"PRAGMA user_version = 2;"
	"COMMIT;",
};
#define MIGRATIONS (sizeof migrations / sizeof *migrations)

/* A structural check; content is checked by its seal when it is read. */
int
store_schema_check(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(st, 0);
		rc = text != NULL && strcmp((const char *)text, "ok") == 0
		    ? SQLITE_OK
		    : SQLITE_CORRUPT;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
version_get(sqlite3 *db, size_t *version)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*version = (size_t)sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc;
}

int
store_schema_migrate(sqlite3 *db)
{
	size_t version = 0;
	int rc = version_get(db, &version);

	for (; version < MIGRATIONS && rc == SQLITE_OK; version++)
		rc = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
	return rc;
}
