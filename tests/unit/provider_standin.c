/* See provider_standin.h. */
#include "tests/unit/provider_standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "common/clock.h"
#include "common/text.h"

#include "authd/oidc/state.h"
#include "tests/unit/toy_provider.h"

static const char *const paths[STANDIN_ENDPOINTS] = {
	[STANDIN_DISCOVERY] = "/.well-known/openid-configuration",
	[STANDIN_JWKS] = "/jwks",
	[STANDIN_TOKEN] = "/token",
	[STANDIN_USERINFO] = "/userinfo",
	[STANDIN_REVOKE] = "/revoke",
	[STANDIN_PAR] = "/par",
};

/* --- what it says --- */

static void
lay_over(json_t *o, const json_t *over)
{
	const char *key;
	json_t *value;

	if (over == NULL)
		return;
	json_object_foreach((json_t *)(uintptr_t)over, key, value) {
		if (json_is_null(value))
			json_object_del(o, key);
		else
			json_object_set(o, key, value);
	}
}

void
standin_say(json_t **what, const char *text)
{
	json_decref(*what);
	*what = NULL;
	if (text == NULL)
		return;
	*what = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(*what);
}

static void
set_endpoint(
    const struct standin *p, json_t *o, const char *key, const char *path)
{
	char url[128];

	(void)snprintf(url, sizeof(url), "%s%s", p->issuer, path);
	json_object_set_new(o, key, json_string(url));
}

static json_t *
discovery_document(const struct standin *p)
{
	json_t *o = json_pack(
	    "{s:s, s:[s], s:[s], s:[s], s:[s], s:[s,s,s,s], s:b, s:b}",
	    "issuer", p->issuer, "response_types_supported", "code",
	    "subject_types_supported", "public",
	    "id_token_signing_alg_values_supported", "EdDSA",
	    "code_challenge_methods_supported", "S256",
	    "token_endpoint_auth_methods_supported", "client_secret_basic",
	    "client_secret_post", "private_key_jwt", "none",
	    "backchannel_logout_supported", 1,
	    "backchannel_logout_session_supported", 1);

	ck_assert_ptr_nonnull(o);
	set_endpoint(p, o, "authorization_endpoint", "/authorize");
	set_endpoint(p, o, "end_session_endpoint", "/end_session");
	set_endpoint(p, o, "token_endpoint", paths[STANDIN_TOKEN]);
	set_endpoint(p, o, "jwks_uri", paths[STANDIN_JWKS]);
	set_endpoint(p, o, "userinfo_endpoint", paths[STANDIN_USERINFO]);
	set_endpoint(p, o, "revocation_endpoint", paths[STANDIN_REVOKE]);
	if (p->par)
		set_endpoint(p, o, "pushed_authorization_request_endpoint",
		    paths[STANDIN_PAR]);
	lay_over(o, p->discovery);
	return o;
}

static json_t *
key_set(const struct standin *p)
{
	json_t *o = json_loads(TOY_PROVIDER_KEYS, 0, NULL);
	json_t *key = json_array_get(json_object_get(o, "keys"), 0);

	json_object_set_new(key, "kid", json_string(p->jwks_kid));
	return o;
}

char *
standin_sign(const struct standin *p, const char *claims)
{
	char header[128];

	(void)snprintf(header, sizeof(header),
	    "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", p->kid);
	return toy_provider_sign(
	    slice_of(p->header != NULL ? p->header : header), slice_of(claims));
}

static char *
id_token_new(const struct standin *p, const char *nonce)
{
	int64_t now = p->now();
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:b, s:[s]}",
	    "iss", p->issuer, "aud", p->client_id, "sub", "subject-1", "iat",
	    (json_int_t)now, "exp", (json_int_t)(now + p->expires_in), "sid",
	    "sid-1", "email", "alice@example.com", "email_verified", 1,
	    "groups", "mesh");
	char *text, *token;

	if (nonce != NULL)
		json_object_set_new(o, "nonce", json_string(nonce));
	lay_over(o, p->id_token);
	text = json_dumps(o, JSON_COMPACT);
	token = standin_sign(p, text);
	json_decref(o);
	free(text);
	return token;
}

static json_t *
userinfo_document(const struct standin *p)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "sub", "subject-1",
	    "preferred_username", "alice", "email", "alice@example.com",
	    "email_verified", 1);

	lay_over(o, p->userinfo);
	return o;
}

/* --- requests --- */

bool
standin_parameter(const char *query, const char *name, char *dst, size_t size)
{
	struct slice rest = slice_of(query);

	while (rest.p != NULL) {
		struct slice value = slice_cut(&rest, '&');
		struct slice key = slice_cut(&value, '=');
		long n;
		if (!slice_is(key, name))
			continue;
		if (value.p == NULL || slice_copy(value, dst, size) != 0)
			return false;
		n = text_url_decode(dst, strlen(dst), true);
		if (n < 0)
			return false;
		dst[n] = '\0';
		return true;
	}
	return false;
}

static void
answer_json(struct evhttp_request *req, int status, json_t *o)
{
	struct evbuffer *body = evbuffer_new();
	char *text = json_dumps(o, JSON_COMPACT);

	evbuffer_add_printf(body, "%s", text);
	evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "application/json");
	evhttp_send_reply(req, status, "x", body);
	evbuffer_free(body);
	free(text);
	json_decref(o);
}

static void
answer_error(struct evhttp_request *req, const char *error)
{
	answer_json(req, 400, json_pack("{s:s}", "error", error));
}

static struct standin_code *
find_code(struct standin *p, const char *form)
{
	char code[64];

	if (!standin_parameter(form, "code", code, sizeof(code)))
		return NULL;
	for (unsigned i = 0; i < p->n_codes; i++)
		if (strcmp(p->codes[i].code, code) == 0)
			return &p->codes[i];
	return NULL;
}

/* RFC 6749 4.1.3, RFC 7636 4.6 */
static bool
redeem(struct standin_code *c, const char *form)
{
	char verifier[129], challenge[STATE_DERIVED_LEN + 1], uri[512];

	if (c == NULL || c->used ||
	    !standin_parameter(
		form, "code_verifier", verifier, sizeof(verifier)) ||
	    !standin_parameter(form, "redirect_uri", uri, sizeof(uri)))
		return false;
	state_challenge(challenge, verifier);
	if (strcmp(challenge, c->challenge) != 0 ||
	    strcmp(uri, c->redirect_uri) != 0)
		return false;
	c->used = true;
	return true;
}

static bool
take_refresh(struct standin *p, const char *form)
{
	char given[64], current[32];

	(void)snprintf(current, sizeof(current), "refresh-%u", p->generation);
	if (!standin_parameter(form, "refresh_token", given, sizeof(given)) ||
	    strcmp(given, current) != 0)
		return false;
	if (!p->keep_refresh)
		p->generation++;
	return true;
}

static void
answer_tokens(struct standin *p, struct evhttp_request *req, const char *nonce)
{
	char *id_token = id_token_new(p, nonce), refresh[32];
	json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "token_type", "Bearer",
	    "id_token", id_token, "access_token", p->access_token, "expires_in",
	    (int)p->expires_in);

	(void)snprintf(refresh, sizeof(refresh), "refresh-%u", p->generation);
	if (p->refresh)
		json_object_set_new(o, "refresh_token", json_string(refresh));
	lay_over(o, p->token_answer);
	answer_json(req, 200, o);
	free(id_token);
}

static void
serve_token(struct standin *p, struct evhttp_request *req, const char *form)
{
	char grant[64];

	if (p->hold_tokens && p->n_held < STANDIN_CODES) {
		p->held[p->n_held++] = req;
		return;
	}
	if (!standin_parameter(form, "grant_type", grant, sizeof(grant))) {
		answer_error(req, "invalid_request");
	} else if (strcmp(grant, "authorization_code") == 0) {
		struct standin_code *c = find_code(p, form);
		if (redeem(c, form))
			answer_tokens(p, req, c->nonce);
		else
			answer_error(req, "invalid_grant");
	} else if (strcmp(grant, "refresh_token") == 0) {
		if (take_refresh(p, form))
			answer_tokens(p, req, NULL);
		else
			answer_error(req, "invalid_grant");
	} else {
		answer_error(req, "unsupported_grant_type");
	}
}

static void
serve_pushed(struct standin *p, struct evhttp_request *req, const char *form)
{
	ck_assert_int_eq(
	    slice_copy(slice_of(form), p->pushed, sizeof(p->pushed)), 0);
	answer_json(req, 201,
	    json_pack("{s:s, s:i}", "request_uri", "urn:standin:1",
		"expires_in", 60));
}

static void
serve(struct standin *p, struct evhttp_request *req, enum standin_endpoint at)
{
	switch (at) {
	case STANDIN_DISCOVERY:
		answer_json(req, 200, discovery_document(p));
		break;
	case STANDIN_JWKS:
		answer_json(req, 200, key_set(p));
		break;
	case STANDIN_TOKEN:
		serve_token(p, req, p->last[at]);
		break;
	case STANDIN_USERINFO:
		answer_json(req, 200, userinfo_document(p));
		break;
	case STANDIN_REVOKE:
		evhttp_send_reply(req, 200, "x", NULL);
		break;
	case STANDIN_PAR:
		serve_pushed(p, req, p->last[at]);
		break;
	case STANDIN_ENDPOINTS:
		ck_abort();
	}
}

/* true: the fault was all that there is to say. */
static bool
serve_fault(struct evhttp_request *req, struct standin_fault *f)
{
	const char *type = f->type != NULL ? f->type : "application/json";
	struct evbuffer *body;

	if (f->silent)
		return true;
	if (f->status == 0)
		return false;
	body = evbuffer_new();
	if (f->body != NULL)
		evbuffer_add_printf(body, "%s", f->body);
	evhttp_add_header(
	    evhttp_request_get_output_headers(req), "Content-Type", type);
	evhttp_send_reply(req, f->status, "x", body);
	evbuffer_free(body);
	if (f->times > 0 && --f->times == 0)
		*f = (struct standin_fault){ .status = 0 };
	return true;
}

static void
remember(
    struct standin *p, struct evhttp_request *req, enum standin_endpoint at)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	const char *authorization = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Authorization");
	ev_ssize_t n =
	    evbuffer_copyout(body, p->last[at], sizeof(p->last[at]) - 1);

	p->asked[at]++;
	p->last[at][n > 0 ? n : 0] = '\0';
	ck_assert_int_eq(
	    slice_copy(slice_of(authorization), p->authorization[at],
		sizeof(p->authorization[at])),
	    0);
}

static void
asked(struct evhttp_request *req, void *arg)
{
	const char *path =
	    evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	struct standin *p = arg;

	for (int i = 0; i < STANDIN_ENDPOINTS; i++)
		if (strcmp(path, paths[i]) == 0) {
			remember(p, req, (enum standin_endpoint)i);
			if (!serve_fault(req, &p->fault[i]))
				serve(p, req, (enum standin_endpoint)i);
			return;
		}
	evhttp_send_error(req, 404, NULL);
}

void
standin_release(struct standin *p)
{
	p->hold_tokens = false;
	for (unsigned i = 0; i < p->n_held; i++) {
		remember(p, p->held[i], STANDIN_TOKEN);
		p->asked[STANDIN_TOKEN]--; /* counted when it came */
		serve_token(p, p->held[i], p->last[STANDIN_TOKEN]);
	}
	p->n_held = 0;
}

/* --- the person --- */

static bool
take_parameters(
    const char *query, struct standin_code *c, char *state, size_t state_size)
{
	char type[16], method[16], scope[256];

	return standin_parameter(query, "response_type", type, sizeof(type)) &&
	    strcmp(type, "code") == 0 &&
	    standin_parameter(
		query, "code_challenge_method", method, sizeof(method)) &&
	    strcmp(method, "S256") == 0 &&
	    standin_parameter(query, "scope", scope, sizeof(scope)) &&
	    strstr(scope, "openid") != NULL &&
	    standin_parameter(query, "state", state, state_size) &&
	    standin_parameter(query, "nonce", c->nonce, sizeof(c->nonce)) &&
	    standin_parameter(
		query, "code_challenge", c->challenge, sizeof(c->challenge)) &&
	    standin_parameter(query, "redirect_uri", c->redirect_uri,
		sizeof(c->redirect_uri));
}

bool
standin_authorize(struct standin *p, const char *location, char state[],
    size_t state_size, char code[24])
{
	struct standin_code *c = &p->codes[p->n_codes];
	const char *query = strchr(location, '?');
	char client[256], uri[64];

	ck_assert_uint_lt(p->n_codes, STANDIN_CODES);
	if (query == NULL ||
	    strncmp(location, p->issuer, strlen(p->issuer)) != 0)
		return false;
	query++;
	if (!standin_parameter(query, "client_id", client, sizeof(client)) ||
	    strcmp(client, p->client_id) != 0)
		return false;
	if (standin_parameter(query, "request_uri", uri, sizeof(uri)))
		query = p->pushed;
	memset(c, 0, sizeof(*c));
	if (!take_parameters(query, c, state, state_size))
		return false;
	(void)snprintf(c->code, sizeof(c->code), "code-%u", ++p->n_codes);
	memcpy(code, c->code, sizeof(c->code));
	return true;
}

/* --- up and down --- */

void
standin_up(struct standin *p)
{
	struct evhttp_bound_socket *bound;
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	p->http = evhttp_new(p->base);
	ck_assert_ptr_nonnull(p->http);
	bound = evhttp_bind_socket_with_handle(p->http, "127.0.0.1", p->port);
	ck_assert_ptr_nonnull(bound);
	ck_assert_int_eq(getsockname(evhttp_bound_socket_get_fd(bound),
			     (struct sockaddr *)&a, &len),
	    0);
	p->port = ntohs(((const struct sockaddr_in *)&a)->sin_port);
	evhttp_set_gencb(p->http, asked, p);
}

void
standin_down(struct standin *p)
{
	if (p->http != NULL)
		evhttp_free(p->http);
	p->http = NULL;
	p->n_held = 0;
}

void
standin_begin(struct standin *p, struct event_base *base)
{
	memset(p, 0, sizeof(*p));
	p->base = base;
	p->now = clock_unix_s;
	p->client_id = "doorward";
	p->kid = p->jwks_kid = "t";
	p->access_token = "access-1";
	p->expires_in = 3600;
	p->generation = 1;
	standin_up(p);
	(void)snprintf(p->issuer, sizeof(p->issuer), "http://127.0.0.1:%u",
	    (unsigned)p->port);
}

void
standin_end(struct standin *p)
{
	standin_down(p);
	json_decref(p->discovery);
	json_decref(p->id_token);
	json_decref(p->userinfo);
	json_decref(p->token_answer);
}
