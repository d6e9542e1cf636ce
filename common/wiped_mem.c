/*
 * Wiping allocation; see the header.
 */
#include "common/wiped_mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/secret.h"

void *
wiped_alloc(size_t size)
{
	return mem_new(size > 0 ? size : 1);
}

void *
wiped_calloc(size_t n, size_t size)
{
	return n > 0 && size > 0 ? mem_array(n, size) : mem_new(1);
}

void *
wiped_realloc(void *p, size_t size)
{
	void *grown;
	size_t old;

	if (p == NULL)
		return wiped_alloc(size);
	old = malloc_usable_size(p);
	if (size > 0 && size <= old)
		return p;
	grown = wiped_alloc(size);
	memcpy(grown, p, size < old ? size : old);
	wiped_free(p);
	return grown;
}

char *
wiped_strdup(const char *s)
{
	return mem_strdup(s);
}

void
wiped_free(void *p)
{
	if (p == NULL)
		return;
	secret_wipe(p, malloc_usable_size(p));
	free(p);
}
