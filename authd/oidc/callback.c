/*
 * MSG_OIDC_CALLBACK: somebody came back from the provider.
 *
 *   query ok ── state opens, is this browser's ── provider known ──
 *   first use ── issuer ── code redeemed ── id_token verified ── userinfo ──
 *   person ── allowed ── the cluster takes the token ── session made ──
 *   the browser's old one ended, everywhere ── answer
 *
 * SECURITY: each step either goes on or refuses, and only the last but one
 * makes a session. All that is known of the login came sealed with the browser;
 * an attempt counts once, over restarts too. What the provider says is never
 * repeated to the browser.
 */
#include "authd/oidc/oidc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/ticket.h"
#include "common/wiped_mem.h"

#include "authd/oidc/callback_internal.h"
#include "authd/oidc/metadata.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/refusals.h"
#include "authd/oidc/token_endpoint.h"
#include "authd/oidc/userinfo.h"
#include "authd/session.h"
#include "authd/throttle.h"

#define RESULT_MAX 2086
#define USED_AS "oidc-attempt"

static void
callback_release(struct attempt *t)
{
	struct callback *c = (struct callback *)t;

	json_decref(c->claims);
	wiped_free(c->id_token);
	wiped_free(c->access_token);
	wiped_free(c->refresh_token);
	secret_wipe(c, sizeof(*c));
	free(c);
}

const struct openid_settings *
callback_settings(const struct callback *c)
{
	return &c->attempt.authd->settings->openid;
}

struct slice
callback_api_token(const struct callback *c)
{
	return slice_of(callback_settings(c)->use_access_token ? c->access_token
							       : c->id_token);
}

/* --- answering --- */

static struct state_return
state_of(const struct callback *c)
{
	const struct attempt *t = &c->attempt;

	return (struct state_return){
		.now = clock_unix_s(),
		.timeout_s = callback_settings(c)->authentication_timeout_s,
		.base_url = slice_of(t->base_url),
		.cookie = slice_of(t->cookie),
		.state = c->q.state,
	};
}

/* How often this browser has failed so far. */
static unsigned
rounds_of(const struct callback *c, const struct state_return *back)
{
	struct state_resumed resumed;
	unsigned rounds;

	/* It says so also when it refuses. */
	(void)!state_resume(c->attempt.authd->keys, back, &resumed);
	rounds = resumed.rounds;
	secret_wipe(&resumed, sizeof(resumed));
	return rounds;
}

/* The login cookie after this attempt, "" when there is nothing to count in,
 * and what it says now. */
static unsigned
count_round(
    const struct callback *c, bool failed, char cookie[STATE_COOKIE_LEN + 1])
{
	struct state_return back = state_of(c);
	unsigned rounds = rounds_of(c, &back);

	if (state_count(c->attempt.authd->keys, &back, failed, cookie) !=
		STATE_OK ||
	    !failed)
		return 0;
	return rounds < STATE_ROUNDS_MAX ? rounds + 1 : STATE_ROUNDS_MAX;
}

static void
answer_refusal(
    struct callback *c, const struct refusal *why, const char *reference)
{
	char cookie[STATE_COOKIE_LEN + 1];
	unsigned rounds = count_round(c, true, cookie);
	uint8_t buf[RESULT_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, (uint8_t)why->code);
	wire_put_text(&w, "");
	wire_put_u64(&w, 0);
	wire_put_text(&w, "");
	wire_put_bytes(&w, c->resumed.return_path, c->resumed.return_len);
	wire_put_text(&w, cookie);
	wire_put_text(&w, why->reason);
	wire_put_text(&w, reference);
	wire_put_u8(&w, (uint8_t)rounds);
	attempt_end(&c->attempt, MSG_OIDC_CALLBACK_RESULT, &w);
}

void
callback_refuse(struct callback *c, struct refusal why)
{
	char reference[ATTEMPT_REFERENCE_LEN + 1];

	attempt_refused(&c->attempt, &why, reference);
	answer_refusal(c, &why, reference);
}

/* There is nothing left to do. user: who is signed in already; "": nobody, and
 * the answer belongs to no login of ours. */
static void
answer_nothing(struct callback *c, const char *user)
{
	uint8_t buf[RESULT_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, LOGIN_OK);
	wire_put_text(&w, "");
	wire_put_u64(&w, 0);
	wire_put_text(&w, user);
	wire_put_bytes(&w, c->resumed.return_path, c->resumed.return_len);
	wire_put_text(&w, "");
	wire_put_text(&w, "");
	wire_put_text(&w, "");
	wire_put_u8(&w, 0);
	attempt_end(&c->attempt, MSG_OIDC_CALLBACK_RESULT, &w);
}

/* The session that the browser brought is good: somebody came back to an
 * address of the past, by the history or by loading it again. Answers then. */
static bool
is_signed_in(struct callback *c)
{
	struct session s = { .end = 0 };
	uint8_t handle[MSG_HANDLE_LEN];

	if (c->old[0] == '\0')
		return false;
	ticket_handle(handle, slice_of(c->old));
	if (sessions_find(c->attempt.authd->sessions, handle, &s) != 0)
		return false;
	answer_nothing(c, s.who.user);
	session_wipe(&s);
	return true;
}

static void
audit_success(const struct callback *c)
{
	uint8_t handle[MSG_HANDLE_LEN];
	struct audit a;

	ticket_handle(handle, callback_api_token(c));
	audit_begin(&a, "AUDIT: Login successful");
	audit_str(&a, "user", c->who.user);
	audit_str(&a, "client", c->attempt.client);
	audit_fingerprint(&a, "token", handle);
	audit_end(&a);
}

void
callback_succeed(struct callback *c)
{
	struct attempt *t = &c->attempt;
	char cookie[STATE_COOKIE_LEN + 1];
	uint8_t buf[RESULT_MAX];
	struct wire_writer w;

	(void)count_round(c, false, cookie);
	t->authd->logins++;
	t->oidc->logins++;
	t->oidc->login_s = clock_unix_s();
	throttle_succeeded(t->authd->throttle, slice_of(t->client));
	audit_success(c);
	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, LOGIN_OK);
	wire_put_text(&w, c->session);
	wire_put_u64(&w, (uint64_t)c->end);
	wire_put_text(&w, c->who.user);
	wire_put_bytes(&w, c->resumed.return_path, c->resumed.return_len);
	wire_put_text(&w, cookie);
	wire_put_text(&w, "");
	wire_put_text(&w, "");
	wire_put_u8(&w, 0);
	attempt_end(t, MSG_OIDC_CALLBACK_RESULT, &w);
	secret_wipe(buf, sizeof(buf));
}

/* --- userinfo --- */

struct person_rules
callback_person_rules(const struct callback *c)
{
	const struct openid_settings *s = callback_settings(c);

	return (struct person_rules){
		.username_claim = s->username_claim,
		.groups_claim = s->groups_claim,
		.allowed_domains = &s->allowed_domains,
		.trust_unsaid_email = s->trust_unsaid_email,
	};
}

static void
userinfo_came(enum token_fault fault, const json_t *userinfo, void *arg)
{
	static const struct refusal needed = {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The identity provider does not say who you are at "
			  "the moment. Please sign in again; if it stays like "
			  "this, tell your administrator.",
		.subject = "the userinfo endpoint",
		.log = "did not answer, and username_claim or allowed_domains "
		       "need what it says",
	};
	struct callback *c = arg;
	struct person_rules rules = callback_person_rules(c);

	if (attempt_is_over(&c->attempt))
		return;
	if (fault == TOKEN_OK) {
		callback_admit(c, userinfo);
	} else if (person_wants_userinfo(c->claims, &rules) ==
	    PERSON_USERINFO_MUST) {
		callback_refuse(c, needed);
	} else {
		log_warn("the userinfo endpoint did not answer; without it "
			 "groups or an e-mail address may be missing");
		callback_admit(c, NULL);
	}
}

static void
ask_userinfo(struct callback *c)
{
	struct oidc *o = c->attempt.oidc;
	const struct metadata *m = provider_metadata(o->provider);
	struct person_rules rules = callback_person_rules(c);

	if (m == NULL || m->at[METADATA_USERINFO].text == NULL ||
	    c->access_token == NULL ||
	    person_wants_userinfo(c->claims, &rules) == PERSON_USERINFO_NO)
		callback_admit(c, NULL);
	else
		userinfo_get(
		    o->endpoint, slice_of(c->access_token), userinfo_came, c);
}

/* --- the tokens --- */

static void
id_token_judged(enum id_token_fault fault, struct id_token *t, void *arg)
{
	struct callback *c = arg;

	if (attempt_is_over(&c->attempt))
		return;
	if (fault != ID_TOKEN_OK) {
		callback_refuse(c, id_token_refusal(fault));
		return;
	}
	memcpy(c->subject, t->subject, sizeof(c->subject));
	memcpy(c->sid, t->sid, sizeof(c->sid));
	if (c->token_end == 0 || t->expires < c->token_end)
		c->token_end = t->expires;
	c->claims = json_incref((json_t *)(uintptr_t)t->claims);
	ask_userinfo(c);
}

static char *
keep(struct slice token)
{
	char *copy;

	if (token.len == 0)
		return NULL;
	copy = wiped_alloc(token.len + 1);
	memcpy(copy, token.p, token.len);
	copy[token.len] = '\0';
	return copy;
}

static void
keep_tokens(struct callback *c, const struct token_answer *answer)
{
	c->id_token = keep(answer->id_token);
	c->access_token = keep(answer->access_token);
	c->refresh_token = keep(answer->refresh_token);
	/* The id_token's end comes with the id_token. */
	if (callback_settings(c)->use_access_token && answer->expires_in_s >= 0)
		c->token_end = clock_unix_s() + answer->expires_in_s;
}

/* The tokens that there must be. */
static bool
are_enough(struct callback *c)
{
	static const struct refusal no_id_token = {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider did not say who you are. Tell "
			  "your administrator.",
		.subject = "the provider",
		.log = "did not provide an id_token",
	};
	static const struct refusal no_access_token = {
		.code = LOGIN_REJECTED,
		.reason = "The identity provider gave no token for the "
			  "cluster. Tell your administrator.",
		.subject = "the provider",
		.log = "did not provide an access_token, which "
		       "auth.openid.api_token wants",
	};

	if (c->id_token == NULL)
		callback_refuse(c, no_id_token);
	else if (callback_api_token(c).len == 0)
		callback_refuse(c, no_access_token);
	else
		return true;
	return false;
}

static void
tokens_came(
    enum token_fault fault, const struct token_answer *answer, void *arg)
{
	struct callback *c = arg;
	struct id_token_rules rules = {
		.age_max_s = ID_TOKEN_AGE_MAX_S,
		.nonce = c->resumed.nonce,
	};

	if (attempt_is_over(&c->attempt))
		return;
	if (fault != TOKEN_OK) {
		callback_refuse(c, token_fault_refusal(fault, answer->detail));
		return;
	}
	keep_tokens(c, answer);
	if (!are_enough(c))
		return;
	rules.access_token = slice_of(c->access_token);
	provider_read_id_token(c->attempt.oidc->provider, slice_of(c->id_token),
	    &rules, id_token_judged, c);
}

/* --- the answer of the provider --- */

static void
refuse_error(struct callback *c)
{
	char description[CALLBACK_DETAIL_MAX / 2],
	    error[CALLBACK_ERROR_MAX + 1];

	/* Whoever makes a browser come here chooses these words. */
	log_json_escape(description, sizeof(description), c->q.description.p,
	    c->q.description.len);
	log_json_escape(error, sizeof(error), c->q.error.p, c->q.error.len);
	(void)snprintf(
	    c->detail, sizeof(c->detail), "%s: \"%s\"", error, description);
	callback_refuse(c, callback_error_refusal(c->q.error, c->detail));
}

/* RFC 9207 2.4: whose answer it is. */
static bool
is_from_issuer(const struct callback *c)
{
	const struct metadata *m = provider_metadata(c->attempt.oidc->provider);

	if (c->q.iss.len == 0)
		return m != NULL && !m->iss_in_response;
	return slice_is(c->q.iss, callback_settings(c)->issuer);
}

static void
redeem(struct callback *c)
{
	c->attempt.redeemed = true;
	token_endpoint_code(c->attempt.oidc->endpoint, c->q.code,
	    c->resumed.verifier, c->attempt.base_url, tokens_came, c);
}

static void
provider_is_ready(int err, void *arg)
{
	static const struct refusal used = {
		.code = LOGIN_REJECTED,
		.reason = "This sign-in was finished before, so you may be "
			  "signed in already. If not, sign in again.",
		.subject = "the login",
		.log = "was finished before: its state came back a second time",
		.by_client = true,
	};
	static const struct refusal other_issuer = {
		.code = LOGIN_REJECTED,
		.reason = "The answer comes from another identity provider. "
			  "Please sign in again.",
		.subject = "the answer",
		.log = "is not from our issuer, or does not say so (iss, RFC "
		       "9207)",
		.by_client = true,
	};
	struct callback *c = arg;
	const struct state_resumed *resumed = &c->resumed;
	const struct slice id = { (const char *)resumed->attempt,
		sizeof(resumed->attempt) };
	int r;

	if (attempt_is_over(&c->attempt))
		return;
	if (err != 0) {
		callback_refuse(
		    c, token_fault_refusal(TOKEN_UNAVAILABLE, NULL));
		return;
	}
	r = sessions_use_once(
	    c->attempt.authd->sessions, USED_AS, id, resumed->until);
	if (r == ERR_EXISTS && is_signed_in(c))
		return;
	if (r == ERR_EXISTS)
		callback_refuse(c, used);
	else if (r != 0)
		callback_refuse(c, callback_not_stored);
	else if (!is_from_issuer(c))
		callback_refuse(c, other_issuer);
	else if (c->q.error.len > 0)
		refuse_error(c);
	else
		redeem(c);
}

static struct refusal
state_refusal(enum state_fault fault)
{
	bool old = fault == STATE_EXPIRED || fault == STATE_KEY_GONE;

	return (struct refusal){
		.code = old ? LOGIN_EXPIRED : LOGIN_REJECTED,
		.reason = state_person(fault),
		.subject = "the login",
		.log = state_log(fault),
		.by_client = !old && fault != STATE_FUTURE,
	};
}

/* Without a login cookie all may be for the console that is not sealed as a
 * state of ours; under a key that is gone, that cannot be told. */
static bool
is_for_the_console(const struct callback *c, enum state_fault fault)
{
	return c->attempt.cookie[0] == '\0' &&
	    (fault == STATE_BAD || fault == STATE_KEY_GONE);
}

static void
judge_state(struct callback *c)
{
	struct attempt *t = &c->attempt;
	struct state_return back = state_of(c);
	enum state_fault fault =
	    state_resume(t->authd->keys, &back, &c->resumed);

	if (fault == STATE_OK)
		provider_need(t->oidc->provider, provider_is_ready, c);
	else if (is_for_the_console(c, fault))
		answer_nothing(c, "");
	else if (fault != STATE_NO_COOKIE || !is_signed_in(c))
		callback_refuse(c, state_refusal(fault));
}

static void
callback_start(struct callback *c, size_t query_len)
{
	struct refusal why = { .code = LOGIN_REJECTED,
		.subject = "the answer",
		.by_client = true };
	enum callback_fault malformed;

	if (attempt_is_hindered(&c->attempt, &why)) {
		callback_refuse(c, why);
		return;
	}
	malformed = callback_query_parse(c->query, query_len, &c->q);
	if (malformed != CALLBACK_OK) {
		why.reason = callback_person(malformed);
		why.log = callback_log(malformed);
		callback_refuse(c, why);
		return;
	}
	judge_state(c);
}

int
handle_oidc_callback(struct chan *ch, struct chan_in *in)
{
	struct slice base_url = wire_get_text(&in->body, MSG_BASE_URL_MAX);
	struct slice query = wire_get_text(&in->body, MSG_QUERY_MAX);
	struct slice cookie = wire_get_text(&in->body, MSG_LOGIN_COOKIE_MAX);
	struct slice old = wire_get_text(&in->body, MSG_COOKIE_MAX);
	struct slice client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	struct callback *c;
	struct attempt *t;

	if (wire_end(&in->body) != 0 || base_url.len == 0)
		return ERR_PROTOCOL;
	c = mem_new(sizeof(*c));
	t = &c->attempt;
	(void)!slice_copy(base_url, t->base_url, sizeof(t->base_url));
	(void)!slice_copy(query, c->query, sizeof(c->query));
	(void)!slice_copy(cookie, t->cookie, sizeof(t->cookie));
	(void)!slice_copy(old, c->old, sizeof(c->old));
	(void)!slice_copy(client, t->client, sizeof(t->client));
	c->by_ms = clock_mono_ms() + CALLBACK_MS;
	attempt_begin(t, ch, in->id, callback_release);
	callback_start(c, query.len);
	return 0;
}
