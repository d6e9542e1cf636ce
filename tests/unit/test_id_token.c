/* id_tokens and logout tokens of a provider: each defect is one row, made of a
 * good token by one change. */
#include "authd/oidc/id_token.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_strict.h"
#include "common/mem.h"

#include "authd/jose.h"

#include "tests/unit/id_token_vectors.h"
#include "tests/unit/toy_provider.h"
#include "tests/unit/unit.h"

#define NOW 1000060
#define ISSUER "https://idp.example/"
/* The left halves of SHA-512 and SHA-256 of the access token. */
#define EDDSA_HASH "Rb10lsqrobcpd02MQ_878ctvfDDbaRese_Z50nFw5Jw"
#define SHA256_HASH "Pxa-1wifRlPl7yG_0oJNfw"
#define EVENT "http://schemas.openid.net/event/backchannel-logout"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct jwks *
keys_of(const char *text)
{
	struct jwks *keys = NULL;
	const char *why;

	ck_assert_int_eq(jwks_parse(slice_of(text), &keys, &why), 0);
	return keys;
}

static struct id_token_rules
rules_at(int64_t now)
{
	return (struct id_token_rules){
		.issuer = ISSUER,
		.client_id = "doorward",
		.algs = JOSE_ALGS_ALL,
		.now = now,
		.age_max_s = ID_TOKEN_AGE_MAX_S,
		.nonce = "n-1",
		.access_token = SLICE(VECTOR_ACCESS_TOKEN),
	};
}

/* The text of an object with one member changed: change is "name" (left out) or
 * "name=JSON". base is freed. */
static char *
changed(json_t *base, const char *change)
{
	struct slice value = slice_of(change);
	struct slice name = slice_cut(&value, '=');
	char *key = slice_dup(name), *text;

	if (value.p == NULL) {
		json_object_del(base, key);
	} else {
		json_t *v =
		    json_loadb(value.p, value.len, JSON_DECODE_ANY, NULL);

		ck_assert_msg(v != NULL, "%s", change);
		json_object_set_new(base, key, v);
	}
	text = json_dumps(base, JSON_COMPACT);
	json_decref(base);
	free(key);
	return text;
}

static json_t *
good_id_token(void)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "iss", ISSUER, "aud",
	    "doorward", "sub", "alice", "iat", (json_int_t)1000000, "exp",
	    (json_int_t)1003600, "nonce", "n-1");
}

static json_t *
good_logout_token(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:{s:{}}}", "iss",
	    ISSUER, "aud", "doorward", "sub", "alice", "sid", "s1", "jti", "j1",
	    "iat", (json_int_t)1000000, "exp", (json_int_t)1000120, "events",
	    EVENT);
}

static char *
sign(const char *header, char *claims)
{
	char *token = toy_provider_sign(slice_of(header), slice_of(claims));

	free(claims);
	return token;
}

static enum id_token_fault
judge(char *token, const struct id_token_rules *rules, struct id_token *t)
{
	struct jwks *keys = keys_of(TOY_PROVIDER_KEYS);
	enum id_token_fault fault =
	    id_token_read(slice_of(token), keys, rules, t);

	ck_assert((fault == ID_TOKEN_OK) == (t->jose != NULL));
	ck_assert((fault == ID_TOKEN_OK) == (t->subject[0] != '\0'));
	jwks_free(keys);
	free(token);
	return fault;
}

static const struct defect {
	const char *change;
	enum id_token_fault expected;
} defects[] = {
	{ "other=1", ID_TOKEN_OK },
	/* iss */
	{ "iss", ID_TOKEN_ISSUER },
	{ "iss=\"https://idp.example\"", ID_TOKEN_ISSUER },
	{ "iss=\"https://IDP.example/\"", ID_TOKEN_ISSUER },
	{ "iss=\"https://idp.example//\"", ID_TOKEN_ISSUER },
	{ "iss=\"\"", ID_TOKEN_ISSUER },
	{ "iss=[\"https://idp.example/\"]", ID_TOKEN_ISSUER },
	{ "iss=null", ID_TOKEN_ISSUER },
	/* aud */
	{ "aud=[\"doorward\"]", ID_TOKEN_OK },
	{ "aud", ID_TOKEN_NO_AUDIENCE },
	{ "aud=[]", ID_TOKEN_NO_AUDIENCE },
	{ "aud=[\"doorward\",1]", ID_TOKEN_NO_AUDIENCE },
	{ "aud={\"doorward\":1}", ID_TOKEN_NO_AUDIENCE },
	{ "aud=true", ID_TOKEN_NO_AUDIENCE },
	{ "aud=\"other\"", ID_TOKEN_AUDIENCE },
	{ "aud=\"Doorward\"", ID_TOKEN_AUDIENCE },
	{ "aud=\"doorward2\"", ID_TOKEN_AUDIENCE },
	{ "aud=\"doorward other\"", ID_TOKEN_AUDIENCE },
	{ "aud=\"\"", ID_TOKEN_AUDIENCE },
	{ "aud=[\"other\"]", ID_TOKEN_AUDIENCE },
	/* azp */
	{ "aud=[\"doorward\",\"other\"]", ID_TOKEN_PARTY },
	{ "aud=[\"doorward\",\"doorward\"]", ID_TOKEN_PARTY },
	{ "azp=\"doorward\"", ID_TOKEN_OK },
	{ "azp=\"other\"", ID_TOKEN_PARTY },
	{ "azp=\"\"", ID_TOKEN_PARTY },
	{ "azp=null", ID_TOKEN_PARTY },
	{ "azp=[\"doorward\"]", ID_TOKEN_PARTY },
	/* exp */
	{ "exp", ID_TOKEN_NO_EXPIRY },
	{ "exp=\"1003600\"", ID_TOKEN_NO_EXPIRY },
	{ "exp=-1", ID_TOKEN_NO_EXPIRY },
	{ "exp=1e300", ID_TOKEN_NO_EXPIRY },
	{ "exp=null", ID_TOKEN_NO_EXPIRY },
	{ "exp=1000000", ID_TOKEN_EXPIRED },
	{ "exp=1000001", ID_TOKEN_OK },
	{ "exp=1000001.5", ID_TOKEN_OK },
	{ "exp=0", ID_TOKEN_EXPIRED },
	/* iat, nbf */
	{ "iat", ID_TOKEN_NO_DATE },
	{ "iat=\"1000000\"", ID_TOKEN_NO_DATE },
	{ "iat=true", ID_TOKEN_NO_DATE },
	{ "iat=1000120", ID_TOKEN_OK },
	{ "iat=1000121", ID_TOKEN_FUTURE },
	{ "iat=999401", ID_TOKEN_OK },
	{ "iat=999400", ID_TOKEN_OLD },
	{ "iat=0", ID_TOKEN_OLD },
	{ "nbf=1000120", ID_TOKEN_OK },
	{ "nbf=1000121", ID_TOKEN_FUTURE },
	{ "nbf=\"0\"", ID_TOKEN_NO_DATE },
	{ "nbf=null", ID_TOKEN_NO_DATE },
	/* nonce */
	{ "nonce", ID_TOKEN_NONCE },
	{ "nonce=\"\"", ID_TOKEN_NONCE },
	{ "nonce=\"n-2\"", ID_TOKEN_NONCE },
	{ "nonce=\"n-\"", ID_TOKEN_NONCE },
	{ "nonce=\"n-11\"", ID_TOKEN_NONCE },
	{ "nonce=[\"n-1\"]", ID_TOKEN_NONCE },
	/* at_hash: SHA-512 for Ed25519 */
	{ "at_hash=\"I-eiRIGUI9YCzYUQ7utKIA-Z5fNaxNvBMuYe5d81DZc\"",
	    ID_TOKEN_HASH },
	{ "at_hash=\"" SHA256_HASH "\"", ID_TOKEN_HASH },
	{ "at_hash=\"\"", ID_TOKEN_HASH },
	{ "at_hash=null", ID_TOKEN_HASH },
	/* sub, sid */
	{ "sub", ID_TOKEN_NO_SUBJECT },
	{ "sub=\"\"", ID_TOKEN_NO_SUBJECT },
	{ "sub=7", ID_TOKEN_NO_SUBJECT },
	{ "sub=\"al\\u00efce\"", ID_TOKEN_NO_SUBJECT },
	{ "sub=\"al\\nice\"", ID_TOKEN_NO_SUBJECT },
	{ "sub=\"auth0|a b,c=d\"", ID_TOKEN_OK },
	{ "sub=\"" HEX64 HEX64 HEX64 "0123456789abcdef0123456789abcdef"
	  "0123456789abcdef0123456789abcde\"",
	    ID_TOKEN_OK },
	{ "sub=\"" HEX64 HEX64 HEX64 HEX64 "\"", ID_TOKEN_NO_SUBJECT },
	{ "sid=\"abc\"", ID_TOKEN_OK },
	{ "sid=\"\"", ID_TOKEN_SESSION },
	{ "sid=1", ID_TOKEN_SESSION },
	{ "sid=\"\\u0007\"", ID_TOKEN_SESSION },
	/* a logout token */
	{ "events={\"" EVENT "\":{}}", ID_TOKEN_KIND },
	{ "events=null", ID_TOKEN_KIND },
};

START_TEST(test_defect)
{
	const struct defect *d = &defects[_i];
	const struct id_token_rules rules = rules_at(NOW);
	struct id_token t;
	enum id_token_fault fault = judge(
	    sign(TOY_PROVIDER_HEADER, changed(good_id_token(), d->change)),
	    &rules, &t);

	ck_assert_msg(fault == d->expected, "%s: the token %s", d->change,
	    id_token_log(fault));
	id_token_done(&t);
}
END_TEST

static const struct header_case {
	const char *header;
	enum id_token_fault id_token, logout_token;
} header_cases[] = {
	{ TOY_PROVIDER_HEADER, ID_TOKEN_OK, ID_TOKEN_OK },
	{ "{\"alg\":\"EdDSA\"}", ID_TOKEN_OK, ID_TOKEN_OK },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", ID_TOKEN_OK, ID_TOKEN_OK },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"application/jwt\"}", ID_TOKEN_OK,
	    ID_TOKEN_OK },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"logout+jwt\"}", ID_TOKEN_KIND,
	    ID_TOKEN_OK },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"application/Logout+JWT\"}",
	    ID_TOKEN_KIND, ID_TOKEN_OK },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", ID_TOKEN_KIND,
	    ID_TOKEN_KIND },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"\"}", ID_TOKEN_KIND, ID_TOKEN_KIND },
	{ "{\"alg\":\"EdDSA\",\"typ\":1}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"kid\":\"u\"}", ID_TOKEN_NO_KEY,
	    ID_TOKEN_NO_KEY },
	{ "{\"alg\":\"ES256\",\"kid\":\"t\"}", ID_TOKEN_NO_KEY,
	    ID_TOKEN_NO_KEY },
	{ "{\"alg\":\"none\"}", ID_TOKEN_MALFORMED, ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"HS256\"}", ID_TOKEN_MALFORMED, ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\"}}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"jku\":\"https://idp.example/k\"}",
	    ID_TOKEN_MALFORMED, ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"x5u\":\"https://idp.example/c\"}",
	    ID_TOKEN_MALFORMED, ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"x5c\":[]}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"crit\":[\"exp\"],\"exp\":1}",
	    ID_TOKEN_MALFORMED, ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"b64\":true}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"zip\":\"DEF\"}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"enc\":\"A256GCM\"}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"epk\":{}}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
	{ "{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"}", ID_TOKEN_MALFORMED,
	    ID_TOKEN_MALFORMED },
};

static enum id_token_fault
judge_logout(
    char *token, const struct id_token_rules *rules, struct logout_token *t)
{
	struct jwks *keys = keys_of(TOY_PROVIDER_KEYS);
	enum id_token_fault fault =
	    logout_token_read(slice_of(token), keys, rules, t);

	ck_assert((fault == ID_TOKEN_OK) == (t->id[0] != '\0'));
	jwks_free(keys);
	free(token);
	return fault;
}

START_TEST(test_header)
{
	const struct header_case *c = &header_cases[_i];
	const struct id_token_rules rules = rules_at(NOW);
	struct id_token t;
	struct logout_token out;
	enum id_token_fault fault =
	    judge(sign(c->header, changed(good_id_token(), "x=1")), &rules, &t);

	ck_assert_msg(fault == c->id_token, "%s: the token %s", c->header,
	    id_token_log(fault));
	id_token_done(&t);
	fault = judge_logout(
	    sign(c->header, changed(good_logout_token(), "x=1")), &rules, &out);
	ck_assert_msg(fault == c->logout_token, "%s: the logout token %s",
	    c->header, id_token_log(fault));
}
END_TEST

/* A token's parts arranged as form says: 'H', 'B' and 'S' stand for header,
 * claims and signature. */
static char *
arranged(const char *form, char *token)
{
	struct slice rest = slice_of(token), head = slice_cut(&rest, '.');
	struct slice body = slice_cut(&rest, '.'), part;
	char *text = mem_strdup("");

	for (; *form != '\0'; form++) {
		char *before = text;

		part = *form == 'H' ? head
		    : *form == 'B'  ? body
		    : *form == 'S'  ? rest
				    : (struct slice){ form, 1 };
		text = mem_printf("%s%.*s", before, SLICE_ARG(part));
		free(before);
	}
	free(token);
	return text;
}

/* One signature in the compact form, and no other (RFC 7515 7.2, RFC 7516). */
static const struct form_case {
	const char *form;
	enum id_token_fault expected;
} forms[] = {
	{ "H.B.S", ID_TOKEN_OK },
	{ "{\"payload\":\"B\",\"protected\":\"H\",\"signature\":\"S\"}",
	    ID_TOKEN_MALFORMED },
	{ "{\"payload\":\"B\",\"signatures\":["
	  "{\"protected\":\"H\",\"signature\":\"S\"},"
	  "{\"protected\":\"H\",\"signature\":\"S\"}]}",
	    ID_TOKEN_MALFORMED },
	{ "H.B.S.S", ID_TOKEN_MALFORMED },
	{ "H.B.S.B.S", ID_TOKEN_MALFORMED },
	{ "H.B.", ID_TOKEN_MALFORMED },
	{ "H.B", ID_TOKEN_MALFORMED },
	{ "H.B.S.", ID_TOKEN_MALFORMED },
	{ " H.B.S", ID_TOKEN_MALFORMED },
	{ "H.B.S\n", ID_TOKEN_MALFORMED },
	{ "H.B.S=", ID_TOKEN_MALFORMED },
	{ "H..S", ID_TOKEN_MALFORMED },
	{ ".B.S", ID_TOKEN_MALFORMED },
	{ "", ID_TOKEN_MALFORMED },
};

START_TEST(test_form)
{
	const struct id_token_rules rules = rules_at(NOW);
	struct id_token t;
	char *token = arranged(forms[_i].form,
	    sign(TOY_PROVIDER_HEADER, changed(good_id_token(), "x=1")));

	ck_assert_msg(judge(token, &rules, &t) == forms[_i].expected, "%s",
	    forms[_i].form);
	id_token_done(&t);
}
END_TEST

/* Signatures and at_hash of every algorithm, by another implementation. */
START_TEST(test_vector)
{
	const struct id_token_rules rules = rules_at(NOW);
	struct id_token_rules other = rules;
	struct jwks *keys = keys_of(vector_keys);
	struct slice token = slice_of(vectors[_i].token);
	struct id_token t;
	enum id_token_fault fault = id_token_read(token, keys, &rules, &t);

	ck_assert_msg(fault == vectors[_i].expected, "%s: the token %s",
	    vectors[_i].name, id_token_log(fault));
	id_token_done(&t);
	other.access_token = SLICE("another");
	ck_assert_int_eq(id_token_read(token, keys, &other, &t), ID_TOKEN_HASH);
	other.access_token = (struct slice){ NULL, 0 };
	ck_assert_int_eq(id_token_read(token, keys, &other, &t), ID_TOKEN_HASH);
	jwks_free(keys);
}
END_TEST

/* Only what is allowed, whatever the key could verify. */
START_TEST(test_algorithms)
{
	static const enum jose_alg algs[] = { JOSE_RS256, JOSE_PS256,
		JOSE_ES256, JOSE_ES384 };
	struct id_token_rules rules = rules_at(NOW);
	struct jwks *keys = keys_of(vector_keys);
	struct id_token t;

	for (size_t i = 0; i < N_ROWS(algs); i++) {
		struct slice token = slice_of(vectors[i].token);

		rules.algs = 1u << algs[i];
		ck_assert_int_eq(
		    id_token_read(token, keys, &rules, &t), ID_TOKEN_OK);
		id_token_done(&t);
		rules.algs = JOSE_ALGS_ALL & ~rules.algs;
		ck_assert_int_eq(
		    id_token_read(token, keys, &rules, &t), ID_TOKEN_ALGORITHM);
	}
	jwks_free(keys);
}
END_TEST

START_TEST(test_what_comes_out)
{
	struct id_token_rules rules = rules_at(NOW);
	struct id_token t;

	ck_assert_int_eq(judge(sign(TOY_PROVIDER_HEADER,
				   changed(good_id_token(), "sid=\"s-1\"")),
			     &rules, &t),
	    ID_TOKEN_OK);
	ck_assert_str_eq(t.subject, "alice");
	ck_assert_str_eq(t.sid, "s-1");
	ck_assert_int_eq(t.issued, 1000000);
	ck_assert_int_eq(t.expires, 1003600);
	ck_assert(json_strict_is(t.claims, "iss", ISSUER));
	id_token_done(&t);
	id_token_done(&t);
	/* at_hash that is right */
	rules.access_token = SLICE(VECTOR_ACCESS_TOKEN);
	ck_assert_int_eq(
	    judge(sign(TOY_PROVIDER_HEADER,
		      changed(good_id_token(), "at_hash=\"" EDDSA_HASH "\"")),
		&rules, &t),
	    ID_TOKEN_OK);
	id_token_done(&t);
}
END_TEST

/* Core 12.2: no nonce is needed, the subject must stay. */
START_TEST(test_refresh)
{
	struct id_token_rules rules = rules_at(NOW);
	struct id_token t;

	rules.nonce = NULL;
	rules.subject = "alice";
	ck_assert_int_eq(
	    judge(sign(TOY_PROVIDER_HEADER, changed(good_id_token(), "nonce")),
		&rules, &t),
	    ID_TOKEN_OK);
	id_token_done(&t);
	ck_assert_int_eq(judge(sign(TOY_PROVIDER_HEADER,
				   changed(good_id_token(), "sub=\"bob\"")),
			     &rules, &t),
	    ID_TOKEN_SUBJECT);
	rules.age_max_s = 0;
	ck_assert_int_eq(
	    judge(sign(TOY_PROVIDER_HEADER, changed(good_id_token(), "iat=1")),
		&rules, &t),
	    ID_TOKEN_OK);
	id_token_done(&t);
}
END_TEST

/* 64 audiences are read, 65 are not. */
START_TEST(test_many_audiences)
{
	const struct id_token_rules rules = rules_at(NOW);
	struct id_token t;

	for (int n = 63; n <= 64; n++) {
		json_t *claims = good_id_token(), *aud = json_array();

		for (int i = 0; i < n; i++)
			json_array_append_new(aud, json_string("other"));
		json_array_append_new(aud, json_string("doorward"));
		json_object_set_new(claims, "aud", aud);
		ck_assert_int_eq(judge(sign(TOY_PROVIDER_HEADER,
					   changed(claims, "azp=\"doorward\"")),
				     &rules, &t),
		    n == 63 ? ID_TOKEN_OK : ID_TOKEN_NO_AUDIENCE);
		id_token_done(&t);
	}
}
END_TEST

/* No byte of it may be another. */
START_TEST(test_every_byte)
{
	const struct id_token_rules rules = rules_at(NOW);
	char *token =
	    sign(TOY_PROVIDER_HEADER, changed(good_id_token(), "x=1"));
	struct jwks *keys = keys_of(TOY_PROVIDER_KEYS);
	struct id_token t;
	size_t n = strlen(token);

	for (size_t i = 0; i < n; i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		ck_assert_int_ne(
		    id_token_read(slice_of(token), keys, &rules, &t),
		    ID_TOKEN_OK);
		token[i] = was;
		ck_assert_int_ne(
		    id_token_read((struct slice){ token, i }, keys, &rules, &t),
		    ID_TOKEN_OK);
	}
	ck_assert_int_eq(
	    id_token_read(slice_of(token), keys, &rules, &t), ID_TOKEN_OK);
	id_token_done(&t);
	jwks_free(keys);
	free(token);
}
END_TEST

static const struct defect logout_defects[] = {
	{ "other=1", ID_TOKEN_OK },
	{ "sub", ID_TOKEN_OK },
	{ "sid", ID_TOKEN_OK },
	{ "events={\"" EVENT "\":{\"x\":1}}", ID_TOKEN_OK },
	{ "events", ID_TOKEN_EVENT },
	{ "events={}", ID_TOKEN_EVENT },
	{ "events=\"" EVENT "\"", ID_TOKEN_EVENT },
	{ "events=[\"" EVENT "\"]", ID_TOKEN_EVENT },
	{ "events={\"" EVENT "\":null}", ID_TOKEN_EVENT },
	{ "events={\"" EVENT "\":true}", ID_TOKEN_EVENT },
	{ "events={\"" EVENT "\":[]}", ID_TOKEN_EVENT },
	{ "events={\"" EVENT "/\":{}}", ID_TOKEN_EVENT },
	{ "events={\"" EVENT "\":{},\"x\":{}}", ID_TOKEN_EVENT },
	{ "nonce=\"n-1\"", ID_TOKEN_WITH_NONCE },
	{ "nonce=null", ID_TOKEN_WITH_NONCE },
	{ "jti", ID_TOKEN_NO_ID },
	{ "jti=\"\"", ID_TOKEN_NO_ID },
	{ "jti=1", ID_TOKEN_NO_ID },
	{ "sub=\"\"", ID_TOKEN_NO_SUBJECT },
	{ "sub=null", ID_TOKEN_NO_SUBJECT },
	{ "sid=\"\"", ID_TOKEN_SESSION },
	{ "sid=[]", ID_TOKEN_SESSION },
	{ "iss=\"https://other.example/\"", ID_TOKEN_ISSUER },
	{ "aud=\"other\"", ID_TOKEN_AUDIENCE },
	{ "azp=\"other\"", ID_TOKEN_PARTY },
	{ "exp", ID_TOKEN_NO_EXPIRY },
	{ "exp=1000000", ID_TOKEN_EXPIRED },
	{ "iat", ID_TOKEN_NO_DATE },
	{ "iat=1000121", ID_TOKEN_FUTURE },
	{ "iat=999400", ID_TOKEN_OLD },
};

START_TEST(test_logout_defect)
{
	const struct defect *d = &logout_defects[_i];
	const struct id_token_rules rules = rules_at(NOW);
	struct logout_token t;
	enum id_token_fault fault = judge_logout(
	    sign(TOY_PROVIDER_HEADER, changed(good_logout_token(), d->change)),
	    &rules, &t);

	ck_assert_msg(fault == d->expected, "%s: the logout token %s",
	    d->change, id_token_log(fault));
}
END_TEST

START_TEST(test_logout)
{
	const struct id_token_rules rules = rules_at(NOW);
	struct logout_token t;
	json_t *nobody = good_logout_token();

	ck_assert_int_eq(judge_logout(sign(TOY_PROVIDER_HEADER,
					  changed(good_logout_token(), "x=1")),
			     &rules, &t),
	    ID_TOKEN_OK);
	ck_assert_str_eq(t.subject, "alice");
	ck_assert_str_eq(t.sid, "s1");
	ck_assert_str_eq(t.id, "j1");
	ck_assert_int_eq(t.expires, 1000120);
	ck_assert_int_eq(t.last, 1000180);
	/* iat bounds it too */
	ck_assert_int_eq(
	    judge_logout(sign(TOY_PROVIDER_HEADER,
			     changed(good_logout_token(), "exp=9000000")),
		&rules, &t),
	    ID_TOKEN_OK);
	ck_assert_int_eq(t.last, 1000660);
	json_object_del(nobody, "sub");
	ck_assert_int_eq(
	    judge_logout(
		sign(TOY_PROVIDER_HEADER, changed(nobody, "sid")), &rules, &t),
	    ID_TOKEN_NOBODY);
	/* An id_token is none. */
	ck_assert_int_eq(judge_logout(sign(TOY_PROVIDER_HEADER,
					  changed(good_id_token(), "x=1")),
			     &rules, &t),
	    ID_TOKEN_EVENT);
}
END_TEST

START_TEST(test_sentences)
{
	for (int i = 0; i < ID_TOKEN_FAULTS; i++) {
		const char *person = id_token_person((enum id_token_fault)i);
		const char *log = id_token_log((enum id_token_fault)i);

		ck_assert_msg(person != NULL && log != NULL, "%d", i);
		ck_assert(person[strlen(person) - 1] == '.');
		ck_assert(log[strlen(log) - 1] != '.');
	}
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("id_token");

	json_strict_init();
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_defect, 0, N_ROWS(defects));
	tcase_add_loop_test(t, test_header, 0, N_ROWS(header_cases));
	tcase_add_loop_test(t, test_form, 0, N_ROWS(forms));
	tcase_add_loop_test(t, test_vector, 0, N_ROWS(vectors));
	tcase_add_test(t, test_algorithms);
	tcase_add_test(t, test_what_comes_out);
	tcase_add_test(t, test_refresh);
	tcase_add_test(t, test_many_audiences);
	tcase_add_test(t, test_every_byte);
	tcase_add_loop_test(t, test_logout_defect, 0, N_ROWS(logout_defects));
	tcase_add_test(t, test_logout);
	tcase_add_test(t, test_sentences);
	return unit_run("id_token", t);
}
