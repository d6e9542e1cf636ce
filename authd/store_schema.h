/*
 * The tables of the session store's file, and how a file of an older version
 * becomes one of today's. For store.c alone.
 */
#ifndef AUTHD_STORE_SCHEMA_H
#define AUTHD_STORE_SCHEMA_H

struct sqlite3;

/* Both return an SQLite code. */
/* A structural check; content is checked by its seal when it is read. */
int store_schema_check(struct sqlite3 *db);
/* In place, step by step: what is interrupted goes on at the next start. */
int store_schema_migrate(struct sqlite3 *db);

#endif
