/* A form of anybody, a logout token or a user's among it: however its bytes
 * arrive, the same comes out, within the limits. */
#include <string.h>

#include "common/err.h"
#include "frontend/form.h"
#include "tests/fuzz/fuzz.h"

static const size_t max[FORM_FIELD_COUNT] = {
	[FORM_TOKEN] = MSG_TOKEN_MAX,
	[FORM_RETURN] = RETURN_PATH_MAX,
	[FORM_LOGOUT_TOKEN] = MSG_TOKEN_MAX,
	[FORM_EVERYWHERE] = 8,
};

static void
check_values(struct form *f)
{
	for (size_t i = 0; i < FORM_FIELD_COUNT; i++) {
		struct slice value = form_get(f, (enum form_field)i);

		FUZZ_REQUIRE(value.len <= max[i]);
		FUZZ_REQUIRE(
		    value.len == 0 || memchr(value.p, '\0', value.len) == NULL);
		form_strip(f, (enum form_field)i);
		value = form_get(f, (enum form_field)i);
		for (size_t at = 0; at < value.len; at++)
			FUZZ_REQUIRE(strchr(" \t\r\n", value.p[at]) == NULL);
	}
}

static void
check_same(const struct form *a, const struct form *b)
{
	for (size_t i = 0; i < FORM_FIELD_COUNT; i++)
		FUZZ_REQUIRE(slice_equal(form_get(a, (enum form_field)i),
		    form_get(b, (enum form_field)i)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	struct form *whole = form_new();
	int r;

	form_feed(whole, p, len);
	r = form_end(whole);
	FUZZ_REQUIRE(r == 0 || r == ERR_FORMAT || r == ERR_LIMIT);
	for (size_t at = 0; at <= len; at += fuzz_split_step(len)) {
		struct form *parts = form_new();

		form_feed(parts, p, at);
		form_feed(parts, p + at, len - at);
		FUZZ_REQUIRE(form_end(parts) == r);
		check_same(whole, parts);
		form_free(parts);
	}
	if (r == 0)
		check_values(whole);
	form_free(whole);
	return 0;
}
