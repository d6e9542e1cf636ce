/* Login cookie and state; see state.h. */
#include "authd/oidc/state.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/err.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/wire.h"

#define FORMAT_VERSION 1
#define BROWSER_LEN 32
#define DIGEST_LEN 32
#define LEEWAY_S 60 /* several machines may share the keys one day */
#define COOKIE_PLAIN (BROWSER_LEN + 8 + 1)
#define STATE_PLAIN \
	(STATE_ATTEMPT_LEN + 2 * DIGEST_LEN + 8 + 1 + 2 + STATE_RETURN_MAX)
#define SEALED_MAX (STATE_HEAD_LEN + SEAL_OVERHEAD + STATE_PLAIN)

_Static_assert(B64URL_LEN(SEALED_MAX) == STATE_MAX, "state's length");
_Static_assert(STATE_MAX == MSG_STATE_MAX, "as the frontend knows it");
_Static_assert(B64URL_LEN(SEALED_MAX - STATE_RETURN_MAX) == MSG_STATE_MIN,
    "as the frontend knows it");
_Static_assert(B64URL_LEN(DIGEST_LEN) == STATE_DERIVED_LEN, "RFC 7636 4.1");

/* What is sealed for one purpose does not open for the other: this is
 * authenticated with it, in the place of a session's handle. */
static const uint8_t for_cookie[MSG_HANDLE_LEN] = "doorward login cookie v1";
static const uint8_t for_state[MSG_HANDLE_LEN] = "doorward login state v1";

/* clang-format off */
static const struct {
	const char *person, *log;
} sentences[STATE_FAULTS] = {
	[STATE_OK] = { "You are signed in.", "is ours" },
	[STATE_NO_COOKIE] = {
		"Your browser did not bring the cookie that this sign-in began with: it blocks cookies for this site, or the sign-in began in another browser, or too long ago. Allow cookies, then sign in again.",
		"came back without the login cookie (blocked, expired, or another browser)" },
	[STATE_COOKIE_BAD] = {
		"The cookie of this sign-in cannot be read. Please sign in again.",
		"came back with a login cookie that is not ours" },
	[STATE_BAD] = {
		"The answer of the identity provider does not belong to a sign-in here. Please sign in again.",
		"came back with a state that is not ours" },
	[STATE_KEY_GONE] = {
		"The keys were changed while you signed in. Please sign in again.",
		"was begun under a signing key that has been withdrawn" },
	[STATE_EXPIRED] = {
		"Signing in took too long. Please sign in again.",
		"took longer than authentication_timeout" },
	[STATE_FUTURE] = {
		"A clock was set while you signed in. Please sign in again.",
		"was begun in the future; was the clock set" },
	[STATE_OTHER_BROWSER] = {
		"This sign-in was begun in another browser or window. Please sign in again.",
		"came back to another browser than it was begun in" },
	[STATE_OTHER_BASE] = {
		"This sign-in was begun at another address of this site. Please sign in again.",
		"came back to another base URL than it was begun at" },
};
/* clang-format on */

const char *
state_person(enum state_fault fault)
{
	return sentences[fault].person;
}

const char *
state_log(enum state_fault fault)
{
	return sentences[fault].log;
}

/* What comes from a session key. key.screening is unused. */
struct login_key {
	struct session_key key;
	uint8_t mac[DIGEST_LEN];
};
struct browser {
	uint8_t id[BROWSER_LEN];
	int64_t at; /* of its last start */
	unsigned rounds;
};
struct ticket {
	uint8_t attempt[STATE_ATTEMPT_LEN];
	uint8_t browser[DIGEST_LEN], base[DIGEST_LEN];
	int64_t at;
	unsigned rounds;
	struct slice return_path; /* borrowed from what was opened */
};

/* RFC 5869 with SHA-256: the session key is random already, so it is extracted
 * without a salt; info says what for. The seal and the derivation of nonces get
 * a half each. */
static void
derive_key(struct login_key *k, const struct session_key *from)
{
	static char digest[] = "SHA256", info[] = "doorward login state v1";
	uint8_t seal[KEYS_LEN], out[KEYS_LEN + DIGEST_LEN];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_KEY, seal, sizeof(seal)),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(hkdf);

	memcpy(seal, from->seal, sizeof(seal));
	if (c == NULL || EVP_KDF_derive(c, out, sizeof(out), params) != 1)
		log_fatal("HKDF is not available");
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(hkdf);
	memcpy(k->key.id, from->id, sizeof(k->key.id));
	memcpy(k->key.seal, out, sizeof(k->key.seal));
	memcpy(k->mac, out + KEYS_LEN, sizeof(k->mac));
	secret_wipe(seal, sizeof(seal));
	secret_wipe(out, sizeof(out));
}

static void
sha256(uint8_t dst[DIGEST_LEN], const void *p, size_t len)
{
	size_t n = 0;

	if (EVP_Q_digest(NULL, "SHA256", NULL, p, len, dst, &n) != 1 ||
	    n != DIGEST_LEN)
		log_fatal("SHA-256 is not available");
}

/* label: of another length for another purpose, so that no two inputs are
 * alike. */
static void
derive_text(char dst[STATE_DERIVED_LEN + 1], const struct login_key *k,
    struct slice label, const uint8_t attempt[STATE_ATTEMPT_LEN],
    const uint8_t browser[BROWSER_LEN])
{
	uint8_t input[16 + STATE_ATTEMPT_LEN + BROWSER_LEN], mac[DIGEST_LEN];
	struct wire_writer w;
	size_t n = 0;

	wire_writer_init(&w, input, sizeof(input));
	wire_put_raw(&w, label.p, label.len);
	wire_put_raw(&w, attempt, STATE_ATTEMPT_LEN);
	wire_put_raw(&w, browser, BROWSER_LEN);
	if (wire_done(&w) != 0 ||
	    EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, k->mac,
		sizeof(k->mac), input, w.len, mac, sizeof(mac), &n) == NULL ||
	    n != sizeof(mac))
		log_fatal("HMAC-SHA-256 is not available");
	b64url_encode(dst, mac, sizeof(mac));
	secret_wipe(input, sizeof(input));
	secret_wipe(mac, sizeof(mac));
}

#define NONCE SLICE("nonce")
#define VERIFIER SLICE("pkce")

void
state_challenge(char dst[STATE_DERIVED_LEN + 1], const char *verifier)
{
	uint8_t digest[DIGEST_LEN];

	sha256(digest, verifier, strlen(verifier));
	b64url_encode(dst, digest, sizeof(digest));
}

static void
close_text(char *dst, const struct login_key *k,
    const uint8_t purpose[MSG_HANDLE_LEN], const struct wire_writer *plain)
{
	uint8_t sealed[SEALED_MAX];

	sealed[0] = FORMAT_VERSION;
	memcpy(sealed + 1, k->key.id, MSG_KEY_ID_LEN);
	seal_close(
	    sealed + STATE_HEAD_LEN, &k->key, purpose, plain->p, plain->len);
	b64url_encode(dst, sealed, STATE_HEAD_LEN + SEAL_OVERHEAD + plain->len);
}

/* Opens into plain of STATE_PLAIN bytes, and says with which key. ERR_FORMAT,
 * ERR_LIMIT, ERR_CRYPTO; ERR_NOT_FOUND: no such key. */
static int
open_text(struct slice text, const struct keys *keys,
    const uint8_t purpose[MSG_HANDLE_LEN], struct login_key *k,
    struct wire_reader *plain)
{
	uint8_t sealed[SEALED_MAX];
	uint8_t *dst = (uint8_t *)(uintptr_t)plain->p;
	const struct session_key *from;
	size_t len, n = 0;
	int r = b64url_decode(sealed, sizeof(sealed), &len, text.p, text.len);

	if (r != 0)
		return r;
	if (len < STATE_HEAD_LEN || sealed[0] != FORMAT_VERSION)
		return ERR_FORMAT;
	from = keys_find(keys, sealed + 1);
	if (from == NULL)
		return ERR_NOT_FOUND;
	derive_key(k, from);
	r = seal_open(dst, plain->left, &n, &k->key, purpose,
	    sealed + STATE_HEAD_LEN, len - STATE_HEAD_LEN);
	wire_reader_init(plain, dst, n);
	return r;
}

/* Is it of now - age_max to now? */
static enum state_fault
check_age(int64_t at, int64_t now, int64_t age_max)
{
	if (at > now + LEEWAY_S)
		return STATE_FUTURE;
	return now - at <= age_max ? STATE_OK : STATE_EXPIRED;
}

static void
cookie_close(char dst[STATE_COOKIE_LEN + 1], const struct keys *keys,
    const struct browser *b)
{
	uint8_t plain[COOKIE_PLAIN];
	struct login_key k;
	struct wire_writer w;

	wire_writer_init(&w, plain, sizeof(plain));
	wire_put_raw(&w, b->id, sizeof(b->id));
	wire_put_u64(&w, (uint64_t)b->at);
	wire_put_u8(&w, (uint8_t)b->rounds);
	derive_key(&k, keys_at(keys, 0));
	close_text(dst, &k, for_cookie, &w);
	secret_wipe(&k, sizeof(k));
	secret_wipe(plain, sizeof(plain));
}

/* Sets rounds as soon as the seal holds. */
static enum state_fault
cookie_open(const struct keys *keys, struct slice cookie, int64_t now,
    int64_t age_max, struct browser *b)
{
	uint8_t plain[COOKIE_PLAIN];
	struct wire_reader in = { .p = plain, .left = sizeof(plain) };
	struct login_key k;
	enum state_fault fault = STATE_COOKIE_BAD;
	int r;

	*b = (struct browser){ .rounds = 0 };
	if (cookie.len == 0)
		return STATE_NO_COOKIE;
	r = open_text(cookie, keys, for_cookie, &k, &in);
	if (r == ERR_NOT_FOUND)
		return STATE_KEY_GONE;
	if (r != 0)
		goto out;
	wire_get_raw(&in, b->id, sizeof(b->id));
	b->at = (int64_t)wire_get_u64(&in);
	b->rounds = wire_get_u8(&in);
	if (wire_end(&in) == 0)
		fault = check_age(b->at, now, age_max);
out:
	secret_wipe(&k, sizeof(k));
	secret_wipe(plain, sizeof(plain));
	return fault;
}

static void
ticket_close(
    char dst[STATE_MAX + 1], const struct login_key *k, const struct ticket *t)
{
	uint8_t plain[STATE_PLAIN];
	struct wire_writer w;

	wire_writer_init(&w, plain, sizeof(plain));
	wire_put_raw(&w, t->attempt, sizeof(t->attempt));
	wire_put_raw(&w, t->browser, sizeof(t->browser));
	wire_put_raw(&w, t->base, sizeof(t->base));
	wire_put_u64(&w, (uint64_t)t->at);
	wire_put_u8(&w, (uint8_t)t->rounds);
	wire_put_slice(&w, t->return_path);
	close_text(dst, k, for_state, &w);
}

static enum state_fault
ticket_open(const struct keys *keys, struct slice text,
    uint8_t plain[STATE_PLAIN], struct login_key *k, struct ticket *t)
{
	struct wire_reader in = { .p = plain, .left = STATE_PLAIN };
	int r = open_text(text, keys, for_state, k, &in);

	if (r != 0)
		return r == ERR_NOT_FOUND ? STATE_KEY_GONE : STATE_BAD;
	wire_get_raw(&in, t->attempt, sizeof(t->attempt));
	wire_get_raw(&in, t->browser, sizeof(t->browser));
	wire_get_raw(&in, t->base, sizeof(t->base));
	t->at = (int64_t)wire_get_u64(&in);
	t->rounds = wire_get_u8(&in);
	t->return_path = wire_get_bytes(&in, STATE_RETURN_MAX);
	return wire_end(&in) == 0 ? STATE_OK : STATE_BAD;
}

void
state_begin(const struct keys *keys, const struct state_start *start,
    struct state_attempt *out)
{
	struct browser b;
	struct ticket t = { .at = start->now };
	struct login_key k;
	char verifier[STATE_DERIVED_LEN + 1];

	if (cookie_open(keys, start->cookie, start->now, start->timeout_s,
		&b) != STATE_OK)
		secret_random(b.id, sizeof(b.id));
	b.at = start->now;
	secret_random(t.attempt, sizeof(t.attempt));
	sha256(t.browser, b.id, sizeof(b.id));
	sha256(t.base, start->base_url.p, start->base_url.len);
	t.rounds = b.rounds;
	if (start->return_path.len <= STATE_RETURN_MAX)
		t.return_path = start->return_path;
	derive_key(&k, keys_at(keys, 0));
	derive_text(out->nonce, &k, NONCE, t.attempt, b.id);
	derive_text(verifier, &k, VERIFIER, t.attempt, b.id);
	state_challenge(out->challenge, verifier);
	ticket_close(out->state, &k, &t);
	cookie_close(out->cookie, keys, &b);
	out->rounds = b.rounds;
	secret_wipe(verifier, sizeof(verifier));
	secret_wipe(&k, sizeof(k));
	secret_wipe(&b, sizeof(b));
}

/* Do browser and state belong together, here and now? */
static enum state_fault
match(const struct state_return *back, const struct browser *b,
    const struct ticket *t)
{
	uint8_t digest[DIGEST_LEN];
	enum state_fault fault = check_age(t->at, back->now, back->timeout_s);

	if (fault != STATE_OK)
		return fault;
	sha256(digest, b->id, sizeof(b->id));
	if (!secret_equal(
		digest, sizeof(digest), t->browser, sizeof(t->browser)))
		return STATE_OTHER_BROWSER;
	sha256(digest, back->base_url.p, back->base_url.len);
	if (!secret_equal(digest, sizeof(digest), t->base, sizeof(t->base)))
		return STATE_OTHER_BASE;
	return STATE_OK;
}

static void
resume(struct state_resumed *out, const struct state_return *back,
    const struct login_key *k, const struct browser *b, const struct ticket *t)
{
	memcpy(out->attempt, t->attempt, sizeof(out->attempt));
	out->until = t->at + back->timeout_s + 1;
	derive_text(out->nonce, k, NONCE, t->attempt, b->id);
	derive_text(out->verifier, k, VERIFIER, t->attempt, b->id);
}

static void
keep_return_path(struct state_resumed *out, struct slice path)
{
	out->return_len = path.len;
	if (path.len > 0)
		memcpy(out->return_path, path.p, path.len);
}

enum state_fault
state_resume(const struct keys *keys, const struct state_return *back,
    struct state_resumed *out)
{
	uint8_t plain[STATE_PLAIN];
	struct ticket t = { .rounds = 0 };
	struct browser b;
	struct login_key k = { .mac = { 0 } };
	enum state_fault of_cookie =
	    cookie_open(keys, back->cookie, back->now, back->timeout_s, &b);
	enum state_fault fault = ticket_open(keys, back->state, plain, &k, &t);

	*out = (struct state_resumed){ .return_len = 0 };
	if (fault == STATE_OK)
		keep_return_path(out, t.return_path);
	/* A state that is not ours is nobody's login: say that first. */
	if (fault == STATE_OK)
		fault = of_cookie;
	if (fault == STATE_OK)
		fault = match(back, &b, &t);
	if (fault == STATE_OK)
		resume(out, back, &k, &b, &t);
	out->rounds = b.rounds > t.rounds ? b.rounds : t.rounds;
	secret_wipe(&k, sizeof(k));
	secret_wipe(&b, sizeof(b));
	secret_wipe(plain, sizeof(plain));
	return fault;
}

enum state_fault
state_count(const struct keys *keys, const struct state_return *back,
    bool failed, char cookie[STATE_COOKIE_LEN + 1])
{
	struct browser b;
	enum state_fault fault =
	    cookie_open(keys, back->cookie, back->now, back->timeout_s, &b);

	cookie[0] = '\0';
	if (fault == STATE_OK) {
		if (!failed)
			b.rounds = 0;
		else if (b.rounds < STATE_ROUNDS_MAX)
			b.rounds++;
		cookie_close(cookie, keys, &b);
	}
	secret_wipe(&b, sizeof(b));
	return fault;
}
