/* Signatures and key sets: RFC vectors, every way to confuse algorithms and
 * keys, malformed sets. */
#include "authd/jose.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/msg.h"

#include "tests/unit/jose_vectors.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct jwks *
keys_of(const char *text)
{
	struct jwks *keys = NULL;
	const char *why = NULL;

	ck_assert_int_eq(jwks_parse(slice_of(text), &keys, &why), 0);
	return keys;
}

static int
check_token(const char *token, const struct jwks *keys)
{
	struct jose *j = NULL;
	int r = jose_parse(slice_of(token), &j);

	if (r == 0)
		r = jose_verify(j, keys, JOSE_ALGS_ALL);
	else
		ck_assert_ptr_null(j);
	jose_free(j);
	return r;
}

START_TEST(test_rfc7515)
{
	struct jwks *a2 = keys_of(rfc7515_a2_keys);
	struct jwks *a3 = keys_of(rfc7515_a3_keys);
	struct jose *j;

	ck_assert_int_eq(check_token(rfc7515_a2_token, a2), 0);
	ck_assert_int_eq(check_token(rfc7515_a3_token, a3), 0);
	ck_assert_int_eq(check_token(rfc7515_a2_token, a3), ERR_NOT_FOUND);
	ck_assert_int_eq(check_token(rfc7515_a3_token, a2), ERR_NOT_FOUND);
	ck_assert_int_eq(jose_parse(slice_of(rfc7515_a2_token), &j), 0);
	ck_assert(json_strict_is(jose_claims(j), "iss", "joe"));
	jose_free(j);
	jwks_free(a2);
	jwks_free(a3);
}
END_TEST

START_TEST(test_token)
{
	const struct token_vector *v = &token_vectors[_i];
	struct jwks *keys = keys_of(vector_keys);
	int r = check_token(v->token, keys);

	ck_assert_msg(r == v->expected, "%s: %d", v->name, r);
	jwks_free(keys);
}
END_TEST

/* No byte of a good token may be changed: signature, claims, header. */
START_TEST(test_every_byte)
{
	struct jwks *keys = keys_of(vector_keys);
	char token[2048];
	size_t n = strlen(token_vectors[2].token);

	ck_assert_uint_lt(n, sizeof(token));
	for (size_t i = 0; i < n; i++) {
		memcpy(token, token_vectors[2].token, n + 1);
		token[i] = token[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(check_token(token, keys) != 0, "byte %zu", i);
		token[i] = '\0'; /* cut there */
		ck_assert_msg(check_token(token, keys) != 0, "cut %zu", i);
	}
	jwks_free(keys);
}
END_TEST

START_TEST(test_too_long)
{
	static char text[MSG_TOKEN_MAX + 2];
	struct jose *j;

	memset(text, 'a', sizeof(text) - 1);
	ck_assert_int_eq(jose_parse(slice_of(text), &j), ERR_LIMIT);
}
END_TEST

START_TEST(test_set)
{
	const struct set_vector *v = &set_vectors[_i];
	struct jwks *keys = NULL;
	const char *why = NULL;
	int r = jwks_parse(slice_of(v->text), &keys, &why);

	if (r == 0)
		r = (int)jwks_count(keys);
	else
		ck_assert_ptr_null(keys);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(r == v->expected, "%s: %d (%s)", v->name, r, why);
	jwks_free(keys);
}
END_TEST

/* A token without kid costs at most JWKS_TRIES_MAX verifications. */
START_TEST(test_tries_are_bounded)
{
	struct evp_pkey_st *found[JWKS_TRIES_MAX];
	char text[8192] = "{\"keys\":[", key[256];
	struct jwks *keys;

	for (int i = 0; i < 2 * JWKS_TRIES_MAX; i++) {
		snprintf(key, sizeof(key),
		    "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%d\","
		    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		    i > 0 ? "," : "", i);
		ck_assert_uint_lt(strlen(text) + strlen(key) + 3, sizeof(text));
		memcpy(text + strlen(text), key, strlen(key) + 1);
	}
	memcpy(text + strlen(text), "]}", 3);
	keys = keys_of(text);
	ck_assert_uint_eq(
	    jwks_select(keys, JOSE_EDDSA, false, slice_of(""), found),
	    JWKS_TRIES_MAX);
	ck_assert_uint_eq(
	    jwks_select(keys, JOSE_EDDSA, true, slice_of("15"), found), 1);
	ck_assert_uint_eq(
	    jwks_select(keys, JOSE_ES256, false, slice_of(""), found), 0);
	jwks_free(keys);
}
END_TEST

/* json_strict */

static const struct json_case {
	const char *name, *text;
	int expected;
} json_cases[] = {
	{ "empty object", "{}", 0 },
	{ "blanks around", " {\"a\":1}\n", 0 },
	{ "brackets in text", "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
	    0 },
	{ "escaped quote", "{\"a\":\"\\\"[\"}", 0 },
	{ "empty", "", ERR_FORMAT },
	{ "array", "[]", ERR_FORMAT },
	{ "text", "\"a\"", ERR_FORMAT },
	{ "duplicate", "{\"a\":1,\"a\":1}", ERR_FORMAT },
	{ "duplicate by escape", "{\"a\":1,\"\\u0061\":1}", ERR_FORMAT },
	{ "duplicate inside", "{\"b\":{\"a\":1,\"a\":2}}", ERR_FORMAT },
	{ "NUL", "{\"a\":\"\\u0000\"}", ERR_FORMAT },
	{ "NUL in a name", "{\"a\\u0000b\":1}", ERR_FORMAT },
	{ "surplus", "{} {}", ERR_FORMAT },
	{ "bad UTF-8", "{\"a\":\"\xC0\x80\"}", ERR_FORMAT },
	{ "lone surrogate", "{\"a\":\"\\ud800\"}", ERR_FORMAT },
	{ "unclosed", "{\"a\":1", ERR_FORMAT },
	{ "single quotes", "{'a':1}", ERR_FORMAT },
	{ "comment", "{/**/}", ERR_FORMAT },
	{ "huge number", "{\"a\":99999999999999999999999}", ERR_FORMAT },
	{ "too long",
	    "{\"a\":\"0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789\"}",
	    ERR_LIMIT },
	{ "deep", "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]",
	    ERR_LIMIT },
};

START_TEST(test_json)
{
	const struct json_case *c = &json_cases[_i];
	json_t *o = NULL;
	int r = json_strict_parse(slice_of(c->text), 80, &o);

	ck_assert_msg(r == c->expected, "%s: %d", c->name, r);
	json_decref(o);
}
END_TEST

START_TEST(test_json_types)
{
	static const char text[] =
	    "{\"t\":\"x\",\"n\":5,\"f\":5.9,\"neg\":-1,\"big\":253402300800,"
	    "\"b\":true,\"z\":null,\"o\":{},\"a\":[\"x\"],\"m\":[\"x\",1]}";
	struct slice s;
	int64_t at;
	bool yes;
	json_t *o, *v;

	ck_assert_int_eq(json_strict_parse(SLICE(text), 1000, &o), 0);
	ck_assert_int_eq(json_strict_text(o, "t", &s), 0);
	ck_assert_int_eq(json_strict_text(o, "n", &s), ERR_FORMAT);
	ck_assert_int_eq(json_strict_text(o, "z", &s), ERR_FORMAT);
	ck_assert_int_eq(json_strict_text(o, "none", &s), ERR_NOT_FOUND);
	ck_assert_int_eq(json_strict_text(NULL, "t", &s), ERR_NOT_FOUND);
	ck_assert_int_eq(json_strict_date(o, "n", &at), 0);
	ck_assert_int_eq(json_strict_date(o, "f", &at), 0);
	ck_assert_int_eq(at, 5);
	ck_assert_int_eq(json_strict_date(o, "neg", &at), ERR_FORMAT);
	ck_assert_int_eq(json_strict_date(o, "big", &at), ERR_FORMAT);
	ck_assert_int_eq(json_strict_date(o, "t", &at), ERR_FORMAT);
	ck_assert_int_eq(json_strict_bool(o, "b", &yes), 0);
	ck_assert_int_eq(json_strict_bool(o, "n", &yes), ERR_FORMAT);
	ck_assert_int_eq(json_strict_object(o, "o", &v), 0);
	ck_assert_int_eq(json_strict_object(o, "a", &v), ERR_FORMAT);
	ck_assert_int_eq(json_strict_array(o, "o", &v), ERR_FORMAT);
	ck_assert_int_eq(json_strict_array(o, "m", &v), 0);
	ck_assert(!json_strict_texts(v, 9));
	ck_assert_int_eq(json_strict_array(o, "a", &v), 0);
	ck_assert(json_strict_texts(v, 1));
	ck_assert(!json_strict_texts(v, 0));
	json_decref(o);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("jose");
	TCase *t = tcase_create("all");

	json_strict_init();
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_rfc7515);
	tcase_add_loop_test(t, test_token, 0, (int)COUNT(token_vectors));
	tcase_add_test(t, test_every_byte);
	tcase_add_test(t, test_too_long);
	tcase_add_loop_test(t, test_set, 0, (int)COUNT(set_vectors));
	tcase_add_test(t, test_tries_are_bounded);
	tcase_add_loop_test(t, test_json, 0, (int)COUNT(json_cases));
	tcase_add_test(t, test_json_types);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
