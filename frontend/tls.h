/*
 * What a worker presents to TLS clients: the certificates that secretd sends,
 * the keys that its signers hold, and the ticket keys that all workers share. A
 * client gets the first certificate that has the name it asks for, else the
 * first of all. Follows changes; connections keep what they began with.
 */
#ifndef FRONTEND_TLS_H
#define FRONTEND_TLS_H

#include <stddef.h>
#include <stdint.h>

struct chan;
struct event_base;
struct settings;
struct ssl_ctx_st;
struct tls;

/* Before the sandbox; fatal when deployment.tls_config allows nothing. secretd
 * is borrowed and must live longer; the answers come from the loop. until_s
 * (NULL allowed) gets the earliest end of the certificates in use. */
struct tls *tls_new(struct event_base *base, const struct settings *settings,
    struct chan *secretd, _Atomic int64_t *until_s);
/* After the last TLS connection has been freed. NULL allowed. */
void tls_free(struct tls *t);
/* secretd says that this certificate is another. */
void tls_changed(struct tls *t, unsigned number);
/* For conn_tls_server; borrowed. NULL until every certificate is there
 * (conn_tls_server then fails the connection). */
struct ssl_ctx_st *tls_ctx(struct tls *t);

struct tls_status {
	size_t identities; /* certificates that are there */
	size_t signers;	   /* and signers that can be asked */
	size_t jobs;	   /* signatures under way */
	size_t ticket_keys;
};
void tls_status(const struct tls *t, struct tls_status *out);

#endif
