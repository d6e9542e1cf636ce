/*
 * An upstream server: its addresses, its idle connections, its TLS context
 * (which CAs it trusts: trust.h). Connections are kept for a few seconds after
 * use; one that shows any sign of life while idle is dropped.
 */
#ifndef EGRESS_UPSTREAM_H
#define EGRESS_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>

struct chan;
struct event_base;
struct resolve;
struct conn;
struct url;
struct x509_store_st;
struct upstream;
struct upstream_wait;

struct upstream_spec {	  /* everything is borrowed for good */
	const char *name; /* in messages: "console", "prometheus" */
	const struct url *at;
	const char *ca_key; /* the setting that names its CAs, for messages */
	bool insecure;	    /* https with whatever certificate */
};

/* Before the sandbox. https needs upstream_trust first: until then no server
 * is good enough, unless it is insecure. */
struct upstream *upstream_new(struct event_base *base, struct resolve *resolve,
    const struct upstream_spec *spec);
/* From now on servers are checked with this store (a reference is kept); idle
 * connections are dropped. Nothing for http. */
void upstream_trust(struct upstream *u, struct x509_store_st *store);
/* Before the sandbox: from now on this upstream is spoken to with the client
 * certificate of service (an enum service_id), by TLS 1.3, and not at all until
 * it is there. ready (NULL allowed) is called from the loop when it has come.
 * Nothing for http. */
void upstream_set_identity(
    struct upstream *u, unsigned service, void (*ready)(void *arg), void *arg);
/* Asks secretd for the certificate, at first and when it has changed; idle
 * connections made with the one before are dropped when it comes. Nothing
 * without upstream_set_identity. */
void upstream_ask_identity(struct upstream *u, struct chan *secretd);
/* A client certificate is wanted and has not come yet. */
bool upstream_lacks_identity(const struct upstream *u);
const struct url *upstream_url(const struct upstream *u);

/* An idle connection, now the caller's (conn_set_owner), or NULL. */
struct conn *upstream_idle(struct upstream *u);

/* c: connected, TLS included, the caller's; or NULL, and err says why:
 * ERR_UNAVAILABLE (refused, no such name, TLS not acceptable), ERR_TIMEOUT. */
typedef void upstream_fn(int err, struct conn *c, void *arg);
/* Connects anew, trying every address. done is called later, exactly once. */
struct upstream_wait *upstream_connect(
    struct upstream *u, upstream_fn *done, void *arg);
void upstream_cancel(struct upstream_wait *w);

/* Gives a connection back whose last response was complete and kept alive. */
void upstream_put(struct upstream *u, struct conn *c);
size_t upstream_idle_count(const struct upstream *u);

#endif
