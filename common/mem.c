/*
 * Allocation that cannot fail: the one place that calls calloc, so that nothing
 * else needs to think about NULL. Memory for secrets is secret.c's.
 */
#include "common/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

void *
mem_array(size_t n, size_t size)
{
	assert(n > 0 && size > 0);
	void *p = calloc(n, size); /* checks n * size for overflow */
	if (p == NULL)
		log_fatal("out of memory (%zu x %zu bytes)", n, size);
	return p;
}

void *
mem_new(size_t size)
{
	return mem_array(1, size);
}

void *
mem_grow(void *p, size_t n_old, size_t n_new, size_t size)
{
	assert(n_new > 0 && size > 0 && n_new >= n_old);
	if (n_new > SIZE_MAX / size)
		log_fatal("out of memory (%zu x %zu bytes)", n_new, size);
	void *grown = realloc(p, n_new * size);
	if (grown == NULL)
		log_fatal("out of memory (%zu x %zu bytes)", n_new, size);
	memset((char *)grown + n_old * size, 0, (n_new - n_old) * size);
	return grown;
}

char *
mem_strndup(const char *s, size_t len)
{
	assert(len < SIZE_MAX);
	char *copy = mem_new(len + 1);
	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_printf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);

	size_t cap = (size_t)len + 1;
	char *text = mem_new(cap);
	va_start(args, format);
	(void)vsnprintf(text, cap, format, args);
	va_end(args);
	return text;
}
