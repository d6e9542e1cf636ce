/* Requests as they go out and answers as they come in, with a server in this
 * process: bodies and credentials, limits, TLS, names, proxies. */
#include "authd/fetch.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "common/settings.h"
#include "common/url.h"

#include "authd/cache_control.h"

#include "tests/unit/tls_fixture.h"
#include "tests/unit/toy_server.h"
#include "tests/unit/unit.h"

static struct event_base *base;
static struct resolve *resolve;
static struct tls_fixture cert, other;
static SSL_CTX *ctx;
static struct toy_server *server, *proxy;
static struct fetch_client *client;
static char hosts_file[] = "/tmp/doorward-hosts-XXXXXX";
static char loopback[] = "127.0.0.1", localhost[] = "localhost";
static char named[] = "idp.test", proxy_name[] = "proxy.test", empty[] = "";

/* What the server says. */
static const char *status, *fields, *body;
static struct slice raw; /* instead of these */
static bool stays_open;
static char *body_seen;

static bool
say(const char *head, const char *text, struct evbuffer *out, void *arg)
{
	(void)head;
	(void)arg;
	free(body_seen);
	body_seen = mem_strdup(text);
	if (raw.p != NULL)
		evbuffer_add(out, raw.p, raw.len);
	else if (status != NULL)
		toy_answer(out, status, fields, body);
	return !stays_open;
}

struct seen {
	unsigned n;
	int err;
	unsigned status;
	char body[64], type[64], detail[300];
	size_t len;
	int64_t max_age_s;
	bool done;
};

static void
take(const struct fetch_answer *a, void *arg)
{
	struct seen *s = arg;

	s->n++;
	s->err = a->err;
	s->status = a->status;
	s->len = a->body.len;
	s->max_age_s = a->max_age_s;
	s->body[0] = '\0';
	if (a->body.len > 0) {
		size_t n = a->body.len < 60 ? a->body.len : 60;

		memcpy(s->body, a->body.p, n);
		s->body[n] = '\0';
	}
	snprintf(s->type, sizeof(s->type), "%.*s", SLICE_ARG(a->content_type));
	snprintf(s->detail, sizeof(s->detail), "%s",
	    a->detail != NULL ? a->detail : "");
	s->done = true;
}

/* The environment names a proxy that nobody may use. */
static void
setup(void)
{
	int fd = mkstemp(hosts_file);

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_ge(fd, 0);
	dprintf(fd, "127.0.0.1 idp.test proxy.test localhost\n");
	close(fd);
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	setenv("NO_PROXY", "*", 1);
	base = event_base_new();
	resolve = resolve_new_files(base, "/dev/null", hosts_file);
	tls_fixture_make_for(
	    &cert, "P-256", "DNS:localhost,DNS:idp.test,IP:127.0.0.1");
	tls_fixture_make(&other, "P-256");
	ctx = tls_fixture_server(&cert, TLS1_3_VERSION);
	status = "200 OK";
	fields = "Content-Type: application/json; charset=utf-8\r\n";
	body = "{}";
	stays_open = false;
	raw = (struct slice){ NULL, 0 };
}

static void
teardown(void)
{
	fetch_client_free(client);
	client = NULL;
	if (server != NULL)
		toy_server_free(server);
	if (proxy != NULL)
		toy_server_free(proxy);
	server = proxy = NULL;
	SSL_CTX_free(ctx);
	tls_fixture_drop(&cert);
	tls_fixture_drop(&other);
	resolve_free(resolve);
	event_base_free(base);
	unlink(hosts_file);
	free(body_seen);
}

static struct url
at(const struct toy_server *s, bool tls, char *host, char *path)
{
	return (struct url){ .tls = tls,
		.host = host,
		.port = toy_server_port(s),
		.path = path };
}

static struct seen
ask_with(const struct url *u, struct fetch_request q)
{
	struct seen seen = { 0 };

	q.server = u;
	if (q.path == NULL)
		q.path = "/x";
	if (q.timeout_ms == 0)
		q.timeout_ms = 5000;
	if (q.answer_max == 0)
		q.answer_max = 1000;
	fetch_start(client, &q, take, &seen);
	ck_assert_uint_eq(seen.n, 0);
	ck_assert(tls_fixture_run(base, &seen.done, 8000));
	ck_assert_uint_eq(seen.n, 1);
	return seen;
}

#define ASK(u) ask_with((u), (struct fetch_request){ .path = "/x" })

static struct url
plain_server(char *path)
{
	server = toy_server_new(base, NULL, say, NULL);
	client = fetch_client_new(
	    base, resolve, &(struct fetch_options){ .plain = true });
	return at(server, false, loopback, path);
}

/* A client that trusts the certificate c. */
static struct url
tls_server(const struct tls_fixture *c, struct fetch_options o)
{
	server = toy_server_new(base, ctx, say, NULL);
	o.own_ca = CA_OPENID;
	o.ca_pem = c != NULL ? c->chain_pem : NULL;
	client = fetch_client_new(base, resolve, &o);
	return at(server, true, localhost, empty);
}

#define HEAD_HAS(text)                                                 \
	ck_assert_msg(strstr(toy_server_head(server), (text)) != NULL, \
	    "no \"%s\" in %s", (text), toy_server_head(server))
#define HEAD_LACKS(text) \
	ck_assert_ptr_null(strstr(toy_server_head(server), (text)))

/* clang-format off */
static const struct {
	const char *base, *path, *line;
} paths[] = {
	{ "", "/token", "GET /token HTTP/1.1\r\n" },
	{ "", "", "GET / HTTP/1.1\r\n" },
	{ "", "?a=b", "GET /?a=b HTTP/1.1\r\n" },
	{ "/k8s", "/api?x=1", "GET /k8s/api?x=1 HTTP/1.1\r\n" },
	{ "", "/a/../b//c", "GET /a/../b//c HTTP/1.1\r\n" },
};
/* clang-format on */

START_TEST(test_paths)
{
	char *path = mem_strdup(paths[_i].base);
	struct url u = plain_server(path);

	ask_with(&u, (struct fetch_request){ .path = paths[_i].path });
	HEAD_HAS(paths[_i].line);
	free(path);
}
END_TEST

START_TEST(test_get)
{
	struct url u = plain_server(empty);
	struct seen s =
	    ask_with(&u, (struct fetch_request){ .bearer = SLICE("aaa.bbb") });

	ck_assert_int_eq(s.err, 0);
	ck_assert_uint_eq(s.status, 200);
	ck_assert_str_eq(s.body, "{}");
	ck_assert_str_eq(s.type, "application/json; charset=utf-8");
	ck_assert_int_eq(s.max_age_s, -1);
	HEAD_HAS("\r\nAuthorization: Bearer aaa.bbb\r\n");
	HEAD_HAS("\r\nAccept: application/json\r\n");
	HEAD_LACKS("Content-Type");
	ck_assert_str_eq(body_seen, "");
	ASK(&u);
	HEAD_LACKS("Authorization");
}
END_TEST

START_TEST(test_post)
{
	struct url u = plain_server(empty);

	ask_with(&u,
	    (struct fetch_request){ .kind = FETCH_FORM,
		.body = "grant_type=x&code=y",
		.basic = SLICE("aTpz") });
	HEAD_HAS("POST /x HTTP/1.1\r\n");
	HEAD_HAS("\r\nAuthorization: Basic aTpz\r\n");
	HEAD_HAS("\r\nContent-Type: application/x-www-form-urlencoded\r\n");
	ck_assert_str_eq(body_seen, "grant_type=x&code=y");
	ask_with(
	    &u, (struct fetch_request){ .kind = FETCH_JSON, .body = "{}" });
	HEAD_HAS("\r\nContent-Type: application/json\r\n");
	ck_assert_str_eq(body_seen, "{}");
}
END_TEST

START_TEST(test_redirects_are_answers)
{
	struct url u = plain_server(empty);
	struct seen s;

	status = "302 Found";
	fields = "Location: /elsewhere\r\n";
	s = ASK(&u);
	ck_assert_int_eq(s.err, 0);
	ck_assert_uint_eq(s.status, 302);
	ck_assert_str_eq(s.type, "");
	ck_assert_uint_eq(toy_server_requests(server), 1);
}
END_TEST

START_TEST(test_limits)
{
	struct url u = plain_server(empty);
	char *big = mem_new(FETCH_HEAD_MAX + 100);
	struct seen s;

	body = "0123456789";
	s = ask_with(&u, (struct fetch_request){ .answer_max = 10 });
	ck_assert_int_eq(s.err, 0);
	ck_assert_uint_eq(s.len, 10);
	s = ask_with(&u, (struct fetch_request){ .answer_max = 9 });
	ck_assert_int_eq(s.err, ERR_LIMIT);
	snprintf(big, FETCH_HEAD_MAX + 100, "X: %0*d\r\n", FETCH_HEAD_MAX, 0);
	fields = big;
	s = ASK(&u);
	ck_assert_int_eq(s.err, ERR_LIMIT);
	free(big);
}
END_TEST

#define HEAD "HTTP/1.1 200 OK\r\n"
#define SIZE(n) "Content-Length: " #n "\r\n\r\n"
#define CHUNKS "Transfer-Encoding: chunked\r\n\r\n"
#define T(literal)                             \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
/* clang-format off */
static const struct {
	struct slice said;
	int err;
	struct slice body;
} odd[] = {
	{ T("HTTP/1.0 200 OK\r\n\r\n{}"), 0, T("{}") },
	{ T("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" HEAD SIZE(2) "{}"), 0, T("{}") },
	{ T(HEAD CHUNKS "1;x=y\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n"), 0, T("{}") },
	/* not whole */
	{ T(HEAD SIZE(3) "{}"), ERR_UNAVAILABLE, T("") },
	{ T(HEAD CHUNKS "2\r\n{}\r\n"), ERR_UNAVAILABLE, T("") },
	{ T(HEAD CHUNKS "-2\r\n{}\r\n0\r\n\r\n"), ERR_UNAVAILABLE, T("") },
	{ T(HEAD CHUNKS "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"), ERR_UNAVAILABLE, T("") },
	{ T("HTTP/1.1 200 OK\r\nContent-Le"), ERR_UNAVAILABLE, T("") },
	{ T("HTTP/1.1 100 Continue\r\n\r\n"), ERR_UNAVAILABLE, T("") },
	{ T(""), ERR_UNAVAILABLE, T("") },
	/* what is behind it is not of it */
	{ T(HEAD SIZE(2) "{}{}HTTP/1.1 200 OK\r\n\r\n"), 0, T("{}") },
	/* nothing is unpacked, nothing ends at a NUL */
	{ T(HEAD "Content-Encoding: gzip\r\n" SIZE(2) "{}"), 0, T("{}") },
	{ T(HEAD SIZE(4) "{}\0x"), 0, T("{}\0x") },
	/* other protocols, heads that nobody should write */
	{ T("HTTP/3 200 OK\r\n\r\n{}"), ERR_UNAVAILABLE, T("") },
	{ T("ICY 200 OK\r\n\r\n{}"), ERR_UNAVAILABLE, T("") },
	{ T("{}"), ERR_UNAVAILABLE, T("") },
	{ T(HEAD "X: a\0b\r\n" SIZE(2) "{}"), ERR_UNAVAILABLE, T("") },
	{ T(HEAD "Content-Length: -2\r\n\r\n{}"), ERR_UNAVAILABLE, T("") },
	{ T(HEAD "Content-Length: x\r\n\r\n{}"), ERR_UNAVAILABLE, T("") },
};
/* clang-format on */

START_TEST(test_odd_answers)
{
	struct url u = plain_server(empty);
	struct seen s;

	raw = odd[_i].said;
	s = ASK(&u);
	ck_assert_int_eq(s.err, odd[_i].err);
	ck_assert_uint_eq(s.len, odd[_i].body.len);
	if (s.len > 0)
		ck_assert_mem_eq(s.body, odd[_i].body.p, s.len);
	/* The next request gets its own answer. */
	raw = (struct slice){ NULL, 0 };
	s = ASK(&u);
	ck_assert_int_eq(s.err, 0);
	ck_assert_str_eq(s.body, "{}");
}
END_TEST

/* Answers before the answer, without an end. */
START_TEST(test_endless_heads)
{
	struct url u = plain_server(empty);
	char *many = mem_new(FETCH_HEAD_MAX + 100), *end = many;
	struct seen s;

	while (end - many < FETCH_HEAD_MAX)
		end += snprintf(end, 50, "HTTP/1.1 103 Early Hints\r\n\r\n");
	raw = slice_of(many);
	stays_open = true;
	s = ASK(&u);
	ck_assert_int_eq(s.err, ERR_LIMIT);
	free(many);
}
END_TEST

/* One that sends a little and then nothing; one that says nothing at all. */
START_TEST(test_slow)
{
	struct url u = plain_server(empty);
	int64_t from = clock_mono_ms();
	struct seen s;

	stays_open = true;
	fields = "Transfer-Encoding: chunked\r\n";
	body = "5\r\nhello\r\n";
	s = ask_with(&u, (struct fetch_request){ .timeout_ms = 200 });
	ck_assert_int_eq(s.err, ERR_TIMEOUT);
	status = NULL;
	s = ask_with(&u, (struct fetch_request){ .timeout_ms = 200 });
	ck_assert_int_eq(s.err, ERR_TIMEOUT);
	ck_assert_int_lt(clock_mono_ms() - from, 3000);
}
END_TEST

START_TEST(test_cancelled)
{
	struct url u = plain_server(empty);
	struct fetch_request q = {
		.server = &u, .path = "/", .timeout_ms = 5000, .answer_max = 10
	};
	struct seen dropped = { 0 };

	fetch_cancel(fetch_start(client, &q, take, &dropped));
	fetch_start(client, &q, take, &dropped);
	fetch_client_free(client);
	client = NULL;
	ck_assert(!tls_fixture_run(base, &dropped.done, 50));
}
END_TEST

START_TEST(test_who_may_be_asked)
{
	struct url u = plain_server(empty);
	char far[] = "192.0.2.1";
	struct seen s;

	u.host = far;
	ck_assert(!fetch_may_ask(&u));
	s = ASK(&u);
	ck_assert_int_eq(s.err, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(s.detail, "https"));
	u.tls = true;
	ck_assert(fetch_may_ask(&u));
	s = ASK(&u); /* of a client that has no CAs */
	ck_assert_int_eq(s.err, ERR_UNAVAILABLE);
	ck_assert_uint_eq(toy_server_connections(server), 0);
}
END_TEST

START_TEST(test_unknown_name)
{
	struct url u = tls_server(&cert, (struct fetch_options){ 0 });
	char nowhere[] = "";
	struct seen s;

	u.host = nowhere;
	s = ASK(&u);
	ck_assert_int_eq(s.err, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(s.detail, "host name"));
}
END_TEST

START_TEST(test_tls)
{
	struct url u = tls_server(&cert, (struct fetch_options){ 0 });
	struct seen s = ASK(&u);

	ck_assert_msg(s.err == 0, "%s", s.detail);
	u.host = named;
	ck_assert_int_eq(ASK(&u).err, 0);
	u.host = loopback;
	ck_assert_int_eq(ASK(&u).err, 0);
	u.host = proxy_name; /* not in the certificate */
	s = ASK(&u);
	ck_assert_int_eq(s.err, ERR_UNAVAILABLE);
	ck_assert_uint_eq(toy_server_requests(server), 3);
}
END_TEST

START_TEST(test_tls_not_trusted)
{
	struct url u = tls_server(&other, (struct fetch_options){ 0 });
	struct seen s = ASK(&u);

	ck_assert_int_eq(s.err, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(s.detail, "certificate"));
	ck_assert_uint_eq(toy_server_requests(server), 0);
}
END_TEST

START_TEST(test_tls_too_old)
{
	struct url u;

	SSL_CTX_free(ctx);
	ctx = tls_fixture_server(&cert, TLS1_1_VERSION);
	SSL_CTX_set_security_level(ctx, 0);
	u = tls_server(&cert, (struct fetch_options){ 0 });
	ck_assert_int_eq(ASK(&u).err, ERR_UNAVAILABLE);
	ck_assert_uint_eq(toy_server_requests(server), 0);
}
END_TEST

START_TEST(test_insecure)
{
	struct url u =
	    tls_server(NULL, (struct fetch_options){ .insecure = true });

	u.host = proxy_name;
	ck_assert_int_eq(ASK(&u).err, 0);
	/* nothing to replace */
	fetch_client_set_ca(client, CA_OPENID, slice_of(cert.chain_pem));
}
END_TEST

/* The system's CAs, then one's own beside them; another server's and a broken
 * one change nothing. */
START_TEST(test_ca_added)
{
	struct url u = tls_server(NULL, (struct fetch_options){ 0 });

	ck_assert_int_eq(ASK(&u).err, ERR_UNAVAILABLE);
	fetch_client_set_ca(client, CA_API_SERVER, slice_of(cert.chain_pem));
	ck_assert_int_eq(ASK(&u).err, ERR_UNAVAILABLE);
	fetch_client_set_ca(client, CA_OPENID, slice_of(cert.chain_pem));
	ck_assert_int_eq(ASK(&u).err, 0);
	fetch_client_set_ca(client, CA_OPENID, SLICE("-----BEGIN CERT"));
	fetch_client_set_ca(client, CA_COMMON, slice_of(other.chain_pem));
	ck_assert_int_eq(ASK(&u).err, 0);
	/* gone again: also for connections that were kept */
	fetch_client_set_ca(client, CA_OPENID, slice_of(other.chain_pem));
	ck_assert_int_eq(ASK(&u).err, ERR_UNAVAILABLE);
	fetch_client_set_ca(client, CA_COMMON, slice_of(cert.chain_pem));
	ck_assert_int_eq(ASK(&u).err, 0);
}
END_TEST

/* Given as a text: nothing is added. */
START_TEST(test_ca_fixed)
{
	struct url u = tls_server(&other, (struct fetch_options){ 0 });

	fetch_client_set_ca(client, CA_OPENID, slice_of(cert.chain_pem));
	fetch_client_set_ca(client, CA_COMMON, slice_of(cert.chain_pem));
	ck_assert_int_eq(ASK(&u).err, ERR_UNAVAILABLE);
}
END_TEST

/* Through CONNECT: the proxy gets the name, which we do not look up, and no
 * credential. */
START_TEST(test_proxy)
{
	struct url p, u;
	char far[] = "far.example";
	struct seen s;

	SSL_CTX_free(ctx);
	tls_fixture_drop(&cert);
	tls_fixture_make_for(&cert, "P-256", "DNS:far.example");
	ctx = tls_fixture_server(&cert, TLS1_3_VERSION);
	proxy = toy_server_new(base, NULL, say, NULL);
	p = at(proxy, false, proxy_name, empty);
	u = tls_server(&cert, (struct fetch_options){ .https_proxy = &p });
	u.host = far;
	toy_server_tunnel(proxy, toy_server_port(server));
	s = ask_with(&u, (struct fetch_request){ .bearer = SLICE("abc") });
	ck_assert_msg(s.err == 0, "%s", s.detail);
	ck_assert_str_eq(s.body, "{}");
	ck_assert_int_eq(s.max_age_s, -1);
	ck_assert_ptr_nonnull(
	    strstr(toy_server_head(proxy), "CONNECT far.example:"));
	ck_assert_ptr_null(strstr(toy_server_head(proxy), "Authorization"));
	HEAD_HAS("GET /x HTTP/1.1\r\n");
	HEAD_HAS("\r\nAuthorization: Bearer abc\r\n");
}
END_TEST

START_TEST(test_proxy_refuses)
{
	struct url p, u;
	char far[] = "far.example";
	struct seen s;

	proxy = toy_server_new(base, NULL, say, NULL);
	p = at(proxy, false, loopback, empty);
	u = tls_server(&cert, (struct fetch_options){ .https_proxy = &p });
	u.host = far;
	status = "403 Forbidden";
	s = ASK(&u);
	ck_assert_int_eq(s.err, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(s.detail, "403"));
	ck_assert_uint_eq(toy_server_connections(server), 0);
}
END_TEST

START_TEST(test_proxy_not_for_loopback)
{
	struct url p, u;

	proxy = toy_server_new(base, NULL, say, NULL);
	p = at(proxy, false, loopback, empty);
	u = tls_server(&cert, (struct fetch_options){ .https_proxy = &p });
	ck_assert_int_eq(ASK(&u).err, 0);
	u.host = loopback;
	ck_assert_int_eq(ASK(&u).err, 0);
	ck_assert_uint_eq(toy_server_connections(proxy), 0);
}
END_TEST

/* clang-format off */
static const struct {
	const char *fields;
	int64_t max_age_s;
} ages[] = {
	{ "", -1 },
	{ "Cache-Control: max-age=60\r\n", 60 },
	{ "cache-control:public ,\tMAX-AGE=\"61\"\r\n", 61 },
	{ "Cache-Control: max-age=60, no-cache\r\n", 0 },
	{ "Cache-Control: max-age=60\r\nCache-Control: no-store\r\n", 0 },
	{ "Cache-Control: max-age=60, max-age=30\r\n", 30 },
	{ "Cache-Control: max-age=99999999999999999999\r\n", CACHE_CONTROL_MAX_S },
	{ "Cache-Control: max-age=-1\r\n", 0 },
	{ "Cache-Control: max-age=\r\n", 0 },
	{ "Cache-Control: max-age=\"\r\n", 0 },
	{ "Cache-Control: max-age=1h\r\n", 0 },
	{ "Cache-Control: s-maxage=60, public\r\n", -1 },
	{ "Cache-Control:\r\n", -1 },
	{ "X-Cache-Control: max-age=60\r\n", -1 },
};
/* clang-format on */

START_TEST(test_max_age)
{
	struct url u = plain_server(empty);

	fields = ages[_i].fields;
	ck_assert_int_eq(ASK(&u).max_age_s, ages[_i].max_age_s);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("fetch");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_paths, 0, (int)N_ROWS(paths));
	tcase_add_test(t, test_get);
	tcase_add_test(t, test_post);
	tcase_add_test(t, test_redirects_are_answers);
	tcase_add_test(t, test_limits);
	tcase_add_loop_test(t, test_odd_answers, 0, N_ROWS(odd));
	tcase_add_test(t, test_endless_heads);
	tcase_add_test(t, test_slow);
	tcase_add_test(t, test_cancelled);
	tcase_add_test(t, test_who_may_be_asked);
	tcase_add_test(t, test_unknown_name);
	tcase_add_test(t, test_tls);
	tcase_add_test(t, test_tls_not_trusted);
	tcase_add_test(t, test_tls_too_old);
	tcase_add_test(t, test_insecure);
	tcase_add_test(t, test_ca_added);
	tcase_add_test(t, test_ca_fixed);
	tcase_add_test(t, test_proxy);
	tcase_add_test(t, test_proxy_refuses);
	tcase_add_test(t, test_proxy_not_for_loopback);
	tcase_add_loop_test(t, test_max_age, 0, (int)N_ROWS(ages));
	return unit_run("fetch", t);
}
