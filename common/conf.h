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

/* Where a value stands, for later checks: 0 when it is a default. */
struct conf_place {
	unsigned line, column;
};

enum conf_type {
	CONF_STRING,
	CONF_BOOL,    /* bool; true false yes no on off */
	CONF_UINT,    /* uint32_t, min..max */
	CONF_SECONDS, /* uint32_t; "60" or "60s", "5m" */
	CONF_ENUM,    /* int; values is a NULL-terminated list of names */
	CONF_STRINGS, /* struct conf_list */
};
struct conf_list {
	char **at;
	size_t n;
};
void conf_list_add(struct conf_list *l, const char *text); /* a copy */
void conf_list_done(struct conf_list *l);
/* Names and texts, in the order of the file. */
struct conf_pair {
	char *name, *value;
};
struct conf_map {
	struct conf_pair *at;
	size_t n;
};

struct conf_row {
	const char *path; /* "server.web_root" */
	enum conf_type type;
	size_t offset; /* into the settings struct */
	uint32_t min, max;
	const char *const *values;
	const char *fallback; /* default, as it would stand in the file */
	const char *help;     /* one line for check-config */
};
struct conf_table {
	const struct conf_row *rows;
	size_t n;
	/* Dotted prefixes in which unknown keys are errors. */
	const char *const *owned;
	/* Called for every scalar that no row claims, outside the owned
	 * sections: path is "a.b[0].c". SECURITY: value may be a credential
	 * that somebody wrote here: it must not be shown. May be NULL. */
	void (*other)(void *settings, const char *path, const char *value,
	    const struct conf_place *at, struct conf_errors *e);
};

/* Reads text of len bytes into *settings (zeroed before, defaults filled in).
 * places: one per row, may be NULL. Errors are added to e; returns 0, or
 * ERR_CONFIG when there was one, or ERR_FORMAT when the text could not be read
 * to its end: then what follows from missing values says nothing. Strings are
 * owned by the settings. */
int conf_read(const struct conf_table *table, const char *text, size_t len,
    void *settings, struct conf_place *places, struct conf_errors *e)
    __attribute__((warn_unused_result));
void conf_free(const struct conf_table *table, void *settings);
/* Sets one value from text: 0, or ERR_FORMAT with the reason, as it would
 * follow "key: ", in why[cap]. A list's text is separated by commas. */
int conf_set(const struct conf_row *row, void *settings, const char *text,
    char *why, size_t cap) __attribute__((warn_unused_result));
/* The value as it could stand in a file. Caller frees. */
char *conf_value_text(const struct conf_row *row, const void *settings);

#endif
