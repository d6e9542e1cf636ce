/* See token_answer.h. */
#include "authd/oidc/token_answer.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/msg.h"

/* clang-format off */
/* The registered errors, with what each means for who reads the log. */
static const struct {
	const char *name;
	enum token_fault fault;
	const char *text;
} errors[] = {
	/* RFC 6749 5.2; the hints about the client are in client_hints[] */
	{ "invalid_client", TOKEN_CLIENT, NULL },
	{ "unauthorized_client", TOKEN_CLIENT,
	    "the provider does not let this client do that: its registration "
	    "must allow the authorization code flow" },
	{ "invalid_grant", TOKEN_INVALID_GRANT,
	    "the code or refresh token is over, was used before, was revoked, "
	    "or belongs to another client or redirect URI" },
	{ "invalid_request", TOKEN_REFUSED,
	    "the provider finds something in the request missing or wrong; has "
	    "it registered the redirect URI (doorward explain-url)?" },
	{ "unsupported_grant_type", TOKEN_REFUSED,
	    "the provider does not offer this grant" },
	{ "invalid_scope", TOKEN_REFUSED,
	    "the provider does not know or allow one of auth.openid.scopes" },
	/* Of the authorization endpoint, thus of pushed requests (4.1.2.1) */
	{ "access_denied", TOKEN_REFUSED, "the provider refuses" },
	{ "unsupported_response_type", TOKEN_REFUSED,
	    "the provider does not offer the authorization code flow" },
	{ "server_error", TOKEN_UNAVAILABLE, "the provider has a problem" },
	{ "temporarily_unavailable", TOKEN_UNAVAILABLE,
	    "the provider is overloaded or being maintained" },
	/* RFC 7591 3.2.2, which providers say of pushed requests, too */
	{ "invalid_redirect_uri", TOKEN_REFUSED,
	    "the provider has not registered our redirect URI (doorward "
	    "explain-url)" },
	/* OpenID Connect Core 3.1.2.6 */
	{ "interaction_required", TOKEN_INVALID_GRANT,
	    "the person has to sign in anew" },
	{ "login_required", TOKEN_INVALID_GRANT,
	    "the person has to sign in anew" },
	{ "consent_required", TOKEN_INVALID_GRANT,
	    "the person has to consent at the provider" },
	{ "invalid_request_uri", TOKEN_REFUSED,
	    "the provider does not accept the pushed request" },
	{ "invalid_request_object", TOKEN_REFUSED,
	    "the provider wants signed requests, which Doorward does not "
	    "make" },
	/* RFC 7009 2.2.1 */
	{ "unsupported_token_type", TOKEN_REFUSED,
	    "the provider does not revoke tokens of this type" },
	/* RFC 8707 2 */
	{ "invalid_target", TOKEN_REFUSED,
	    "the provider does not know or allow the resource that "
	    "auth.openid.additional_request_params names" },
	/* RFC 9449 5 and 8 */
	{ "invalid_dpop_proof", TOKEN_REFUSED,
	    "the provider wants DPoP, which Doorward does not offer" },
	{ "use_dpop_nonce", TOKEN_REFUSED,
	    "the provider wants DPoP, which Doorward does not offer" },
};
static const char *const client_hints[METADATA_AUTHS] = {
	[METADATA_AUTH_BASIC] =
	    "the client id or the secret in slot oidc-secret is wrong",
	[METADATA_AUTH_POST] =
	    "the client id or the secret in slot oidc-secret is wrong",
	[METADATA_AUTH_PRIVATE_KEY_JWT] =
	    "the client id is wrong, or the provider does not have the public "
	    "key of slot oidc-key",
	[METADATA_AUTH_NONE] =
	    "the client id is wrong, or the provider wants a secret and slot "
	    "oidc-secret has none",
};
/* clang-format on */

static enum token_fault
fail(char detail[TOKEN_DETAIL_MAX], enum token_fault fault, unsigned status,
    const char *what)
{
	snprintf(detail, TOKEN_DETAIL_MAX, "%u: %s", status, what);
	return fault;
}

/* --- errors --- */

static bool
is_away(unsigned status)
{
	return status >= 500 || status == 408 || status == 429;
}

/* Of an answer without an error that we know. */
static enum token_fault
judge_status(
    unsigned status, enum metadata_auth auth, char detail[TOKEN_DETAIL_MAX])
{
	if (is_away(status))
		return fail(detail, TOKEN_UNAVAILABLE, status,
		    status == 429 ? "the provider wants fewer requests"
				  : "the provider has a problem");
	if (status == 401)
		return fail(detail, TOKEN_CLIENT, status, client_hints[auth]);
	if (status == 404 || status == 405)
		return fail(detail, TOKEN_REFUSED, status,
		    "there is no such endpoint at this address");
	if (status >= 400)
		return fail(detail, TOKEN_REFUSED, status,
		    "the provider refuses without a reason that we know");
	if (status >= 300)
		return fail(detail, TOKEN_MALFORMED, status,
		    "a redirect, which is not followed; is the endpoint's "
		    "address right?");
	return fail(detail, TOKEN_MALFORMED, status,
	    "an unexpected status; is the endpoint's address right?");
}

/* The index in errors[], or -1. */
static int
find_error(struct slice body)
{
	json_t *o;
	int found = -1;

	if (json_strict_parse(body, TOKEN_ANSWER_MAX, &o) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (json_strict_is(o, "error", errors[i].name))
			found = (int)i;
	json_decref(o);
	return found;
}

/* The provider being away goes before what it says then: a proxy or a server in
 * trouble cannot end anybody's session. */
static enum token_fault
judge_error(unsigned status, struct slice body, enum metadata_auth auth,
    char detail[TOKEN_DETAIL_MAX])
{
	int i = status >= 400 ? find_error(body) : -1;
	const char *text;

	if (i < 0)
		return judge_status(status, auth, detail);
	text = errors[i].text != NULL ? errors[i].text : client_hints[auth];
	snprintf(detail, TOKEN_DETAIL_MAX, "%u %s: %s", status, errors[i].name,
	    text);
	return is_away(status) ? TOKEN_UNAVAILABLE : errors[i].fault;
}

/* --- tokens --- */

static bool
is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.len > 0;
}

/* NULL, or what is wrong. null and "" are taken as not there: no token can be
 * mistaken for that. */
static const char *
get_token(const json_t *o, const char *name, struct slice *out)
{
	struct slice text = { NULL, 0 };
	int r = json_strict_text(o, name, &text);

	if (r == ERR_NOT_FOUND || (r == 0 && text.len == 0) ||
	    json_is_null(json_object_get(o, name)))
		return NULL;
	if (r != 0)
		return "a token is not a text";
	if (text.len > MSG_TOKEN_MAX)
		return "a token is longer than 16384 characters";
	if (!is_visible(text))
		return "a token has characters that a token cannot have";
	*out = text;
	return NULL;
}

/* A number, or (seen in the wild) a text of digits. */
static const char *
get_life(const json_t *o, int64_t *out)
{
	static const char what[] = "expires_in is no number of seconds";
	const json_t *v = json_object_get(o, "expires_in");
	struct slice text;
	uint64_t digits;
	int64_t life;

	*out = -1;
	if (v == NULL || json_is_null(v))
		return NULL;
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		life = json_integer_value(v);
	else if (json_strict_text(o, "expires_in", &text) == 0 &&
	    text_u64(text, INT64_MAX, &digits) == 0)
		life = (int64_t)digits;
	else
		return what;
	*out = life < TOKEN_LIFE_MAX_S ? life : TOKEN_LIFE_MAX_S;
	return NULL;
}

static const char *
check_type(const json_t *o, const struct token_answer *a)
{
	struct slice type;

	if (a->access_token.p == NULL)
		return NULL;
	if (json_strict_text(o, "token_type", &type) != 0)
		return "there is no token_type";
	return slice_is_nocase(type, "Bearer") ? NULL
					       : "token_type is not Bearer";
}

static const char *
check_needs(
    const struct token_answer *a, const struct token_answer_rules *rules)
{
	if (rules->need_id_token && a->id_token.p == NULL)
		return "the provider sent no id_token; is \"openid\" among the "
		       "scopes that it allows this client?";
	if (rules->need_access_token && a->access_token.p == NULL)
		return "the provider sent no access_token";
	if (a->id_token.p == NULL && a->access_token.p == NULL)
		return "the provider sent no token";
	return NULL;
}

static const char *
get_tokens(const json_t *o, const struct token_answer_rules *rules,
    struct token_answer *a)
{
	const char *what = get_token(o, "id_token", &a->id_token);

	if (what == NULL)
		what = get_token(o, "access_token", &a->access_token);
	if (what == NULL)
		what = get_token(o, "refresh_token", &a->refresh_token);
	if (what == NULL)
		what = get_life(o, &a->expires_in_s);
	if (what == NULL)
		what = check_type(o, a);
	if (what == NULL)
		what = check_needs(a, rules);
	return what;
}

static const char *
parse(struct slice body, json_t **out)
{
	int r = json_strict_parse(body, TOKEN_ANSWER_MAX, out);

	if (r == ERR_LIMIT)
		return "the answer is too long or nested too deeply";
	return r == 0 ? NULL
		      : "the answer is not a JSON object without duplicate "
			"members";
}

enum token_fault
token_answer_read(unsigned status, struct slice body,
    const struct token_answer_rules *rules, struct token_answer *out)
{
	struct token_answer a = { .expires_in_s = -1 };
	const char *what;

	*out = a;
	if (status != 200)
		return judge_error(status, body, rules->auth, out->detail);
	what = parse(body, &a.document);
	if (what == NULL)
		what = get_tokens(a.document, rules, &a);
	if (what != NULL) {
		json_decref(a.document);
		return fail(out->detail, TOKEN_MALFORMED, status, what);
	}
	*out = a;
	return TOKEN_OK;
}

void
token_answer_done(struct token_answer *a)
{
	json_decref(a->document);
	*a = (struct token_answer){ .expires_in_s = -1 };
}

/* --- the other endpoints --- */

enum token_fault
revocation_answer_read(unsigned status, struct slice body,
    enum metadata_auth auth, char detail[TOKEN_DETAIL_MAX])
{
	int i;

	detail[0] = '\0';
	if (status == 200 || status == 204)
		return TOKEN_OK;
	i = status == 400 ? find_error(body) : -1;
	if (i >= 0 && strcmp(errors[i].name, "unsupported_token_type") == 0)
		return TOKEN_OK;
	return judge_error(status, body, auth, detail);
}

static const char *
get_uri(struct slice body, char uri[REQUEST_URI_MAX + 1])
{
	struct slice text;
	json_t *o = NULL;
	const char *what = parse(body, &o);

	if (what == NULL && json_strict_text(o, "request_uri", &text) != 0)
		what = "there is no request_uri";
	if (what == NULL && !is_visible(text))
		what = "request_uri has characters that a URI cannot have";
	if (what == NULL && slice_copy(text, uri, REQUEST_URI_MAX + 1) != 0)
		what = "request_uri is longer than 2048 characters";
	json_decref(o);
	return what;
}

enum token_fault
pushed_answer_read(unsigned status, struct slice body, enum metadata_auth auth,
    char uri[REQUEST_URI_MAX + 1], char detail[TOKEN_DETAIL_MAX])
{
	const char *what;

	uri[0] = '\0';
	detail[0] = '\0';
	/* 201 is what the RFC has; 200 is seen in the wild. */
	if (status != 201 && status != 200)
		return judge_error(status, body, auth, detail);
	what = get_uri(body, uri);
	return what == NULL ? TOKEN_OK
			    : fail(detail, TOKEN_MALFORMED, status, what);
}
