/*
 * The configuration file's syntax: walks libyaml's events, finds the row of
 * each key and leaves the value to conf_value.c. Collects errors with their
 * place and goes on where that is possible.
 *
 * What could make the file mean something else than it seems to (duplicate
 * keys, anchors, aliases, a second document) is refused.
 */
#include "common/conf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

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
	const struct conf_table *table;
	void *settings;
	struct conf_place *places;
	struct conf_errors *errors;
	char path[CONF_PATH_MAX];
	size_t path_len;
	unsigned depth;
};

static bool walk_value(struct reader *r);

/* --- errors --- */

void
conf_error_add(struct conf_errors *e, bool warning, unsigned line,
    unsigned column, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	e->at = mem_grow(e->at, e->n, e->n + 1, sizeof(*e->at));
	e->at[e->n++] = (struct conf_error){ .line = line,
		.column = column,
		.text = mem_strdup(text),
		.warning = warning };
	if (!warning)
		e->n_fatal++;
}

char *
conf_error_where(const struct conf_error *e, const char *file)
{
	if (e->line == 0)
		return mem_strdup(file);
	return mem_printf("%s:%u:%u", file, e->line, e->column);
}

void
conf_errors_done(struct conf_errors *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->at[i].text);
	free(e->at);
	*e = (struct conf_errors){ 0 };
}

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

static void
path_leave(struct reader *r, size_t old)
{
	r->path_len = old;
	r->path[old] = '\0';
}

static const struct conf_row *
find_row(const struct reader *r)
{
	for (size_t i = 0; i < r->table->n; i++)
		if (strcmp(r->table->rows[i].path, r->path) == 0)
			return &r->table->rows[i];
	return NULL;
}

/* Does path stand below prefix ("" holds everything)? */
static bool
is_below(const char *path, const char *prefix, size_t len)
{
	return len == 0 ||
	    (strncmp(path, prefix, len) == 0 && path[len] == '.');
}

static bool
is_section(const struct reader *r)
{
	for (size_t i = 0; i < r->table->n; i++)
		if (is_below(r->table->rows[i].path, r->path, r->path_len))
			return true;
	return false;
}

static bool
is_owned(const struct reader *r)
{
	for (const char *const *p = r->table->owned; p != NULL && *p != NULL;
	     p++)
		if (is_below(r->path, *p, strlen(*p)))
			return true;
	return false;
}

/* The known key nearest to the last part of the path, among its siblings:
 * copied to near[cap]. Returns the distance. */
static unsigned
nearest_sibling(const struct reader *r, char *near, size_t cap)
{
	const char *dot = strrchr(r->path, '.');
	size_t parent = dot == NULL ? 0 : (size_t)(dot - r->path);
	const char *own = dot == NULL ? r->path : dot + 1;
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < r->table->n; i++) {
		const char *path = r->table->rows[i].path;
		struct slice rest;
		char name[65];
		unsigned far;

		if (!is_below(path, r->path, parent))
			continue;
		rest = slice_of(path + (parent > 0 ? parent + 1 : 0));
		if (slice_copy(slice_cut(&rest, '.'), name, sizeof(name)) != 0)
			continue;
		far = text_distance(own, name);
		if (far < best) {
			best = far;
			(void)snprintf(near, cap, "%s", name);
		}
	}
	return best;
}

static void
unknown_key(struct reader *r, const struct conf_place *at, bool warning)
{
	char near[65] = "";
	unsigned far = nearest_sibling(r, near, sizeof(near));
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
		struct conf_list one = { 0 };
		struct conf_row item = *row;
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
		if (text == NULL)
			continue;
		item.offset = 0;
		if (strchr(text, ',') != NULL)
			complain(r, "has an item with a comma");
		else if (conf_set(&item, &one, text, why, sizeof(why)) != 0)
			complain(r, why);
		else if (one.n == 1)
			conf_list_add(at, one.at[0]);
		conf_list_done(&one);
	}
	return false;
}

static bool
read_row(
    struct reader *r, const struct conf_row *row, const struct conf_place *at)
{
	if (is_null(&r->event))
		return true;
	if (r->places != NULL)
		r->places[row - r->table->rows] = *at;
	return row->type == CONF_STRINGS ? read_list(r, row)
					 : read_scalar(r, row);
}

/* --- structure --- */

/* The key at the current event, and its value. */
static bool
walk_entry(struct reader *r, struct conf_list *seen)
{
	struct conf_place at = here(r);
	const struct conf_row *row;
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
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->at[i], key) == 0)
			complain(r, "is given twice");
	conf_list_add(seen, key);
	good = next_event(r);
	if (good) {
		row = find_row(r);
		if (row != NULL && !has_anchor(&r->event)) {
			good = read_row(r, row, &at);
		} else if (row == NULL && !is_section(r) && is_owned(r)) {
			unknown_key(r, &at, false);
			good = skip_value(r);
		} else {
			if (row == NULL && !is_section(r))
				unknown_key(r, &at, true);
			good = walk_value(r);
		}
	}
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
		char index[16];
		size_t old;
		bool good;

		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		(void)snprintf(index, sizeof(index), "[%u]", i);
		old = path_enter(r, "", index);
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
	if (is_section(r)) {
		complain(r, "must be a section of \"key: value\" lines");
		return true;
	}
	text = scalar_text(r);
	if (text != NULL && r->table->other != NULL)
		r->table->other(r->settings, r->path, text, &at, r->errors);
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
		if (is_section(r))
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

static void
set_defaults(const struct conf_table *table, void *settings)
{
	char why[256];

	for (size_t i = 0; i < table->n; i++) {
		int r = conf_set(&table->rows[i], settings,
		    table->rows[i].fallback, why, sizeof(why));

		assert(r == 0);
	}
}

int
conf_read(const struct conf_table *table, const char *text, size_t len,
    void *settings, struct conf_place *places, struct conf_errors *e)
{
	struct reader r = { .table = table,
		.settings = settings,
		.places = places,
		.errors = e };
	size_t before = e->n_fatal;

	set_defaults(table, settings);
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
