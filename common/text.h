/*
 * Slices (borrowed, not NUL-terminated text) and the few operations on text
 * that several modules need. ASCII only, no locale.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; p may be NULL when len is 0. */
struct slice {
	const char *p;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_ARG(s) (int)(s).len, (s).p /* for "%.*s" */

struct slice slice_of(const char *z); /* NULL gives an empty slice */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *z);
bool slice_is_nocase(struct slice a, const char *z);
bool slice_starts(struct slice a, const char *prefix);
bool slice_starts_nocase(struct slice a, const char *prefix);
/* Without leading and trailing SP and HTAB. */
struct slice slice_trim(struct slice a);
/* Cuts *rest at the first sep: returns what stands before it and leaves what
 * stands behind it; without a sep returns all and leaves p == NULL. */
struct slice slice_cut(struct slice *rest, char sep);
char *slice_dup(struct slice a); /* NUL-terminated copy; no NUL inside */
/* Copies with NUL; ERR_LIMIT when it does not fit (dst becomes ""). */
int slice_copy(struct slice a, char *dst, size_t cap)
    __attribute__((warn_unused_result));

/* Decimal digits only, no sign, no blank, at most max; else ERR_FORMAT. */
int text_u64(struct slice s, uint64_t max, uint64_t *out)
    __attribute__((warn_unused_result));
/* Lower-case hex of n bytes into dst[2n + 1]. */
void text_hex(char *dst, const void *bytes, size_t n);
int text_unhex(struct slice s, uint8_t *dst, size_t n) /* exactly 2n digits */
    __attribute__((warn_unused_result));
/* A..Z become a..z, in place. */
void text_lower(char *z);
/* Value of a hex digit or -1. */
int text_hex_digit(char c);
/* Decodes application/x-www-form-urlencoded or percent-encoding in place
 * (plus: '+' means space). Refuses NUL and broken escapes with ERR_FORMAT.
 * Returns the new length or an error. */
long text_url_decode(char *s, size_t len, bool plus)
    __attribute__((warn_unused_result));
/* Edit distance (Levenshtein), for "did you mean"; strings over 64 bytes count
 * as far away. */
unsigned text_distance(const char *a, const char *b);
/* Bytes of the UTF-8 character (RFC 3629) at s: 1..4, or 0 when the bytes are
 * not valid UTF-8 or len is 0. */
size_t text_utf8_len(const char *s, size_t len);

#endif
