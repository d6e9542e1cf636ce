/*
 * The callback in its two halves: callback.c asks the provider, admit.c decides
 * about the person. For these alone.
 */
#ifndef AUTHD_OIDC_CALLBACK_INTERNAL_H
#define AUTHD_OIDC_CALLBACK_INTERNAL_H

#include <stdint.h>

#include <jansson.h>

#include "common/msg.h"
#include "common/ticket.h"

#include "authd/identity.h"
#include "authd/oidc/attempt.h"
#include "authd/oidc/callback_query.h"
#include "authd/oidc/id_token.h"
#include "authd/oidc/person.h"
#include "authd/oidc/state.h"

struct openid_settings;

#define CALLBACK_DETAIL_MAX 300
/* Until the session is made. A frontend waits for 25 s, and the end of an old
 * session may take 2 s of them. */
#define CALLBACK_MS 22000

struct callback {
	struct attempt attempt; /* first */
	char query[MSG_QUERY_MAX + 1];
	struct callback_query q;      /* borrowed from query */
	char old[MSG_COOKIE_MAX + 1]; /* the browser's session so far */
	struct state_resumed resumed;
	char detail[CALLBACK_DETAIL_MAX]; /* of a refusal */
	int64_t by_ms;			  /* monotonic; no session later */
	/* What came of it. */
	char *id_token, *access_token, *refresh_token; /* wiped; NULL: none */
	json_t *claims;				       /* of the id_token */
	char subject[ID_TOKEN_SUBJECT_MAX + 1], sid[ID_TOKEN_SUBJECT_MAX + 1];
	int64_t token_end; /* unix s */
	struct identity who;
	char session[TICKET_LEN + 1];
	int64_t end; /* unix s */
};

/* The store is away. */
extern const struct refusal callback_not_stored;

const struct openid_settings *callback_settings(const struct callback *c);
/* The token that the console and the cluster get; "" with none. */
struct slice callback_api_token(const struct callback *c);
struct person_rules callback_person_rules(const struct callback *c);
/* These answer; c is gone then. */
void callback_refuse(struct callback *c, struct refusal why);
void callback_succeed(struct callback *c);
/* The id_token is verified, c->claims has it. userinfo: NULL: none. Answers,
 * now or later. */
void callback_admit(struct callback *c, const json_t *userinfo);

#endif
