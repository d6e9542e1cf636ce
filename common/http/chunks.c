/*
 * Decodes a chunked body (RFC 9112 7.1) byte by byte, the payload in slices.
 * Rule 8: 1 to 15 hex digits, exact CRLF, extensions and trailers checked and
 * dropped, within HTTP_CHUNK_EXT_MAX together.
 */
#include "common/err.h"
#include "common/http/chars.h"
#include "common/http/http.h"

#define SIZE_DIGITS_MAX 15

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_DONE,
	CHUNK_BROKEN,
	CHUNK_STATE_COUNT
};

static int
enter(struct http_chunks *c, enum chunk_state state)
{
	c->state = state;
	return 0;
}

static int
expect(struct http_chunks *c, char got, char wanted, enum chunk_state next)
{
	return got == wanted ? enter(c, next) : ERR_FORMAT;
}

static int
step_size(struct http_chunks *c, char b)
{
	int digit = text_hex_digit(b);

	if (digit >= 0) {
		if (c->digits == SIZE_DIGITS_MAX)
			return ERR_FORMAT;
		c->digits++;
		c->left = c->left * 16 + (uint64_t)digit;
		return 0;
	}
	if (c->digits == 0)
		return ERR_FORMAT;
	if (b == ';')
		return enter(c, CHUNK_EXTENSION);
	return expect(c, b, '\r', CHUNK_SIZE_LF);
}

/* Counts a byte that is checked and dropped. */
static int
drop(struct http_chunks *c, char b, enum char_class class)
{
	if (!char_is(b, class) || c->ext == HTTP_CHUNK_EXT_MAX)
		return ERR_FORMAT;
	c->ext++;
	return 0;
}

static int
step_extension(struct http_chunks *c, char b)
{
	if (b == '\r')
		return enter(c, CHUNK_SIZE_LF);
	return drop(c, b, CHAR_VALUE);
}

static int
step_size_lf(struct http_chunks *c, char b)
{
	c->digits = 0;
	c->line = 0;
	return expect(
	    c, b, '\n', c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_NAME);
}

static int
step_data_cr(struct http_chunks *c, char b)
{
	return expect(c, b, '\r', CHUNK_DATA_LF);
}

static int
step_data_lf(struct http_chunks *c, char b)
{
	return expect(c, b, '\n', CHUNK_SIZE);
}

static int
step_trailer_name(struct http_chunks *c, char b)
{
	if (c->line == 0 && b == '\r')
		return enter(c, CHUNK_LAST_LF);
	if (c->line > 0 && b == ':')
		return enter(c, CHUNK_TRAILER_VALUE);
	c->line++;
	return drop(c, b, CHAR_TOKEN);
}

static int
step_trailer_value(struct http_chunks *c, char b)
{
	if (b == '\r')
		return enter(c, CHUNK_TRAILER_LF);
	return drop(c, b, CHAR_VALUE);
}

static int
step_trailer_lf(struct http_chunks *c, char b)
{
	c->line = 0;
	return expect(c, b, '\n', CHUNK_TRAILER_NAME);
}

static int
step_last_lf(struct http_chunks *c, char b)
{
	return expect(c, b, '\n', CHUNK_DONE);
}

/* clang-format off */
static int (*const steps[CHUNK_STATE_COUNT])(struct http_chunks *, char) = {
	[CHUNK_SIZE]          = step_size,
	[CHUNK_EXTENSION]     = step_extension,
	[CHUNK_SIZE_LF]       = step_size_lf,
	[CHUNK_DATA_CR]       = step_data_cr,
	[CHUNK_DATA_LF]       = step_data_lf,
	[CHUNK_TRAILER_NAME]  = step_trailer_name,
	[CHUNK_TRAILER_VALUE] = step_trailer_value,
	[CHUNK_TRAILER_LF]    = step_trailer_lf,
	[CHUNK_LAST_LF]       = step_last_lf,
};
/* clang-format on */

void
http_chunks_init(struct http_chunks *c)
{
	*c = (struct http_chunks){ .state = CHUNK_SIZE };
}

static size_t
take_data(struct http_chunks *c, const char *p, size_t len, struct slice *data)
{
	size_t n = c->left < len ? (size_t)c->left : len;

	*data = (struct slice){ p, n };
	c->left -= n;
	if (c->left == 0)
		c->state = CHUNK_DATA_CR;
	return n;
}

int
http_chunks_feed(struct http_chunks *c, const char *buf, size_t len,
    size_t *used, struct slice *data)
{
	*data = (struct slice){ NULL, 0 };
	*used = 0;
	while (*used < len && c->state != CHUNK_DONE) {
		if (c->state == CHUNK_DATA) {
			*used += take_data(c, buf + *used, len - *used, data);
			return ERR_MORE;
		}
		if (c->state == CHUNK_BROKEN ||
		    steps[c->state](c, buf[*used])) {
			c->state = CHUNK_BROKEN;
			return ERR_FORMAT;
		}
		(*used)++;
	}
	return c->state == CHUNK_DONE ? 0 : ERR_MORE;
}
