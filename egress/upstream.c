/* See upstream.h. */
#include "egress/upstream.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "common/conn.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "common/settings.h"
#include "egress/identity.h"

#define IDLE_MAX 64
#define IDLE_MS 10000 /* shorter than what servers keep: few stale ones */
#define CONNECT_MS 5000

struct idle {
	TAILQ_ENTRY(idle) entry;
	struct upstream *owner;
	struct conn *conn;
};

struct upstream_wait {
	struct upstream *owner;
	struct resolve_query *query;
	struct conn *conn;
	struct resolve_address at[RESOLVE_MAX];
	size_t n, next;
	int err;
	upstream_fn *done;
	void *arg;
};

struct upstream {
	struct event_base *base;
	struct resolve *resolve;
	struct upstream_spec spec;
	SSL_CTX *tls;
	struct identity *identity; /* NULL: no client certificate */
	void (*identity_ready)(void *arg);
	void *identity_arg;
	struct log_rate rate;
	size_t n_idle;
	TAILQ_HEAD(idle_list, idle) idle; /* most recently used first */
};

/* --- idle connections --- */

static void
idle_remove(struct idle *i)
{
	TAILQ_REMOVE(&i->owner->idle, i, entry);
	i->owner->n_idle--;
	free(i);
}

static void
idle_drop(struct idle *i)
{
	conn_free(i->conn);
	idle_remove(i);
}

static void
idle_readable(struct conn *c, void *arg)
{
	(void)c;
	idle_drop(arg); /* nobody asked: not to be trusted */
}

static void
idle_failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)c;
	(void)why;
	idle_drop(arg);
}

static const struct conn_ops idle_ops = {
	.readable = idle_readable,
	.ended = idle_readable,
	.failed = idle_failed,
};

struct conn *
upstream_idle(struct upstream *u)
{
	struct idle *i = TAILQ_FIRST(&u->idle);
	struct conn *c;

	if (i == NULL)
		return NULL;
	c = i->conn;
	conn_deadline(c, 0);
	idle_remove(i);
	return c;
}

void
upstream_put(struct upstream *u, struct conn *c)
{
	struct idle *i = mem_new(sizeof(*i));

	*i = (struct idle){ .owner = u, .conn = c };
	conn_set_owner(c, &idle_ops, i);
	conn_read_resume(c);
	conn_deadline(c, IDLE_MS);
	TAILQ_INSERT_HEAD(&u->idle, i, entry);
	if (++u->n_idle > IDLE_MAX)
		idle_drop(TAILQ_LAST(&u->idle, idle_list));
}

size_t
upstream_idle_count(const struct upstream *u)
{
	return u->n_idle;
}

/* --- connecting --- */

static void wait_next(struct upstream_wait *w);

static void
wait_done(struct upstream_wait *w, int err, struct conn *c)
{
	upstream_fn *done = w->done;
	void *arg = w->arg;

	free(w);
	done(err, c, arg);
}

static void
wait_connected(struct conn *c, void *arg)
{
	wait_done(arg, 0, c);
}

static void
wait_readable(struct conn *c, void *arg)
{
	(void)c;
	(void)arg; /* stays in the input for the new owner */
}

static void
wait_failed(struct conn *c, enum conn_failure why, void *arg)
{
	struct upstream_wait *w = arg;

	w->err = why == CONN_DEADLINE ? ERR_TIMEOUT : ERR_UNAVAILABLE;
	if (why == CONN_TLS)
		log_limited(&w->owner->rate, 10000, LOG_LEVEL_ERROR,
		    "%s: TLS to %.100s failed: %.200s; check %s and the "
		    "server's certificate%s",
		    w->owner->spec.name, w->owner->spec.at->host,
		    conn_tls_error(c), w->owner->spec.ca_key,
		    w->owner->identity != NULL
			? ", and that it speaks TLS 1.3: with a client "
			  "certificate there is no older version"
			: "");
	conn_free(c);
	w->conn = NULL;
	wait_next(w);
}

static const struct conn_ops wait_ops = {
	.connected = wait_connected,
	.readable = wait_readable,
	.ended = wait_readable,
	.failed = wait_failed,
};

static void
wait_next(struct upstream_wait *w)
{
	const struct resolve_address *to;

	if (upstream_lacks_identity(w->owner)) {
		log_limited(&w->owner->rate, 10000, LOG_LEVEL_ERROR,
		    "%s: not connected: its client certificate has not come "
		    "from secretd",
		    w->owner->spec.name);
		wait_done(w, ERR_UNAVAILABLE, NULL);
		return;
	}
	if (w->next == w->n) {
		log_limited(&w->owner->rate, 10000, LOG_LEVEL_WARN,
		    "%s: no connection to %.100s port %u: %s",
		    w->owner->spec.name, w->owner->spec.at->host,
		    (unsigned)w->owner->spec.at->port, err_text(w->err));
		wait_done(w, w->err, NULL);
		return;
	}
	to = &w->at[w->next++];
	w->conn =
	    conn_connect(w->owner->base, (const struct sockaddr *)&to->address,
		to->len, CONNECT_MS, &wait_ops, w);
	if (w->owner->tls == NULL)
		return;
	conn_tls_client(w->conn, w->owner->tls, w->owner->spec.at->host);
	if (w->owner->spec.insecure)
		conn_tls_unverified(w->conn);
}

static void
wait_resolved(int err, const struct resolve_address *at, size_t n, void *arg)
{
	struct upstream_wait *w = arg;

	w->query = NULL;
	w->err = err == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE;
	for (w->n = 0; err == 0 && w->n < n; w->n++)
		w->at[w->n] = at[w->n];
	wait_next(w);
}

struct upstream_wait *
upstream_connect(struct upstream *u, upstream_fn *done, void *arg)
{
	struct upstream_wait *w = mem_new(sizeof(*w));

	*w = (struct upstream_wait){ .owner = u, .done = done, .arg = arg };
	w->query = resolve_host(
	    u->resolve, u->spec.at->host, u->spec.at->port, wait_resolved, w);
	return w;
}

void
upstream_cancel(struct upstream_wait *w)
{
	if (w == NULL)
		return;
	if (w->query != NULL)
		resolve_cancel(w->query);
	conn_free(w->conn);
	free(w);
}

/* --- the whole --- */

static SSL_CTX *
tls_new(const char *name)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) != 0)
		log_fatal("%s: no TLS context", name);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	/* Answers of token endpoints are credentials. */
	SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
	return ctx;
}

struct upstream *
upstream_new(struct event_base *base, struct resolve *resolve,
    const struct upstream_spec *spec)
{
	struct upstream *u = mem_new(sizeof(*u));

	*u = (struct upstream){
		.base = base, .resolve = resolve, .spec = *spec
	};
	TAILQ_INIT(&u->idle);
	if (spec->at->tls)
		u->tls = tls_new(spec->name);
	return u;
}

static void
drop_idle(struct upstream *u)
{
	while (u->n_idle > 0)
		idle_drop(TAILQ_FIRST(&u->idle));
}

void
upstream_trust(struct upstream *u, X509_STORE *store)
{
	if (u->tls == NULL)
		return;
	SSL_CTX_set1_cert_store(u->tls, store);
	drop_idle(u);
}

static void
identity_changed(void *arg)
{
	struct upstream *u = arg;

	drop_idle(u);
	if (u->identity_ready != NULL)
		u->identity_ready(u->identity_arg);
}

void
upstream_set_identity(
    struct upstream *u, unsigned service, void (*ready)(void *arg), void *arg)
{
	if (u->tls == NULL)
		return;
	u->identity_ready = ready;
	u->identity_arg = arg;
	u->identity =
	    identity_new(u->base, u->spec.name, service, identity_changed, u);
	identity_use(u->identity, u->tls);
}

void
upstream_ask_identity(struct upstream *u, struct chan *secretd)
{
	if (u->identity != NULL)
		identity_ask(u->identity, secretd);
}

bool
upstream_lacks_identity(const struct upstream *u)
{
	return u->identity != NULL && !identity_is_there(u->identity);
}

const struct url *
upstream_url(const struct upstream *u)
{
	return u->spec.at;
}
