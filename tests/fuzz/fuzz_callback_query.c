/* Any query of a callback: what comes out lies within it, has its alphabet and
 * its length, and is nothing at all after a fault. */
#include <string.h>

#include "authd/oidc/callback_query.h"
#include "authd/oidc/state.h"

#include "tests/fuzz/fuzz.h"

static void
check_part(struct slice part, const char *text, size_t len, size_t max)
{
	FUZZ_REQUIRE(part.len <= max);
	if (part.len == 0)
		return;
	FUZZ_REQUIRE(part.p > text && part.p + part.len <= text + len);
	for (size_t i = 0; i < part.len; i++)
		FUZZ_REQUIRE(part.p[i] >= ' ' && part.p[i] <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct callback_query q;
	enum callback_fault fault;

	FUZZ_REQUIRE(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	fault = callback_query_parse(text, len, &q);
	FUZZ_REQUIRE((fault == CALLBACK_OK) == (q.state.len > 0));
	FUZZ_REQUIRE(q.state.len <= STATE_MAX);
	FUZZ_REQUIRE(
	    fault != CALLBACK_OK || (q.code.len > 0) != (q.error.len > 0));
	check_part(q.code, text, len, CALLBACK_CODE_MAX);
	check_part(q.error, text, len, CALLBACK_ERROR_MAX);
	check_part(q.iss, text, len, CALLBACK_ISSUER_MAX);
	free(text);
	return 0;
}
