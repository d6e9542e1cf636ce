/*
 * The access token of one service: fetched with the client_credentials grant,
 * kept in memory, renewed before it ends. One request to the token endpoint at
 * a time serves everybody who waits.
 *
 *   10 % of the life (10 s to 5 min, at most half) before its end a token that
 *   is in use is renewed in the background; until its real end the old one
 *   serves. Errors: again after 1 s, 2 s, ... 60 s.
 *   A refused client secret is asked of secretd again, once per refusal.
 */
#ifndef EGRESS_OAUTH2_H
#define EGRESS_OAUTH2_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"

struct event_base;
struct held;
struct oauth2;
struct oauth2_settings;
struct secrets;
struct upstream;

struct oauth2_config {	     /* everything is borrowed for good */
	const char *service; /* its name, for messages */
	const struct oauth2_settings *settings;
	struct upstream *endpoint;
	struct secrets *secrets;
	struct held *client_secret;
	/* There is a token, or there is none to be had for now. */
	void (*changed)(void *arg);
	void *arg;
};

enum oauth2_state {
	OAUTH2_READY,	/* oauth2_token has one */
	OAUTH2_WAITING, /* one is being fetched; changed will be called */
	OAUTH2_FAILED,	/* the last attempt failed; the next is not due yet */
};

struct oauth2 *oauth2_new(
    struct event_base *base, const struct oauth2_config *config);
void oauth2_free(struct oauth2 *o);

/* Somebody needs the token now: fetches where that is due. May not call
 * changed itself. */
enum oauth2_state oauth2_need(struct oauth2 *o);
/* The token, "" when there is none. Borrowed until the loop goes on. */
struct slice oauth2_token(const struct oauth2 *o);
/* Counts up with every new token. */
unsigned oauth2_version(const struct oauth2 *o);
/* The service said 401 to the token of that version: it is not used again. At
 * most once in 5 s, so that a service that refuses everybody does not make the
 * token endpoint work; false: that was too soon. */
bool oauth2_refused(struct oauth2 *o, unsigned version);
/* secretd has answered about client_secret. */
void oauth2_secret_answered(struct oauth2 *o);

/* "token until 2026-01-01T00:00:00Z" or what is wrong, for the status. */
void oauth2_describe(const struct oauth2 *o, char *dst, size_t cap);

#endif
