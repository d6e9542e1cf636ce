/* What goes over the wire to a provider's token and revocation endpoints, and
 * what comes of the answers. */
#include "tests/unit/client_fixture.h"

#include "authd/oidc/assertion.h"

/* Client assertions that the test gives, in place of a signer's. */
struct assertion {
	assertion_done_fn *done;
	void *arg;
	struct event *later;
};
static const char *assertion; /* NULL: there is none to be had */
static unsigned n_assertions, n_cancelled;

static void
assertion_free(struct assertion *a)
{
	event_free(a->later);
	free(a);
}

static void
tell_assertion(evutil_socket_t fd, short what, void *arg)
{
	struct assertion *a = arg;

	(void)fd;
	(void)what;
	a->done(assertion != NULL ? 0 : ERR_UNAVAILABLE, assertion, a->arg);
	assertion_free(a);
}

struct assertion *
assertion_make(struct assertions *all, assertion_done_fn *done, void *arg)
{
	static const struct timeval soon = { 0, 20000 };
	struct assertion *a = mem_new(sizeof(*a));

	ck_assert_ptr_nonnull(all);
	n_assertions++;
	a->done = done;
	a->arg = arg;
	a->later = evtimer_new(base, tell_assertion, a);
	ck_assert_int_eq(evtimer_add(a->later, &soon), 0);
	return a;
}

void
assertion_cancel(struct assertion *a)
{
	n_cancelled++;
	assertion_free(a);
}

static void
take_tokens(enum token_fault fault, const struct token_answer *a, void *arg)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.n++;
	seen.fault = fault;
	snprintf(seen.tokens, sizeof(seen.tokens), "%.*s|%.*s|%.*s|%d",
	    SLICE_ARG(a->id_token), SLICE_ARG(a->access_token),
	    SLICE_ARG(a->refresh_token), (int)a->expires_in_s);
	snprintf(seen.detail, sizeof(seen.detail), "%s", a->detail);
	seen.done = true;
}

static enum token_fault
redeem(void)
{
	begin();
	token_endpoint_code(te, SLICE("c/1"), "ver-ifier",
	    "https://door.test/kiali", take_tokens, &seen);
	wait_done();
	return seen.fault;
}

#define CODE                                                               \
	"code=c%2F1&code_verifier=ver-ifier&grant_type=authorization_code" \
	"&redirect_uri=https%3A%2F%2Fdoor.test%2Fkiali"

/* clang-format off */
#define ONLY(list) "\"token_endpoint_auth_methods_supported\":[" list "],"
static const struct {
	int method;
	const char *id, *secret, *metadata;
	const char *basic; /* NULL: no Authorization field */
	const char *body;
} methods[] = {
	{ OPENID_AUTH_BASIC, "doorward", "geheim", "", "ZG9vcndhcmQ6Z2VoZWlt", CODE },
	/* my+id%3A%C3%A4:p%26w%2B%25~%2A+%3A */
	{ OPENID_AUTH_BASIC, "my id:\xc3\xa4", "p&w+%~* :", "", "bXkraWQlM0ElQzMlQTQ6cCUyNnclMkIlMjV+JTJBKyUzQQ==", CODE },
	{ OPENID_AUTH_POST, "my id:\xc3\xa4", "p&w+%~* :", "", NULL, CODE "&client_id=my+id%3A%C3%A4&client_secret=p%26w%2B%25~%2A+%3A" },
	{ OPENID_AUTH_NONE, "doorward", "geheim", "", NULL, CODE "&client_id=doorward" },
	{ OPENID_AUTH_NONE, "doorward", "", "", NULL, CODE "&client_id=doorward" },
	{ OPENID_AUTH_CHOSEN, "doorward", "", "", NULL, CODE "&client_id=doorward" },
	{ OPENID_AUTH_CHOSEN, "doorward", "geheim", "", "ZG9vcndhcmQ6Z2VoZWlt", CODE },
	{ OPENID_AUTH_CHOSEN, "doorward", "geheim", ONLY("\"client_secret_post\",\"client_secret_basic\""), "ZG9vcndhcmQ6Z2VoZWlt", CODE },
	{ OPENID_AUTH_CHOSEN, "doorward", "geheim", ONLY("\"client_secret_post\""), NULL, CODE "&client_id=doorward&client_secret=geheim" },
	{ OPENID_AUTH_CHOSEN, "doorward", "geheim", ONLY("\"tls_client_auth\""), "ZG9vcndhcmQ6Z2VoZWlt", CODE },
	{ OPENID_AUTH_BASIC, "doorward", "geheim", ONLY("\"client_secret_post\""), "ZG9vcndhcmQ6Z2VoZWlt", CODE },
};
/* clang-format on */

START_TEST(test_method)
{
	char *id = mem_strdup(methods[_i].id), *field;

	settings.openid.client_id = id;
	settings.openid.auth_method = methods[_i].method;
	token_endpoint_set_secret(te, slice_of(methods[_i].secret));
	set_metadata("https://idp.test/auth", NULL, methods[_i].metadata);
	ck_assert_int_eq(redeem(), TOKEN_OK);
	ck_assert_str_eq(seen.tokens, "a.b.c|A|R|300");
	HEAD_HAS("POST /token?tenant=1 HTTP/1.1\r\n");
	HEAD_HAS("\r\nContent-Type: application/x-www-form-urlencoded\r\n");
	HEAD_HAS("\r\nAccept: application/json\r\n");
	ck_assert_str_eq(body_seen, methods[_i].body);
	if (methods[_i].basic == NULL) {
		HEAD_LACKS("\r\nAuthorization:");
	} else {
		field = mem_printf(
		    "\r\nAuthorization: Basic %s\r\n", methods[_i].basic);
		HEAD_HAS(field);
		free(field);
	}
	free(id);
}
END_TEST

START_TEST(test_refresh)
{
	begin();
	token_endpoint_refresh(te, SLICE("r+1"), take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_OK);
	ck_assert_str_eq(seen.tokens, "a.b.c|A|R|300");
	ck_assert_str_eq(
	    body_seen, "grant_type=refresh_token&refresh_token=r%2B1");
	HEAD_HAS("\r\nAuthorization: Basic ZG9vcndhcmQ6Z2VoZWlt\r\n");
	/* without an id_token; at the code exchange that is a fault */
	body = "{\"access_token\":\"A\",\"token_type\":\"Bearer\"}";
	begin();
	token_endpoint_refresh(te, SLICE("r"), take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_OK);
	ck_assert_str_eq(seen.tokens, "|A||-1");
	ck_assert_int_eq(redeem(), TOKEN_MALFORMED);
	ck_assert_str_eq(seen.detail,
	    "token endpoint: 200: the provider sent no id_token; is "
	    "\"openid\" among the scopes that it allows this client?");
	/* the console is to have the access token */
	settings.openid.use_access_token = true;
	body = "{\"id_token\":\"I\"}";
	ck_assert_int_eq(redeem(), TOKEN_MALFORMED);
	ck_assert_str_eq(seen.detail,
	    "token endpoint: 200: the provider sent no access_token");
}
END_TEST

/* The longest token, every character of which is encoded. */
START_TEST(test_longest)
{
	char *token = mem_new(MSG_TOKEN_MAX + 1);

	memset(token, '+', MSG_TOKEN_MAX);
	begin();
	token_endpoint_refresh(te, slice_of(token), take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_OK);
	ck_assert_uint_eq(strlen(body_seen),
	    strlen("grant_type=refresh_token&refresh_token=") +
		3 * MSG_TOKEN_MAX);
	free(token);
	token = mem_new(CLIENT_FORM_MAX + 1);
	memset(token, 'x', CLIENT_FORM_MAX);
	begin();
	token_endpoint_code(
	    te, slice_of(token), "v", "https://door.test", take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_REFUSED);
	ck_assert_str_eq(
	    seen.detail, "token endpoint: the request is too long");
	free(token);
}
END_TEST

START_TEST(test_revoke)
{
	body = "";
	begin();
	token_endpoint_revoke(
	    te, SLICE("t&1"), "refresh_token", take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_OK);
	HEAD_HAS("POST /revoke HTTP/1.1\r\n");
	HEAD_HAS("\r\nAuthorization: Basic ZG9vcndhcmQ6Z2VoZWlt\r\n");
	ck_assert_str_eq(
	    body_seen, "token=t%261&token_type_hint=refresh_token");
	status = "503 Service Unavailable";
	begin();
	token_endpoint_revoke(
	    te, SLICE("t"), "access_token", take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_UNAVAILABLE);
	ck_assert_str_eq(seen.detail,
	    "revocation endpoint: 503: the provider has a problem");
	/* none: nothing to do */
	metadata_url_done(&metadata->at[METADATA_REVOCATION]);
	begin();
	token_endpoint_revoke(
	    te, SLICE("t"), "access_token", take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_OK);
	ck_assert_uint_eq(toy_server_requests(server), 2);
}
END_TEST

/* clang-format off */
static const struct {
	const char *status, *body;
	enum token_fault fault;
	const char *detail;
} errors[] = {
	{ "401 Unauthorized", "{\"error\":\"invalid_client\"}", TOKEN_CLIENT,
	    "token endpoint: 401 invalid_client: the client id or the secret in slot oidc-secret is wrong" },
	{ "400 Bad Request", "{\"error\":\"invalid_grant\",\"error_description\":\"geheim\"}", TOKEN_INVALID_GRANT,
	    "token endpoint: 400 invalid_grant: the code or refresh token is over, was used before, was revoked, or belongs to another client or redirect URI" },
	{ "400 Bad Request", "{\"error\":\"invalid_request\"}", TOKEN_REFUSED,
	    "token endpoint: 400 invalid_request: the provider finds something in the request missing or wrong; has it registered the redirect URI (doorward explain-url)?" },
	{ "403 Forbidden", "<html>", TOKEN_REFUSED, "token endpoint: 403: the provider refuses without a reason that we know" },
	{ "404 Not Found", "", TOKEN_REFUSED, "token endpoint: 404: there is no such endpoint at this address" },
	{ "429 Too Many Requests", "", TOKEN_UNAVAILABLE, "token endpoint: 429: the provider wants fewer requests" },
	{ "500 Internal Server Error", "{}", TOKEN_UNAVAILABLE, "token endpoint: 500: the provider has a problem" },
	{ "200 OK", "{\"id_token\":\"a\",\"id_token\":\"b\"}", TOKEN_MALFORMED, "token endpoint: 200: the answer is not a JSON object without duplicate members" },
	{ "200 OK", "{\"id_token\":7}", TOKEN_MALFORMED, "token endpoint: 200: a token is not a text" },
	{ "200 OK", "", TOKEN_MALFORMED, "token endpoint: 200: the answer is not a JSON object without duplicate members" },
};
/* clang-format on */

START_TEST(test_error)
{
	status = errors[_i].status;
	body = errors[_i].body;
	ck_assert_int_eq(redeem(), errors[_i].fault);
	ck_assert_str_eq(seen.detail, errors[_i].detail);
	ck_assert_str_eq(seen.tokens, "|||-1");
}
END_TEST

START_TEST(test_redirect)
{
	status = "307 Temporary Redirect";
	fields = "Location: /elsewhere\r\n";
	ck_assert_int_eq(redeem(), TOKEN_MALFORMED);
	ck_assert_str_eq(seen.detail,
	    "token endpoint: 307: a redirect, which is not followed; is the "
	    "endpoint's address right?");
	ck_assert_uint_eq(toy_server_requests(server), 1);
}
END_TEST

START_TEST(test_sizes)
{
	char *big = mem_new(TOKEN_ANSWER_MAX + 2);

	memset(big, ' ', TOKEN_ANSWER_MAX + 1);
	memcpy(big, body, strlen(body));
	body = big;
	ck_assert_int_eq(redeem(), TOKEN_MALFORMED);
	ck_assert_str_eq(seen.detail,
	    "token endpoint: the answer is longer than 65536 bytes");
	big[TOKEN_ANSWER_MAX] = '\0';
	ck_assert_int_eq(redeem(), TOKEN_OK);
	free(big);
}
END_TEST

/* An answer that is whole JSON but not the whole answer does not count. */
START_TEST(test_broken_off)
{
	raw = true;
	body = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	       "{\"id_token\":\"a\"}";
	ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
	ck_assert(
	    slice_starts(slice_of(seen.detail), "token endpoint: no answer: "));
	body = "SSH-2.0-OpenSSH\r\n";
	ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
}
END_TEST

START_TEST(test_unreachable)
{
	hurry_ms = 200;
	silent = true;
	ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
	ck_assert_str_eq(seen.detail, "token endpoint: no answer within 10 s");
	hurry_ms = 0;
	toy_server_free(server);
	server = toy_server_new(base, NULL, say, NULL); /* another port */
	ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
	ck_assert(
	    slice_starts(slice_of(seen.detail), "token endpoint: no answer: "));
}
END_TEST

START_TEST(test_no_metadata)
{
	metadata_free(metadata);
	metadata = NULL;
	ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
	ck_assert_str_eq(seen.detail,
	    "token endpoint: the provider's metadata cannot be had");
	ck_assert_str_eq(seen.tokens, "|||-1");
	begin();
	token_endpoint_revoke(
	    te, SLICE("t"), "access_token", take_tokens, &seen);
	wait_done();
	ck_assert_int_eq(seen.fault, TOKEN_UNAVAILABLE);
	ck_assert_uint_eq(n_needed, 2);
	ck_assert_uint_eq(toy_server_requests(server), 0);
}
END_TEST

#define NEEDS_SECRET                                                  \
	"token endpoint: doorward.openid.token_endpoint_auth_method " \
	"needs a secret, but there is none in slot oidc-secret"

START_TEST(test_secrets)
{
	char *big = mem_new(CLIENT_SECRET_MAX + 2);

	/* a new one, then none */
	ck_assert_int_eq(redeem(), TOKEN_OK);
	HEAD_HAS("\r\nAuthorization: Basic ZG9vcndhcmQ6Z2VoZWlt\r\n");
	token_endpoint_set_secret(te, SLICE("neu"));
	ck_assert_int_eq(redeem(), TOKEN_OK);
	HEAD_HAS("\r\nAuthorization: Basic ZG9vcndhcmQ6bmV1\r\n");
	token_endpoint_set_secret(te, SLICE(""));
	ck_assert_int_eq(redeem(), TOKEN_OK);
	HEAD_LACKS("\r\nAuthorization:");
	settings.openid.auth_method = OPENID_AUTH_BASIC;
	ck_assert_int_eq(redeem(), TOKEN_CLIENT);
	ck_assert_str_eq(seen.detail, NEEDS_SECRET);
	settings.openid.auth_method = OPENID_AUTH_POST;
	ck_assert_int_eq(redeem(), TOKEN_CLIENT);
	ck_assert_str_eq(seen.detail, NEEDS_SECRET);
	/* the longest, and one longer */
	memset(big, '%', CLIENT_SECRET_MAX + 1);
	token_endpoint_set_secret(te, (struct slice){ big, CLIENT_SECRET_MAX });
	ck_assert_int_eq(redeem(), TOKEN_OK);
	ck_assert_uint_eq(strlen(body_seen),
	    strlen(CODE "&client_id=doorward&client_secret=") +
		3 * CLIENT_SECRET_MAX);
	token_endpoint_set_secret(te, slice_of(big));
	ck_assert_int_eq(redeem(), TOKEN_CLIENT);
	free(big);
}
END_TEST

START_TEST(test_secret_unknown)
{
	static const int methods_that_ask[] = { OPENID_AUTH_CHOSEN,
		OPENID_AUTH_BASIC, OPENID_AUTH_POST };

	token_endpoint_free(te);
	te = token_endpoint_new(&settings, NULL, client, NULL);
	for (size_t i = 0; i < N_ROWS(methods_that_ask); i++) {
		settings.openid.auth_method = methods_that_ask[i];
		ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
		ck_assert_str_eq(seen.detail,
		    "token endpoint: secretd has not yet said what is in "
		    "slot oidc-secret");
	}
	ck_assert_uint_eq(toy_server_requests(server), 0);
	settings.openid.auth_method = OPENID_AUTH_NONE;
	ck_assert_int_eq(redeem(), TOKEN_OK);
	ck_assert_uint_eq(toy_server_requests(server), 1);
}
END_TEST

static void
use_assertions(void)
{
	static int nothing; /* the stand-in looks into nothing */

	token_endpoint_free(te);
	settings.openid.auth_method = OPENID_AUTH_PRIVATE_KEY_JWT;
	te = token_endpoint_new(
	    &settings, NULL, client, (struct assertions *)(void *)&nothing);
	n_assertions = n_cancelled = 0;
	assertion = "h.c.s-_";
}

#define ASSERTED                                                        \
	"&client_id=doorward&client_assertion_type=urn%3Aietf%3Aparams" \
	"%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="

/* RFC 7523 2.2; a new one for each request, and no secret with it. */
START_TEST(test_assertion)
{
	static char longest[MSG_ASSERTION_MAX + 1];

	use_assertions();
	token_endpoint_set_secret(te, SLICE("geheim"));
	ck_assert_int_eq(redeem(), TOKEN_OK);
	ck_assert_str_eq(seen.tokens, "a.b.c|A|R|300");
	ck_assert_str_eq(body_seen, CODE ASSERTED "h.c.s-_");
	HEAD_LACKS("\r\nAuthorization:");
	assertion = "h.c.t";
	begin();
	token_endpoint_refresh(te, SLICE("r"), take_tokens, &seen);
	wait_done();
	ck_assert_str_eq(body_seen,
	    "grant_type=refresh_token&refresh_token=r" ASSERTED "h.c.t");
	ck_assert_uint_eq(n_assertions, 2);
	/* nothing of the form is cut off */
	memset(longest, 'x', MSG_ASSERTION_MAX);
	assertion = longest;
	ck_assert_int_eq(redeem(), TOKEN_OK);
	ck_assert_uint_eq(
	    strlen(body_seen), strlen(CODE ASSERTED) + MSG_ASSERTION_MAX);
	ck_assert_uint_eq(n_cancelled, 0);
}
END_TEST

START_TEST(test_no_assertion)
{
	use_assertions();
	assertion = NULL;
	ck_assert_int_eq(redeem(), TOKEN_UNAVAILABLE);
	ck_assert_str_eq(seen.detail,
	    "token endpoint: doorward.openid.token_endpoint_auth_method is "
	    "private_key_jwt, but there is no client assertion: is there a "
	    "private key in slot oidc-key? doorward-secretd says what is "
	    "wrong");
	/* given up while one is being made */
	assertion = "h.c.s";
	begin();
	token_endpoint_refresh(te, SLICE("r"), take_tokens, &seen);
	while (n_assertions < 2)
		event_base_loop(base, EVLOOP_ONCE);
	token_endpoint_free(te);
	te = NULL;
	ck_assert_uint_eq(n_cancelled, 1);
	ck_assert_uint_eq(toy_server_requests(server), 0);
	ck_assert(!seen.done);
}
END_TEST

/* Nothing is told of what was under way, wherever it was. */
START_TEST(test_given_up)
{
	bool never = false;

	silent = true;
	begin();
	token_endpoint_code(
	    te, SLICE("c"), "v", "https://door.test", take_tokens, &seen);
	token_endpoint_revoke(
	    te, SLICE("t"), "access_token", take_tokens, &seen);
	tls_fixture_run(base, &never, 100);
	ck_assert_uint_eq(toy_server_requests(server), 2);
	token_endpoint_free(te);
	te = NULL;
	tls_fixture_run(base, &never, 50);
	ck_assert_uint_eq(seen.n, 0);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("token_endpoint");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_method, 0, N_ROWS(methods));
	tcase_add_test(t, test_refresh);
	tcase_add_test(t, test_longest);
	tcase_add_test(t, test_revoke);
	tcase_add_loop_test(t, test_error, 0, N_ROWS(errors));
	tcase_add_test(t, test_redirect);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_broken_off);
	tcase_add_test(t, test_unreachable);
	tcase_add_test(t, test_no_metadata);
	tcase_add_test(t, test_secrets);
	tcase_add_test(t, test_secret_unknown);
	tcase_add_test(t, test_assertion);
	tcase_add_test(t, test_no_assertion);
	tcase_add_test(t, test_given_up);
	return unit_run("token_endpoint", t);
}
