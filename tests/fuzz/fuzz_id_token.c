/* A token from a hostile provider, and a provider's own token of strange
 * claims: what begins with '{' is taken as claims, and signed first. What is
 * let through says what the rules demand, and then makes a person or none. */
#include <string.h>

#include "common/conf.h"
#include "common/json_strict.h"

#include "authd/identity.h"
#include "authd/jose.h"
#include "authd/oidc/id_token.h"
#include "authd/oidc/person.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/toy_provider.h"

static const struct id_token_rules rules = {
	.issuer = "https://idp.example",
	.client_id = "doorward",
	.algs = JOSE_ALGS_ALL,
	.now = 1000000,
	.age_max_s = ID_TOKEN_AGE_MAX_S,
	.nonce = "n-1",
	.access_token = { "access-token", 12 },
};

static void
check_name(const char *name)
{
	for (; *name != '\0'; name++)
		FUZZ_REQUIRE(*name >= ' ' && *name <= '~');
}

static void
check_person(const json_t *claims)
{
	static char domain[] = "corp.example";
	char *list[] = { domain };
	const struct conf_list domains = { list, 1 };
	const struct person_rules wanted = { .username_claim = "name",
		.groups_claim = "groups",
		.allowed_domains = &domains };
	struct identity who;
	size_t left_out;

	(void)person_wants_userinfo(claims, &wanted);
	if (person_read(claims, claims, &wanted, &who, &left_out) != PERSON_OK)
		return;
	FUZZ_REQUIRE(strcmp(who.domain, domain) == 0);
	FUZZ_REQUIRE(who.user[0] != '\0');
	FUZZ_REQUIRE(strncmp(who.name, "system:", 7) != 0);
	FUZZ_REQUIRE(
	    who.groups_len == 0 || who.groups[who.groups_len - 1] == '\0');
}

static void
check_token(struct slice token, const struct jwks *keys)
{
	struct id_token t;
	struct logout_token out;
	bool is_login = id_token_read(token, keys, &rules, &t) == ID_TOKEN_OK;

	if (is_login) {
		FUZZ_REQUIRE(json_strict_is(t.claims, "iss", rules.issuer));
		FUZZ_REQUIRE(json_strict_is(t.claims, "nonce", rules.nonce));
		FUZZ_REQUIRE(t.subject[0] != '\0');
		FUZZ_REQUIRE(t.expires + ID_TOKEN_LEEWAY_S > rules.now);
		check_name(t.subject);
		check_name(t.sid);
		check_person(t.claims);
	}
	id_token_done(&t);
	if (logout_token_read(token, keys, &rules, &out) == ID_TOKEN_OK) {
		FUZZ_REQUIRE(!is_login);
		FUZZ_REQUIRE(out.subject[0] != '\0' || out.sid[0] != '\0');
		FUZZ_REQUIRE(out.id[0] != '\0' && out.last > rules.now);
		check_name(out.id);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct jwks *keys;
	struct slice input = { (const char *)data, len };
	const char *why;
	char *token;

	if (keys == NULL) {
		json_strict_init();
		FUZZ_REQUIRE(
		    jwks_parse(SLICE(TOY_PROVIDER_KEYS), &keys, &why) == 0);
	}
	if (len == 0 || input.p[0] != '{') {
		check_token(input, keys);
		return 0;
	}
	token = toy_provider_sign(SLICE(TOY_PROVIDER_HEADER), input);
	check_token(slice_of(token), keys);
	free(token);
	return 0;
}
