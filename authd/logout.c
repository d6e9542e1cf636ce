/*
 * Logout. The rows are deleted first, so that no new lease is given; then every
 * egress drops the old ones; then the frontend hears of it. What the provider
 * has to do with it comes from what is known already, and nobody waits for it.
 * Deleting needs no key: a session can be ended while nothing can be decided.
 */
#include "authd/logout.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/audit.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/ticket.h"
#include "common/wiped_mem.h"

#include "authd/authd.h"
#include "authd/ending.h"
#include "authd/oidc/end.h"
#include "authd/revoke.h"
#include "authd/session.h"

struct logout {
	struct pending pending; /* first */
	struct authd *authd;
	enum msg_type result;
	size_t n;	/* sessions that ended */
	char *location; /* of the provider, or NULL; holds the id_token */
	char client[MSG_CLIENT_MAX + 1];
	char base[MSG_BASE_URL_MAX + 1];
};

#define RESULT_MAX (1 + 4 + 2 + MSG_LOGOUT_URL_MAX)

static void
logout_finish(struct logout *l, enum verdict verdict)
{
	uint8_t *buf = wiped_alloc(RESULT_MAX);
	struct wire_writer w;

	wire_writer_init(&w, buf, RESULT_MAX);
	wire_put_u8(&w, (uint8_t)verdict);
	if (l->result == MSG_LOGOUT_EVERYWHERE_RESULT)
		wire_put_u32(&w, (uint32_t)l->n);
	wire_put_text(&w, l->location);
	pending_reply(l->authd, &l->pending, l->result, &w);
	wiped_free(buf);
	wiped_free(l->location);
	free(l);
}

static void
logout_acknowledged(bool all, void *arg)
{
	logout_finish(arg, all ? VERDICT_ALLOW : VERDICT_UNAVAILABLE);
}

/* --- one session --- */

static void
audit_logout(const struct logout *l, const char *user)
{
	struct audit a;

	audit_begin(&a,
	    l->location != NULL ? "AUDIT: Logout completed (redirecting to IdP)"
				: "AUDIT: Logout completed");
	audit_str(&a, "user", user);
	audit_str(&a, "client", l->client);
	audit_end(&a);
}

static void
logout_one(struct logout *l, struct slice cookie)
{
	struct authd *a = l->authd;
	struct session session = { .block = NULL };
	uint8_t handle[MSG_HANDLE_LEN];
	int r;

	ticket_handle(handle, cookie);
	/* Only for its name and for the provider: one that is over or does not
	 * open ends as well. */
	(void)!sessions_find(a->sessions, handle, &session);
	l->location = oidc_end_location(a->oidc, &session, l->base);
	r = sessions_delete(a->sessions, handle);
	if (r == ERR_NOT_FOUND) {
		logout_finish(l, VERDICT_NO_SESSION);
	} else if (r != 0) {
		logout_finish(l, VERDICT_REJECTED);
	} else {
		a->logouts++;
		audit_logout(l, session.who.user);
		oidc_end_tokens(a->oidc, &session);
		revokes_push(
		    a->revokes, REVOKE_SESSION, handle, logout_acknowledged, l);
	}
	session_wipe(&session);
}

/* --- all of a person's --- */

void
audit_sessions_ended(
    const char *user, const char *client, const char *reason, size_t n)
{
	char number[24];
	struct audit a;

	(void)snprintf(number, sizeof(number), "%zu", n);
	audit_begin(&a, "AUDIT: Sessions ended");
	audit_str(&a, "user", user[0] != '\0' ? user : NULL);
	audit_str(&a, "client", client[0] != '\0' ? client : NULL);
	audit_str(&a, "sessions", number);
	audit_str(&a, "reason", reason);
	audit_end(&a);
}

/* Whom a provider has named is known by that name; anybody else by the one that
 * is shown. */
static int
end_all(
    struct authd *a, const struct session *s, struct ending *ending, size_t *n)
{
	if (s->issuer[0] != '\0' && s->subject[0] != '\0')
		return sessions_end_subject(
		    a->sessions, s->issuer, s->subject, ending_add, ending, n);
	return sessions_end_user(
	    a->sessions, s->who.user, ending_add, ending, n);
}

static void
end_tokens(const struct session *session, void *arg)
{
	oidc_end_tokens(arg, session);
}

static void
logout_all(struct logout *l, const struct session *session)
{
	struct authd *a = l->authd;
	struct ending *ending = ending_new(a->revokes, logout_acknowledged, l);

	if (a->oidc != NULL)
		sessions_visit_subject(a->sessions, session->issuer,
		    session->subject, end_tokens, a->oidc);
	if (end_all(a, session, ending, &l->n) != 0) {
		ending_free(ending);
		logout_finish(l, VERDICT_REJECTED);
		return;
	}
	l->location = oidc_end_location(a->oidc, session, l->base);
	a->logouts += l->n;
	audit_sessions_ended(session->who.user, l->client,
	    "their user signed out everywhere", l->n);
	ending_wait(ending);
}

/* A cookie that opens nothing ends nobody's other sessions. */
static void
logout_everywhere(struct logout *l, struct slice cookie)
{
	struct session session = { .block = NULL };
	uint8_t handle[MSG_HANDLE_LEN];
	int r;

	ticket_handle(handle, cookie);
	r = sessions_find(l->authd->sessions, handle, &session);
	if (r == 0)
		logout_all(l, &session);
	else
		logout_finish(l,
		    r == ERR_UNAVAILABLE ? VERDICT_REJECTED
					 : VERDICT_NO_SESSION);
	session_wipe(&session);
}

/* --- the messages --- */

/* NULL: the frontend broke the protocol. Both messages hold the same. */
static struct logout *
logout_new(struct chan *ch, struct chan_in *in, struct slice *cookie)
{
	struct slice client, base;
	struct logout *l = mem_new(sizeof(*l));

	*cookie = wire_get_bytes(&in->body, MSG_COOKIE_MAX);
	client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	base = wire_get_text(&in->body, MSG_BASE_URL_MAX);
	if (wire_end(&in->body) != 0 ||
	    slice_copy(client, l->client, sizeof(l->client)) != 0 ||
	    slice_copy(base, l->base, sizeof(l->base)) != 0) {
		free(l);
		return NULL;
	}
	l->authd = chan_ctx(ch);
	pending_add(l->authd, &l->pending, ch, in->id);
	return l;
}

int
handle_logout(struct chan *ch, struct chan_in *in)
{
	struct slice cookie;
	struct logout *l = logout_new(ch, in, &cookie);

	if (l == NULL)
		return ERR_PROTOCOL;
	l->result = MSG_LOGOUT_RESULT;
	logout_one(l, cookie);
	return 0;
}

int
handle_logout_everywhere(struct chan *ch, struct chan_in *in)
{
	struct slice cookie;
	struct logout *l = logout_new(ch, in, &cookie);

	if (l == NULL)
		return ERR_PROTOCOL;
	l->result = MSG_LOGOUT_EVERYWHERE_RESULT;
	logout_everywhere(l, cookie);
	return 0;
}
