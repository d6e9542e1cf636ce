/*
 * Is this bearer token good, and whose is it? The one question that authd asks
 * for a login, for a session's re-check and for an API client. The answer
 * comes from the cluster (kube.h decides what to ask and what an answer means,
 * fetch.h asks it), or offline from a key set (jwks.h, jose.h, claims.h).
 *
 * Owns no session and keeps no verdict: who asks decides how long an answer
 * may be used. Tokens are wiped as soon as the check has ended, and are never
 * logged.
 */
#ifndef AUTHD_TOKEN_H
#define AUTHD_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"

#include "authd/identity.h"

struct event_base;
struct resolve;
struct settings;
struct token_verifier;
struct token_check;

/* Before the sandbox: reads the CA file and the key set, and initialises curl
 * and OpenSSL completely. Fatal, with a sentence, when a file does not serve.
 * With another strategy than token there may be nothing to ask: then no check
 * may be started. settings and resolve must outlive it. */
struct token_verifier *token_verifier_new(struct event_base *base,
    const struct settings *settings, struct resolve *resolve);
/* Cancels the checks that still run. NULL allowed. */
void token_verifier_free(struct token_verifier *v);
/* Doorward's own service-account token, for TokenReview on clusters that do
 * not know SelfSubjectReview; copied into guarded memory. Empty: there is
 * none. Checks that run keep the one that they started with. */
void token_verifier_set_cluster_token(
    struct token_verifier *v, struct slice token);

/* Another CA bundle came for the API server: number and rules as of
 * server_ca_set. Checks that run keep the one that they started with. */
void token_verifier_set_ca(
    struct token_verifier *v, unsigned number, struct slice pem);

/* Characters of RFC 6750's b64token, and ':' and '@' that some static tokens
 * have; 1..MSG_TOKEN_MAX of them. Others never go into a header field. */
bool token_is_wellformed(struct slice token);

struct token_result {
	enum login_code code; /* OK, EXPIRED, REJECTED, NO_NAMESPACE, BUSY or
				 UNAVAILABLE */
	struct identity who;  /* verified; empty unless OK */
	int64_t expires;      /* unix s, 0: no end; 0 unless OK */
	char reason[MSG_REASON_MAX + 1]; /* what to do about it; "" when OK */
};
/* result is borrowed for the duration of the call. */
typedef void token_checked_fn(const struct token_result *result, void *arg);

/* Starts a check. done is called exactly once, from the loop, later than this
 * call and within 9 s. Any bytes may stand in token: what cannot be a token is
 * refused without asking anybody. Copied. */
struct token_check *token_check_start(struct token_verifier *v,
    struct slice token, token_checked_fn *done, void *arg);
/* Gives a check up: done will not be called. Not after done. */
void token_check_cancel(struct token_check *check);

#endif
