/* A response head, as the answer to GET and to HEAD: whole and in pieces, then
 * written again and read again. */
#include "tests/fuzz/fuzz_head.h"

static void
check_written_again(const struct http_response *a)
{
	static char text[2 * HTTP_HEAD_MAX];
	static struct http_response again;
	struct http_out o;

	http_out_init(&o, text, sizeof(text));
	http_put_status_line(&o, a->status);
	fuzz_put_fields(&o, &a->fields);
	http_put_framing(&o, a->body, a->content_length);
	http_put_end(&o);
	FUZZ_REQUIRE(!o.overflow);
	if (o.len > HTTP_HEAD_MAX)
		return;
	FUZZ_REQUIRE(http_parse_response(&again, HTTP_GET, text, o.len) == 0);
	FUZZ_REQUIRE(again.status == a->status);
	if (a->body != HTTP_BODY_NONE)
		FUZZ_REQUIRE(again.body == a->body);
	if (a->body == HTTP_BODY_LENGTH)
		FUZZ_REQUIRE(again.content_length == a->content_length);
	fuzz_require_same_fields(&a->fields, &again.fields);
}

static void
check_one(const char *p, size_t len, enum http_method to)
{
	static struct http_response a;
	int r = http_parse_response(&a, to, p, len);
	bool never;

	FUZZ_REQUIRE(r == 0 || r == ERR_FORMAT);
	if (r != 0)
		return;
	never = to == HTTP_HEAD || a.status < 200 || a.status == 204 ||
	    a.status == 304;
	FUZZ_REQUIRE(a.status >= 100 && a.status <= 599);
	FUZZ_REQUIRE(never == (a.body == HTTP_BODY_NONE));
	FUZZ_REQUIRE(!a.keep_alive || a.body != HTTP_BODY_CLOSE);
	check_written_again(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	long head = fuzz_scan(p, len);

	if (head < 0)
		return 0;
	check_one(p, (size_t)head, HTTP_GET);
	check_one(p, (size_t)head, HTTP_HEAD);
	return 0;
}
