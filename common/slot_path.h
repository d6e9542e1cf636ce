/*
 * Where the file of a slot may be, in the order in which one looks:
 *   <dir>/<slot>/<key>, <dir>/<slot>/value.txt and (when it is no folder)
 *   <dir>/<slot> in each secrets folder,
 *   the absolute path that the configuration gives,
 *   $CREDENTIALS_DIRECTORY/<slot>
 * secretd reads it there, the control tool writes a new one there.
 */
#ifndef COMMON_SLOT_PATH_H
#define COMMON_SLOT_PATH_H

#include <stddef.h>

#include "common/conf.h"

#define SLOT_SIGNING_KEY "login-token-signing-key"
#define SLOT_VALUE_FILE "value.txt"

/* Where to look. Borrowed. */
struct slot_dirs {
	const struct conf_list *dirs;
	const char *credentials; /* $CREDENTIALS_DIRECTORY or NULL */
};

/* The i-th place, "" where there is none; to be freed. NULL behind the last.
 * reference: what the configuration says: "", "secret:name:key" or an absolute
 * path. *below: the folder whose secrets these are, which path begins with;
 * NULL: none. */
char *slot_place(const struct slot_dirs *where, const char *slot,
    const char *reference, size_t i, const char **below);
/* The first place that has a file, good or bad; to be freed. NULL: none. */
char *slot_find(
    const struct slot_dirs *where, const char *slot, const char *reference);

#endif
