/*
 * The provider's word that sessions are over, by either channel, until it is
 * answered; for end.c, backchannel.c and frontchannel.c.
 */
#ifndef AUTHD_OIDC_NOTICE_H
#define AUTHD_OIDC_NOTICE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/msg.h"

#include "authd/authd.h"

struct notice {
	struct pending pending; /* first */
	TAILQ_ENTRY(notice) link;
	struct authd *authd;
	size_t n; /* sessions that it ended */
	char client[MSG_CLIENT_MAX + 1];
	size_t token_len; /* of the logout token; 0: front channel */
	char token[];
};

/* In the list of those whose token is being read, and out of it. */
void notice_add(struct notice *n);
void notice_remove(struct notice *n);
void notices_free(struct oidc *o);

/* Ends the sessions that sid or, without one, subject names, and writes it to
 * the audit trail. done is called once, maybe from within this call, when every
 * egress has acknowledged (all) or did not in time. Not 0: the store failed,
 * done is not called. by: "back channel". */
struct notice_of {
	const char *sid, *subject, *user, *by;
};
int notice_end(struct notice *n, const struct notice_of *whom,
    void (*done)(bool all, void *n)) __attribute__((warn_unused_result));

#endif
