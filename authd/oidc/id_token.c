/*
 * What a provider's tokens must say to be believed; see the header. The checks
 * are in the order of Core 3.1.3.7 where order matters to the reader of a log.
 */
#include "authd/oidc/id_token.h"

#include <string.h>

#include <openssl/evp.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/secret.h"

#include "authd/jose.h"

#define AUDIENCES_MAX 64
#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"
#define DIGEST_MAX 64

#define ASK_ADMIN " Please tell the administrator."
#define UNTRUSTED "The identity provider's answer cannot be trusted"

/* clang-format off */
static const struct {
	const char *person, *log;
} sentences[ID_TOKEN_FAULTS] = {
	[ID_TOKEN_OK] = { "You are signed in.", "is valid" },
	[ID_TOKEN_MALFORMED] = {
		"The identity provider's answer cannot be read." ASK_ADMIN,
		"is not a signed token of a form that is accepted (compact JWS, no encryption, no keys inside)" },
	[ID_TOKEN_ALGORITHM] = {
		"The identity provider signs in a way that is not allowed here." ASK_ADMIN,
		"is signed with an algorithm that is not allowed (alg)" },
	[ID_TOKEN_NO_KEY] = {
		UNTRUSTED ": its signing key is unknown. Please try again in a minute.",
		"is signed with a key that the provider does not publish (kid), or not yet when its keys were fetched; they are fetched anew at most once a minute" },
	[ID_TOKEN_SIGNATURE] = {
		UNTRUSTED ": its signature does not hold." ASK_ADMIN,
		"has a signature that does not hold" },
	[ID_TOKEN_KIND] = {
		UNTRUSTED ": it is meant for another purpose." ASK_ADMIN,
		"was made for another purpose (typ or events)" },
	[ID_TOKEN_ISSUER] = {
		UNTRUSTED ": it comes from somebody else." ASK_ADMIN,
		"comes from another issuer than issuer_uri (iss)" },
	[ID_TOKEN_NO_AUDIENCE] = {
		UNTRUSTED ": it does not say whom it is for." ASK_ADMIN,
		"has no audience of a form that is accepted (aud)" },
	[ID_TOKEN_AUDIENCE] = {
		UNTRUSTED ": it is meant for another application." ASK_ADMIN,
		"is not meant for our client_id (aud)" },
	[ID_TOKEN_PARTY] = {
		UNTRUSTED ": it was issued to another application." ASK_ADMIN,
		"was not issued to our client_id (azp)" },
	[ID_TOKEN_NO_EXPIRY] = {
		UNTRUSTED ": it does not say how long it holds." ASK_ADMIN,
		"says no valid time until which it holds (exp)" },
	[ID_TOKEN_EXPIRED] = {
		"The identity provider's answer has expired. Please sign in again; if that does not help, a clock is wrong.",
		"has expired (exp); are the clocks right" },
	[ID_TOKEN_NO_DATE] = {
		UNTRUSTED ": it does not say when it was made." ASK_ADMIN,
		"has no valid date (iat, or nbf is malformed)" },
	[ID_TOKEN_FUTURE] = {
		"The identity provider's answer is not valid yet: its clock and ours differ." ASK_ADMIN,
		"is not valid yet (iat or nbf); are the clocks right" },
	[ID_TOKEN_OLD] = {
		"The identity provider's answer is too old. Please sign in again; if that does not help, a clock is wrong.",
		"was issued too long ago (iat); are the clocks right" },
	[ID_TOKEN_NONCE] = {
		UNTRUSTED ": it belongs to another sign-in. Please sign in again.",
		"is not for this login (nonce)" },
	[ID_TOKEN_HASH] = {
		UNTRUSTED ": its parts do not belong together." ASK_ADMIN,
		"does not belong to the access token (at_hash)" },
	[ID_TOKEN_NO_SUBJECT] = {
		UNTRUSTED ": it does not say who you are." ASK_ADMIN,
		"names nobody in 1 to 255 ASCII characters (sub)" },
	[ID_TOKEN_SUBJECT] = {
		"The identity provider's answer is about another person. Please sign in again.",
		"is of another subject than the session (sub)" },
	[ID_TOKEN_SESSION] = {
		UNTRUSTED ": its session is malformed." ASK_ADMIN,
		"has a malformed session id (sid)" },
	[ID_TOKEN_EVENT] = {
		"The request to sign out is not one.",
		"does not announce a logout (events)" },
	[ID_TOKEN_WITH_NONCE] = {
		"The request to sign out is not one.",
		"has a nonce, which logout tokens must not have" },
	[ID_TOKEN_NO_ID] = {
		"The request to sign out has no identifier.",
		"has no valid identifier (jti)" },
	[ID_TOKEN_NOBODY] = {
		"The request to sign out does not say whom.",
		"names neither a subject nor a session (sub, sid)" },
};
/* clang-format on */

const char *
id_token_person(enum id_token_fault fault)
{
	return sentences[fault].person;
}

const char *
id_token_log(enum id_token_fault fault)
{
	return sentences[fault].log;
}

/* An identifier: 1..255 printable ASCII characters. */
static int
read_name(
    const json_t *claims, const char *key, char dst[ID_TOKEN_SUBJECT_MAX + 1])
{
	struct slice text;
	int r = json_strict_text(claims, key, &text);

	if (r != 0)
		return r;
	if (text.len == 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7E)
			return ERR_FORMAT;
	return slice_copy(text, dst, ID_TOKEN_SUBJECT_MAX + 1);
}

static enum id_token_fault
check_audience(const json_t *claims, const struct id_token_rules *rules)
{
	struct slice one;
	json_t *many;

	if (json_strict_text(claims, "aud", &one) == 0)
		return slice_is(one, rules->client_id) ? ID_TOKEN_OK
						       : ID_TOKEN_AUDIENCE;
	if (json_strict_array(claims, "aud", &many) != 0 ||
	    json_array_size(many) == 0 ||
	    !json_strict_texts(many, AUDIENCES_MAX))
		return ID_TOKEN_NO_AUDIENCE;
	for (size_t i = 0; i < json_array_size(many); i++)
		if (slice_is(json_strict_text_at(many, i), rules->client_id))
			return ID_TOKEN_OK;
	return ID_TOKEN_AUDIENCE;
}

/* A token that others are to read as well must say that we are the ones who
 * asked for it: otherwise one of the others could bring theirs to us. */
static enum id_token_fault
check_party(const json_t *claims, const struct id_token_rules *rules)
{
	bool several = json_array_size(json_object_get(claims, "aud")) > 1;

	if (json_object_get(claims, "azp") == NULL)
		return several ? ID_TOKEN_PARTY : ID_TOKEN_OK;
	return json_strict_is(claims, "azp", rules->client_id) ? ID_TOKEN_OK
							       : ID_TOKEN_PARTY;
}

static enum id_token_fault
check_times(const json_t *claims, const struct id_token_rules *rules,
    int64_t *issued, int64_t *expires)
{
	int64_t latest = rules->now + ID_TOKEN_LEEWAY_S, start;
	int r;

	if (json_strict_date(claims, "exp", expires) != 0)
		return ID_TOKEN_NO_EXPIRY;
	if (rules->now >= *expires + ID_TOKEN_LEEWAY_S)
		return ID_TOKEN_EXPIRED;
	if (json_strict_date(claims, "iat", issued) != 0)
		return ID_TOKEN_NO_DATE;
	r = json_strict_date(claims, "nbf", &start);
	if (r == ERR_FORMAT)
		return ID_TOKEN_NO_DATE;
	if (*issued > latest || (r == 0 && start > latest))
		return ID_TOKEN_FUTURE;
	if (rules->age_max_s > 0 &&
	    rules->now >= *issued + rules->age_max_s + ID_TOKEN_LEEWAY_S)
		return ID_TOKEN_OLD;
	return ID_TOKEN_OK;
}

/* What both kinds must say. */
static enum id_token_fault
check_common(const json_t *claims, const struct id_token_rules *rules,
    int64_t *issued, int64_t *expires)
{
	enum id_token_fault fault;

	if (!json_strict_is(claims, "iss", rules->issuer))
		return ID_TOKEN_ISSUER;
	fault = check_audience(claims, rules);
	if (fault == ID_TOKEN_OK)
		fault = check_party(claims, rules);
	if (fault == ID_TOKEN_OK)
		fault = check_times(claims, rules, issued, expires);
	return fault;
}

static enum id_token_fault
check_nonce(const json_t *claims, const struct id_token_rules *rules)
{
	const char *nonce = rules->nonce;
	struct slice got;
	int r = json_strict_text(claims, "nonce", &got);

	if (nonce == NULL) { /* Core 12.2 */
		nonce = rules->nonce_before;
		if (r == ERR_NOT_FOUND || (r == 0 && nonce[0] == '\0'))
			return ID_TOKEN_OK;
	}
	return r == 0 && secret_equal(got.p, got.len, nonce, strlen(nonce))
	    ? ID_TOKEN_OK
	    : ID_TOKEN_NONCE;
}

/* Core 3.1.3.6: the left half of the access token's digest, that of alg. For
 * Ed25519 it is the one that the signature itself uses. */
static bool
hash_matches(enum jose_alg alg, struct slice access_token, struct slice hash)
{
	static const char *const digests[JOSE_ALG_COUNT] = {
		[JOSE_RS256] = "SHA256",
		[JOSE_PS256] = "SHA256",
		[JOSE_ES256] = "SHA256",
		[JOSE_ES384] = "SHA384",
		[JOSE_EDDSA] = "SHA512",
	};
	uint8_t digest[DIGEST_MAX];
	char text[B64URL_LEN(DIGEST_MAX / 2) + 1];
	size_t len = 0;

	if (access_token.p == NULL ||
	    EVP_Q_digest(NULL, digests[alg], NULL, access_token.p,
		access_token.len, digest, &len) != 1)
		return false;
	b64url_encode(text, digest, len / 2);
	return secret_equal(hash.p, hash.len, text, B64URL_LEN(len / 2));
}

static enum id_token_fault
check_hash(const struct jose *j, struct slice access_token)
{
	struct slice hash;
	int r = json_strict_text(jose_claims(j), "at_hash", &hash);

	if (r == ERR_NOT_FOUND)
		return ID_TOKEN_OK;
	return r == 0 && hash_matches(jose_alg_of(j), access_token, hash)
	    ? ID_TOKEN_OK
	    : ID_TOKEN_HASH;
}

static enum id_token_fault
check_subject(struct id_token *t, const char *expected)
{
	int r;

	if (read_name(t->claims, "sub", t->subject) != 0)
		return ID_TOKEN_NO_SUBJECT;
	if (expected != NULL && strcmp(expected, t->subject) != 0)
		return ID_TOKEN_SUBJECT;
	r = read_name(t->claims, "sid", t->sid);
	return r == 0 || r == ERR_NOT_FOUND ? ID_TOKEN_OK : ID_TOKEN_SESSION;
}

static enum id_token_fault
judge_id_token(struct id_token *t, const struct id_token_rules *rules)
{
	enum id_token_fault fault;

	/* No id_token has events; of a logout token they are the mark. */
	if (!jose_is_for(t->jose, NULL) ||
	    json_object_get(t->claims, "events") != NULL)
		return ID_TOKEN_KIND;
	fault = check_common(t->claims, rules, &t->issued, &t->expires);
	if (fault == ID_TOKEN_OK)
		fault = check_nonce(t->claims, rules);
	if (fault == ID_TOKEN_OK)
		fault = check_hash(t->jose, rules->access_token);
	if (fault == ID_TOKEN_OK)
		fault = check_subject(t, rules->subject);
	return fault;
}

/* Back-Channel Logout 2.4: exactly this event, whose value is an object. */
static bool
announces_logout(const json_t *claims)
{
	json_t *events, *event;

	return json_strict_object(claims, "events", &events) == 0 &&
	    json_object_size(events) == 1 &&
	    json_strict_object(events, LOGOUT_EVENT, &event) == 0;
}

/* sub and sid: one may be missing, none may be malformed. */
static enum id_token_fault
read_whom(const json_t *claims, struct logout_token *t)
{
	int sub = read_name(claims, "sub", t->subject);
	int sid = read_name(claims, "sid", t->sid);

	if (sub != 0 && sub != ERR_NOT_FOUND)
		return ID_TOKEN_NO_SUBJECT;
	if (sid != 0 && sid != ERR_NOT_FOUND)
		return ID_TOKEN_SESSION;
	return sub == 0 || sid == 0 ? ID_TOKEN_OK : ID_TOKEN_NOBODY;
}

/* Until when a replay would pass the checks of time. */
static int64_t
last_time(const struct logout_token *t, const struct id_token_rules *rules)
{
	int64_t end = t->expires;

	if (rules->age_max_s > 0 && t->issued + rules->age_max_s < end)
		end = t->issued + rules->age_max_s;
	return end + ID_TOKEN_LEEWAY_S;
}

static enum id_token_fault
judge_logout_token(const struct jose *j, const struct id_token_rules *rules,
    struct logout_token *t)
{
	const json_t *claims = jose_claims(j);
	enum id_token_fault fault;

	if (!jose_is_for(j, "logout+jwt"))
		return ID_TOKEN_KIND;
	fault = check_common(claims, rules, &t->issued, &t->expires);
	if (fault != ID_TOKEN_OK)
		return fault;
	if (!announces_logout(claims))
		return ID_TOKEN_EVENT;
	/* An id_token must not pass as a logout token (2.4). */
	if (json_object_get(claims, "nonce") != NULL)
		return ID_TOKEN_WITH_NONCE;
	if (read_name(claims, "jti", t->id) != 0)
		return ID_TOKEN_NO_ID;
	t->last = last_time(t, rules);
	return read_whom(claims, t);
}

static enum id_token_fault
verify(struct slice token, const struct jwks *keys, unsigned algs,
    struct jose **out)
{
	if (jose_parse(token, out) != 0)
		return ID_TOKEN_MALFORMED;
	switch (jose_verify(*out, keys, algs)) {
	case 0:
		return ID_TOKEN_OK;
	case ERR_DENIED:
		return ID_TOKEN_ALGORITHM;
	case ERR_NOT_FOUND:
		return ID_TOKEN_NO_KEY;
	default:
		return ID_TOKEN_SIGNATURE;
	}
}

enum id_token_fault
id_token_read(struct slice token, const struct jwks *keys,
    const struct id_token_rules *rules, struct id_token *out)
{
	struct id_token t = { .jose = NULL };
	enum id_token_fault fault = verify(token, keys, rules->algs, &t.jose);

	if (fault == ID_TOKEN_OK) {
		t.claims = jose_claims(t.jose);
		fault = judge_id_token(&t, rules);
	}
	if (fault != ID_TOKEN_OK)
		id_token_done(&t);
	*out = t;
	return fault;
}

void
id_token_done(struct id_token *t)
{
	jose_free(t->jose);
	secret_wipe(t, sizeof(*t));
}

void
id_token_recall_nonce(struct slice token, char nonce[ID_TOKEN_NONCE_MAX + 1])
{
	struct jose *j = NULL;
	struct slice got;

	nonce[0] = '\0';
	if (jose_parse(token, &j) != 0)
		return;
	if (json_strict_text(jose_claims(j), "nonce", &got) != 0 ||
	    slice_copy(got, nonce, ID_TOKEN_NONCE_MAX + 1) != 0)
		nonce[0] = '\0';
	jose_free(j);
}

enum id_token_fault
logout_token_read(struct slice token, const struct jwks *keys,
    const struct id_token_rules *rules, struct logout_token *out)
{
	struct logout_token t = { .issued = 0 };
	struct jose *j = NULL;
	enum id_token_fault fault = verify(token, keys, rules->algs, &j);

	if (fault == ID_TOKEN_OK)
		fault = judge_logout_token(j, rules, &t);
	jose_free(j);
	if (fault != ID_TOKEN_OK)
		t = (struct logout_token){ .issued = 0 };
	*out = t;
	return fault;
}
