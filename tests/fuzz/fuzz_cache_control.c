/* Cache-Control from a hostile provider: a time within limits, and never a
 * longer one because more is said. */
#include "authd/cache_control.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice value = { (const char *)data, len };
	int64_t alone = cache_control_take(CACHE_CONTROL_UNSAID, value);
	int64_t after = cache_control_take(60, value);

	FUZZ_REQUIRE(alone >= CACHE_CONTROL_UNSAID);
	FUZZ_REQUIRE(alone <= CACHE_CONTROL_MAX_S);
	FUZZ_REQUIRE(after >= 0 && after <= 60);
	FUZZ_REQUIRE(
	    alone < 0 ? after == 60 : after == (alone < 60 ? alone : 60));
	FUZZ_REQUIRE(cache_control_take(alone, value) == alone);
	return 0;
}
