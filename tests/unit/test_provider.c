/* The provider's documents and keys, good and bad, and the tokens that they
 * verify, with a provider in this process. */
#include "authd/oidc/provider.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "authd/fetch.h"
#include "authd/oidc/metadata.h"
#include "authd/oidc/source.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "common/settings.h"

#include "tests/unit/tls_fixture.h"
#include "tests/unit/toy_provider.h"
#include "tests/unit/toy_server.h"
#include "tests/unit/unit.h"

#define CLIENT "console"
#define TOKEN_HEADER "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}"
#define JWKS_OTHER                                                       \
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"u\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

/* --- a clock that can be set forward --- */

static int64_t ahead_ms;
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + ahead_ms;
}

/* --- the provider --- */

static struct event_base *base;
static struct resolve *resolve;
static struct toy_server *server;
static struct fetch_client *client;
static struct settings settings;
static struct provider *p;
static char issuer[64], client_id[] = CLIENT, empty[] = "";
static char auth_url[80], token_url[80], jwks_url[80];

/* What it says; unsaid (NULL): nothing at all. */
static struct said {
	const char *status, *fields;
	char *body;
	unsigned n; /* how often it was asked */
} document, keys;
static bool
answer(const char *head, const char *body, struct evbuffer *out, void *arg)
{
	struct said *s =
	    strncmp(head, "GET /jwks ", 10) == 0 ? &keys : &document;

	(void)body;
	(void)arg;
	if (s == &document)
		ck_assert_ptr_nonnull(strstr(
		    head, "GET /.well-known/openid-configuration HTTP/1.1"));
	s->n++;
	if (s->status == NULL)
		return false;
	toy_answer(out, s->status, s->fields, s->body);
	return true;
}

static json_t *
good(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "issuer", issuer,
	    "authorization_endpoint", auth_url, "token_endpoint", token_url,
	    "jwks_uri", jwks_url, "response_types_supported", "code");
}

static void
say(struct said *s, const char *status, const char *fields, const char *body)
{
	free(s->body);
	s->status = status;
	s->fields = fields;
	s->body = mem_strdup(body);
}

/* The good document; member (NULL: none) has another value, in JSON. */
static void
say_document(const char *member, const char *value)
{
	json_t *o = good();
	char *text;

	if (member != NULL)
		json_object_set_new(
		    o, member, json_loads(value, JSON_DECODE_ANY, NULL));
	text = json_dumps(o, 0);
	say(&document, "200 OK", "Content-Type: application/json\r\n", text);
	free(text);
	json_decref(o);
}

static void
say_keys(const char *text)
{
	say(&keys, "200 OK", "", text);
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	json_strict_init();
	base = event_base_new();
	resolve = resolve_new_files(base, "/dev/null", "/dev/null");
	server = toy_server_new(base, NULL, answer, NULL);
	client = fetch_client_new(
	    base, resolve, &(struct fetch_options){ .plain = true });
	snprintf(issuer, sizeof(issuer), "http://127.0.0.1:%u",
	    (unsigned)toy_server_port(server));
	snprintf(auth_url, sizeof(auth_url), "%s/auth", issuer);
	snprintf(token_url, sizeof(token_url), "%s/token", issuer);
	snprintf(jwks_url, sizeof(jwks_url), "%s/jwks", issuer);
	settings = (struct settings){ .openid = {
					  .issuer = issuer,
					  .client_id = client_id,
					  .authorization_endpoint = empty,
					  .ports = { toy_server_port(server) },
					  .n_ports = 1,
				      } };
	ahead_ms = 0;
	say_document(NULL, NULL);
	say_keys(TOY_PROVIDER_KEYS);
	document.n = keys.n = 0;
}

static void
teardown(void)
{
	provider_free(p);
	p = NULL;
	fetch_client_free(client);
	toy_server_free(server);
	resolve_free(resolve);
	event_base_free(base);
	say(&document, NULL, NULL, "");
	say(&keys, NULL, NULL, "");
}

static void
run_ms(int ms)
{
	bool never = false;

	tls_fixture_run(base, &never, ms);
}

/* Until it has been asked so often. */
static void
wait_asked(const struct said *s, unsigned n)
{
	for (int i = 0; i < 500 && s->n < n; i++)
		run_ms(10);
	ck_assert_uint_eq(s->n, n);
}

struct readiness {
	unsigned n;
	int err;
	bool done;
};

static void
ready(int err, void *arg)
{
	struct readiness *r = arg;

	r->n++;
	r->err = err;
	r->done = true;
}

static int
need(void)
{
	struct readiness r = { 0 };

	provider_need(p, ready, &r);
	ck_assert_uint_eq(r.n, 0);
	ck_assert(tls_fixture_run(base, &r.done, 5000));
	ck_assert_uint_eq(r.n, 1);
	return r.err;
}

static void
start(void)
{
	p = provider_new(base, &settings, client);
}

static const char *
status_text(void)
{
	static char text[PROVIDER_STATUS_MAX];

	provider_status(p, text);
	return text;
}

#define STATUS_HAS(text)                                     \
	ck_assert_msg(strstr(status_text(), (text)) != NULL, \
	    "no \"%s\" in: %s", (text), status_text())

static void
wait_for_keys(void)
{
	ck_assert_int_eq(need(), 0);
	for (int i = 0; i < 200 && strstr(status_text(), "keys: 1") == NULL;
	     i++)
		run_ms(10);
	STATUS_HAS("openid keys: 1, fetched 20");
}

static void
start_with_keys(void)
{
	start();
	wait_for_keys();
}

/* --- metadata --- */

START_TEST(test_ready)
{
	struct readiness r[3] = { 0 };

	start();
	STATUS_HAS("openid provider: not asked yet\nopenid keys: none\n");
	ck_assert_ptr_null(provider_metadata(p));
	for (int i = 0; i < 3; i++)
		provider_need(p, ready, &r[i]);
	for (int i = 0; i < 3; i++) {
		ck_assert(tls_fixture_run(base, &r[i].done, 5000));
		ck_assert_int_eq(r[i].err, 0);
	}
	ck_assert_uint_eq(document.n, 1);
	ck_assert_str_eq(provider_metadata(p)->issuer, issuer);
	STATUS_HAS("openid provider: ready, metadata fetched 20");
	ck_assert_int_eq(need(), 0);
	run_ms(50);
	ck_assert_uint_eq(document.n, 1);
	ck_assert_uint_eq(keys.n, 1);
}
END_TEST

/* Nobody needs it: it is fetched all the same. */
START_TEST(test_by_itself)
{
	start();
	run_ms(1300);
	STATUS_HAS("openid provider up: 1\nopenid metadata fetches: 1\n");
}
END_TEST

/* clang-format off */
static const struct {
	const char *name, *member, *value; /* of the good document, or: */
	const char *status, *fields, *body;
	const char *why;
} defects[] = {
	{ "slash", .member = "issuer", .value = NULL, .why = "byte for byte" },
	{ "other", .member = "issuer", .value = "\"https://other\"", .why = "byte for byte" },
	{ "no code", .member = "response_types_supported", .value = "[\"id_token\"]", .why = "no \"code\"" },
	{ "clear", .member = "token_endpoint", .value = "\"http://idp.example/t\"", .why = "token_endpoint must begin with https" },
	{ "port", .member = "token_endpoint", .value = "\"https://idp.example:8/t\"", .why = "doorward.openid.ports" },
	{ "userinfo's port", .member = "userinfo_endpoint", .value = "\"https://idp.example:8/t\"", .why = "port 8 (https://idp.example:8/t)" },
	{ "algs", .member = "id_token_signing_alg_values_supported", .value = "[\"HS256\"]", .why = "none of RS256" },
	{ "redirect", .status = "302 Found", .fields = "Location: /x\r\n", .body = "", .why = "redirect (HTTP 302)" },
	{ "404", .status = "404 Not Found", .fields = "", .body = "", .why = "HTTP 404: check auth.openid.issuer_uri" },
	{ "500", .status = "500 Oops", .fields = "", .body = "{}", .why = "answers with HTTP 500\n" },
	{ "page", .status = "200 OK", .fields = "Content-Type: text/html\r\n", .body = "<html>", .why = "web page" },
	{ "empty", .status = "200 OK", .fields = "", .body = "", .why = "not a JSON object" },
	{ "twice", .status = "200 OK", .fields = "", .body = "{\"issuer\":\"a\",\"issuer\":\"b\"}", .why = "duplicate members" },
	{ "broken off", .status = "200 OK", .fields = "Transfer-Encoding: chunked\r\n", .body = "5\r\n{", .why = "cannot be fetched" },
};
/* clang-format on */

START_TEST(test_defects)
{
	char slash[80];

	snprintf(slash, sizeof(slash), "\"%s/\"", issuer);
	if (defects[_i].member != NULL)
		say_document(defects[_i].member,
		    defects[_i].value != NULL ? defects[_i].value : slash);
	else
		say(&document, defects[_i].status, defects[_i].fields,
		    defects[_i].body);
	start();
	ck_assert_msg(need() == ERR_UNAVAILABLE, "%s", defects[_i].name);
	ck_assert_ptr_null(provider_metadata(p));
	STATUS_HAS("openid provider: away since 20");
	STATUS_HAS("openid metadata fetches failed: 1\n");
	STATUS_HAS(defects[_i].why);
	run_ms(20);
	ck_assert_uint_eq(keys.n, 0);
}
END_TEST

START_TEST(test_too_long)
{
	char *big = mem_new(METADATA_TEXT_MAX + 2);

	memset(big, ' ', METADATA_TEXT_MAX + 1);
	say(&document, "200 OK", "", big);
	free(big);
	start();
	ck_assert_int_eq(need(), ERR_UNAVAILABLE);
	STATUS_HAS("too long");
}
END_TEST

/* At once while it backs off; then another try, and all is well. */
START_TEST(test_backoff)
{
	say(&document, "503 Later", "", "");
	start();
	ck_assert_int_eq(need(), ERR_UNAVAILABLE);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(need(), ERR_UNAVAILABLE);
	ck_assert_uint_eq(document.n, 1);
	ahead_ms = 1100;
	ck_assert_int_eq(need(), ERR_UNAVAILABLE);
	ck_assert_uint_eq(document.n, 2);
	ahead_ms = 2200; /* it is 2 s now */
	ck_assert_int_eq(need(), ERR_UNAVAILABLE);
	ck_assert_uint_eq(document.n, 2);
	say_document(NULL, NULL);
	ahead_ms = 3300;
	ck_assert_int_eq(need(), 0);
}
END_TEST

START_TEST(test_retry)
{
	say(&document, "503 Later", "", "");
	start();
	ck_assert_int_eq(need(), ERR_UNAVAILABLE);
	say_document(NULL, NULL);
	provider_retry(p);
	ck_assert_int_eq(need(), 0);
	provider_retry(p);
	run_ms(50);
	ck_assert_uint_eq(document.n, 2);
	ck_assert_uint_eq(keys.n, 1);
}
END_TEST

START_TEST(test_override)
{
	char other[] = "https://other/login";

	settings.openid.override.authorization_endpoint = auth_url;
	settings.openid.override.token_endpoint = token_url;
	settings.openid.override.jwks_uri = jwks_url;
	settings.openid.authorization_endpoint = other;
	start();
	ck_assert_ptr_nonnull(provider_metadata(p));
	ck_assert_str_eq(
	    provider_metadata(p)->at[METADATA_AUTHORIZATION].text, other);
	wait_for_keys();
	STATUS_HAS("openid provider: ready, as configured\n");
	ck_assert_uint_eq(document.n, 0);
}
END_TEST

START_TEST(test_authorization_replaced)
{
	char other[] = "https://other:9/login";

	settings.openid.authorization_endpoint = other;
	start();
	ck_assert_int_eq(need(), 0);
	ck_assert_str_eq(
	    provider_metadata(p)->at[METADATA_AUTHORIZATION].text, other);
}
END_TEST

START_TEST(test_freed_while_asked)
{
	struct readiness r = { 0 };

	document.status = NULL;
	start();
	provider_need(p, ready, &r);
	wait_asked(&document, 1);
	provider_need(p, ready, &r);
	provider_free(p);
	p = NULL;
	run_ms(20);
	ck_assert_uint_eq(r.n, 0);
}
END_TEST

/* --- tokens --- */

struct judged {
	unsigned n;
	enum id_token_fault fault;
	char subject[ID_TOKEN_SUBJECT_MAX + 1];
	bool done;
};
/* subject NULL: there is no token. */
static void
note(struct judged *j, enum id_token_fault fault, const char *subject)
{
	j->n++;
	j->fault = fault;
	ck_assert((subject != NULL) == (fault == ID_TOKEN_OK));
	if (subject != NULL)
		snprintf(j->subject, sizeof(j->subject), "%s", subject);
	j->done = true;
}

static void
take(enum id_token_fault fault, struct id_token *t, void *arg)
{
	note(arg, fault, t != NULL ? t->subject : NULL);
}

static void
take_logout(enum id_token_fault fault, const struct logout_token *t, void *arg)
{
	note(arg, fault, t != NULL ? t->subject : NULL);
}

static char *
token_of(const char *kid, const char *aud, const char *more)
{
	char header[80], claims[500];
	long long now = (long long)clock_unix_s();

	snprintf(header, sizeof(header), TOKEN_HEADER, kid);
	snprintf(claims, sizeof(claims),
	    "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"alice\",\"iat\":%lld,"
	    "\"exp\":%lld%s}",
	    issuer, aud, now, now + 60, more);
	return toy_provider_sign(slice_of(header), slice_of(claims));
}

/* The copies are what counts: the originals are gone at once. */
static void
ask(const char *kid, const char *nonce, struct judged *j)
{
	char *token = token_of(kid, CLIENT, ",\"nonce\":\"n1\"");
	char *copy = mem_strdup(nonce);
	struct id_token_rules rules = { .nonce = copy,
		.age_max_s = ID_TOKEN_AGE_MAX_S };

	*j = (struct judged){ 0 };
	provider_read_id_token(p, slice_of(token), &rules, take, j);
	ck_assert_uint_eq(j->n, 0);
	memset(token, 'x', strlen(token));
	memset(copy, 'x', strlen(copy));
	free(token);
	free(copy);
}

static enum id_token_fault
judge(const char *kid, const char *nonce)
{
	struct judged j;

	ask(kid, nonce, &j);
	ck_assert(tls_fixture_run(base, &j.done, 5000));
	ck_assert_uint_eq(j.n, 1);
	return j.fault;
}

START_TEST(test_id_token)
{
	struct judged j;

	start_with_keys();
	ask("t", "n1", &j);
	ck_assert(tls_fixture_run(base, &j.done, 5000));
	ck_assert_int_eq(j.fault, ID_TOKEN_OK);
	ck_assert_str_eq(j.subject, "alice");
	ck_assert_int_eq(judge("t", "n2"), ID_TOKEN_NONCE);
	ck_assert_uint_eq(keys.n, 1);
}
END_TEST

/* Before the first keys: the token waits for them. */
START_TEST(test_id_token_first)
{
	start();
	ck_assert_int_eq(need(), 0);
	ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_OK);
	ck_assert_uint_eq(keys.n, 1);
}
END_TEST

START_TEST(test_algorithm_not_allowed)
{
	char rs256[] = "RS256", *list[] = { rs256 };

	settings.openid.algs = (struct conf_list){ list, 1 };
	start_with_keys();
	ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_ALGORITHM);
}
END_TEST

START_TEST(test_rotation)
{
	say_keys(JWKS_OTHER);
	start_with_keys();
	say_keys(TOY_PROVIDER_KEYS);
	ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_OK);
	ck_assert_uint_eq(keys.n, 2);
}
END_TEST

/* A hundred unknown keys: one fetch, and nobody with a good token waits. */
START_TEST(test_storm)
{
	struct judged j[100];

	start_with_keys();
	for (int i = 0; i < 100; i++)
		ask("unknown", "n1", &j[i]);
	for (int i = 0; i < 100; i++) {
		ck_assert(tls_fixture_run(base, &j[i].done, 5000));
		ck_assert_int_eq(j[i].fault, ID_TOKEN_NO_KEY);
	}
	ck_assert_uint_eq(keys.n, 2);
	keys.status = NULL; /* what is asked now is never answered */
	ck_assert_int_eq(judge("unknown", "n1"), ID_TOKEN_NO_KEY);
	ahead_ms = PROVIDER_KEYS_EVERY_MS - 1000;
	ck_assert_int_eq(judge("unknown", "n1"), ID_TOKEN_NO_KEY);
	ck_assert_uint_eq(keys.n, 2);
	ahead_ms = PROVIDER_KEYS_EVERY_MS + 1000;
	ask("unknown", "n1", &j[0]);
	wait_asked(&keys, 3);
	ck_assert_uint_eq(j[0].n, 0);
	ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_OK);
	provider_free(p);
	p = NULL;
	run_ms(20);
	ck_assert_uint_eq(j[0].n, 0);
}
END_TEST

/* clang-format off */
static const struct { const char *status, *fields, *body, *why; } bad_keys[] = {
	{ "500 Oops", "", "", "HTTP 500" },
	{ "302 Found", "Location: /x\r\n", "", "its jwks_uri must lead" },
	{ "200 OK", "Content-Type: text/html\r\n", "<html>", "web page" },
	{ "200 OK", "", "{\"keys\":[]}", "of no use" },
	{ "200 OK", "", "{\"keys\":[{\"kty\":\"XX\",\"kid\":\"t\"}]}", "of no use" },
};
/* clang-format on */

/* What does not serve never replaces what does. */
START_TEST(test_bad_keys)
{
	start_with_keys();
	say(&keys, bad_keys[_i].status, bad_keys[_i].fields, bad_keys[_i].body);
	ck_assert_int_eq(judge("unknown", "n1"), ID_TOKEN_NO_KEY);
	ck_assert_uint_eq(keys.n, 2);
	STATUS_HAS("openid keys: 1, fetched 20");
	STATUS_HAS("openid keys fetches failed: 1\nopenid keys age: ");
	STATUS_HAS(bad_keys[_i].why);
	ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_OK);
	ck_assert_int_eq(judge("unknown", "n1"), ID_TOKEN_NO_KEY);
	ck_assert_int_eq(need(), 0);
	ck_assert_uint_eq(keys.n, 2);
}
END_TEST

START_TEST(test_no_keys_at_all)
{
	say(&keys, "404 Gone", "", "");
	start();
	ck_assert_int_eq(need(), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_NO_KEY);
	ck_assert_uint_eq(keys.n, 1);
	STATUS_HAS("openid keys: none; since 20");
	say_keys(TOY_PROVIDER_KEYS);
	ahead_ms = 1100;
	ck_assert_int_eq(judge("t", "n1"), ID_TOKEN_OK);
}
END_TEST

static enum id_token_fault
logout(const char *kid, struct judged *j)
{
	char *token = token_of(kid, CLIENT,
	    ",\"jti\":\"1\",\"events\":{\"http://schemas.openid.net/event/"
	    "backchannel-logout\":{}}");

	*j = (struct judged){ 0 };
	provider_read_logout_token(p, slice_of(token), take_logout, j);
	ck_assert_uint_eq(j->n, 0);
	free(token);
	ck_assert(tls_fixture_run(base, &j->done, 5000));
	return j->fault;
}

/* Anybody can send them: they leave most fetches to who signs in. */
START_TEST(test_logout_token)
{
	struct judged j;

	start_with_keys();
	ck_assert_int_eq(logout("t", &j), ID_TOKEN_OK);
	ck_assert_str_eq(j.subject, "alice");
	for (ahead_ms = 0; ahead_ms < 300000; ahead_ms += 61000)
		ck_assert_int_eq(logout("unknown", &j), ID_TOKEN_NO_KEY);
	ck_assert_uint_eq(keys.n, 2);
	ck_assert_int_eq(judge("unknown", "n1"), ID_TOKEN_NO_KEY);
	ck_assert_uint_eq(keys.n, 3);
}
END_TEST

/* --- the schedule --- */

static bool
take_text(struct slice body, char why[SOURCE_WHY_MAX], void *arg)
{
	(void)body;
	(void)why;
	++*(unsigned *)arg;
	return true;
}

START_TEST(test_schedule)
{
	unsigned taken = 0;
	/* clang-format off */
	const struct source_spec spec = { .name = "x", .setting = "x",
		.max = 1000, .min_s = 1, .max_s = _i == 0 ? 1 : 60,
		.take = take_text, .arg = &taken };
	/* clang-format on */
	struct source *s = source_new(base, client, &spec);
	struct metadata_url at;
	struct metadata_problem why;

	ck_assert_int_eq(metadata_locate(issuer, &at, &why), 0);
	/* Cache-Control counts within the limits. */
	say(&document, "200 OK", "Cache-Control: max-age=30\r\n", "{}");
	source_aim(s, &at, 0);
	run_ms(1400);
	ck_assert_uint_eq(taken, _i == 0 ? 2 : 1);
	ck_assert(source_good_s(s) > 0 && source_down_s(s) == 0);
	source_free(s);
	metadata_url_done(&at);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("provider");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_ready);
	tcase_add_test(t, test_by_itself);
	tcase_add_loop_test(t, test_defects, 0, (int)N_ROWS(defects));
	tcase_add_test(t, test_too_long);
	tcase_add_test(t, test_backoff);
	tcase_add_test(t, test_retry);
	tcase_add_test(t, test_override);
	tcase_add_test(t, test_authorization_replaced);
	tcase_add_test(t, test_freed_while_asked);
	tcase_add_test(t, test_id_token);
	tcase_add_test(t, test_id_token_first);
	tcase_add_test(t, test_algorithm_not_allowed);
	tcase_add_test(t, test_rotation);
	tcase_add_test(t, test_storm);
	tcase_add_loop_test(t, test_bad_keys, 0, (int)N_ROWS(bad_keys));
	tcase_add_test(t, test_no_keys_at_all);
	tcase_add_test(t, test_logout_token);
	tcase_add_loop_test(t, test_schedule, 0, 2);
	return unit_run("provider", t);
}
