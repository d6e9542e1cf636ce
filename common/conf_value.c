/*
 * One value of the configuration: from text to its typed place in the settings
 * struct, and back for check-config. Knows the types, not the file's syntax.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/conf_internal.h"
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
set_string(const struct conf_row *row, char **at, const char *text, char *why,
    size_t cap)
{
	uint32_t max = row->max > 0 ? row->max : CONF_TEXT_MAX;

	if (strlen(text) > max) {
		(void)snprintf(why, cap, "is longer than %u characters", max);
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

int
conf_list_item(struct conf_list *at, struct slice item, char *why, size_t cap)
{
	char *text = slice_dup(slice_trim(item));
	bool good = is_printable(text) && strlen(text) <= CONF_TEXT_MAX;

	if (good && text[0] != '\0')
		conf_list_add(at, text);
	free(text);
	if (good)
		return 0;
	(void)snprintf(why, cap,
	    "has an item with control characters or more than %d characters",
	    CONF_TEXT_MAX);
	return ERR_FORMAT;
}

static int
set_list(struct conf_list *at, const char *text, char *why, size_t cap)
{
	struct slice rest = slice_of(text);

	conf_list_done(at);
	while (rest.p != NULL) {
		int r = conf_list_item(at, slice_cut(&rest, ','), why, cap);

		if (r != 0)
			return r;
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
		return set_string(row, at, text, why, cap);
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
	case CONF_MAP:
	case CONF_TABLE:
	case CONF_TABLES:
	case CONF_UNUSED:
		break;
	}
	(void)snprintf(why, cap, "is no single value");
	return ERR_FORMAT;
}

/* RFC 9110 5.6.2 */
static bool
is_token(const char *name)
{
	size_t len = strlen(name);

	return len > 0 &&
	    strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789!#$%&'*+-.^_`|~") == len;
}

static const char *
pair_fault(const struct conf_map *map, const char *name, const char *value)
{
	if (!is_token(name) || strlen(name) > CONF_NAME_MAX)
		return "is no name: up to 64 letters, digits and "
		       "!#$%&'*+-.^_`|~";
	if (strlen(value) > CONF_TEXT_MAX)
		return "is longer than 4096 characters";
	if (!is_printable(value))
		return "has control characters";
	for (size_t i = 0; i < map->n; i++)
		if (strcasecmp(map->at[i].name, name) == 0)
			return "is given twice";
	return NULL;
}

int
conf_map_add(struct conf_map *map, const char *name, const char *value,
    uint32_t max, char *why, size_t cap)
{
	const char *fault = pair_fault(map, name, value);

	if (fault != NULL) {
		(void)snprintf(why, cap, "%s", fault);
		return ERR_FORMAT;
	}
	if (map->n >= max) {
		(void)snprintf(why, cap, "is one too many: at most %u", max);
		return ERR_FORMAT;
	}
	map->at = mem_grow(map->at, map->n, map->n + 1, sizeof(*map->at));
	map->at[map->n++] = (struct conf_pair){
		.name = mem_strdup(name),
		.value = mem_strdup(value),
	};
	return 0;
}

void
conf_map_done(struct conf_map *map)
{
	for (size_t i = 0; i < map->n; i++) {
		free(map->at[i].name);
		free(map->at[i].value);
	}
	free(map->at);
	*map = (struct conf_map){ 0 };
}

/* Appends "item" to text, which is freed. */
static char *
append(char *text, const char *before, const char *name, const char *value)
{
	char *longer = mem_printf("%s%s%s%s", text, before, name, value);

	free(text);
	return longer;
}

static char *
list_text(const struct conf_list *l)
{
	char *text = mem_strdup("[");

	for (size_t i = 0; i < l->n; i++)
		text = append(text, i > 0 ? ", " : "", l->at[i], "");
	return append(text, "]", "", "");
}

static char *
map_text(const struct conf_map *map)
{
	char *text = mem_strdup("{");

	for (size_t i = 0; i < map->n; i++) {
		text = append(text, i > 0 ? ", " : "", map->at[i].name, ": ");
		text = append(text, "",
		    map->at[i].value[0] == '\0' ? "\"\"" : map->at[i].value,
		    "");
	}
	return append(text, "}", "", "");
}

static char *
string_text(const char *text)
{
	return mem_strdup(text == NULL || text[0] == '\0' ? "\"\"" : text);
}

static char *
tables_text(size_t n, uint32_t max)
{
	return n == 0 ? mem_strdup("[]")
		      : mem_printf("%zu of at most %u", n, max);
}

char *
conf_value_text(const struct conf_row *row, const void *settings)
{
	const char *base = settings;
	const void *at = base + row->offset;

	switch (row->type) {
	case CONF_STRING:
		return string_text(*(const char *const *)at);
	case CONF_BOOL:
		return mem_strdup(*(const bool *)at ? "true" : "false");
	case CONF_UINT:
	case CONF_SECONDS:
		return mem_printf("%u", *(const uint32_t *)at);
	case CONF_ENUM:
		return string_text(row->values[*(const int *)at]);
	case CONF_STRINGS:
		return list_text(at);
	case CONF_MAP:
		return map_text(at);
	case CONF_TABLES:
		return tables_text(
		    *(const size_t *)(const void *)(base + row->count),
		    row->max);
	case CONF_TABLE:
	case CONF_UNUSED:
		break;
	}
	return mem_strdup("{}");
}
