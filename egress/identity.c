/* See identity.h. */
#include "egress/identity.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/tls_key.h"
#include "common/tls_provider.h"

#define ASK_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define CHAIN_DEPTH_MAX 10

struct certificate {
	X509 *leaf;
	STACK_OF(X509) * chain; /* what leads to its root */
	EVP_PKEY *pkey;		/* of key below */
};

struct identity {
	struct event_base *base;
	const char *name;
	unsigned number;
	struct chan *secretd; /* NULL: not asked yet */
	struct event ask;
	uint64_t request; /* 0: none under way */
	uint32_t backoff_ms;
	struct log_rate rate;
	struct tls_key *key;
	struct certificate now; /* leaf NULL: none yet */
	void (*changed)(void *arg);
	void *arg;
};

/* --- the certificate --- */

static void
certificate_drop(struct certificate *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->pkey);
	*c = (struct certificate){ .leaf = NULL };
}

static int
read_chain(struct certificate *c, struct slice pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *next;

	c->leaf = b != NULL ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
	c->chain = sk_X509_new_null();
	while (c->leaf != NULL && c->chain != NULL &&
	    sk_X509_num(c->chain) < CHAIN_DEPTH_MAX &&
	    (next = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(c->chain, next) == 0)
			X509_free(next);
	BIO_free(b);
	ERR_clear_error(); /* the end of the text is no failure */
	return c->leaf != NULL && c->chain != NULL ? 0 : ERR_CRYPTO;
}

static void on_signer_lost(void *arg);

/* The key of the signer at fd, which is taken. The same key again: handshakes
 * that wait go on with this signer. */
static struct tls_key *
key_of_signer(struct identity *id, X509 *leaf, int fd)
{
	EVP_PKEY *public_key = X509_get0_pubkey(leaf);

	if (id->key == NULL ||
	    EVP_PKEY_eq(tls_key_public(id->key), public_key) != 1)
		return tls_key_new(
		    id->base, ROLE_EGRESS, public_key, fd, on_signer_lost, id);
	tls_key_attach(id->key, fd);
	return id->key;
}

/* Takes fd. An error leaves all as it was. */
static int
take(struct identity *id, struct slice pem, int fd)
{
	struct certificate c = { .leaf = NULL };
	struct tls_key *key;
	int r = read_chain(&c, pem);

	if (r < 0 || X509_get0_pubkey(c.leaf) == NULL) {
		close(fd);
		certificate_drop(&c);
		return ERR_CRYPTO;
	}
	key = key_of_signer(id, c.leaf, fd);
	c.pkey = tls_key_pkey(key);
	if (c.pkey == NULL) {
		if (key != id->key)
			tls_key_drop(key);
		certificate_drop(&c);
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	if (key != id->key)
		tls_key_drop(id->key);
	id->key = key;
	certificate_drop(&id->now);
	id->now = c;
	return 0;
}

/* OpenSSL asks when the server has asked: 1 go on, 0 fail. */
static int
on_certificate(SSL *ssl, void *arg)
{
	const struct identity *id = arg;

	if (id->now.leaf == NULL)
		return 0;
	return SSL_use_cert_and_key(
	    ssl, id->now.leaf, id->now.pkey, id->now.chain, 1);
}

void
identity_use(struct identity *id, SSL_CTX *ctx)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		log_fatal("%s: OpenSSL offers no TLS 1.3", id->name);
	/* The signature is another process's work. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ASYNC | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_cert_cb(ctx, on_certificate, id);
}

bool
identity_is_there(const struct identity *id)
{
	return id->now.leaf != NULL;
}

/* --- asking --- */

static void
ask_again(struct identity *id)
{
	struct timeval tv = { .tv_sec = id->backoff_ms / 1000,
		.tv_usec = id->backoff_ms % 1000 * 1000 };

	(void)event_add(&id->ask, &tv);
	id->backoff_ms *= 2;
	if (id->backoff_ms > BACKOFF_MAX_MS)
		id->backoff_ms = BACKOFF_MAX_MS;
}

static int
take_answer(struct identity *id, struct chan_in *reply)
{
	struct slice pem;
	int fd = reply->fd;

	if (reply->type != MSG_TLS_IDENTITY_RESULT)
		return ERR_UNAVAILABLE;
	pem = wire_get_bytes(&reply->body, MSG_CHAIN_MAX);
	if (wire_end(&reply->body) != 0)
		return ERR_FORMAT;
	reply->fd = -1;
	return take(id, pem, fd);
}

static void
on_identity(int err, struct chan_in *reply, void *arg)
{
	struct identity *id = arg;

	id->request = 0;
	if (err == 0)
		err = take_answer(id, reply);
	if (err != 0) {
		log_limited(&id->rate, 60000, LOG_LEVEL_WARN,
		    "%s: no client certificate from secretd (%s); asking again",
		    id->name, err_text(err));
		ask_again(id);
		return;
	}
	id->backoff_ms = BACKOFF_MIN_MS;
	log_info("%s: client certificate loaded", id->name);
	id->changed(id->arg);
}

/* What is on its way may be the old one. */
void
identity_ask(struct identity *id, struct chan *secretd)
{
	uint8_t payload[2];
	struct wire_writer w;

	(void)event_del(&id->ask);
	if (id->request != 0)
		chan_cancel(id->secretd, id->request);
	id->secretd = secretd;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, (uint16_t)id->number);
	id->request = chan_request(
	    secretd, MSG_TLS_IDENTITY, &w, -1, ASK_MS, on_identity, id);
}

static void
on_ask(evutil_socket_t fd, short what, void *arg)
{
	struct identity *id = arg;

	(void)fd;
	(void)what;
	if (id->request == 0)
		identity_ask(id, id->secretd);
}

static void
on_signer_lost(void *arg)
{
	ask_again(arg);
}

/* --- life --- */

struct identity *
identity_new(struct event_base *base, const char *name, unsigned number,
    void (*changed)(void *arg), void *arg)
{
	struct identity *id = mem_new(sizeof(*id));

	tls_key_setup();
	*id = (struct identity){ .base = base,
		.name = name,
		.number = number,
		.backoff_ms = BACKOFF_MIN_MS,
		.changed = changed,
		.arg = arg };
	(void)event_assign(&id->ask, base, -1, 0, on_ask, id);
	return id;
}

void
identity_free(struct identity *id)
{
	if (id == NULL)
		return;
	if (id->request != 0)
		chan_cancel(id->secretd, id->request);
	(void)event_del(&id->ask);
	certificate_drop(&id->now);
	tls_key_drop(id->key);
	free(id);
}
