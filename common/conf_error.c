/*
 * What is wrong in the configuration file, and where things stand in it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_internal.h"
#include "common/mem.h"

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

void
conf_places_add(
    struct conf_places *places, const char *path, const struct conf_place *at)
{
	places->at =
	    mem_grow(places->at, places->n, places->n + 1, sizeof(*places->at));
	places->at[places->n++] = (struct conf_found){
		.path = mem_strdup(path),
		.at = *at,
	};
}

static struct conf_place
place_of(const struct conf_places *places, const char *path, size_t len)
{
	for (size_t i = 0; i < places->n; i++)
		if (strncmp(places->at[i].path, path, len) == 0 &&
		    places->at[i].path[len] == '\0')
			return places->at[i].at;
	return (struct conf_place){ 0 };
}

struct conf_place
conf_place_of(const struct conf_places *places, const char *path)
{
	return place_of(places, path, strlen(path));
}

struct conf_place
conf_place_near(const struct conf_places *places, const char *path)
{
	size_t len = strlen(path);
	struct conf_place at = place_of(places, path, len);

	while (at.line == 0 && len > 0) {
		len--;
		if (path[len] == '.' || path[len] == '[')
			at = place_of(places, path, len);
	}
	return at;
}

void
conf_places_done(struct conf_places *places)
{
	for (size_t i = 0; i < places->n; i++)
		free(places->at[i].path);
	free(places->at);
	*places = (struct conf_places){ 0 };
}
