/*
 * Leases and the whole validation behind them; see lease.h.
 *
 *   cookie: the session's row opens, is of this strategy and in its time; its
 *           tokens are refreshed when they end soon; the token in use was
 *           reviewed less than a re-check interval ago, or is now
 *   bearer: the token was reviewed less than a re-check interval ago, or is now
 *
 * SECURITY: after a refresh and after a review the session is looked up again:
 * it may have been ended meanwhile, and then nobody may pass.
 */
#include "authd/lease.h"

#include <stdlib.h>
#include <string.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/ticket.h"

#include "authd/authd.h"
#include "authd/checks.h"
#include "authd/keys.h"
#include "authd/oidc/refresh.h"
#include "authd/policy.h"
#include "authd/session.h"

#define RESULT_MAX 16949
#define LEASE_MIN_MS 1000

/* One question, until it is answered. */
struct question {
	struct pending pending;
	struct authd *authd;
	enum msg_type answer; /* MSG_LEASE_RESULT or MSG_SESSION_RESULT */
	uint8_t handle[MSG_HANDLE_LEN];
	char route[MSG_ROUTE_MAX + 1];
	char client[MSG_CLIENT_MAX + 1];
	char *token; /* of a bearer, wiped when freed */
	size_t token_len;
	uint8_t reviewed[MSG_HANDLE_LEN]; /* a session's token, by its hash */
	uint8_t brought[MSG_HANDLE_LEN];  /* the same of the token beside a
					     cookie; zeros: none */
	/* A refresh could not be had: ask again then; 0: there was none to
	 * have. */
	uint32_t refresh_in_ms;
};

/* What is known of a credential that may pass. */
struct grant {
	const struct identity *who;
	struct slice token;
	int64_t end;	       /* unix s */
	int64_t token_end;     /* the same, 0: not known */
	uint32_t review_in_ms; /* when the token is to be reviewed again */
	uint8_t key_id[MSG_KEY_ID_LEN]; /* of a cookie's session */
};

static void
question_free(struct question *q)
{
	if (q->token != NULL)
		secret_wipe(q->token, q->token_len);
	free(q->token);
	free(q);
}

/* --- answering --- */

/* The longest lease, cut where the session or its token ends and where the next
 * review is due; never so short that egress would ask for every request. */
static uint32_t
lease_ms(const struct question *q, const struct grant *g)
{
	int64_t ms = authd_lease_max_ms(q->authd->settings);
	int64_t end =
	    g->token_end != 0 && g->token_end < g->end ? g->token_end : g->end;
	int64_t left = (end - clock_unix_s()) * 1000;

	if (g->review_in_ms < ms)
		ms = g->review_in_ms > LEASE_MIN_MS ? g->review_in_ms
						    : LEASE_MIN_MS;
	if (left < ms)
		ms = left > 0 ? left : 0;
	return (uint32_t)ms;
}

static void
lease_write(struct wire_writer *w, const struct question *q, enum verdict v,
    const struct grant *g)
{
	static const uint8_t no_key[MSG_KEY_ID_LEN];
	bool allow = v == VERDICT_ALLOW;

	wire_put_u8(w, (uint8_t)v);
	wire_put_text(w, allow ? g->who->user : "");
	wire_put_slice(w, allow ? g->token : SLICE(""));
	wire_put_u32(w, allow ? lease_ms(q, g) : 0);
	wire_put_u64(w, allow ? (uint64_t)g->end : 0);
	wire_put_raw(w, q->handle, MSG_HANDLE_LEN);
	wire_put_raw(w, allow ? g->key_id : no_key, MSG_KEY_ID_LEN);
}

static void
session_result_write(
    struct wire_writer *w, enum verdict v, const struct grant *g)
{
	bool allow = v == VERDICT_ALLOW;

	wire_put_u8(w, (uint8_t)v);
	wire_put_text(w, allow ? g->who->user : "");
	wire_put_u64(w, allow ? (uint64_t)g->end : 0);
}

/* g: NULL unless the verdict is ALLOW. */
static void
question_answer(struct question *q, enum verdict v, const struct grant *g)
{
	uint8_t buf[RESULT_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	if (q->answer == MSG_LEASE_RESULT)
		lease_write(&w, q, v, g);
	else
		session_result_write(&w, v, g);
	pending_reply(q->authd, &q->pending, q->answer, &w);
	secret_wipe(buf, w.len);
	question_free(q);
}

static void
audit_forbidden(const struct question *q, const struct grant *g)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Access denied");
	audit_str(&a, "user", g->who->user);
	audit_str(&a, "client", q->client);
	audit_str(&a, "route", q->route);
	audit_str(&a, "reason", "not in the route's allow list");
	audit_end(&a);
}

/* The credential is good; may it be used here? */
static void
question_grant(struct question *q, const struct grant *g)
{
	if (q->answer != MSG_LEASE_RESULT ||
	    policy_allows(q->authd->settings, slice_of(q->route), g->who)) {
		question_answer(q, VERDICT_ALLOW, g);
		return;
	}
	audit_forbidden(q, g);
	question_answer(q, VERDICT_FORBIDDEN, NULL);
}

/* What a check of the token means for who asked. */
static enum verdict
verdict_of(enum login_code code)
{
	switch (code) {
	case LOGIN_OK:
		return VERDICT_ALLOW;
	case LOGIN_EXPIRED:
		return VERDICT_EXPIRED;
	case LOGIN_REJECTED:
	case LOGIN_NO_NAMESPACE:
		return VERDICT_REJECTED;
	case LOGIN_FORBIDDEN:
		return VERDICT_FORBIDDEN;
	case LOGIN_UNAVAILABLE:
	case LOGIN_NOT_OFFERED:
	case LOGIN_BUSY:
	case LOGIN_CODE_COUNT:
		break;
	}
	return VERDICT_UNAVAILABLE;
}

static enum verdict
verdict_of_find(int err)
{
	switch (err) {
	case ERR_NOT_FOUND:
		return VERDICT_NO_SESSION;
	case ERR_EXPIRED:
		return VERDICT_EXPIRED;
	default:
		return VERDICT_UNAVAILABLE;
	}
}

/* --- cookies --- */

/* who: the session's own, or as a review just now had it. */
static void
cookie_allow(struct question *q, struct session *session,
    const struct identity *who, uint32_t review_in_ms)
{
	struct grant g = { .who = who,
		.token = session->token,
		.end = session->end,
		.token_end = session->token_end,
		.review_in_ms = review_in_ms };

	if (q->refresh_in_ms != 0 && q->refresh_in_ms < review_in_ms)
		g.review_in_ms = q->refresh_in_ms;
	memcpy(g.key_id, session->key_id, sizeof g.key_id);
	sessions_use(q->authd->sessions, session);
	question_grant(q, &g);
}

/* The session's token is of no use any more: it ends here. */
static void
cookie_end(struct question *q, const struct session *session,
    const char *reason, enum verdict verdict)
{
	/* A row that stays by mistake is refused again at its next use. */
	(void)!sessions_delete(q->authd->sessions, q->handle);
	authd_session_ended(q->authd, q->handle, session->who.user, reason);
	question_answer(q, verdict, NULL);
}

/* A provider says who somebody is, the cluster only what it lets them see. */
static const struct identity *
reviewed_as(const struct session *session, const struct token_result *result)
{
	return session->strategy == STRATEGY_OPENID ? &session->who
						    : &result->who;
}

static void
cookie_decide(struct question *q, struct session *session,
    const struct token_result *result, uint32_t review_in_ms)
{
	enum verdict verdict = verdict_of(result->code);

	switch (verdict) {
	case VERDICT_ALLOW:
		cookie_allow(
		    q, session, reviewed_as(session, result), review_in_ms);
		return;
	case VERDICT_EXPIRED:
	case VERDICT_REJECTED:
	case VERDICT_FORBIDDEN:
		cookie_end(
		    q, session, authd_login_code_name(result->code), verdict);
		return;
	case VERDICT_NO_SESSION:
	case VERDICT_UNAVAILABLE:
	case VERDICT_COUNT:
		break;
	}
	question_answer(q, VERDICT_UNAVAILABLE, NULL);
}

static void cookie_review(struct question *q, struct session *session);

static void
cookie_reviewed(const struct token_result *result, void *arg)
{
	struct question *q = arg;
	uint8_t token_handle[MSG_HANDLE_LEN];
	struct session session;
	int r = sessions_find(q->authd->sessions, q->handle, &session);

	if (r != 0) {
		question_answer(q, verdict_of_find(r), NULL);
		return;
	}
	ticket_handle(token_handle, session.token);
	/* Another one by now: a refresh that others asked for. */
	if (memcmp(token_handle, q->reviewed, sizeof token_handle) != 0)
		cookie_review(q, &session);
	else
		cookie_decide(q, &session, result,
		    authd_lease_max_ms(q->authd->settings));
	session_wipe(&session);
}

/* Is there anybody who could say that a session's token is not good any more?
 * Offline and without RBAC all that can change is the time, and neither a
 * lease nor a session is longer than the token's. */
static bool
is_reviewed(const struct settings *s)
{
	if (s->strategy == STRATEGY_OPENID)
		return !s->openid.disable_rbac;
	return s->jwks_file[0] == '\0';
}

/* Found, in its time, its tokens as fresh as can be: does the cluster still
 * accept the one in use? */
static void
cookie_review(struct question *q, struct session *session)
{
	struct authd *a = q->authd;
	const struct token_result *known;

	if (!is_reviewed(a->settings)) {
		cookie_allow(q, session, &session->who, UINT32_MAX);
		return;
	}
	ticket_handle(q->reviewed, session->token);
	known = checks_known(a->checks, q->reviewed);
	if (known != NULL)
		cookie_decide(
		    q, session, known, checks_known_ms(a->checks, q->reviewed));
	else if (checks_ask(a->checks, q->reviewed, session->token,
		     CHECK_SESSION, cookie_reviewed, q) != 0)
		question_answer(q, VERDICT_UNAVAILABLE, NULL);
}

static bool
token_is_over(const struct session *session)
{
	return session->token_end != 0 && session->token_end <= clock_unix_s();
}

/* What was tried is all that can be done. */
static void
cookie_go_on(struct question *q, struct session *session)
{
	if (token_is_over(session))
		cookie_end(q, session,
		    "its tokens have ended and could not be "
		    "refreshed",
		    VERDICT_EXPIRED);
	else
		cookie_review(q, session);
}

/* New tokens may be had in a moment, and then the session goes on. */
static void
cookie_go_on_for_now(struct question *q, struct session *session)
{
	if (token_is_over(session))
		question_answer(q, VERDICT_UNAVAILABLE, NULL);
	else
		cookie_review(q, session);
}

static void
cookie_refreshed(enum refresh_outcome outcome, void *arg)
{
	struct question *q = arg;
	struct session session;
	int r;

	if (outcome == REFRESH_ENDED || outcome == REFRESH_GONE) {
		question_answer(q,
		    outcome == REFRESH_ENDED ? VERDICT_REJECTED
					     : VERDICT_NO_SESSION,
		    NULL);
		return;
	}
	r = sessions_find(q->authd->sessions, q->handle, &session);
	if (r != 0) {
		question_answer(q, verdict_of_find(r), NULL);
		return;
	}
	if (outcome == REFRESH_FAILED || outcome == REFRESH_LATE)
		q->refresh_in_ms = REFRESH_REST_MS;
	if (outcome == REFRESH_LATE)
		cookie_go_on_for_now(q, &session);
	else
		cookie_go_on(q, &session);
	session_wipe(&session);
}

/* Found and in its time. Tokens that end soon are refreshed first. */
static void
cookie_refresh(struct question *q, struct session *session)
{
	struct refreshes *r = q->authd->refreshes;

	if (refresh_is_due(r, session)) {
		if (refresh_ask(r, session, cookie_refreshed, q) == 0)
			return;
		q->refresh_in_ms = REFRESH_REST_MS;
	}
	cookie_go_on_for_now(q, session);
}

/* With the strategy header a cookie only says whose token it is that comes with
 * every request: beside another token, or for access, it says nothing. */
static bool
is_brought(const struct question *q, const struct session *session)
{
	uint8_t handle[MSG_HANDLE_LEN];

	if (q->authd->settings->strategy != STRATEGY_HEADER)
		return true;
	ticket_handle(handle, session->token);
	return memcmp(handle, q->brought, sizeof handle) == 0;
}

static void
cookie_start(struct question *q, struct slice cookie)
{
	struct session session;
	int r;

	if (q->authd->settings->strategy == STRATEGY_ANONYMOUS ||
	    cookie.len != TICKET_LEN) {
		question_answer(q, VERDICT_NO_SESSION, NULL);
		return;
	}
	ticket_handle(q->handle, cookie);
	r = sessions_find(q->authd->sessions, q->handle, &session);
	if (r != 0) {
		question_answer(q, verdict_of_find(r), NULL);
		return;
	}
	if (is_brought(q, &session))
		cookie_refresh(q, &session);
	else
		question_answer(q, VERDICT_NO_SESSION, NULL);
	session_wipe(&session);
}

/* --- bearer tokens --- */

static void
audit_denied(const struct question *q, const struct token_result *result)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Access denied");
	audit_str(&a, "client", q->client);
	audit_str(&a, "reason", authd_login_code_name(result->code));
	audit_fingerprint(&a, "token", q->handle);
	audit_end(&a);
}

static void
bearer_decide(struct question *q, const struct token_result *result,
    uint32_t review_in_ms)
{
	struct grant g = { .who = &result->who,
		.token = { q->token, q->token_len },
		.end = result->expires,
		.review_in_ms = review_in_ms };

	/* A token without an end may be used as long as a session would. */
	if (g.end == 0)
		g.end = clock_unix_s() + q->authd->settings->expiration_s;
	if (result->code == LOGIN_OK)
		question_grant(q, &g);
	else
		question_answer(q, verdict_of(result->code), NULL);
}

static void
bearer_reviewed(const struct token_result *result, void *arg)
{
	struct question *q = arg;

	if (result->code != LOGIN_OK)
		audit_denied(q, result);
	bearer_decide(q, result, authd_lease_max_ms(q->authd->settings));
}

static void
bearer_start(struct question *q, struct slice token)
{
	struct authd *a = q->authd;
	const struct token_result *known;

	if ((a->settings->strategy != STRATEGY_TOKEN &&
		a->settings->strategy != STRATEGY_HEADER) ||
	    token.len == 0) {
		question_answer(q, VERDICT_NO_SESSION, NULL);
		return;
	}
	/* Without keys nobody passes: one rule for cookies and tokens. */
	if (!keys_ready(a->keys)) {
		question_answer(q, VERDICT_UNAVAILABLE, NULL);
		return;
	}
	ticket_handle(q->handle, token);
	q->token = mem_new(token.len);
	memcpy(q->token, token.p, token.len);
	q->token_len = token.len;
	known = checks_known(a->checks, q->handle);
	if (known != NULL)
		bearer_decide(q, known, checks_known_ms(a->checks, q->handle));
	else if (checks_ask(a->checks, q->handle, token, CHECK_GUEST,
		     bearer_reviewed, q) != 0)
		question_answer(q, VERDICT_UNAVAILABLE, NULL);
}

/* --- messages --- */

static struct question *
question_new(struct chan *ch, const struct chan_in *in, enum msg_type answer)
{
	struct question *q = mem_new(sizeof *q);

	q->authd = chan_ctx(ch);
	q->answer = answer;
	pending_add(q->authd, &q->pending, ch, in->id);
	return q;
}

int
handle_lease(struct chan *ch, struct chan_in *in)
{
	uint8_t kind = wire_get_u8(&in->body);
	struct slice value = wire_get_bytes(&in->body, MSG_TOKEN_MAX);
	struct slice route = wire_get_text(&in->body, MSG_ROUTE_MAX);
	struct slice client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	struct question *q;

	if (wire_end(&in->body) != 0 || kind >= CREDENTIAL_COUNT)
		return ERR_PROTOCOL;
	q = question_new(ch, in, MSG_LEASE_RESULT);
	(void)!slice_copy(route, q->route, sizeof q->route);
	(void)!slice_copy(client, q->client, sizeof q->client);
	if (kind == CREDENTIAL_COOKIE)
		cookie_start(q, value);
	else
		bearer_start(q, value);
	return 0;
}

int
handle_session(struct chan *ch, struct chan_in *in)
{
	struct slice cookie = wire_get_bytes(&in->body, MSG_COOKIE_MAX);
	struct slice token = wire_get_bytes(&in->body, MSG_TOKEN_MAX);
	struct question *q;

	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	q = question_new(ch, in, MSG_SESSION_RESULT);
	if (token.len > 0)
		ticket_handle(q->brought, token);
	cookie_start(q, cookie);
	return 0;
}
