/* AES-256-CBC and HMAC-SHA-256 tickets (RFC 5077 4); see tls_tickets.h. */
#include "frontend/tls_tickets.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/wire.h"

#define KEYS_MAX 3
#define NAME_LEN 16
#define KEY_LEN 32
#define TICKET_LIFE_S 7200

struct ticket_key {
	unsigned char name[NAME_LEN], aes[KEY_LEN], hmac[KEY_LEN];
};

struct tls_tickets {
	struct secret *keys; /* KEYS_MAX struct ticket_key, newest first */
	size_t n;
};

struct tls_tickets *
tls_tickets_new(void)
{
	struct tls_tickets *t = mem_new(sizeof(*t));

	t->keys = secret_new(KEYS_MAX * sizeof(struct ticket_key));
	secret_set_len(t->keys, KEYS_MAX * sizeof(struct ticket_key));
	secret_random(secret_bytes(t->keys), sizeof(struct ticket_key));
	t->n = 1;
	return t;
}

void
tls_tickets_free(struct tls_tickets *t)
{
	if (t == NULL)
		return;
	secret_free(t->keys);
	free(t);
}

size_t
tls_tickets_count(const struct tls_tickets *t)
{
	return t->n;
}

int
tls_tickets_take(
    struct tls_tickets *t, struct wire_reader *payload, uint32_t *again_s)
{
	struct ticket_key keys[KEYS_MAX];
	int err = ERR_FORMAT;
	uint32_t again = wire_get_u32(payload);
	uint8_t n = wire_get_u8(payload);

	for (size_t i = 0; i < n && i < KEYS_MAX; i++) {
		wire_get_raw(payload, keys[i].name, NAME_LEN);
		wire_get_raw(payload, keys[i].aes, KEY_LEN);
		wire_get_raw(payload, keys[i].hmac, KEY_LEN);
	}
	if (wire_end(payload) == 0 && n > 0 && n <= KEYS_MAX) {
		memcpy(secret_bytes(t->keys), keys, n * sizeof(keys[0]));
		t->n = n;
		*again_s = again;
		err = 0;
	}
	secret_wipe(keys, sizeof(keys));
	return err;
}

static int
use_key(const struct ticket_key *k, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt)
{
	static char digest[] = "SHA256";
	struct ticket_key copy = *k;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, copy.hmac, KEY_LEN),
		OSSL_PARAM_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1),
		OSSL_PARAM_END,
	};
	int good = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, copy.aes,
		       iv, encrypt) == 1 &&
	    EVP_MAC_CTX_set_params(mac, params) == 1;
	secret_wipe(&copy, sizeof(copy));
	return good;
}

static int
ex_index(void)
{
	static int at = -1;
	if (at < 0)
		at = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return at;
}

/* OpenSSL's answers: -1 failure, 0 no such key, 1 use it, 2 use and renew. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_tickets *t =
	    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ex_index());
	const struct ticket_key *keys = secret_peek(t->keys);

	if (encrypt) {
		memcpy(name, keys[0].name, NAME_LEN);
		secret_random(iv, 16);
		return use_key(&keys[0], iv, cipher, mac, 1) ? 1 : -1;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (memcmp(name, keys[i].name, NAME_LEN) != 0)
			continue; /* names travel in clear */
		if (!use_key(&keys[i], iv, cipher, mac, 0))
			return -1;
		return i == 0 ? 1 : 2;
	}
	return 0;
}

int
tls_tickets_apply(struct tls_tickets *t, SSL_CTX *ctx)
{
	static const unsigned char context[] = "doorward";
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	if (SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1) !=
		1 ||
	    SSL_CTX_set_ex_data(ctx, ex_index(), t) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) != 1)
		return ERR_CRYPTO;
	return 0;
}
