/* base64url and the other decoders of text: what decodes encodes to the same
 * text, and no decoder writes more than it may. */
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 4096

static void
check_b64url(const uint8_t *data, size_t len)
{
	static char text[B64URL_LEN(INPUT_MAX) + 1];
	static uint8_t bytes[INPUT_MAX];
	size_t n;

	b64url_encode(text, data, len);
	FUZZ_REQUIRE(strlen(text) == B64URL_LEN(len));
	FUZZ_REQUIRE(b64url_decode(bytes, len, &n, text, B64URL_LEN(len)) == 0);
	FUZZ_REQUIRE(n == len && memcmp(bytes, data, len) == 0);
	if (b64url_decode(bytes, sizeof(bytes), &n, (const char *)data, len) !=
	    0)
		return;
	b64url_encode(text, bytes, n);
	FUZZ_REQUIRE(B64URL_LEN(n) == len && memcmp(text, data, len) == 0);
	if (n > 0)
		FUZZ_REQUIRE(b64url_decode(bytes, n - 1, &n, (const char *)data,
				 len) == ERR_LIMIT);
}

static void
check_url_decode(const uint8_t *data, size_t len, bool plus)
{
	static char text[INPUT_MAX];
	long n;

	memcpy(text, data, len);
	n = text_url_decode(text, len, plus);
	FUZZ_REQUIRE(n < 0 || (size_t)n <= len);
	if (n > 0)
		FUZZ_REQUIRE(memchr(text, '\0', (size_t)n) == NULL);
}

static void
check_hex_and_numbers(const uint8_t *data, size_t len)
{
	static char text[2 * INPUT_MAX + 1];
	static uint8_t bytes[INPUT_MAX];
	struct slice s = { (const char *)data, len };
	uint64_t value;

	text_hex(text, data, len);
	FUZZ_REQUIRE(strlen(text) == 2 * len);
	FUZZ_REQUIRE(
	    text_unhex((struct slice){ text, 2 * len }, bytes, len) == 0);
	FUZZ_REQUIRE(memcmp(bytes, data, len) == 0);
	if (text_unhex(s, bytes, len / 2) == 0)
		FUZZ_REQUIRE(len % 2 == 0);
	if (text_u64(s, 1000, &value) == 0)
		FUZZ_REQUIRE(value <= 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0 || len > INPUT_MAX)
		return 0;
	check_b64url(data, len);
	check_url_decode(data, len, false);
	check_url_decode(data, len, true);
	check_hex_and_numbers(data, len);
	return 0;
}
