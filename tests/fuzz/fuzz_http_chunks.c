/* A chunked body: whole, byte by byte and split in two must give the same
 * payload, end and verdict; and the payload, encoded again, comes back. */
#include <string.h>

#include "common/err.h"
#include "common/http/http.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536

struct decoded {
	char data[INPUT_MAX];
	size_t len, used;
	int r;
};

static void
feed(struct http_chunks *c, struct decoded *d, const char *p, size_t len)
{
	while (len > 0 && d->r == ERR_MORE) {
		struct slice data;
		size_t used;

		d->r = http_chunks_feed(c, p, len, &used, &data);
		FUZZ_REQUIRE(used <= len && data.len <= used);
		FUZZ_REQUIRE(used > 0 || d->r == ERR_FORMAT);
		if (data.len > 0)
			memcpy(d->data + d->len, data.p, data.len);
		d->len += data.len;
		d->used += used;
		p += used;
		len -= used;
	}
}

static void
decode(struct decoded *d, const char *p, size_t len, size_t first, size_t step)
{
	struct http_chunks c;

	d->len = d->used = 0;
	d->r = ERR_MORE;
	http_chunks_init(&c);
	for (size_t n = first; len > 0; n = step) {
		n = n < len ? n : len;
		feed(&c, d, p, n);
		p += n;
		len -= n;
	}
}

static void
require_same(const struct decoded *a, const struct decoded *b)
{
	FUZZ_REQUIRE(a->r == b->r && a->used == b->used && a->len == b->len);
	FUZZ_REQUIRE(memcmp(a->data, b->data, a->len) == 0);
}

static void
check_encoded_again(const struct decoded *d)
{
	static char body[INPUT_MAX + 64];
	static struct decoded again;
	size_t n = 0;

	if (d->len > 0) {
		n = http_chunk_head(body, d->len);
		memcpy(body + n, d->data, d->len);
		n += d->len;
		memcpy(body + n, "\r\n", 2);
		n += 2;
	}
	memcpy(body + n, "0\r\n\r\n", 5);
	n += 5;
	decode(&again, body, n, n, n);
	FUZZ_REQUIRE(again.r == 0 && again.used == n && again.len == d->len);
	FUZZ_REQUIRE(memcmp(again.data, d->data, d->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct decoded whole, pieces;
	const char *p = (const char *)data;

	if (len > INPUT_MAX)
		return 0;
	decode(&whole, p, len, len, len);
	decode(&pieces, p, len, 1, 1);
	require_same(&whole, &pieces);
	for (size_t at = 1; at < len; at += fuzz_split_step(len)) {
		decode(&pieces, p, len, at, len);
		require_same(&whole, &pieces);
	}
	check_encoded_again(&whole);
	return 0;
}
