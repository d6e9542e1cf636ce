/*
 * Bounded reader and writer for internal messages. Big-endian integers,
 * u16 length + bytes. Errors stick: after the first one every read gives
 * zeroes and every write does nothing, so that a parser is a straight list
 * with one check at the end.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

struct wire_reader {
	const uint8_t *p;
	size_t left;
	int err;
};
struct wire_writer {
	uint8_t *p;
	size_t len, cap;
	int err;
};

void wire_reader_init(struct wire_reader *r, const void *p, size_t len);
uint8_t wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
/* u16 length + bytes, at most max; borrowed from the message. */
struct slice wire_get_bytes(struct wire_reader *r, size_t max);
/* The same, and a NUL inside is an error. */
struct slice wire_get_text(struct wire_reader *r, size_t max);
/* Exactly len raw bytes into dst (zeroed on error). */
void wire_get_raw(struct wire_reader *r, void *dst, size_t len);
/* 0 only when no read failed and nothing is left over. */
int wire_end(const struct wire_reader *r) __attribute__((warn_unused_result));

void wire_writer_init(struct wire_writer *w, void *p, size_t cap);
void wire_put_u8(struct wire_writer *w, uint8_t v);
void wire_put_u16(struct wire_writer *w, uint16_t v);
void wire_put_u32(struct wire_writer *w, uint32_t v);
void wire_put_u64(struct wire_writer *w, uint64_t v);
void wire_put_bytes(struct wire_writer *w, const void *p, size_t len);
void wire_put_slice(struct wire_writer *w, struct slice s);
void wire_put_text(struct wire_writer *w, const char *z); /* NULL: "" */
void wire_put_raw(struct wire_writer *w, const void *p, size_t len);
/* 0, or ERR_LIMIT when something did not fit. */
int wire_done(const struct wire_writer *w) __attribute__((warn_unused_result));

#endif
