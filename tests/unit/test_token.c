/* Token checks from the outside: form, offline verdicts, an API server that
 * refuses or never answers, giving checks up. */
#include "authd/token.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "common/settings.h"

#include "tests/unit/jose_vectors.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct event_base *base;
static struct resolve *resolve;
static char folder[] = "/tmp/doorward-token-XXXXXX", keys_file[64];
static char issuer[] = "https://issuer.example", other[] = "https://other";
static char ns[] = "istio-system", account[] = "kiali-service-account";
static char loopback[] = "127.0.0.1", empty[] = "";
static int listener;

struct seen {
	unsigned n;
	struct token_result last;
};

static void
setup(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	FILE *file;

	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	resolve = resolve_new(base);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(keys_file, sizeof(keys_file), "%s/jwks.json", folder);
	file = fopen(keys_file, "w");
	ck_assert_ptr_nonnull(file);
	fputs(vector_keys, file);
	fclose(file);
	/* A server that takes connections and says nothing. */
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(
	    bind(listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
}

static void
remove_files(void)
{
	unlink(keys_file);
	rmdir(folder);
}

static void
teardown(void)
{
	close(listener);
	remove_files();
	resolve_free(resolve);
	event_base_free(base);
}

static struct settings
offline_settings(char *from)
{
	return (struct settings){
		.deployment_namespace = ns,
		.service_account = account,
		.jwks_file = keys_file,
		.issuer = from,
		.api_ca_file = empty,
	};
}

static struct settings
online_settings(void)
{
	struct settings s = offline_settings(issuer);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	s.jwks_file = empty;
	s.api_server = (struct url){
		.host = loopback, .port = ntohs(a.sin_port), .path = empty
	};
	return s;
}

static void
take(const struct token_result *r, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	seen->last = *r;
}

static void
end_loop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void
run_for(int ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	event_base_once(base, -1, EV_TIMEOUT, end_loop, base, &tv);
	event_base_dispatch(base);
}

/* clang-format off */
static const struct {
	const char *name, *text;
	bool good;
} forms[] = {
	{ "JWT", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln-_", true },
	{ "bootstrap token", "abcdef.0123456789abcdef", true },
	{ "RFC 6750", "aZ09-._~+/==", true },
	{ "colon and at", "kubeconfig-u:x@y", true },
	{ "empty", "", false },
	{ "blank", "a b", false },
	{ "tab", "a\tb", false },
	{ "line end", "a\r\nX-Evil: 1", false },
	{ "trailing line end", "a\n", false },
	{ "quote", "a\"b", false },
	{ "comma", "a,b", false },
	{ "control", "a\x01", false },
	{ "DEL", "a\x7F", false },
	{ "UTF-8", "\xC3\xA4", false },
};
/* clang-format on */

START_TEST(test_form)
{
	ck_assert_msg(
	    token_is_wellformed(slice_of(forms[_i].text)) == forms[_i].good,
	    "%s", forms[_i].name);
}
END_TEST

START_TEST(test_form_edges)
{
	char *text = mem_new(MSG_TOKEN_MAX + 1);

	memset(text, 'a', MSG_TOKEN_MAX + 1);
	ck_assert(token_is_wellformed((struct slice){ text, MSG_TOKEN_MAX }));
	ck_assert(
	    !token_is_wellformed((struct slice){ text, MSG_TOKEN_MAX + 1 }));
	ck_assert(!token_is_wellformed((struct slice){ "a\0b", 3 }));
	free(text);
}
END_TEST

static struct seen
ask_offline(char *from, const char *token)
{
	struct settings s = offline_settings(from);
	struct token_verifier *v = token_verifier_new(base, &s, resolve);
	struct seen seen = { 0 };

	token_check_start(v, slice_of(token), take, &seen);
	ck_assert_uint_eq(seen.n, 0);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(seen.n, 1);
	token_verifier_free(v);
	return seen;
}

/* The vectors have neither aud nor exp; aud is looked at first. */
START_TEST(test_offline)
{
	const char *token = token_vectors[0].token;
	struct seen seen = ask_offline(issuer, token);

	ck_assert_int_eq(seen.last.code, LOGIN_REJECTED);
	ck_assert_ptr_nonnull(strstr(seen.last.reason, "audience"));
	seen = ask_offline(other, token);
	ck_assert_ptr_nonnull(strstr(seen.last.reason, "issuer"));
	seen = ask_offline(issuer, rfc7515_a2_token);
	ck_assert_ptr_nonnull(strstr(seen.last.reason, "not signed"));
	seen = ask_offline(issuer, "abc");
	ck_assert_ptr_nonnull(strstr(seen.last.reason, "paste the whole"));
	seen = ask_offline(issuer, "a b");
	ck_assert_ptr_nonnull(strstr(seen.last.reason, "not a Kubernetes"));
	ck_assert_str_eq(seen.last.who.user, "");
}
END_TEST

/* One answer within the time of a call, and none after a cancellation, also
 * when it comes before the first byte or with the verifier itself. */
START_TEST(test_silent_server)
{
	struct settings s = online_settings();
	struct token_verifier *v = token_verifier_new(base, &s, resolve);
	struct seen kept = { 0 }, dropped = { 0 };
	struct token_check *early, *late;
	int64_t started = clock_mono_ms();

	token_check_start(v, SLICE("abc"), take, &kept);
	early = token_check_start(v, SLICE("abc"), take, &dropped);
	late = token_check_start(v, SLICE("abc"), take, &dropped);
	token_check_cancel(early);
	run_for(200);
	token_check_cancel(late);
	while (kept.n == 0)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_lt(clock_mono_ms() - started, 4000);
	ck_assert_int_eq(kept.last.code, LOGIN_UNAVAILABLE);
	token_check_start(v, SLICE("abc"), take, &dropped);
	token_check_start(v, SLICE("a b"), take, &dropped);
	token_verifier_free(v);
	run_for(50);
	ck_assert_uint_eq(kept.n, 1);
	ck_assert_uint_eq(dropped.n, 0);
}
END_TEST

START_TEST(test_refused_connection)
{
	struct settings s = online_settings();
	struct token_verifier *v = token_verifier_new(base, &s, resolve);
	struct seen seen = { 0 };

	close(listener);
	token_check_start(v, SLICE("abc"), take, &seen);
	ck_assert_uint_eq(seen.n, 0);
	run_for(300);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.last.code, LOGIN_UNAVAILABLE);
	token_verifier_free(v);
}
END_TEST

/* auth.openid.api_proxy is asked instead of the API server. */
START_TEST(test_api_proxy)
{
	struct settings s = online_settings();
	struct token_verifier *v;
	struct seen seen = { 0 };

	s.strategy = STRATEGY_OPENID;
	s.openid.api_proxy = s.api_server;
	s.api_server.host = NULL;
	v = token_verifier_new(base, &s, resolve);
	token_check_start(v, SLICE("abc"), take, &seen);
	run_for(200);
	ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_NONBLOCK), 0);
	token_verifier_free(v);
}
END_TEST

/* More checks than are allowed at once: the surplus is told so. */
START_TEST(test_busy)
{
	struct settings s = online_settings();
	struct token_verifier *v = token_verifier_new(base, &s, resolve);
	struct seen first = { 0 }, last = { 0 };

	for (int i = 0; i < 256; i++)
		token_check_start(v, SLICE("abc"), take, &first);
	token_check_start(v, SLICE("abc"), take, &last);
	run_for(100);
	ck_assert_uint_eq(last.n, 1);
	ck_assert_int_eq(last.last.code, LOGIN_BUSY);
	ck_assert_uint_eq(first.n, 0);
	token_verifier_free(v);
}
END_TEST

/* Tokens are not sent in clear over a network. */
START_TEST(test_plain_http_is_fatal)
{
	struct settings s = online_settings();
	char host[] = "192.0.2.1";

	s.api_server.host = host;
	remove_files(); /* teardown does not run */
	token_verifier_new(base, &s, resolve);
}
END_TEST

START_TEST(test_bad_key_file_is_fatal)
{
	struct settings s = offline_settings(issuer);
	char root[] = "/";

	s.jwks_file = root;
	remove_files(); /* teardown does not run */
	token_verifier_new(base, &s, resolve);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("token");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_form, 0, (int)COUNT(forms));
	tcase_add_test(t, test_form_edges);
	tcase_add_test(t, test_offline);
	tcase_add_test(t, test_silent_server);
	tcase_add_test(t, test_refused_connection);
	tcase_add_test(t, test_api_proxy);
	tcase_add_test(t, test_busy);
	tcase_add_exit_test(t, test_plain_http_is_fatal, 1);
	tcase_add_exit_test(t, test_bad_key_file_is_fatal, 1);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
