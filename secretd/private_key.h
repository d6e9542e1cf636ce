/*
 * A private key, and for TLS the check that it belongs to its certificate. Only
 * the signer parses keys. RSA of 2048 to 4096 bits, EC on P-256 or P-384; for
 * client assertions also Ed25519.
 */
#ifndef SECRETD_PRIVATE_KEY_H
#define SECRETD_PRIVATE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"
#include "secretd/sign_check.h"

struct private_key;

/* Parses key and certificate chain (PEM, leaf first). SIGNER_READY with *out,
 * else what is wrong, and a sentence for a person in *why (static text). */
enum signer_state private_key_load(struct slice key_pem, struct slice chain_pem,
    struct private_key **out, const char **why)
    __attribute__((warn_unused_result));
/* The same without a certificate, for client assertions. */
enum signer_state private_key_load_bare(
    struct slice key_pem, struct private_key **out, const char **why)
    __attribute__((warn_unused_result));
/* Of the certificate, for people. */
struct leaf_facts {
	char names[MSG_NAMES_MAX + 1]; /* "a, b": of the extension, else the
					  common name; maybe cut */
	int64_t until_s;	       /* unix s; 0: not to be read */
};
const struct leaf_facts *private_key_leaf(const struct private_key *k);
void private_key_free(struct private_key *k); /* wipes; NULL allowed */
enum key_kind private_key_kind(const struct private_key *k);
struct evp_pkey_st *private_key_pkey(const struct private_key *k);
/* Signs. *len: capacity of sig on entry, length on success. 0, ERR_LIMIT or
 * ERR_CRYPTO. The caller has checked the structure with sign_check. */
int private_key_sign(const struct private_key *k,
    const struct sign_scheme *scheme, struct slice structure, uint8_t *sig,
    size_t *len) __attribute__((warn_unused_result));

#endif
