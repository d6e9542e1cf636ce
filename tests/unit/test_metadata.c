/* Discovery documents and what stands in their place: each defect is one row,
 * made of a good document by one change. */
#include "authd/oidc/metadata.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"

#include "authd/jwks.h"

#include "tests/unit/unit.h"

#define ISSUER "https://idp.example/realms/a"
#define BASIC (1u << METADATA_AUTH_BASIC)

static json_t *
good(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[s,s], s:[s], s:[s]}",
	    "issuer", ISSUER, "authorization_endpoint", ISSUER "/auth",
	    "token_endpoint", ISSUER "/token", "jwks_uri", ISSUER "/certs",
	    "response_types_supported", "code",
	    "id_token_signing_alg_values_supported", "RS256", "ES256",
	    "subject_types_supported", "public",
	    "code_challenge_methods_supported", "S256");
}

/* change: "name" (left out) or "name=JSON" */
static int
parse_changed(
    const char *change, struct metadata **out, struct metadata_problem *why)
{
	json_t *o = good();
	struct slice value = slice_of(change);
	char *key = slice_dup(slice_cut(&value, '=')), *text;
	int r;

	if (value.p == NULL) {
		json_object_del(o, key);
	} else {
		json_t *v =
		    json_loadb(value.p, value.len, JSON_DECODE_ANY, NULL);

		ck_assert_msg(v != NULL, "%s", change);
		json_object_set_new(o, key, v);
	}
	text = json_dumps(o, 0);
	json_decref(o);
	r = metadata_parse(slice_of(text), ISSUER, out, why);
	free(text);
	free(key);
	return r;
}

/* member: what the problem names; NULL: none. */
static const struct defect {
	const char *change, *member;
} defects[] = {
	{ "unknown=1", NULL },
	{ "issuer", "issuer" },
	{ "issuer=\"https://idp.example/realms/a/\"", "issuer" },
	{ "issuer=\"https://idp.example/realms/A\"", "issuer" },
	{ "issuer=\"https://IDP.example/realms/a\"", "issuer" },
	{ "issuer=\"http://idp.example/realms/a\"", "issuer" },
	{ "issuer=[\"https://idp.example/realms/a\"]", "issuer" },
	{ "issuer=null", "issuer" },
	{ "authorization_endpoint", "authorization_endpoint" },
	{ "authorization_endpoint=1", "authorization_endpoint" },
	{ "authorization_endpoint=\"\"", "authorization_endpoint" },
	{ "authorization_endpoint=\"/auth\"", "authorization_endpoint" },
	{ "authorization_endpoint=\"//idp.example/auth\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"javascript:alert(1)\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"HTTPS://idp.example/\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://other.example/a?p=b&c=%20d\"",
	    NULL },
	{ "authorization_endpoint=\"https://idp.example\"", NULL },
	{ "authorization_endpoint=\"https://idp.example?a=b\"", NULL },
	{ "authorization_endpoint=\"https://idp.example:8443/a\"", NULL },
	{ "authorization_endpoint=\"https://[2001:db8::1]:8443/a\"", NULL },
	{ "authorization_endpoint=\"https://[2001:db8::1/a\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example:0/a\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example:70000/a\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https:///a\"", "authorization_endpoint" },
	{ "authorization_endpoint=\"https://\"", "authorization_endpoint" },
	{ "authorization_endpoint=\"https://a@idp.example/\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://a:b@idp.example/\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example\\\\@evil.example/\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example/a\\\\b\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example/#a\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example#a\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example/a b\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example/a\\r\\nX: y\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example/\\u00fc\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.example/<a>\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"https://idp.ex%61mple/\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"http://idp.example/\"",
	    "authorization_endpoint" },
	/* even to this machine: the issuer is not on it */
	{ "authorization_endpoint=\"http://127.0.0.1:9/a\"",
	    "authorization_endpoint" },
	{ "token_endpoint=\"http://localhost/a\"", "token_endpoint" },
	{ "jwks_uri=\"http://[::1]:9/a\"", "jwks_uri" },
	{ "revocation_endpoint=\"http://127.0.0.1/\"", "revocation_endpoint" },
	{ "authorization_endpoint=\"http://localhost.example/a\"",
	    "authorization_endpoint" },
	{ "authorization_endpoint=\"http://127.0.0.1.example/a\"",
	    "authorization_endpoint" },
	{ "token_endpoint", "token_endpoint" },
	{ "token_endpoint=\"http://idp.example/token\"", "token_endpoint" },
	{ "jwks_uri", "jwks_uri" },
	{ "jwks_uri=\"file:///etc/passwd\"", "jwks_uri" },
	{ "userinfo_endpoint=\"https://idp.example/userinfo\"", NULL },
	{ "userinfo_endpoint=\"http://idp.example/userinfo\"",
	    "userinfo_endpoint" },
	{ "userinfo_endpoint=null", "userinfo_endpoint" },
	{ "end_session_endpoint=\"data:text/html,x\"", "end_session_endpoint" },
	{ "revocation_endpoint=\"ftp://idp.example/\"", "revocation_endpoint" },
	{ "pushed_authorization_request_endpoint=\"http://idp.example/\"",
	    "pushed_authorization_request_endpoint" },
	{ "response_types_supported", "response_types_supported" },
	{ "response_types_supported=\"code\"", "response_types_supported" },
	{ "response_types_supported=[]", "response_types_supported" },
	{ "response_types_supported=[\"code id_token\",\"token\"]",
	    "response_types_supported" },
	{ "response_types_supported=[\"code\",1]", "response_types_supported" },
	{ "response_types_supported=[\"token\",\"code\"]", NULL },
	{ "token_endpoint_auth_methods_supported=\"none\"",
	    "token_endpoint_auth_methods_supported" },
	{ "id_token_signing_alg_values_supported", NULL },
	{ "id_token_signing_alg_values_supported=[]",
	    "id_token_signing_alg_values_supported" },
	{ "id_token_signing_alg_values_supported=[\"none\",\"HS256\"]",
	    "id_token_signing_alg_values_supported" },
	{ "id_token_signing_alg_values_supported={}",
	    "id_token_signing_alg_values_supported" },
	{ "code_challenge_methods_supported=\"S256\"",
	    "code_challenge_methods_supported" },
	{ "require_pushed_authorization_requests=false", NULL },
	{ "require_pushed_authorization_requests=true",
	    "require_pushed_authorization_requests" },
	{ "authorization_response_iss_parameter_supported=\"true\"",
	    "authorization_response_iss_parameter_supported" },
	{ "backchannel_logout_supported=1", "backchannel_logout_supported" },
	{ "frontchannel_logout_session_supported=null",
	    "frontchannel_logout_session_supported" },
};

START_TEST(test_defect)
{
	const struct defect *d = &defects[_i];
	struct metadata *m = NULL;
	struct metadata_problem why = { NULL, NULL };
	int r = parse_changed(d->change, &m, &why);

	ck_assert_msg((r == 0) == (d->member == NULL), "%s: %d, %s %s",
	    d->change, r, why.member, why.what);
	ck_assert((r == 0) == (m != NULL));
	if (r != 0)
		ck_assert_msg(
		    strcmp(why.member, d->member) == 0 && why.what != NULL,
		    "%s: %s", d->change, why.member);
	metadata_free(m);
}
END_TEST

/* On this machine alone there may be no TLS at all. */
START_TEST(test_plain)
{
	struct metadata *m = NULL;
	struct metadata_problem why = { NULL, NULL };
	json_t *o = good();
	char *text;

	json_object_set_new(o, "issuer", json_string("http://127.0.0.1:9"));
	json_object_set_new(
	    o, "token_endpoint", json_string("http://127.0.0.1:9/t"));
	json_object_set_new(
	    o, "jwks_uri", json_string("http://idp.example/certs"));
	text = json_dumps(o, 0);
	ck_assert_int_ne(
	    metadata_parse(slice_of(text), "http://127.0.0.1:9", &m, &why), 0);
	ck_assert_str_eq(why.member, "jwks_uri");
	free(text);
	json_object_set_new(
	    o, "jwks_uri", json_string("https://idp.example/certs"));
	text = json_dumps(o, 0);
	ck_assert_int_eq(
	    metadata_parse(slice_of(text), "http://127.0.0.1:9", &m, &why), 0);
	metadata_free(m);
	free(text);
	json_decref(o);
}
END_TEST

START_TEST(test_document)
{
	static const struct {
		const char *text;
		int expected;
	} rows[] = {
		{ "", ERR_FORMAT },
		{ "[]", ERR_FORMAT },
		{ "{}", ERR_DENIED },
		{ "<html>", ERR_FORMAT },
		{ "{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\"}",
		    ERR_FORMAT },
		{ "{\"issuer\":\"" ISSUER "\"} x", ERR_FORMAT },
		{ "{\"issuer\":\"" ISSUER "\"}", ERR_FORMAT },
	};
	static char big[METADATA_TEXT_MAX + 2];
	struct metadata *m = NULL;
	struct metadata_problem why;

	for (size_t i = 0; i < N_ROWS(rows); i++)
		ck_assert_msg(metadata_parse(slice_of(rows[i].text), ISSUER, &m,
				  &why) == rows[i].expected,
		    "%s", rows[i].text);
	memset(big, ' ', sizeof(big) - 1);
	ck_assert_int_eq(
	    metadata_parse(slice_of(big), ISSUER, &m, &why), ERR_LIMIT);
	ck_assert_ptr_null(m);
}
END_TEST

START_TEST(test_longest_url)
{
	char change[METADATA_URL_MAX + 40], *end = change;
	struct metadata *m = NULL;
	struct metadata_problem why;
	static const char name[] = "jwks_uri=\"https://a.example/";

	memset(change, 'a', sizeof(change));
	memcpy(change, name, sizeof(name) - 1);
	end += strlen("jwks_uri=\"") + METADATA_URL_MAX;
	memcpy(end, "\"", 2);
	ck_assert_int_eq(parse_changed(change, &m, &why), 0);
	metadata_free(m);
	memcpy(end, "a\"", 3);
	ck_assert_int_eq(parse_changed(change, &m, &why), ERR_FORMAT);
}
END_TEST

START_TEST(test_what_comes_out)
{
	struct metadata *m = NULL;
	struct metadata_problem why;

	ck_assert_int_eq(
	    parse_changed(
		"authorization_endpoint=\"https://A.Example:8443?p=1\"", &m,
		&why),
	    0);
	ck_assert_str_eq(m->issuer, ISSUER);
	ck_assert_str_eq(
	    m->at[METADATA_AUTHORIZATION].text, "https://A.Example:8443?p=1");
	ck_assert_str_eq(m->at[METADATA_AUTHORIZATION].target, "?p=1");
	ck_assert_str_eq(
	    m->at[METADATA_AUTHORIZATION].server.host, "a.example");
	ck_assert_uint_eq(m->at[METADATA_AUTHORIZATION].server.port, 8443);
	ck_assert_str_eq(m->at[METADATA_TOKEN].target, "/realms/a/token");
	ck_assert(m->at[METADATA_TOKEN].server.tls);
	ck_assert_str_eq(m->at[METADATA_TOKEN].server.path, "");
	ck_assert_ptr_null(m->at[METADATA_USERINFO].text);
	ck_assert_uint_eq(m->auths, BASIC);
	ck_assert_uint_eq(m->algs, 1u << JOSE_RS256 | 1u << JOSE_ES256);
	ck_assert_int_eq(m->pkce, METADATA_PKCE_S256);
	ck_assert(!m->pushed_required && !m->iss_in_response);
	metadata_free(m);
}
END_TEST

/* One member, and what it makes of the struct. */
START_TEST(test_values)
{
	static const struct {
		const char *change;
		unsigned auths;
		enum metadata_pkce pkce;
		bool iss, backchannel, sid;
	} rows[] = {
		{ "x=1", BASIC, METADATA_PKCE_S256, false, false, false },
		{ "code_challenge_methods_supported", BASIC,
		    METADATA_PKCE_UNSAID, false, false, false },
		{ "code_challenge_methods_supported=[\"plain\"]", BASIC,
		    METADATA_PKCE_OTHER, false, false, false },
		{ "code_challenge_methods_supported=[\"plain\",\"S256\"]",
		    BASIC, METADATA_PKCE_S256, false, false, false },
		{ "token_endpoint_auth_methods_supported=[]", 0,
		    METADATA_PKCE_S256, false, false, false },
		{ "token_endpoint_auth_methods_supported=[\"tls_client_auth\","
		  "\"client_secret_post\",\"private_key_jwt\",\"none\"]",
		    1u << METADATA_AUTH_POST |
			1u << METADATA_AUTH_PRIVATE_KEY_JWT |
			1u << METADATA_AUTH_NONE,
		    METADATA_PKCE_S256, false, false, false },
		{ "authorization_response_iss_parameter_supported=true", BASIC,
		    METADATA_PKCE_S256, true, false, false },
		{ "backchannel_logout_supported=true", BASIC,
		    METADATA_PKCE_S256, false, true, false },
		{ "backchannel_logout_session_supported=true", BASIC,
		    METADATA_PKCE_S256, false, false, true },
	};
	struct metadata_problem why;

	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct metadata *m = NULL;

		ck_assert_int_eq(parse_changed(rows[i].change, &m, &why), 0);
		ck_assert_msg(m->auths == rows[i].auths &&
			m->pkce == rows[i].pkce &&
			m->iss_in_response == rows[i].iss &&
			m->backchannel_logout == rows[i].backchannel &&
			m->backchannel_sid == rows[i].sid,
		    "%s", rows[i].change);
		metadata_free(m);
	}
}
END_TEST

START_TEST(test_pushed)
{
	static const char text[] =
	    "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"" ISSUER
	    "/a\",\"token_endpoint\":\"" ISSUER "/t\",\"jwks_uri\":\"" ISSUER
	    "/j\",\"response_types_supported\":[\"code\"],"
	    "\"pushed_authorization_request_endpoint\":\"" ISSUER "/par\","
	    "\"require_pushed_authorization_requests\":true,"
	    "\"frontchannel_logout_supported\":true,"
	    "\"frontchannel_logout_session_supported\":true}";
	struct metadata *m = NULL;
	struct metadata_problem why;

	ck_assert_int_eq(metadata_parse(SLICE(text), ISSUER, &m, &why), 0);
	ck_assert(m->pushed_required);
	ck_assert_str_eq(m->at[METADATA_PUSHED].target, "/realms/a/par");
	ck_assert(m->frontchannel_logout && m->frontchannel_sid);
	ck_assert_uint_eq(m->algs, JOSE_ALGS_ALL);
	metadata_free(m);
}
END_TEST

START_TEST(test_locate)
{
	static const struct {
		const char *issuer, *expected; /* NULL: refused */
	} rows[] = {
		{ ISSUER, ISSUER "/.well-known/openid-configuration" },
		{ ISSUER "//", ISSUER "/.well-known/openid-configuration" },
		{ "https://idp.example",
		    "https://idp.example/.well-known/openid-configuration" },
		{ "http://localhost:8080/",
		    "http://localhost:8080/.well-known/openid-configuration" },
		{ "http://idp.example", NULL },
		{ "https://idp.example/?a", NULL },
		{ "https://idp.example/#a", NULL },
		{ "https://a@idp.example/", NULL },
		{ "https://", NULL },
		{ "https:///", NULL },
		{ "idp.example", NULL },
		{ "", NULL },
	};
	struct metadata_problem why;

	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct metadata_url url = { .text = NULL };
		int r = metadata_locate(rows[i].issuer, &url, &why);

		ck_assert_msg((r == 0) == (rows[i].expected != NULL), "%s",
		    rows[i].issuer);
		if (r == 0)
			ck_assert_str_eq(url.text, rows[i].expected);
		metadata_url_done(&url);
	}
}
END_TEST

START_TEST(test_override)
{
	struct metadata_override o = {
		.authorization_endpoint = "https://idp.example/a?b",
		.token_endpoint = "https://idp.example/t",
		.end_session_endpoint = "",
	};
	struct metadata *m = NULL;
	struct metadata_problem why;

	ck_assert(metadata_is_overridden(&o));
	ck_assert_int_eq(
	    metadata_from_override(ISSUER, &o, &m, &why), ERR_FORMAT);
	ck_assert_str_eq(why.member, "jwks_uri");
	o.jwks_uri = "http://idp.example/j";
	ck_assert_int_eq(
	    metadata_from_override(ISSUER, &o, &m, &why), ERR_FORMAT);
	o.jwks_uri = "https://idp.example/j";
	ck_assert_int_eq(metadata_from_override(ISSUER, &o, &m, &why), 0);
	ck_assert_str_eq(m->issuer, ISSUER);
	ck_assert_str_eq(m->at[METADATA_JWKS].target, "/j");
	ck_assert_ptr_null(m->at[METADATA_END_SESSION].text);
	ck_assert_uint_eq(m->algs, JOSE_ALGS_ALL);
	ck_assert_uint_eq(m->auths, (1u << METADATA_AUTHS) - 1);
	ck_assert_int_eq(
	    metadata_set_authorization(m, "https://new.example/x", &why), 0);
	ck_assert_int_eq(
	    metadata_set_authorization(m, "http://new.example/y", &why),
	    ERR_FORMAT);
	ck_assert_str_eq(
	    m->at[METADATA_AUTHORIZATION].text, "https://new.example/x");
	metadata_free(m);
	o.token_endpoint = "";
	ck_assert(!metadata_is_overridden(&o));
	o.token_endpoint = NULL;
	ck_assert(!metadata_is_overridden(&o));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("metadata");

	json_strict_init();
	tcase_add_loop_test(t, test_defect, 0, N_ROWS(defects));
	tcase_add_test(t, test_plain);
	tcase_add_test(t, test_document);
	tcase_add_test(t, test_longest_url);
	tcase_add_test(t, test_what_comes_out);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_pushed);
	tcase_add_test(t, test_locate);
	tcase_add_test(t, test_override);
	return unit_run("metadata", t);
}
