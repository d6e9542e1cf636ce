/*
 * From deployment.tls_config to what OpenSSL is told: versions, suites, groups
 * and the signature schemes of a key. Only ECDHE with AEAD suites exist here.
 */
#ifndef FRONTEND_TLS_POLICY_H
#define FRONTEND_TLS_POLICY_H

#include <openssl/types.h>

struct settings;

struct tls_policy {
	int min, max; /* TLS1_2_VERSION, TLS1_3_VERSION */
	char suites13[256], suites12[512], groups[128]; /* OpenSSL's lists */
};

/* Names may be IANA's or OpenSSL's. What is unknown or too weak is left out
 * with a warning in the log. ERR_CONFIG, logged, when nothing of a list is
 * left or the versions contradict each other. */
int tls_policy_read(struct tls_policy *p, const struct settings *s)
    __attribute__((warn_unused_result));
/* 0; ERR_CRYPTO: OpenSSL refuses; ERR_CONFIG: a kind of key that is not
 * supported (EC on P-256 or P-384, RSA of 2048 to 4096 bits). */
int tls_policy_apply(const struct tls_policy *p, SSL_CTX *ctx,
    const EVP_PKEY *key) __attribute__((warn_unused_result));

#endif
