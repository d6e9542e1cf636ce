/*
 * The second half of the callback: a person whom the provider has named becomes
 * a session, or does not.
 */
#include "authd/oidc/callback_internal.h"

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/settings.h"

#include "authd/checks.h"
#include "authd/oidc/person.h"
#include "authd/policy.h"
#include "authd/revoke.h"
#include "authd/session.h"

/* --- the session --- */

/* Its cookie reaches nobody: it must not stay. */
static void
take_back(struct callback *c)
{
	uint8_t handle[MSG_HANDLE_LEN];

	ticket_handle(handle, slice_of(c->session));
	(void)!sessions_delete(c->attempt.authd->sessions, handle);
}

/* all: an egress that has not acknowledged keeps the old session's lease for
 * some seconds; logout answers the same. */
static void
old_is_revoked(bool all, void *arg)
{
	struct callback *c = arg;

	if (!all)
		log_warn("the session that a login replaced may be served for "
			 "some seconds: egress has not acknowledged");
	if (c->attempt.pending.ch == NULL)
		take_back(c);
	if (!attempt_is_over(&c->attempt))
		callback_succeed(c);
}

static void
audit_replaced(const struct callback *c, const char *user)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Session ended");
	audit_str(&a, "user", user);
	audit_str(&a, "client", c->attempt.client);
	audit_str(&a, "reason", "replaced by a new login");
	audit_end(&a);
}

const struct refusal callback_not_stored = {
	.code = LOGIN_UNAVAILABLE,
	.reason = "Signing in is not possible at the moment: try again later.",
	.subject = "the session",
	.log = "cannot be stored",
};

static void
old_is_deleted(
    struct callback *c, const uint8_t handle[MSG_HANDLE_LEN], const char *user)
{
	struct authd *a = c->attempt.authd;

	a->sessions_ended++;
	audit_replaced(c, user);
	revokes_push(a->revokes, REVOKE_SESSION, handle, old_is_revoked, c);
}

/* Its tokens are not revoked: a provider that gives them up gives up all that
 * came of the same consent (RFC 7009 2.1), the new session's among them. */
static void
replace_old(struct callback *c)
{
	struct authd *a = c->attempt.authd;
	struct session old = { .end = 0 };
	uint8_t handle[MSG_HANDLE_LEN];
	int r = ERR_NOT_FOUND;

	ticket_handle(handle, slice_of(c->old));
	/* Only for its name: one that is over or does not open ends as well. */
	if (c->old[0] != '\0')
		(void)!sessions_find(a->sessions, handle, &old);
	if (c->old[0] != '\0')
		r = sessions_delete(a->sessions, handle);
	if (r == 0) {
		old_is_deleted(c, handle, old.who.user);
	} else if (r == ERR_NOT_FOUND) {
		callback_succeed(c);
	} else { /* the cookie that is replaced would live on */
		take_back(c);
		callback_refuse(c, callback_not_stored);
	}
	session_wipe(&old);
}

static const struct refusal over_already = {
	.code = LOGIN_EXPIRED,
	.reason = "What the identity provider gave has expired already. Please "
		  "sign in again; if that does not help, a clock is wrong.",
	.subject = "the provider's token",
	.log = "has expired already; are the clocks right",
};
static const struct refusal too_big = {
	.code = LOGIN_UNAVAILABLE,
	.reason = "The identity provider's tokens are too big for this site. "
		  "Tell your administrator.",
	.subject = "one of the provider's tokens",
	.log = "is longer than 16384 bytes; leave claims out of it, groups "
	       "most of all",
};
static const struct refusal too_late = {
	.code = LOGIN_UNAVAILABLE,
	.reason = "Signing in took too long: the identity provider or the "
		  "cluster is slow at the moment. Try again in a minute.",
	.subject = "the login",
	.log = "took longer than a frontend waits",
};

static void
make_session(struct callback *c)
{
	const struct session_facts facts = {
		.who = &c->who,
		.token = callback_api_token(c),
		.token_end = c->token_end,
		.issuer = callback_settings(c)->issuer,
		.subject = c->subject,
		.sid = c->sid,
		.id_token = slice_of(c->id_token),
		.access_token = slice_of(c->access_token),
		.refresh_token = slice_of(c->refresh_token),
	};
	int r;

	/* Nobody would take its cookie. */
	if (clock_mono_ms() >= c->by_ms) {
		callback_refuse(c, too_late);
		return;
	}
	r = sessions_create(
	    c->attempt.authd->sessions, &facts, c->session, &c->end);
	if (r == ERR_EXPIRED)
		callback_refuse(c, over_already);
	else if (r == ERR_LIMIT)
		callback_refuse(c, too_big);
	else if (r != 0)
		callback_refuse(c, callback_not_stored);
	else
		replace_old(c);
}

/* --- the cluster --- */

/* Of a verdict on the token, what is not true of one that the provider gave is
 * said otherwise. */
static struct refusal
cluster_refusal(const struct callback *c, const struct token_result *result)
{
	struct refusal why = {
		.code = result->code,
		.reason = result->reason,
		.subject = "the cluster",
		.log = authd_login_code_name(result->code),
		.user = c->who.user,
	};

	if (result->code == LOGIN_REJECTED || result->code == LOGIN_EXPIRED) {
		why.reason = "The cluster does not accept the identity "
			     "provider's token: the API server's OIDC settings "
			     "have to fit. Tell your administrator.";
		why.log = "does not accept the provider's token: check the API "
			  "server's OIDC settings (issuer, client id), "
			  "auth.openid.api_token, or set disable_rbac";
	} else if (result->code == LOGIN_NO_NAMESPACE) {
		why.log = "shows no namespace to this account";
	} else if (result->code == LOGIN_UNAVAILABLE) {
		why.log = "cannot be asked about the token";
	}
	return why;
}

static void
cluster_said(const struct token_result *result, void *arg)
{
	struct callback *c = arg;

	if (attempt_is_over(&c->attempt))
		return;
	if (result->code != LOGIN_OK) {
		callback_refuse(c, cluster_refusal(c, result));
		return;
	}
	if (result->expires != 0 && result->expires < c->token_end)
		c->token_end = result->expires;
	make_session(c);
}

static void
ask_cluster(struct callback *c)
{
	static const struct refusal busy = {
		.code = LOGIN_BUSY,
		.reason = "Too many logins are being checked at the moment. "
			  "Try again in a few seconds.",
		.subject = "the cluster",
		.log = "is being asked about too many tokens already",
	};
	uint8_t handle[MSG_HANDLE_LEN];

	if (callback_settings(c)->disable_rbac) {
		make_session(c);
		return;
	}
	ticket_handle(handle, callback_api_token(c));
	if (checks_ask(c->attempt.authd->checks, handle, callback_api_token(c),
		CHECK_GUEST, cluster_said, c) != 0)
		callback_refuse(c, busy);
}

/* --- the person --- */

static struct refusal
person_refusal(const struct callback *c, enum person_fault fault)
{
	return (struct refusal){
		.code = fault == PERSON_DOMAIN || fault == PERSON_NO_DOMAIN
		    ? LOGIN_FORBIDDEN
		    : LOGIN_REJECTED,
		.reason = person_person(fault),
		.subject = "the account",
		.log = person_log(fault),
		.user = c->who.user[0] != '\0' ? c->who.user : NULL,
		.by_client = true,
	};
}

void
callback_admit(struct callback *c, const json_t *userinfo)
{
	const struct refusal not_allowed = {
		.code = LOGIN_FORBIDDEN,
		.reason = "This account may not sign in here. Ask your "
			  "administrator for access.",
		.subject = "the account",
		.log = "is not in doorward.openid.allow",
		.user = c->who.user,
		.by_client = true,
	};
	struct person_rules rules = callback_person_rules(c);
	size_t left_out = 0;
	enum person_fault fault =
	    person_read(c->claims, userinfo, &rules, &c->who, &left_out);

	if (left_out > 0)
		log_warn("%zu groups of %.100s are left out: malformed, "
			 "reserved, or too many",
		    left_out, c->who.user);
	if (fault != PERSON_OK)
		callback_refuse(c, person_refusal(c, fault));
	else if (!policy_lets_in(c->attempt.authd->settings, &c->who))
		callback_refuse(c, not_allowed);
	else
		ask_cluster(c);
}
