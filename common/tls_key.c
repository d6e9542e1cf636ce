/*
 * Signatures made by the signer: the waiting, the messages and the life of a
 * key. The OpenSSL provider around it is tls_provider.c.
 *
 * Code that runs inside an async job has a stack of 32 KB. It therefore only
 * leaves its question in a queue; the message is sent from the event loop.
 */
#include "common/tls_key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/async.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/tls_provider.h"

#define SIGN_MS 10000

/* One signature that a paused job waits for. It stands on the job's own stack
 * and is valid exactly while the job is paused. */
struct signing {
	TAILQ_ENTRY(signing) next;
	struct tls_key *key;
	const struct tls_to_sign *what;
	uint8_t sig[MSG_SIGN_MAX];
	size_t sig_len;
	uint64_t request; /* 0: not sent yet */
	bool answered, good;
	ASYNC_callback_fn wake;
	void *wake_arg;
};
TAILQ_HEAD(signing_list, signing);

struct tls_key {
	unsigned refs;
	EVP_PKEY *public_key;
	struct chan *signer; /* NULL: gone */
	bool dropped;	     /* by its owner: no other signer will come */
	struct event_base *base;
	const struct chan_peer *peer;
	struct event send;
	struct signing_list unsent;
	void (*lost)(void *arg);
	void *arg;
};

/* Jobs are the thread's, so is their count. */
static size_t n_jobs;
static bool set_up;

static void on_send(evutil_socket_t fd, short what, void *arg);
static void on_signer_closed(struct chan *ch);

/* Who asks: the signer knows each by the purpose of its key. */
static const struct chan_peer frontend_peer = {
	.self = ROLE_FRONTEND,
	.peer = ROLE_SIGNER,
	.closed = on_signer_closed,
};

static const struct chan_peer egress_peer = {
	.self = ROLE_EGRESS,
	.peer = ROLE_SIGNER,
	.closed = on_signer_closed,
};

void
tls_key_setup(void)
{
	if (set_up)
		return;
	set_up = true;
	if (ASYNC_init_thread(TLS_KEY_JOBS_MAX, 0) != 1)
		log_fatal("OpenSSL cannot run async jobs");
	if (tls_provider_load() != 0)
		log_fatal("OpenSSL does not take the provider for TLS keys");
}

void
tls_key_done(void)
{
	if (!set_up)
		return;
	set_up = false;
	ASYNC_cleanup_thread();
	tls_provider_unload();
}

struct tls_key *
tls_key_new(struct event_base *base, enum role self, EVP_PKEY *public_key,
    int signer_fd, void (*lost)(void *arg), void *arg)
{
	struct tls_key *k = mem_new(sizeof(*k));

	k->refs = 1;
	k->public_key = public_key;
	EVP_PKEY_up_ref(public_key);
	TAILQ_INIT(&k->unsent);
	k->lost = lost;
	k->arg = arg;
	k->base = base;
	k->peer = self == ROLE_EGRESS ? &egress_peer : &frontend_peer;
	event_assign(&k->send, base, -1, 0, on_send, k);
	k->signer = chan_accepted(base, signer_fd, k->peer, k);
	return k;
}

static void
send_soon(struct tls_key *k)
{
	if (!TAILQ_EMPTY(&k->unsent))
		event_active(&k->send, EV_TIMEOUT, 1);
}

void
tls_key_attach(struct tls_key *k, int signer_fd)
{
	chan_free(k->signer);
	k->signer = chan_accepted(k->base, signer_fd, k->peer, k);
	send_soon(k);
}

struct tls_key *
tls_key_ref(struct tls_key *k)
{
	k->refs++;
	return k;
}

void
tls_key_unref(struct tls_key *k)
{
	if (k == NULL || --k->refs > 0)
		return;
	assert(TAILQ_EMPTY(&k->unsent));
	event_del(&k->send);
	chan_free(k->signer);
	EVP_PKEY_free(k->public_key);
	free(k);
}

void
tls_key_drop(struct tls_key *k)
{
	if (k == NULL)
		return;
	k->lost = NULL;
	k->dropped = true;
	send_soon(k);
	tls_key_unref(k);
}

EVP_PKEY *
tls_key_public(const struct tls_key *k)
{
	return k->public_key;
}

EVP_PKEY *
tls_key_pkey(struct tls_key *k)
{
	return tls_provider_pkey(k);
}

bool
tls_key_is_live(const struct tls_key *k)
{
	return k->signer != NULL;
}

size_t
tls_key_jobs(void)
{
	return n_jobs;
}

/* --- on the event loop --- */

static void
answer(struct signing *s, bool good)
{
	s->answered = true;
	s->good = good;
	s->wake(s->wake_arg);
}

/* A signer that went, in a restart perhaps, will be followed by another: the
 * handshake need not fail for that. */
static void
ask_the_next(struct signing *s)
{
	s->request = 0;
	TAILQ_INSERT_TAIL(&s->key->unsent, s, next);
}

static void
on_signed(int err, struct chan_in *reply, void *arg)
{
	static struct log_rate rate;
	struct signing *s = arg;
	struct slice sig = { NULL, 0 };

	if (err == ERR_UNAVAILABLE && !s->key->dropped) {
		ask_the_next(s);
		return;
	}
	if (err == 0) {
		sig = wire_get_bytes(&reply->body, sizeof(s->sig));
		err = wire_end(&reply->body);
	}
	if (err != 0 || sig.len == 0) {
		log_limited(&rate, 1000, LOG_LEVEL_WARN,
		    "TLS handshake without signature: %s",
		    err != 0 ? err_text(err) : "refused by the signer");
		answer(s, false);
		return;
	}
	memcpy(s->sig, sig.p, sig.len);
	s->sig_len = sig.len;
	answer(s, true);
}

static void
ask_signer(struct tls_key *k, struct signing *s)
{
	uint8_t payload[2 + 2 + MSG_SIGN_MAX];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, s->what->scheme);
	wire_put_bytes(&w, s->what->bytes, s->what->len);
	if (k->signer == NULL || wire_done(&w) != 0)
		answer(s, false);
	else
		s->request = chan_request(
		    k->signer, MSG_SIGN, &w, -1, SIGN_MS, on_signed, s);
}

static void
on_send(evutil_socket_t fd, short what, void *arg)
{
	struct tls_key *k = arg;
	struct signing *s;
	(void)fd;
	(void)what;

	if (k->signer == NULL && !k->dropped)
		return;
	while ((s = TAILQ_FIRST(&k->unsent)) != NULL) {
		TAILQ_REMOVE(&k->unsent, s, next);
		ask_signer(k, s);
	}
}

/* What had been sent has been failed by the channel; the channel frees itself
 * after this. */
static void
on_signer_closed(struct chan *ch)
{
	struct tls_key *k = chan_ctx(ch);

	k->signer = NULL;
	if (k->dropped)
		send_soon(k);
	if (k->lost != NULL)
		k->lost(k->arg);
}

/* --- inside an async job --- */

/* The job was resumed without an answer: its connection is closing. */
static void
forget(struct signing *s)
{
	if (s->request == 0)
		TAILQ_REMOVE(&s->key->unsent, s, next);
	else if (s->key->signer != NULL)
		chan_cancel(s->key->signer, s->request);
}

int
tls_key_make_signature(struct tls_key *k, const struct tls_to_sign *what,
    uint8_t *sig, size_t cap, size_t *len)
{
	struct signing s = { .key = k, .what = what };
	ASYNC_JOB *job = ASYNC_get_current_job();

	/* Without a job the loop would have to stand still for the answer. */
	if (job == NULL || (k->signer == NULL && k->dropped) ||
	    n_jobs >= TLS_KEY_JOBS_MAX)
		return ERR_UNAVAILABLE;
	if (ASYNC_WAIT_CTX_get_callback(
		ASYNC_get_wait_ctx(job), &s.wake, &s.wake_arg) != 1)
		return ERR_UNAVAILABLE;
	TAILQ_INSERT_TAIL(&k->unsent, &s, next);
	event_active(&k->send, EV_TIMEOUT, 1);
	n_jobs++;
	ASYNC_pause_job();
	n_jobs--;
	if (!s.answered)
		forget(&s);
	if (!s.good)
		return ERR_UNAVAILABLE;
	if (s.sig_len > cap)
		return ERR_LIMIT;
	memcpy(sig, s.sig, s.sig_len);
	*len = s.sig_len;
	return 0;
}
