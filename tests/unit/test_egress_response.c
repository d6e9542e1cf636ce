/* What comes back from an upstream: where it may send a client, and which
 * fields reach one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/settings.h"
#include "egress/internal.h"
#include "egress/response.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Our name for clients is k.example. Prometheus is asked without its prefix,
 * Tempo below a path of its own, Grafana with the whole path, Perses has a
 * public name. */
static struct settings settings = {
	.console = { .host = (char[]){ "10.1.2.3" },
	    .port = 3000,
	    .path = (char[]){ "" } },
	.api_server = { .host = (char[]){ "api.cluster.example" } },
	.services = {
	    [SERVICE_PROMETHEUS] = { .name = "prometheus",
		.url = { .host = (char[]){ "prom.example" },
		    .port = 9090,
		    .path = (char[]){ "" } } },
	    [SERVICE_GRAFANA] = { .name = "grafana",
		.url = { .host = (char[]){ "grafana" },
		    .port = 80,
		    .path = (char[]){ "" } } },
	    [SERVICE_TRACING] = { .name = "tracing",
		.url = { .tls = true,
		    .host = (char[]){ "tempo.svc" },
		    .port = 443,
		    .path = (char[]){ "/tempo" } } },
	    [SERVICE_PERSES] = { .name = "perses",
		.url = { .host = (char[]){ "fd00::1" },
		    .port = 8080,
		    .path = (char[]){ "" } } },
	},
};

enum place { CONSOLE, PROMETHEUS, TEMPO, GRAFANA, PERSES };

#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct route routes[] = {
	[CONSOLE] = { .service = SERVICE_NONE, .rest = TEXT("/console/x") },
	[PROMETHEUS] = { .service = SERVICE_PROMETHEUS,
	    .rest = TEXT("/api/v1/query"),
	    .mount = TEXT("/kiali/prometheus"),
	    .stripped = true },
	[TEMPO] = { .service = SERVICE_TRACING,
	    .base = TEXT("/tempo"),
	    .rest = TEXT("/api/traces"),
	    .mount = TEXT("/tracing"),
	    .stripped = true },
	[GRAFANA] = { .service = SERVICE_GRAFANA,
	    .rest = TEXT("/grafana/d/1"),
	    .mount = TEXT("/grafana") },
	[PERSES] = { .service = SERVICE_PERSES,
	    .rest = TEXT("/x"),
	    .mount = TEXT("/perses"),
	    .stripped = true },
};

#define DENIED NULL
#define AS_IT_IS ""

/* clang-format off */
static const struct {
	enum place place;
	const char *value;
	const char *out; /* DENIED, AS_IT_IS, or the text */
} locations[] = {
	/* a path of the service */
	{ PROMETHEUS, "/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "/", "/kiali/prometheus/" },
	{ PROMETHEUS, "/graph?g0.expr=up&x=%2F#tab", "/kiali/prometheus/graph?g0.expr=up&x=%2F#tab" },
	{ PROMETHEUS, "/a/../graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "/../../graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "/./graph/.", "/kiali/prometheus/graph/" },
	{ PROMETHEUS, "/graph/..", "/kiali/prometheus/" },
	{ TEMPO, "/tempo/x", "/tracing/x" },
	{ TEMPO, "/tempo", "/tracing" },
	{ TEMPO, "/tempox", "/tracing/tempox" },
	{ TEMPO, "/x", "/tracing/x" },
	/* the service knows where clients see it */
	{ PROMETHEUS, "/kiali/prometheus/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "/kiali/prometheus", "/kiali/prometheus" },
	{ PROMETHEUS, "/kiali/prometheusx", "/kiali/prometheus/kiali/prometheusx" },
	{ PROMETHEUS, "/kiali/prometheus/../api/logout", "/kiali/prometheus/kiali/api/logout" },
	{ PROMETHEUS, "/kiali/api/logout", "/kiali/prometheus/kiali/api/logout" },
	{ GRAFANA, "/grafana/login", "/grafana/login" },
	{ GRAFANA, "/grafana", "/grafana" },
	{ GRAFANA, "/login", DENIED },
	{ GRAFANA, "/", DENIED },
	{ GRAFANA, "/grafana/../api/logout", DENIED },
	{ GRAFANA, "/grafanax/", DENIED },
	/* relative to what was asked for */
	{ PROMETHEUS, "label", "/kiali/prometheus/api/v1/label" },
	{ PROMETHEUS, "./label?x", "/kiali/prometheus/api/v1/label?x" },
	{ PROMETHEUS, "../../graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "../../../../graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "kiali/prometheus/x", "/kiali/prometheus/api/v1/kiali/prometheus/x" },
	{ PROMETHEUS, "?x=1", "/kiali/prometheus/api/v1/query?x=1" },
	{ PROMETHEUS, "#x", "/kiali/prometheus/api/v1/query?asked=1#x" },
	{ PROMETHEUS, "", "/kiali/prometheus/api/v1/query?asked=1" },
	{ TEMPO, "search", "/tracing/api/search" },
	{ GRAFANA, "2", "/grafana/d/2" },
	{ GRAFANA, "../../2", DENIED },
	{ GRAFANA, "?x", "/grafana/d/1?x" },
	/* the service's own address */
	{ PROMETHEUS, "http://prom.example:9090/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "HTTP://PROM.Example:9090/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "http://prom.example:9090", "/kiali/prometheus/" },
	{ PROMETHEUS, "http://prom.example:9090?x", "/kiali/prometheus/?x" },
	{ PROMETHEUS, "//prom.example:9090/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "http://prom.example:9090/kiali/prometheus/graph", "/kiali/prometheus/graph" },
	{ TEMPO, "https://tempo.svc/tempo/x", "/tracing/x" },
	{ TEMPO, "https://tempo.svc:443/tempo/x", "/tracing/x" },
	{ TEMPO, "//tempo.svc/tempo/x", "/tracing/x" },
	{ GRAFANA, "http://grafana/grafana/x", "/grafana/x" },
	{ GRAFANA, "http://grafana/x", DENIED },
	{ PERSES, "http://[fd00::1]:8080/x", "/perses/x" },
	/* the same host, but another service of it */
	{ PROMETHEUS, "https://prom.example:9090/graph", DENIED },
	{ PROMETHEUS, "http://prom.example/graph", DENIED },
	{ PROMETHEUS, "http://prom.example:9091/graph", DENIED },
	{ TEMPO, "http://tempo.svc/tempo/x", DENIED },
	/* our own address */
	{ PROMETHEUS, "https://k.example/kiali/prometheus/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "http://K.example/kiali/prometheus/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "https://k.example:443/graph", "/kiali/prometheus/graph" },
	{ PROMETHEUS, "https://k.example/kiali/api/logout", "/kiali/prometheus/kiali/api/logout" },
	{ GRAFANA, "https://k.example/api/logout", DENIED },
	/* other hosts of the inside */
	{ PROMETHEUS, "http://10.0.0.7/", DENIED },
	{ PROMETHEUS, "http://127.0.0.1:9090/graph", DENIED },
	{ PROMETHEUS, "http://[::1]/", DENIED },
	{ PROMETHEUS, "http://alertmanager:9093/", DENIED },
	{ PROMETHEUS, "//alertmanager/", DENIED },
	{ PROMETHEUS, "http://10.1.2.3:3000/", DENIED },
	{ PROMETHEUS, "https://api.cluster.example/", DENIED },
	/* the outside */
	{ PROMETHEUS, "https://prometheus.io/docs", AS_IT_IS },
	{ PROMETHEUS, "//prometheus.io/docs", AS_IT_IS },
	{ PROMETHEUS, "https://192.0.2.1/", AS_IT_IS },
	{ GRAFANA, "https://idp.example/auth?x=http://10.0.0.1/", AS_IT_IS },
	/* what browsers read in another way than it looks */
	{ PROMETHEUS, "//evil.example/\\..\\x", DENIED },
	{ PROMETHEUS, "/\\evil.example/", DENIED },
	{ PROMETHEUS, "/x//evil.example", DENIED },
	{ PROMETHEUS, "/..//evil.example", DENIED },
	{ PROMETHEUS, "///evil.example", DENIED },
	{ PROMETHEUS, "http:///evil.example", DENIED },
	{ PROMETHEUS, "http:/evil.example", DENIED },
	{ PROMETHEUS, "http:evil.example", DENIED },
	{ PROMETHEUS, "javascript:alert(1)", DENIED },
	{ PROMETHEUS, "data:text/html,x", DENIED },
	{ PROMETHEUS, "http://user@prometheus.io/", DENIED },
	{ PROMETHEUS, "http://prometheus.io:99999/", DENIED },
	{ PROMETHEUS, "/%2e%2e/api/logout", DENIED },
	{ PROMETHEUS, "/x%2f..%2fy", DENIED },
	{ PROMETHEUS, "/a\tb", DENIED },
	{ PROMETHEUS, "/a b", DENIED },
	{ PROMETHEUS, "/\xc3\xa4", DENIED },
	{ PROMETHEUS, "/x?y#z#", DENIED },
	{ PROMETHEUS, "/x?%zz", DENIED },
	/* the console: only its own address is changed */
	{ CONSOLE, "http://10.1.2.3:3000/console?x#y", "/console?x#y" },
	{ CONSOLE, "http://10.1.2.3:3000", "/" },
	{ CONSOLE, "//10.1.2.3:3000/x", "/x" },
	{ CONSOLE, "http://10.1.2.3:3000//evil.example", DENIED },
	{ CONSOLE, "http://10.1.2.3/x", AS_IT_IS },
	{ CONSOLE, "https://10.1.2.3:3000/x", AS_IT_IS },
	{ CONSOLE, "/kiali/../x", AS_IT_IS },
	{ CONSOLE, "x y", AS_IT_IS },
	{ CONSOLE, "//elsewhere/x", AS_IT_IS },
	{ CONSOLE, "https://k.example/api/logout", AS_IT_IS },
	{ CONSOLE, "app:x", AS_IT_IS },
};
/* clang-format on */

static struct location
location_of(enum place place)
{
	return (struct location){ .settings = &settings,
		.route = &routes[place],
		.host = SLICE("k.example"),
		.has_query = true,
		.query = SLICE("asked=1") };
}

START_TEST(location)
{
	struct location l = location_of(locations[_i].place);
	const char *value = locations[_i].value, *expected = locations[_i].out;
	char text[HTTP_HEAD_MAX];
	struct http_out room;
	struct slice out;
	int r;

	http_out_init(&room, text, sizeof(text));
	r = location_rewrite(&room, &l, slice_of(value), &out);
	ck_assert_msg((r == 0) == (expected != DENIED), "%d %s: %d %.*s",
	    (int)locations[_i].place, value, r, SLICE_ARG(out));
	if (expected != DENIED)
		ck_assert_msg(
		    slice_is(out, expected[0] != '\0' ? expected : value),
		    "%d %s: %.*s", (int)locations[_i].place, value,
		    SLICE_ARG(out));
}
END_TEST

START_TEST(no_room)
{
	struct location l = location_of(PROMETHEUS);
	char text[20];
	struct http_out room;
	struct slice out;

	http_out_init(&room, text, sizeof(text));
	ck_assert_int_ne(
	    location_rewrite(&room, &l, SLICE("/long/enough"), &out), 0);
}
END_TEST

/* clang-format off */
static const struct {
	const char *host;
	bool internal;
} hosts[] = {
	{ "localhost", true }, { "prometheus", true }, { "prometheus.", true },
	{ "a.b.svc", true }, { "a.svc.cluster.local", true }, { "printer.local", true },
	{ "x.INTERNAL", true }, { "a.localhost", true }, { "nas.lan", true },
	{ "127.0.0.1", true }, { "127.1", true }, { "2130706433", true }, { "0x7f.0.0.1", true },
	{ "1.2.3.0x4", true }, { "0.0.0.0", true }, { "10.255.0.1", true }, { "172.16.0.1", true },
	{ "172.31.255.255", true }, { "192.168.1.1", true }, { "169.254.169.254", true },
	{ "100.64.0.1", true }, { "300.1.1.1", true },
	{ "::", true }, { "::1", true }, { "fe80::1", true }, { "fd12::1", true },
	{ "::ffff:10.0.0.1", true }, { "64:ff9b::a00:1", true },
	{ "prom.example", true }, { "PROM.example", true }, { "prom.example.", true },
	{ "", true }, { ".", true },
	{ "example.org", false }, { "example.org.", false }, { "svc.example.org", false },
	{ "local.example", false }, { "notlocal", true }, { "mylocal.net", false },
	{ "172.32.0.1", false }, { "11.0.0.1", false }, { "192.0.2.1", false }, { "1.1.1.1", false },
	{ "100.128.0.1", false }, { "2001:db8::1", false }, { "::ffff:1.1.1.1", false },
	{ "1.2.3.4.com", false }, { "example.4u", false },
};
/* clang-format on */

START_TEST(host)
{
	ck_assert_msg(internal_host(&settings, slice_of(hosts[_i].host)) ==
		hosts[_i].internal,
	    "%s", hosts[_i].host);
}
END_TEST

/* --- whole responses --- */

static char room_text[HTTP_HEAD_MAX];

static enum response_fate
filter(enum place place, unsigned status, const char *name, const char *value,
    struct frame_response *a)
{
	struct location l = location_of(place);
	struct http_out room;

	*a = (struct frame_response){ .status = (uint16_t)status };
	http_out_init(&room, room_text, sizeof(room_text));
	ck_assert(
	    http_fields_add(&a->fields, SLICE("X-First"), SLICE("first")));
	ck_assert(http_fields_add(&a->fields, slice_of(name), slice_of(value)));
	ck_assert(http_fields_add(&a->fields, SLICE("X-Last"), SLICE("last")));
	return response_filter(a, &room, &l);
}

/* clang-format off */
static const struct {
	enum place place;
	unsigned status;
	const char *name, *value;
	enum response_fate fate;
	const char *out; /* NULL: dropped */
} responses[] = {
	{ PROMETHEUS, 200, "Content-Type", "text/html", RESPONSE_PASSES, "text/html" },
	{ PROMETHEUS, 403, "Content-Type", "text/html", RESPONSE_PASSES, "text/html" },
	{ PROMETHEUS, 500, "Content-Type", "text/html", RESPONSE_PASSES, "text/html" },
	{ PROMETHEUS, 200, "Set-Cookie", "session=1", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "set-cookie", "session=1", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "WWW-Authenticate", "Basic", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Proxy-Authenticate", "Basic", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Authentication-Info", "x", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Server", "nginx/1.0", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Via", "1.1 inside", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "X-Powered-By", "x", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Alt-Svc", "h2=\"inside:443\"", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Clear-Site-Data", "\"cookies\"", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Service-Worker-Allowed", "/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 401, "X", "x", RESPONSE_UNAUTHORIZED, NULL },
	{ PROMETHEUS, 407, "X", "x", RESPONSE_UNAUTHORIZED, NULL },
	{ PROMETHEUS, 302, "Location", "/graph", RESPONSE_PASSES, "/kiali/prometheus/graph" },
	{ PROMETHEUS, 301, "location", "http://10.0.0.1/", RESPONSE_MISDIRECTS, NULL },
	{ PROMETHEUS, 308, "Location", "/\\x", RESPONSE_MISDIRECTS, NULL },
	{ PROMETHEUS, 201, "Location", "/rule/1", RESPONSE_PASSES, "/kiali/prometheus/rule/1" },
	{ PROMETHEUS, 201, "Location", "http://10.0.0.1/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 304, "Location", "http://10.0.0.1/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Content-Location", "/x", RESPONSE_PASSES, "/kiali/prometheus/x" },
	{ PROMETHEUS, 302, "Content-Location", "http://10.0.0.1/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Refresh", "5", RESPONSE_PASSES, "5" },
	{ PROMETHEUS, 200, "Refresh", "5; url=/x", RESPONSE_PASSES, "5; url=/kiali/prometheus/x" },
	{ PROMETHEUS, 200, "Refresh", "5;URL='/x'", RESPONSE_PASSES, "5; url=/kiali/prometheus/x" },
	{ PROMETHEUS, 200, "Refresh", "0; url=http://10.0.0.1/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Refresh", "0, url=http://10.0.0.1/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Refresh", "0; http://10.0.0.1/", RESPONSE_PASSES, NULL },
	{ PROMETHEUS, 200, "Refresh", "x", RESPONSE_PASSES, NULL },
	/* the console stays what it is */
	{ CONSOLE, 401, "WWW-Authenticate", "Basic", RESPONSE_PASSES, "Basic" },
	{ CONSOLE, 200, "Set-Cookie", "session=1", RESPONSE_PASSES, "session=1" },
	{ CONSOLE, 200, "Server", "x", RESPONSE_PASSES, "x" },
	{ CONSOLE, 302, "Location", "http://10.1.2.3:3000/x", RESPONSE_PASSES, "/x" },
	{ CONSOLE, 302, "Location", "/x/../y", RESPONSE_PASSES, "/x/../y" },
	{ CONSOLE, 200, "Refresh", "odd", RESPONSE_PASSES, "odd" },
	{ CONSOLE, 200, "Refresh", "1; url=http://10.1.2.3:3000/x", RESPONSE_PASSES, "1; url=/x" },
};
/* clang-format on */

START_TEST(response)
{
	struct frame_response a;
	const char *name = responses[_i].name;

	ck_assert_msg(filter(responses[_i].place, responses[_i].status, name,
			  responses[_i].value, &a) == responses[_i].fate,
	    "%s: %s", name, responses[_i].value);
	if (responses[_i].fate != RESPONSE_PASSES)
		return;
	ck_assert(slice_is(a.fields.at[0].value, "first"));
	ck_assert(slice_is(a.fields.at[a.fields.n - 1].value, "last"));
	ck_assert_uint_eq(a.fields.n, responses[_i].out != NULL ? 3 : 2);
	if (responses[_i].out != NULL)
		ck_assert_msg(slice_is(a.fields.at[1].value, responses[_i].out),
		    "%s: %.*s", name, SLICE_ARG(a.fields.at[1].value));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress response");
	TCase *t = tcase_create("response");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_loop_test(t, location, 0, (int)COUNT(locations));
	tcase_add_test(t, no_room);
	tcase_add_loop_test(t, host, 0, (int)COUNT(hosts));
	tcase_add_loop_test(t, response, 0, (int)COUNT(responses));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
