/*
 * Operations on slices and ASCII text. Pure: no I/O, no locale, and no
 * allocation but in slice_dup.
 */
#include "common/text.h"

#include <string.h>

#include "common/err.h"
#include "common/mem.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

struct slice
slice_of(const char *z)
{
	return (struct slice){ z, z == NULL ? 0 : strlen(z) };
}

bool
slice_equal(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	return a.len == 0 || memcmp(a.p, b.p, a.len) == 0;
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
slice_is(struct slice a, const char *z)
{
	return slice_equal(a, slice_of(z));
}

bool
slice_is_nocase(struct slice a, const char *z)
{
	return slice_equal_nocase(a, slice_of(z));
}

bool
slice_starts(struct slice a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len &&
	    slice_equal(
		(struct slice){ a.p, len }, (struct slice){ prefix, len });
}

bool
slice_starts_nocase(struct slice a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len &&
	    slice_equal_nocase(
		(struct slice){ a.p, len }, (struct slice){ prefix, len });
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_trim(struct slice a)
{
	while (a.len > 0 && is_blank(a.p[0])) {
		a.p++;
		a.len--;
	}
	while (a.len > 0 && is_blank(a.p[a.len - 1]))
		a.len--;
	return a;
}

struct slice
slice_cut(struct slice *rest, char sep)
{
	struct slice head = *rest;
	const char *at = NULL;

	if (head.len > 0)
		at = memchr(head.p, sep, head.len);
	if (at == NULL) {
		*rest = (struct slice){ NULL, 0 };
		return head;
	}
	head.len = (size_t)(at - head.p);
	rest->p = at + 1;
	rest->len -= head.len + 1;
	return head;
}

char *
slice_dup(struct slice a)
{
	return mem_strndup(a.p, a.len);
}

int
slice_copy(struct slice a, char *dst, size_t cap)
{
	if (cap == 0)
		return ERR_LIMIT;
	dst[0] = '\0';
	if (a.len >= cap)
		return ERR_LIMIT;
	if (a.len > 0)
		memcpy(dst, a.p, a.len);
	dst[a.len] = '\0';
	return 0;
}

int
text_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return ERR_FORMAT;
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (digit > max || value > (max - digit) / 10)
			return ERR_FORMAT;
		value = value * 10 + digit;
	}
	*out = value;
	return 0;
}

void
text_hex(char *dst, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

void
text_lower(char *z)
{
	for (; *z != '\0'; z++)
		*z = lower(*z);
}

int
text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte written as two hex digits at p, or -1. */
static int
hex_byte(const char *p)
{
	int high = text_hex_digit(p[0]), low = text_hex_digit(p[1]);

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

int
text_unhex(struct slice s, uint8_t *dst, size_t n)
{
	if (s.len / 2 != n || s.len % 2 != 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++) {
		int byte = hex_byte(s.p + 2 * i);
		if (byte < 0)
			return ERR_FORMAT;
		dst[i] = (uint8_t)byte;
	}
	return 0;
}

long
text_url_decode(char *s, size_t len, bool plus)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = (unsigned char)s[i];
		if (s[i] == '+' && plus) {
			byte = ' ';
		} else if (s[i] == '%') {
			byte = len - i < 3 ? -1 : hex_byte(s + i + 1);
			i += 2;
		}
		if (byte <= 0)
			return ERR_FORMAT;
		s[to++] = (char)byte;
	}
	return (long)to;
}

#define DISTANCE_MAX 64

unsigned
text_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	unsigned row[DISTANCE_MAX + 1];

	if (a_len > DISTANCE_MAX || b_len > DISTANCE_MAX)
		return 2 * DISTANCE_MAX;
	for (unsigned j = 0; j <= b_len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

static bool
is_continuation(const char *s, size_t len, size_t i)
{
	return i < len && ((unsigned char)s[i] & 0xC0) == 0x80;
}

/* RFC 3629 section 4: the first two bytes decide about overlong forms,
 * surrogates and values over U+10FFFF. */
size_t
text_utf8_len(const char *s, size_t len)
{
	if (len == 0)
		return 0;
	unsigned c = (unsigned char)s[0];
	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4 || !is_continuation(s, len, 1))
		return 0;
	if (c < 0xE0)
		return 2;
	unsigned second = (unsigned char)s[1];
	if (!is_continuation(s, len, 2))
		return 0;
	if (c < 0xF0)
		return (c == 0xE0 && second < 0xA0) ||
			(c == 0xED && second > 0x9F)
		    ? 0
		    : 3;
	if (!is_continuation(s, len, 3))
		return 0;
	return (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F) ? 0
									    : 4;
}
