/* A request head: whole and in pieces, then written again from its parsed form
 * and read again, which must be the same request (P5). */
#include "tests/fuzz/fuzz_head.h"

static void
require_same(const struct http_request *a, const struct http_request *b)
{
	FUZZ_REQUIRE(a->method == b->method);
	FUZZ_REQUIRE(slice_equal(a->path, b->path));
	FUZZ_REQUIRE(a->has_query == b->has_query);
	FUZZ_REQUIRE(slice_equal(a->query, b->query));
	FUZZ_REQUIRE(a->host.len == 0 || slice_equal(a->host, b->host));
	FUZZ_REQUIRE(a->body == b->body);
	FUZZ_REQUIRE(a->content_length == b->content_length);
	fuzz_require_same_fields(&a->fields, &b->fields);
}

static size_t
write_again(const struct http_request *q, char *p, size_t cap)
{
	struct http_out o;

	http_out_init(&o, p, cap);
	http_put_request_line(&o, q->method, q->path, q->has_query, q->query);
	http_put_field(
	    &o, SLICE("Host"), q->host.len > 0 ? q->host : SLICE("x"));
	fuzz_put_fields(&o, &q->fields);
	http_put_framing(&o, q->body, q->content_length);
	http_put_end(&o);
	FUZZ_REQUIRE(!o.overflow);
	return o.len;
}

static void
check_written_again(const struct http_request *q)
{
	static char first[2 * HTTP_HEAD_MAX], second[2 * HTTP_HEAD_MAX];
	size_t n = write_again(q, first, sizeof(first));
	static struct http_request again;
	struct http_scan s = { 0 };

	/* Host, where HTTP/1.0 had none, is one field more */
	if (n > HTTP_HEAD_MAX || q->fields.n == HTTP_FIELDS_MAX)
		return;
	FUZZ_REQUIRE(http_scan(&s, first, n) == (long)n);
	FUZZ_REQUIRE(http_parse_request(&again, first, n) == 0);
	require_same(q, &again);
	FUZZ_REQUIRE(write_again(&again, second, sizeof(second)) == n);
	FUZZ_REQUIRE(memcmp(first, second, n) == 0);
}

static void
check_cookies(const struct http_fields *f)
{
	size_t n;
	struct slice value = http_cookie_get(f, "doorward", &n);

	FUZZ_REQUIRE(n > 0 || value.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct http_request q;
	const char *p = (const char *)data;
	long head = fuzz_scan(p, len);
	int status;

	if (head < 0)
		return 0;
	status = http_parse_request(&q, p, (size_t)head);
	FUZZ_REQUIRE(status == 0 || status == 400 || status == 414 ||
	    status == 431 || status == 501 || status == 505);
	if (status != 0)
		return 0;
	FUZZ_REQUIRE(q.minor == 0 || q.host.len > 0);
	FUZZ_REQUIRE(q.minor == 1 || q.body != HTTP_BODY_CHUNKED);
	check_cookies(&q.fields);
	check_written_again(&q);
	return 0;
}
