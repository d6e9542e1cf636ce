/*
 * Asks secretd for the TLS identity and the ticket keys, builds contexts from
 * them and swaps them. Holds no private key; a bad identity changes nothing.
 */
#include "frontend/tls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/tls_key.h"
#include "common/tls_provider.h"
#include "frontend/tls_policy.h"
#include "frontend/tls_tickets.h"

#define ASK_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define TICKETS_AGAIN_MAX_S 86400
#define CHAIN_DEPTH_MAX 10

struct asking {
	struct event event;
	uint64_t request; /* 0: none under way */
	uint32_t backoff_ms;
};

struct tls {
	struct event_base *base;
	struct chan *secretd;
	struct tls_policy policy;
	struct tls_tickets *tickets;
	struct tls_key *key;
	SSL_CTX *ctx;
	struct asking identity, ticket_keys;
	_Atomic int64_t *until_s;
};

static void
ask_after(struct asking *a, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (ms % 1000) * 1000 };
	event_add(&a->event, &tv);
}

static void
ask_again(struct asking *a)
{
	ask_after(a, a->backoff_ms);
	a->backoff_ms *= 2;
	if (a->backoff_ms > BACKOFF_MAX_MS)
		a->backoff_ms = BACKOFF_MAX_MS;
}

/* --- the certificate --- */

static void
log_openssl(const char *what)
{
	unsigned long error = ERR_peek_error();
	const char *text = ERR_reason_error_string(error);
	log_error("TLS: %s%s%s", what, text != NULL ? ": " : "",
	    text != NULL ? text : "");
	ERR_clear_error();
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char http11[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl;
	(void)arg;
	/* A client that asks for other protocols only is told so (RFC 7301). */
	if (SSL_select_next_proto(&chosen, out_len, http11, sizeof(http11) - 1,
		in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
new_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* The chain is what the file holds; none is put together. */
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	return ctx;
}

/* Leaf first, then what leads to its root. */
static int
use_chain(SSL_CTX *ctx, struct slice pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *leaf = b != NULL ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
	int r = leaf != NULL && SSL_CTX_use_certificate(ctx, leaf) == 1
	    ? 0
	    : ERR_CRYPTO;
	X509_free(leaf);
	for (int i = 0; r == 0 && i < CHAIN_DEPTH_MAX; i++) {
		X509 *next = PEM_read_bio_X509(b, NULL, NULL, NULL);
		if (next == NULL)
			break;
		if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
			X509_free(next);
			r = ERR_CRYPTO;
		}
	}
	if (r == 0)
		ERR_clear_error(); /* the end of the text is no failure */
	BIO_free(b);
	return r;
}

static void on_signer_lost(void *arg);

/* The key that the signer at fd has. Where it is the one in use, handshakes
 * that wait for a signature go on with this signer. */
static struct tls_key *
key_of_signer(struct tls *t, EVP_PKEY *public_key, int fd)
{
	if (t->key == NULL ||
	    EVP_PKEY_eq(tls_key_public(t->key), public_key) != 1)
		return tls_key_new(
		    t->base, ROLE_FRONTEND, public_key, fd, on_signer_lost, t);
	tls_key_attach(t->key, fd);
	return t->key;
}

/* The context's key: ours is taken only when it fits the certificate. */
static int
use_remote_key(struct tls *t, SSL_CTX *ctx, int fd, struct tls_key **out)
{
	EVP_PKEY *public_key = X509_get0_pubkey(SSL_CTX_get0_certificate(ctx));
	int r = tls_policy_apply(&t->policy, ctx, public_key);

	if (r != 0) {
		close(fd);
		return r;
	}
	struct tls_key *key = key_of_signer(t, public_key, fd);
	EVP_PKEY *pkey = tls_key_pkey(key);
	if (pkey == NULL || SSL_CTX_use_PrivateKey(ctx, pkey) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		if (key != t->key)
			tls_key_drop(key);
		key = NULL;
		r = ERR_CRYPTO;
	}
	EVP_PKEY_free(pkey);
	*out = key;
	return r;
}

/* Takes fd. 0 and the new context is in use, or an error and all is as it
 * was. */
static int
use_identity(struct tls *t, struct slice chain, int fd)
{
	struct tls_key *key = NULL;
	SSL_CTX *ctx = new_ctx();
	int r = ctx != NULL ? use_chain(ctx, chain) : ERR_CRYPTO;

	if (r == 0)
		r = tls_tickets_apply(t->tickets, ctx);
	if (r != 0)
		close(fd);
	else
		r = use_remote_key(t, ctx, fd, &key);
	if (r != 0) {
		log_openssl(r == ERR_CONFIG
			? "the certificate's key is not EC on P-256 or P-384, "
			  "nor RSA of 2048 to 4096 bits"
			: "the certificate cannot be used");
		SSL_CTX_free(ctx);
		return r;
	}
	SSL_CTX_free(t->ctx);
	if (key != t->key)
		tls_key_drop(t->key);
	t->ctx = ctx;
	t->key = key;
	return 0;
}

/* --- asking --- */

static void
tell_identity(const struct tls *t)
{
	struct tls_status s;
	char until[CLOCK_RFC3339_LEN + 1];

	tls_status(t, &s);
	if (t->until_s != NULL)
		*t->until_s = s.not_after;
	clock_rfc3339(until, s.not_after);
	log_info("TLS: serving the certificate of %.100s, good until %s",
	    s.name, until);
}

static void
on_identity(int err, struct chan_in *reply, void *arg)
{
	static struct log_rate rate;
	struct tls *t = arg;

	t->identity.request = 0;
	if (err == 0 && reply->type == MSG_TLS_IDENTITY_RESULT) {
		(void)wire_get_u16(&reply->body);
		struct slice chain =
		    wire_get_bytes(&reply->body, MSG_CHAIN_MAX);
		int fd = reply->fd;
		reply->fd = -1;
		err = wire_end(&reply->body);
		if (err != 0)
			close(fd);
		else
			err = use_identity(t, chain, fd);
	} else if (err == 0) {
		err = ERR_UNAVAILABLE;
	}
	if (err != 0) {
		log_limited(&rate, 60000, LOG_LEVEL_WARN,
		    "TLS: no certificate from secretd (%s); asking again",
		    err_text(err));
		ask_again(&t->identity);
		return;
	}
	t->identity.backoff_ms = BACKOFF_MIN_MS;
	tell_identity(t);
}

static void
ask_identity(evutil_socket_t fd, short what, void *arg)
{
	struct tls *t = arg;
	uint8_t payload[2];
	struct wire_writer w;
	(void)fd;
	(void)what;
	if (t->identity.request != 0)
		return;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, 0);
	t->identity.request = chan_request(
	    t->secretd, MSG_TLS_IDENTITY, &w, -1, ASK_MS, on_identity, t);
}

static void
on_signer_lost(void *arg)
{
	struct tls *t = arg;
	log_warn("TLS: the signer is gone; asking for the certificate anew");
	ask_again(&t->identity);
}

static void
on_ticket_keys(int err, struct chan_in *reply, void *arg)
{
	struct tls *t = arg;
	uint32_t again_s = 0;

	t->ticket_keys.request = 0;
	if (err == 0)
		err = tls_tickets_take(t->tickets, &reply->body, &again_s);
	if (err != 0) {
		ask_again(&t->ticket_keys);
		return;
	}
	t->ticket_keys.backoff_ms = BACKOFF_MIN_MS;
	if (again_s < 1)
		again_s = 1;
	if (again_s > TICKETS_AGAIN_MAX_S)
		again_s = TICKETS_AGAIN_MAX_S;
	ask_after(&t->ticket_keys, again_s * 1000);
}

static void
ask_ticket_keys(evutil_socket_t fd, short what, void *arg)
{
	struct tls *t = arg;
	(void)fd;
	(void)what;
	if (t->ticket_keys.request == 0)
		t->ticket_keys.request = chan_request(t->secretd,
		    MSG_TICKET_KEYS, NULL, -1, ASK_MS, on_ticket_keys, t);
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
	if (tls_policy_read(&t->policy, settings) != 0)
		log_fatal("deployment.tls_config leaves nothing to serve");
	t->base = base;
	t->secretd = secretd;
	t->until_s = until_s;
	t->tickets = tls_tickets_new();
	t->identity.backoff_ms = t->ticket_keys.backoff_ms = BACKOFF_MIN_MS;
	event_assign(&t->identity.event, base, -1, 0, ask_identity, t);
	event_assign(&t->ticket_keys.event, base, -1, 0, ask_ticket_keys, t);
	ask_identity(-1, 0, t);
	ask_ticket_keys(-1, 0, t);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	chan_cancel(t->secretd, t->identity.request);
	chan_cancel(t->secretd, t->ticket_keys.request);
	event_del(&t->identity.event);
	event_del(&t->ticket_keys.event);
	SSL_CTX_free(t->ctx);
	tls_key_drop(t->key);
	tls_tickets_free(t->tickets);
	tls_key_done();
	free(t);
}

SSL_CTX *
tls_ctx(struct tls *t)
{
	return t->ctx;
}

static int64_t
unix_of(const ASN1_TIME *at)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(at, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

void
tls_status(const struct tls *t, struct tls_status *out)
{
	memset(out, 0, sizeof(*out));
	out->jobs = tls_key_jobs();
	out->ticket_keys = tls_tickets_count(t->tickets);
	if (t->ctx == NULL)
		return;
	X509 *leaf = SSL_CTX_get0_certificate(t->ctx);
	out->identity = true;
	out->signer = tls_key_is_live(t->key);
	out->not_after = unix_of(X509_get0_notAfter(leaf));
	X509_NAME_oneline(
	    X509_get_subject_name(leaf), out->name, (int)sizeof(out->name));
}
