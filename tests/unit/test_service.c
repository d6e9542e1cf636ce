/* Credentials of external services: what is sent, and that nothing is sent
 * where something is lacking. */
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/resolve.h"
#include "common/slot.h"
#include "egress/egress.h"
#include "egress/secrets.h"
#include "egress/service.h"
#include "egress/services.h"
#include "tests/unit/frontend_fixture.h"

static struct egress eg;
static struct service *service;
static int told; /* of the last wait; 1: not yet */

/* Prometheus with this under external_services.prometheus. */
static void
begin(const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "auth: {strategy: anonymous}\n"
	    "external_services:\n"
	    "  prometheus:\n"
	    "    url: \"http://127.0.0.1:9090\"\n"
	    "%s"
	    "doorward:\n"
	    "  console: {url: \"http://127.0.0.1:30001\", credential: none}\n"
	    "  routes: [{path: /prometheus/, service: prometheus, "
	    "allow: {users: [\"*\"]}}]\n",
	    more);
	eg = (struct egress){ .base = daemon_base() };
	eg.settings = fixture_settings(text);
	eg.resolve = resolve_new_files(eg.base, "/dev/null", "/dev/null");
	services_setup(&eg);
	service = services_get(&eg, SERVICE_PROMETHEUS);
	ck_assert_ptr_nonnull(service);
	ck_assert_ptr_null(services_get(&eg, SERVICE_GRAFANA));
	told = 1;
}

static void
answer_slot(unsigned slot, enum secret_state state, const char *value)
{
	secrets_answer(
	    eg.secrets, secrets_want(eg.secrets, slot), state, slice_of(value));
}

static void
answer(enum slot_field field, enum secret_state state, const char *value)
{
	answer_slot(slot_of_service(SERVICE_PROMETHEUS, field), state, value);
}

static void
done(int err, void *arg)
{
	(void)arg;
	told = err;
}

static int
ask(void)
{
	struct service_wait *w = NULL;
	int r = service_authorize(service, done, NULL, &w);

	ck_assert((r == ERR_MORE) == (w != NULL));
	return r;
}

/* "Name: value\n" of each field; "none" when there is no credential. */
static const char *
fields(void)
{
	static char text[4096];
	struct inject_fields f;
	size_t len = 0;

	if (!service_fields(service, &f))
		return "none";
	text[0] = '\0';
	for (size_t i = 0; i < f.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%.*s: %.*s\n", SLICE_ARG(f.at[i].name),
		    SLICE_ARG(f.at[i].value));
	return text;
}

static const char *
status(void)
{
	static char text[512];

	service_describe(service, text, sizeof(text));
	return text;
}

START_TEST(no_credential)
{
	begin("    auth: {type: none}\n");
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(fields(), "");
	ck_assert_str_eq(service_lacks(service), "");
}
END_TEST

START_TEST(basic)
{
	begin("    auth: {type: basic}\n");
	ck_assert_int_eq(ask(), ERR_MORE);
	ck_assert_str_eq(fields(), "none");
	answer(SLOT_USERNAME, SECRET_OK, "Aladdin");
	ck_assert_int_eq(told, 1);
	ck_assert_str_eq(service_lacks(service), "prometheus-password");
	ck_assert_ptr_nonnull(strstr(status(), "waiting: prometheus-password"));
	answer(SLOT_PASSWORD, SECRET_OK, "open sesame");
	ck_assert_int_eq(told, 0);
	/* RFC 7617 section 2 */
	ck_assert_str_eq(
	    fields(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n");
	ck_assert_int_eq(ask(), 0);
	ck_assert_ptr_nonnull(strstr(status(), "ready"));
}
END_TEST

/* A literal name serves where there is no file for it; a bad file does not. */
START_TEST(literal_username)
{
	begin("    auth: {type: basic, username: u}\n");
	answer(SLOT_PASSWORD, SECRET_OK, "p");
	answer(SLOT_USERNAME, SECRET_BAD, "");
	ck_assert_int_eq(ask(), ERR_UNAVAILABLE);
	answer(SLOT_USERNAME, SECRET_NONE, "");
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(fields(), "Authorization: Basic dTpw\n");
	answer(SLOT_USERNAME, SECRET_OK, "v");
	ck_assert_str_eq(fields(), "Authorization: Basic djpw\n");
}
END_TEST

START_TEST(bearer)
{
	begin("    auth: {type: bearer}\n");
	answer(SLOT_TOKEN, SECRET_OK, "T1");
	ck_assert_str_eq(fields(), "Authorization: Bearer T1\n");
	answer(SLOT_TOKEN, SECRET_OK, "T2");
	ck_assert_str_eq(fields(), "Authorization: Bearer T2\n");
}
END_TEST

START_TEST(cluster_token)
{
	begin("    auth: {type: bearer, use_kiali_token: true}\n");
	answer(SLOT_TOKEN, SECRET_OK, "other");
	ck_assert_int_eq(ask(), ERR_MORE);
	answer_slot(SLOT_CLUSTER_TOKEN_NO, SECRET_OK, "SA");
	ck_assert_str_eq(fields(), "Authorization: Bearer SA\n");
}
END_TEST

/* A new value of no use: the last good one stays. */
START_TEST(last_value_stays)
{
	begin("    auth: {type: bearer}\n");
	answer(SLOT_TOKEN, SECRET_OK, "T1");
	answer(SLOT_TOKEN, SECRET_NONE, "");
	answer(SLOT_TOKEN, SECRET_BAD, "");
	answer(SLOT_TOKEN, SECRET_OK, "");
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(fields(), "Authorization: Bearer T1\n");
}
END_TEST

/* Nothing is sent for any of these. */
static const struct {
	enum secret_state state;
	const char *value;
} useless[] = {
	{ SECRET_NONE, "" },
	{ SECRET_BAD, "" },
	{ SECRET_OK, "" },
	{ SECRET_OK, "a\r\nX-Evil: b" },
	{ SECRET_OK, "a\x01" },
};

START_TEST(useless_at_start)
{
	begin("    auth: {type: bearer}\n");
	ck_assert_int_eq(ask(), ERR_MORE);
	answer(SLOT_TOKEN, useless[_i].state, useless[_i].value);
	ck_assert_int_eq(told, ERR_UNAVAILABLE);
	ck_assert_int_eq(ask(), ERR_UNAVAILABLE);
	ck_assert_str_eq(fields(), "none");
	ck_assert_str_eq(service_lacks(service), "prometheus-token");
	ck_assert_str_eq(status(),
	    "credential bad: slot prometheus-token, 0 idle connections");
	answer(SLOT_TOKEN, SECRET_OK, "good");
	ck_assert_int_eq(ask(), 0);
}
END_TEST

START_TEST(username_with_a_colon)
{
	begin("    auth: {type: basic}\n");
	answer(SLOT_USERNAME, SECRET_OK, "a:b");
	answer(SLOT_PASSWORD, SECRET_OK, "p");
	ck_assert_int_eq(ask(), ERR_UNAVAILABLE);
	ck_assert_str_eq(service_lacks(service), "prometheus-username");
}
END_TEST

START_TEST(too_long)
{
	static char big[2 * MSG_TOKEN_MAX];

	memset(big, 'x', sizeof(big) - 1);
	begin("    auth: {type: basic, username: u}\n");
	answer(SLOT_USERNAME, SECRET_NONE, "");
	answer(SLOT_PASSWORD, SECRET_OK, big);
	ck_assert_int_eq(ask(), ERR_UNAVAILABLE);
	ck_assert_str_eq(fields(), "none");
}
END_TEST

/* They come last and win; their values may be in slots. */
START_TEST(custom_headers)
{
	begin("    custom_headers:\n"
	      "      X-Scope-OrgID: tenant\n"
	      "      Authorization: \"secret:a:b\"\n"
	      "    auth: {type: bearer}\n");
	answer(SLOT_TOKEN, SECRET_OK, "T");
	ck_assert_int_eq(ask(), ERR_MORE);
	ck_assert_str_eq(
	    service_lacks(service), "prometheus-header-authorization");
	answer_slot(
	    slot_of_header(SERVICE_PROMETHEUS, 1), SECRET_OK, "Token x");
	ck_assert_str_eq(
	    fields(), "X-Scope-OrgID: tenant\nAuthorization: Token x\n");
}
END_TEST

START_TEST(cancelled)
{
	struct service_wait *w;

	begin("    auth: {type: bearer}\n");
	ck_assert_int_eq(service_authorize(service, done, NULL, &w), ERR_MORE);
	service_cancel(w);
	service_cancel(NULL);
	answer(SLOT_TOKEN, SECRET_OK, "T");
	ck_assert_int_eq(told, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("service");
	TCase *t = tcase_create("credential");

	tcase_add_test(t, no_credential);
	tcase_add_test(t, basic);
	tcase_add_test(t, literal_username);
	tcase_add_test(t, bearer);
	tcase_add_test(t, cluster_token);
	tcase_add_test(t, last_value_stays);
	tcase_add_loop_test(t, useless_at_start, 0, (int)COUNT(useless));
	tcase_add_test(t, username_with_a_colon);
	tcase_add_test(t, too_long);
	tcase_add_test(t, custom_headers);
	tcase_add_test(t, cancelled);
	suite_add_tcase(suite, t);
	return fixture_run(suite);
}
