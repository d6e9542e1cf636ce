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
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/secret.h"
#include "secretd/keyring.h"
#include "secretd/secretd.h"
#include "secretd/tickets.h"
#include "secretd/tls_signer.h"

#define KEYS_PAYLOAD (1 + KEYRING_MAX * (MSG_KEY_ID_LEN + 32 + 32))
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

static int
handle_tls_identity(struct chan *ch, struct chan_in *in)
{
	struct secretd *d = chan_ctx(ch);
	uint8_t payload[4 + MSG_CHAIN_MAX];
	uint16_t index = wire_get_u16(&in->body);
	struct wire_writer w;
	int fd, r = wire_end(&in->body);

	if (r < 0)
		return r;
	if (index != 0) /* there is only one */
		return ERR_PROTOCOL;
	d->n_requests++;
	if (tls_signer_attach(d->signer, &fd) < 0)
		return reply_no_identity(ch, in, d->signer != NULL);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, 1);
	wire_put_slice(&w, tls_signer_chain(d->signer));
	r = wire_done(&w);
	if (r == 0)
		r = chan_reply(ch, in->id, MSG_TLS_IDENTITY_RESULT, &w, fd);
	close(fd);
	return r;
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
	uint8_t payload[3074];
	char text[3072];
	struct wire_writer w;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text),
	    "sandbox: %s\n"
	    "up: %lld s\n"
	    "requests: %llu\n"
	    "session keys: %zu\n"
	    "signing key: %s\n"
	    "TLS signer: %s\n"
	    "TLS signer restarts: %llu\n",
	    sandbox_describe(), (long long)(clock_unix_s() - d->started_s),
	    (unsigned long long)d->n_requests, keyring_count(d->keyring),
	    d->key_problem != NULL ? d->key_problem : "good",
	    tls_signer_state(d->signer),
	    (unsigned long long)tls_signer_restarts(d->signer));
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_text(&w, text);
	r = wire_done(&w);
	return r < 0 ? r : chan_reply(ch, in->id, MSG_STATUS_RESULT, &w, -1);
}

static const struct chan_handler from_frontend[] = {
	{ MSG_TLS_IDENTITY, CHAN_READY, handle_tls_identity },
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

	(void)chan_accepted(d->base, fd, table, d);
}
