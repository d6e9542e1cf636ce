/* What a browser brings to the callback: a login cookie, a newline, and state.
 * Nothing but what was sealed for this purpose comes through; and whatever the
 * cookie is, a login can begin with it and comes back. */
#include <string.h>

#include "authd/oidc/state.h"

#include "tests/fuzz/fuzz.h"

#define NOW 1000000
#define BASE SLICE("https://door.example/kiali")

static struct keys *
keys_ready_made(void)
{
	struct keys *k = keys_new();
	uint8_t payload[1 + MSG_KEY_ID_LEN + 2 * KEYS_LEN];
	struct wire_reader r;
	bool dropped;

	memset(payload, '1', sizeof(payload));
	payload[0] = 1;
	wire_reader_init(&r, payload, sizeof(payload));
	FUZZ_REQUIRE(keys_load(k, &r, &dropped) == 0);
	return k;
}

static void
check_begin(const struct keys *keys, struct slice cookie)
{
	struct state_start start = { .now = NOW,
		.timeout_s = 300,
		.base_url = BASE,
		.return_path = cookie,
		.cookie = cookie };
	struct state_return back = {
		.now = NOW + 1, .timeout_s = 300, .base_url = BASE
	};
	struct state_attempt a;
	struct state_resumed r;

	state_begin(keys, &start, &a);
	back.cookie = slice_of(a.cookie);
	back.state = slice_of(a.state);
	FUZZ_REQUIRE(back.cookie.len == STATE_COOKIE_LEN);
	FUZZ_REQUIRE(state_resume(keys, &back, &r) == STATE_OK);
	FUZZ_REQUIRE(strcmp(r.nonce, a.nonce) == 0);
	FUZZ_REQUIRE(
	    r.return_len == (cookie.len <= STATE_RETURN_MAX ? cookie.len : 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct keys *keys;
	struct slice rest = { (const char *)data, len };
	struct state_return back = {
		.now = NOW, .timeout_s = 300, .base_url = BASE
	};
	struct state_resumed r;
	char cookie[STATE_COOKIE_LEN + 1];
	enum state_fault fault;

	if (keys == NULL)
		keys = keys_ready_made();
	back.cookie = slice_cut(&rest, '\n');
	back.state = rest;
	fault = state_resume(keys, &back, &r);
	FUZZ_REQUIRE((fault == STATE_OK) == (r.verifier[0] != '\0'));
	FUZZ_REQUIRE(r.return_len <= STATE_RETURN_MAX);
	fault = state_count(keys, &back, true, cookie);
	FUZZ_REQUIRE((fault == STATE_OK) == (cookie[0] != '\0'));
	check_begin(keys, back.cookie);
	return 0;
}
