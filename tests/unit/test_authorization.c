/* Where people are sent to sign in, pushed requests, and userinfo: over the
 * wire, and what comes of the answers. */
#include "authd/oidc/authorization.h"
#include "authd/oidc/person.h"
#include "authd/oidc/userinfo.h"

#include "tests/unit/client_fixture.h"

static void
take_location(
    enum token_fault fault, const char *location, const char *detail, void *arg)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.n++;
	seen.fault = fault;
	snprintf(seen.location, sizeof(seen.location), "%s",
	    location != NULL ? location : "none");
	snprintf(seen.detail, sizeof(seen.detail), "%s", detail);
	seen.done = true;
}

static void
take_userinfo(enum token_fault fault, const json_t *userinfo, void *arg)
{
	struct slice sub = { NULL, 0 };

	ck_assert_ptr_eq(arg, &seen);
	seen.n++;
	seen.fault = fault;
	if (userinfo != NULL)
		ck_assert_int_eq(json_strict_text(userinfo, "sub", &sub), 0);
	snprintf(seen.subject, sizeof(seen.subject), "%.*s", SLICE_ARG(sub));
	seen.done = true;
}

static enum token_fault
start(void)
{
	begin();
	authorization_start(te,
	    &(struct authorization){ .redirect_uri = "https://door.test/kiali",
		.state = "s.t",
		.nonce = "n",
		.challenge = "c" },
	    take_location, &seen);
	wait_done();
	return seen.fault;
}

static enum token_fault
ask_userinfo(void)
{
	begin();
	userinfo_get(te, SLICE("tok.en"), take_userinfo, &seen);
	wait_done();
	return seen.fault;
}

#define QUERY                                                      \
	"client_id=doorward&response_type=code&redirect_uri="      \
	"https%3A%2F%2Fdoor.test%2Fkiali&scope=openid+a+b&nonce=n" \
	"&state=s.t&code_challenge=c&code_challenge_method=S256"
#define AUTH "https://idp.test/auth"

/* clang-format off */
static const struct {
	const char *endpoint, *location;
	bool with_more;
} locations[] = {
	{ AUTH, AUTH "?" QUERY, false },
	{ AUTH "?", AUTH "?" QUERY, false },
	{ AUTH "?p=b2c%2F1", AUTH "?p=b2c%2F1&" QUERY, false },
	{ AUTH "?p=1&", AUTH "?p=1&" QUERY, false },
	{ "https://idp.test", "https://idp.test?" QUERY, false },
	{ "https://idp.test?x", "https://idp.test?x&" QUERY, false },
	{ AUTH, AUTH "?" QUERY "&prompt=a+b%26c&acr_values=%C3%A4", true },
};
/* clang-format on */

START_TEST(test_location)
{
	static char prompt[] = "prompt", acr[] = "acr_values";
	static char first[] = "a b&c", second[] = "\xc3\xa4";
	static struct conf_pair more[] = { { prompt, first }, { acr, second } };

	if (locations[_i].with_more)
		settings.openid.additional_request_params =
		    (struct conf_map){ more, 2 };
	/* There is nowhere to push to; or there is, and it is not wanted. */
	set_metadata(locations[_i].endpoint, NULL, "");
	ck_assert_int_eq(start(), TOKEN_OK);
	ck_assert_str_eq(seen.location, locations[_i].location);
	settings.openid.pushed = PUSHED_NEVER;
	set_metadata(locations[_i].endpoint, "/par", "");
	ck_assert_int_eq(start(), TOKEN_OK);
	ck_assert_str_eq(seen.location, locations[_i].location);
	ck_assert_uint_eq(toy_server_requests(server), 0);
}
END_TEST

/* As long as it may be, and a character longer. */
START_TEST(test_location_length)
{
	static const char location[] = AUTH "?" QUERY "&x=";
	static char name[] = "x";
	size_t len = MSG_LOCATION_MAX - (sizeof(location) - 1);
	char *value = mem_new(2 * CLIENT_FORM_MAX);
	struct conf_pair more[] = { { name, value } };

	memset(value, 'v', len);
	settings.openid.additional_request_params =
	    (struct conf_map){ more, 1 };
	ck_assert_int_eq(start(), TOKEN_OK);
	ck_assert_uint_eq(strlen(seen.location), MSG_LOCATION_MAX);
	value[len] = 'v';
	ck_assert_int_eq(start(), TOKEN_REFUSED);
	ck_assert_str_eq(seen.location, "none");
	memset(value, 'v', 2 * CLIENT_FORM_MAX - 1);
	ck_assert_int_eq(start(), TOKEN_REFUSED);
	free(value);
}
END_TEST

#define URI "urn:ietf:params:oauth:request_uri:6esc"

START_TEST(test_pushed)
{
	static const char location[] =
	    AUTH "?p=1&client_id=doorward&request_uri="
		 "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc";

	status = "201 Created";
	body = "{\"request_uri\":\"" URI "\",\"expires_in\":60}";
	set_metadata(AUTH "?p=1", "/par", "");
	ck_assert_int_eq(start(), TOKEN_OK);
	ck_assert_str_eq(seen.location, location);
	HEAD_HAS("POST /par HTTP/1.1\r\n");
	HEAD_HAS("\r\nAuthorization: Basic ZG9vcndhcmQ6Z2VoZWlt\r\n");
	ck_assert_str_eq(body_seen, QUERY);
	/* client_id is there already */
	settings.openid.pushed = PUSHED_ALWAYS;
	settings.openid.auth_method = OPENID_AUTH_POST;
	ck_assert_int_eq(start(), TOKEN_OK);
	ck_assert_str_eq(seen.location, location);
	HEAD_LACKS("\r\nAuthorization:");
	ck_assert_str_eq(body_seen, QUERY "&client_secret=geheim");
	settings.openid.auth_method = OPENID_AUTH_NONE;
	ck_assert_int_eq(start(), TOKEN_OK);
	ck_assert_str_eq(body_seen, QUERY);
}
END_TEST

/* clang-format off */
static const struct {
	int pushed;
	bool endpoint, required;
	const char *status, *body;
	enum token_fault fault;
} pushes[] = {
	{ PUSHED_ALWAYS, false, false, "201 Created", "{\"request_uri\":\"u\"}", TOKEN_REFUSED },
	{ PUSHED_NEVER, true, true, "201 Created", "{\"request_uri\":\"u\"}", TOKEN_REFUSED },
	{ PUSHED_AUTO, true, false, "401 Unauthorized", "{\"error\":\"invalid_client\"}", TOKEN_CLIENT },
	{ PUSHED_AUTO, true, false, "400 Bad Request", "{\"error\":\"invalid_request\"}", TOKEN_REFUSED },
	{ PUSHED_AUTO, true, false, "503 Service Unavailable", "", TOKEN_UNAVAILABLE },
	{ PUSHED_AUTO, true, false, "201 Created", "{\"request_uri\":\"a b\"}", TOKEN_MALFORMED },
	{ PUSHED_AUTO, true, false, "201 Created", "{\"request_uri\":7}", TOKEN_MALFORMED },
	{ PUSHED_AUTO, true, true, "201 Created", "", TOKEN_MALFORMED },
};
/* clang-format on */

START_TEST(test_push_fault)
{
	settings.openid.pushed = pushes[_i].pushed;
	status = pushes[_i].status;
	body = pushes[_i].body;
	set_metadata(AUTH, pushes[_i].endpoint ? "/par" : NULL,
	    pushes[_i].required
		? "\"require_pushed_authorization_requests\":true,"
		: "");
	ck_assert_int_eq(start(), pushes[_i].fault);
	ck_assert_str_eq(seen.location, "none");
	ck_assert_msg(
	    strncmp(seen.detail, "pushed authorization request ", 29) == 0 &&
		strlen(seen.detail) > 50,
	    "%s", seen.detail);
	ck_assert_uint_eq(toy_server_requests(server),
	    pushes[_i].pushed == PUSHED_AUTO ? 1 : 0);
}
END_TEST

/* The longest request_uri, every character of which is encoded. */
START_TEST(test_push_length)
{
	char *uri = mem_new(REQUEST_URI_MAX + 2), *text;

	set_metadata(AUTH, "/par", "");
	status = "201 Created";
	for (size_t over = 0; over < 2; over++) {
		memset(uri, ':', REQUEST_URI_MAX + over);
		text = mem_printf("{\"request_uri\":\"%s\"}", uri);
		body = text;
		ck_assert_int_eq(
		    start(), over == 0 ? TOKEN_OK : TOKEN_MALFORMED);
		if (over == 0)
			ck_assert_uint_eq(strlen(seen.location),
			    strlen(AUTH "?client_id=doorward&request_uri=") +
				3 * REQUEST_URI_MAX);
		free(text);
	}
	free(uri);
}
END_TEST

/* Userinfo */

/* clang-format off */
#define JSON "Content-Type: application/json; charset=utf-8\r\n"
#define SUB "{\"sub\":\"alice\"}"
static const struct {
	const char *status, *fields, *body;
	enum token_fault fault;
} userinfos[] = {
	{ "200 OK", JSON, SUB, TOKEN_OK },
	{ "200 OK", "", SUB, TOKEN_OK },
	{ "200 OK", "Content-Type: text/plain\r\n", SUB, TOKEN_OK },
	{ "200 OK", "Content-Type: application/jwt\r\n", "a.b.c", TOKEN_REFUSED },
	{ "200 OK", "Content-Type: Application/JWT ; charset=utf-8\r\n", SUB, TOKEN_REFUSED },
	{ "200 OK", JSON, "a.b.c", TOKEN_MALFORMED },
	{ "200 OK", JSON, "[" SUB "]", TOKEN_MALFORMED },
	{ "200 OK", JSON, "{\"sub\":\"alice\",\"sub\":\"bob\"}", TOKEN_MALFORMED },
	{ "200 OK", JSON, "{\"sub\":\"alice\"", TOKEN_MALFORMED },
	{ "200 OK", JSON, "", TOKEN_MALFORMED },
	{ "201 Created", JSON, SUB, TOKEN_MALFORMED },
	{ "302 Found", "Location: /x\r\n", SUB, TOKEN_MALFORMED },
	{ "401 Unauthorized", JSON, SUB, TOKEN_REFUSED },
	{ "403 Forbidden", JSON, SUB, TOKEN_REFUSED },
	{ "429 Too Many Requests", JSON, SUB, TOKEN_UNAVAILABLE },
	{ "502 Bad Gateway", "", "<html>", TOKEN_UNAVAILABLE },
};
/* clang-format on */

START_TEST(test_userinfo)
{
	status = userinfos[_i].status;
	fields = userinfos[_i].fields;
	body = userinfos[_i].body;
	ck_assert_int_eq(ask_userinfo(), userinfos[_i].fault);
	ck_assert_str_eq(
	    seen.subject, userinfos[_i].fault == TOKEN_OK ? "alice" : "");
	HEAD_HAS("GET /me HTTP/1.1\r\n");
	HEAD_HAS("\r\nAuthorization: Bearer tok.en\r\n");
	ck_assert_str_eq(body_seen, "");
	ck_assert_uint_eq(toy_server_requests(server), 1);
}
END_TEST

START_TEST(test_userinfo_limits)
{
	char *big = mem_new(PERSON_USERINFO_MAX + 2);

	memset(big, ' ', PERSON_USERINFO_MAX + 1);
	memcpy(big, SUB, sizeof(SUB) - 1);
	body = big;
	ck_assert_int_eq(ask_userinfo(), TOKEN_MALFORMED);
	big[PERSON_USERINFO_MAX] = '\0';
	ck_assert_int_eq(ask_userinfo(), TOKEN_OK);
	silent = true;
	hurry_ms = 200;
	ck_assert_int_eq(ask_userinfo(), TOKEN_UNAVAILABLE);
	metadata_url_done(&metadata->at[METADATA_USERINFO]);
	ck_assert_int_eq(ask_userinfo(), TOKEN_REFUSED);
	free(big);
}
END_TEST

START_TEST(test_no_metadata)
{
	metadata_free(metadata);
	metadata = NULL;
	ck_assert_int_eq(ask_userinfo(), TOKEN_UNAVAILABLE);
	for (int p = PUSHED_AUTO; p <= PUSHED_NEVER; p++) {
		settings.openid.pushed = p;
		ck_assert_int_eq(start(), TOKEN_UNAVAILABLE);
		ck_assert_str_eq(seen.location, "none");
	}
	ck_assert_uint_eq(n_needed, 4);
	ck_assert_uint_eq(toy_server_requests(server), 0);
}
END_TEST

/* Nothing is told of what was under way. */
START_TEST(test_given_up)
{
	bool never = false;

	silent = true;
	set_metadata(AUTH, "/par", "");
	begin();
	userinfo_get(te, SLICE("t"), take_userinfo, &seen);
	authorization_start(te,
	    &(struct authorization){ .redirect_uri = "https://door.test",
		.state = "s",
		.nonce = "n",
		.challenge = "c" },
	    take_location, &seen);
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
	TCase *t = tcase_create("authorization");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_location, 0, N_ROWS(locations));
	tcase_add_test(t, test_location_length);
	tcase_add_test(t, test_pushed);
	tcase_add_loop_test(t, test_push_fault, 0, N_ROWS(pushes));
	tcase_add_test(t, test_push_length);
	tcase_add_loop_test(t, test_userinfo, 0, N_ROWS(userinfos));
	tcase_add_test(t, test_userinfo_limits);
	tcase_add_test(t, test_no_metadata);
	tcase_add_test(t, test_given_up);
	return unit_run("authorization", t);
}
