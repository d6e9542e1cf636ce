/*
 * Allocation for libraries that hold tokens on our behalf (jansson, curl,
 * libevent): what is freed is wiped first, also the old place of what grows.
 * Out of memory is fatal as everywhere (mem.h).
 */
#ifndef COMMON_WIPED_MEM_H
#define COMMON_WIPED_MEM_H

#include <stddef.h>

void *wiped_alloc(size_t size);
void *wiped_calloc(size_t n, size_t size);
void *wiped_realloc(void *p, size_t size);
char *wiped_strdup(const char *s);
void wiped_free(void *p);

#endif
