/* See slot_path.h. */
#include "common/slot_path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"

#define REFERENCE "secret:"

/* The third part of secret:name:key, if it can be a file's name. */
static const char *
reference_key(const char *reference)
{
	const char *key;

	if (strncmp(reference, REFERENCE, strlen(REFERENCE)) != 0)
		return NULL;
	key = strrchr(reference, ':') + 1;
	if (key == reference + strlen(REFERENCE) || key[0] == '\0' ||
	    strchr(key, '/') != NULL || strcmp(key, ".") == 0 ||
	    strcmp(key, "..") == 0)
		return NULL;
	return key;
}

/* <dir>/<slot> itself, unless that is a folder. */
static char *
plain_file(const char *dir, const char *slot)
{
	char *path = mem_printf("%s/%s", dir, slot);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		path[0] = '\0';
	return path;
}

#define PLACES 3 /* in each folder */

char *
slot_place(const struct slot_dirs *where, const char *slot,
    const char *reference, size_t i, const char **below)
{
	size_t n = PLACES * where->dirs->n;
	const char *key = reference_key(reference);

	*below = i < n	 ? where->dirs->at[i / PLACES]
	    : i == n + 1 ? where->credentials
			 : NULL;
	if (i > n + 1)
		return NULL;
	if (i == n)
		return mem_strdup(reference[0] == '/' ? reference : "");
	if (*below == NULL)
		return mem_strdup("");
	if (i == n + 1 || i % PLACES == 2)
		return plain_file(*below, slot);
	if (i % PLACES == 1)
		return mem_printf("%s/%s/" SLOT_VALUE_FILE, *below, slot);
	return key != NULL ? mem_printf("%s/%s/%s", *below, slot, key)
			   : mem_strdup("");
}

char *
slot_find(
    const struct slot_dirs *where, const char *slot, const char *reference)
{
	const char *below;
	struct stat st;
	char *path;

	for (size_t i = 0;
	     (path = slot_place(where, slot, reference, i, &below)) != NULL;
	     i++) {
		if (path[0] != '\0' && stat(path, &st) == 0)
			return path;
		free(path);
	}
	return NULL;
}
