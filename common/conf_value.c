/*
 * One value of the configuration: from text to its typed place in the settings
 * struct, and back for check-config. Knows the types, not the file's syntax.
 */
#include "common/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/text.h"

#define CONF_TEXT_MAX 4096

void
conf_list_add(struct conf_list *l, const char *text)
{
	l->at = mem_grow(l->at, l->n, l->n + 1, sizeof(*l->at));
	l->at[l->n++] = mem_strdup(text);
}

void
conf_list_done(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct conf_list){ 0 };
}

static void *
place_in(void *settings, const struct conf_row *row)
{
	return (char *)settings + row->offset;
}

/* Control characters have no place in any value of ours and would allow a
 * forged line in the log. */
static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static int
set_string(char **at, const char *text, char *why, size_t cap)
{
	if (strlen(text) > CONF_TEXT_MAX) {
		(void)snprintf(
		    why, cap, "is longer than %d characters", CONF_TEXT_MAX);
		return ERR_FORMAT;
	}
	if (!is_printable(text)) {
		(void)snprintf(why, cap, "has control characters");
		return ERR_FORMAT;
	}
	free(*at);
	*at = mem_strdup(text);
	return 0;
}

/* YAML 1.1's words, which Kiali's parser takes as well. */
static int
set_bool(bool *at, const char *text, char *why, size_t cap)
{
	static const char *const yes[] = { "true", "yes", "on" };
	static const char *const no[] = { "false", "no", "off" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*at = true;
			return 0;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*at = false;
			return 0;
		}
	}
	(void)snprintf(why, cap, "must be true or false");
	return ERR_FORMAT;
}

static int
set_number(const struct conf_row *row, uint32_t *at, struct slice digits,
    uint32_t unit, char *why, size_t cap)
{
	uint64_t n;

	if (text_u64(digits, UINT32_MAX, &n) != 0 || n * unit < row->min ||
	    n * unit > row->max) {
		(void)snprintf(why, cap,
		    "must be a whole number%s from %u to %u",
		    row->type == CONF_SECONDS ? " of seconds" : "", row->min,
		    row->max);
		return ERR_FORMAT;
	}
	*at = (uint32_t)(n * unit);
	return 0;
}

static int
set_seconds(const struct conf_row *row, uint32_t *at, const char *text,
    char *why, size_t cap)
{
	struct slice digits = slice_of(text);
	uint32_t unit = 1;

	if (digits.len > 1) {
		switch (digits.p[digits.len - 1]) {
		case 'h':
			unit = 3600;
			digits.len--;
			break;
		case 'm':
			unit = 60;
			digits.len--;
			break;
		case 's':
			digits.len--;
			break;
		default:
			break;
		}
	}
	return set_number(row, at, digits, unit, why, cap);
}

static int
set_enum(const struct conf_row *row, int *at, const char *text, char *why,
    size_t cap)
{
	size_t used;

	for (int i = 0; row->values[i] != NULL; i++) {
		if (strcmp(text, row->values[i]) == 0) {
			*at = i;
			return 0;
		}
	}
	used = (size_t)snprintf(why, cap, "must be one of");
	for (int i = 0; row->values[i] != NULL && used < cap; i++)
		used += (size_t)snprintf(why + used, cap - used, "%s %s",
		    i > 0 ? "," : "", row->values[i]);
	return ERR_FORMAT;
}

static int
set_list(struct conf_list *at, const char *text, char *why, size_t cap)
{
	struct slice rest = slice_of(text);

	conf_list_done(at);
	while (rest.p != NULL && *text != '\0') {
		char *item = slice_dup(slice_trim(slice_cut(&rest, ',')));
		bool good = is_printable(item) && strlen(item) <= CONF_TEXT_MAX;

		if (good)
			conf_list_add(at, item);
		free(item);
		if (!good) {
			(void)snprintf(why, cap,
			    "has an item with control characters or more than "
			    "%d characters",
			    CONF_TEXT_MAX);
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
conf_set(const struct conf_row *row, void *settings, const char *text,
    char *why, size_t cap)
{
	void *at = place_in(settings, row);

	switch (row->type) {
	case CONF_STRING:
		return set_string(at, text, why, cap);
	case CONF_BOOL:
		return set_bool(at, text, why, cap);
	case CONF_UINT:
		return set_number(row, at, slice_of(text), 1, why, cap);
	case CONF_SECONDS:
		return set_seconds(row, at, text, why, cap);
	case CONF_ENUM:
		return set_enum(row, at, text, why, cap);
	case CONF_STRINGS:
		return set_list(at, text, why, cap);
	}
	return ERR_FORMAT;
}

static char *
list_text(const struct conf_list *l)
{
	char *text = mem_strdup("[");

	for (size_t i = 0; i < l->n; i++) {
		char *longer =
		    mem_printf("%s%s%s", text, i > 0 ? ", " : "", l->at[i]);

		free(text);
		text = longer;
	}
	char *closed = mem_printf("%s]", text);

	free(text);
	return closed;
}

char *
conf_value_text(const struct conf_row *row, const void *settings)
{
	const void *at = (const char *)settings + row->offset;

	switch (row->type) {
	case CONF_STRING: {
		const char *const *text = at;

		return *text == NULL || **text == '\0' ? mem_strdup("\"\"")
						       : mem_strdup(*text);
	}
	case CONF_BOOL:
		return mem_strdup(*(const bool *)at ? "true" : "false");
	case CONF_UINT:
	case CONF_SECONDS:
		return mem_printf("%u", *(const uint32_t *)at);
	case CONF_ENUM:
		return mem_strdup(row->values[*(const int *)at]);
	case CONF_STRINGS:
		return list_text(at);
	}
	return mem_strdup("");
}

void
conf_free(const struct conf_table *table, void *settings)
{
	for (size_t i = 0; i < table->n; i++) {
		void *at = place_in(settings, &table->rows[i]);

		if (table->rows[i].type == CONF_STRING) {
			char **text = at;

			free(*text);
			*text = NULL;
		} else if (table->rows[i].type == CONF_STRINGS) {
			conf_list_done(at);
		}
	}
}
