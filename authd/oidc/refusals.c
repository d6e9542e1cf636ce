/* See refusals.h. */
#include "authd/oidc/refusals.h"

#define TELL " If it stays like this, tell your administrator."

/* clang-format off */
static const struct refusal token_faults[] = {
	[TOKEN_UNAVAILABLE] = {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider cannot be reached at the "
			  "moment. Try again in a minute." TELL,
		.log = "cannot be asked" },
	[TOKEN_INVALID_GRANT] = {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider does not accept this sign-in "
			  "any more: it took too long, or was used before. "
			  "Please sign in again.",
		.log = "does not accept the code (used before, too old, or "
		       "made for another redirect URI)",
		.by_client = true },
	[TOKEN_CLIENT] = {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider does not accept this site. "
			  "Tell your administrator.",
		.log = "does not accept us: check auth.openid.client_id, the "
		       "secret oidc-secret and what the provider says of this "
		       "client" },
	[TOKEN_MALFORMED] = {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider gave an answer that cannot be "
			  "used. Try again." TELL,
		.log = "gave an answer that cannot be used" },
	[TOKEN_REFUSED] = {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider refused this site's request. "
			  "Try again." TELL,
		.log = "refused our request" },
};

static const struct {
	const char *error;
	struct refusal refusal;
} errors[] = {
	{ "access_denied", {
		.code = LOGIN_FORBIDDEN,
		.reason = "You declined at the identity provider, or it does "
			  "not let you in here. Sign in again to try as "
			  "somebody else.",
		.log = "says access_denied",
		.by_client = true } },
	{ "login_required", {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider wants you to sign in there "
			  "first. Please sign in again.",
		.log = "says login_required (is prompt=none among "
		       "additional_request_params?)" } },
	{ "interaction_required", {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider wants something of you before "
			  "it lets you in. Please sign in again.",
		.log = "says interaction_required" } },
	{ "consent_required", {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider needs your consent before it "
			  "lets you in. Please sign in again.",
		.log = "says consent_required" } },
	{ "account_selection_required", {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider wants you to choose an "
			  "account. Please sign in again.",
		.log = "says account_selection_required" } },
	{ "temporarily_unavailable", {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider is overloaded at the moment. "
			  "Try again in a minute.",
		.log = "says temporarily_unavailable" } },
	{ "server_error", {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider has a problem. Try again in a "
			  "minute." TELL,
		.log = "says server_error" } },
	{ "invalid_scope", {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider does not know what this site "
			  "asks for. Tell your administrator.",
		.log = "says invalid_scope: check auth.openid.scopes" } },
	{ "unauthorized_client", {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider does not let this site sign "
			  "people in. Tell your administrator.",
		.log = "says unauthorized_client: check what it allows "
		       "auth.openid.client_id" } },
	{ "invalid_request", {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider did not understand this "
			  "site's request. Tell your administrator.",
		.log = "says invalid_request: check "
		       "auth.openid.additional_request_params" } },
};
static const struct refusal other_error = {
	.code = LOGIN_REJECTED,
	.reason = "The identity provider refused this sign-in. Please sign in "
		  "again." TELL,
	.subject = "the provider",
	.log = "refused the login",
};
/* clang-format on */

struct refusal
token_fault_refusal(enum token_fault fault, const char *detail)
{
	struct refusal r = token_faults[fault];

	r.subject = "the provider";
	r.detail = detail;
	return r;
}

static enum login_code
id_token_code(enum id_token_fault fault)
{
	if (fault == ID_TOKEN_EXPIRED || fault == ID_TOKEN_OLD)
		return LOGIN_EXPIRED;
	return fault == ID_TOKEN_NO_KEY ? LOGIN_UNAVAILABLE : LOGIN_REJECTED;
}

/* A code that belongs to another login comes with another nonce: somebody put
 * it there. The other faults are the provider's. */
struct refusal
id_token_refusal(enum id_token_fault fault)
{
	return (struct refusal){
		.code = id_token_code(fault),
		.reason = id_token_person(fault),
		.subject = "the id_token",
		.log = id_token_log(fault),
		.by_client = fault == ID_TOKEN_NONCE,
	};
}

struct refusal
callback_error_refusal(struct slice error, const char *detail)
{
	struct refusal r = other_error;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (slice_is(error, errors[i].error)) {
			r = errors[i].refusal;
			r.subject = other_error.subject;
		}
	r.detail = detail;
	return r;
}
