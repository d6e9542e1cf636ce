/* What a link may name as the place to return to: where a browser gets with
 * what is allowed is on this origin, none of our own calls, and no second
 * callback. A query says the same place again. */
#include <string.h>

#include "common/settings.h"
#include "frontend/return_path.h"
#include "tests/fuzz/fuzz.h"

#define QUERY_MAX (sizeof("/?return=") + 3 * RETURN_PATH_MAX)

static struct settings settings[] = {
	{ .strategy = STRATEGY_OPENID, .web_prefix = (char[]){ "" } },
	{ .strategy = STRATEGY_OPENID, .web_prefix = (char[]){ "/kiali" } },
};

/* A URL parser takes these out wherever they are, and '\' for '/'. */
static void
check_origin(struct slice path)
{
	FUZZ_REQUIRE(path.len > 0 && path.p[0] == '/');
	FUZZ_REQUIRE(path.len < 2 || path.p[1] != '/');
	for (size_t i = 0; i < path.len; i++)
		FUZZ_REQUIRE(
		    path.p[i] > ' ' && path.p[i] <= '~' && path.p[i] != '\\');
}

static void
check_encoding(struct slice path)
{
	char query[QUERY_MAX] = "a=b&return=", back[RETURN_PATH_MAX + 1];
	size_t n = strlen(query);

	FUZZ_REQUIRE(
	    return_path_encode(path, query + n, sizeof(query) - n) == 0);
	return_path_from_query(slice_of(query), "return", back, sizeof(back));
	FUZZ_REQUIRE(path.len > RETURN_PATH_MAX / 3 ||
	    slice_equal(slice_of(back), path));
}

static void
check(const struct settings *s, struct slice path)
{
	char fallback[16];
	struct slice place =
	    return_path_or_root(s, path, fallback, sizeof(fallback));
	struct slice query = place, part = slice_cut(&query, '?');

	check_origin(place);
	if (!return_path_allowed(s, path)) {
		FUZZ_REQUIRE(place.p == fallback);
		return;
	}
	FUZZ_REQUIRE(slice_equal(place, path));
	FUZZ_REQUIRE(!return_path_is_callback(s, part, query));
	FUZZ_REQUIRE(
	    memmem(part.p, part.len, "/../", 4) == NULL && part.len > 0);
	check_encoding(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct slice input = { (const char *)data, len };
	char decoded[RETURN_PATH_MAX + 1];

	return_path_from_query(input, "return", decoded, sizeof(decoded));
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		check(&settings[i], input);
		check(&settings[i], slice_of(decoded));
	}
	return 0;
}
