/* Requests as a client of the provider; see client_call.h. */
#include "authd/oidc/client_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/http/urlencode.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/wiped_mem.h"

#include "authd/fetch.h"
#include "authd/oidc/assertion.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/token_endpoint.h"

#define LOG_EVERY_MS 10000

struct client_call {
	TAILQ_ENTRY(client_call) link;
	struct token_endpoint *te;
	client_done_fn *done;
	void *own;
	enum metadata_endpoint at;
	struct http_out form; /* p NULL: a GET */
	bool has_client_id;
	char *bearer;
	size_t answer_max;
	enum metadata_auth auth;
	char *basic;		     /* base64 of "id:secret"; NULL: none */
	struct assertion *assertion; /* NULL: none is being made */
	struct fetch *fetch;
};

static const char *const names[METADATA_ENDPOINTS + 1] = {
	[METADATA_AUTHORIZATION] = "authorization endpoint",
	[METADATA_TOKEN] = "token endpoint",
	[METADATA_JWKS] = "key set",
	[METADATA_USERINFO] = "userinfo endpoint",
	[METADATA_END_SESSION] = "logout endpoint",
	[METADATA_REVOCATION] = "revocation endpoint",
	[METADATA_PUSHED] = "pushed authorization request endpoint",
	[METADATA_ENDPOINTS] = "authorization endpoint",
};

void
client_describe(
    enum metadata_endpoint at, const char *detail, char line[TOKEN_DETAIL_MAX])
{
	snprintf(line, TOKEN_DETAIL_MAX, "%s: %.250s", names[at], detail);
}

void
client_log_trouble(
    struct token_endpoint *te, enum metadata_endpoint at, const char *detail)
{
	char line[TOKEN_DETAIL_MAX];

	client_describe(at, detail, line);
	log_limited(
	    &te->trouble, LOG_EVERY_MS, LOG_LEVEL_WARN, "OpenID: %s", line);
}

/* The end */

static void
release(struct client_call *c)
{
	if (c->fetch != NULL)
		fetch_cancel(c->fetch);
	if (c->assertion != NULL)
		assertion_cancel(c->assertion);
	wiped_free(c->form.p);
	wiped_free(c->bearer);
	wiped_free(c->basic);
	free(c->own);
	free(c);
}

void
client_calls_drop(struct token_endpoint *te)
{
	struct client_call *c;

	while ((c = TAILQ_FIRST(&te->calls)) != NULL) {
		TAILQ_REMOVE(&te->calls, c, link);
		release(c);
	}
}

static void
finish(struct client_call *c, struct client_answer *a)
{
	a->te = c->te;
	a->auth = c->auth;
	TAILQ_REMOVE(&c->te->calls, c, link);
	c->done(a, c->own);
	release(c);
}

static void
fail(struct client_call *c, enum token_fault fault, const char *detail)
{
	struct client_answer a = { .fault = fault };

	snprintf(a.detail, sizeof(a.detail), "%s", detail);
	finish(c, &a);
}

/* The request */

static void
fetched(const struct fetch_answer *f, void *arg)
{
	struct client_call *c = arg;
	struct client_answer a = { .fault = TOKEN_UNAVAILABLE };

	c->fetch = NULL;
	if (f->err == 0) {
		a.fault = TOKEN_OK;
		a.status = f->status;
		a.body = f->body;
		a.content_type = f->content_type;
	} else if (f->err == ERR_LIMIT) {
		a.fault = TOKEN_MALFORMED;
		snprintf(a.detail, sizeof(a.detail),
		    "the answer is longer than %zu bytes", c->answer_max);
	} else if (f->err == ERR_TIMEOUT) {
		snprintf(a.detail, sizeof(a.detail), "no answer within %d s",
		    TOKEN_ENDPOINT_MS / 1000);
	} else {
		snprintf(
		    a.detail, sizeof(a.detail), "no answer: %.200s", f->detail);
	}
	finish(c, &a);
}

/* The metadata may be another one than when the call began. */
static const struct metadata_url *
find_endpoint(const struct client_call *c)
{
	const struct metadata *m = provider_metadata(c->te->provider);

	if (m == NULL || c->at == METADATA_ENDPOINTS ||
	    m->at[c->at].text == NULL)
		return NULL;
	return &m->at[c->at];
}

static void
finish_without_endpoint(struct client_call *c)
{
	struct client_answer a = { .fault = TOKEN_REFUSED,
		.no_endpoint = true };

	snprintf(a.detail, sizeof(a.detail), "the provider has none");
	finish(c, &a);
}

static void
send_request(struct client_call *c)
{
	const struct metadata_url *at = find_endpoint(c);
	struct fetch_request q = { .timeout_ms = TOKEN_ENDPOINT_MS,
		.answer_max = c->answer_max,
		.bearer = slice_of(c->bearer),
		.basic = slice_of(c->basic) };

	if (c->form.p != NULL)
		http_put(&c->form, (struct slice){ "", 1 }); /* its end */
	if (at == NULL) {
		finish_without_endpoint(c);
	} else if (c->form.overflow) {
		fail(c, TOKEN_REFUSED, "the request is too long");
	} else {
		q.server = &at->server;
		q.path = at->target;
		q.kind = c->form.p != NULL ? FETCH_FORM : FETCH_NONE;
		q.body = c->form.p;
		c->fetch = fetch_start(c->te->client, &q, fetched, c);
	}
}

/* Authentication: each way ends in send_request or fail, at once or later */

static void
put_client_id(struct client_call *c)
{
	const char *id = c->te->settings->openid.client_id;

	if (!c->has_client_id)
		urlencode_pair(&c->form, SLICE("client_id"), slice_of(id));
}

static struct slice
secret_text(const struct token_endpoint *te)
{
	return (
	    struct slice){ secret_peek(te->secret), secret_len(te->secret) };
}

/* RFC 6749 3.2.1: who cannot prove it says at least who it is. */
static void
prove_nothing(struct client_call *c)
{
	put_client_id(c);
	send_request(c);
}

/* RFC 6749 2.3.1: both are form-encoded before they are joined. */
static void
prove_by_basic(struct client_call *c)
{
	struct slice id = slice_of(c->te->settings->openid.client_id);
	struct slice secret = secret_text(c->te);
	size_t cap = URLENCODE_LEN(id.len + secret.len) + 1;
	struct http_out pair;

	http_out_init(&pair, wiped_alloc(cap), cap);
	urlencode_put(&pair, id);
	http_put(&pair, SLICE(":"));
	urlencode_put(&pair, secret);
	c->basic = wiped_alloc(B64_LEN(pair.len) + 1);
	b64_encode(c->basic, pair.p, pair.len);
	wiped_free(pair.p);
	send_request(c);
}

static void
prove_by_post(struct client_call *c)
{
	put_client_id(c);
	urlencode_pair(&c->form, SLICE("client_secret"), secret_text(c->te));
	send_request(c);
}

#define KEY_WANTED                                                        \
	"doorward.openid.token_endpoint_auth_method is private_key_jwt, " \
	"but "

/* RFC 7523 2.2. client_id is not needed, but some want it all the same. */
static void
asserted(int err, const char *jwt, void *arg)
{
	struct client_call *c = arg;

	c->assertion = NULL;
	if (err != 0) {
		fail(c, TOKEN_UNAVAILABLE,
		    KEY_WANTED "there is no client assertion: is there a "
			       "private key in slot oidc-key? "
			       "doorward-secretd says what is wrong");
		return;
	}
	put_client_id(c);
	urlencode_pair(
	    &c->form, SLICE("client_assertion_type"), SLICE(ASSERTION_TYPE));
	urlencode_pair(&c->form, SLICE("client_assertion"), slice_of(jwt));
	send_request(c);
}

static void
prove_by_key(struct client_call *c)
{
	if (c->te->assertions == NULL)
		fail(c, TOKEN_CLIENT,
		    KEY_WANTED "nothing makes client assertions");
	else
		c->assertion = assertion_make(c->te->assertions, asserted, c);
}

static bool
offers(const struct metadata *m, enum metadata_auth auth)
{
	return (m->auths & 1u << auth) != 0;
}

static enum metadata_auth
choose(const struct token_endpoint *te, const struct metadata *m)
{
	switch ((enum openid_auth)te->settings->openid.auth_method) {
	case OPENID_AUTH_BASIC:
		return METADATA_AUTH_BASIC;
	case OPENID_AUTH_POST:
		return METADATA_AUTH_POST;
	case OPENID_AUTH_PRIVATE_KEY_JWT:
		return METADATA_AUTH_PRIVATE_KEY_JWT;
	case OPENID_AUTH_NONE:
		return METADATA_AUTH_NONE;
	case OPENID_AUTH_CHOSEN:
		break;
	}
	if (te->secret == NULL)
		return METADATA_AUTH_NONE;
	if (!offers(m, METADATA_AUTH_BASIC) && offers(m, METADATA_AUTH_POST))
		return METADATA_AUTH_POST;
	return METADATA_AUTH_BASIC;
}

static void
authenticate(struct client_call *c, const struct metadata *m)
{
	static void (*const ways[METADATA_AUTHS])(struct client_call *) = {
		[METADATA_AUTH_BASIC] = prove_by_basic,
		[METADATA_AUTH_POST] = prove_by_post,
		[METADATA_AUTH_PRIVATE_KEY_JWT] = prove_by_key,
		[METADATA_AUTH_NONE] = prove_nothing,
	};
	struct token_endpoint *te = c->te;
	bool by_secret;

	c->auth = choose(te, m);
	by_secret =
	    c->auth == METADATA_AUTH_BASIC || c->auth == METADATA_AUTH_POST;
	if (!te->secret_known &&
	    (by_secret ||
		te->settings->openid.auth_method == OPENID_AUTH_CHOSEN))
		fail(c, TOKEN_UNAVAILABLE,
		    "secretd has not yet said what is in slot oidc-secret");
	else if (by_secret && te->secret == NULL)
		fail(c, TOKEN_CLIENT,
		    "doorward.openid.token_endpoint_auth_method needs a "
		    "secret, but there is none in slot oidc-secret");
	else
		ways[c->auth](c);
}

/* The beginning */

static void
ready(int err, void *arg)
{
	struct client_call *c = arg;
	const struct metadata *m = provider_metadata(c->te->provider);

	/* What was known before still serves when it cannot be had anew. */
	(void)err;
	if (m == NULL)
		fail(c, TOKEN_UNAVAILABLE,
		    "the provider's metadata cannot be had");
	else if (find_endpoint(c) == NULL)
		finish_without_endpoint(c);
	else if (c->form.p == NULL)
		send_request(c);
	else
		authenticate(c, m);
}

void
client_form_init(struct http_out *form)
{
	http_out_init(form, wiped_alloc(CLIENT_FORM_MAX), CLIENT_FORM_MAX);
}

static char *
copy(struct slice text)
{
	char *to = wiped_alloc(text.len + 1);

	if (text.len > 0)
		memcpy(to, text.p, text.len);
	return to;
}

/* For what proves who we are. An assertion is encoded as it is. */
static size_t
proof_max(const struct openid_settings *s)
{
	size_t id = sizeof("&client_id=") + URLENCODE_LEN(strlen(s->client_id));

	if (s->auth_method == OPENID_AUTH_PRIVATE_KEY_JWT)
		return id + sizeof("&client_assertion_type=") +
		    URLENCODE_LEN(sizeof(ASSERTION_TYPE)) +
		    sizeof("&client_assertion=") + MSG_ASSERTION_MAX;
	return id + sizeof("&client_secret=") +
	    URLENCODE_LEN(CLIENT_SECRET_MAX);
}

/* What was written, with room for the proof; so a call does not hold
 * CLIENT_FORM_MAX bytes while it waits. */
static void
take_form(struct client_call *c, struct http_out *form)
{
	size_t cap = form->len + proof_max(&c->te->settings->openid);

	http_out_init(&c->form, wiped_alloc(cap), cap);
	http_put(&c->form, (struct slice){ form->p, form->len });
	c->form.overflow = form->overflow;
	wiped_free(form->p);
	*form = (struct http_out){ .p = NULL };
}

void
client_call(struct token_endpoint *te, const struct client_request *q,
    client_done_fn *done, void *own)
{
	struct client_call *c = mem_new(sizeof(*c));

	c->te = te;
	c->done = done;
	c->own = own;
	c->at = q->at;
	c->has_client_id = q->has_client_id;
	c->answer_max = q->answer_max;
	c->auth = METADATA_AUTH_NONE;
	if (q->form != NULL)
		take_form(c, q->form);
	else
		c->bearer = copy(q->bearer);
	TAILQ_INSERT_TAIL(&te->calls, c, link);
	provider_need(te->provider, ready, c);
}
