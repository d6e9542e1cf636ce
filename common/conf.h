/*
 * YAML (libyaml) into typed settings through tables of rows. One row per key:
 * path, type, bounds, default, help. Unknown keys in a section that Doorward
 * owns are errors with file, line, column and the nearest known key; in Kiali's
 * own sections they are ignored, as Kiali does. Duplicate keys, anchors and
 * aliases, several documents and more than 1 MB are refused.
 *
 * A null value means "not set". All errors of a file are collected, not only
 * the first one.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_error {
	unsigned line, column; /* from 1; 0 when it is about the whole file */
	char *text;	       /* "server.web_root: must not end with '/'" */
	bool warning;
};
struct conf_errors {
	struct conf_error *at;
	size_t n;
	size_t n_fatal;
};
void conf_error_add(struct conf_errors *e, bool warning, unsigned line,
    unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* "file:line:column", or "file" for what has no place in it. To be freed. */
char *conf_error_where(const struct conf_error *e, const char *file);
void conf_errors_done(struct conf_errors *e);

/* Where a value stands. */
struct conf_place {
	unsigned line, column;
};
/* Where everything stands that the file gives and a row claims, tables, their
 * entries and the pairs of maps included. Zeroed before the first use. */
struct conf_places {
	struct conf_found {
		char *path; /* "doorward.routes[0].path" */
		struct conf_place at;
	} * at;
	size_t n;
};
/* Of exactly this path; zeros: not in the file. */
struct conf_place conf_place_of(
    const struct conf_places *places, const char *path);
/* Of this path, or of the table or the entry that it would stand in. */
struct conf_place conf_place_near(
    const struct conf_places *places, const char *path);
void conf_places_done(struct conf_places *places);

enum conf_type {
	CONF_STRING,  /* at most max characters; max 0: 4096 */
	CONF_BOOL,    /* bool; true false yes no on off */
	CONF_UINT,    /* uint32_t, min..max */
	CONF_SECONDS, /* uint32_t; "60" or "60s", "5m" */
	CONF_ENUM,    /* int; values is a NULL-terminated list of names */
	CONF_STRINGS, /* struct conf_list */
	CONF_MAP,     /* struct conf_map of at most max pairs */
	CONF_TABLE,   /* a struct with a table of its own */
	CONF_TABLES,  /* a list of at most max of them: pointer and number */
	CONF_UNUSED,  /* known, but nothing is done with it: has no place in the
			 struct, and is not taken for a misspelt neighbour */
};
struct conf_list {
	char **at;
	size_t n;
};
void conf_list_add(struct conf_list *l, const char *text); /* a copy */
void conf_list_done(struct conf_list *l);
/* Names and texts, in the order of the file. Names are tokens (RFC 9110 5.6.2)
 * of at most CONF_NAME_MAX characters, all different without regard to case;
 * texts have no control characters. A pair without text has "". */
#define CONF_NAME_MAX 64
struct conf_pair {
	char *name, *value;
};
struct conf_map {
	struct conf_pair *at;
	size_t n;
};

struct conf_row {
	const char *path; /* "server.web_root", within the row's own table */
	enum conf_type type;
	size_t offset; /* into the struct of that table */
	uint32_t min, max;
	const char *const *values;
	/* The default, as it would stand in the file. NULL for maps and tables,
	 * and for another spelling of a row that has the same offset. */
	const char *fallback;
	const char *help; /* one line for check-config */
	/* CONF_TABLE and CONF_TABLES: their rows; of the latter the size of one
	 * and the offset of the size_t that counts them. */
	const struct conf_table *table;
	size_t size, count;
};
struct conf_table {
	const struct conf_row *rows;
	size_t n;
	/* What follows counts in the outermost table only. */
	/* Dotted prefixes in which unknown keys are errors. */
	const char *const *owned;
	/* Called for every scalar that no row claims, outside the owned
	 * sections: path is "a.b[0].c". SECURITY: value may be a credential
	 * that somebody wrote here: it must not be shown. May be NULL. */
	void (*other)(void *settings, const char *path, const char *value,
	    const struct conf_place *at, struct conf_errors *e);
};

/* Reads text of len bytes into *settings (zeroed before, defaults filled in).
 * Errors are added to e; returns 0, or ERR_CONFIG when there was one, or
 * ERR_FORMAT when the text could not be read to its end: then what follows from
 * missing values says nothing. Strings are owned by the settings. */
int conf_read(const struct conf_table *table, const char *text, size_t len,
    void *settings, struct conf_places *places, struct conf_errors *e)
    __attribute__((warn_unused_result));
void conf_free(const struct conf_table *table, void *settings);

/* Calls visit for every row but CONF_UNUSED, those of nested tables included:
 * path is the full one, settings the struct that the row's offset counts from.
 * Of a CONF_TABLE or CONF_TABLES the answer says whether to go into it. */
typedef bool conf_visit_fn(void *arg, const char *path,
    const struct conf_row *row, const void *settings);
void conf_each(const struct conf_table *table, const void *settings,
    conf_visit_fn *visit, void *arg);
/* The value as it could stand in a file; of a list of tables how many there
 * are. Caller frees. */
char *conf_value_text(const struct conf_row *row, const void *settings);

#endif
