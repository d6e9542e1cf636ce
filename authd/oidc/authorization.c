/* Authorization requests; see authorization.h. */
#include "authd/oidc/authorization.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/urlencode.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/settings.h"

#include "authd/oidc/client_call.h"
#include "authd/oidc/provider.h"

#define PUSHED_ANSWER_MAX 16384

struct start {
	authorization_done_fn *done;
	void *arg;
	bool overflow; /* of query */
	char query[];  /* the request, encoded */
};

static void
refuse(const struct start *s, enum metadata_endpoint at, enum token_fault fault,
    const char *detail)
{
	char line[TOKEN_DETAIL_MAX];

	client_describe(at, detail, line);
	s->done(fault, NULL, line, s->arg);
}

/* With what the query goes behind; its own query is kept (RFC 6749 3.1). */
static void
put_endpoint(struct http_out *o, const struct metadata_url *endpoint)
{
	struct slice text = slice_of(endpoint->text);

	http_put(o, text);
	if (strchr(endpoint->target, '?') == NULL)
		http_put_z(o, "?");
	else if (strchr("?&", text.p[text.len - 1]) == NULL)
		http_put_z(o, "&");
}

static void
finish(const struct start *s, struct token_endpoint *te, const char *query)
{
	const struct metadata *m = provider_metadata(te->provider);
	char location[MSG_LOCATION_MAX + 1];
	struct http_out o;

	if (m == NULL) {
		refuse(s, METADATA_AUTHORIZATION, TOKEN_UNAVAILABLE,
		    "the provider's metadata cannot be had");
		return;
	}
	http_out_init(&o, location, sizeof(location));
	put_endpoint(&o, &m->at[METADATA_AUTHORIZATION]);
	http_put_z(&o, query);
	http_put(&o, (struct slice){ "", 1 });
	if (o.overflow || s->overflow)
		refuse(s, METADATA_AUTHORIZATION, TOKEN_REFUSED,
		    "the address with the request is too long; are "
		    "auth.openid.additional_request_params that long?");
	else
		s->done(TOKEN_OK, location, "", s->arg);
}

/* Nothing could be pushed, or was to be. */
static void
finish_unpushed(const struct start *s, struct token_endpoint *te)
{
	const struct metadata *m = provider_metadata(te->provider);
	int pushed = te->settings->openid.pushed;

	if (pushed == PUSHED_ALWAYS)
		refuse(s, METADATA_PUSHED, TOKEN_REFUSED,
		    "the provider has none, but "
		    "doorward.openid.pushed_authorization_requests is always");
	else if (pushed == PUSHED_NEVER && m != NULL && m->pushed_required)
		refuse(s, METADATA_PUSHED, TOKEN_REFUSED,
		    "the provider requires it, but "
		    "doorward.openid.pushed_authorization_requests is never");
	else
		finish(s, te, s->query);
}

static void
finish_pushed(const struct start *s, const struct client_answer *got)
{
	char uri[REQUEST_URI_MAX + 1], detail[TOKEN_DETAIL_MAX];
	char query[MSG_LOCATION_MAX + 1];
	struct http_out o;
	enum token_fault fault =
	    pushed_answer_read(got->status, got->body, got->auth, uri, detail);

	if (fault != TOKEN_OK) {
		refuse(s, METADATA_PUSHED, fault, detail);
		return;
	}
	http_out_init(&o, query, sizeof(query));
	urlencode_pair(&o, SLICE("client_id"),
	    slice_of(got->te->settings->openid.client_id));
	urlencode_pair(&o, SLICE("request_uri"), slice_of(uri));
	http_put(&o, (struct slice){ "", 1 });
	if (o.overflow)
		refuse(s, METADATA_PUSHED, TOKEN_REFUSED,
		    "the address with its request_uri is too long");
	else
		finish(s, got->te, query);
}

static void
answered(const struct client_answer *got, void *own)
{
	const struct start *s = own;

	if (got->no_endpoint)
		finish_unpushed(s, got->te);
	else if (got->fault != TOKEN_OK)
		refuse(s, METADATA_PUSHED, got->fault, got->detail);
	else
		finish_pushed(s, got);
}

static void
put_scope(struct http_out *o, const struct conf_list *scopes)
{
	urlencode_pair(o, SLICE("scope"), SLICE(""));
	for (size_t i = 0; i < scopes->n; i++) {
		if (i > 0)
			urlencode_put(o, SLICE(" "));
		urlencode_put(o, slice_of(scopes->at[i]));
	}
}

/* In Kiali's order. */
static void
put_request(struct http_out *o, const struct openid_settings *set,
    const struct authorization *a)
{
	const struct conf_map *more = &set->additional_request_params;

	urlencode_pair(o, SLICE("client_id"), slice_of(set->client_id));
	urlencode_pair(o, SLICE("response_type"), SLICE("code"));
	urlencode_pair(o, SLICE("redirect_uri"), slice_of(a->redirect_uri));
	put_scope(o, &set->scopes);
	urlencode_pair(o, SLICE("nonce"), slice_of(a->nonce));
	urlencode_pair(o, SLICE("state"), slice_of(a->state));
	urlencode_pair(o, SLICE("code_challenge"), slice_of(a->challenge));
	urlencode_pair(o, SLICE("code_challenge_method"), SLICE("S256"));
	for (size_t i = 0; i < more->n; i++)
		urlencode_pair(
		    o, slice_of(more->at[i].name), slice_of(more->at[i].value));
}

void
authorization_start(struct token_endpoint *te,
    const struct authorization *request, authorization_done_fn *done, void *arg)
{
	const struct openid_settings *set = &te->settings->openid;
	struct http_out form;
	struct start *s;

	client_form_init(&form);
	put_request(&form, set, request);
	s = mem_new(sizeof(*s) + form.len + 1);
	s->done = done;
	s->arg = arg;
	s->overflow = form.overflow;
	memcpy(s->query, form.p, form.len);
	client_call(te,
	    &(struct client_request){ .at = set->pushed == PUSHED_NEVER
		    ? METADATA_ENDPOINTS
		    : METADATA_PUSHED,
		.form = &form,
		.has_client_id = true,
		.answer_max = PUSHED_ANSWER_MAX },
	    answered, s);
}
