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

char *
slot_place(const struct slot_dirs *where, const char *slot,
    const char *reference, size_t i)
{
	size_t n = where->dirs->n;
	const char *key = reference_key(reference);

	if (i < 2 * n && i % 2 == 1)
		return mem_printf(
		    "%s/%s/" SLOT_VALUE_FILE, where->dirs->at[i / 2], slot);
	if (i < 2 * n && key != NULL)
		return mem_printf(
		    "%s/%s/%s", where->dirs->at[i / 2], slot, key);
	if (i == 2 * n && reference[0] == '/')
		return mem_strdup(reference);
	if (i == 2 * n + 1 && where->credentials != NULL)
		return mem_printf("%s/%s", where->credentials, slot);
	return i > 2 * n + 1 ? NULL : mem_strdup("");
}

char *
slot_find(
    const struct slot_dirs *where, const char *slot, const char *reference)
{
	struct stat st;
	char *path;

	for (size_t i = 0;
	     (path = slot_place(where, slot, reference, i)) != NULL; i++) {
		if (path[0] != '\0' && stat(path, &st) == 0)
			return path;
		free(path);
	}
	return NULL;
}
