/* See toy_provider.h. */
#include "tests/unit/toy_provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/b64url.h"
#include "common/mem.h"

static const char private_key[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

static EVP_PKEY *
key_new(void)
{
	uint8_t raw[32];
	size_t n;
	EVP_PKEY *key = NULL;

	if (b64url_decode(
		raw, sizeof(raw), &n, private_key, strlen(private_key)) == 0)
		key = EVP_PKEY_new_raw_private_key_ex(
		    NULL, "ED25519", NULL, raw, n);
	return key;
}

char *
toy_provider_sign(struct slice header, struct slice claims)
{
	static EVP_PKEY *key;
	size_t head = B64URL_LEN(header.len), body = B64URL_LEN(claims.len);
	char *token = mem_new(head + body + B64URL_LEN(64) + 3);
	uint8_t signature[64];
	size_t len = sizeof(signature);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (key == NULL)
		key = key_new();
	b64url_encode(token, header.p, header.len);
	token[head] = '.';
	b64url_encode(token + head + 1, claims.p, claims.len);
	if (md == NULL ||
	    EVP_DigestSignInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
	    EVP_DigestSign(md, signature, &len, (const uint8_t *)token,
		head + 1 + body) != 1) {
		fprintf(stderr, "Ed25519 is not available\n");
		abort();
	}
	EVP_MD_CTX_free(md);
	token[head + 1 + body] = '.';
	b64url_encode(token + head + 1 + body + 1, signature, len);
	return token;
}
