/*
 * Allocation that cannot fail: out of memory ends the process, so sizes that a
 * peer chooses are limited before they come here. All memory is zeroed.
 * Freed with free(3).
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

/* size > 0 */
void *mem_new(size_t size) __attribute__((malloc, returns_nonnull));
/* n > 0, size > 0; n * size is checked for overflow */
void *mem_array(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
/* Grows p (or NULL) from n_old to n_new elements; the new ones are zeroed. */
void *mem_grow(void *p, size_t n_old, size_t n_new, size_t size)
    __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
/* A NUL-terminated copy of len bytes; they must not hold a NUL. */
char *mem_strndup(const char *s, size_t len)
    __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
