/* Logins through a provider: every refusal. */
#include "tests/unit/oidc_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"

#include "authd/oidc/oidc.h"
#include "authd/oidc/state.h"
#include "authd/throttle.h"
#include "tests/unit/unit.h"

static struct oidc_fixture o;

static void
setup(void)
{
	oidc_begin(&o);
}

static void
teardown(void)
{
	oidc_end(&o);
}

/* --- what the browser brings --- */

START_TEST(a_state_is_good_once)
{
	struct callback_answer c;
	struct oidc_visit v;

	oidc_visit(&o, "", "", &v);
	oidc_come_back(&o, &v, &c);
	oidc_check_good(&o, &c);
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 1);
}
END_TEST

START_TEST(another_browser_cannot_finish_it)
{
	struct oidc_visit mine, theirs;
	struct callback_answer c;

	oidc_visit(&o, "", "", &mine);
	oidc_visit(&o, "", "", &theirs);
	memcpy(mine.cookie, theirs.cookie, sizeof(mine.cookie));
	oidc_come_back(&o, &mine, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	mine.cookie[0] = '\0';
	oidc_come_back(&o, &mine, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	ck_assert_str_eq(c.cookie, "");
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 0);
}
END_TEST

/* Nobody who is signed in is told that it did not work. */
static void
check_signed_in_already(struct oidc_fixture *fixture,
    const struct callback_question *q, const char *path)
{
	struct callback_answer c;

	ask_callback(fixture, q, &c);
	ck_assert_msg(c.code == LOGIN_OK, "%s", c.reason);
	ck_assert_str_eq(c.session, "");
	ck_assert_str_eq(c.cookie, "");
	ck_assert_str_eq(c.user, "alice@example.com");
	ck_assert_str_eq(c.path, path);
	ck_assert_int_eq(ask_session(&fixture->f, q->session), VERDICT_ALLOW);
	ck_assert_uint_eq(fixture->f.authd->oidc->n_attempts, 0);
}

START_TEST(a_callback_without_the_login_cookie)
{
	struct callback_answer c, good;
	struct oidc_visit v;
	struct callback_question q = { .query = v.query, .cookie = "" };

	oidc_login(&o, NULL, &good);
	oidc_visit(&o, "/kiali/b", "", &v);
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	ck_assert_ptr_nonnull(strstr(c.reason, "blocks cookies"));
	ck_assert_str_eq(c.path, "/kiali/b");
	ck_assert_str_eq(c.cookie, "");
	clock_ahead_s += 301; /* it is late as well: the cookie ends with it */
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	q.session = "no such session";
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	q.session = good.session;
	check_signed_in_already(&o, &q, "/kiali/b");
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 1);
}
END_TEST

START_TEST(a_state_that_is_not_ours)
{
	static const char *const ours[] = { "code=x&state=y",
		"state=y&error=access_denied" };
	struct callback_answer c;
	struct callback_question q = { .cookie = "" };

	for (size_t i = 0; i < N_ROWS(ours); i++) {
		q.query = ours[i];
		ask_callback(&o, &q, &c);
		ck_assert_int_eq(c.code, LOGIN_OK);
		ck_assert_str_eq(c.session, "");
		ck_assert_str_eq(c.user, "");
		ck_assert_uint_eq(o.f.authd->oidc->n_attempts, 0);
	}
	q.query = "code=x&code=z&state=y";
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
}
END_TEST

START_TEST(a_finished_login_again)
{
	struct callback_answer c;
	struct oidc_visit v;
	struct callback_question q = { .query = v.query, .cookie = v.cookie };

	oidc_visit(&o, "/kiali/c", "", &v);
	ask_callback(&o, &q, &c);
	oidc_check_good(&o, &c);
	q.session = c.session;
	check_signed_in_already(&o, &q, "/kiali/c");
	q.session = NULL;
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	ck_assert_str_eq(c.path, "/kiali/c");
}
END_TEST

START_TEST(a_stolen_code_is_of_no_use)
{
	struct oidc_visit mine, theirs;
	struct callback_answer c;
	char *code;

	oidc_visit(&o, "", "", &mine);
	oidc_visit(&o, "", "", &theirs);
	/* Their code with my state: the provider sees another verifier. */
	code = strstr(theirs.query, "code=");
	ck_assert_ptr_nonnull(code);
	memcpy(mine.query, code, strcspn(code, "&"));
	oidc_come_back(&o, &mine, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 1);
}
END_TEST

START_TEST(it_may_not_take_too_long)
{
	struct callback_answer c;
	struct oidc_visit v;

	oidc_visit(&o, "", "", &v);
	clock_ahead_s += 301;
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_EXPIRED);
}
END_TEST

START_TEST(another_base_url_is_another_site)
{
	struct callback_answer c;
	struct oidc_visit v;
	struct callback_question q = { .base_url = "https://other.example",
		.query = v.query,
		.cookie = v.cookie };

	oidc_visit(&o, "", "", &v);
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
}
END_TEST

/* clang-format off */
static const struct {
	const char *name, *more; /* of the query, behind code and state */
	enum login_code code;
} queries[] = {
	{ "a second code", "&code=x", LOGIN_REJECTED },
	{ "a second state", "&state=x", LOGIN_REJECTED },
	{ "an error beside the code", "&error=access_denied", LOGIN_REJECTED },
	{ "a broken escape", "&iss=%4", LOGIN_REJECTED },
	{ "another issuer", "&iss=https%3A%2F%2Fevil.example", LOGIN_REJECTED },
};
/* clang-format on */

START_TEST(a_spoiled_query)
{
	struct callback_answer c;
	struct oidc_visit v;
	size_t n;

	oidc_visit(&o, "", "", &v);
	n = strlen(v.query);
	(void)snprintf(
	    v.query + n, sizeof(v.query) - n, "%s", queries[_i].more);
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, queries[_i].code);
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 0);
}
END_TEST

START_TEST(the_issuer_may_be_demanded)
{
	struct callback_answer c;
	struct oidc_visit v;
	size_t n;

	standin_say(&o.provider.discovery,
	    "{\"authorization_response_iss_parameter_supported\":true}");
	oidc_visit(&o, "", "", &v);
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
	oidc_visit(&o, "", "", &v);
	n = strlen(v.query);
	(void)snprintf(v.query + n, sizeof(v.query) - n,
	    "&iss=http%%3A%%2F%%2F127.0.0.1%%3A%u", (unsigned)o.provider.port);
	oidc_come_back(&o, &v, &c);
	oidc_check_good(&o, &c);
}
END_TEST

/* clang-format off */
static const struct {
	const char *error;
	enum login_code code;
} errors[] = {
	{ "access_denied", LOGIN_FORBIDDEN },
	{ "login_required", LOGIN_REJECTED },
	{ "consent_required", LOGIN_REJECTED },
	{ "temporarily_unavailable", LOGIN_UNAVAILABLE },
	{ "server_error", LOGIN_UNAVAILABLE },
	{ "invalid_scope", LOGIN_UNAVAILABLE },
	{ "something_else", LOGIN_REJECTED },
};
/* clang-format on */

START_TEST(the_provider_says_no)
{
	struct callback_answer c;
	struct oidc_visit v;
	char query[MSG_QUERY_MAX + 1];

	oidc_visit(&o, "", "", &v);
	(void)snprintf(query, sizeof(query),
	    "error=%s&error_description=%%3Cb%%3Esecret+words%%0A&%s",
	    errors[_i].error, strstr(v.query, "state="));
	memcpy(v.query, query, sizeof(query));
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, errors[_i].code);
	ck_assert_ptr_null(strstr(c.reason, "secret words"));
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 0);
	/* The attempt is over. */
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_REJECTED);
}
END_TEST

START_TEST(rounds_are_counted_until_it_works)
{
	struct callback_answer c;
	struct oidc_visit v;
	char cookie[MSG_LOGIN_COOKIE_MAX + 1] = "";

	o.provider.fault[STANDIN_TOKEN].status = 503;
	for (unsigned i = 1; i <= 3; i++) {
		oidc_visit(&o, "", cookie, &v);
		oidc_come_back(&o, &v, &c);
		oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
		ck_assert_uint_eq(c.rounds, i);
		ck_assert_uint_eq(strlen(c.cookie), STATE_COOKIE_LEN);
		memcpy(cookie, c.cookie, sizeof(cookie));
	}
	o.provider.fault[STANDIN_TOKEN].status = 0;
	oidc_visit(&o, "", cookie, &v);
	oidc_come_back(&o, &v, &c);
	oidc_check_good(&o, &c);
	memcpy(cookie, c.cookie, sizeof(cookie));
	o.provider.fault[STANDIN_TOKEN].status = 503;
	oidc_visit(&o, "", cookie, &v);
	oidc_come_back(&o, &v, &c);
	ck_assert_uint_eq(c.rounds, 1);
}
END_TEST

START_TEST(who_keeps_failing_has_to_wait)
{
	struct callback_question q = { .query = "code=c&state=s",
		.cookie = "nonsense" };
	struct callback_answer c;
	struct start_answer s;

	for (int i = 0; i <= THROTTLE_FREE; i++)
		ask_callback(&o, &q, &c);
	ask_callback(&o, &q, &c);
	oidc_check_refused(&o, &c, LOGIN_BUSY);
	ask_start(&o, "", "", &s);
	ck_assert_int_eq(s.code, LOGIN_BUSY);
	ck_assert_str_eq(s.location, "");
	ck_assert_uint_eq(strlen(s.reference), 10);
	ck_assert_uint_eq(o.provider.asked[STANDIN_TOKEN], 0);
}
END_TEST

START_TEST(the_provider_s_failures_are_not_the_client_s)
{
	struct callback_answer c;

	o.provider.fault[STANDIN_TOKEN].status = 500;
	for (int i = 0; i <= THROTTLE_FREE + 1; i++) {
		oidc_login(&o, NULL, &c);
		oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
	}
}
END_TEST

/* --- what `doorward status` says of it --- */

static void
check_status(bool there, const char *text)
{
	char status[OIDC_STATUS_MAX];

	oidc_status(o.f.authd->oidc, status);
	ck_assert_msg((strstr(status, text) != NULL) == there, "%s in:\n%s",
	    text, status);
}

START_TEST(the_status_says_why_nobody_gets_in)
{
	struct callback_question q = { .query = "code=c&state=s",
		.cookie = "nonsense" };
	struct callback_answer c;

	check_status(true,
	    "openid last login: none\n"
	    "openid last refusal: none\n");
	o.provider.fault[STANDIN_TOKEN].status = 401;
	o.provider.fault[STANDIN_TOKEN].body = "{\"error\":\"invalid_client\"}";
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
	ask_callback(&o, &q, &c); /* anybody can do that */
	check_status(true, "openid logins refused unavailable: 1\n");
	check_status(true, "openid logins refused rejected: 1\n");
	check_status(true, "openid logins refused: 2\n");
	check_status(true, "openid last login: none\n");
	check_status(true, "openid last refusal: 20");
	check_status(true, "Z: the provider does not accept us: ");
	check_status(true, "token endpoint: 401 invalid_client: ");
	o.provider.fault[STANDIN_TOKEN].status = 0;
	oidc_login(&o, NULL, &c);
	oidc_check_good(&o, &c);
	check_status(false, "openid last login: none\n");
	check_status(true, "openid logins: 1\n");
	check_status(true, "openid provider up: 1\n");
}
END_TEST

/* --- what the provider answers --- */

/* clang-format off */
static const struct {
	const char *name, *id_token, *answer;
	enum login_code code;
} tokens[] = {
	{ "another nonce", "{\"nonce\":\"other\"}", NULL, LOGIN_REJECTED },
	{ "no nonce", "{\"nonce\":null}", NULL, LOGIN_REJECTED },
	{ "another issuer", "{\"iss\":\"https://evil.example\"}", NULL,
	  LOGIN_REJECTED },
	{ "another audience", "{\"aud\":\"other\"}", NULL, LOGIN_REJECTED },
	{ "expired", "{\"exp\":1000}", NULL, LOGIN_EXPIRED },
	{ "old", "{\"iat\":1000}", NULL, LOGIN_EXPIRED },
	{ "no subject", "{\"sub\":null}", NULL, LOGIN_REJECTED },
	{ "wrong at_hash", "{\"at_hash\":\"AAAA\"}", NULL, LOGIN_REJECTED },
	{ "a logout token", "{\"events\":{}}", NULL, LOGIN_REJECTED },
	{ "an unverified address", "{\"email_verified\":false}", NULL,
	  LOGIN_REJECTED },
	{ "a name of Kubernetes", "{\"email\":\"system:admin@example.com\"}",
	  NULL, LOGIN_REJECTED },
	{ "no id_token", NULL, "{\"id_token\":null}", LOGIN_UNAVAILABLE },
	{ "not a token", NULL, "{\"id_token\":\"x.y.z\"}", LOGIN_REJECTED },
	{ "another type", NULL, "{\"token_type\":\"mac\"}", LOGIN_UNAVAILABLE },
};
/* clang-format on */

START_TEST(a_bad_token)
{
	struct callback_answer c;

	standin_say(&o.provider.id_token, tokens[_i].id_token);
	standin_say(&o.provider.token_answer, tokens[_i].answer);
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, tokens[_i].code);
}
END_TEST

START_TEST(a_key_that_is_not_published)
{
	struct callback_answer c;

	o.provider.kid = "other";
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
}
END_TEST

/* clang-format off */
static const struct {
	int status;
	const char *body;
	enum login_code code;
} answers[] = {
	{ 400, "{\"error\":\"invalid_grant\"}", LOGIN_REJECTED },
	{ 401, "{\"error\":\"invalid_client\"}", LOGIN_UNAVAILABLE },
	{ 400, "{\"error\":\"invalid_request\"}", LOGIN_UNAVAILABLE },
	{ 503, "", LOGIN_UNAVAILABLE },
	{ 200, "{\"id_token\":1}", LOGIN_UNAVAILABLE },
	{ 200, "no JSON", LOGIN_UNAVAILABLE },
	{ 302, "", LOGIN_UNAVAILABLE },
};
/* clang-format on */

START_TEST(a_bad_answer)
{
	struct callback_answer c;

	o.provider.fault[STANDIN_TOKEN].status = answers[_i].status;
	o.provider.fault[STANDIN_TOKEN].body = answers[_i].body;
	oidc_login(&o, NULL, &c);
	oidc_check_refused(&o, &c, answers[_i].code);
}
END_TEST

START_TEST(no_provider_no_login)
{
	struct start_answer s;

	standin_down(&o.provider);
	ask_start(&o, "", "", &s);
	ck_assert_int_eq(s.code, LOGIN_UNAVAILABLE);
	ck_assert_str_eq(s.location, "");
	ck_assert_str_eq(s.cookie, "");
	ck_assert_uint_gt(strlen(s.reason), 10);
	ck_assert_uint_eq(strlen(s.reference), 10);
	check_status(true, "openid provider up: 0\n");
	check_status(true, "Z: the provider cannot be asked: its metadata ");
	standin_up(&o.provider);
	clock_ahead_s += 60;
	ask_start(&o, "", "", &s);
	ck_assert_msg(s.code == LOGIN_OK, "%s", s.reason);
}
END_TEST

START_TEST(no_keys_no_login)
{
	struct callback_answer c;
	struct start_answer s;
	struct oidc_visit v;

	oidc_visit(&o, "", "", &v);
	fixture_restart(&o.f, false);
	fixture_connect_frontend(&o.f);
	ask_start(&o, "", "", &s);
	ck_assert_int_eq(s.code, LOGIN_UNAVAILABLE);
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_UNAVAILABLE);
}
END_TEST

/* The key that a login was begun under is withdrawn: it can be begun anew. */
START_TEST(a_revoked_key_in_between)
{
	static const uint8_t another[] = { 7 };
	struct callback_answer c;
	struct oidc_visit v, again;

	oidc_visit(&o, "/kiali/a", "", &v);
	fixture_load_keys(&o.f, 1, another);
	oidc_come_back(&o, &v, &c);
	oidc_check_refused(&o, &c, LOGIN_EXPIRED);
	ck_assert_str_eq(c.cookie, "");
	oidc_visit(&o, "/kiali/a", v.cookie, &again);
	ck_assert_str_ne(again.cookie, v.cookie);
	oidc_come_back(&o, &again, &c);
	oidc_check_good(&o, &c);
	ck_assert_str_eq(c.path, "/kiali/a");
}
END_TEST

START_TEST(another_strategy_has_none)
{
	struct callback_question q = { .query = "code=c&state=s",
		.cookie = "" };
	struct callback_answer c;
	struct start_answer s;

	o.f.settings.strategy = STRATEGY_TOKEN;
	fixture_restart(&o.f, true);
	fixture_connect_frontend(&o.f);
	ask_start(&o, "", "", &s);
	ck_assert_int_eq(s.code, LOGIN_NOT_OFFERED);
	ask_callback(&o, &q, &c);
	ck_assert_int_eq(c.code, LOGIN_NOT_OFFERED);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("oidc_refusals");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_state_is_good_once);
	tcase_add_test(t, another_browser_cannot_finish_it);
	tcase_add_test(t, a_callback_without_the_login_cookie);
	tcase_add_test(t, a_state_that_is_not_ours);
	tcase_add_test(t, a_finished_login_again);
	tcase_add_test(t, a_stolen_code_is_of_no_use);
	tcase_add_test(t, it_may_not_take_too_long);
	tcase_add_test(t, another_base_url_is_another_site);
	tcase_add_loop_test(t, a_spoiled_query, 0, (int)N_ROWS(queries));
	tcase_add_test(t, the_issuer_may_be_demanded);
	tcase_add_loop_test(t, the_provider_says_no, 0, (int)N_ROWS(errors));
	tcase_add_test(t, rounds_are_counted_until_it_works);
	tcase_add_test(t, who_keeps_failing_has_to_wait);
	tcase_add_test(t, the_provider_s_failures_are_not_the_client_s);
	tcase_add_test(t, the_status_says_why_nobody_gets_in);
	tcase_add_loop_test(t, a_bad_token, 0, (int)N_ROWS(tokens));
	tcase_add_test(t, a_key_that_is_not_published);
	tcase_add_loop_test(t, a_bad_answer, 0, (int)N_ROWS(answers));
	tcase_add_test(t, no_provider_no_login);
	tcase_add_test(t, no_keys_no_login);
	tcase_add_test(t, a_revoked_key_in_between);
	tcase_add_test(t, another_strategy_has_none);
	return unit_run("oidc_refusals", t);
}
