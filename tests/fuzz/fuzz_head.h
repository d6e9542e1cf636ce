/* For the targets that read HTTP heads: the scanner fed in pieces must say
 * what it says of the whole. */
#ifndef TESTS_FUZZ_FUZZ_HEAD_H
#define TESTS_FUZZ_FUZZ_HEAD_H

#include <string.h>

#include "common/err.h"
#include "common/http/http.h"
#include "tests/fuzz/fuzz.h"

/* Shows first bytes, then step more each time, to one scanner. */
static inline long
fuzz_scan_pieces(
    const char *p, size_t len, size_t first, size_t step, struct http_scan *s)
{
	long r = ERR_MORE;

	*s = (struct http_scan){ 0 };
	for (size_t n = first; r == ERR_MORE; n += step) {
		if (n >= len)
			return http_scan(s, p, len);
		r = http_scan(s, p, n);
	}
	return r;
}

static inline long
fuzz_scan(const char *p, size_t len)
{
	struct http_scan whole, pieces;
	long r = fuzz_scan_pieces(p, len, len, 1, &whole);

	FUZZ_REQUIRE(fuzz_scan_pieces(p, len, 0, 1, &pieces) == r);
	FUZZ_REQUIRE(pieces.past_first_line == whole.past_first_line);
	for (size_t at = 1; at < len; at += fuzz_split_step(len))
		FUZZ_REQUIRE(fuzz_scan_pieces(p, len, at, len, &pieces) == r);
	FUZZ_REQUIRE(r == ERR_MORE || r == ERR_FORMAT || r == ERR_LIMIT ||
	    (r >= 4 && r <= HTTP_HEAD_MAX && (size_t)r <= len));
	return r;
}

/* Both lists have the same end-to-end fields in the same order; b has nothing
 * else but Host and the framing. */
static inline void
fuzz_require_same_fields(
    const struct http_fields *a, const struct http_fields *b)
{
	size_t at = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (http_field_is_hop(a, a->at[i].name) ||
		    slice_is_nocase(a->at[i].name, "host"))
			continue;
		while (at < b->n &&
		    (http_field_is_hop(b, b->at[at].name) ||
			slice_is_nocase(b->at[at].name, "host")))
			at++;
		FUZZ_REQUIRE(at < b->n);
		FUZZ_REQUIRE(slice_equal(a->at[i].name, b->at[at].name));
		FUZZ_REQUIRE(slice_equal(a->at[i].value, b->at[at].value));
		at++;
	}
}

static inline void
fuzz_put_fields(struct http_out *o, const struct http_fields *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!http_field_is_hop(f, f->at[i].name) &&
		    !slice_is_nocase(f->at[i].name, "host"))
			http_put_field(o, f->at[i].name, f->at[i].value);
	}
}

#endif
