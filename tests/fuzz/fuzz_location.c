/* Where an upstream may send a client: what comes out stays below the route, or
 * is a host of the outside as it came in. */
#include <string.h>

#include "common/settings.h"
#include "egress/internal.h"
#include "egress/location.h"
#include "tests/fuzz/fuzz.h"

#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static struct settings settings = {
	.console = { .host = (char[]){ "10.1.2.3" },
	    .port = 3000,
	    .path = (char[]){ "" } },
	.services = { [SERVICE_PROMETHEUS] = { .name = "prometheus",
			  .url = { .host = (char[]){ "prom" },
			      .port = 9090,
			      .path = (char[]){ "/base" } } } },
};

static const struct route routes[] = {
	{ .service = SERVICE_PROMETHEUS,
	    .base = TEXT("/base"),
	    .rest = TEXT("/api/v1"),
	    .mount = TEXT("/p"),
	    .stripped = true },
	{ .service = SERVICE_PROMETHEUS,
	    .rest = TEXT("/p/api/v1"),
	    .mount = TEXT("/p") },
};

static void
check(const struct route *route, struct slice value)
{
	struct location l = { .settings = &settings,
		.route = route,
		.host = SLICE("k.example") };
	char text[HTTP_HEAD_MAX];
	struct http_out room;
	struct slice out;

	http_out_init(&room, text, sizeof(text));
	if (location_rewrite(&room, &l, value, &out) != 0)
		return;
	if (out.len > 0 && out.p[0] == '/' &&
	    !(out.len > 1 && out.p[1] == '/')) {
		FUZZ_REQUIRE(slice_starts(out, "/p"));
		FUZZ_REQUIRE(out.len == 2 || strchr("/?#", out.p[2]) != NULL);
		FUZZ_REQUIRE(memmem(out.p, out.len, "/../", 4) == NULL ||
		    memchr(out.p, '?', out.len) != NULL ||
		    memchr(out.p, '#', out.len) != NULL);
		return;
	}
	FUZZ_REQUIRE(slice_starts_nocase(out, "http://") ||
	    slice_starts_nocase(out, "https://") || slice_starts(out, "//"));
	FUZZ_REQUIRE(slice_equal(out, value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice value = { (const char *)data, size };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		check(&routes[i], value);
	return 0;
}
