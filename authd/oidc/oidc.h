/*
 * What authd has with auth.strategy openid: the provider as it describes
 * itself, its token endpoint, and the logins on their way. Hangs in struct
 * authd; each part sees the others through it.
 */
#ifndef AUTHD_OIDC_OIDC_H
#define AUTHD_OIDC_OIDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/chan.h"
#include "common/msg.h"
#include "common/text.h"

struct assertions;
struct authd;
struct fetch_client;
struct provider;
struct resolve;
struct settings;
struct token_endpoint;

#define OIDC_LOGINS_MAX 256 /* on their way at the same time */
#define OIDC_REFUSAL_MAX 768
#define OIDC_STATUS_MAX 4096

struct oidc {
	struct authd *authd;
	const struct settings *settings;
	struct fetch_client *client;
	struct provider *provider;
	/* NULL unless the method is private_key_jwt */
	struct assertions *assertions;
	struct token_endpoint *endpoint;
	TAILQ_HEAD(, attempt) attempts; /* attempt.h */
	size_t n_attempts;
	TAILQ_HEAD(, token_end) token_ends; /* end.c */
	size_t n_token_ends;
	TAILQ_HEAD(, notice) notices; /* notice.h: tokens being read */
	size_t n_notices;
	bool told_redirect_uri;
	uint64_t starts, logins, refused[LOGIN_CODE_COUNT];
	int64_t login_s; /* the last one, unix s; 0: none since the start */
	/* The last refusal that was not the client's own doing. */
	int64_t refusal_s;
	char refusal[OIDC_REFUSAL_MAX];
};

/* Before the sandbox. a's settings have strategy openid. All are borrowed. */
struct oidc *oidc_new(struct authd *a, struct resolve *resolve);
/* Gives up what is on its way, without a word to anybody. NULL allowed. */
void oidc_free(struct oidc *o);

/* The slot oidc-secret, "" when there is none. Copied into guarded memory. */
void oidc_set_secret(struct oidc *o, struct slice secret);
/* The key of client assertions (slot oidc-key) may be another one. */
void oidc_key_changed(struct oidc *o);
/* Another CA bundle came for the provider: number (enum ca_number) and rules as
 * of server_ca_set. */
void oidc_set_ca(struct oidc *o, unsigned number, struct slice pem);
/* Lines "key: value\n" for the control tool. */
void oidc_status(const struct oidc *o, char text[OIDC_STATUS_MAX]);

/* MSG_OIDC_START (start.c) and MSG_OIDC_CALLBACK (callback.c). */
int handle_oidc_start(struct chan *ch, struct chan_in *in);
int handle_oidc_callback(struct chan *ch, struct chan_in *in);

#endif
