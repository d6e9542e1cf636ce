/*
 * Sentences for people; see the header.
 */
#include "authd/verdict.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/settings.h"

static void
set(struct token_result *r, enum login_code code, const char *reason)
{
	r->code = code;
	r->expires = 0;
	r->who = (struct identity){ .groups_len = 0 };
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

/* what, then how to make a new token; without the latter when names are so long
 * that it does not fit. */
static void
set_with_command(struct token_result *r, const struct settings *s,
    enum login_code code, const char *what)
{
	char text[sizeof(r->reason)];
	int n = snprintf(text, sizeof(text),
	    "%s Make a new one: kubectl -n %s create token %s", what,
	    s->deployment_namespace, s->service_account);

	set(r, code, n < (int)sizeof(text) ? text : what);
}

void
verdict_ok(struct token_result *r, int64_t expires)
{
	r->code = LOGIN_OK;
	r->expires = expires;
	r->reason[0] = '\0';
}

void
verdict_expired(
    struct token_result *r, const struct settings *s, int64_t expired)
{
	char date[CLOCK_HTTP_LEN + 1], what[80];

	clock_http_date(date, expired);
	snprintf(what, sizeof(what), "This token expired on %s.", date);
	set_with_command(r, s, LOGIN_EXPIRED, what);
}

void
verdict_rejected(struct token_result *r, const struct settings *s)
{
	set_with_command(
	    r, s, LOGIN_REJECTED, "The cluster did not accept this token.");
}

void
verdict_refused(
    struct token_result *r, const struct settings *s, const char *why)
{
	char what[128];

	snprintf(what, sizeof(what), "The token %s.", why);
	set_with_command(r, s, LOGIN_REJECTED, what);
}

void
verdict_malformed(struct token_result *r, const struct settings *s)
{
	set_with_command(r, s, LOGIN_REJECTED,
	    "This is not a Kubernetes token: paste the whole token and "
	    "nothing else.");
}

void
verdict_no_namespace(struct token_result *r)
{
	set(r, LOGIN_NO_NAMESPACE,
	    "This account sees no namespace. Ask for the right to list "
	    "namespaces, or to get at least one of those that are shown here "
	    "(for instance the role view in it).");
}

void
verdict_unavailable(struct token_result *r)
{
	set(r, LOGIN_UNAVAILABLE,
	    "The cluster cannot be asked at the moment. Try again in a minute; "
	    "if it stays like this, tell your administrator.");
}

void
verdict_busy(struct token_result *r)
{
	set(r, LOGIN_BUSY,
	    "Too many logins are being checked at the moment. Try again in a "
	    "few seconds.");
}
