/*
 * base64url (RFC 4648 section 5) for secrets: characters are computed with
 * arithmetic, never looked up, so that no cache line tells their value.
 */
#include "common/b64url.h"

#include "common/err.h"

/* All ones when low <= x <= high, else 0: outside, one of the differences
 * wraps and has its top bit set. All values are far below 2^31. */
static unsigned
mask(unsigned x, unsigned low, unsigned high)
{
	return (((x - low) | (high - x)) >> 31) - 1u;
}

/* last: the characters for 62 and 63. */
static char
encode6(unsigned v, const char last[2])
{
	unsigned c = 0;

	c |= mask(v, 0, 25) & (v + 'A');
	c |= mask(v, 26, 51) & (v - 26 + 'a');
	c |= mask(v, 52, 61) & (v - 52 + '0');
	c |= mask(v, 62, 62) & (unsigned)last[0];
	c |= mask(v, 63, 63) & (unsigned)last[1];
	return (char)c;
}

/* 0..63, with bit 8 set when c is not of the alphabet. */
static unsigned
decode6(unsigned char c)
{
	unsigned upper = mask(c, 'A', 'Z'), lower = mask(c, 'a', 'z');
	unsigned digit = mask(c, '0', '9'), dash = mask(c, '-', '-');
	unsigned line = mask(c, '_', '_');
	unsigned v = 0;

	v |= upper & (c - (unsigned)'A');
	v |= lower & (c - (unsigned)'a' + 26);
	v |= digit & (c - (unsigned)'0' + 52);
	v |= dash & 62;
	v |= line & 63;
	return v | (~(upper | lower | digit | dash | line) & 0x100);
}

/* Returns behind the last character. */
static char *
encode(char *dst, const void *src, size_t n, const char last[2])
{
	const uint8_t *p = src;
	unsigned bits = 0, n_bits = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8 | p[i]) & 0xFFFF;
		n_bits += 8;
		while (n_bits >= 6) {
			n_bits -= 6;
			*dst++ = encode6(bits >> n_bits & 63, last);
		}
	}
	if (n_bits > 0)
		*dst++ = encode6(bits << (6 - n_bits) & 63, last);
	*dst = '\0';
	return dst;
}

void
b64url_encode(char *dst, const void *src, size_t n)
{
	(void)encode(dst, src, n, "-_");
}

void
b64_encode(char *dst, const void *src, size_t n)
{
	char *end = encode(dst, src, n, "+/");

	while ((end - dst) % 4 != 0)
		*end++ = '=';
	*end = '\0';
}

int
b64url_decode(
    uint8_t *dst, size_t cap, size_t *n_out, const char *src, size_t len)
{
	size_t n = len / 4 * 3 + len % 4 * 3 / 4;
	unsigned bits = 0, n_bits = 0, bad = 0;

	if (len % 4 == 1)
		return ERR_FORMAT;
	if (n > cap)
		return ERR_LIMIT;
	for (size_t i = 0; i < len; i++) {
		unsigned v = decode6((unsigned char)src[i]);
		bad |= v & 0x100;
		bits = (bits << 6 | (v & 63)) & 0xFFFF;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			*dst++ = (uint8_t)(bits >> n_bits & 0xFF);
		}
	}
	bad |= bits & ((1u << n_bits) - 1);
	if (bad != 0)
		return ERR_FORMAT;
	*n_out = n;
	return 0;
}
