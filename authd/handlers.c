/* Which peer may ask authd what; see handlers.h. */
#include "authd/handlers.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/options.h"
#include "common/sandbox.h"
#include "common/ticket.h"

#include "authd/authd.h"
#include "authd/checks.h"
#include "authd/key_sessions.h"
#include "authd/keys.h"
#include "authd/lease.h"
#include "authd/login.h"
#include "authd/logout.h"
#include "authd/oidc/end.h"
#include "authd/oidc/oidc.h"
#include "authd/revoke.h"
#include "authd/screen.h"
#include "authd/session.h"

/* While there are no session keys frontends come back soon. */
#define NO_KEYS_AGAIN_S 1

static int
handle_screen_keys(struct chan *ch, struct chan_in *in)
{
	struct authd *a = chan_ctx(ch);
	struct ticket_keys keys;
	uint8_t buf[2437];
	struct wire_writer w;
	uint32_t again_s;

	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	again_s = screen_keys(
	    &keys, a->keys, sessions_longest_s(a->sessions), clock_unix_s());
	if (keys.n == 0)
		again_s = NO_KEYS_AGAIN_S;
	wire_writer_init(&w, buf, sizeof buf);
	ticket_keys_put(&w, &keys, again_s);
	(void)chan_reply(ch, in->id, MSG_SCREEN_KEYS_RESULT, &w, -1);
	ticket_keys_wipe(&keys);
	return 0;
}

static int
handle_status(struct chan *ch, struct chan_in *in)
{
	struct authd *a = chan_ctx(ch);
	static uint8_t buf[2 + 1024 + OIDC_STATUS_MAX];
	static char text[1024 + OIDC_STATUS_MAX];
	int n;
	struct wire_writer w;

	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	n = snprintf(text, 1024,
	    "process: authd\n"
	    "version: " PACKAGE_VERSION "\n"
	    "sandbox: %.200s\n"
	    "session keys: %zu\n"
	    "sessions: %zu\n"
	    "logins: %" PRIu64 "\n"
	    "logins failed: %" PRIu64 "\n"
	    "logouts: %" PRIu64 "\n"
	    "sessions ended: %" PRIu64 "\n"
	    "egress channels: %zu\n"
	    "token checks running: %zu\n"
	    "token answers kept: %zu\n",
	    sandbox_describe(), keys_count(a->keys),
	    sessions_count(a->sessions), a->logins, a->logins_failed,
	    a->logouts, a->sessions_ended, revokes_channels(a->revokes),
	    checks_in_flight(a->checks), checks_kept(a->checks));
	if (a->oidc != NULL && n > 0)
		oidc_status(a->oidc, text + n);
	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, text);
	(void)chan_reply(ch, in->id, MSG_STATUS_RESULT, &w, -1);
	return 0;
}

static void
egress_ready(struct chan *ch)
{
	struct authd *a = chan_ctx(ch);

	revokes_attach(a->revokes, ch);
}

static void
egress_closed(struct chan *ch)
{
	struct authd *a = chan_ctx(ch);

	revokes_detach(a->revokes, ch);
	pending_forget(a, ch);
}

static void
peer_closed(struct chan *ch)
{
	pending_forget(chan_ctx(ch), ch);
}

static const struct chan_handler from_frontend[] = {
	{ MSG_LOGIN_TOKEN, CHAN_READY, handle_login_token },
	{ MSG_SESSION, CHAN_READY, handle_session },
	{ MSG_LOGOUT, CHAN_READY, handle_logout },
	{ MSG_LOGOUT_EVERYWHERE, CHAN_READY, handle_logout_everywhere },
	{ MSG_OIDC_BACKCHANNEL, CHAN_READY, handle_oidc_backchannel },
	{ MSG_OIDC_FRONTCHANNEL, CHAN_READY, handle_oidc_frontchannel },
	{ MSG_OIDC_START, CHAN_READY, handle_oidc_start },
	{ MSG_OIDC_CALLBACK, CHAN_READY, handle_oidc_callback },
	{ MSG_SCREEN_KEYS, CHAN_READY, handle_screen_keys },
};
static const struct chan_handler from_egress[] = {
	{ MSG_LEASE, CHAN_READY, handle_lease },
};
static const struct chan_handler from_ctl[] = {
	{ MSG_STATUS, CHAN_READY, handle_status },
	{ MSG_KEY_SESSIONS, CHAN_READY, handle_key_sessions },
};

#define ROWS(table) \
	.handlers = (table), .n_handlers = sizeof(table) / sizeof *(table)

static const struct chan_peer peers[ROLE_COUNT] = {
	[ROLE_FRONTEND] = { .self = ROLE_AUTHD,
	    .peer = ROLE_FRONTEND,
	    ROWS(from_frontend),
	    .max_pending = 1024,
	    .closed = peer_closed },
	[ROLE_EGRESS] = { .self = ROLE_AUTHD,
	    .peer = ROLE_EGRESS,
	    ROWS(from_egress),
	    .max_pending = 4096,
	    .ready = egress_ready,
	    .closed = egress_closed },
	[ROLE_CTL] = { .self = ROLE_AUTHD,
	    .peer = ROLE_CTL,
	    ROWS(from_ctl),
	    .closed = peer_closed },
};

void
authd_accepted(int fd, enum role peer, void *ctx)
{
	struct authd *a = ctx;

	(void)chan_accepted(a->base, fd, &peers[peer], a);
}

void
authd_listen(
    struct authd *a, const struct listen_set *set, const struct options *o)
{
	static const enum role roles[] = { ROLE_FRONTEND, ROLE_EGRESS,
		ROLE_CTL };

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		int fd = listen_find(set, role_name(roles[i]));
		if (fd >= 0)
			listen_unix(a->base, fd, roles[i], o->peer_uid,
			    authd_accepted, a);
		else if (roles[i] != ROLE_CTL)
			log_fatal(
			    "there is no socket named %s (LISTEN_FDNAMES)",
			    role_name(roles[i]));
	}
}
