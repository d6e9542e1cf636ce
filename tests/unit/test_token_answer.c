/* Answers of token, revocation and pushed-request endpoints, by tables. */
#include "authd/oidc/token_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_strict.h"
#include "common/mem.h"
#include "common/msg.h"

#include "tests/unit/unit.h"

/* clang-format off */
#define B "\"token_type\":\"Bearer\""
#define ID "\"id_token\":\"I\""
#define ACCESS "\"access_token\":\"A\""
#define NOT_JSON "the answer is not a JSON object without duplicate members"
#define CHARACTERS "a token has characters that a token cannot have"
#define NO_TEXT "a token is not a text"
#define NO_LIFE "expires_in is no number of seconds"

/* Good answers: "id|access|refresh", life. Others: the detail. */
static const struct {
	const char *body;
	bool need_id, need_access;
	const char *result; /* NULL: a fault */
	int64_t life_s;
	const char *detail;
} tokens[] = {
	{ "{" ID "," ACCESS "," B ",\"expires_in\":60,\"refresh_token\":\"R\",\"scope\":\"openid\"}", true, true, "I|A|R", 60, NULL },
	{ "{" ID "," ACCESS "," B "}", true, false, "I|A|", -1, NULL },
	{ "{" ID "," ACCESS ",\"token_type\":\"bEARER\"}", true, false, "I|A|", -1, NULL },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":0}", true, false, "I|A|", 0, NULL },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":\"3600\"}", true, false, "I|A|", 3600, NULL },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":9223372036854775807}", true, false, "I|A|", TOKEN_LIFE_MAX_S, NULL },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":null,\"refresh_token\":null}", true, false, "I|A|", -1, NULL },
	{ "{" ID "," ACCESS "," B ",\"refresh_token\":\"\"}", true, false, "I|A|", -1, NULL },
	{ "{" ID "," ACCESS "," B ",\"id_token_hint\":7,\"x\":{\"id_token\":\"no\"}}", true, false, "I|A|", -1, NULL },
	{ "{\"id\\u005ftoken\":\"\\u0049\"}", true, false, "I||", -1, NULL },
	{ "{" ID "}", true, false, "I||", -1, NULL },
	{ "{" ACCESS "," B "}", false, false, "|A|", -1, NULL },
	{ "{" ACCESS "," B ",\"id_token\":null}", false, true, "|A|", -1, NULL },

	{ "{" ACCESS "," B "}", true, false, NULL, 0, "200: the provider sent no id_token; is \"openid\" among the scopes that it allows this client?" },
	{ "{" ACCESS "," B ",\"id_token\":\"\"}", true, false, NULL, 0, "200: the provider sent no id_token; is \"openid\" among the scopes that it allows this client?" },
	{ "{" ID "}", true, true, NULL, 0, "200: the provider sent no access_token" },
	{ "{\"refresh_token\":\"R\"," B "}", false, false, NULL, 0, "200: the provider sent no token" },
	{ "{}", false, false, NULL, 0, "200: the provider sent no token" },
	{ "{" ID "," ACCESS "}", true, false, NULL, 0, "200: there is no token_type" },
	{ "{" ID "," ACCESS ",\"token_type\":1}", true, false, NULL, 0, "200: there is no token_type" },
	{ "{" ID "," ACCESS ",\"token_type\":\"DPoP\"}", true, false, NULL, 0, "200: token_type is not Bearer" },
	{ "{" ID "," ACCESS ",\"token_type\":\"\"}", true, false, NULL, 0, "200: token_type is not Bearer" },
	{ "{" ACCESS "," B ",\"id_token\":7}", true, false, NULL, 0, "200: " NO_TEXT },
	{ "{" ID "," B ",\"access_token\":[\"A\"]}", true, false, NULL, 0, "200: " NO_TEXT },
	{ "{" ID "," ACCESS "," B ",\"refresh_token\":false}", true, false, NULL, 0, "200: " NO_TEXT },
	{ "{" ACCESS "," B ",\"id_token\":\"a b\"}", true, false, NULL, 0, "200: " CHARACTERS },
	{ "{" ID "," B ",\"access_token\":\"a\\r\\nX: y\"}", true, false, NULL, 0, "200: " CHARACTERS },
	{ "{" ID "," ACCESS "," B ",\"refresh_token\":\"\xc3\xa4\"}", true, false, NULL, 0, "200: " CHARACTERS },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":-1}", true, false, NULL, 0, "200: " NO_LIFE },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":1.5}", true, false, NULL, 0, "200: " NO_LIFE },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":\"60s\"}", true, false, NULL, 0, "200: " NO_LIFE },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":\"-1\"}", true, false, NULL, 0, "200: " NO_LIFE },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":true}", true, false, NULL, 0, "200: " NO_LIFE },
	{ "{" ID "," ACCESS "," B ",\"expires_in\":9223372036854775808}", true, false, NULL, 0, "200: " NOT_JSON },
	{ "{" ID "," ACCESS "," B ",\"id_token\":\"J\"}", true, false, NULL, 0, "200: " NOT_JSON },
	{ "{" ID "," ACCESS "," B ",\"access\\u005ftoken\":\"J\"}", true, false, NULL, 0, "200: " NOT_JSON },
	{ "{" ID "," ACCESS "," B ",\"x\":\"a\\u0000b\"}", true, false, NULL, 0, "200: " NOT_JSON },
	{ "{" ID "," ACCESS "," B "", true, false, NULL, 0, "200: " NOT_JSON },
	{ "{" ID "," ACCESS "," B "} x", true, false, NULL, 0, "200: " NOT_JSON },
	{ "[" "{" ID "}" "]", true, false, NULL, 0, "200: " NOT_JSON },
	{ "id_token=I&access_token=A", true, false, NULL, 0, "200: " NOT_JSON },
	{ "<html>", true, false, NULL, 0, "200: " NOT_JSON },
	{ "", true, false, NULL, 0, "200: " NOT_JSON },
};

#define E(name) "{\"error\":\"" name "\",\"error_description\":\"se cret\"}"
#define SECRET "the client id or the secret in slot oidc-secret is wrong"
#define GRANT "the code or refresh token is over, was used before, was revoked, or belongs to another client or redirect URI"
#define UNKNOWN "the provider refuses without a reason that we know"
#define BASIC METADATA_AUTH_BASIC
static const struct {
	unsigned status;
	const char *body;
	enum metadata_auth auth;
	enum token_fault fault;
	const char *detail;
} errors[] = {
	{ 401, E("invalid_client"), BASIC, TOKEN_CLIENT, "401 invalid_client: " SECRET },
	{ 400, E("invalid_client"), METADATA_AUTH_POST, TOKEN_CLIENT, "400 invalid_client: " SECRET },
	{ 401, E("invalid_client"), METADATA_AUTH_NONE, TOKEN_CLIENT,
	    "401 invalid_client: the client id is wrong, or the provider wants a secret and slot oidc-secret has none" },
	{ 401, E("invalid_client"), METADATA_AUTH_PRIVATE_KEY_JWT, TOKEN_CLIENT,
	    "401 invalid_client: the client id is wrong, or the provider does not have the public key of slot oidc-key" },
	{ 401, "", BASIC, TOKEN_CLIENT, "401: " SECRET },
	{ 401, "<html>", METADATA_AUTH_NONE, TOKEN_CLIENT,
	    "401: the client id is wrong, or the provider wants a secret and slot oidc-secret has none" },
	{ 401, E("who_knows"), BASIC, TOKEN_CLIENT, "401: " SECRET },
	{ 400, E("unauthorized_client"), BASIC, TOKEN_CLIENT,
	    "400 unauthorized_client: the provider does not let this client do that: its registration must allow the authorization code flow" },
	{ 400, E("invalid_grant"), BASIC, TOKEN_INVALID_GRANT, "400 invalid_grant: " GRANT },
	{ 403, E("invalid_grant"), BASIC, TOKEN_INVALID_GRANT, "403 invalid_grant: " GRANT },
	{ 400, E("interaction_required"), BASIC, TOKEN_INVALID_GRANT, "400 interaction_required: the person has to sign in anew" },
	{ 400, E("login_required"), BASIC, TOKEN_INVALID_GRANT, "400 login_required: the person has to sign in anew" },
	{ 400, E("consent_required"), BASIC, TOKEN_INVALID_GRANT, "400 consent_required: the person has to consent at the provider" },
	{ 400, E("invalid_request"), BASIC, TOKEN_REFUSED, "400 invalid_request: the provider finds something in the request missing or wrong; has it registered the redirect URI (doorward explain-url)?" },
	{ 400, E("invalid_redirect_uri"), BASIC, TOKEN_REFUSED, "400 invalid_redirect_uri: the provider has not registered our redirect URI (doorward explain-url)" },
	{ 400, E("unsupported_grant_type"), BASIC, TOKEN_REFUSED, "400 unsupported_grant_type: the provider does not offer this grant" },
	{ 400, E("invalid_scope"), BASIC, TOKEN_REFUSED, "400 invalid_scope: the provider does not know or allow one of auth.openid.scopes" },
	{ 400, E("access_denied"), BASIC, TOKEN_REFUSED, "400 access_denied: the provider refuses" },
	{ 400, E("use_dpop_nonce"), BASIC, TOKEN_REFUSED, "400 use_dpop_nonce: the provider wants DPoP, which Doorward does not offer" },
	{ 400, E("temporarily_unavailable"), BASIC, TOKEN_UNAVAILABLE, "400 temporarily_unavailable: the provider is overloaded or being maintained" },
	{ 400, E("server_error"), BASIC, TOKEN_UNAVAILABLE, "400 server_error: the provider has a problem" },
	{ 500, E("server_error"), BASIC, TOKEN_UNAVAILABLE, "500 server_error: the provider has a problem" },
	/* a server in trouble ends nobody's session */
	{ 500, E("invalid_grant"), BASIC, TOKEN_UNAVAILABLE, "500 invalid_grant: " GRANT },
	{ 429, E("invalid_grant"), BASIC, TOKEN_UNAVAILABLE, "429 invalid_grant: " GRANT },
	{ 500, "", BASIC, TOKEN_UNAVAILABLE, "500: the provider has a problem" },
	{ 502, "<html>", BASIC, TOKEN_UNAVAILABLE, "502: the provider has a problem" },
	{ 503, "{", BASIC, TOKEN_UNAVAILABLE, "503: the provider has a problem" },
	{ 408, "", BASIC, TOKEN_UNAVAILABLE, "408: the provider has a problem" },
	{ 429, "", BASIC, TOKEN_UNAVAILABLE, "429: the provider wants fewer requests" },
	{ 404, "", BASIC, TOKEN_REFUSED, "404: there is no such endpoint at this address" },
	{ 405, "", BASIC, TOKEN_REFUSED, "405: there is no such endpoint at this address" },
	{ 400, "", BASIC, TOKEN_REFUSED, "400: " UNKNOWN },
	{ 400, E("made_up"), BASIC, TOKEN_REFUSED, "400: " UNKNOWN },
	{ 400, E("invalid_grant "), BASIC, TOKEN_REFUSED, "400: " UNKNOWN },
	{ 400, "{\"error\":[\"invalid_grant\"]}", BASIC, TOKEN_REFUSED, "400: " UNKNOWN },
	{ 400, "{\"error\":\"invalid_grant\",\"error\":\"x\"}", BASIC, TOKEN_REFUSED, "400: " UNKNOWN },
	{ 302, "", BASIC, TOKEN_MALFORMED, "302: a redirect, which is not followed; is the endpoint's address right?" },
	{ 206, "{" ID "," ACCESS "," B "}", BASIC, TOKEN_MALFORMED, "206: an unexpected status; is the endpoint's address right?" },
	{ 101, E("invalid_grant"), BASIC, TOKEN_MALFORMED, "101: an unexpected status; is the endpoint's address right?" },
};
/* clang-format on */

static struct token_answer_rules rules = { .auth = BASIC };

static void
check_empty(const struct token_answer *a)
{
	ck_assert_ptr_null(a->id_token.p);
	ck_assert_ptr_null(a->access_token.p);
	ck_assert_ptr_null(a->refresh_token.p);
	ck_assert_int_eq(a->expires_in_s, -1);
	ck_assert_ptr_null(a->document);
}

START_TEST(answer)
{
	struct token_answer a;
	enum token_fault fault;
	char text[64];

	rules.need_id_token = tokens[_i].need_id;
	rules.need_access_token = tokens[_i].need_access;
	fault = token_answer_read(200, slice_of(tokens[_i].body), &rules, &a);
	if (tokens[_i].result == NULL) {
		ck_assert_int_eq(fault, TOKEN_MALFORMED);
		ck_assert_str_eq(a.detail, tokens[_i].detail);
		check_empty(&a);
	} else {
		ck_assert_msg(fault == TOKEN_OK, "%s", a.detail);
		snprintf(text, sizeof(text), "%.*s|%.*s|%.*s",
		    SLICE_ARG(a.id_token), SLICE_ARG(a.access_token),
		    SLICE_ARG(a.refresh_token));
		ck_assert_str_eq(text, tokens[_i].result);
		ck_assert_int_eq(a.expires_in_s, tokens[_i].life_s);
	}
	token_answer_done(&a);
	check_empty(&a);
}
END_TEST

START_TEST(error)
{
	struct slice body = slice_of(errors[_i].body);
	struct token_answer a;
	char detail[TOKEN_DETAIL_MAX], uri[REQUEST_URI_MAX + 1] = "x";

	rules.auth = errors[_i].auth;
	ck_assert_int_eq(token_answer_read(errors[_i].status, body, &rules, &a),
	    errors[_i].fault);
	ck_assert_str_eq(a.detail, errors[_i].detail);
	check_empty(&a);
	token_answer_done(&a);
	/* The other endpoints know the same errors. */
	ck_assert_int_eq(revocation_answer_read(
			     errors[_i].status, body, errors[_i].auth, detail),
	    errors[_i].fault);
	ck_assert_str_eq(detail, errors[_i].detail);
	ck_assert_int_eq(pushed_answer_read(errors[_i].status, body,
			     errors[_i].auth, uri, detail),
	    errors[_i].fault);
	ck_assert_str_eq(detail, errors[_i].detail);
	ck_assert_str_eq(uri, "");
}
END_TEST

/* Every beginning of a good answer is none. */
START_TEST(truncated)
{
	static const char body[] =
	    "{" ID "," ACCESS "," B ",\"expires_in\":60}";
	struct token_answer a;

	rules.need_id_token = true;
	for (size_t n = 0; n < sizeof(body) - 1; n++) {
		ck_assert_int_eq(token_answer_read(200,
				     (struct slice){ body, n }, &rules, &a),
		    TOKEN_MALFORMED);
		check_empty(&a);
	}
}
END_TEST

START_TEST(lengths)
{
	static char token[MSG_TOKEN_MAX + 2];
	struct token_answer a;

	rules.need_id_token = true;
	for (size_t over = 0; over < 2; over++) {
		char *body;

		memset(token, 't', MSG_TOKEN_MAX + over);
		body = mem_printf("{\"id_token\":\"%s\"}", token);
		ck_assert_int_eq(
		    token_answer_read(200, slice_of(body), &rules, &a),
		    over == 0 ? TOKEN_OK : TOKEN_MALFORMED);
		if (over == 0)
			ck_assert_uint_eq(a.id_token.len, MSG_TOKEN_MAX);
		else
			ck_assert_str_eq(a.detail,
			    "200: a token is longer than 16384 characters");
		token_answer_done(&a);
		free(body);
	}
}
END_TEST

START_TEST(too_long)
{
	static char body[TOKEN_ANSWER_MAX + 64];
	struct token_answer a;
	int n = snprintf(body, sizeof(body), "{" ID ",\"x\":\"");

	memset(body + n, 'x', TOKEN_ANSWER_MAX);
	strcat(body, "\"}");
	rules.need_id_token = true;
	ck_assert_int_eq(token_answer_read(200, slice_of(body), &rules, &a),
	    TOKEN_MALFORMED);
	ck_assert_str_eq(
	    a.detail, "200: the answer is too long or nested too deeply");
}
END_TEST

START_TEST(revoked)
{
	char detail[TOKEN_DETAIL_MAX];

	ck_assert_int_eq(
	    revocation_answer_read(200, SLICE(""), BASIC, detail), TOKEN_OK);
	ck_assert_int_eq(revocation_answer_read(
			     200, SLICE("{\"any\":\"thing\"}"), BASIC, detail),
	    TOKEN_OK);
	ck_assert_int_eq(
	    revocation_answer_read(204, SLICE(""), BASIC, detail), TOKEN_OK);
	ck_assert_int_eq(revocation_answer_read(400,
			     SLICE(E("unsupported_token_type")), BASIC, detail),
	    TOKEN_OK);
	ck_assert_str_eq(detail, "");
	ck_assert_int_eq(revocation_answer_read(503,
			     SLICE(E("unsupported_token_type")), BASIC, detail),
	    TOKEN_UNAVAILABLE);
}
END_TEST

/* clang-format off */
static const struct {
	unsigned status;
	const char *body, *uri, *detail;
} pushed[] = {
	{ 201, "{\"request_uri\":\"urn:x:y\",\"expires_in\":60}", "urn:x:y", "" },
	{ 200, "{\"request_uri\":\"urn:x:y\"}", "urn:x:y", "" },
	{ 201, "{}", "", "201: there is no request_uri" },
	{ 201, "{\"request_uri\":7}", "", "201: there is no request_uri" },
	{ 201, "{\"request_uri\":\"\"}", "", "201: request_uri has characters that a URI cannot have" },
	{ 201, "{\"request_uri\":\"urn: x\"}", "", "201: request_uri has characters that a URI cannot have" },
	{ 201, "{\"request_uri\":\"a\\r\\nLocation: b\"}", "", "201: request_uri has characters that a URI cannot have" },
	{ 201, "{\"request_uri\":\"a\",\"request_uri\":\"b\"}", "", "201: " NOT_JSON },
	{ 201, "", "", "201: " NOT_JSON },
};
/* clang-format on */

START_TEST(push)
{
	char detail[TOKEN_DETAIL_MAX], uri[REQUEST_URI_MAX + 1];

	ck_assert_int_eq(pushed_answer_read(pushed[_i].status,
			     slice_of(pushed[_i].body), BASIC, uri, detail),
	    pushed[_i].uri[0] != '\0' ? TOKEN_OK : TOKEN_MALFORMED);
	ck_assert_str_eq(uri, pushed[_i].uri);
	ck_assert_str_eq(detail, pushed[_i].detail);
}
END_TEST

START_TEST(push_length)
{
	static char long_uri[REQUEST_URI_MAX + 2];
	char detail[TOKEN_DETAIL_MAX], uri[REQUEST_URI_MAX + 1];

	for (size_t over = 0; over < 2; over++) {
		char *body;

		memset(long_uri, 'u', REQUEST_URI_MAX + over);
		body = mem_printf("{\"request_uri\":\"%s\"}", long_uri);
		ck_assert_int_eq(
		    pushed_answer_read(201, slice_of(body), BASIC, uri, detail),
		    over == 0 ? TOKEN_OK : TOKEN_MALFORMED);
		ck_assert_uint_eq(strlen(uri), over == 0 ? REQUEST_URI_MAX : 0);
		free(body);
	}
	ck_assert_str_eq(
	    detail, "201: request_uri is longer than 2048 characters");
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("token_answer");

	json_strict_init();
	tcase_add_loop_test(t, answer, 0, (int)N_ROWS(tokens));
	tcase_add_loop_test(t, error, 0, (int)N_ROWS(errors));
	tcase_add_test(t, truncated);
	tcase_add_test(t, lengths);
	tcase_add_test(t, too_long);
	tcase_add_test(t, revoked);
	tcase_add_loop_test(t, push, 0, (int)N_ROWS(pushed));
	tcase_add_test(t, push_length);
	return unit_run("token_answer", t);
}
