/* See notice.h. */
#include "authd/oidc/notice.h"

#include <stdlib.h>

#include "common/settings.h"

#include "authd/ending.h"
#include "authd/logout.h"
#include "authd/oidc/oidc.h"
#include "authd/session.h"

void
notice_add(struct notice *n)
{
	struct oidc *o = n->authd->oidc;

	TAILQ_INSERT_TAIL(&o->notices, n, link);
	o->n_notices++;
}

void
notice_remove(struct notice *n)
{
	struct oidc *o = n->authd->oidc;

	TAILQ_REMOVE(&o->notices, n, link);
	o->n_notices--;
}

void
notices_free(struct oidc *o)
{
	struct notice *n;

	while ((n = TAILQ_FIRST(&o->notices)) != NULL) {
		notice_remove(n);
		TAILQ_REMOVE(&o->authd->pending, &n->pending, link);
		free(n);
	}
}

int
notice_end(struct notice *n, const struct notice_of *whom,
    void (*done)(bool all, void *n))
{
	struct authd *a = n->authd;
	struct ending *ending = ending_new(a->revokes, done, n);
	const char *issuer = a->settings->openid.issuer;
	int r;

	if (whom->sid[0] != '\0')
		r = sessions_end_sid(
		    a->sessions, issuer, whom->sid, ending_add, ending, &n->n);
	else
		r = sessions_end_subject(a->sessions, issuer, whom->subject,
		    ending_add, ending, &n->n);
	if (r != 0) {
		ending_free(ending);
		return r;
	}
	a->sessions_ended += n->n;
	/* Anybody may ask for a sid that there is not. */
	if (n->n > 0)
		audit_sessions_ended(whom->user, n->client, whom->by, n->n);
	ending_wait(ending);
	return 0;
}
