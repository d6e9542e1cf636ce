/*
 * One signer process; see tls_signer.h. The key is in guarded memory that a
 * child does not get, and is never parsed here.
 */
#include "secretd/tls_signer.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "secretd/signer.h"

#define LOAD_MS 10000

struct tls_signer {
	TAILQ_ENTRY(tls_signer) entry;
	struct event_base *base;
	struct sign_use use;
	pid_t pid; /* 0: it has ended */
	struct chan *ch;
	const struct secret *key; /* until it has been sent */
	const struct secret *chain;
	struct tls_signer_facts facts;
	bool ready;
	tls_signer_fn *told;
	void *arg;
};

/* Those that somebody owns. Retired and dropped ones are only waited for. */
static TAILQ_HEAD(signer_list, tls_signer) signers =
    TAILQ_HEAD_INITIALIZER(signers);
static struct event *child;

static void signer_ready(struct chan *ch);
static void signer_closed(struct chan *ch);

static const struct chan_peer signer_peer = {
	.self = ROLE_SECRETD,
	.peer = ROLE_SIGNER,
	.ready = signer_ready,
	.closed = signer_closed,
};

static void
ended(struct tls_signer *t, int status)
{
	bool by_signal = WIFSIGNALED(status);
	char why[64];

	t->pid = 0;
	(void)snprintf(why, sizeof(why), "the signer ended with %s %d",
	    by_signal ? "signal" : "status",
	    by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
	t->told(t, TLS_SIGNER_LOST, why, t->arg);
}

static void
on_child(evutil_socket_t number, short what, void *arg)
{
	struct tls_signer *t, *next;
	int status;
	pid_t pid;

	(void)number;
	(void)what;
	(void)arg;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (t = TAILQ_FIRST(&signers); t != NULL; t = next) {
			next = TAILQ_NEXT(t, entry);
			if (t->pid == pid)
				ended(t, status);
		}
}

void
tls_signers_watch(struct event_base *base)
{
	child = evsignal_new(base, SIGCHLD, on_child, NULL);
	if (child == NULL || evsignal_add(child, NULL) < 0)
		log_fatal("TLS signers: cannot watch for their end");
}

/* The end of the channel is mostly seen before the signal of the death that
 * was its cause. */
static void
signer_closed(struct chan *ch)
{
	struct tls_signer *t = chan_ctx(ch);
	int status;

	t->ch = NULL; /* freed by its module */
	if (t->pid > 0 && waitpid(t->pid, &status, WNOHANG) == t->pid)
		ended(t, status);
	else
		t->told(t, TLS_SIGNER_LOST, "the signer closed its channel",
		    t->arg);
}

static const enum tls_signer_news news_of[SIGNER_STATE_COUNT] = {
	[SIGNER_READY] = TLS_SIGNER_READY,
	[SIGNER_BAD_KEY] = TLS_SIGNER_BAD_KEY,
	[SIGNER_BAD_CERT] = TLS_SIGNER_BAD_CERT,
	[SIGNER_MISMATCH] = TLS_SIGNER_MISMATCH,
};

static void
signer_loaded(int err, struct chan_in *reply, void *arg)
{
	struct tls_signer *t = arg;
	char why[MSG_REASON_MAX + 1];
	struct slice reason, names, jwk;
	unsigned state;

	if (err == ERR_TIMEOUT) /* one that hangs is as good as none */
		t->told(
		    t, TLS_SIGNER_LOST, "the signer does not answer", t->arg);
	if (err < 0)
		return; /* the channel is gone: its end tells */
	state = wire_get_u8(&reply->body);
	reason = wire_get_text(&reply->body, MSG_REASON_MAX);
	names = wire_get_text(&reply->body, MSG_NAMES_MAX);
	t->facts.until_s = (int64_t)wire_get_u64(&reply->body);
	jwk = wire_get_text(&reply->body, MSG_JWK_MAX);
	if (wire_end(&reply->body) < 0 || state >= SIGNER_STATE_COUNT ||
	    slice_copy(reason, why, sizeof(why)) < 0 ||
	    slice_copy(names, t->facts.names, sizeof(t->facts.names)) < 0 ||
	    slice_copy(jwk, t->facts.jwk, sizeof(t->facts.jwk)) < 0) {
		t->told(t, TLS_SIGNER_LOST, "the signer's answer is malformed",
		    t->arg);
		return;
	}
	t->ready = state == SIGNER_READY;
	t->told(t, news_of[state], why, t->arg);
}

static void
signer_ready(struct chan *ch)
{
	struct tls_signer *t = chan_ctx(ch);
	struct secret *body = secret_new(MSG_PAYLOAD_MAX);
	struct wire_writer w;

	wire_writer_init(&w, secret_bytes(body), MSG_PAYLOAD_MAX);
	wire_put_u8(&w, (uint8_t)t->use.purpose);
	wire_put_bytes(&w, secret_peek(t->key), secret_len(t->key));
	wire_put_bytes(&w, secret_peek(t->chain), secret_len(t->chain));
	t->key = NULL;
	/* The caller has seen to the lengths. */
	if (wire_done(&w) == 0)
		(void)chan_request(
		    ch, MSG_SIGNER_LOAD, &w, -1, LOAD_MS, signer_loaded, t);
	secret_free(body);
}

struct tls_signer *
tls_signer_new(struct event_base *base, struct sign_use use,
    const struct secret *key, const struct secret *chain, tls_signer_fn *told,
    void *arg)
{
	struct tls_signer *t;
	int pair[2];
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		pid = fork();
		if (pid == 0)
			signer_run(pair[1], use.tls12);
		close(pair[1]);
		if (pid < 0)
			close(pair[0]);
	}
	if (pid < 0)
		return NULL;
	t = mem_new(sizeof(*t));
	*t = (struct tls_signer){ .base = base,
		.use = use,
		.pid = pid,
		.key = key,
		.chain = chain,
		.told = told,
		.arg = arg };
	t->ch = chan_accepted(base, pair[0], &signer_peer, t);
	TAILQ_INSERT_TAIL(&signers, t, entry);
	return t;
}

/* Its process is collected by on_child when it ends. */
void
tls_signer_retire(struct tls_signer *t)
{
	if (t == NULL)
		return;
	chan_free(t->ch);
	TAILQ_REMOVE(&signers, t, entry);
	free(t);
}

void
tls_signer_drop(struct tls_signer *t)
{
	if (t != NULL && t->pid > 0)
		(void)kill(t->pid, SIGKILL);
	tls_signer_retire(t);
}

int
tls_signer_attach(struct tls_signer *t, pid_t process, int *fd)
{
	uint8_t payload[4];
	struct wire_writer w;
	int pair[2], r;

	if (!t->ready ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_UNAVAILABLE;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u32(&w, (uint32_t)process);
	r = chan_push(t->ch, MSG_SIGNER_ATTACH, &w, pair[0]);
	close(pair[0]);
	if (r < 0) {
		close(pair[1]);
		return ERR_UNAVAILABLE;
	}
	*fd = pair[1];
	return 0;
}

struct slice
tls_signer_chain(const struct tls_signer *t)
{
	return (struct slice){ secret_peek(t->chain), secret_len(t->chain) };
}

const struct tls_signer_facts *
tls_signer_facts(const struct tls_signer *t)
{
	return &t->facts;
}

pid_t
tls_signer_pid(const struct tls_signer *t)
{
	return t->pid;
}
