/*
 * Asking for one certificate and building its context; see tls_identity.h.
 * Holds no private key.
 */
#include "frontend/tls_identity.h"

#include <stdlib.h>
#include <string.h>
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
#include "frontend/tls_tickets.h"

#define ASK_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define CHAIN_DEPTH_MAX 10

struct tls_identity {
	const struct tls_common *common;
	unsigned number;
	struct event ask;
	uint64_t request; /* 0: none under way */
	uint32_t backoff_ms;
	struct log_rate rate;
	struct tls_key *key;
	SSL_CTX *ctx;
	struct tls_names names;
};

/* --- a context --- */

static void
log_openssl(const struct tls_identity *id, const char *what)
{
	unsigned long error = ERR_peek_error();
	const char *text = ERR_reason_error_string(error);
	log_error("TLS certificate %u: %s%s%s", id->number, what,
	    text != NULL ? ": " : "", text != NULL ? text : "");
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
new_ctx(const struct tls_common *common)
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
	SSL_CTX_set_tlsext_servername_callback(ctx, common->server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, common->arg);
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
key_of_signer(struct tls_identity *id, EVP_PKEY *public_key, int fd)
{
	if (id->key == NULL ||
	    EVP_PKEY_eq(tls_key_public(id->key), public_key) != 1)
		return tls_key_new(id->common->base, ROLE_FRONTEND, public_key,
		    fd, on_signer_lost, id);
	tls_key_attach(id->key, fd);
	return id->key;
}

/* The context's key: ours is taken only when it fits the certificate. */
static int
use_remote_key(
    struct tls_identity *id, SSL_CTX *ctx, int fd, struct tls_key **out)
{
	EVP_PKEY *public_key = X509_get0_pubkey(SSL_CTX_get0_certificate(ctx));
	int r = tls_policy_apply(&id->common->policy, ctx, public_key);

	if (r != 0) {
		close(fd);
		return r;
	}
	struct tls_key *key = key_of_signer(id, public_key, fd);
	EVP_PKEY *pkey = tls_key_pkey(key);
	if (pkey == NULL || SSL_CTX_use_PrivateKey(ctx, pkey) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		if (key != id->key)
			tls_key_drop(key);
		key = NULL;
		r = ERR_CRYPTO;
	}
	EVP_PKEY_free(pkey);
	*out = key;
	return r;
}

static void
take(struct tls_identity *id, SSL_CTX *ctx, struct tls_key *key)
{
	SSL_CTX_free(id->ctx);
	if (key != id->key)
		tls_key_drop(id->key);
	id->ctx = ctx;
	id->key = key;
	tls_names_done(&id->names);
	tls_names_read(&id->names, SSL_CTX_get0_certificate(ctx));
}

/* Takes fd. 0 and the new context is in use, or an error and all is as it
 * was. */
static int
use_identity(struct tls_identity *id, struct slice chain, int fd)
{
	struct tls_key *key = NULL;
	SSL_CTX *ctx = new_ctx(id->common);
	int r = ctx != NULL ? use_chain(ctx, chain) : ERR_CRYPTO;

	if (r == 0)
		r = tls_tickets_apply(id->common->tickets, ctx);
	if (r != 0)
		close(fd);
	else
		r = use_remote_key(id, ctx, fd, &key);
	if (r != 0) {
		log_openssl(id,
		    r == ERR_CONFIG ? "its key is not EC on P-256 or P-384, "
				      "nor RSA of 2048 to 4096 bits"
				    : "it cannot be used");
		SSL_CTX_free(ctx);
		return r;
	}
	take(id, ctx, key);
	return 0;
}

/* --- asking --- */

static void
ask_again(struct tls_identity *id)
{
	struct timeval tv = { .tv_sec = id->backoff_ms / 1000,
		.tv_usec = id->backoff_ms % 1000 * 1000 };

	event_add(&id->ask, &tv);
	id->backoff_ms *= 2;
	if (id->backoff_ms > BACKOFF_MAX_MS)
		id->backoff_ms = BACKOFF_MAX_MS;
}

static void
tell(const struct tls_identity *id)
{
	char name[128], until[CLOCK_RFC3339_LEN + 1];

	X509_NAME_oneline(
	    X509_get_subject_name(SSL_CTX_get0_certificate(id->ctx)), name,
	    (int)sizeof(name));
	clock_rfc3339(until, tls_identity_until(id));
	log_info("TLS: serving the certificate of %.100s, good until %s", name,
	    until);
	id->common->changed(id->common->arg);
}

static void
on_identity(int err, struct chan_in *reply, void *arg)
{
	struct tls_identity *id = arg;

	id->request = 0;
	if (err == 0 && reply->type == MSG_TLS_IDENTITY_RESULT) {
		struct slice chain =
		    wire_get_bytes(&reply->body, MSG_CHAIN_MAX);
		int fd = reply->fd;
		reply->fd = -1;
		err = wire_end(&reply->body);
		if (err != 0)
			close(fd);
		else
			err = use_identity(id, chain, fd);
	} else if (err == 0) {
		err = ERR_UNAVAILABLE;
	}
	if (err != 0) {
		log_limited(&id->rate, 60000, LOG_LEVEL_WARN,
		    "TLS: no certificate %u from secretd (%s); asking again",
		    id->number, err_text(err));
		ask_again(id);
		return;
	}
	id->backoff_ms = BACKOFF_MIN_MS;
	tell(id);
}

/* What is on its way may be the old one. */
void
tls_identity_ask(struct tls_identity *id)
{
	uint8_t payload[2];
	struct wire_writer w;

	event_del(&id->ask);
	if (id->request != 0)
		chan_cancel(id->common->secretd, id->request);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, (uint16_t)id->number);
	id->request = chan_request(id->common->secretd, MSG_TLS_IDENTITY, &w,
	    -1, ASK_MS, on_identity, id);
}

static void
on_ask(evutil_socket_t fd, short what, void *arg)
{
	struct tls_identity *id = arg;
	(void)fd;
	(void)what;
	if (id->request == 0)
		tls_identity_ask(id);
}

static void
on_signer_lost(void *arg)
{
	struct tls_identity *id = arg;
	log_warn("TLS: the signer is gone; asking for the certificate anew");
	ask_again(id);
}

/* --- life --- */

struct tls_identity *
tls_identity_new(const struct tls_common *common, unsigned number)
{
	struct tls_identity *id = mem_new(sizeof(*id));

	id->common = common;
	id->number = number;
	id->backoff_ms = BACKOFF_MIN_MS;
	event_assign(&id->ask, common->base, -1, 0, on_ask, id);
	tls_identity_ask(id);
	return id;
}

void
tls_identity_free(struct tls_identity *id)
{
	if (id == NULL)
		return;
	chan_cancel(id->common->secretd, id->request);
	event_del(&id->ask);
	SSL_CTX_free(id->ctx);
	tls_key_drop(id->key);
	tls_names_done(&id->names);
	free(id);
}

SSL_CTX *
tls_identity_ctx(const struct tls_identity *id)
{
	return id->ctx;
}

const struct tls_names *
tls_identity_names(const struct tls_identity *id)
{
	return &id->names;
}

bool
tls_identity_is_live(const struct tls_identity *id)
{
	return id->key != NULL && tls_key_is_live(id->key);
}

int64_t
tls_identity_until(const struct tls_identity *id)
{
	struct tm tm;

	if (id->ctx == NULL ||
	    ASN1_TIME_to_tm(
		X509_get0_notAfter(SSL_CTX_get0_certificate(id->ctx)), &tm) !=
		1)
		return 0;
	return (int64_t)timegm(&tm);
}
