/*
 * Classes of bytes for the HTTP parsers and the frame decoder, one table look
 * up per byte. Only for common/http and common/frame.c.
 */
#ifndef COMMON_HTTP_CHARS_H
#define COMMON_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

enum char_class {
	CHAR_TOKEN = 0x01, /* tchar, RFC 9110 5.6.2 */
	CHAR_VALUE = 0x02, /* in a field value: HTAB, SP, visible, >= 0x80 */
	CHAR_PATH = 0x04,  /* in a path segment as it stands; not '%' */
	CHAR_QUERY = 0x08, /* in a query as it stands; not '%' */
	CHAR_WORD = 0x10,  /* alphanumeric, '-', '_' */
	CHAR_ALNUM = 0x20,
	CHAR_BEARER = 0x40, /* token68, RFC 9110 11.2 */
	CHAR_ID = 0x80,	    /* CHAR_WORD and '.' */
};

extern const uint8_t char_classes[256];

static inline bool
char_is(char c, enum char_class class)
{
	return (char_classes[(unsigned char)c] & class) != 0;
}

/* How many bytes at p, up to end, are of the class. */
static inline size_t
char_span(const char *p, const char *end, enum char_class class)
{
	const char *q = p;

	while (q < end && char_is(*q, class))
		q++;
	return (size_t)(q - p);
}

static inline bool
char_all(struct slice s, enum char_class class)
{
	return s.len == 0 || char_span(s.p, s.p + s.len, class) == s.len;
}

#endif
