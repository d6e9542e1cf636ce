/* What the conf*.c files share; nobody else includes this. */
#ifndef COMMON_CONF_INTERNAL_H
#define COMMON_CONF_INTERNAL_H

#include "common/conf.h"
#include "common/text.h"

/* --- conf_error.c --- */

void conf_places_add(
    struct conf_places *places, const char *path, const struct conf_place *at);

/* --- conf_table.c; path counts from the table --- */

/* The row of exactly this path, or NULL. */
const struct conf_row *conf_find(
    const struct conf_table *table, const char *path);
/* Are these two spellings of one value? */
bool conf_same_value(const struct conf_row *a, const struct conf_row *b);
/* Are there rows below path? */
bool conf_is_section(const struct conf_table *table, const char *path);
/* Does path stand in a section where unknown keys are errors? */
bool conf_is_owned(const struct conf_table *table, const char *path);
/* The known key nearest to the last part of path, among its siblings: copied to
 * near[cap]. Returns the distance. */
unsigned conf_nearest(
    const struct conf_table *table, const char *path, char *near, size_t cap);
/* Gives every row of a zeroed struct its default. */
void conf_defaults(const struct conf_table *table, void *settings);
/* Another entry of a list of tables, with its defaults; NULL when it has as
 * many as it may have. */
void *conf_tables_add(const struct conf_row *row, void *settings);

/* --- conf_value.c --- */

/* Sets one value from text: 0, or ERR_FORMAT with the reason, as it would
 * follow "key: ", in why[cap]. A list's text is separated by commas. Not for
 * maps and tables. */
int conf_set(const struct conf_row *row, void *settings, const char *text,
    char *why, size_t cap) __attribute__((warn_unused_result));
/* Adds an item to a list, without blanks around it; nothing, when nothing is
 * left: as conf_set. */
int conf_list_item(struct conf_list *list, struct slice item, char *why,
    size_t cap) __attribute__((warn_unused_result));
/* Adds a pair to a map of at most max: as conf_set. */
int conf_map_add(struct conf_map *map, const char *name, const char *value,
    uint32_t max, char *why, size_t cap) __attribute__((warn_unused_result));
void conf_map_done(struct conf_map *map);

#endif
