/* The base URL: Kiali's table of results, and who is believed. */
#include "common/base_url.h"

#include <stdio.h>

#include "common/err.h"
#include "tests/unit/settings_text.h"
#include "tests/unit/unit.h"

struct header {
	const char *name, *value;
};

/* clang-format off */
static const struct {
	const char *server; /* more keys of the section server */
	const char *root, *host;
	struct header headers[3];
	const char *result, *scheme, *host_rule, *port;
	bool secure;
} cases[] = {
	{ "", "/kiali", "k.example", { { 0 } }, "http://k.example:20001/kiali",
	  "served without TLS", "Host", "server.port", false },
	{ "", "/kiali", "k.example:8080", { { 0 } }, "http://k.example:8080/kiali",
	  "served without TLS", "Host", "Host", false },
	{ "", "/kiali", "k.example", { { "X-Forwarded-Proto", "https" } }, "https://k.example:20001/kiali",
	  "X-Forwarded-Proto", "Host", "server.port", true },
	{ "", "/kiali", "k.example", { { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Port", "443" } },
	  "https://k.example/kiali", "X-Forwarded-Proto", "Host", "X-Forwarded-Port", true },
	{ "", "/kiali", "k.example", { { "X-Forwarded-Port", "443" } }, "http://k.example:443/kiali",
	  "served without TLS", "Host", "X-Forwarded-Port", false },
	{ "", "/kiali", "kiali:20001", { { "X-Forwarded-Host", "a.example" }, { "X-Forwarded-Proto", "https" } },
	  "https://a.example:20001/kiali", "X-Forwarded-Proto", "X-Forwarded-Host", "server.port", true },
	{ "", "/kiali", "inner", { { "X-Forwarded-Host", "a.example:8443" }, { "X-Forwarded-Proto", "https" } },
	  "https://a.example:8443/kiali", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Host", true },
	{ ", web_fqdn: k.example", "/kiali", "x:9999", { { 0 } }, "http://k.example:20001/kiali",
	  "served without TLS", "server.web_fqdn", "server.port", false },
	{ ", web_fqdn: k.example, web_schema: https, web_port: 443", "/kiali", "x", { { 0 } },
	  "https://k.example/kiali", "server.web_schema", "server.web_fqdn", "server.web_port", true },
	{ "", "/kiali", "k.example", { { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Proto", "http" } },
	  "http://k.example:20001/kiali", "served without TLS", "Host", "server.port", false },
	{ "", "/kiali", "k.example", { { "X-Forwarded-Proto", "https,http" } },
	  "https,http://k.example:20001/kiali", "X-Forwarded-Proto", "Host", "server.port", false },
	{ "", "/", "k.example", { { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Port", "443" } },
	  "https://k.example", "X-Forwarded-Proto", "Host", "X-Forwarded-Port", true },
	{ "", "/kiali", "[::1]", { { 0 } }, "http://[::1]/kiali",
	  "served without TLS", "Host", "Host", false },
	{ ", port: 443", "/", "k.example", { { "X-Forwarded-Proto", "https" } }, "https://k.example",
	  "X-Forwarded-Proto", "Host", "server.port", true },
};
/* clang-format on */

static const struct header none[3];

static struct settings *
settings_of(const char *server, const char *root, const char *more)
{
	struct conf_errors e = { 0 };
	char text[512];
	struct settings *s;

	(void)snprintf(text, sizeof(text),
	    "auth: {strategy: anonymous}\nserver: {address: 127.0.0.1, "
	    "web_root: %s%s}\ndoorward: {console: {url: 'http://127.0.0.1:1'}%s}\n",
	    root, server, more);
	s = settings_text(text, &e);
	ck_assert_msg(s != NULL, "%s", e.n > 0 ? e.at[0].text : "");
	conf_errors_done(&e);
	return s;
}

static void
make(struct base_url *out, const struct settings *s, const char *host,
    const struct header headers[3], bool tls, bool trusted)
{
	struct http_fields fields = { .n = 0 };
	struct base_url_request q = { .fields = &fields,
		.host = slice_of(host),
		.tls = tls,
		.trusted = trusted };

	for (size_t i = 0; i < 3 && headers[i].name != NULL; i++)
		ck_assert(http_fields_add(&fields, slice_of(headers[i].name),
		    slice_of(headers[i].value)));
	ck_assert_int_eq(base_url_make(out, s, &q), 0);
}

START_TEST(as_kiali)
{
	struct settings *s = settings_of(cases[_i].server, cases[_i].root, "");
	struct base_url url;

	make(&url, s, cases[_i].host, cases[_i].headers, false, true);
	ck_assert_str_eq(url.text, cases[_i].result);
	ck_assert_str_eq(url.scheme_rule, cases[_i].scheme);
	ck_assert_str_eq(url.host_rule, cases[_i].host_rule);
	ck_assert_str_eq(url.port_rule, cases[_i].port);
	ck_assert_int_eq(url.secure, cases[_i].secure);
	settings_free(s);
}
END_TEST

START_TEST(strangers_are_not_believed)
{
	static const struct header lies[] = {
		{ "X-Forwarded-Proto", "https" },
		{ "X-Forwarded-Host", "evil.example" },
		{ "X-Forwarded-Port", "1" },
	};
	struct settings *s = settings_of("", "/kiali", "");
	struct base_url url;

	make(&url, s, "k.example", lies, false, false);
	ck_assert_str_eq(url.text, "http://k.example:20001/kiali");
	ck_assert(!url.secure);
	settings_free(s);
}
END_TEST

/* Who sets doorward.listen has said which port it is. */
START_TEST(the_port_that_we_listen_on)
{
	static const char listen[] = ", listen: ['127.0.0.1:443']";
	struct settings *s = settings_of("", "/", listen);
	struct base_url url;

	make(&url, s, "k.example", none, true, false);
	ck_assert_str_eq(url.text, "https://k.example");
	ck_assert_str_eq(url.port_rule, "doorward.listen");
	settings_free(s);
	s = settings_of(", port: 20001", "/", listen);
	make(&url, s, "k.example", none, true, false);
	ck_assert_str_eq(url.text, "https://k.example:20001");
	settings_free(s);
}
END_TEST

START_TEST(no_longer_than_its_limit)
{
	struct settings *s = settings_of("", "/kiali", "");
	struct http_fields fields = { .n = 0 };
	char host[BASE_URL_MAX + 1];
	struct base_url_request q = { .fields = &fields };
	struct base_url url;

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	q.host = slice_of(host);
	ck_assert_int_eq(base_url_make(&url, s, &q), ERR_LIMIT);
	settings_free(s);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("base_url");

	tcase_add_loop_test(t, as_kiali, 0, N_ROWS(cases));
	tcase_add_test(t, strangers_are_not_believed);
	tcase_add_test(t, the_port_that_we_listen_on);
	tcase_add_test(t, no_longer_than_its_limit);
	return unit_run("base_url", t);
}
