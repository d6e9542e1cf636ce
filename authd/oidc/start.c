/*
 * MSG_OIDC_START: a person wants to sign in at the provider. The answer is
 * where the browser goes, and its login cookie; authd keeps nothing.
 */
#include "authd/oidc/oidc.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"

#include "authd/oidc/attempt.h"
#include "authd/oidc/authorization.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/refusals.h"
#include "authd/oidc/state.h"
#include "authd/oidc/token_endpoint.h"

_Static_assert(STATE_COOKIE_LEN <= MSG_LOGIN_COOKIE_MAX, "fits");
_Static_assert(MSG_RETURN_MAX <= STATE_RETURN_MAX, "no path is forgotten");

#define RESULT_MAX 12700

struct start {
	struct attempt attempt; /* first */
	char return_path[MSG_RETURN_MAX + 1];
	struct state_attempt made;
};

static void
start_release(struct attempt *t)
{
	struct start *s = (struct start *)t;

	secret_wipe(s, sizeof(*s));
	free(s);
}

static void
start_answer(struct start *s, enum login_code code, const char *texts[4])
{
	uint8_t buf[RESULT_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, (uint8_t)code);
	for (int i = 0; i < 4; i++)
		wire_put_text(&w, texts[i]);
	attempt_end(&s->attempt, MSG_OIDC_START_RESULT, &w);
	secret_wipe(buf, sizeof(buf));
}

static void
start_refuse(struct start *s, const struct refusal *why)
{
	char reference[ATTEMPT_REFERENCE_LEN + 1];
	const char *texts[] = { "", "", why->reason, reference };

	attempt_refused(&s->attempt, why, reference);
	start_answer(s, why->code, texts);
}

static void
start_located(
    enum token_fault fault, const char *location, const char *detail, void *arg)
{
	static const struct refusal too_long = {
		.code = LOGIN_UNAVAILABLE,
		.reason = "The way to the identity provider is not usable: "
			  "tell your administrator.",
		.subject = "the provider's login page",
		.log = "has an address that is too long",
	};
	struct start *s = arg;
	const char *texts[] = { location, s->made.cookie, "", "" };
	struct refusal why;

	if (attempt_is_over(&s->attempt))
		return;
	if (fault != TOKEN_OK) {
		why = token_fault_refusal(fault, detail);
		start_refuse(s, &why);
	} else if (strlen(location) > MSG_LOCATION_MAX) {
		start_refuse(s, &too_long);
	} else {
		s->attempt.oidc->starts++;
		start_answer(s, LOGIN_OK, texts);
	}
}

static void
start_ready(int err, void *arg)
{
	struct start *s = arg;
	struct attempt *t = &s->attempt;
	struct state_start start = {
		.now = clock_unix_s(),
		.timeout_s = t->oidc->settings->openid.authentication_timeout_s,
		.base_url = slice_of(t->base_url),
		.return_path = slice_of(s->return_path),
		.cookie = slice_of(t->cookie),
	};
	struct authorization authorization = {
		.redirect_uri = t->base_url,
		.state = s->made.state,
		.nonce = s->made.nonce,
		.challenge = s->made.challenge,
	};
	char detail[PROVIDER_WHY_MAX];
	struct refusal why;

	if (attempt_is_over(t))
		return;
	if (err != 0) {
		provider_why(t->oidc->provider, detail);
		why = token_fault_refusal(TOKEN_UNAVAILABLE, detail);
		start_refuse(s, &why);
	} else if (attempt_is_hindered(t, &why)) { /* keys may be gone */
		start_refuse(s, &why);
	} else {
		state_begin(t->authd->keys, &start, &s->made);
		authorization_start(
		    t->oidc->endpoint, &authorization, start_located, s);
	}
}

/* Once: what the provider must have registered, and where it comes from. */
static void
tell_redirect_uri(struct oidc *o, const char *base_url, struct slice why)
{
	if (o->told_redirect_uri)
		return;
	o->told_redirect_uri = true;
	log_info("redirect URI %s (%.*s)", base_url, SLICE_ARG(why));
}

int
handle_oidc_start(struct chan *ch, struct chan_in *in)
{
	struct slice base_url = wire_get_text(&in->body, MSG_BASE_URL_MAX);
	struct slice path = wire_get_text(&in->body, MSG_RETURN_MAX);
	struct slice cookie = wire_get_text(&in->body, MSG_LOGIN_COOKIE_MAX);
	struct slice client = wire_get_text(&in->body, MSG_CLIENT_MAX);
	struct slice how = wire_get_text(&in->body, MSG_WHY_MAX);
	struct refusal why;
	struct attempt *t;
	struct start *s;

	if (wire_end(&in->body) != 0 || base_url.len == 0)
		return ERR_PROTOCOL;
	s = mem_new(sizeof(*s));
	t = &s->attempt;
	(void)!slice_copy(base_url, t->base_url, sizeof(t->base_url));
	(void)!slice_copy(path, s->return_path, sizeof(s->return_path));
	(void)!slice_copy(cookie, t->cookie, sizeof(t->cookie));
	(void)!slice_copy(client, t->client, sizeof(t->client));
	attempt_begin(t, ch, in->id, start_release);
	if (attempt_is_hindered(t, &why)) {
		start_refuse(s, &why);
		return 0;
	}
	tell_redirect_uri(t->oidc, t->base_url, how);
	provider_need(t->oidc->provider, start_ready, s);
	return 0;
}
