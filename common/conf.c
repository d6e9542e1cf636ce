/*
 * The configuration file's syntax: walks libyaml's events, finds the row of
 * each key and leaves the value to conf_value.c. Collects errors with their
 * place and goes on where that is possible.
 *
 * What could make the file mean something else than it seems to (duplicate
 * keys, anchors, aliases, a second document) is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "common/conf_internal.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/text.h"

#define CONF_FILE_MAX (1024 * 1024)
#define CONF_DEPTH_MAX 32
#define CONF_KEYS_MAX 2000 /* in one mapping */
#define CONF_PATH_MAX 512

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
	const struct conf_table *root;
	void *root_settings;
	/* The table in hand, the struct it fills and where its keys begin in
	 * path. */
	const struct conf_table *table;
	void *settings;
	size_t base;
	struct conf_places *places;
	struct conf_errors *errors;
	char path[CONF_PATH_MAX];
	size_t path_len;
	unsigned depth;
};

static bool walk_mapping(struct reader *r);
static bool walk_value(struct reader *r);

static struct conf_place
here(const struct reader *r)
{
	return (struct conf_place){
		.line = (unsigned)r->event.start_mark.line + 1,
		.column = (unsigned)r->event.start_mark.column + 1,
	};
}

static void
complain(struct reader *r, const char *what)
{
	struct conf_place at = here(r);

	conf_error_add(r->errors, false, at.line, at.column, "%s%s%.200s",
	    r->path, r->path_len > 0 ? ": " : "", what);
}

/* --- events --- */

/* false: the text is no YAML from here on. */
static bool
next_event(struct reader *r)
{
	if (r->has_event)
		yaml_event_delete(&r->event);
	r->has_event = yaml_parser_parse(&r->parser, &r->event) != 0;
	if (r->has_event)
		return true;
	conf_error_add(r->errors, false,
	    (unsigned)r->parser.problem_mark.line + 1,
	    (unsigned)r->parser.problem_mark.column + 1, "not valid YAML: %s",
	    r->parser.problem != NULL ? r->parser.problem : "unreadable");
	return false;
}

static bool
has_anchor(const yaml_event_t *ev)
{
	if (ev->type == YAML_SCALAR_EVENT)
		return ev->data.scalar.anchor != NULL;
	if (ev->type == YAML_MAPPING_START_EVENT)
		return ev->data.mapping_start.anchor != NULL;
	if (ev->type == YAML_SEQUENCE_START_EVENT)
		return ev->data.sequence_start.anchor != NULL;
	return ev->type == YAML_ALIAS_EVENT;
}

/* The scalar's text, or NULL (with an error) when it holds a NUL. */
static const char *
scalar_text(struct reader *r)
{
	const char *text = (const char *)r->event.data.scalar.value;

	if (strlen(text) == r->event.data.scalar.length)
		return text;
	complain(r, "has a NUL character");
	return NULL;
}

/* YAML's null: nothing, ~ or null without quotes. */
static bool
is_null(const yaml_event_t *ev)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (ev->type != YAML_SCALAR_EVENT ||
	    ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp((const char *)ev->data.scalar.value, words[i]) == 0)
			return true;
	return false;
}

/* Leaves the value that starts at the current event. */
static bool
skip_value(struct reader *r)
{
	unsigned open = 0;

	for (;;) {
		if (has_anchor(&r->event))
			complain(r, "anchors and aliases are not allowed");
		if (r->event.type == YAML_MAPPING_START_EVENT ||
		    r->event.type == YAML_SEQUENCE_START_EVENT)
			open++;
		else if (r->event.type == YAML_MAPPING_END_EVENT ||
		    r->event.type == YAML_SEQUENCE_END_EVENT)
			open--;
		if (open == 0)
			return true;
		if (!next_event(r))
			return false;
	}
}

/* --- paths --- */

/* Extends the path; the old length comes back for path_leave. */
static size_t
path_enter(struct reader *r, const char *before, const char *name)
{
	size_t old = r->path_len;
	int n = snprintf(r->path + old, sizeof(r->path) - old, "%s%.100s",
	    old > 0 ? before : "", name);

	r->path_len = old + (size_t)n < sizeof(r->path) ? old + (size_t)n
							: sizeof(r->path) - 1;
	return old;
}

static size_t
path_enter_index(struct reader *r, unsigned i)
{
	char index[16];

	(void)snprintf(index, sizeof(index), "[%u]", i);
	return path_enter(r, "", index);
}

static void
path_leave(struct reader *r, size_t old)
{
	r->path_len = old;
	r->path[old] = '\0';
}

/* The path as the table in hand counts it. */
static const char *
own_path(const struct reader *r)
{
	return r->path + r->base;
}

static void
unknown_key(struct reader *r, const struct conf_place *at, bool warning)
{
	char near[65] = "";
	unsigned far = conf_nearest(r->table, own_path(r), near, sizeof(near));
	bool alike = far <= 2 || (!warning && far <= strlen(near) / 2);

	if (alike)
		conf_error_add(r->errors, warning, at->line, at->column,
		    "%s: unknown key%s; did you mean %s?", r->path,
		    warning ? ", ignored" : "", near);
	else if (!warning)
		conf_error_add(r->errors, false, at->line, at->column,
		    "%s: unknown key%s%s", r->path,
		    near[0] != '\0' ? "; the nearest known one is " : "", near);
}

/* --- values --- */

static bool
read_scalar(struct reader *r, const struct conf_row *row)
{
	char why[256];
	const char *text;

	if (r->event.type != YAML_SCALAR_EVENT) {
		complain(r, "must be a single value, not a list or a mapping");
		return skip_value(r);
	}
	text = scalar_text(r);
	if (text != NULL &&
	    conf_set(row, r->settings, text, why, sizeof(why)) != 0)
		complain(r, why);
	return true;
}

static bool
read_list(struct reader *r, const struct conf_row *row)
{
	void *at = (char *)r->settings + row->offset;
	char why[256];

	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		complain(r, "must be a list, like [a, b]");
		return skip_value(r);
	}
	conf_list_done(at);
	while (next_event(r)) {
		const char *text;

		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (r->event.type != YAML_SCALAR_EVENT ||
		    has_anchor(&r->event)) {
			complain(r, "must be a list of single values");
			if (!skip_value(r))
				return false;
			continue;
		}
		text = scalar_text(r);
		if (text != NULL &&
		    conf_list_item(at, slice_of(text), why, sizeof(why)) != 0)
			complain(r, why);
	}
	return false;
}

static void
read_pair_text(struct reader *r, const struct conf_row *row, const char *name)
{
	void *map = (char *)r->settings + row->offset;
	const char *text = scalar_text(r);
	char why[256];

	if (is_null(&r->event))
		text = "";
	if (text != NULL &&
	    conf_map_add(map, name, text, row->max, why, sizeof(why)) != 0)
		complain(r, why);
}

/* The name at the current event, and its text. */
static bool
read_pair(struct reader *r, const struct conf_row *row)
{
	struct conf_place at = here(r);
	const char *text = NULL;
	char *name;
	size_t old;
	bool good;

	if (r->event.type != YAML_SCALAR_EVENT || has_anchor(&r->event))
		complain(r, "names must be plain words");
	else
		text = scalar_text(r);
	if (text == NULL)
		return false;
	name = mem_strdup(text);
	old = path_enter(r, ".", name);
	conf_places_add(r->places, r->path, &at);
	good = next_event(r);
	if (good && r->event.type == YAML_SCALAR_EVENT &&
	    !has_anchor(&r->event)) {
		read_pair_text(r, row, name);
	} else if (good) {
		complain(r, "must be a single value, not a list or a mapping");
		good = skip_value(r);
	}
	path_leave(r, old);
	free(name);
	return good;
}

static bool
read_map(struct reader *r, const struct conf_row *row)
{
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		complain(r, "must be a section of \"name: value\" lines");
		return skip_value(r);
	}
	while (next_event(r)) {
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return true;
		if (!read_pair(r, row))
			return false;
	}
	return false;
}

/* The section at the current event by a table of its own. */
static bool
read_table(struct reader *r, const struct conf_table *table, void *settings)
{
	const struct conf_table *outer = r->table;
	void *outer_settings = r->settings;
	size_t outer_base = r->base;
	bool good;

	if (is_null(&r->event))
		return true;
	if (r->event.type != YAML_MAPPING_START_EVENT ||
	    has_anchor(&r->event)) {
		complain(r, "must be a section of \"key: value\" lines");
		return skip_value(r);
	}
	r->table = table;
	r->settings = settings;
	r->base = r->path_len + 1;
	good = walk_mapping(r);
	r->table = outer;
	r->settings = outer_settings;
	r->base = outer_base;
	return good;
}

static bool
read_entry(struct reader *r, const struct conf_row *row)
{
	struct conf_place at = here(r);
	void *entry = conf_tables_add(row, r->settings);
	char why[64];

	if (entry != NULL) {
		conf_places_add(r->places, r->path, &at);
		return read_table(r, row->table, entry);
	}
	(void)snprintf(
	    why, sizeof(why), "is one too many: at most %u", row->max);
	complain(r, why);
	return skip_value(r);
}

static bool
read_tables(struct reader *r, const struct conf_row *row)
{
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		complain(r, "must be a list of sections");
		return skip_value(r);
	}
	for (unsigned i = 0; next_event(r); i++) {
		size_t old;
		bool good;

		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		old = path_enter_index(r, i);
		good = read_entry(r, row);
		path_leave(r, old);
		if (!good)
			return false;
	}
	return false;
}

/* The place of a row is noted, and when it is another spelling, that of the
 * row which it stands for; both at once leave open what is meant. */
static void
note_place(
    struct reader *r, const struct conf_row *row, const struct conf_place *at)
{
	conf_places_add(r->places, r->path, at);
	for (size_t i = 0; i < r->table->n; i++) {
		const struct conf_row *other = &r->table->rows[i];
		char path[CONF_PATH_MAX];

		if (!conf_same_value(row, other))
			continue;
		(void)snprintf(path, sizeof(path), "%.*s%s", (int)r->base,
		    r->path, other->path);
		if (conf_place_of(r->places, path).line > 0)
			conf_error_add(r->errors, false, at->line, at->column,
			    "%s: is given as %s as well", r->path, other->path);
		else if (other->fallback != NULL)
			conf_places_add(r->places, path, at);
	}
}

/* A null leaves everything at its default; that a table stands there is known
 * all the same. */
static bool
read_row(
    struct reader *r, const struct conf_row *row, const struct conf_place *at)
{
	if (!is_null(&r->event) || row->type == CONF_TABLE)
		note_place(r, row, at);
	if (is_null(&r->event))
		return true;
	switch (row->type) {
	case CONF_STRINGS:
		return read_list(r, row);
	case CONF_MAP:
		return read_map(r, row);
	case CONF_TABLE:
		return read_table(
		    r, row->table, (char *)r->settings + row->offset);
	case CONF_TABLES:
		return read_tables(r, row);
	case CONF_STRING:
	case CONF_BOOL:
	case CONF_UINT:
	case CONF_SECONDS:
	case CONF_ENUM:
	case CONF_UNUSED:
		break;
	}
	return read_scalar(r, row);
}

/* --- structure --- */

/* The value of the key at the end of path: by its row, or as what no row
 * claims. */
static bool
walk_claimed(struct reader *r, const struct conf_place *at)
{
	const struct conf_row *row = conf_find(r->table, own_path(r));
	bool section = conf_is_section(r->table, own_path(r));

	if (row != NULL && row->type == CONF_UNUSED)
		return walk_value(r);
	if (row != NULL && !has_anchor(&r->event))
		return read_row(r, row, at);
	if (row != NULL || section)
		return walk_value(r);
	if (!conf_is_owned(r->root, r->path)) {
		unknown_key(r, at, true);
		return walk_value(r);
	}
	unknown_key(r, at, false);
	return skip_value(r);
}

/* "server.port" in one word, or an empty word before it, would be a second
 * spelling of a row, and hide that a key is given twice. */
static bool
is_respelt(const struct reader *r, const char *key)
{
	if (key[0] != '\0' && strchr(key, '.') == NULL)
		return false;
	return conf_find(r->table, own_path(r)) != NULL ||
	    conf_is_section(r->table, own_path(r));
}

/* The key at the current event, and its value. */
static bool
walk_entry(struct reader *r, struct conf_list *seen)
{
	struct conf_place at = here(r);
	const char *key;
	size_t old;
	bool good;

	if (r->event.type != YAML_SCALAR_EVENT || has_anchor(&r->event) ||
	    seen->n >= CONF_KEYS_MAX) {
		complain(
		    r, "keys must be plain words, at most 2000 in a section");
		return false;
	}
	key = scalar_text(r);
	if (key == NULL)
		return false;
	old = path_enter(r, ".", key);
	if (is_respelt(r, key))
		complain(r,
		    "must be written as sections, each key on a line of its "
		    "own");
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->at[i], key) == 0)
			complain(r, "is given twice");
	conf_list_add(seen, key);
	good = next_event(r) && walk_claimed(r, &at);
	path_leave(r, old);
	return good;
}

static bool
walk_mapping(struct reader *r)
{
	struct conf_list seen = { 0 };
	bool good = false;

	while (next_event(r)) {
		if (r->event.type == YAML_MAPPING_END_EVENT) {
			good = true;
			break;
		}
		if (!walk_entry(r, &seen))
			break;
	}
	conf_list_done(&seen);
	return good;
}

static bool
walk_sequence(struct reader *r)
{
	for (unsigned i = 0; next_event(r); i++) {
		size_t old;
		bool good;

		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		old = path_enter_index(r, i);
		good = walk_value(r);
		path_leave(r, old);
		if (!good)
			return false;
	}
	return false;
}

static bool
walk_scalar(struct reader *r)
{
	struct conf_place at = here(r);
	const char *text;

	if (is_null(&r->event))
		return true;
	if (conf_is_section(r->table, own_path(r))) {
		complain(r, "must be a section of \"key: value\" lines");
		return true;
	}
	text = scalar_text(r);
	if (text != NULL && r->root->other != NULL)
		r->root->other(r->root_settings, r->path, text, &at, r->errors);
	return true;
}

/* A value that no row claims: a section, or a part of Kiali's that is not used
 * here. */
static bool
walk_value(struct reader *r)
{
	bool good;

	if (has_anchor(&r->event) || r->depth >= CONF_DEPTH_MAX) {
		if (r->depth >= CONF_DEPTH_MAX)
			complain(r, "is nested too deeply");
		return skip_value(r);
	}
	r->depth++;
	if (r->event.type == YAML_MAPPING_START_EVENT) {
		good = walk_mapping(r);
	} else if (r->event.type == YAML_SEQUENCE_START_EVENT) {
		if (conf_is_section(r->table, own_path(r)))
			complain(r, "must be a section, not a list");
		good = walk_sequence(r);
	} else {
		good = walk_scalar(r);
	}
	r->depth--;
	return good;
}

/* false: the text could not be read to its end. */
static bool
walk_document(struct reader *r)
{
	if (!next_event(r))
		return false;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return true; /* an empty file: all defaults */
	if (!next_event(r))
		return false;
	if (r->event.type == YAML_MAPPING_START_EVENT) {
		if (!walk_mapping(r))
			return false;
	} else if (!is_null(&r->event)) {
		complain(r, "the file must hold \"key: value\" lines");
		return false;
	}
	/* the document's end, then the stream's */
	if (!next_event(r) || !next_event(r))
		return false;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return true;
	complain(r, "only one document is allowed in the file");
	return false;
}

int
conf_read(const struct conf_table *table, const char *text, size_t len,
    void *settings, struct conf_places *places, struct conf_errors *e)
{
	struct reader r = { .root = table,
		.root_settings = settings,
		.table = table,
		.settings = settings,
		.places = places,
		.errors = e };
	size_t before = e->n_fatal;

	conf_defaults(table, settings);
	if (len > CONF_FILE_MAX) {
		conf_error_add(e, false, 0, 0, "the file is larger than 1 MB");
		return ERR_CONFIG;
	}
	if (yaml_parser_initialize(&r.parser) == 0)
		abort(); /* out of memory */
	yaml_parser_set_input_string(
	    &r.parser, (const unsigned char *)text, len);
	bool whole =
	    next_event(&r) /* the stream's start */ && walk_document(&r);

	if (r.has_event)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	if (!whole)
		return ERR_FORMAT;
	return e->n_fatal > before ? ERR_CONFIG : 0;
}
