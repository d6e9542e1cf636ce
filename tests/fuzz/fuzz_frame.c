/* A frame from a peer that is taken over. What the decoder lets through encodes
 * to the same bytes, and a request head made of it is one request that the
 * gate accepts (P5). */
#include <string.h>

#include "common/err.h"
#include "common/frame.h"
#include "tests/fuzz/fuzz.h"

static uint8_t again[FRAME_HEADER_LEN + FRAME_HEAD_MAX];

static void
check_as_head(const struct frame_request *q)
{
	static char head[4 * HTTP_HEAD_MAX];
	static struct http_request got;
	struct slice host = q->host.len > 0 ? q->host : SLICE("x");
	struct http_out o;
	struct http_scan s = { 0 };

	http_out_init(&o, head, sizeof(head));
	http_put_request_line(&o, q->method, q->path, q->has_query, q->query);
	http_put_field(&o, SLICE("Host"), host);
	for (size_t i = 0; i < q->fields.n; i++)
		http_put_field(&o, q->fields.at[i].name, q->fields.at[i].value);
	http_put_framing(&o, q->body, q->content_length);
	http_put_end(&o);
	FUZZ_REQUIRE(!o.overflow);
	if (o.len > HTTP_HEAD_MAX || q->fields.n > HTTP_FIELDS_MAX - 2)
		return;
	FUZZ_REQUIRE(http_scan(&s, head, o.len) == (long)o.len);
	FUZZ_REQUIRE(http_parse_request(&got, head, o.len) == 0);
	FUZZ_REQUIRE(got.method == q->method);
	FUZZ_REQUIRE(slice_equal(got.path, q->path));
	FUZZ_REQUIRE(slice_equal(got.query, q->query));
	FUZZ_REQUIRE(slice_equal(got.host, host));
	FUZZ_REQUIRE(got.body == q->body);
	FUZZ_REQUIRE(got.content_length == q->content_length);
	FUZZ_REQUIRE(got.keep_alive && !got.expect_unknown);
}

static void
require_same(const uint8_t *data, long len)
{
	FUZZ_REQUIRE(len > 0 && memcmp(data, again, (size_t)len) == 0);
}

static void
check_payload(enum frame_type type, const uint8_t *data, uint32_t len)
{
	static struct frame_request q;
	static struct frame_response a;
	const uint8_t *payload = data + FRAME_HEADER_LEN;
	enum deny why;

	if (type == FRAME_REQUEST && frame_get_request(&q, payload, len) == 0) {
		require_same(data, frame_put_request(again, sizeof(again), &q));
		check_as_head(&q);
	}
	if (type == FRAME_RESPONSE && frame_get_response(&a, payload, len) == 0)
		require_same(
		    data, frame_put_response(again, sizeof(again), &a));
	if (type == FRAME_DENY && frame_get_deny(&why, payload, len) == 0)
		require_same(data, frame_put_deny(again, sizeof(again), why));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum frame_type type;
	uint32_t payload_len;
	int r = frame_head(data, len, &type, &payload_len);

	FUZZ_REQUIRE((r == ERR_MORE) == (len < FRAME_HEADER_LEN));
	if (r == 0 && payload_len <= len - FRAME_HEADER_LEN)
		check_payload(type, data, payload_len);
	return 0;
}
