/*
 * Keeping one signer alive; see tls_signer.h. The key is here only between
 * reading its file and sending it, in guarded memory that a child does not
 * get, and is never parsed here. The frontend gets nothing of these files but
 * certificates.
 */
#include "secretd/tls_signer.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "secretd/signer.h"
#include "secretd/slots.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define STEADY_MS 30000 /* alive for so long: the back-off starts anew */
#define LOAD_MS 10000
#define KEY_MAX 16384

enum state { STATE_AWAY, STATE_STARTING, STATE_READY };

struct tls_signer {
	struct event_base *base;
	const char *cert_file, *key_file;
	bool tls12_allowed;
	struct event *child, *retry;
	enum state state;
	pid_t pid; /* 0: none */
	struct chan *ch;
	struct secret *key, *chain, *chain_next;
	struct slot_why why; /* it is away */
	uint32_t backoff_ms;
	int64_t started_ms;
	uint64_t n_started;
};

static void on_child(evutil_socket_t number, short what, void *arg);
static void on_retry(evutil_socket_t fd, short what, void *arg);
static void signer_ready(struct chan *ch);
static void signer_closed(struct chan *ch);

static const struct chan_peer signer_peer = {
	.self = ROLE_SECRETD,
	.peer = ROLE_SIGNER,
	.ready = signer_ready,
	.closed = signer_closed,
};

struct tls_signer *
tls_signer_new(struct event_base *base, const struct settings *settings)
{
	struct tls_signer *t;

	if (!settings_tls(settings))
		return NULL;
	t = mem_new(sizeof(*t));
	t->base = base;
	t->cert_file = settings->cert_file;
	t->key_file = settings->key_file;
	t->tls12_allowed = settings->tls_min == TLS_VERSION_1_2;
	t->backoff_ms = BACKOFF_MIN_MS;
	t->child = evsignal_new(base, SIGCHLD, on_child, t);
	t->retry = evtimer_new(base, on_retry, t);
	if (t->child == NULL || t->retry == NULL ||
	    evsignal_add(t->child, NULL) < 0)
		log_fatal("TLS signer: cannot watch for its end");
	return t;
}

static void
forget_key(struct tls_signer *t)
{
	secret_free(t->key);
	t->key = NULL;
}

/* The signer is gone or of no use: end it for good and try again later. The
 * sentence is in t->why. */
static void
signer_failed(struct tls_signer *t)
{
	struct timeval wait = { .tv_sec = t->backoff_ms / 1000,
		.tv_usec = t->backoff_ms % 1000 * 1000 };

	log_error(
	    "TLS signer: %s; next try in %u ms", t->why.text, t->backoff_ms);
	forget_key(t);
	chan_free(t->ch);
	t->ch = NULL;
	if (t->pid > 0)
		(void)kill(t->pid, SIGKILL); /* on_child collects it */
	t->pid = 0;
	t->state = STATE_AWAY;
	if (clock_mono_ms() - t->started_ms > STEADY_MS)
		t->backoff_ms = BACKOFF_MIN_MS;
	else if (t->backoff_ms < BACKOFF_MAX_MS)
		t->backoff_ms *= 2;
	(void)evtimer_add(t->retry, &wait);
}

static void
signer_ended(struct tls_signer *t, int status)
{
	bool by_signal = WIFSIGNALED(status);

	t->pid = 0;
	(void)snprintf(t->why.text, sizeof(t->why.text), "it ended with %s %d",
	    by_signal ? "signal" : "status",
	    by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
	signer_failed(t);
}

/* Signers that were given up are collected here as well. */
static void
on_child(evutil_socket_t number, short what, void *arg)
{
	struct tls_signer *t = arg;
	int status;
	pid_t pid;

	(void)number;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == t->pid)
			signer_ended(t, status);
}

/* The end of the channel is mostly seen before the signal of the death that
 * was its cause. */
static void
signer_closed(struct chan *ch)
{
	struct tls_signer *t = chan_ctx(ch);
	int status;

	t->ch = NULL; /* freed by its module */
	if (t->pid > 0 && waitpid(t->pid, &status, WNOHANG) == t->pid) {
		signer_ended(t, status);
		return;
	}
	(void)snprintf(
	    t->why.text, sizeof(t->why.text), "it closed the channel");
	signer_failed(t);
}

static bool
is_certificates_only(const struct secret *s)
{
	static const char mark[] = "PRIVATE KEY-----";

	return memmem(secret_peek(s), secret_len(s), mark, strlen(mark)) ==
	    NULL;
}

/* Both files, afresh for every start. */
static int
read_files(struct tls_signer *t)
{
	struct secret *chain = NULL;
	int r = slot_read_file(
	    "identity.private_key_file", t->key_file, true, &t->key, &t->why);

	if (r == 0)
		r = slot_read_file(
		    "identity.cert_file", t->cert_file, false, &chain, &t->why);
	if (r == 0 && !is_certificates_only(chain)) {
		(void)snprintf(t->why.text, sizeof(t->why.text),
		    "identity.cert_file: %s holds a private key as well, which "
		    "must not reach the frontend: leave only certificates in "
		    "it",
		    t->cert_file);
		r = ERR_FORMAT;
	} else if (r == 0 &&
	    (secret_len(chain) > MSG_CHAIN_MAX ||
		secret_len(t->key) > KEY_MAX)) {
		(void)snprintf(t->why.text, sizeof(t->why.text),
		    "%s has more than %d bytes, or %s more than %d: leave "
		    "only the server's certificate, its intermediates and its "
		    "key in them",
		    t->cert_file, MSG_CHAIN_MAX, t->key_file, KEY_MAX);
		r = ERR_LIMIT;
	}
	if (r < 0) {
		secret_free(chain);
		forget_key(t);
		return r;
	}
	secret_free(t->chain_next);
	t->chain_next = chain;
	return 0;
}

static int
fork_signer(struct tls_signer *t)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_IO;
	t->pid = fork();
	if (t->pid == 0)
		signer_run(pair[1], t->tls12_allowed);
	close(pair[1]);
	if (t->pid < 0) {
		t->pid = 0;
		close(pair[0]);
		return ERR_IO;
	}
	t->ch = chan_accepted(t->base, pair[0], &signer_peer, t);
	return 0;
}

static void
start(struct tls_signer *t)
{
	int r = read_files(t);

	t->started_ms = clock_mono_ms();
	if (r == 0) {
		r = fork_signer(t);
		if (r < 0)
			(void)snprintf(t->why.text, sizeof(t->why.text),
			    "cannot be started: %s", strerror(errno));
	}
	if (r < 0) {
		signer_failed(t);
		return;
	}
	t->n_started++;
	t->state = STATE_STARTING;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start(arg);
}

static void
signer_loaded(int err, struct chan_in *reply, void *arg)
{
	struct tls_signer *t = arg;
	char text[MSG_REASON_MAX + 1];
	struct slice reason;
	unsigned state;

	if (err < 0)
		return; /* the channel is gone, or will be: see below */
	state = wire_get_u8(&reply->body);
	reason = wire_get_text(&reply->body, MSG_REASON_MAX);
	if (wire_end(&reply->body) < 0 || state >= SIGNER_STATE_COUNT ||
	    slice_copy(reason, text, sizeof(text)) < 0)
		(void)snprintf(text, sizeof(text), "malformed answer");
	else if (state == SIGNER_READY) {
		secret_free(t->chain);
		t->chain = t->chain_next;
		t->chain_next = NULL;
		t->state = STATE_READY;
		log_info("TLS signer ready: process %d", (int)t->pid);
		return;
	}
	(void)snprintf(t->why.text, sizeof(t->why.text), "%s: %s",
	    state == SIGNER_BAD_KEY ? t->key_file : t->cert_file, text);
	signer_failed(t);
}

/* No answer: a signer that hangs is as good as none. */
static void
signer_loaded_or_late(int err, struct chan_in *reply, void *arg)
{
	struct tls_signer *t = arg;

	if (err == ERR_TIMEOUT) {
		(void)snprintf(
		    t->why.text, sizeof(t->why.text), "it does not answer");
		signer_failed(t);
		return;
	}
	signer_loaded(err, reply, arg);
}

static void
signer_ready(struct chan *ch)
{
	struct tls_signer *t = chan_ctx(ch);
	struct secret *body = secret_new(MSG_PAYLOAD_MAX);
	struct wire_writer w;

	wire_writer_init(&w, secret_bytes(body), MSG_PAYLOAD_MAX);
	wire_put_bytes(&w, secret_peek(t->key), secret_len(t->key));
	wire_put_bytes(
	    &w, secret_peek(t->chain_next), secret_len(t->chain_next));
	forget_key(t);
	/* read_files has seen to the lengths. */
	if (wire_done(&w) == 0)
		(void)chan_request(ch, MSG_SIGNER_LOAD, &w, -1, LOAD_MS,
		    signer_loaded_or_late, t);
	secret_free(body);
}

void
tls_signer_start(struct tls_signer *t)
{
	if (t == NULL)
		return;
	start(t);
	while (t->state == STATE_STARTING)
		if (event_base_loop(t->base, EVLOOP_ONCE) != 0)
			log_fatal("TLS signer: the event loop failed");
	if (t->state != STATE_READY)
		log_fatal("TLS cannot be offered: %s", t->why.text);
}

int
tls_signer_attach(struct tls_signer *t, int *fd)
{
	int pair[2], r;

	if (t == NULL || t->state != STATE_READY)
		return ERR_UNAVAILABLE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_UNAVAILABLE;
	r = chan_push(t->ch, MSG_SIGNER_ATTACH, NULL, pair[0]);
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
	if (t->state != STATE_READY)
		return (struct slice){ NULL, 0 };
	return (struct slice){ secret_peek(t->chain), secret_len(t->chain) };
}

const char *
tls_signer_state(const struct tls_signer *t)
{
	if (t == NULL)
		return "not configured";
	switch (t->state) {
	case STATE_AWAY:
		return "away";
	case STATE_STARTING:
		return "starting";
	case STATE_READY:
		return "ready";
	}
	return "away";
}

uint64_t
tls_signer_restarts(const struct tls_signer *t)
{
	return t != NULL && t->n_started > 0 ? t->n_started - 1 : 0;
}
