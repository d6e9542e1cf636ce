/*
 * Keys and certificates made on the spot, and a loop with a time limit, for the
 * tests of TLS connections.
 */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct event_base;

struct tls_fixture {
	EVP_PKEY *key;
	X509 *cert; /* self-signed, for localhost and 127.0.0.1 */
	char *chain_pem, *key_pem;
};

/* kind: "P-256", "P-384", "RSA-2048", ... */
void tls_fixture_make(struct tls_fixture *f, const char *kind);
/* The same for other names: "DNS:*.example.org,DNS:example.org". */
void tls_fixture_make_for(
    struct tls_fixture *f, const char *kind, const char *names);
void tls_fixture_drop(struct tls_fixture *f);
/* A server's context with the key in this process. */
SSL_CTX *tls_fixture_server(const struct tls_fixture *f, int version);
/* A client's context that trusts the certificate. */
SSL_CTX *tls_fixture_client(const struct tls_fixture *f, int version);
/* Runs the loop until *done or ms have passed; returns *done. */
bool tls_fixture_run(struct event_base *base, const bool *done, int ms);

#endif
