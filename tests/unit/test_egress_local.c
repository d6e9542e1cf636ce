/*
 * The local listener in this process: the test is its client, and the service
 * behind it. Where a request leads is the test's choice (local_route is
 * wrapped, and tested apart), so that the console's upstream stands for the
 * service.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/resolve.h"
#include "common/slot.h"
#include "egress/egress.h"
#include "egress/local.h"
#include "egress/secrets.h"
#include "egress/services.h"
#include "tests/unit/frontend_fixture.h"

#define TOKEN "local-token-0123456789"
#define HEADS "Host: localhost\r\nAuthorization: Bearer " TOKEN "\r\n"

static struct egress eg;
static struct settings *settings;
static int service = -1; /* listener */
static char listen_setting[] = "127.0.0.1:0";
static uint16_t port;	   /* of the local listener */
static char unix_path[64]; /* of the local listener */
static bool leads_nowhere;
static char answer[1 << 20];

struct route __real_local_route(const struct settings *s, struct slice path);
struct route __wrap_local_route(const struct settings *s, struct slice path);

struct route
__wrap_local_route(const struct settings *s, struct slice path)
{
	(void)s;
	return (struct route){
		.kind = leads_nowhere ? ROUTE_NONE : ROUTE_PUBLIC,
		.name = "local",
		.service = SERVICE_NONE,
		.rest = path,
	};
}

static int
listen_tcp(uint16_t *at_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 300), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*at_port = ntohs(at.sin_port);
	return fd;
}

static int
listen_path(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)snprintf(unix_path, sizeof(unix_path),
	    "/tmp/doorward-test-local.%d", (int)getpid());
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", unix_path);
	(void)unlink(unix_path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static void
set_up(void)
{
	settings = fixture_anonymous("/", "");
	service = listen_tcp(&settings->console.port);
	free(settings->egress.listen);
	settings->egress.listen = listen_setting;
	eg = (struct egress){ .head_ms = 2000, .max_open = 2 };
	eg.base = daemon_base();
	eg.settings = settings;
	eg.resolve = resolve_new_files(eg.base, "/dev/null", "/dev/null");
	services_setup(&eg);
	local_listen(&eg, listen_tcp(&port));
	secrets_answer(eg.secrets, eg.local_token, SECRET_OK, SLICE(TOKEN));
}

static void
run(long ms)
{
	const struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(eg.base, &t);
	event_base_dispatch(eg.base);
}

static int
client(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(evutil_make_socket_nonblocking(fd), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	run(30);
}

/* What has come, as text; "(closed)" at the end when it is the end. */
static const char *
hear(int fd)
{
	size_t len = 0;
	ssize_t n;

	run(30);
	while ((n = read(fd, answer + len, sizeof(answer) - 16 - len)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	if (n == 0)
		(void)snprintf(answer + len, 16, "(closed)");
	return answer;
}

static int
service_accept(void)
{
	int fd = accept4(service, NULL, NULL, SOCK_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	return fd;
}

#define ck_assert_has(text, part) \
	ck_assert_msg(            \
	    strstr(text, part) != NULL, "no \"%s\" in: %s", part, text)
#define ck_assert_lacks(text, part) \
	ck_assert_msg(strstr(text, part) == NULL, "\"%s\" in: %s", part, text)
#define ck_assert_starts(text, part)                          \
	ck_assert_msg(strncmp(text, part, strlen(part)) == 0, \
	    "does not start with \"%s\": %s", part, text)

/* Another slot, of which secretd has said that it is empty. */
static void
forget_token(void)
{
	eg.local_token = secrets_want(eg.secrets, SLOT_LOCAL_TOKEN_NO - 1);
	secrets_answer(
	    eg.secrets, eg.local_token, SECRET_NONE, (struct slice){ NULL, 0 });
}

/* --- who may --- */

static const struct {
	const char *head, *status;
	bool no_token;
} judged[] = {
	{ "Host: localhost\r\n", "401", false },
	{ "Host: localhost\r\nAuthorization: Bearer \r\n", "401", false },
	{ "Host: localhost\r\nAuthorization: Bearer " TOKEN "x\r\n", "401",
	    false },
	{ "Host: localhost\r\nAuthorization: Basic " TOKEN "\r\n", "401",
	    false },
	{ HEADS "Authorization: Bearer " TOKEN "\r\n", "401", false },
	{ HEADS, "503", true },
	{ "Host: localhost\r\n", "503", true },
	{ "Host: rebound.example\r\nAuthorization: Bearer " TOKEN "\r\n", "421",
	    false },
	{ "Host: 192.0.2.1\r\nAuthorization: Bearer " TOKEN "\r\n", "421",
	    false },
	{ "Host: localhost.example\r\nAuthorization: Bearer " TOKEN "\r\n",
	    "421", false },
	{ "Authorization: Bearer " TOKEN "\r\n", "400", false },
	{ HEADS "Host: localhost\r\n", "400", false },
	{ HEADS "Expect: more\r\n", "417", false },
};

START_TEST(refused)
{
	char text[512], status[32];
	const char *got;
	int fd = client();

	if (judged[_i].no_token)
		forget_token();
	(void)snprintf(
	    text, sizeof(text), "GET /x HTTP/1.1\r\n%s\r\n", judged[_i].head);
	say(fd, text);
	got = hear(fd);
	(void)snprintf(
	    status, sizeof(status), "HTTP/1.1 %s ", judged[_i].status);
	ck_assert_starts(got, status);
	ck_assert_has(got, "Connection: close\r\n");
	ck_assert_has(got, "(closed)");
	ck_assert_lacks(got, TOKEN);
	ck_assert_int_eq(strcmp(judged[_i].status, "401") == 0,
	    strstr(got, "WWW-Authenticate: Bearer\r\n") != NULL);
	ck_assert_int_eq(accept(service, NULL, NULL), -1);
}
END_TEST

static const char *const hosts[] = { "localhost", "LOCALHOST:9091",
	"127.0.0.1:9091", "127.0.0.2", "[::1]:9091" };

START_TEST(names_of_this_machine)
{
	char text[512];
	int fd = client();

	(void)snprintf(text, sizeof(text),
	    "GET /x HTTP/1.1\r\nHost: %s\r\nAuthorization: bearer  " TOKEN
	    "\r\n\r\n",
	    hosts[_i]);
	say(fd, text);
	(void)service_accept();
}
END_TEST

static int
unix_client(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", unix_path);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(evutil_make_socket_nonblocking(fd), 0);
	(void)unlink(unix_path);
	return fd;
}

START_TEST(who_by_uid)
{
	static const char get[] = "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n";
	uint32_t uids[] = { 4000000000u, (uint32_t)geteuid() };
	int fd;

	forget_token(); /* which is not asked for */
	settings->egress.allow_uids = uids;
	settings->egress.n_allow_uids = _i == 0 ? 1 : 2;
	local_listen(&eg, listen_path());
	fd = unix_client();
	run(30);
	if (_i == 0) {
		ck_assert_str_eq(hear(fd), "(closed)");
		ck_assert_uint_eq(eg.n_local, 0);
		return;
	}
	say(fd, get);
	(void)service_accept();
}
END_TEST

START_TEST(connections_are_bounded)
{
	int fds[LOCAL_CONNECTIONS_MAX], more;

	for (int i = 0; i < LOCAL_CONNECTIONS_MAX; i++)
		fds[i] = client();
	run(300);
	ck_assert_uint_eq(eg.n_local, LOCAL_CONNECTIONS_MAX);
	more = client();
	ck_assert_str_eq(hear(more), "(closed)");
	(void)close(fds[0]);
	run(30);
	more = client();
	ck_assert_str_eq(hear(more), "");
	ck_assert_uint_eq(eg.n_open, 0); /* the frontend's stay free */
}
END_TEST

/* --- requests --- */

START_TEST(what_the_service_sees)
{
	int fd = client(), up;
	const char *got;

	say(fd,
	    "GET /api/v1/query?query=up HTTP/1.1\r\n" HEADS
	    "X-Forwarded-User: admin\r\nKiali-User: admin\r\n"
	    "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
	    "Accept: application/json\r\n\r\n");
	up = service_accept();
	got = hear(up);
	ck_assert_starts(got, "GET /api/v1/query?query=up HTTP/1.1\r\n");
	ck_assert_has(got, "Accept: application/json\r\n");
	ck_assert_lacks(got, "uthorization");
	ck_assert_lacks(got, TOKEN);
	ck_assert_lacks(got, "admin");
	ck_assert_lacks(got, "X-Hop");
	ck_assert_lacks(got, "X-Forwarded");
	say(up,
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: x\r\n"
	    "X-Own: y\r\n\r\nok");
	got = hear(fd);
	ck_assert_starts(got, "HTTP/1.1 200 OK\r\n");
	ck_assert_has(got, "X-Own: y\r\n");
	ck_assert_has(got, "\r\n\r\nok");
	ck_assert_lacks(got, "Keep-Alive");
	ck_assert_lacks(got, "(closed)");
}
END_TEST

START_TEST(keep_alive_and_pipeline)
{
	int fd = client(), up;

	say(fd,
	    "GET /1 HTTP/1.1\r\n" HEADS "\r\n"
	    "POST /2 HTTP/1.1\r\n" HEADS "Content-Length: 3\r\n\r\nabc"
	    "GET /3 HTTP/1.1\r\n" HEADS "Connection: close\r\n\r\n"
	    "GET /4 HTTP/1.1\r\n" HEADS "\r\n");
	up = service_accept();
	ck_assert_starts(hear(up), "GET /1 ");
	say(up, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
	ck_assert_has(hear(fd), "one");
	ck_assert_starts(hear(up), "POST /2 ");
	ck_assert_has(answer, "\r\n\r\nabc");
	say(up, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
	ck_assert_has(hear(fd), "two");
	ck_assert_starts(hear(up), "GET /3 ");
	say(up, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree");
	ck_assert_has(hear(fd), "three(closed)");
	ck_assert_has(answer, "Connection: close\r\n");
	ck_assert_str_eq(hear(up), "");
}
END_TEST

START_TEST(bodies_both_ways)
{
	int fd = client(), up;
	const char *got;

	say(fd,
	    "POST /x HTTP/1.1\r\n" HEADS
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
	up = service_accept();
	ck_assert_str_eq(hear(fd), "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "5;ext=1\r\nhello\r\n");
	got = hear(up);
	ck_assert_has(got, "Transfer-Encoding: chunked\r\n");
	ck_assert_lacks(got, "Expect");
	ck_assert_has(got, "\r\n\r\n5\r\nhello\r\n");
	say(fd, "1\r\n!\r\n0\r\nTrailer: x\r\n\r\n");
	ck_assert_str_eq(hear(up), "1\r\n!\r\n0\r\n\r\n");
	say(up,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n");
	got = hear(fd);
	ck_assert_has(got, "Transfer-Encoding: chunked\r\n");
	ck_assert_has(got, "\r\n\r\n3\r\nabc\r\n");
	say(up, "0\r\n\r\n");
	ck_assert_str_eq(hear(fd), "0\r\n\r\n");
}
END_TEST

static const struct {
	const char *line, *from, *to; /* to: what the client gets, in the end */
} framings[] = {
	{ "HEAD /x HTTP/1.1", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
	    "Content-Length: 7\r\n\r\n" },
	{ "GET /x HTTP/1.1", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
	    "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n" },
	{ "GET /x HTTP/1.1",
	    "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
	    "Content-Length: 7\r\n\r\n" },
	{ "GET /x HTTP/1.1",
	    "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	{ "GET /x HTTP/1.0",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nab\r\n0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab(closed)" },
};

START_TEST(framing)
{
	char text[256];
	int fd = client(), up;
	const char *got;
	size_t len = strlen(framings[_i].to);

	(void)snprintf(
	    text, sizeof(text), "%s\r\n" HEADS "\r\n", framings[_i].line);
	say(fd, text);
	up = service_accept();
	say(up, framings[_i].from);
	got = hear(fd);
	ck_assert_uint_ge(strlen(got), len);
	ck_assert_str_eq(got + strlen(got) - len, framings[_i].to);
}
END_TEST

/* Neither more than declared nor less becomes a request of its own. */
static const char *const bad[] = {
	"POST /x HTTP/1.1\r\n" HEADS "Content-Length: 3\r\n"
	"Transfer-Encoding: chunked\r\n\r\n",
	"POST /x HTTP/1.1\r\n" HEADS "Content-Length: 3\r\n"
	"Content-Length: 3\r\n\r\nabc",
	"POST /x HTTP/1.1\r\n" HEADS "Transfer-Encoding: chunked\r\n\r\nxyz",
	"POST /x HTTP/1.1\r\n" HEADS "Transfer-Encoding: gzip, chunked\r\n\r\n",
	"GET /x HTTP/1.1\n" HEADS "\r\n",
	"GET /../x HTTP/1.1\r\n" HEADS "\r\n",
	"GET http://localhost/x HTTP/1.1\r\n" HEADS "\r\n",
	"\x16\x03\x01",
};

START_TEST(smuggling)
{
	int fd = client();
	const char *got;

	say(fd, bad[_i]);
	got = hear(fd);
	ck_assert_starts(got, "HTTP/1.1 400 ");
	ck_assert_has(got, "(closed)");
	ck_assert_ptr_null(strstr(got + 1, "HTTP/1.1"));
}
END_TEST

START_TEST(unsupported_methods)
{
	int fd = client();

	say(fd, "CONNECT localhost:80 HTTP/1.1\r\n" HEADS "\r\n");
	ck_assert_starts(hear(fd), "HTTP/1.1 501 ");
}
END_TEST

/* --- what goes wrong --- */

START_TEST(no_such_service)
{
	int fd = client();

	leads_nowhere = true;
	say(fd, "GET /x HTTP/1.1\r\n" HEADS "\r\n");
	ck_assert_starts(hear(fd), "HTTP/1.1 404 ");
	ck_assert_lacks(answer, "(closed)");
	/* a body that nobody will read ends the connection */
	say(fd, "POST /x HTTP/1.1\r\n" HEADS "Content-Length: 5\r\n\r\n");
	ck_assert_starts(hear(fd), "HTTP/1.1 404 ");
	ck_assert_has(answer, "Connection: close\r\n");
	ck_assert_has(answer, "(closed)");
	fd = client();
	say(fd, "HEAD /x HTTP/1.1\r\n" HEADS "\r\n");
	ck_assert_starts(hear(fd), "HTTP/1.1 404 ");
	ck_assert_str_eq(answer + strlen(answer) - 4, "\r\n\r\n");
}
END_TEST

START_TEST(service_is_down)
{
	int fd = client();

	(void)close(service);
	say(fd, "GET /x HTTP/1.1\r\n" HEADS "\r\n");
	ck_assert_starts(hear(fd), "HTTP/1.1 502 ");
}
END_TEST

/* A response that cannot be finished is seen to be cut off. */
START_TEST(response_is_cut_off)
{
	int fd = client(), up;

	say(fd, "GET /x HTTP/1.0\r\n" HEADS "\r\n");
	up = service_accept();
	say(up,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nab\r\n");
	ck_assert_has(hear(fd), "ab");
	(void)close(up);
	run(30);
	ck_assert_int_eq(read(fd, answer, 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_uint_eq(eg.n_local, 0);
}
END_TEST

START_TEST(body_ends_too_early)
{
	int fd = client(), up;

	say(fd, "POST /x HTTP/1.1\r\n" HEADS "Content-Length: 9\r\n\r\nabc");
	up = service_accept();
	ck_assert_has(hear(up), "abc");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	run(30);
	ck_assert_has(hear(up), "(closed)");
	ck_assert_uint_eq(eg.n_local, 0);
}
END_TEST

START_TEST(answer_before_the_body)
{
	int fd = client(), up;

	say(fd, "POST /x HTTP/1.1\r\n" HEADS "Content-Length: 9\r\n\r\nabc");
	up = service_accept();
	say(up, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	ck_assert_starts(hear(fd), "HTTP/1.1 413 ");
	ck_assert_has(answer, "(closed)");
}
END_TEST

START_TEST(client_leaves)
{
	int fd = client(), up;

	say(fd, "GET /x HTTP/1.1\r\n" HEADS "\r\n");
	up = service_accept();
	(void)close(fd);
	run(30);
	ck_assert_has(hear(up), "(closed)");
	ck_assert_uint_eq(eg.n_local, 0);
}
END_TEST

/* --- where to --- */

static const struct {
	const char *path, *base, *rest; /* base NULL: nowhere */
} routes[] = {
	{ "/prometheus/api/v1/query", "", "/api/v1/query" },
	{ "/prometheus", "", "/" }, { "/prometheus/", "", "/" },
	{ "/prometheus%2fapi", NULL, NULL }, { "/prometheu", NULL, NULL },
	{ "/prometheusx", NULL, NULL }, { "/%70rometheus/", NULL, NULL },
	{ "/Prometheus/", NULL, NULL }, { "/", NULL, NULL },
	{ "/grafana/api", "/sub", "/api" }, { "/grafana", "/sub", "" },
	{ "/tracing/api", NULL, NULL }, /* not in use */
	{ "/perses/", NULL, NULL },	/* no url */
};

START_TEST(where_to)
{
	struct settings s = { .web_prefix = NULL };
	struct route r;

	s.services[SERVICE_PROMETHEUS] = (struct service_settings){
		.name = "prometheus",
		.in_use = true,
		.url = { .host = (char[]){ "p" }, .path = (char[]){ "" } }
	};
	s.services[SERVICE_GRAFANA] = (struct service_settings){
		.name = "grafana",
		.in_use = true,
		.url = { .host = (char[]){ "g" }, .path = (char[]){ "/sub" } }
	};
	s.services[SERVICE_TRACING] = (struct service_settings){ .name =
								     "tracing",
		.url = { .host = (char[]){ "t" }, .path = (char[]){ "" } } };
	s.services[SERVICE_PERSES] =
	    (struct service_settings){ .name = "perses", .in_use = true };
	s.services[SERVICE_CUSTOM_DASHBOARDS].name =
	    "customdashboards-prometheus";
	r = __real_local_route(&s, slice_of(routes[_i].path));
	if (routes[_i].base == NULL) {
		ck_assert_int_eq(r.kind, ROUTE_NONE);
		return;
	}
	ck_assert_int_eq(r.kind, ROUTE_PUBLIC);
	ck_assert(slice_is(r.base, routes[_i].base));
	ck_assert(slice_is(r.rest, routes[_i].rest));
	ck_assert_int_eq(r.inject, INJECT_NONE);
	ck_assert(r.stripped);
	ck_assert_uint_eq(r.mount.len, strlen(s.services[r.service].name) + 1);
}
END_TEST

/* --- the socket --- */

START_TEST(not_on_the_network)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	local_listen(&eg, fd);
}
END_TEST

START_TEST(not_without_the_setting)
{
	uint16_t other;

	settings->egress.listen = (char[]){ "" };
	local_listen(&eg, listen_tcp(&other));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress local");
	TCase *tc = tcase_create("local");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, refused, 0, COUNT(judged));
	tcase_add_loop_test(tc, names_of_this_machine, 0, COUNT(hosts));
	tcase_add_loop_test(tc, who_by_uid, 0, 2);
	tcase_add_test(tc, connections_are_bounded);
	tcase_add_test(tc, what_the_service_sees);
	tcase_add_test(tc, keep_alive_and_pipeline);
	tcase_add_test(tc, bodies_both_ways);
	tcase_add_loop_test(tc, framing, 0, COUNT(framings));
	tcase_add_loop_test(tc, smuggling, 0, COUNT(bad));
	tcase_add_test(tc, unsupported_methods);
	tcase_add_test(tc, no_such_service);
	tcase_add_test(tc, service_is_down);
	tcase_add_test(tc, response_is_cut_off);
	tcase_add_test(tc, body_ends_too_early);
	tcase_add_test(tc, answer_before_the_body);
	tcase_add_test(tc, client_leaves);
	tcase_add_loop_test(tc, where_to, 0, COUNT(routes));
	tcase_add_exit_test(tc, not_on_the_network, 1);
	tcase_add_exit_test(tc, not_without_the_setting, 1);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
