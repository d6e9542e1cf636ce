/* MSG_OIDC_FRONTCHANNEL; see end.h. */
#include "authd/oidc/end.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/ticket.h"

#include "authd/oidc/notice.h"
#include "authd/session.h"

static void
answer(struct notice *n, enum verdict verdict)
{
	uint8_t buf[1];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, (uint8_t)verdict);
	pending_reply(n->authd, &n->pending, MSG_OIDC_FRONTCHANNEL_RESULT, &w);
	free(n);
}

static void
ended(bool all, void *arg)
{
	struct notice *n = arg;

	answer(n,
	    n->n == 0 ? VERDICT_NO_SESSION
		: all ? VERDICT_ALLOW
		      : VERDICT_UNAVAILABLE);
}

/* Does the browser have a session that is another one than sid? */
static bool
is_another(struct authd *a, struct slice cookie, const char *sid)
{
	struct session session = { .block = NULL };
	uint8_t handle[MSG_HANDLE_LEN];
	bool another = false;

	if (cookie.len == 0)
		return false;
	ticket_handle(handle, cookie);
	if (sessions_find(a->sessions, handle, &session) == 0)
		another = !slice_is(slice_of(session.sid), sid);
	session_wipe(&session);
	return another;
}

static void
keep_user(const struct session *session, void *arg)
{
	char *user = arg;

	(void)snprintf(user, MSG_USER_MAX + 1, "%s", session->who.user);
}

static void
end_sessions(struct notice *n, const char *sid)
{
	struct authd *a = n->authd;
	char user[MSG_USER_MAX + 1] = "";
	struct notice_of whom = { .sid = sid,
		.subject = "",
		.user = user,
		.by = "their provider ended them (front channel)" };

	sessions_visit_sid(
	    a->sessions, a->settings->openid.issuer, sid, keep_user, user);
	if (notice_end(n, &whom, ended) != 0)
		answer(n, VERDICT_UNAVAILABLE);
}

int
handle_oidc_frontchannel(struct chan *ch, struct chan_in *in)
{
	struct slice iss = wire_get_text(&in->body, MSG_BASE_URL_MAX);
	struct slice sid = wire_get_text(&in->body, MSG_SUBJECT_MAX);
	struct slice cookie = wire_get_bytes(&in->body, MSG_COOKIE_MAX);
	struct slice client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	struct authd *a = chan_ctx(ch);
	char named[MSG_SUBJECT_MAX + 1];
	struct notice *n;

	if (wire_end(&in->body) != 0 ||
	    slice_copy(sid, named, sizeof(named)) != 0)
		return ERR_PROTOCOL;
	n = mem_new(sizeof(*n));
	n->authd = a;
	(void)!slice_copy(client, n->client, sizeof(n->client));
	pending_add(a, &n->pending, ch, in->id);
	if (a->oidc == NULL || named[0] == '\0' ||
	    !slice_is(iss, a->settings->openid.issuer) ||
	    is_another(a, cookie, named))
		answer(n, VERDICT_REJECTED);
	else
		end_sessions(n, named);
	return 0;
}
