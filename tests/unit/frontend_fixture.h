/* What the frontend's unit tests share: settings and parsed requests from
 * text. */
#ifndef TESTS_UNIT_FRONTEND_FIXTURE_H
#define TESTS_UNIT_FRONTEND_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/http/http.h"
#include "common/settings.h"
#include "tests/unit/settings_text.h"

static inline struct settings *
fixture_settings(const char *text)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(text, &e);

	for (size_t i = 0; s == NULL && i < e.n; i++)
		fprintf(stderr, "settings: %s\n", e.at[i].text);
	ck_assert_ptr_nonnull(s);
	conf_errors_done(&e);
	return s;
}

/* kind: "anonymous"; root: "/" or "/kiali" */
static inline struct settings *
fixture_anonymous(const char *root, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "auth: {strategy: anonymous}\n"
	    "server: {web_root: %s}\n"
	    "doorward:\n"
	    "  console: {url: \"http://127.0.0.1:30001\", credential: none}\n"
	    "%s",
	    root, more);
	return fixture_settings(text);
}

static inline struct settings *
fixture_token(const char *root, const char *preset, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "auth: {strategy: token}\n"
	    "server: {web_root: %s}\n"
	    "login_token: {signing_key: \"secret:doorward:key\"}\n"
	    "doorward:\n"
	    "  console: {url: \"http://127.0.0.1:30001\", preset: %s}\n"
	    "  kubernetes: {api_server: \"https://127.0.0.1:6443\"}\n"
	    "%s",
	    root, preset, more);
	return fixture_settings(text);
}

static inline struct settings *
fixture_openid(const char *root, const char *preset, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "auth: {strategy: openid, openid: {client_id: c, issuer_uri: "
	    "\"https://idp.example:8443/realms/a\"}}\n"
	    "server: {web_root: %s}\n"
	    "login_token: {signing_key: \"secret:doorward:key\"}\n"
	    "doorward:\n"
	    "  console: {url: \"http://127.0.0.1:30001\", preset: %s}\n"
	    "  kubernetes: {api_server: \"https://127.0.0.1:6443\"}\n"
	    "%s",
	    root, preset, more);
	return fixture_settings(text);
}

static inline struct settings *
fixture_header(const char *root, const char *proxies)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "auth: {strategy: header}\n"
	    "server: {web_root: %s}\n"
	    "login_token: {signing_key: \"secret:doorward:key\"}\n"
	    "doorward:\n"
	    "  trusted_proxies: [%s]\n"
	    "  console: {url: \"http://127.0.0.1:30001\"}\n"
	    "  kubernetes: {api_server: \"https://127.0.0.1:6443\"}\n",
	    root, proxies);
	return fixture_settings(text);
}

/* A GET of path with these fields ("Name: value\r\n"...). buf holds the head
 * while the request is used. */
static inline void
fixture_request(struct http_request *q, char *buf, size_t cap,
    const char *target, const char *fields)
{
	int n = snprintf(buf, cap, "GET %s HTTP/1.1\r\n%s\r\n", target, fields);

	ck_assert_int_gt(n, 0);
	ck_assert_uint_lt((size_t)n, cap);
	ck_assert_int_eq(http_parse_request(q, buf, (size_t)n), 0);
}

static inline int
fixture_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
