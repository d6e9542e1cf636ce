/*
 * New tokens for a session before its old ones end (RFC 6749 6, OpenID Connect
 * Core 12). At most one refresh of a session is in flight, whoever asks joins
 * it: a provider that gives a new refresh token each time would else see an old
 * one again, take that for theft and end the session.
 *
 *   due -> flight: token endpoint -> id_token verified -> store -> DONE
 *             |          |                 |                |
 *             |          | invalid_grant   | not good       | gone meanwhile
 *             |          v                 v                v
 *             |        ENDED            FAILED            GONE: fresh tokens
 *             v                            |                    revoked
 *         LIMIT, UNAVAILABLE <- rests <----+
 *
 * New tokens are on the disk before anybody hears of them. A process that dies
 * between the provider's answer and that write leaves a spent refresh token in
 * the session, which ends at its next refresh (ENDED) if the provider gives a
 * new one each time: the person signs in again.
 *
 * Who has good tokens and has waited for REFRESH_PATIENCE_MS hears LATE and
 * goes on with them; the flight goes on, too.
 *
 * Sessions that nobody uses are not refreshed.
 */
#ifndef AUTHD_OIDC_REFRESH_H
#define AUTHD_OIDC_REFRESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"

struct authd;
struct provider;
struct refreshes;
struct session;
struct token_endpoint;

#define REFRESH_FLIGHTS 24   /* so that logins find connections, too */
#define REFRESH_RESTING 1024 /* sessions whose refresh failed just now */
#define REFRESH_REST_MS 5000 /* after which it is tried again */
/* After a provider could not be reached nobody else tries for so long. */
#define REFRESH_PAUSE_MS 1000
/* For so long an answer is waited for with tokens that are still good; egress
 * does not wait as long as a provider may take. */
#define REFRESH_PATIENCE_MS 2000

enum refresh_outcome {
	REFRESH_DONE,	/* the session has new tokens */
	REFRESH_FAILED, /* it has the old ones, for as long as they are good */
	REFRESH_LATE,	/* the same, and the answer may still come */
	REFRESH_ENDED,	/* it is over: the provider refuses to go on */
	REFRESH_GONE	/* somebody has ended it meanwhile */
};
typedef void refresh_done_fn(enum refresh_outcome outcome, void *arg);

/* All borrowed. */
struct refreshes *refreshes_new(struct authd *a, struct provider *provider,
    struct token_endpoint *endpoint);
/* When provider and endpoint are freed; before the sessions. Who waits is not
 * told. NULL allowed. */
void refreshes_free(struct refreshes *r);

/* The session's tokens end within the margin (doorward.openid.refresh_margin,
 * at most half of their life), or have, and can be refreshed. r: NULL, then
 * never. */
bool refresh_is_due(const struct refreshes *r, const struct session *session);
/* Refreshes, or joins. done comes exactly once, from the loop, later than this
 * call; the session is to be looked up again then. ERR_UNAVAILABLE: it failed
 * or brought nothing new just now, or is late while the tokens are good;
 * ERR_LIMIT: too many at this moment; done will not be called. */
int refresh_ask(struct refreshes *r, const struct session *session,
    refresh_done_fn *done, void *arg) __attribute__((warn_unused_result));

/* Since the start, and now, for the control tool. */
struct refresh_counts {
	uint64_t done, failed, ended;
	size_t in_flight;
};
struct refresh_counts refresh_counts(const struct refreshes *r);

#endif
