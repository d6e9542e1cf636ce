/*
 * A worker's certificates together: which one a client gets, and the ticket
 * keys that serve all of them. Holds no private key.
 */
#include "frontend/tls.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/tls_key.h"
#include "frontend/tls_identity.h"
#include "frontend/tls_tickets.h"

#define ASK_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define TICKETS_AGAIN_MAX_S 86400

struct tls {
	struct tls_common common;
	struct tls_identity **at; /* the first is for who names no other */
	size_t n;
	struct event ask; /* for ticket keys */
	uint64_t request; /* 0: none under way */
	uint32_t backoff_ms;
	_Atomic int64_t *until_s;
};

/* --- which certificate --- */

static const struct tls_identity *
choose(const struct tls *t, const char *host)
{
	static bool (*const covers[])(
	    const struct tls_names *names, const char *host) = {
		tls_names_exact,
		tls_names_wildcard,
	};

	for (size_t how = 0; host != NULL && how < 2; how++)
		for (size_t i = 0; i < t->n; i++)
			if (covers[how](tls_identity_names(t->at[i]), host))
				return t->at[i];
	return t->at[0];
}

/* Called for every ClientHello, with a name or without. The connection may have
 * been accepted under a certificate that has been replaced since. */
static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = tls_identity_ctx(choose(arg, host));

	if (ctx != SSL_get_SSL_CTX(ssl) && SSL_set_SSL_CTX(ssl, ctx) == NULL) {
		*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return host != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* The first end of any counts. */
static void
on_changed(void *arg)
{
	const struct tls *t = arg;
	int64_t first = 0;

	for (size_t i = 0; i < t->n; i++) {
		int64_t until = tls_identity_until(t->at[i]);

		if (until != 0 && (first == 0 || until < first))
			first = until;
	}
	if (t->until_s != NULL)
		*t->until_s = first;
}

void
tls_changed(struct tls *t, unsigned number)
{
	if (number < t->n)
		tls_identity_ask(t->at[number]);
}

/* --- ticket keys --- */

static void
ask_after(struct tls *t, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (ms % 1000) * 1000 };
	event_add(&t->ask, &tv);
}

static void
on_ticket_keys(int err, struct chan_in *reply, void *arg)
{
	struct tls *t = arg;
	uint32_t again_s = 0;

	t->request = 0;
	if (err == 0)
		err =
		    tls_tickets_take(t->common.tickets, &reply->body, &again_s);
	if (err != 0) {
		ask_after(t, t->backoff_ms);
		t->backoff_ms *= 2;
		if (t->backoff_ms > BACKOFF_MAX_MS)
			t->backoff_ms = BACKOFF_MAX_MS;
		return;
	}
	t->backoff_ms = BACKOFF_MIN_MS;
	if (again_s < 1)
		again_s = 1;
	if (again_s > TICKETS_AGAIN_MAX_S)
		again_s = TICKETS_AGAIN_MAX_S;
	ask_after(t, again_s * 1000);
}

static void
ask_ticket_keys(evutil_socket_t fd, short what, void *arg)
{
	struct tls *t = arg;
	(void)fd;
	(void)what;
	if (t->request == 0)
		t->request = chan_request(t->common.secretd, MSG_TICKET_KEYS,
		    NULL, -1, ASK_MS, on_ticket_keys, t);
}

/* --- life --- */

struct tls *
tls_new(struct event_base *base, const struct settings *settings,
    struct chan *secretd, _Atomic int64_t *until_s)
{
	struct tls *t = mem_new(sizeof(*t));

	/* Everything that OpenSSL would open a file for, now or never. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG |
		    OPENSSL_INIT_LOAD_SSL_STRINGS |
		    OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		NULL) != 1)
		log_fatal("OpenSSL cannot be set up");
	tls_key_setup();
	t->common = (struct tls_common){ .base = base,
		.secretd = secretd,
		.tickets = tls_tickets_new(),
		.server_name = on_server_name,
		.changed = on_changed,
		.arg = t };
	if (tls_policy_read(&t->common.policy, settings) != 0)
		log_fatal("deployment.tls_config leaves nothing to serve");
	t->until_s = until_s;
	t->backoff_ms = BACKOFF_MIN_MS;
	t->n = settings->n_certificates;
	t->at = mem_grow(NULL, 0, t->n, sizeof(*t->at));
	for (size_t i = 0; i < t->n; i++)
		t->at[i] = tls_identity_new(&t->common, (unsigned)i);
	event_assign(&t->ask, base, -1, 0, ask_ticket_keys, t);
	ask_ticket_keys(-1, 0, t);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	chan_cancel(t->common.secretd, t->request);
	event_del(&t->ask);
	for (size_t i = 0; i < t->n; i++)
		tls_identity_free(t->at[i]);
	free(t->at);
	tls_tickets_free(t->common.tickets);
	tls_key_done();
	free(t);
}

SSL_CTX *
tls_ctx(struct tls *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (tls_identity_ctx(t->at[i]) == NULL)
			return NULL;
	return tls_identity_ctx(t->at[0]);
}

void
tls_status(const struct tls *t, struct tls_status *out)
{
	memset(out, 0, sizeof(*out));
	out->jobs = tls_key_jobs();
	out->ticket_keys = tls_tickets_count(t->common.tickets);
	for (size_t i = 0; i < t->n; i++) {
		out->identities += tls_identity_ctx(t->at[i]) != NULL;
		out->signers += tls_identity_is_live(t->at[i]);
	}
}
