/*
 * The built-in OpenSSL provider for keys whose private half is in another
 * process. Only tls_key.c uses it.
 */
#ifndef COMMON_TLS_PROVIDER_H
#define COMMON_TLS_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

struct tls_key;

struct tls_to_sign {
	uint16_t scheme; /* TLS SignatureScheme (RFC 8446 4.2.3) */
	const void *bytes;
	size_t len;
};

/* 0 or ERR_CRYPTO. Loads the default provider as well. */
int tls_provider_load(void) __attribute__((warn_unused_result));
void tls_provider_unload(void);
/* NULL when OpenSSL refuses. The EVP_PKEY holds a reference to the key. */
EVP_PKEY *tls_provider_pkey(struct tls_key *k);

/* What the provider needs of a key; in tls_key.c. */
struct tls_key *tls_key_ref(struct tls_key *k);
void tls_key_unref(struct tls_key *k);
EVP_PKEY *tls_key_public(const struct tls_key *k);
/* Pauses the async job until the signer has answered. 0, ERR_LIMIT or
 * ERR_UNAVAILABLE. */
int tls_key_make_signature(struct tls_key *k, const struct tls_to_sign *what,
    uint8_t *sig, size_t cap, size_t *len) __attribute__((warn_unused_result));

#endif
