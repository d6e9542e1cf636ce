/*
 * Logins with a token. Order of the refusals: strategy, keys, throttle, then
 * the token itself, so that nobody learns anything of a token while logins are
 * not possible.
 */
#include "authd/login.h"

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
#include "authd/session.h"
#include "authd/throttle.h"

#define RESULT_MAX 928

static const char reason_busy[] =
    "Too many login attempts: wait a little and try again.";
static const char reason_unavailable[] =
    "Logging in is not possible at the moment: try again later.";
static const char reason_not_offered[] =
    "Logging in with a token is not offered here.";
static const char reason_expired[] = "The token has expired: create a new one.";
static const char reason_empty[] = "No token was given.";

struct login {
	struct pending pending; /* first: see login_free */
	struct authd *authd;
	uint8_t handle[MSG_HANDLE_LEN]; /* of the token */
	size_t token_len;
	char client[MSG_CLIENT_MAX + 1];
	char token[]; /* wiped by login_free */
};

struct outcome {
	enum login_code code;
	char cookie[TICKET_LEN + 1]; /* "" unless OK */
	int64_t end;
	const char *user, *reason;
};

static void
login_free(struct login *l)
{
	secret_wipe(l->token, l->token_len);
	free(l);
}

static struct slice
login_token(const struct login *l)
{
	return (struct slice){ l->token, l->token_len };
}

static void
audit_outcome(const struct login *l, const struct outcome *o)
{
	struct audit a;

	audit_begin(&a,
	    o->code == LOGIN_OK ? "AUDIT: Login successful"
				: "AUDIT: Login failed");
	if (o->code == LOGIN_OK)
		audit_str(&a, "user", o->user);
	audit_str(&a, "client", l->client);
	if (o->code != LOGIN_OK)
		audit_str(&a, "reason", authd_login_code_name(o->code));
	audit_fingerprint(&a, "token", l->handle);
	audit_end(&a);
}

static void
outcome_write(struct wire_writer *w, const struct outcome *o)
{
	bool ok = o->code == LOGIN_OK;

	wire_put_u8(w, (uint8_t)o->code);
	wire_put_text(w, ok ? o->cookie : "");
	wire_put_u64(w, ok ? (uint64_t)o->end : 0);
	wire_put_text(w, ok ? o->user : "");
	wire_put_text(w, ok ? "" : o->reason);
}

/* Says how it ended to the trail, the throttle and the frontend. */
static void
login_finish(struct login *l, const struct outcome *o)
{
	struct authd *a = l->authd;
	uint8_t buf[RESULT_MAX];
	struct wire_writer w;

	if (o->code == LOGIN_OK)
		a->logins++;
	else
		a->logins_failed++;
	audit_outcome(l, o);
	wire_writer_init(&w, buf, sizeof buf);
	outcome_write(&w, o);
	pending_reply(a, &l->pending, MSG_LOGIN_RESULT, &w);
	secret_wipe(buf, sizeof buf);
	login_free(l);
}

static void
login_refuse(struct login *l, enum login_code code, const char *reason)
{
	struct outcome o = { .code = code, .reason = reason };

	login_finish(l, &o);
}

/* The token is good: make the session, unless nobody waits for its cookie. */
static void
login_succeed(struct login *l, const struct token_result *result)
{
	struct outcome o = { .code = LOGIN_OK, .user = result->who.user };
	struct session_facts facts = { .who = &result->who,
		.token = login_token(l),
		.token_end = result->expires };
	struct authd *a = l->authd;
	int r = ERR_UNAVAILABLE;

	if (l->pending.ch != NULL)
		r = sessions_create(a->sessions, &facts, o.cookie, &o.end);
	if (r == ERR_EXPIRED) {
		login_refuse(l, LOGIN_EXPIRED, reason_expired);
	} else if (r != 0) {
		login_refuse(l, LOGIN_UNAVAILABLE, reason_unavailable);
	} else {
		throttle_succeeded(a->throttle, slice_of(l->client));
		login_finish(l, &o);
	}
	secret_wipe(o.cookie, sizeof o.cookie);
}

static void
login_checked(const struct token_result *result, void *arg)
{
	struct login *l = arg;

	switch (result->code) {
	case LOGIN_OK:
		login_succeed(l, result);
		return;
	case LOGIN_EXPIRED:
	case LOGIN_REJECTED:
	case LOGIN_NO_NAMESPACE:
	case LOGIN_FORBIDDEN:
		throttle_failed(
		    l->authd->throttle, slice_of(l->client), clock_mono_ms());
		break;
	case LOGIN_UNAVAILABLE:
	case LOGIN_NOT_OFFERED:
	case LOGIN_BUSY:
	case LOGIN_CODE_COUNT:
		break;
	}
	login_refuse(l, result->code, result->reason);
}

static void
login_start(struct login *l)
{
	struct authd *a = l->authd;

	if (a->settings->strategy != STRATEGY_TOKEN &&
	    a->settings->strategy != STRATEGY_HEADER) {
		login_refuse(l, LOGIN_NOT_OFFERED, reason_not_offered);
		return;
	}
	if (!keys_ready(a->keys)) {
		login_refuse(l, LOGIN_UNAVAILABLE, reason_unavailable);
		return;
	}
	if (!throttle_allows(
		a->throttle, slice_of(l->client), clock_mono_ms())) {
		login_refuse(l, LOGIN_BUSY, reason_busy);
		return;
	}
	if (l->token_len == 0) {
		login_refuse(l, LOGIN_REJECTED, reason_empty);
		return;
	}
	/* Never from memory: whoever tries again has done something about the
	 * last answer, or waited for the cluster. */
	if (checks_ask(a->checks, l->handle, login_token(l), CHECK_GUEST,
		login_checked, l) != 0)
		login_refuse(l, LOGIN_BUSY, reason_busy);
}

int
handle_login_token(struct chan *ch, struct chan_in *in)
{
	/* A NUL is a bad token, not a bad frontend. */
	struct slice token = wire_get_bytes(&in->body, MSG_TOKEN_MAX);
	struct slice client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	struct login *l;

	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	l = mem_new(sizeof *l + token.len + 1);
	l->authd = chan_ctx(ch);
	ticket_handle(l->handle, token);
	if (token.len > 0)
		memcpy(l->token, token.p, token.len);
	l->token_len = token.len;
	(void)!slice_copy(client, l->client, sizeof l->client);
	pending_add(l->authd, &l->pending, ch, in->id);
	login_start(l);
	return 0;
}
