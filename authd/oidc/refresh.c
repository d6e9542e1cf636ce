/* See refresh.h. */
#include "authd/oidc/refresh.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"

#include "authd/authd.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/token_endpoint.h"
#include "authd/session.h"

#define TROUBLE_EVERY_MS 60000

static const char reason_refused[] = "the provider no longer renews it";
static const char reason_other[] = "the provider names another person for it";

struct waiter {
	TAILQ_ENTRY(waiter) link;
	bool patient; /* has no good tokens to go on with */
	refresh_done_fn *done;
	void *arg;
};
TAILQ_HEAD(waiters, waiter);

/* What the provider has given, in one block that is wiped. */
struct fresh {
	char *block;
	size_t len;
	struct slice id_token, access_token, refresh_token; /* "": none */
	int64_t access_end; /* unix s, 0: not said */
};
struct flight {
	TAILQ_ENTRY(flight) link;
	struct refreshes *owner;
	uint8_t handle[MSG_HANDLE_LEN];
	char user[MSG_USER_MAX + 1];
	char subject[MSG_SUBJECT_MAX + 1];
	char nonce[ID_TOKEN_NONCE_MAX + 1]; /* of its id_token; "": unknown */
	int64_t life_s; /* of the token so far; 0: unknown */
	struct event *late;
	bool is_late;
	struct waiters waiters;
	struct fresh fresh;
};
/* A session whose refresh failed just now, or brought nothing new. */
struct rest {
	TAILQ_ENTRY(rest) link;
	uint8_t handle[MSG_HANDLE_LEN];
	int64_t until_ms;
};

struct refreshes {
	struct authd *authd;
	struct provider *provider;
	struct token_endpoint *endpoint;
	TAILQ_HEAD(, flight) flights;
	TAILQ_HEAD(, rest) resting; /* soonest over first */
	size_t n_resting;
	int64_t pause_until_ms;
	bool told_nothing_new;
	struct log_rate trouble;
	struct refresh_counts counts;
};

struct refreshes *
refreshes_new(
    struct authd *a, struct provider *provider, struct token_endpoint *endpoint)
{
	struct refreshes *r = mem_new(sizeof *r);

	r->authd = a;
	r->provider = provider;
	r->endpoint = endpoint;
	TAILQ_INIT(&r->flights);
	TAILQ_INIT(&r->resting);
	return r;
}

static void
fresh_wipe(struct fresh *fresh)
{
	if (fresh->block != NULL)
		secret_wipe(fresh->block, fresh->len);
	free(fresh->block);
}

static void
flight_free(struct flight *f)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&f->waiters)) != NULL) {
		TAILQ_REMOVE(&f->waiters, w, link);
		free(w);
	}
	fresh_wipe(&f->fresh);
	event_free(f->late);
	free(f);
}

void
refreshes_free(struct refreshes *r)
{
	struct flight *f;
	struct rest *rest;

	if (r == NULL)
		return;
	while ((f = TAILQ_FIRST(&r->flights)) != NULL) {
		TAILQ_REMOVE(&r->flights, f, link);
		flight_free(f);
	}
	while ((rest = TAILQ_FIRST(&r->resting)) != NULL) {
		TAILQ_REMOVE(&r->resting, rest, link);
		free(rest);
	}
	free(r);
}

struct refresh_counts
refresh_counts(const struct refreshes *r)
{
	return r->counts;
}

/* --- who has to wait --- */

static void
rest_drop_first(struct refreshes *r)
{
	struct rest *first = TAILQ_FIRST(&r->resting);

	TAILQ_REMOVE(&r->resting, first, link);
	r->n_resting--;
	free(first);
}

static void
rest_add(struct refreshes *r, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct rest *rest = mem_new(sizeof *rest);

	if (r->n_resting == REFRESH_RESTING)
		rest_drop_first(r);
	memcpy(rest->handle, handle, MSG_HANDLE_LEN);
	rest->until_ms = clock_mono_ms() + REFRESH_REST_MS;
	TAILQ_INSERT_TAIL(&r->resting, rest, link);
	r->n_resting++;
}

static bool
rests(struct refreshes *r, const uint8_t handle[MSG_HANDLE_LEN])
{
	int64_t now = clock_mono_ms();
	const struct rest *rest;

	while (r->n_resting > 0 && TAILQ_FIRST(&r->resting)->until_ms <= now)
		rest_drop_first(r);
	TAILQ_FOREACH(rest, &r->resting, link)
		if (memcmp(rest->handle, handle, MSG_HANDLE_LEN) == 0)
			return true;
	return false;
}

/* --- the end of a flight --- */

/* Takes those who wait off the list; patient ones only with all. */
static void
waiters_take(struct flight *f, struct waiters *to, bool all)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&f->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!all && w->patient)
			continue;
		TAILQ_REMOVE(&f->waiters, w, link);
		TAILQ_INSERT_TAIL(to, w, link);
	}
}

static void
waiters_tell(struct waiters *waiters, enum refresh_outcome outcome)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(waiters)) != NULL) {
		TAILQ_REMOVE(waiters, w, link);
		w->done(outcome, w->arg);
		free(w);
	}
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct waiters waiters = TAILQ_HEAD_INITIALIZER(waiters);
	struct flight *f = arg;

	(void)fd;
	(void)what;
	f->is_late = true;
	waiters_take(f, &waiters, false);
	waiters_tell(&waiters, REFRESH_LATE);
}

/* f is gone afterwards. */
static void
flight_end(struct flight *f, enum refresh_outcome outcome)
{
	struct waiters waiters = TAILQ_HEAD_INITIALIZER(waiters);
	struct refreshes *r = f->owner;

	TAILQ_REMOVE(&r->flights, f, link);
	r->counts.in_flight--;
	r->counts.done += outcome == REFRESH_DONE;
	r->counts.failed += outcome == REFRESH_FAILED;
	r->counts.ended += outcome == REFRESH_ENDED;
	if (outcome == REFRESH_FAILED)
		rest_add(r, f->handle);
	waiters_take(f, &waiters, true);
	flight_free(f);
	waiters_tell(&waiters, outcome);
}

static void
revoked(enum token_fault fault, const struct token_answer *answer, void *arg)
{
	struct refreshes *r = arg;

	if (fault != TOKEN_OK)
		log_limited(&r->trouble, TROUBLE_EVERY_MS, LOG_LEVEL_WARN,
		    "openid: fresh tokens that nobody needs could not be "
		    "revoked: %s",
		    answer->detail);
}

/* Nobody will use these tokens, so they shall be of no use to anybody. */
static void
fresh_revoke(struct refreshes *r, const struct fresh *fresh)
{
	if (fresh->refresh_token.len > 0)
		token_endpoint_revoke(r->endpoint, fresh->refresh_token,
		    "refresh_token", revoked, r);
	if (fresh->access_token.len > 0)
		token_endpoint_revoke(r->endpoint, fresh->access_token,
		    "access_token", revoked, r);
}

static void
flight_gone(struct flight *f)
{
	fresh_revoke(f->owner, &f->fresh);
	flight_end(f, REFRESH_GONE);
}

/* The session is over, by the provider's word. */
static void
flight_refused(struct flight *f, const char *reason)
{
	struct authd *a = f->owner->authd;
	int r = sessions_delete(a->sessions, f->handle);

	fresh_revoke(f->owner, &f->fresh);
	if (r == ERR_NOT_FOUND) {
		flight_end(f, REFRESH_GONE);
		return;
	}
	/* A row that stays by mistake is refused again at its next refresh. */
	authd_session_ended(a, f->handle, f->user, reason);
	flight_end(f, REFRESH_ENDED);
}

/* --- the new tokens --- */

static struct slice
other_or(struct slice fresh, struct slice old)
{
	return fresh.len > 0 ? fresh : old;
}

/* What the session has, with the new refresh token: the old one may be spent
 * whatever the rest of the answer is worth. */
static struct session_facts
facts_old(const struct session *session, const struct fresh *fresh)
{
	return (struct session_facts){ .issuer = session->issuer,
		.subject = session->subject,
		.token = session->token,
		.token_end = session->token_end,
		.id_token = session->id_token,
		.access_token = session->access_token,
		.refresh_token =
		    other_or(fresh->refresh_token, session->refresh_token) };
}

/* Without the token that the console gets there is no use in refreshing: the
 * session ends with the one it has, which must outlive the refresh token. */
static void
facts_last(struct refreshes *r, struct session_facts *facts)
{
	bool access = r->authd->settings->openid.use_access_token;

	if (!r->told_nothing_new)
		log_warn("openid: a refresh brings no new %s, which "
			 "auth.openid.api_token says to use: sessions end with "
			 "their first one",
		    access ? "access token" : "id_token");
	r->told_nothing_new = true;
	if (!access)
		token_endpoint_revoke(r->endpoint, facts->refresh_token,
		    "refresh_token", revoked, r);
	facts->refresh_token = SLICE("");
}

/* Of the token in use. An access token whose end nobody says goes by the
 * id_token's; without one it is taken to live as long as the one before. */
static int64_t
fresh_end(const struct flight *f, bool access, int64_t id_end)
{
	if (access && f->fresh.access_end != 0)
		return f->fresh.access_end;
	if (id_end == 0 && f->life_s > 0)
		return clock_unix_s() + f->life_s;
	return id_end;
}

/* id_end: of a verified id_token, 0: none came. */
static void
facts_new(struct flight *f, struct session_facts *facts, int64_t id_end)
{
	bool access = f->owner->authd->settings->openid.use_access_token;
	const struct fresh *fresh = &f->fresh;

	if (access ? fresh->access_token.len == 0 : id_end == 0) {
		facts_last(f->owner, facts);
		return;
	}
	facts->id_token = other_or(fresh->id_token, facts->id_token);
	facts->access_token =
	    other_or(fresh->access_token, facts->access_token);
	facts->token = access ? facts->access_token : facts->id_token;
	facts->token_end = fresh_end(f, access, id_end);
}

/* The provider gave what it had given before, or what lives hardly longer: not
 * to be asked again at the next request. */
static void
rest_if_due(struct refreshes *r, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct session session;

	if (sessions_find(r->authd->sessions, handle, &session) != 0)
		return;
	if (refresh_is_due(r, &session))
		rest_add(r, handle);
	session_wipe(&session);
}

/* Writes what there is now; verified: of the answer's tokens, else its refresh
 * token alone. */
static void
flight_store(struct flight *f, bool verified, int64_t id_end)
{
	struct sessions *sessions = f->owner->authd->sessions;
	struct session_facts facts;
	struct session session;
	int r = sessions_find(sessions, f->handle, &session);

	if (r == 0) {
		facts = facts_old(&session, &f->fresh);
		if (verified)
			facts_new(f, &facts, id_end);
		r = sessions_renew(sessions, f->handle, &facts);
		session_wipe(&session);
	}
	switch (r) {
	case 0:
		if (verified)
			rest_if_due(f->owner, f->handle);
		flight_end(f, verified ? REFRESH_DONE : REFRESH_FAILED);
		return;
	case ERR_NOT_FOUND:
	case ERR_EXPIRED:
		flight_gone(f);
		return;
	default:
		/* Not revoked: that could end the old ones, too. */
		log_error("openid: refreshed tokens could not be kept: %s",
		    err_text(r));
		flight_end(f, REFRESH_FAILED);
	}
}

static void
flight_verified(enum id_token_fault fault, struct id_token *t, void *arg)
{
	struct flight *f = arg;

	if (fault == ID_TOKEN_OK) {
		flight_store(f, true, t->expires);
		return;
	}
	if (fault == ID_TOKEN_SUBJECT) { /* Core 12.2 */
		flight_refused(f, reason_other);
		return;
	}
	log_limited(&f->owner->trouble, TROUBLE_EVERY_MS, LOG_LEVEL_WARN,
	    "openid: a refresh is not accepted: the id_token %s",
	    id_token_log(fault));
	flight_store(f, false, 0);
}

static struct slice
fresh_add(struct fresh *fresh, struct slice token)
{
	char *at = fresh->block + fresh->len;

	if (token.len == 0)
		return SLICE("");
	memcpy(at, token.p, token.len);
	fresh->len += token.len;
	return (struct slice){ at, token.len };
}

static void
fresh_take(struct fresh *fresh, const struct token_answer *a)
{
	fresh->block = mem_new(
	    a->id_token.len + a->access_token.len + a->refresh_token.len + 1);
	fresh->id_token = fresh_add(fresh, a->id_token);
	fresh->access_token = fresh_add(fresh, a->access_token);
	fresh->refresh_token = fresh_add(fresh, a->refresh_token);
	if (a->expires_in_s >= 0)
		fresh->access_end = clock_unix_s() + a->expires_in_s;
}

/* Another id_token than the first need not have its nonce, and may be as old as
 * the provider likes: its end counts (Core 12.2). */
static void
flight_take(struct flight *f, const struct token_answer *answer)
{
	struct id_token_rules rules = { .subject = f->subject };

	fresh_take(&f->fresh, answer);
	memcpy(rules.nonce_before, f->nonce, sizeof rules.nonce_before);
	rules.access_token = f->fresh.access_token;
	if (f->fresh.access_token.len == 0)
		rules.access_token.p = NULL;
	if (f->fresh.id_token.len > 0)
		provider_read_id_token(f->owner->provider, f->fresh.id_token,
		    &rules, flight_verified, f);
	else
		flight_store(f, true, 0);
}

static void
flight_answered(
    enum token_fault fault, const struct token_answer *answer, void *arg)
{
	struct flight *f = arg;
	struct refreshes *r = f->owner;

	switch (fault) {
	case TOKEN_OK:
		flight_take(f, answer);
		return;
	case TOKEN_INVALID_GRANT:
		flight_refused(f, reason_refused);
		return;
	case TOKEN_UNAVAILABLE:
		r->pause_until_ms = clock_mono_ms() + REFRESH_PAUSE_MS;
		break;
	case TOKEN_CLIENT:
	case TOKEN_MALFORMED:
	case TOKEN_REFUSED:
		break;
	}
	log_limited(&r->trouble, TROUBLE_EVERY_MS, LOG_LEVEL_WARN,
	    "openid: sessions cannot be refreshed: %s", answer->detail);
	flight_end(f, REFRESH_FAILED);
}

/* --- asking --- */

bool
refresh_is_due(const struct refreshes *r, const struct session *session)
{
	int64_t margin, half;

	if (r == NULL || session->refresh_token.len == 0 ||
	    session->token_end == 0)
		return false;
	margin = r->authd->settings->openid.refresh_margin_s;
	half = (session->token_end - session->token_since) / 2;
	if (half < margin)
		margin = half;
	return session->token_end - clock_unix_s() <= margin;
}

static void
wait_for(struct flight *f, bool patient, refresh_done_fn *done, void *arg)
{
	struct waiter *w = mem_new(sizeof *w);

	w->patient = patient;
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&f->waiters, w, link);
}

static struct flight *
flight_new(struct refreshes *r, const struct session *session)
{
	const struct timeval patience = { .tv_sec =
					      REFRESH_PATIENCE_MS / 1000 };
	struct flight *f = mem_new(sizeof *f);

	f->owner = r;
	memcpy(f->handle, session->handle, MSG_HANDLE_LEN);
	memcpy(f->user, session->who.user, sizeof f->user);
	/* It comes from a session's content and fits. */
	(void)!slice_copy(
	    slice_of(session->subject), f->subject, sizeof f->subject);
	id_token_recall_nonce(session->id_token, f->nonce);
	if (session->token_since > 0)
		f->life_s = session->token_end - session->token_since;
	f->late = evtimer_new(r->authd->base, on_late, f);
	if (f->late == NULL || evtimer_add(f->late, &patience) != 0)
		log_fatal("no timer");
	TAILQ_INIT(&f->waiters);
	TAILQ_INSERT_TAIL(&r->flights, f, link);
	r->counts.in_flight++;
	return f;
}

static struct flight *
flight_find(const struct refreshes *r, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct flight *f;

	TAILQ_FOREACH(f, &r->flights, link)
		if (memcmp(f->handle, handle, MSG_HANDLE_LEN) == 0)
			break;
	return f;
}

int
refresh_ask(struct refreshes *r, const struct session *session,
    refresh_done_fn *done, void *arg)
{
	bool is_over = session->token_end <= clock_unix_s();
	struct flight *f = flight_find(r, session->handle);

	if (f != NULL && f->is_late && !is_over)
		return ERR_UNAVAILABLE;
	if (f == NULL) {
		if (rests(r, session->handle))
			return ERR_UNAVAILABLE;
		if (r->counts.in_flight == REFRESH_FLIGHTS ||
		    clock_mono_ms() < r->pause_until_ms)
			return ERR_LIMIT;
		f = flight_new(r, session);
		token_endpoint_refresh(
		    r->endpoint, session->refresh_token, flight_answered, f);
	}
	wait_for(f, is_over, done, arg);
	return 0;
}
