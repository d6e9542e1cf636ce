/* Codes, refresh tokens and revocation; see token_endpoint.h. */
#include "authd/oidc/token_endpoint.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/http/urlencode.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"

#include "authd/oidc/client_call.h"

#define REVOCATION_ANSWER_MAX 16384

struct exchange {
	token_done_fn *done;
	void *arg;
	bool need_id_token;
};

struct token_endpoint *
token_endpoint_new(const struct settings *settings, struct provider *provider,
    struct fetch_client *client, struct assertions *assertions)
{
	struct token_endpoint *te = mem_new(sizeof(*te));

	te->settings = settings;
	te->provider = provider;
	te->client = client;
	te->assertions = assertions;
	TAILQ_INIT(&te->calls);
	return te;
}

void
token_endpoint_free(struct token_endpoint *te)
{
	if (te == NULL)
		return;
	client_calls_drop(te);
	secret_free(te->secret);
	free(te);
}

void
token_endpoint_set_secret(struct token_endpoint *te, struct slice secret)
{
	secret_free(te->secret);
	te->secret = NULL;
	te->secret_known = true;
	if (secret.len > CLIENT_SECRET_MAX)
		log_error("The secret in slot oidc-secret is not used: it is "
			  "longer than %d characters",
		    CLIENT_SECRET_MAX);
	else if (secret.len > 0)
		te->secret = secret_from(secret.p, secret.len);
}

static struct exchange *
exchange_new(token_done_fn *done, void *arg)
{
	struct exchange *x = mem_new(sizeof(*x));

	x->done = done;
	x->arg = arg;
	return x;
}

/* Tells of a fault under the endpoint's name. */
static void
hand_over(const struct exchange *x, enum token_fault fault,
    enum metadata_endpoint at, const char *detail, struct token_answer *a)
{
	char line[TOKEN_DETAIL_MAX];

	if (fault != TOKEN_OK) {
		client_describe(at, detail, line);
		snprintf(a->detail, sizeof(a->detail), "%s", line);
	}
	x->done(fault, a, x->arg);
	token_answer_done(a);
}

static void
exchanged(const struct client_answer *got, void *own)
{
	const struct exchange *x = own;
	struct token_answer_rules rules = {
		.auth = got->auth,
		.need_id_token = x->need_id_token,
		.need_access_token = got->te->settings->openid.use_access_token,
	};
	struct token_answer a = { .expires_in_s = -1 };

	if (got->fault != TOKEN_OK) {
		hand_over(x, got->fault, METADATA_TOKEN, got->detail, &a);
		return;
	}
	hand_over(x, token_answer_read(got->status, got->body, &rules, &a),
	    METADATA_TOKEN, a.detail, &a);
}

static void
exchange(struct token_endpoint *te, struct http_out *form, struct exchange *x)
{
	client_call(te,
	    &(struct client_request){ .at = METADATA_TOKEN,
		.form = form,
		.answer_max = TOKEN_ANSWER_MAX },
	    exchanged, x);
}

void
token_endpoint_code(struct token_endpoint *te, struct slice code,
    const char *verifier, const char *redirect_uri, token_done_fn *done,
    void *arg)
{
	struct exchange *x = exchange_new(done, arg);
	struct http_out form;

	x->need_id_token = true;
	client_form_init(&form);
	urlencode_pair(&form, SLICE("code"), code);
	urlencode_pair(&form, SLICE("code_verifier"), slice_of(verifier));
	urlencode_pair(&form, SLICE("grant_type"), SLICE("authorization_code"));
	urlencode_pair(&form, SLICE("redirect_uri"), slice_of(redirect_uri));
	exchange(te, &form, x);
}

void
token_endpoint_refresh(struct token_endpoint *te, struct slice refresh_token,
    token_done_fn *done, void *arg)
{
	struct http_out form;

	client_form_init(&form);
	urlencode_pair(&form, SLICE("grant_type"), SLICE("refresh_token"));
	urlencode_pair(&form, SLICE("refresh_token"), refresh_token);
	exchange(te, &form, exchange_new(done, arg));
}

static void
revoked(const struct client_answer *got, void *own)
{
	struct token_answer a = { .expires_in_s = -1 };
	char detail[TOKEN_DETAIL_MAX];
	enum token_fault fault = got->fault;

	snprintf(detail, sizeof(detail), "%s", got->detail);
	if (got->no_endpoint)
		fault = TOKEN_OK;
	else if (fault == TOKEN_OK)
		fault = revocation_answer_read(
		    got->status, got->body, got->auth, detail);
	hand_over(own, fault, METADATA_REVOCATION, detail, &a);
}

void
token_endpoint_revoke(struct token_endpoint *te, struct slice token,
    const char *hint, token_done_fn *done, void *arg)
{
	struct http_out form;

	client_form_init(&form);
	urlencode_pair(&form, SLICE("token"), token);
	urlencode_pair(&form, SLICE("token_type_hint"), slice_of(hint));
	client_call(te,
	    &(struct client_request){ .at = METADATA_REVOCATION,
		.form = &form,
		.answer_max = REVOCATION_ANSWER_MAX },
	    revoked, exchange_new(done, arg));
}
