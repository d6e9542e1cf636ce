/*
 * The internal protocol's header check and the wire reader. Input: u8 type, u8
 * sender, u8 receiver, u8 descriptor, then the payload; how the payload is
 * read follows from its own bytes.
 */
#include <string.h>

#include "common/err.h"
#include "common/msg.h"
#include "common/wire.h"
#include "tests/fuzz/fuzz.h"

static void
check_message(const uint8_t *head, size_t len)
{
	enum role from = (enum role)(head[1] % ROLE_COUNT);
	enum role to = (enum role)(head[2] % ROLE_COUNT);
	const struct msg_spec *spec = msg_spec(head[0]);
	int r = msg_check(head[0], len, head[3] & 1, from, to);

	FUZZ_REQUIRE(msg_name(head[0]) != NULL);
	FUZZ_REQUIRE(r == 0 || r == ERR_PROTOCOL);
	if (r != 0)
		return;
	FUZZ_REQUIRE(spec != NULL && len >= spec->min && len <= spec->max);
	FUZZ_REQUIRE((spec->from & 1u << from) != 0);
	FUZZ_REQUIRE((spec->to & 1u << to) != 0);
}

static void
check_slice(struct slice s, const uint8_t *p, size_t len, size_t max)
{
	uintptr_t begin = (uintptr_t)p, at = (uintptr_t)s.p;

	FUZZ_REQUIRE(s.len <= max);
	if (s.len > 0)
		FUZZ_REQUIRE(at >= begin && at + s.len <= begin + len);
}

/* One read, the kind of which is op; also written to w. */
static void
read_one(struct wire_reader *r, struct wire_writer *w, unsigned op,
    const uint8_t *p, size_t len)
{
	size_t max = (op & 0xf0) * 4;
	uint8_t raw[16];
	struct slice s;

	switch (op % 7) {
	case 0:
		wire_put_u8(w, wire_get_u8(r));
		break;
	case 1:
		wire_put_u16(w, wire_get_u16(r));
		break;
	case 2:
		wire_put_u32(w, wire_get_u32(r));
		break;
	case 3:
		wire_put_u64(w, wire_get_u64(r));
		break;
	case 4:
		wire_get_raw(r, raw, max % sizeof(raw));
		wire_put_raw(w, raw, max % sizeof(raw));
		break;
	default:
		s = op % 7 == 5 ? wire_get_bytes(r, max)
				: wire_get_text(r, max);
		check_slice(s, p, len, max);
		if (op % 7 == 6 && s.len > 0)
			FUZZ_REQUIRE(memchr(s.p, '\0', s.len) == NULL);
		wire_put_slice(w, s);
		break;
	}
}

/* What was read without error, written again, is the payload. */
static void
check_reader(const uint8_t *p, size_t len)
{
	static uint8_t copy[MSG_PAYLOAD_MAX];
	struct wire_reader r;
	struct wire_writer w;

	wire_reader_init(&r, p, len);
	wire_writer_init(&w, copy, sizeof(copy));
	for (size_t i = 0; i < len && r.err == 0 && r.left > 0; i++) {
		read_one(&r, &w, p[len - 1 - i], p, len);
		if (r.err == 0)
			FUZZ_REQUIRE(memcmp(p, copy, w.len) == 0);
	}
	FUZZ_REQUIRE(wire_done(&w) == 0);
	FUZZ_REQUIRE((wire_end(&r) == 0) == (r.err == 0 && r.left == 0));
	if (r.err != 0)
		FUZZ_REQUIRE(wire_get_u64(&r) == 0 && wire_end(&r) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 4 || len - 4 > MSG_PAYLOAD_MAX)
		return 0;
	check_message(data, len - 4);
	check_reader(data + 4, len - 4);
	return 0;
}
