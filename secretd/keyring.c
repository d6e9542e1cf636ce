/* Derivation and order of the session keys; see keyring.h. */
#include "secretd/keyring.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/secret.h"

#define KEY_LEN 32
/* id, seal key, screening key: as they stand in the message */
#define ENTRY_LEN (MSG_KEY_ID_LEN + KEY_LEN + KEY_LEN)

struct keyring {
	struct secret *entries[KEYRING_MAX];
	size_t n;
};

struct keyring *
keyring_new(void)
{
	return mem_new(sizeof(struct keyring));
}

void
keyring_free(struct keyring *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++)
		secret_free(k->entries[i]);
	free(k);
}

static int
derive(const struct secret *key, const char *info, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	struct secret *copy = secret_from(secret_peek(key), secret_len(key));
	char digest[] = "SHA256";
	char *text = mem_strdup(info); /* parameters are not const */
	OSSL_PARAM params[4];
	int r = ERR_CRYPTO;

	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_KEY, secret_bytes(copy), secret_len(copy));
	params[2] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_INFO, text, strlen(text));
	params[3] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1)
		r = 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	secret_free(copy);
	free(text);
	return r;
}

/* Takes an entry with the id of the new one out. */
static void
remove_same(struct keyring *k, const uint8_t *id)
{
	for (size_t i = 0; i < k->n; i++) {
		if (!secret_equal(secret_peek(k->entries[i]), MSG_KEY_ID_LEN,
			id, MSG_KEY_ID_LEN))
			continue;
		secret_free(k->entries[i]);
		k->n--;
		memmove(&k->entries[i], &k->entries[i + 1],
		    (k->n - i) * sizeof(k->entries[0]));
		return;
	}
}

int
keyring_add(struct keyring *k, const struct secret *signing_key)
{
	struct secret *entry = secret_new(ENTRY_LEN);
	uint8_t *p = secret_bytes(entry);

	if (derive(signing_key, "doorward key id v1", p, MSG_KEY_ID_LEN) < 0 ||
	    derive(signing_key, "doorward session seal v1", p + MSG_KEY_ID_LEN,
		KEY_LEN) < 0 ||
	    derive(signing_key, "doorward session screen v1",
		p + MSG_KEY_ID_LEN + KEY_LEN, KEY_LEN) < 0) {
		secret_free(entry);
		return ERR_CRYPTO;
	}
	secret_set_len(entry, ENTRY_LEN);
	remove_same(k, p);
	if (k->n == KEYRING_MAX)
		secret_free(k->entries[--k->n]);
	memmove(&k->entries[1], &k->entries[0], k->n * sizeof(k->entries[0]));
	k->entries[0] = entry;
	k->n++;
	return 0;
}

size_t
keyring_count(const struct keyring *k)
{
	return k->n;
}

void
keyring_put(const struct keyring *k, struct wire_writer *w)
{
	wire_put_u8(w, (uint8_t)k->n);
	for (size_t i = 0; i < k->n; i++)
		wire_put_raw(w, secret_peek(k->entries[i]), ENTRY_LEN);
}
