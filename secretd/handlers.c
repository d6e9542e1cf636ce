/*
 * The messages that secretd answers.
 *
 * SECURITY: no request carries anything but a number, and none names a file or
 * a key. The frontend can get certificates, channels to the signer and ticket
 * keys; authd derived keys and a channel to the signer of client assertions;
 * authd and egress the slots that the table in slot.c
 * gives to their role, and no other; the control tool no secret at all.
 * Payloads that hold secrets are wiped.
 */
#include "secretd/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/secret.h"
#include "common/slot.h"
#include "secretd/ca.h"
#include "secretd/identities.h"
#include "secretd/key_handlers.h"
#include "secretd/keyring.h"
#include "secretd/registry.h"
#include "secretd/secretd.h"
#include "secretd/tickets.h"
#include "secretd/told.h"

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

/* Asking for the slot of another is no mistake but an attack. */
static void
audit_refusal(const struct secretd *d, const struct chan *ch, unsigned slot)
{
	struct audit line;

	audit_begin(&line, "AUDIT: Credential refused");
	audit_str(&line, "slot", slot_name(d->settings, slot));
	audit_str(&line, "peer", role_name(chan_peer_role(ch)));
	audit_end(&line);
}

static int
handle_secret(struct chan *ch, struct chan_in *in)
{
	static uint8_t payload[1 + 2 + MSG_SECRET_MAX];
	struct secretd *d = chan_ctx(ch);
	unsigned slot = wire_get_u16(&in->body);
	const struct secret *value = NULL;
	enum secret_state state;
	struct wire_writer w;
	bool refused;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	state = registry_ask(
	    d->registry, chan_peer_role(ch), slot, &value, &refused);
	if (refused)
		audit_refusal(d, ch, slot);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)state);
	wire_put_bytes(&w, value != NULL ? secret_peek(value) : NULL,
	    value != NULL ? secret_len(value) : 0);
	return reply_secret(ch, in, MSG_SECRET_RESULT, &w);
}

static int
reply_no_ca(struct chan *ch, const struct chan_in *in, bool configured)
{
	uint8_t payload[1];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, configured);
	return chan_reply(ch, in->id, MSG_CA_NONE, &w, -1);
}

static int
handle_ca(struct chan *ch, struct chan_in *in)
{
	static struct log_rate rate;
	struct secretd *d = chan_ctx(ch);
	unsigned number = wire_get_u16(&in->body);
	struct ca_digest digest;
	struct slot_why why;
	int fd, r = wire_end(&in->body);

	if (r < 0)
		return r;
	if (!(ca_askers(number) >> chan_peer_role(ch) & 1))
		return ERR_PROTOCOL;
	d->n_requests++;
	r = ca_open(d->settings, number, &fd, &digest, &why);
	if (r < 0 && r != ERR_NOT_FOUND)
		log_limited(&rate, 60000, LOG_LEVEL_ERROR, "%s", why.text);
	if (r < 0)
		return reply_no_ca(ch, in, r != ERR_NOT_FOUND);
	r = chan_reply(ch, in->id, MSG_CA_RESULT, NULL, fd);
	close(fd);
	return r;
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
handle_client_identity(struct chan *ch, struct chan_in *in)
{
	return reply_identity(ch, in, SIGNER_TLS_CLIENT);
}

static int
reply_no_assertion_key(
    struct chan *ch, const struct chan_in *in, bool configured)
{
	uint8_t payload[1];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, configured);
	return chan_reply(ch, in->id, MSG_ASSERTION_KEY_NONE, &w, -1);
}

static int
handle_assertion_key(struct chan *ch, struct chan_in *in)
{
	struct secretd *d = chan_ctx(ch);
	uint8_t payload[2 + MSG_NAMES_MAX];
	struct wire_writer w;
	struct slice name;
	int fd, r = wire_end(&in->body);

	if (r < 0)
		return r;
	d->n_requests++;
	r = identities_attach(d->identities, SIGNER_CLIENT_ASSERTION, 0,
	    chan_peer_process(ch), &fd, &name);
	if (r < 0)
		return reply_no_assertion_key(ch, in, r != ERR_NOT_FOUND);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_slice(&w, name);
	r = chan_reply(ch, in->id, MSG_ASSERTION_KEY_RESULT, &w, fd);
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
	len += registry_status(d->registry, text + len, sizeof(text) - len);
	len += identities_status(d->identities, text + len, sizeof(text) - len);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_bytes(&w, text, len);
	r = wire_done(&w);
	return r < 0 ? r : chan_reply(ch, in->id, MSG_STATUS_RESULT, &w, -1);
}

void
secretd_identity_changed(
    enum signer_purpose purpose, unsigned number, void *secretd)
{
	static const enum role users[SIGNER_PURPOSE_COUNT] = {
		[SIGNER_TLS_SERVER] = ROLE_FRONTEND,
		[SIGNER_TLS_CLIENT] = ROLE_EGRESS,
		[SIGNER_CLIENT_ASSERTION] = ROLE_AUTHD,
	};

	told_push(secretd, 1u << users[purpose], CHANGED_IDENTITY, number);
}

static const struct chan_handler from_frontend[] = {
	{ MSG_TLS_IDENTITY, CHAN_READY, handle_server_identity },
	{ MSG_TICKET_KEYS, CHAN_READY, handle_ticket_keys },
};

static const struct chan_handler from_authd[] = {
	{ MSG_SESSION_KEYS, CHAN_READY, handle_session_keys },
	{ MSG_SECRET, CHAN_READY, handle_secret },
	{ MSG_CA, CHAN_READY, handle_ca },
	{ MSG_ASSERTION_KEY, CHAN_READY, handle_assertion_key },
};

static const struct chan_handler from_egress[] = {
	{ MSG_SECRET, CHAN_READY, handle_secret },
	{ MSG_CA, CHAN_READY, handle_ca },
	{ MSG_TLS_IDENTITY, CHAN_READY, handle_client_identity },
};

static const struct chan_handler from_ctl[] = {
	{ MSG_STATUS, CHAN_READY, handle_status },
	{ MSG_KEYS, CHAN_READY, handle_keys },
	{ MSG_KEY_DROP, CHAN_READY, handle_key_drop },
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
	.closed = told_closed,
};

const struct chan_peer secretd_egress = {
	.self = ROLE_SECRETD,
	.peer = ROLE_EGRESS,
	.handlers = from_egress,
	.n_handlers = sizeof(from_egress) / sizeof(from_egress[0]),
	.closed = told_closed,
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
	static const struct chan_peer *const tables[ROLE_COUNT] = {
		[ROLE_FRONTEND] = &secretd_frontend,
		[ROLE_AUTHD] = &secretd_authd,
		[ROLE_EGRESS] = &secretd_egress,
		[ROLE_CTL] = &secretd_ctl,
	};
	struct chan *ch = chan_accepted(d->base, fd, tables[peer], d);

	if (tables[peer]->closed == told_closed)
		told_add(d, ch, peer);
}
