/*
 * Tables of rows: finding the row of a key, and walking all rows with the
 * structs that they describe. Knows neither the file's syntax nor the values'.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_internal.h"
#include "common/mem.h"
#include "common/text.h"

static void *
field(void *settings, size_t offset)
{
	return (char *)settings + offset;
}

static const void *
const_field(const void *settings, size_t offset)
{
	return (const char *)settings + offset;
}

/* --- keys --- */

const struct conf_row *
conf_find(const struct conf_table *table, const char *path)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->rows[i].path, path) == 0)
			return &table->rows[i];
	return NULL;
}

bool
conf_same_value(const struct conf_row *a, const struct conf_row *b)
{
	return a != b && a->type == b->type && a->offset == b->offset &&
	    a->type <= CONF_STRINGS &&
	    (a->fallback == NULL) != (b->fallback == NULL);
}

/* Does path stand below the first len characters of prefix? None hold
 * everything. */
static bool
is_below(const char *path, const char *prefix, size_t len)
{
	return len == 0 ||
	    (strncmp(path, prefix, len) == 0 && path[len] == '.');
}

bool
conf_is_section(const struct conf_table *table, const char *path)
{
	for (size_t i = 0; i < table->n; i++)
		if (is_below(table->rows[i].path, path, strlen(path)))
			return true;
	return false;
}

bool
conf_is_owned(const struct conf_table *table, const char *path)
{
	const char *const *p = table->owned;

	for (; p != NULL && *p != NULL; p++)
		if (is_below(path, *p, strlen(*p)))
			return true;
	return false;
}

unsigned
conf_nearest(
    const struct conf_table *table, const char *path, char *near, size_t cap)
{
	const char *dot = strrchr(path, '.');
	size_t parent = dot == NULL ? 0 : (size_t)(dot - path);
	const char *own = dot == NULL ? path : dot + 1;
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < table->n; i++) {
		const char *row = table->rows[i].path;
		struct slice rest;
		char name[65];
		unsigned far;

		if (!is_below(row, path, parent))
			continue;
		rest = slice_of(row + (parent > 0 ? parent + 1 : 0));
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

/* --- structs --- */

void
conf_defaults(const struct conf_table *table, void *settings)
{
	char why[256];

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_row *row = &table->rows[i];

		if (row->type == CONF_TABLE)
			conf_defaults(row->table, field(settings, row->offset));
		if (row->fallback == NULL)
			continue;
		int r =
		    conf_set(row, settings, row->fallback, why, sizeof(why));

		assert(r == 0);
	}
}

void *
conf_tables_add(const struct conf_row *row, void *settings)
{
	char **first = field(settings, row->offset);
	size_t *n = field(settings, row->count);
	void *added;

	if (*n >= row->max)
		return NULL;
	*first = mem_grow(*first, *n, *n + 1, row->size);
	added = *first + *n * row->size;
	conf_defaults(row->table, added);
	++*n;
	return added;
}

static void
free_tables(const struct conf_row *row, void *settings)
{
	char **first = field(settings, row->offset);
	size_t *n = field(settings, row->count);

	for (size_t i = 0; i < *n; i++)
		conf_free(row->table, *first + i * row->size);
	free(*first);
	*first = NULL;
	*n = 0;
}

void
conf_free(const struct conf_table *table, void *settings)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_row *row = &table->rows[i];
		void *at = field(settings, row->offset);

		if (row->type == CONF_STRING) {
			char **text = at;

			free(*text);
			*text = NULL;
		} else if (row->type == CONF_STRINGS) {
			conf_list_done(at);
		} else if (row->type == CONF_MAP) {
			conf_map_done(at);
		} else if (row->type == CONF_TABLE) {
			conf_free(row->table, at);
		} else if (row->type == CONF_TABLES) {
			free_tables(row, settings);
		}
	}
}

struct walk {
	conf_visit_fn *visit;
	void *arg;
};

static void walk(const struct walk *w, const struct conf_table *table,
    const char *prefix, const void *settings);

static void
walk_tables(const struct walk *w, const struct conf_row *row, const char *path,
    const void *settings)
{
	const char *const *first = const_field(settings, row->offset);
	const size_t *n = const_field(settings, row->count);

	for (size_t i = 0; i < *n; i++) {
		char *prefix = mem_printf("%s[%zu].", path, i);

		walk(w, row->table, prefix, *first + i * row->size);
		free(prefix);
	}
}

static void
walk(const struct walk *w, const struct conf_table *table, const char *prefix,
    const void *settings)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_row *row = &table->rows[i];
		char *path;

		if (row->type == CONF_UNUSED)
			continue;
		path = mem_printf("%s%s", prefix, row->path);
		if (w->visit(w->arg, path, row, settings)) {
			if (row->type == CONF_TABLES) {
				walk_tables(w, row, path, settings);
			} else if (row->type == CONF_TABLE) {
				char *inner = mem_printf("%s.", path);

				walk(w, row->table, inner,
				    const_field(settings, row->offset));
				free(inner);
			}
		}
		free(path);
	}
}

void
conf_each(const struct conf_table *table, const void *settings,
    conf_visit_fn *visit, void *arg)
{
	const struct walk w = { .visit = visit, .arg = arg };

	walk(&w, table, "", settings);
}
