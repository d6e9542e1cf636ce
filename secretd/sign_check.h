/*
 * What the signer may sign, to the last byte, and nothing else:
 *   TLS 1.3 (RFC 8446 4.4.3): 64 x 0x20, "TLS 1.3, server CertificateVerify" or
 *     "TLS 1.3, client CertificateVerify" as the key's purpose is, 0, a
 *     transcript hash of 32 or 48 bytes
 *   TLS 1.2 (RFC 8422 5.4), if allowed, and never as a client: client random,
 *     server random, ServerECDHParams with a named curve and a point of its
 *     exact form
 * No certificate, token or other message has either form, so a taken-over peer
 * gets signatures for handshakes of its own side and for nothing else. What a
 * TLS 1.2 client signs is a digest of everything before it: nothing about it
 * could be checked here. A key for client assertions signs nothing here.
 * Pure: no key, no state.
 */
#ifndef SECRETD_SIGN_CHECK_H
#define SECRETD_SIGN_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"

/* The last one signs client assertions alone. */
enum key_kind { KEY_P256, KEY_P384, KEY_RSA, KEY_ED25519 };

/* How a TLS SignatureScheme (RFC 8446 4.2.3) signs. */
struct sign_scheme {
	uint16_t id;
	const char *digest; /* OpenSSL's name */
	bool pss;
	unsigned tls13, tls12; /* masks of 1 << enum key_kind */
};

/* What a key is for. */
struct sign_use {
	enum signer_purpose purpose;
	bool tls12; /* as a server also TLS 1.2 */
};

/* The scheme, if a key of that kind and use may sign the structure with it;
 * else NULL with the reason in *why (static text). */
const struct sign_scheme *sign_check(enum key_kind kind, struct sign_use use,
    uint16_t scheme, struct slice structure, const char **why)
    __attribute__((warn_unused_result));

#endif
