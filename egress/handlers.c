/*
 * The control messages that egress answers.
 *
 * SECURITY: authd alone may push here, and only revocations. The frontend has
 * no control channel to egress at all; its exchanges are in front_frames.c.
 */
#include "egress/handlers.h"

#include <stdio.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/sandbox.h"
#include "egress/egress.h"
#include "egress/lease.h"
#include "egress/services.h"

/* Acknowledged when nothing of that session goes on. */
static int
handle_revoke(struct chan *ch, struct chan_in *in)
{
	struct egress *eg = chan_ctx(ch);
	uint8_t handle[MSG_HANDLE_LEN], payload[8];
	uint64_t sequence = wire_get_u64(&in->body);
	unsigned what = wire_get_u8(&in->body);
	struct wire_writer w;

	wire_get_raw(&in->body, handle, sizeof(handle));
	if (wire_end(&in->body) != 0 || what >= REVOKE_COUNT)
		return ERR_FORMAT;
	/* A gap: something was revoked that never came here. */
	if (eg->revoke_sequence != 0 && sequence != eg->revoke_sequence + 1)
		leases_expire_all(eg->leases);
	eg->revoke_sequence = sequence;
	if (what == REVOKE_ALL)
		leases_revoke_all(eg->leases);
	else if (what == REVOKE_KEY)
		leases_revoke_key(eg->leases, handle);
	else
		leases_revoke(eg->leases, handle);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u64(&w, sequence);
	(void)chan_reply(ch, in->id, MSG_REVOKE_ACK, &w, -1);
	return 0;
}

static int
handle_status(struct chan *ch, struct chan_in *in)
{
	const struct egress *eg = chan_ctx(ch);
	uint8_t payload[8192];
	char text[8000], services[4096];
	struct wire_writer w;
	int n;

	services_describe(eg, services, sizeof(services));
	n = snprintf(text, sizeof(text),
	    "sandbox: %s\n"
	    "up: %lld s\n"
	    "authd: %s\n"
	    "frontend connections: %llu\n"
	    "leases: %zu\n"
	    "requests: %llu\n"
	    "denied: %llu\n"
	    "failed: %llu\n"
	    "%s",
	    sandbox_describe(), (long long)(clock_unix_s() - eg->started_s),
	    eg->authd == NULL		   ? "not needed"
		: chan_is_ready(eg->authd) ? "connected"
					   : "away",
	    (unsigned long long)eg->n_open, leases_count(eg->leases),
	    (unsigned long long)eg->n_requests,
	    (unsigned long long)eg->n_denied, (unsigned long long)eg->n_failed,
	    services);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_bytes(&w, text, n > 0 ? (size_t)n : 0);
	(void)chan_reply(ch, in->id, MSG_STATUS_RESULT, &w, -1);
	return 0;
}

/* What was revoked while the channel was down is unknown: ask for everything
 * anew. */
static void
authd_ready(struct chan *ch)
{
	struct egress *eg = chan_ctx(ch);

	eg->revoke_sequence = 0;
	leases_expire_all(eg->leases);
	notify_status("connected to authd");
}

static void
authd_closed(struct chan *ch)
{
	(void)ch;
	log_warn("the channel to authd is down; leases run to their ends");
}

static const struct chan_handler from_authd[] = {
	{ MSG_REVOKE, CHAN_READY, handle_revoke },
};

static const struct chan_handler from_ctl[] = {
	{ MSG_STATUS, CHAN_READY, handle_status },
};

const struct chan_peer egress_authd = {
	.self = ROLE_EGRESS,
	.peer = ROLE_AUTHD,
	.handlers = from_authd,
	.n_handlers = sizeof(from_authd) / sizeof(from_authd[0]),
	.max_pending = 1024,
	.ready = authd_ready,
	.closed = authd_closed,
};

const struct chan_peer egress_ctl = {
	.self = ROLE_EGRESS,
	.peer = ROLE_CTL,
	.handlers = from_ctl,
	.n_handlers = sizeof(from_ctl) / sizeof(from_ctl[0]),
};
