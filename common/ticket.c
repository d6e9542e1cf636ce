/* The session cookie's format; see ticket.h. */
#include "common/ticket.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/log.h"
#include "common/secret.h"

#define RANDOM_LEN 32
#define TAG_LEN 16
#define KEY_ID_AT 1
#define EPOCH_AT (KEY_ID_AT + MSG_KEY_ID_LEN)
#define RANDOM_AT (EPOCH_AT + 2)
#define TAG_AT (RANDOM_AT + RANDOM_LEN)
#define RAW_LEN (TAG_AT + TAG_LEN)

_Static_assert(TAG_AT == 39, "the tag covers 39 bytes");
_Static_assert(B64URL_LEN(RAW_LEN) == TICKET_LEN, "the cookie's length");
_Static_assert(TICKET_LEN <= MSG_COOKIE_MAX, "a cookie fits its messages");

static void
hmac_sha256(uint8_t dst[32], const uint8_t key[TICKET_KEY_LEN], const void *p,
    size_t len)
{
	size_t n = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, TICKET_KEY_LEN,
		p, len, dst, 32, &n) == NULL ||
	    n != 32)
		log_fatal("HMAC-SHA-256 is not available");
}

static void
put_u16(uint8_t dst[2], uint16_t v)
{
	dst[0] = (uint8_t)(v >> 8);
	dst[1] = (uint8_t)(v & 0xff);
}

void
ticket_setup(void)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		log_fatal("OpenSSL cannot be set up");
}

uint16_t
ticket_epoch(int64_t unix_s)
{
	uint64_t s = unix_s < 0 ? 0 : (uint64_t)unix_s;

	return (uint16_t)((s / TICKET_EPOCH_S) & 0xffff);
}

void
ticket_key_derive(struct ticket_key *key, const uint8_t key_id[MSG_KEY_ID_LEN],
    const uint8_t screening_key[TICKET_KEY_LEN], uint16_t epoch)
{
	uint8_t label[7] = { 'e', 'p', 'o', 'c', 'h' };

	put_u16(label + 5, epoch);
	memcpy(key->key_id, key_id, MSG_KEY_ID_LEN);
	key->epoch = epoch;
	hmac_sha256(key->key, screening_key, label, sizeof label);
}

void
ticket_make(char dst[TICKET_LEN + 1], const struct ticket_key *key)
{
	uint8_t raw[RAW_LEN], tag[32];

	raw[0] = TICKET_VERSION;
	memcpy(raw + KEY_ID_AT, key->key_id, MSG_KEY_ID_LEN);
	put_u16(raw + EPOCH_AT, key->epoch);
	secret_random(raw + RANDOM_AT, RANDOM_LEN);
	hmac_sha256(tag, key->key, raw, TAG_AT);
	memcpy(raw + TAG_AT, tag, TAG_LEN);
	b64url_encode(dst, raw, sizeof raw);
	secret_wipe(raw, sizeof raw);
	secret_wipe(tag, sizeof tag);
}

static const struct ticket_key *
keys_find(const struct ticket_keys *keys, const uint8_t raw[RAW_LEN])
{
	uint8_t epoch[2];

	for (size_t i = 0; i < keys->n; i++) {
		const struct ticket_key *k = &keys->at[i];
		put_u16(epoch, k->epoch);
		if (memcmp(k->key_id, raw + KEY_ID_AT, MSG_KEY_ID_LEN) == 0 &&
		    memcmp(epoch, raw + EPOCH_AT, sizeof epoch) == 0)
			return k;
	}
	return NULL;
}

int
ticket_screen(const struct ticket_keys *keys, struct slice cookie)
{
	const struct ticket_key *key;
	uint8_t raw[RAW_LEN], tag[32];
	size_t n = 0;
	int r = ERR_FORMAT;

	if (cookie.len != TICKET_LEN ||
	    b64url_decode(raw, sizeof raw, &n, cookie.p, cookie.len) != 0 ||
	    n != RAW_LEN || raw[0] != TICKET_VERSION)
		goto out;
	r = ERR_NOT_FOUND;
	key = keys_find(keys, raw);
	if (key == NULL)
		goto out;
	hmac_sha256(tag, key->key, raw, TAG_AT);
	r = secret_equal(tag, TAG_LEN, raw + TAG_AT, TAG_LEN) ? 0 : ERR_CRYPTO;
	secret_wipe(tag, sizeof tag);
out:
	secret_wipe(raw, sizeof raw);
	return r;
}

void
ticket_handle(uint8_t dst[MSG_HANDLE_LEN], struct slice credential)
{
	size_t n = 0;

	if (EVP_Q_digest(NULL, "SHA256", NULL, credential.p, credential.len,
		dst, &n) != 1 ||
	    n != MSG_HANDLE_LEN)
		log_fatal("SHA-256 is not available");
}

void
ticket_keys_put(
    struct wire_writer *w, const struct ticket_keys *keys, uint32_t again_s)
{
	wire_put_u32(w, again_s);
	wire_put_u8(w, (uint8_t)keys->n);
	for (size_t i = 0; i < keys->n; i++) {
		wire_put_raw(w, keys->at[i].key_id, MSG_KEY_ID_LEN);
		wire_put_u16(w, keys->at[i].epoch);
		wire_put_raw(w, keys->at[i].key, TICKET_KEY_LEN);
	}
}

int
ticket_keys_get(
    struct wire_reader *r, struct ticket_keys *keys, uint32_t *again_s)
{
	struct ticket_keys got = { .n = 0 };
	uint32_t again = wire_get_u32(r);
	size_t n = wire_get_u8(r);
	int ret = ERR_PROTOCOL;

	if (n > TICKET_KEYS_MAX)
		return ret;
	for (; got.n < n; got.n++) {
		struct ticket_key *k = &got.at[got.n];
		wire_get_raw(r, k->key_id, MSG_KEY_ID_LEN);
		k->epoch = wire_get_u16(r);
		wire_get_raw(r, k->key, TICKET_KEY_LEN);
	}
	if (wire_end(r) == 0) {
		*keys = got;
		*again_s = again;
		ret = 0;
	}
	ticket_keys_wipe(&got);
	return ret;
}

void
ticket_keys_wipe(struct ticket_keys *keys)
{
	secret_wipe(keys, sizeof *keys);
}
