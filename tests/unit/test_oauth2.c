/* The client_credentials grant: its bytes, and the token of a service with a
 * token endpoint in this process. */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/resolve.h"
#include "common/slot.h"
#include "egress/oauth2.h"
#include "egress/oauth2_message.h"
#include "egress/secrets.h"
#include "egress/upstream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- a clock that can be set forward, a secretd that answers when told --- */

static int64_t ahead_ms;
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);
void __wrap_secrets_ask(struct secrets *s, struct held *h);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + ahead_ms;
}

static unsigned n_secretd_asked;

void
__wrap_secrets_ask(struct secrets *s, struct held *h)
{
	(void)s;
	(void)h;
	n_secretd_asked++;
}

/* --- messages --- */

static char id[] = "my id", audience[] = "", host[] = "idp.test", path[] = "/t";
static char *scope_list[] = { (char[]){ "read all" }, (char[]){ "x" } };
static struct oauth2_settings set = {
	.token_url = { .host = host, .port = 8443, .path = path },
	.client_id = id,
	.audience = audience,
};

static const char *
request_of(const char *secret)
{
	static char text[OAUTH2_REQUEST_MAX + 1];
	struct http_out o;

	http_out_init(&o, text, OAUTH2_REQUEST_MAX);
	oauth2_put_request(&o, &set, slice_of(secret));
	ck_assert(!o.overflow);
	text[o.len] = '\0';
	return text;
}

START_TEST(request_with_header)
{
	set.auth_style = AUTH_STYLE_HEADER;
	/* base64("my+id:p%26w%2B%25") */
	ck_assert_str_eq(request_of("p&w+%"),
	    "POST /t HTTP/1.1\r\n"
	    "Host: idp.test:8443\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Accept: application/json\r\n"
	    "Connection: close\r\n"
	    "Authorization: Basic bXkraWQ6cCUyNnclMkIlMjU=\r\n"
	    "Content-Length: 29\r\n"
	    "\r\n"
	    "grant_type=client_credentials");
}
END_TEST

START_TEST(request_with_params)
{
	static char who[] = "https://api/";

	set.auth_style = AUTH_STYLE_PARAMS;
	set.audience = who;
	set.scopes = (struct conf_list){ scope_list, 2 };
	ck_assert_ptr_nonnull(strstr(request_of("s"),
	    "\r\n\r\ngrant_type=client_credentials&scope=read+all+x&"
	    "audience=https%3A%2F%2Fapi%2F&client_id=my+id&client_secret=s"));
	ck_assert_ptr_null(strstr(request_of("s"), "Authorization"));
}
END_TEST

START_TEST(request_that_does_not_fit)
{
	static char big[4 * OAUTH2_SECRET_MAX + 1];
	static char text[OAUTH2_REQUEST_MAX];
	struct http_out o;

	memset(big, 'a', sizeof(big) - 1);
	for (int style = AUTH_STYLE_HEADER; style <= AUTH_STYLE_PARAMS;
	     style++) {
		set.auth_style = style;
		http_out_init(&o, text, sizeof(text));
		oauth2_put_request(&o, &set, slice_of(big));
		ck_assert(o.overflow);
	}
}
END_TEST

/* clang-format off */
#define TYPE ",\"token_type\":\"Bearer\""
static const struct {
	unsigned status;
	const char *body;
	int result;
	const char *token; /* or the error */
	uint32_t life_s;
} answers[] = {
	{ 200, "{\"access_token\":\"T\"" TYPE ",\"expires_in\":60}", 0, "T", 60 },
	{ 200, "{\"access_token\":\"T\",\"token_type\":\"bearer\",\"expires_in\":\"60\"}", 0, "T", 60 },
	{ 200, "{\"access_token\":\"a\\/b\\u0041\"" TYPE "}", 0, "a/bA", 300 },
	{ 200, "{\"access_token\":\"T\"" TYPE ",\"expires_in\":99999999}", 0, "T", OAUTH2_LIFE_MAX_S },
	{ 200, "{\"access_token\":\"T\"" TYPE ",\"expires_in\":0}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\"" TYPE ",\"expires_in\":-5}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\"" TYPE ",\"expires_in\":null}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\"" TYPE ",\"expires_in\":\"60s\"}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\",\"access_token\":\"U\"" TYPE "}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\",\"access\\u005ftoken\":\"U\"" TYPE "}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"\"" TYPE "}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"a b\"" TYPE "}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"a\\r\\nX: y\"" TYPE "}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":7" TYPE "}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\"}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\",\"token_type\":\"mac\"}", ERR_FORMAT, "", 0 },
	{ 200, "{\"token_type\":\"Bearer\"}", ERR_FORMAT, "", 0 },
	{ 200, "{\"access_token\":\"T\"" TYPE "} x", ERR_FORMAT, "", 0 },
	{ 200, "<html>", ERR_FORMAT, "", 0 },
	{ 200, "", ERR_FORMAT, "", 0 },
	{ 401, "{\"error\":\"invalid_client\"}", ERR_DENIED, "invalid_client", 0 },
	{ 400, "{\"error\":\"a\\nb\"}", ERR_DENIED, "", 0 },
	{ 500, "oops", ERR_DENIED, "", 0 },
	{ 302, "", ERR_DENIED, "", 0 },
};
/* clang-format on */

START_TEST(answer)
{
	static char token[OAUTH2_TOKEN_MAX];
	struct oauth2_answer a = { .token = token };
	int r = oauth2_get_answer(
	    &a, answers[_i].status, slice_of(answers[_i].body));

	ck_assert_int_eq(r, answers[_i].result);
	if (r == ERR_DENIED)
		ck_assert_str_eq(a.error, answers[_i].token);
	if (r != 0)
		return;
	ck_assert_uint_eq(a.token_len, strlen(answers[_i].token));
	ck_assert_mem_eq(a.token, answers[_i].token, a.token_len);
	ck_assert_uint_eq(a.life_s, answers[_i].life_s);
}
END_TEST

/* --- with an endpoint --- */

static struct event_base *base;
static int endpoint = -1; /* listener */
static struct secrets *secrets;
static struct held *secret;
static struct oauth2 *o;
static unsigned n_changed;

static void
changed(void *arg)
{
	(void)arg;
	n_changed++;
}

static void
answered(const struct held *h, void *arg)
{
	(void)h;
	(void)arg;
	if (o != NULL)
		oauth2_secret_answered(o);
}

static const struct secrets_ops ops = { .answered = answered };

static void
set_up(void)
{
	static char local[] = "127.0.0.1";
	static struct settings settings;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	json_strict_init();
	endpoint = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
	    bind(endpoint, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(endpoint, 8), 0);
	ck_assert_int_eq(
	    getsockname(endpoint, (struct sockaddr *)&at, &len), 0);
	set.token_url.host = local;
	set.token_url.port = ntohs(at.sin_port);
	base = daemon_base();
	secrets = secrets_new(base, &settings, &ops, NULL);
	secret = secrets_want(
	    secrets, slot_of_service(SERVICE_PROMETHEUS, SLOT_CLIENT_SECRET));
	secrets_answer(secrets, secret, SECRET_OK, SLICE("first"));
	o = oauth2_new(base,
	    &(struct oauth2_config){ .service = "prometheus",
		.settings = &set,
		.endpoint = upstream_new(base,
		    resolve_new_files(base, "/dev/null", "/dev/null"),
		    &(struct upstream_spec){
			.name = "endpoint", .at = &set.token_url }),
		.secrets = secrets,
		.client_secret = secret,
		.changed = changed });
}

/* Runs the loop until there is a connection, and reads its request. */
static int
asked(char *request, size_t cap)
{
	int fd = -1;
	ssize_t n = -1;
	size_t len = 0;

	for (int i = 0; i < 5000 && fd < 0; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		fd = accept4(endpoint, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0)
			usleep(1000);
	}
	ck_assert_int_ge(fd, 0);
	for (int i = 0; i < 5000 && n != 0; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = read(fd, request + len, cap - 1 - len);
		if (n > 0)
			len += (size_t)n;
		request[len] = '\0';
		if (strstr(request, "client_credentials") != NULL)
			return fd;
		if (n < 0)
			usleep(1000);
	}
	ck_abort_msg("no whole request");
}

static void
say(int fd, const char *head, const char *body)
{
	char text[1024];
	int n =
	    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n\r\n%s", head, body);
	unsigned before = n_changed + n_secretd_asked;

	ck_assert_int_eq(write(fd, text, (size_t)n), n);
	(void)close(fd);
	for (int i = 0; i < 5000 && n_changed + n_secretd_asked == before;
	     i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	ck_assert_uint_gt(n_changed + n_secretd_asked, before);
}

#define OK "200 OK\r\nConnection: close"

static void
give(const char *token, const char *life)
{
	char request[4096], body[256];
	int fd = asked(request, sizeof(request));

	snprintf(body, sizeof(body),
	    "{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
	    "\"expires_in\":%s}",
	    token, life);
	say(fd, OK, body);
}

static void
refuse(void)
{
	char request[4096];

	say(asked(request, sizeof(request)),
	    "401 Unauthorized\r\nContent-Length: 26",
	    "{\"error\":\"invalid_client\"}");
}

static bool
nobody_asks(void)
{
	for (int i = 0; i < 20; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	return accept4(endpoint, NULL, NULL, SOCK_NONBLOCK) < 0;
}

#define TOKEN_IS(text) ck_assert(slice_is(oauth2_token(o), text))

START_TEST(fetched_once_and_kept)
{
	ck_assert_uint_eq(oauth2_token(o).len, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	give("T1", "100");
	ck_assert_int_eq(oauth2_need(o), OAUTH2_READY);
	TOKEN_IS("T1");
	ck_assert(nobody_asks());
	ck_assert_uint_eq(oauth2_version(o), 1);
}
END_TEST

/* 10 s before the end of 100 s: in the background, and the old one serves. */
START_TEST(renewed_early)
{
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	give("T1", "100");
	ahead_ms = 88000;
	ck_assert_int_eq(oauth2_need(o), OAUTH2_READY);
	ck_assert(nobody_asks());
	ahead_ms = 91000;
	ck_assert_int_eq(oauth2_need(o), OAUTH2_READY);
	TOKEN_IS("T1");
	give("T2", "100");
	TOKEN_IS("T2");
}
END_TEST

/* Errors: the old one serves until its end; then nothing is sent. */
START_TEST(endpoint_fails)
{
	char request[4096], text[256];

	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	give("T1", "100");
	ahead_ms = 91000;
	ck_assert_int_eq(oauth2_need(o), OAUTH2_READY);
	say(asked(request, sizeof(request)), "500 Oops\r\nConnection: close",
	    "");
	ck_assert_int_eq(oauth2_need(o), OAUTH2_READY);
	TOKEN_IS("T1");
	ck_assert(nobody_asks());
	ahead_ms = 91900;
	say(asked(request, sizeof(request)), OK, "{}");
	ahead_ms = 101000;
	ck_assert_uint_eq(oauth2_token(o).len, 0);
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	say(asked(request, sizeof(request)), OK, "{}");
	ck_assert_int_eq(oauth2_need(o), OAUTH2_FAILED);
	oauth2_describe(o, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "no token: "));
	ahead_ms += 4100;
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	give("T2", "100");
	TOKEN_IS("T2");
}
END_TEST

/* The secret is asked for again; a new one is tried at once, the same is not.
 */
START_TEST(secret_replaced)
{
	char request[4096];

	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	refuse();
	ck_assert_uint_eq(n_secretd_asked, 1);
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	secrets_answer(secrets, secret, SECRET_OK, SLICE("second"));
	set.auth_style = AUTH_STYLE_PARAMS;
	say(asked(request, sizeof(request)), "401 No\r\nContent-Length: 0", "");
	ck_assert_uint_eq(n_secretd_asked, 2);
	secrets_answer(secrets, secret, SECRET_OK, SLICE("second"));
	ck_assert_int_eq(oauth2_need(o), OAUTH2_FAILED);
	ck_assert(nobody_asks());
	/* word of yet another one */
	secrets_answer(secrets, secret, SECRET_OK, SLICE("third"));
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	ck_assert_ptr_nonnull(
	    strstr((say(asked(request, sizeof(request)), OK, "{}"), request),
		"client_secret=third"));
}
END_TEST

START_TEST(refused_by_the_service)
{
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	give("T1", "100");
	ck_assert(oauth2_refused(o, 1));
	ck_assert_uint_eq(oauth2_token(o).len, 0);
	ck_assert(oauth2_refused(o, 1)); /* somebody else's 401 */
	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	give("T2", "100");
	ck_assert(!oauth2_refused(o, 2)); /* too soon */
	TOKEN_IS("T2");
	ahead_ms = 6000;
	ck_assert(oauth2_refused(o, 2));
}
END_TEST

/* clang-format off */
static const struct { const char *head, *body; bool good; } framings[] = {
	{ "200 OK\r\nTransfer-Encoding: chunked",
	  "10\r\n{\"access_token\":\r\n20\r\n\"T\",\"token_type\":\"Bearer\",\"expir\r\n9\r\nes_in\":9}\r\n0\r\n\r\n", true },
	{ "200 OK\r\nContent-Length: 55",
	  "{\"access_token\":\"T\",\"token_type\":\"Bearer\",\"a\":1,\"bb\":2}", true },
	{ "200 OK\r\nContent-Length: 400",
	  "{\"access_token\":\"T\",\"token_type\":\"Bearer\"}", false },
	{ "200 OK\r\nContent-Length: 9999999", "{", false },
	{ "100 Continue\r\n\r\nHTTP/1.1 200 OK", "{}", false },
	{ "200 OK\r\nContent-Length: 2\r\nContent-Length: 3", "{}", false },
};
/* clang-format on */

START_TEST(framing)
{
	char request[4096];

	ck_assert_int_eq(oauth2_need(o), OAUTH2_WAITING);
	say(asked(request, sizeof(request)), framings[_i].head,
	    framings[_i].body);
	ck_assert_int_eq(
	    oauth2_need(o), framings[_i].good ? OAUTH2_READY : OAUTH2_FAILED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("oauth2");
	TCase *m = tcase_create("messages"), *t = tcase_create("token");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_unchecked_fixture(m, json_strict_init, NULL);
	tcase_add_test(m, request_with_header);
	tcase_add_test(m, request_with_params);
	tcase_add_test(m, request_that_does_not_fit);
	tcase_add_loop_test(m, answer, 0, (int)COUNT(answers));
	suite_add_tcase(suite, m);
	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, fetched_once_and_kept);
	tcase_add_test(t, renewed_early);
	tcase_add_test(t, endpoint_fails);
	tcase_add_test(t, secret_replaced);
	tcase_add_test(t, refused_by_the_service);
	tcase_add_loop_test(t, framing, 0, (int)COUNT(framings));
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
