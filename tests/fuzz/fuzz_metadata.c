/* A discovery document from a hostile provider. What is let through leads to
 * https alone (or to this machine), and to nothing that a header or another
 * parser could read in another way. */
#include <string.h>

#include "common/json_strict.h"

#include "authd/oidc/metadata.h"

#include "tests/fuzz/fuzz.h"

#define ISSUER "https://idp.example"

static void
check_url(const struct metadata_url *u, size_t i)
{
	if (u->text == NULL) {
		FUZZ_REQUIRE(i > METADATA_JWKS);
		return;
	}
	FUZZ_REQUIRE(strlen(u->text) <= METADATA_URL_MAX);
	FUZZ_REQUIRE(strncmp(u->text, u->server.tls ? "https://" : "http://",
			 u->server.tls ? 8 : 7) == 0);
	FUZZ_REQUIRE(u->server.tls || url_is_loopback(u->server.host));
	FUZZ_REQUIRE(url_is_host(slice_of(u->server.host)));
	FUZZ_REQUIRE(u->server.path[0] == '\0');
	FUZZ_REQUIRE(u->target > u->text &&
	    u->target <= u->text + strlen(u->text) &&
	    strchr("/?", u->target[0]) != NULL);
	for (const char *c = u->text; *c != '\0'; c++)
		FUZZ_REQUIRE(
		    *c > ' ' && *c <= '~' && strchr("#\\\"<>", *c) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice text = { (const char *)data, len };
	struct metadata *m = NULL;
	struct metadata_problem why = { NULL, NULL };
	static int ready;

	if (!ready)
		json_strict_init();
	ready = 1;
	if (metadata_parse(text, ISSUER, &m, &why) != 0) {
		FUZZ_REQUIRE(m == NULL && why.member != NULL);
		FUZZ_REQUIRE(why.what != NULL);
		return 0;
	}
	FUZZ_REQUIRE(strcmp(m->issuer, ISSUER) == 0);
	FUZZ_REQUIRE(m->algs != 0);
	FUZZ_REQUIRE(
	    !m->pushed_required || m->at[METADATA_PUSHED].text != NULL);
	for (size_t i = 0; i < METADATA_ENDPOINTS; i++)
		check_url(&m->at[i], i);
	metadata_free(m);
	return 0;
}
