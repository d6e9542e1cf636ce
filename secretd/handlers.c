/*
 * The messages that secretd answers.
 *
 * SECURITY: no request carries anything but a number, and none names a file or
 * a key. The frontend can get certificates, channels to the signer and ticket
 * keys; authd derived keys and Doorward's own cluster token; the control tool
 * no secret at all. Payloads that hold secrets are wiped.
 */
#include "secretd/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/sandbox.h"
#include "common/secret.h"
#include "secretd/identities.h"
#include "secretd/keyring.h"
#include "secretd/secretd.h"
#include "secretd/tickets.h"

#define KEYS_PAYLOAD (1 + KEYRING_MAX * (MSG_KEY_ID_LEN + 32 + 32))
#define STATUS_MAX 16384
#define TICKETS_PAYLOAD (5 + TICKETS_MAX * 80)

/* Replies with what is in w, and wipes it. */
static int
reply_secret(struct chan *ch, const struct chan_in *in, enum msg_type type,
    struct wire_writer *w)
{
	struct secretd *d = chan_ctx(ch);
	int r = wire_done(w);

	d->n_requests++;
	if (r == 0)
		r = chan_reply(ch, in->id, type, w, -1);
	secret_wipe(w->p, w->cap);
	return r;
}

static int
handle_session_keys(struct chan *ch, struct chan_in *in)
{
	const struct secretd *d = chan_ctx(ch);
	uint8_t payload[KEYS_PAYLOAD];
	struct wire_writer w;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	wire_writer_init(&w, payload, sizeof(payload));
	keyring_put(d->keyring, &w);
	return reply_secret(ch, in, MSG_SESSION_KEYS_RESULT, &w);
}

/* Read afresh each time: such tokens are short-lived and are replaced. */
static struct secret *
read_cluster_token(const struct secretd *d)
{
	static struct log_rate rate;
	struct secret *token = NULL;
	struct slot_why why;
	int r = slot_read(&d->slots, SLOT_CLUSTER_TOKEN, "", &token, &why);

	if (r == 0 && secret_len(token) > MSG_TOKEN_MAX) {
		(void)snprintf(why.text, sizeof(why.text),
		    "slot " SLOT_CLUSTER_TOKEN ": the token is longer than %d "
		    "bytes: put a service account's token there",
		    MSG_TOKEN_MAX);
		secret_free(token);
		token = NULL;
		r = ERR_LIMIT;
	}
	if (r < 0 && r != ERR_NOT_FOUND)
		log_limited(&rate, 60000, LOG_LEVEL_ERROR, "%s", why.text);
	return token;
}

static int
handle_cluster_token(struct chan *ch, struct chan_in *in)
{
	uint8_t payload[2 + MSG_TOKEN_MAX];
	struct wire_writer w;
	struct secret *token;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	token = read_cluster_token(chan_ctx(ch));
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_bytes(&w, token != NULL ? secret_peek(token) : NULL,
	    token != NULL ? secret_len(token) : 0);
	secret_free(token);
	return reply_secret(ch, in, MSG_CLUSTER_TOKEN_RESULT, &w);
}

static int
reply_no_identity(struct chan *ch, const struct chan_in *in, bool configured)
{
	uint8_t payload[1];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, configured);
	return chan_reply(ch, in->id, MSG_TLS_IDENTITY_NONE, &w, -1);
}

/* SECURITY: what a peer can get is its own kind, whatever number it says. */
static int
reply_identity(struct chan *ch, struct chan_in *in, enum signer_purpose purpose)
{
	struct secretd *d = chan_ctx(ch);
	uint8_t payload[2 + MSG_CHAIN_MAX];
	uint16_t number = wire_get_u16(&in->body);
	struct wire_writer w;
	struct slice chain;
	int fd, r = wire_end(&in->body);

	if (r < 0)
		return r;
	d->n_requests++;
	r = identities_attach(
	    d->identities, purpose, number, chan_peer_process(ch), &fd, &chain);
	if (r < 0)
		return reply_no_identity(ch, in, r != ERR_NOT_FOUND);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_slice(&w, chain);
	r = wire_done(&w);
	if (r == 0)
		r = chan_reply(ch, in->id, MSG_TLS_IDENTITY_RESULT, &w, fd);
	close(fd);
	return r;
}

static int
handle_server_identity(struct chan *ch, struct chan_in *in)
{
	return reply_identity(ch, in, SIGNER_TLS_SERVER);
}

static int
handle_ticket_keys(struct chan *ch, struct chan_in *in)
{
	const struct secretd *d = chan_ctx(ch);
	uint8_t payload[TICKETS_PAYLOAD];
	struct wire_writer w;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	wire_writer_init(&w, payload, sizeof(payload));
	tickets_put(d->tickets, clock_mono_ms(), &w);
	return reply_secret(ch, in, MSG_TICKET_KEYS_RESULT, &w);
}

static int
handle_status(struct chan *ch, struct chan_in *in)
{
	const struct secretd *d = chan_ctx(ch);
	static uint8_t payload[2 + STATUS_MAX];
	static char text[STATUS_MAX];
	struct wire_writer w;
	size_t len;
	int n, r = wire_end(&in->body);

	if (r < 0)
		return r;
	n = snprintf(text, sizeof(text),
	    "sandbox: %s\n"
	    "up: %lld s\n"
	    "requests: %llu\n"
	    "session keys: %zu\n"
	    "signing key: %s\n",
	    sandbox_describe(), (long long)(clock_unix_s() - d->started_s),
	    (unsigned long long)d->n_requests, keyring_count(d->keyring),
	    d->key_problem != NULL ? d->key_problem : "good");
	len = n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0;
	len += identities_status(d->identities, text + len, sizeof(text) - len);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_bytes(&w, text, len);
	r = wire_done(&w);
	return r < 0 ? r : chan_reply(ch, in->id, MSG_STATUS_RESULT, &w, -1);
}

/* --- who hears of changes --- */

struct told {
	TAILQ_ENTRY(told) entry;
	struct chan *ch;
	enum role peer;
};

static void
tell(
    const struct secretd *d, enum role peer, enum changed what, unsigned number)
{
	uint8_t payload[3];
	const struct told *t;
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)what);
	wire_put_u16(&w, (uint16_t)number);
	/* A channel that is just going asks when it is back. */
	TAILQ_FOREACH(t, &d->told, entry)
		if (t->peer == peer)
			(void)chan_push(t->ch, MSG_CHANGED, &w, -1);
}

void
secretd_identity_changed(
    enum signer_purpose purpose, unsigned number, void *secretd)
{
	if (purpose == SIGNER_TLS_SERVER)
		tell(secretd, ROLE_FRONTEND, CHANGED_IDENTITY, number);
}

static void
told_closed(struct chan *ch)
{
	struct secretd *d = chan_ctx(ch);
	struct told *t = chan_user(ch);

	TAILQ_REMOVE(&d->told, t, entry);
	free(t);
}

static void
told_add(struct secretd *d, struct chan *ch, enum role peer)
{
	struct told *t = mem_new(sizeof(*t));

	*t = (struct told){ .ch = ch, .peer = peer };
	TAILQ_INSERT_TAIL(&d->told, t, entry);
	chan_set_user(ch, t);
}

static const struct chan_handler from_frontend[] = {
	{ MSG_TLS_IDENTITY, CHAN_READY, handle_server_identity },
	{ MSG_TICKET_KEYS, CHAN_READY, handle_ticket_keys },
};

static const struct chan_handler from_authd[] = {
	{ MSG_SESSION_KEYS, CHAN_READY, handle_session_keys },
	{ MSG_CLUSTER_TOKEN, CHAN_READY, handle_cluster_token },
};

static const struct chan_handler from_ctl[] = {
	{ MSG_STATUS, CHAN_READY, handle_status },
};

const struct chan_peer secretd_frontend = {
	.self = ROLE_SECRETD,
	.peer = ROLE_FRONTEND,
	.handlers = from_frontend,
	.n_handlers = sizeof(from_frontend) / sizeof(from_frontend[0]),
	.closed = told_closed,
};

const struct chan_peer secretd_authd = {
	.self = ROLE_SECRETD,
	.peer = ROLE_AUTHD,
	.handlers = from_authd,
	.n_handlers = sizeof(from_authd) / sizeof(from_authd[0]),
};

const struct chan_peer secretd_ctl = {
	.self = ROLE_SECRETD,
	.peer = ROLE_CTL,
	.handlers = from_ctl,
	.n_handlers = sizeof(from_ctl) / sizeof(from_ctl[0]),
};

void
secretd_accept(int fd, enum role peer, void *secretd)
{
	struct secretd *d = secretd;
	const struct chan_peer *table = peer == ROLE_FRONTEND
	    ? &secretd_frontend
	    : peer == ROLE_AUTHD ? &secretd_authd
				 : &secretd_ctl;

	struct chan *ch = chan_accepted(d->base, fd, table, d);

	if (table->closed == told_closed)
		told_add(d, ch, peer);
}
