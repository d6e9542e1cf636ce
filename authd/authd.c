/* Putting authd together, and answers that come later; see authd.h. */
#include "authd/authd.h"

#include <stdlib.h>

#include <event2/event.h>

#include "common/audit.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"

#include "authd/checks.h"
#include "authd/key_sessions.h"
#include "authd/keys.h"
#include "authd/oidc/oidc.h"
#include "authd/oidc/refresh.h"
#include "authd/revoke.h"
#include "authd/session.h"
#include "authd/store.h"
#include "authd/throttle.h"

#define PURGE_INTERVAL_S 30

static void
session_evicted(const uint8_t handle[MSG_HANDLE_LEN], void *arg)
{
	authd_session_ended(arg, handle, NULL, "too many sessions");
}

static void
purge_timer(evutil_socket_t fd, short what, void *arg)
{
	struct authd *a = arg;

	(void)fd;
	(void)what;
	sessions_purge(a->sessions);
}

uint32_t
authd_lease_max_ms(const struct settings *settings)
{
	uint32_t s = settings->recheck_s;

	if (s >= LEASE_MAX_MS / 1000)
		return LEASE_MAX_MS;
	return s > 0 ? s * 1000 : 1000;
}

struct authd *
authd_new(struct event_base *base, const struct settings *settings,
    struct token_verifier *verifier, const char *state_dir)
{
	struct authd *a = mem_new(sizeof *a);
	struct timeval interval = { .tv_sec = PURGE_INTERVAL_S };

	a->base = base;
	a->settings = settings;
	a->verifier = verifier;
	a->keys = keys_new();
	a->store = store_open(state_dir);
	a->sessions =
	    sessions_new(settings, a->store, a->keys, session_evicted, a);
	a->checks = checks_new(verifier, settings->recheck_s);
	a->revokes = revokes_new(base, authd_lease_max_ms(settings));
	a->throttle = throttle_new();
	TAILQ_INIT(&a->pending);
	TAILQ_INIT(&a->key_questions);
	a->purge = event_new(base, -1, EV_PERSIST, purge_timer, a);
	if (a->purge == NULL || event_add(a->purge, &interval) != 0)
		log_fatal("no timer");
	return a;
}

void
authd_free(struct authd *a)
{
	if (a == NULL)
		return;
	event_free(a->purge);
	oidc_free(a->oidc);
	key_sessions_free(a);
	checks_free(a->checks);
	revokes_free(a->revokes);
	throttle_free(a->throttle);
	refreshes_free(a->refreshes);
	sessions_free(a->sessions);
	store_close(a->store);
	keys_free(a->keys);
	free(a);
}

/* --- answers that come later --- */

void
pending_add(struct authd *a, struct pending *p, struct chan *ch, uint64_t id)
{
	p->ch = ch;
	p->id = id;
	TAILQ_INSERT_TAIL(&a->pending, p, link);
}

void
pending_reply(struct authd *a, struct pending *p, enum msg_type type,
    const struct wire_writer *body)
{
	struct chan *ch = p->ch;

	TAILQ_REMOVE(&a->pending, p, link);
	p->ch = NULL;
	if (ch != NULL)
		(void)chan_reply(ch, p->id, type, body, -1);
}

void
pending_forget(struct authd *a, const struct chan *ch)
{
	struct pending *p;

	TAILQ_FOREACH(p, &a->pending, link)
		if (p->ch == ch)
			p->ch = NULL;
}

/* --- what several handlers say --- */

void
authd_session_ended(struct authd *a, const uint8_t handle[MSG_HANDLE_LEN],
    const char *user, const char *reason)
{
	struct audit line;

	a->sessions_ended++;
	revokes_push(a->revokes, REVOKE_SESSION, handle, NULL, NULL);
	audit_begin(&line, "AUDIT: Session ended");
	audit_str(&line, "user", user);
	audit_str(&line, "reason", reason);
	audit_end(&line);
}

const char *
authd_login_code_name(enum login_code code)
{
	static const char *const names[LOGIN_CODE_COUNT] = {
		[LOGIN_OK] = "ok",
		[LOGIN_EXPIRED] = "expired",
		[LOGIN_REJECTED] = "rejected",
		[LOGIN_NO_NAMESPACE] = "no namespace",
		[LOGIN_FORBIDDEN] = "forbidden",
		[LOGIN_UNAVAILABLE] = "unavailable",
		[LOGIN_NOT_OFFERED] = "not offered",
		[LOGIN_BUSY] = "too many attempts",
	};

	return code < LOGIN_CODE_COUNT ? names[code] : "unknown";
}
