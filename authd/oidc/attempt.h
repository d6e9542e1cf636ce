/*
 * What the two halves of a login through the provider have in common: whose it
 * is, and how it is refused. Each half is one message of the frontend, and ends
 * with one answer.
 */
#ifndef AUTHD_OIDC_ATTEMPT_H
#define AUTHD_OIDC_ATTEMPT_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/msg.h"
#include "common/wire.h"

#include "authd/authd.h"

#define ATTEMPT_REFERENCE_LEN 10 /* characters */

struct oidc;

struct attempt {
	struct pending pending; /* first */
	TAILQ_ENTRY(attempt) link;
	struct oidc *oidc; /* NULL: the strategy is another one */
	struct authd *authd;
	/* Wipes and frees the whole. */
	void (*release)(struct attempt *t);
	char base_url[MSG_BASE_URL_MAX + 1];
	char cookie[MSG_LOGIN_COOKIE_MAX + 1]; /* of the login; "": none */
	char client[MSG_CLIENT_MAX + 1];
	bool redeemed; /* the provider was asked about it */
};

void attempt_begin(struct attempt *t, struct chan *ch, uint64_t id,
    void (*release)(struct attempt *t));
/* Answers, unless nobody waits any more, and releases. */
void attempt_end(
    struct attempt *t, enum msg_type type, const struct wire_writer *body);
/* Nobody waits any more: it has ended, without a word, and t is gone. */
bool attempt_is_over(struct attempt *t);

/* Why not. */
struct refusal {
	enum login_code code;
	const char *reason;  /* a sentence for the person */
	const char *subject; /* for the log: "the id_token", with */
	const char *log;     /* what completes the sentence; */
	const char *detail;  /* more of it, maybe the provider's words; NULL */
	const char *user;    /* NULL: not known */
	/* The client's own doing: counts against its address, and when the
	 * provider was asked against the budget of all (throttle.h). */
	bool by_client;
};
/* What stands before anything else: no keys, too many attempts. False: nothing
 * does. */
bool attempt_is_hindered(const struct attempt *t, struct refusal *why);
/* Says it to the log, the audit trail and the throttle, under a reference by
 * which the person can be found in them. */
void attempt_refused(struct attempt *t, const struct refusal *why,
    char reference[ATTEMPT_REFERENCE_LEN + 1]);

#endif
