/* The stand-in for a provider does what a good provider does: a test that needs
 * a refusal must not get it by accident. */
#include "tests/unit/provider_standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "common/clock.h"
#include "common/text.h"

#include "authd/jose.h"
#include "authd/jwks.h"
#include "authd/oidc/id_token.h"
#include "authd/oidc/metadata.h"
#include "authd/oidc/state.h"
#include "tests/unit/toy_provider.h"
#include "tests/unit/unit.h"

#define VERIFIER "dBjftJeZ4CVP-mBOWyFCqkgsUSoOxEPECmBYYYYYYYY"

static struct event_base *base;
static struct standin provider;

struct got {
	bool done;
	int status;
	char body[20000];
};

static void
setup(void)
{
	base = event_base_new();
	standin_begin(&provider, base);
}

static void
teardown(void)
{
	standin_end(&provider);
	event_base_free(base);
}

static void
take(struct evhttp_request *req, void *arg)
{
	struct got *g = arg;

	g->done = true;
	if (req == NULL)
		return;
	g->status = evhttp_request_get_response_code(req);
	(void)evbuffer_copyout(
	    evhttp_request_get_input_buffer(req), g->body, sizeof(g->body) - 1);
}

/* POST when there is a form. */
static void
ask(const char *path, const char *form, struct got *g)
{
	struct evhttp_connection *c =
	    evhttp_connection_base_new(base, NULL, "127.0.0.1", provider.port);
	struct evhttp_request *req = evhttp_request_new(take, g);

	memset(g, 0, sizeof(*g));
	if (form != NULL)
		evbuffer_add_printf(
		    evhttp_request_get_output_buffer(req), "%s", form);
	ck_assert_int_eq(
	    evhttp_make_request(
		c, req, form != NULL ? EVHTTP_REQ_POST : EVHTTP_REQ_GET, path),
	    0);
	for (int i = 0; i < 1000 && !g->done; i++)
		(void)event_base_loop(base, EVLOOP_ONCE);
	ck_assert(g->done);
	evhttp_connection_free(c);
}

static void
sign_in(char code[24])
{
	char challenge[STATE_DERIVED_LEN + 1], location[600], state[64];

	state_challenge(challenge, VERIFIER);
	(void)snprintf(location, sizeof(location),
	    "%s/authorize?client_id=doorward&response_type=code&redirect_uri="
	    "http%%3A%%2F%%2Fk&scope=openid+email&nonce=n-1&state=s-1&"
	    "code_challenge=%s&code_challenge_method=S256",
	    provider.issuer, challenge);
	ck_assert(
	    standin_authorize(&provider, location, state, sizeof(state), code));
	ck_assert_str_eq(state, "s-1");
}

static void
redeem(const char *code, const char *verifier, struct got *g)
{
	char form[400];

	(void)snprintf(form, sizeof(form),
	    "grant_type=authorization_code&code=%s&code_verifier=%s&"
	    "redirect_uri=http%%3A%%2F%%2Fk",
	    code, verifier);
	ask("/token", form, g);
}

START_TEST(it_describes_itself)
{
	struct metadata_problem why;
	struct metadata *m = NULL;
	struct jwks *keys = NULL;
	const char *problem;
	struct got g;

	ask("/.well-known/openid-configuration", NULL, &g);
	ck_assert_int_eq(g.status, 200);
	ck_assert_int_eq(
	    metadata_parse(slice_of(g.body), provider.issuer, &m, &why), 0);
	ck_assert_int_eq(m->pkce, METADATA_PKCE_S256);
	metadata_free(m);
	ask("/jwks", NULL, &g);
	ck_assert_int_eq(jwks_parse(slice_of(g.body), &keys, &problem), 0);
	jwks_free(keys);
	ck_assert_uint_eq(provider.asked[STANDIN_JWKS], 1);
	standin_say(&provider.discovery, "{\"token_endpoint\":null}");
	ask("/.well-known/openid-configuration", NULL, &g);
	ck_assert_int_ne(
	    metadata_parse(slice_of(g.body), provider.issuer, &m, &why), 0);
}
END_TEST

static void
check_id_token(const char *token)
{
	const char *problem;
	struct jwks *keys = NULL;
	struct id_token t;
	struct id_token_rules rules = {
		.issuer = provider.issuer,
		.client_id = "doorward",
		.algs = JOSE_ALGS_ALL,
		.now = clock_unix_s(),
		.nonce = "n-1",
	};

	ck_assert_int_eq(
	    jwks_parse(SLICE(TOY_PROVIDER_KEYS), &keys, &problem), 0);
	ck_assert_int_eq(
	    id_token_read(slice_of(token), keys, &rules, &t), ID_TOKEN_OK);
	ck_assert_str_eq(t.subject, "subject-1");
	id_token_done(&t);
	jwks_free(keys);
}

START_TEST(a_code_is_redeemed_once_with_its_verifier)
{
	char code[24];
	struct got g;
	json_t *o;

	sign_in(code);
	redeem(code, "another-verifier", &g);
	ck_assert_int_eq(g.status, 400);
	redeem(code, VERIFIER, &g);
	ck_assert_int_eq(g.status, 200);
	o = json_loads(g.body, 0, NULL);
	check_id_token(json_string_value(json_object_get(o, "id_token")));
	json_decref(o);
	redeem(code, VERIFIER, &g);
	ck_assert_int_eq(g.status, 400);
}
END_TEST

START_TEST(refresh_tokens_rotate)
{
	static const char form[] =
	    "grant_type=refresh_token&refresh_token=refresh-1";
	struct got g;

	provider.refresh = true;
	ask("/token", form, &g);
	ck_assert_int_eq(g.status, 200);
	ck_assert_ptr_nonnull(strstr(g.body, "refresh-2"));
	ask("/token", form, &g);
	ck_assert_int_eq(g.status, 400);
}
END_TEST

START_TEST(a_fault_is_over_after_so_many_times)
{
	struct got g;

	provider.fault[STANDIN_USERINFO] =
	    (struct standin_fault){ .status = 503, .times = 1 };
	ask("/userinfo", NULL, &g);
	ck_assert_int_eq(g.status, 503);
	ask("/userinfo", NULL, &g);
	ck_assert_int_eq(g.status, 200);
	standin_down(&provider);
	ask("/userinfo", NULL, &g);
	ck_assert_int_eq(g.status, 0);
	standin_up(&provider);
	ask("/userinfo", NULL, &g);
	ck_assert_int_eq(g.status, 200);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("provider_standin");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_describes_itself);
	tcase_add_test(t, a_code_is_redeemed_once_with_its_verifier);
	tcase_add_test(t, refresh_tokens_rotate);
	tcase_add_test(t, a_fault_is_over_after_so_many_times);
	return unit_run("provider_standin", t);
}
