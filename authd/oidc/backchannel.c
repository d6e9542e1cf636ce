/* MSG_OIDC_BACKCHANNEL; see end.h. */
#include "authd/oidc/end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"

#include "authd/oidc/notice.h"
#include "authd/oidc/oidc.h"
#include "authd/oidc/provider.h"
#include "authd/session.h"

static const char reason_not_offered[] =
    "Doorward does not use an OpenID provider here.";
static const char reason_busy[] = "Too many logout tokens at a time.";
static const char reason_key[] =
    "The key of the logout token is not known at the moment.";
static const char reason_token[] =
    "The logout token is not acceptable; Doorward's log says why.";
static const char reason_used[] = "This logout token was used before.";
static const char reason_subject[] =
    "The logout token names a session of somebody else than sub.";
static const char reason_store[] = "The sessions could not be ended.";
static const char reason_late[] =
    "The sessions are ended, but not all of Doorward has confirmed it.";

static void
answer(struct notice *n, enum login_code code, const char *reason)
{
	uint8_t buf[1 + 2 + MSG_REASON_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, (uint8_t)code);
	wire_put_text(&w, reason);
	pending_reply(n->authd, &n->pending, MSG_OIDC_BACKCHANNEL_RESULT, &w);
	free(n);
}

/* log completes "The logout token ...". */
static void
refuse(
    struct notice *n, enum login_code code, const char *reason, const char *log)
{
	static struct log_rate rate;

	log_limited(&rate, 1000, LOG_LEVEL_WARN,
	    "back-channel logout refused: the logout token %s client=%s", log,
	    n->client);
	answer(n, code, reason);
}

static void
ended(bool all, void *arg)
{
	answer(arg, all ? LOGIN_OK : LOGIN_UNAVAILABLE, all ? "" : reason_late);
}

/* Of the sessions that a token names, as far as they open. */
struct found {
	const char *subject; /* that they must be of; "" anybody's */
	bool other;
	char user[MSG_USER_MAX + 1]; /* of one of them */
};

static void
visit(const struct session *session, void *arg)
{
	struct found *f = arg;

	if (f->subject[0] != '\0' && strcmp(session->subject, f->subject) != 0)
		f->other = true;
	(void)snprintf(f->user, sizeof(f->user), "%s", session->who.user);
}

static void
end_sessions(struct notice *n, const struct logout_token *t)
{
	struct authd *a = n->authd;
	const char *issuer = a->settings->openid.issuer;
	struct found found = { .subject = t->subject };
	struct notice_of whom = { .sid = t->sid,
		.subject = t->subject,
		.user = found.user,
		.by = "their provider ended them (back channel)" };

	if (t->sid[0] != '\0')
		sessions_visit_sid(a->sessions, issuer, t->sid, visit, &found);
	else
		sessions_visit_subject(
		    a->sessions, issuer, t->subject, visit, &found);
	if (found.other)
		refuse(n, LOGIN_REJECTED, reason_subject,
		    "names a session of another person than its sub");
	else if (notice_end(n, &whom, ended) != 0)
		answer(n, LOGIN_UNAVAILABLE, reason_store);
}

/* Once only (Back-Channel Logout 2.6, 7): whoever has seen the token could end
 * the person's later sessions with it. */
static int
use_token(struct authd *a, const struct logout_token *t)
{
	char *kind =
	    mem_printf("logout token of %s", a->settings->openid.issuer);
	int r = sessions_use_once(a->sessions, kind, slice_of(t->id), t->last);

	free(kind);
	return r;
}

static void
on_read(enum id_token_fault fault, const struct logout_token *t, void *arg)
{
	struct notice *n = arg;
	struct authd *a = n->authd;
	int r;

	notice_remove(n);
	if (fault != ID_TOKEN_OK) {
		/* The key may be there when the provider tries again. */
		refuse(n,
		    fault == ID_TOKEN_NO_KEY ? LOGIN_UNAVAILABLE
					     : LOGIN_REJECTED,
		    fault == ID_TOKEN_NO_KEY ? reason_key : reason_token,
		    id_token_log(fault));
		return;
	}
	r = use_token(a, t);
	if (r == ERR_EXISTS)
		refuse(n, LOGIN_REJECTED, reason_used, "was used before (jti)");
	else if (r != 0)
		refuse(n, LOGIN_UNAVAILABLE, reason_store,
		    "could not be remembered (jti)");
	else
		end_sessions(n, t);
}

static void
on_provider(int err, void *arg)
{
	struct notice *n = arg;

	if (err == 0) {
		provider_read_logout_token(n->authd->oidc->provider,
		    (struct slice){ n->token, n->token_len }, on_read, n);
		return;
	}
	notice_remove(n);
	refuse(n, LOGIN_UNAVAILABLE, reason_key,
	    "cannot be verified while the provider does not answer");
}

int
handle_oidc_backchannel(struct chan *ch, struct chan_in *in)
{
	struct slice token = wire_get_bytes(&in->body, MSG_TOKEN_MAX);
	struct slice client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	struct authd *a = chan_ctx(ch);
	struct notice *n;

	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	n = mem_new(sizeof(*n) + token.len);
	n->authd = a;
	n->token_len = token.len;
	if (token.len > 0)
		memcpy(n->token, token.p, token.len);
	(void)!slice_copy(client, n->client, sizeof(n->client));
	pending_add(a, &n->pending, ch, in->id);
	if (a->oidc == NULL) {
		answer(n, LOGIN_REJECTED, reason_not_offered);
	} else if (a->oidc->n_notices >= OIDC_NOTICES_MAX) {
		answer(n, LOGIN_UNAVAILABLE, reason_busy);
	} else {
		notice_add(n);
		provider_need(a->oidc->provider, on_provider, n);
	}
	return 0;
}
