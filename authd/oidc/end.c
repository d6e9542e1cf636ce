/* See end.h. */
#include "authd/oidc/end.h"

#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/wiped_mem.h"

#include "authd/oidc/logout_url.h"
#include "authd/oidc/metadata.h"
#include "authd/oidc/notice.h"
#include "authd/oidc/oidc.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/token_endpoint.h"
#include "authd/session.h"

#define STATE_BYTES 16

/* Tokens of a session that is over. */
struct token_end {
	TAILQ_ENTRY(token_end) link;
	struct oidc *oidc;
	size_t len; /* of the access token */
	char access[];
};

/* --- the browser --- */

char *
oidc_end_location(
    struct oidc *o, const struct session *session, const char *base_url)
{
	const struct metadata *m =
	    o != NULL ? provider_metadata(o->provider) : NULL;
	const struct openid_settings *s;
	uint8_t random[STATE_BYTES];
	char state[B64URL_LEN(STATE_BYTES) + 1];
	struct logout_url q;

	if (m == NULL || m->at[METADATA_END_SESSION].text == NULL)
		return NULL;
	s = &o->settings->openid;
	secret_random(random, sizeof(random));
	b64url_encode(state, random, sizeof(random));
	q = (struct logout_url){
		.endpoint = m->at[METADATA_END_SESSION].text,
		.id_token = session->id_token,
		.client_id = s->client_id,
		.return_to = s->post_logout_redirect_uri[0] != '\0'
		    ? s->post_logout_redirect_uri
		    : base_url,
		.state = state,
	};
	return logout_url_make(&q);
}

/* --- tokens --- */

static void
token_end_free(struct token_end *t)
{
	TAILQ_REMOVE(&t->oidc->token_ends, t, link);
	t->oidc->n_token_ends--;
	secret_wipe(t->access, t->len);
	free(t);
}

static void
on_access_revoked(
    enum token_fault fault, const struct token_answer *answer, void *arg)
{
	if (fault != TOKEN_OK)
		log_warn("tokens of a session that is over were not revoked at "
			 "the provider: %s",
		    answer->detail);
	token_end_free(arg);
}

static void
revoke_access(struct token_end *t)
{
	if (t->len == 0)
		token_end_free(t);
	else
		token_endpoint_revoke(t->oidc->endpoint,
		    (struct slice){ t->access, t->len }, "access_token",
		    on_access_revoked, t);
}

/* A provider that fails at the first is not asked for the second. */
static void
on_refresh_revoked(
    enum token_fault fault, const struct token_answer *answer, void *arg)
{
	if (fault == TOKEN_OK)
		revoke_access(arg);
	else
		on_access_revoked(fault, answer, arg);
}

void
oidc_end_tokens(struct oidc *o, const struct session *session)
{
	static struct log_rate rate;
	struct slice access = session->access_token;
	struct token_end *t;

	if (o == NULL || (access.len == 0 && session->refresh_token.len == 0))
		return;
	if (o->n_token_ends >= OIDC_TOKEN_ENDS_MAX) {
		log_limited(&rate, 1000, LOG_LEVEL_WARN,
		    "tokens of sessions that are over were not revoked at the "
		    "provider: too many at a time");
		return;
	}
	t = mem_new(sizeof(*t) + access.len);
	t->oidc = o;
	t->len = access.len;
	if (access.len > 0)
		memcpy(t->access, access.p, access.len);
	TAILQ_INSERT_TAIL(&o->token_ends, t, link);
	o->n_token_ends++;
	if (session->refresh_token.len > 0)
		token_endpoint_revoke(o->endpoint, session->refresh_token,
		    "refresh_token", on_refresh_revoked, t);
	else
		revoke_access(t);
}

void
oidc_end_free(struct oidc *o)
{
	struct token_end *t;

	while ((t = TAILQ_FIRST(&o->token_ends)) != NULL)
		token_end_free(t);
	notices_free(o);
}
