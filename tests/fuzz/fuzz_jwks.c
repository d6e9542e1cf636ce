/* A key set from a hostile provider: what comes out is small, and is found
 * again by algorithm and name alone. */
#include "common/json_strict.h"

#include "authd/jwks.h"

#include "tests/fuzz/fuzz.h"

static void
check_set(const struct jwks *set, struct slice kid)
{
	struct evp_pkey_st *found[JWKS_TRIES_MAX];

	FUZZ_REQUIRE(jwks_count(set) >= 1 && jwks_count(set) <= JWKS_KEYS_MAX);
	for (int alg = 0; alg < JOSE_ALG_COUNT; alg++) {
		size_t all = jwks_select(set, (enum jose_alg)alg, false,
		    (struct slice){ "", 0 }, found);
		size_t named =
		    jwks_select(set, (enum jose_alg)alg, true, kid, found);

		FUZZ_REQUIRE(all <= JWKS_TRIES_MAX);
		FUZZ_REQUIRE(named <= JWKS_TRIES_MAX);
		FUZZ_REQUIRE(all > 0 || named == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice text = { (const char *)data, len };
	struct jwks *set = NULL;
	const char *why = NULL;
	static int ready;

	if (!ready)
		json_strict_init();
	ready = 1;
	if (jwks_parse(text, &set, &why) != 0) {
		FUZZ_REQUIRE(set == NULL && why != NULL);
		return 0;
	}
	check_set(set, SLICE("a"));
	jwks_free(set);
	return 0;
}
