/* Any end_session_endpoint: the URL goes where it says, is one for a header,
 * and names the session and where the person comes back to, each once. */
#include <string.h>

#include "common/msg.h"
#include "common/wiped_mem.h"

#include "authd/oidc/logout_url.h"

#include "tests/fuzz/fuzz.h"

static unsigned
count(const char *query, const char *pair)
{
	size_t len = strlen(pair);
	unsigned n = 0;

	for (const char *at = query; at != NULL; at = strchr(at, '&')) {
		at++;
		n += strncmp(at, pair, len) == 0;
	}
	return n;
}

static void
check_url(const char *url, const char *endpoint)
{
	const char *query = strchr(url, '?');
	size_t path = strcspn(endpoint, "?");

	FUZZ_REQUIRE(query != NULL && strlen(url) <= MSG_LOGOUT_URL_MAX);
	FUZZ_REQUIRE(
	    (size_t)(query - url) == path && memcmp(url, endpoint, path) == 0);
	FUZZ_REQUIRE(strspn(query + 1,
			 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789-._~%+&=") == strlen(query + 1));
	FUZZ_REQUIRE(
	    count(query, "id_token_hint=") + count(query, "client_id=") == 1);
	FUZZ_REQUIRE(count(query, "post_logout_redirect_uri=") == 1);
	FUZZ_REQUIRE(count(query, "state=") == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *endpoint = malloc(len + 1), *url;
	struct logout_url q = { .id_token = SLICE("a.b.c"),
		.client_id = "doorward",
		.return_to = "https://door.example/",
		.state = "s" };

	FUZZ_REQUIRE(endpoint != NULL);
	if (len > 0)
		memcpy(endpoint, data, len);
	endpoint[len] = '\0';
	q.endpoint = endpoint;
	url = logout_url_make(&q);
	if (url != NULL)
		check_url(url, endpoint);
	wiped_free(url);
	free(endpoint);
	return 0;
}
