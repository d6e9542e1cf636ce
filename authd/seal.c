/* AES-256-GCM around a session's content; see seal.h. */
#include "authd/seal.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/err.h"
#include "common/log.h"
#include "common/secret.h"

#define NONCE_LEN 12
#define TAG_LEN 16
#define AAD_LEN (MSG_HANDLE_LEN + MSG_KEY_ID_LEN)

_Static_assert(SEAL_OVERHEAD == NONCE_LEN + TAG_LEN, "layout");

static void
aad_make(uint8_t aad[AAD_LEN], const struct session_key *key,
    const uint8_t handle[MSG_HANDLE_LEN])
{
	memcpy(aad, handle, MSG_HANDLE_LEN);
	memcpy(aad + MSG_HANDLE_LEN, key->id, MSG_KEY_ID_LEN);
}

void
seal_close(uint8_t *dst, const struct session_key *key,
    const uint8_t handle[MSG_HANDLE_LEN], const void *plain, size_t len)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t aad[AAD_LEN];
	int n = 0;

	aad_make(aad, key, handle);
	secret_random(dst, NONCE_LEN);
	if (c == NULL || len > INT_MAX ||
	    EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key->seal, dst, NULL) !=
		1 ||
	    EVP_EncryptUpdate(c, NULL, &n, aad, AAD_LEN) != 1 ||
	    EVP_EncryptUpdate(c, dst + NONCE_LEN, &n, plain, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(c, dst + NONCE_LEN + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		c, EVP_CTRL_GCM_GET_TAG, TAG_LEN, dst + NONCE_LEN + len) != 1)
		log_fatal("AES-256-GCM is not available");
	EVP_CIPHER_CTX_free(c);
}

int
seal_open(uint8_t *dst, size_t cap, size_t *n_out,
    const struct session_key *key, const uint8_t handle[MSG_HANDLE_LEN],
    const void *sealed, size_t len)
{
	const uint8_t *p = sealed;
	uint8_t aad[AAD_LEN], tag[TAG_LEN];
	EVP_CIPHER_CTX *c = NULL;
	int n = 0, r = ERR_CRYPTO;

	if (len < SEAL_OVERHEAD || len > INT_MAX)
		return r;
	len -= SEAL_OVERHEAD;
	if (len > cap)
		return ERR_LIMIT;
	aad_make(aad, key, handle);
	memcpy(tag, p + NONCE_LEN + len, TAG_LEN);
	c = EVP_CIPHER_CTX_new();
	if (c != NULL &&
	    EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key->seal, p, NULL) ==
		1 &&
	    EVP_DecryptUpdate(c, NULL, &n, aad, AAD_LEN) == 1 &&
	    EVP_DecryptUpdate(c, dst, &n, p + NONCE_LEN, (int)len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
	    EVP_DecryptFinal_ex(c, dst + len, &n) == 1)
		r = 0;
	EVP_CIPHER_CTX_free(c);
	if (r == 0) {
		*n_out = len;
	} else {
		secret_wipe(dst, len);
		ERR_clear_error();
	}
	return r;
}
