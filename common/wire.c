/*
 * The encoding of internal messages: big-endian integers, u16 length + bytes.
 * Errors stick, and a failed read never gives bytes of the message.
 */
#include "common/wire.h"

#include <string.h>

#include "common/err.h"

void
wire_reader_init(struct wire_reader *r, const void *p, size_t len)
{
	*r = (struct wire_reader){ .p = p, .left = len, .err = 0 };
}

/* The next n bytes, or NULL (and the error sticks). */
static const uint8_t *
take(struct wire_reader *r, size_t n)
{
	if (r->err != 0 || n > r->left) {
		r->err = ERR_FORMAT;
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += n;
	r->left -= n;
	return p;
}

static uint64_t
get_int(struct wire_reader *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
wire_get_u8(struct wire_reader *r)
{
	return (uint8_t)get_int(r, 1);
}

uint16_t
wire_get_u16(struct wire_reader *r)
{
	return (uint16_t)get_int(r, 2);
}

uint32_t
wire_get_u32(struct wire_reader *r)
{
	return (uint32_t)get_int(r, 4);
}

uint64_t
wire_get_u64(struct wire_reader *r)
{
	return get_int(r, 8);
}

struct slice
wire_get_bytes(struct wire_reader *r, size_t max)
{
	struct slice none = { NULL, 0 };
	size_t len = wire_get_u16(r);

	if (len > max)
		r->err = ERR_FORMAT;
	const uint8_t *p = take(r, len);
	return p == NULL ? none : (struct slice){ (const char *)p, len };
}

struct slice
wire_get_text(struct wire_reader *r, size_t max)
{
	struct slice none = { NULL, 0 };
	struct slice s = wire_get_bytes(r, max);

	if (s.len > 0 && memchr(s.p, '\0', s.len) != NULL) {
		r->err = ERR_FORMAT;
		return none;
	}
	return s;
}

void
wire_get_raw(struct wire_reader *r, void *dst, size_t len)
{
	const uint8_t *p = take(r, len);

	if (len == 0)
		return;
	if (p == NULL)
		memset(dst, 0, len);
	else
		memcpy(dst, p, len);
}

int
wire_end(const struct wire_reader *r)
{
	if (r->err != 0)
		return r->err;
	return r->left == 0 ? 0 : ERR_FORMAT;
}

void
wire_writer_init(struct wire_writer *w, void *p, size_t cap)
{
	*w = (struct wire_writer){ .p = p, .len = 0, .cap = cap, .err = 0 };
}

void
wire_put_raw(struct wire_writer *w, const void *p, size_t len)
{
	if (w->err != 0 || len > w->cap - w->len) {
		w->err = ERR_LIMIT;
		return;
	}
	if (len > 0)
		memcpy(w->p + w->len, p, len);
	w->len += len;
}

static void
put_int(struct wire_writer *w, uint64_t v, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(v >> 8 * (n - 1 - i) & 0xFF);
	wire_put_raw(w, bytes, n);
}

void
wire_put_u8(struct wire_writer *w, uint8_t v)
{
	put_int(w, v, 1);
}

void
wire_put_u16(struct wire_writer *w, uint16_t v)
{
	put_int(w, v, 2);
}

void
wire_put_u32(struct wire_writer *w, uint32_t v)
{
	put_int(w, v, 4);
}

void
wire_put_u64(struct wire_writer *w, uint64_t v)
{
	put_int(w, v, 8);
}

void
wire_put_bytes(struct wire_writer *w, const void *p, size_t len)
{
	if (len > UINT16_MAX) {
		w->err = ERR_LIMIT;
		return;
	}
	wire_put_u16(w, (uint16_t)len);
	wire_put_raw(w, p, len);
}

void
wire_put_slice(struct wire_writer *w, struct slice s)
{
	wire_put_bytes(w, s.p, s.len);
}

void
wire_put_text(struct wire_writer *w, const char *z)
{
	wire_put_slice(w, slice_of(z));
}

int
wire_done(const struct wire_writer *w)
{
	return w->err;
}
