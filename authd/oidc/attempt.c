/* See attempt.h. */
#include "authd/oidc/attempt.h"

#include <stdio.h>
#include <string.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/secret.h"

#include "authd/keys.h"
#include "authd/oidc/oidc.h"
#include "authd/throttle.h"

_Static_assert(ATTEMPT_REFERENCE_LEN <= MSG_REFERENCE_MAX, "fits");

static const struct refusal not_offered = {
	.code = LOGIN_NOT_OFFERED,
	.reason = "Signing in through an identity provider is not offered "
		  "here.",
	.subject = "auth.strategy",
	.log = "is not openid",
};
static const struct refusal no_keys = {
	.code = LOGIN_UNAVAILABLE,
	.reason = "Signing in is not possible at the moment: try again later.",
	.subject = "secretd",
	.log = "has given no session keys",
};
static const struct refusal throttled = {
	.code = LOGIN_BUSY,
	.reason = "Too many sign-ins failed: wait a little and try again.",
	.subject = "this attempt",
	.log = "has to wait: its address, or all together, failed too often",
};
static const struct refusal crowded = {
	.code = LOGIN_BUSY,
	.reason = "Too many people are signing in at the moment: try again in "
		  "a few seconds.",
	.subject = "this attempt",
	.log = "is one too many at the same time",
};

void
attempt_begin(struct attempt *t, struct chan *ch, uint64_t id,
    void (*release)(struct attempt *t))
{
	t->authd = chan_ctx(ch);
	t->oidc = t->authd->oidc;
	t->release = release;
	pending_add(t->authd, &t->pending, ch, id);
	if (t->oidc == NULL)
		return;
	TAILQ_INSERT_TAIL(&t->oidc->attempts, t, link);
	t->oidc->n_attempts++;
}

void
attempt_end(
    struct attempt *t, enum msg_type type, const struct wire_writer *body)
{
	pending_reply(t->authd, &t->pending, type, body);
	if (t->oidc != NULL) {
		TAILQ_REMOVE(&t->oidc->attempts, t, link);
		t->oidc->n_attempts--;
	}
	t->release(t);
}

bool
attempt_is_over(struct attempt *t)
{
	if (t->pending.ch != NULL)
		return false;
	log_debug("a login was given up: its frontend is gone");
	attempt_end(t, MSG_NONE, NULL);
	return true;
}

bool
attempt_is_hindered(const struct attempt *t, struct refusal *why)
{
	if (t->oidc == NULL)
		*why = not_offered;
	else if (!keys_ready(t->authd->keys))
		*why = no_keys;
	else if (!throttle_allows(
		     t->authd->throttle, slice_of(t->client), clock_mono_ms()))
		*why = throttled;
	else if (t->oidc->n_attempts > OIDC_LOGINS_MAX)
		*why = crowded;
	else
		return false;
	return true;
}

/* Letters and digits that nobody mistakes for others when reading them out
 * (RFC 4648 section 6). */
static void
reference_make(char reference[ATTEMPT_REFERENCE_LEN + 1])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t bytes[ATTEMPT_REFERENCE_LEN];

	secret_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		reference[i] = alphabet[bytes[i] % 32];
	reference[ATTEMPT_REFERENCE_LEN] = '\0';
}

static void
audit_refusal(
    const struct attempt *t, const struct refusal *why, const char *reference)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Login failed");
	audit_str(&a, "user", why->user);
	audit_str(&a, "client", t->client);
	audit_str(&a, "reason", authd_login_code_name(why->code));
	audit_str(&a, "reference", reference);
	audit_end(&a);
}

/* For `doorward status`. What clients bring upon themselves does not hide there
 * what is wrong for everybody. */
static void
count_refusal(struct oidc *o, const struct refusal *why, const char *text)
{
	o->refused[why->code]++;
	if (why->by_client || why->code == LOGIN_BUSY)
		return;
	o->refusal_s = clock_unix_s();
	(void)snprintf(o->refusal, sizeof(o->refusal), "%s", text);
}

void
attempt_refused(struct attempt *t, const struct refusal *why,
    char reference[ATTEMPT_REFERENCE_LEN + 1])
{
	bool detailed = why->detail != NULL && why->detail[0] != '\0';
	char text[OIDC_REFUSAL_MAX];

	reference_make(reference);
	t->authd->logins_failed++;
	(void)snprintf(text, sizeof(text), "%.100s %.300s%s%.320s",
	    why->subject, why->log, detailed ? ": " : "",
	    detailed ? why->detail : "");
	if (t->oidc != NULL)
		count_refusal(t->oidc, why, text);
	log_warn("Authentication rejected: %s (reference %s, client %s)", text,
	    reference, t->client);
	audit_refusal(t, why, reference);
	if (why->by_client)
		(t->redeemed ? throttle_failed : throttle_failed_here)(
		    t->authd->throttle, slice_of(t->client), clock_mono_ms());
}
