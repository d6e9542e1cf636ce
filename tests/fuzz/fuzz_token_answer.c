/* Answers of a hostile provider: the first two bytes are the status, the third
 * says what was asked. No token comes out that an Authorization field could not
 * carry, and nothing of the answer gets into the log. */
#include <string.h>

#include "common/json_strict.h"
#include "common/msg.h"

#include "authd/oidc/token_answer.h"

#include "tests/fuzz/fuzz.h"

static void
check_token(struct slice token)
{
	if (token.p == NULL)
		return;
	FUZZ_REQUIRE(token.len > 0 && token.len <= MSG_TOKEN_MAX);
	for (size_t i = 0; i < token.len; i++)
		FUZZ_REQUIRE(token.p[i] > ' ' && token.p[i] <= '~');
}

static void
check_tokens(unsigned status, struct slice body, uint8_t asked)
{
	struct token_answer_rules rules = {
		.auth = (enum metadata_auth)(asked % METADATA_AUTHS),
		.need_id_token = (asked & 16) != 0,
		.need_access_token = (asked & 32) != 0,
	};
	struct token_answer a;
	enum token_fault fault = token_answer_read(status, body, &rules, &a);

	FUZZ_REQUIRE((fault == TOKEN_OK) == (a.document != NULL));
	FUZZ_REQUIRE((fault == TOKEN_OK) == (a.detail[0] == '\0'));
	FUZZ_REQUIRE(fault != TOKEN_OK || status == 200);
	check_token(a.id_token);
	check_token(a.access_token);
	check_token(a.refresh_token);
	FUZZ_REQUIRE(
	    a.expires_in_s >= -1 && a.expires_in_s <= TOKEN_LIFE_MAX_S);
	if (fault == TOKEN_OK) {
		FUZZ_REQUIRE(a.id_token.p != NULL || a.access_token.p != NULL);
		FUZZ_REQUIRE(!rules.need_id_token || a.id_token.p != NULL);
		FUZZ_REQUIRE(
		    !rules.need_access_token || a.access_token.p != NULL);
	}
	token_answer_done(&a);
}

static void
check_others(unsigned status, struct slice body, uint8_t asked)
{
	enum metadata_auth auth = (enum metadata_auth)(asked % METADATA_AUTHS);
	char detail[TOKEN_DETAIL_MAX], uri[REQUEST_URI_MAX + 1];
	enum token_fault fault =
	    revocation_answer_read(status, body, auth, detail);

	FUZZ_REQUIRE((fault == TOKEN_OK) == (detail[0] == '\0'));
	fault = pushed_answer_read(status, body, auth, uri, detail);
	FUZZ_REQUIRE((fault == TOKEN_OK) == (detail[0] == '\0'));
	FUZZ_REQUIRE((fault == TOKEN_OK) == (uri[0] != '\0'));
	for (const char *c = uri; *c != '\0'; c++)
		FUZZ_REQUIRE(*c > ' ' && *c <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int ready;
	unsigned status;
	struct slice body;

	if (!ready)
		json_strict_init();
	ready = 1;
	if (len < 3)
		return 0;
	status = (unsigned)(data[0] << 8 | data[1]);
	body = (struct slice){ (const char *)data + 3, len - 3 };
	check_tokens(status, body, data[2]);
	check_others(status, body, data[2]);
	return 0;
}
