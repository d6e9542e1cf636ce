/*
 * Logout. The row is deleted first, so that no new lease is given; then every
 * egress drops the old ones; then the frontend hears of it. Deleting needs no
 * key: a session can be ended while nothing can be decided.
 */
#include "authd/logout.h"

#include <stdlib.h>
#include <string.h>

#include "common/audit.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/ticket.h"

#include "authd/authd.h"
#include "authd/revoke.h"
#include "authd/session.h"

struct logout {
	struct pending pending;
	struct authd *authd;
};

static void
logout_finish(struct logout *l, enum verdict verdict)
{
	uint8_t buf[1 + 2];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_u8(&w, (uint8_t)verdict);
	wire_put_text(&w, "");
	pending_reply(l->authd, &l->pending, MSG_LOGOUT_RESULT, &w);
	free(l);
}

static void
logout_acknowledged(bool all, void *arg)
{
	logout_finish(arg, all ? VERDICT_ALLOW : VERDICT_UNAVAILABLE);
}

static void
audit_logout(const char *user, const char *client)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Logout completed");
	audit_str(&a, "user", user);
	audit_str(&a, "client", client);
	audit_end(&a);
}

static void
logout_start(struct logout *l, struct slice cookie, const char *client)
{
	struct authd *a = l->authd;
	struct session session = { .block = NULL };
	uint8_t handle[MSG_HANDLE_LEN];
	int r;

	ticket_handle(handle, cookie);
	/* Only for its name: one that is over or does not open ends as well. */
	(void)!sessions_find(a->sessions, handle, &session);
	r = sessions_delete(a->sessions, handle);
	if (r == ERR_NOT_FOUND) {
		logout_finish(l, VERDICT_NO_SESSION);
	} else if (r != 0) {
		logout_finish(l, VERDICT_REJECTED);
	} else {
		a->logouts++;
		audit_logout(session.who.user, client);
		revokes_push(
		    a->revokes, REVOKE_SESSION, handle, logout_acknowledged, l);
	}
	session_wipe(&session);
}

int
handle_logout(struct chan *ch, struct chan_in *in)
{
	struct slice cookie = wire_get_bytes(&in->body, MSG_COOKIE_MAX);
	struct slice text = wire_get_text(&in->body, MSG_CLIENT_MAX);
	char client[MSG_CLIENT_MAX + 1];
	struct logout *l;

	(void)wire_get_text(&in->body, MSG_BASE_URL_MAX);
	if (wire_end(&in->body) != 0 ||
	    slice_copy(text, client, sizeof client) != 0)
		return ERR_PROTOCOL;
	l = mem_new(sizeof *l);
	l->authd = chan_ctx(ch);
	pending_add(l->authd, &l->pending, ch, in->id);
	logout_start(l, cookie, client);
	return 0;
}
