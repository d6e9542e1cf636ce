/*
 * What a worker presents to TLS clients: the certificate that secretd sends,
 * the key that its signer holds, and the ticket keys that all workers share.
 * Follows changes by itself; connections keep the context that they began with.
 */
#ifndef FRONTEND_TLS_H
#define FRONTEND_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chan;
struct event_base;
struct settings;
struct ssl_ctx_st;
struct tls;

/* Before the sandbox; fatal when deployment.tls_config allows nothing. secretd
 * is borrowed and must live longer; the answers come from the loop. until_s
 * (NULL allowed) gets the end of each certificate that comes into use. */
struct tls *tls_new(struct event_base *base, const struct settings *settings,
    struct chan *secretd, _Atomic int64_t *until_s);
/* After the last TLS connection has been freed. NULL allowed. */
void tls_free(struct tls *t);
/* For conn_tls_server; borrowed. NULL until the first identity is there
 * (conn_tls_server then fails the connection). */
struct ssl_ctx_st *tls_ctx(struct tls *t);

struct tls_status {
	bool identity;	   /* there is a certificate */
	bool signer;	   /* its signer can be asked */
	char name[128];	   /* the certificate's subject */
	int64_t not_after; /* unix s; 0: unknown */
	size_t jobs;	   /* signatures under way */
	size_t ticket_keys;
};
void tls_status(const struct tls *t, struct tls_status *out);

#endif
