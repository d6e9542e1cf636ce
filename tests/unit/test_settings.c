/* conf, settings, cidr and url: what is read, what is refused and where. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/cidr.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/url.h"
#include "tests/unit/settings_cases.h"
#include "tests/unit/settings_text.h"

#define BASE                                                          \
	"doorward: {listen: ['127.0.0.1:8443'], hosts: [a.example], " \
	"kubernetes: {api_server: 'https://10.0.0.1:6443'}}\n"

START_TEST(defaults)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(BASE, &e);

	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(s->strategy, STRATEGY_TOKEN);
	ck_assert_str_eq(s->web_root, "/");
	ck_assert_str_eq(s->web_prefix, "");
	ck_assert_str_eq(s->cluster_name, "Kubernetes");
	ck_assert_str_eq(s->service_account, "kiali-service-account");
	ck_assert_uint_eq(s->recheck_s, 10);
	ck_assert_uint_eq(s->expiration_s, 86400);
	ck_assert_uint_eq(s->secrets_dirs.n, 3);
	ck_assert_str_eq(s->secrets_dirs.at[1], "/kiali-override-secrets");
	ck_assert_int_eq(s->tls_min, TLS_VERSION_1_3);
	ck_assert_int_eq(s->tls_max, TLS_VERSION_1_3);
	ck_assert_str_eq(s->console.host, "127.0.0.1");
	ck_assert_uint_eq(s->console.port, 20001);
	ck_assert_str_eq(s->api_server.host, "10.0.0.1");
	ck_assert_uint_eq(s->api_server.port, 6443);
	ck_assert_uint_ge(s->workers, 1);
	ck_assert_uint_le(s->workers, 4);
	ck_assert(s->audit_log);
	ck_assert(!settings_tls(s));
	ck_assert_str_eq(settings_cookie_name(s, true), "__Host-doorward");
	ck_assert_str_eq(settings_cookie_name(s, false), "doorward");
	settings_free(s);
	conf_errors_done(&e);
}
END_TEST

START_TEST(values)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(
	    "server:\n  web_root: /kiali\n  web_port: 443\n  web_fqdn: K.example\n"
	    "  audit_log: off\n  gzip_enabled: true\n"
	    "identity: {cert_file: /c.pem, private_key_file: /k.pem}\n"
	    "login_token: {expiration_seconds: 2h, signing_key: 'secret:a:b'}\n"
	    "kubernetes_config: {cluster_name: ''}\n"
	    "deployment:\n"
	    "  tls_config: {min_version: VersionTLS12, groups: [X25519, nope],\n"
	    "    cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, X]}\n"
	    "  discovery_selectors:\n    default:\n"
	    "    - matchLabels: {kubernetes.io/metadata.name: shop}\n"
	    "external_services: {prometheus: {auth: {type: basic,\n"
	    "  username: kiali, password: 'secret:p:v', token: /run/t}}}\n"
	    "doorward:\n  listen:\n  - '[::1]:8443'\n"
	    "  trusted_proxies: [10.0.0.0/8]\n"
	    "  console: {url: 'https://[2001:db8::1]:8080/base/',\n"
	    "    preset: generic, credential: none}\n"
	    "  kubernetes: {jwks_file: /jwks.json, issuer: i, audiences: [x],\n"
	    "    namespaces: [bar]}\n"
	    "  session: {idle_seconds: 30m}\n",
	    &e);

	show(&e);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->web_prefix, "/kiali");
	ck_assert_str_eq(s->web_port, "443");
	ck_assert(!s->audit_log);
	ck_assert(settings_tls(s));
	ck_assert_uint_eq(s->expiration_s, 7200);
	ck_assert_str_eq(s->cluster_name, "Kubernetes");
	ck_assert_int_eq(s->tls_min, TLS_VERSION_1_2);
	ck_assert_int_eq(s->tls_max, TLS_VERSION_1_3);
	ck_assert_uint_eq(s->groups.n, 1);
	ck_assert_uint_eq(s->cipher_suites.n, 1);
	ck_assert_str_eq(s->cipher_suites.at[0], "ECDHE-RSA-AES128-GCM-SHA256");
	ck_assert_uint_eq(s->namespaces.n, 2);
	ck_assert_uint_eq(s->hosts.n, 1);
	ck_assert_str_eq(s->hosts.at[0], "k.example");
	ck_assert(s->console.tls);
	ck_assert_str_eq(s->console.host, "2001:db8::1");
	ck_assert_str_eq(s->console.path, "/base");
	ck_assert_uint_eq(s->idle_s, 1800);
	ck_assert_int_eq(s->console_preset, PRESET_GENERIC);
	ck_assert_int_eq(s->console_credential, INJECT_NONE);
	ck_assert_str_eq(settings_cookie_name(s, true), "__Secure-doorward");
	ck_assert_uint_eq(settings_place(s, "server.web_root").line, 2);
	ck_assert_uint_eq(settings_place(s, "server.web_root").column, 3);
	ck_assert_uint_eq(settings_place(s, "server.port").line, 0);
	ck_assert(has_error(&e, true, "nope is not offered"));
	settings_free(s);
	conf_errors_done(&e);
}
END_TEST

static const struct refusal refusals[] = {
	{ "a: [", "not valid YAML", 2, 1 },
	{ "server: {port: 1}\nserver: {port: 2}\n", "given twice", 2, 1 },
	{ "server.port: 2\n", "server.port: must be written as sections", 1,
	    1 },
	{ "server.tls: {}\ndoorward.console: {url: x}\n",
	    "doorward.console: must be written as sections", 2, 1 },
	{ "'': {server: {port: 2}}\n", "must be written as sections", 1, 1 },
	{ "x: &a 1\n", "anchors and aliases", 1, 4 },
	{ "x: *a\n", "anchors and aliases", 1, 4 },
	{ "server: &a {port: 1}\n", "anchors and aliases", 1, 9 },
	{ "a: 1\n---\nb: 2\n", "one document", 2, 1 },
	{ "- 1\n", "key: value", 1, 1 },
	{ "? [a]\n: b\n", "plain words", 1, 3 },
	{ "server: 5\n", "must be a section", 1, 9 },
	{ "server: [5]\n", "must be a section", 1, 9 },
	{ "server: {port: [1]}\n", "single value", 1, 16 },
	{ "server: {port: 0}\n", "from 1 to 65535", 1, 16 },
	{ "server: {port: -1}\n", "from 1 to 65535", 1, 16 },
	{ "server: {port: 65536}\n", "from 1 to 65535", 1, 16 },
	{ "server: {audit_log: maybe}\n", "true or false", 1, 21 },
	{ "server: {web_root: \"/a\\nb\"}\n", "control characters", 1, 20 },
	{ "server: {web_root: \"/a\\0b\"}\n", "NUL", 1, 20 },
	{ "doorward: {trusted_proxy: []}\n",
	    "doorward.trusted_proxy: unknown key; did you mean "
	    "trusted_proxies?",
	    1, 12 },
	{ "doorward:\n  console:\n    presett: kiali\n", "did you mean preset?",
	    3, 5 },
	{ "doorward: {hosts: a.example}\n", "must be a list", 1, 19 },
	{ "doorward: {hosts: [{a: b}]}\n", "single values", 1, 20 },
	{ "doorward: {hosts: ['a.example:443']}\n", "not a host name", 1, 12 },
	{ "doorward: {listen: ['localhost:1']}\n", "ADDRESS:PORT", 1, 12 },
	{ "doorward: {trusted_proxies: [10.0.0.1/8]}\n", "bits behind", 1, 12 },
	{ "doorward: {trusted_proxies: [0.0.0.0/0]}\n", "anybody", 1, 12 },
	{ "doorward: {trusted_proxies: [x]}\n", "not a network", 1, 12 },
	{ "doorward: {console: {url: 'ftp://x'}}\n", "https://", 1, 22 },
	{ "doorward: {console: {url: 'http://u:p@x'}}\n", "password", 1, 22 },
	{ "doorward: {console: {url: 'http://x/?q'}}\n", "query", 1, 22 },
	{ "doorward: {listen: [':20001']}\n", "round in circles", 0, 0 },
	{ "doorward: {kubernetes: {api_server: 'http://10.0.0.1'}}\n",
	    "must be https", 1, 25 },
	{ "doorward: {kubernetes: {jwks_file: /x}}\n", "issuer", 1, 25 },
	{ "doorward: {secrets_dirs: [etc]}\n", "absolute", 1, 12 },
	{ "doorward: {session: {cookie_name: 'a;b'}}\n", "letters", 1, 22 },
	{ "doorward: {session: {cookie_name: kiali-token-x}}\n", "removed", 1,
	    22 },
	{ "doorward: {session: {cookie_name: __Host-x}}\n", "HTTPS", 1, 22 },
	{ "doorward: {session: {store: redis}}\n", "one of sqlite", 1, 29 },
	{ "auth: {strategy: openid}\n",
	    "auth.openid.client_id: is needed with auth.strategy openid", 0,
	    0 },
	{ "auth: {strategy: header}\n", "header needs doorward.trusted_proxies",
	    1, 8 },
	{ "auth: {strategy: openshift}\n", "part of the cluster", 1, 8 },
	{ "auth: {strategy: ldap}\n", "must be one of anonymous, token", 1,
	    18 },
	{ "auth: {strategy: token}\n", "token needs doorward.kubernetes", 1,
	    8 },
	{ "server: {web_root: kiali}\n", "begin with '/'", 1, 10 },
	{ "server: {web_root: /kiali/}\n", "not end with '/'", 1, 10 },
	{ "server: {web_root: /a/../b}\n", "segments", 1, 10 },
	{ "server: {web_root: /a/..}\n", "segments", 1, 10 },
	{ "server: {web_root: //a}\n", "segments", 1, 10 },
	{ "server: {web_root: '/a b'}\n", "not allowed in a path", 1, 10 },
	{ "server: {web_root: '/a;b'}\n", "cookie paths", 1, 10 },
	{ "server: {web_schema: ftp}\n", "http or https", 1, 10 },
	{ "server: {web_port: x}\n", "a port", 1, 10 },
	{ "identity: {cert_file: /c}\n", "needs identity.private_key_file", 1,
	    12 },
	{ "identity: {private_key_file: /c}\n", "needs identity.cert_file", 1,
	    12 },
	{ "deployment: {tls_config: {min_version: TLSv1.1}}\n", "not safe", 1,
	    27 },
	{ "deployment: {tls_config: {min_version: TLSv1.3, max_version: "
	  "TLSv1.2}}\n",
	    "lower than", 1, 49 },
	{ "deployment: {tls_config: {groups: [x25519]}}\n", "none of these", 1,
	    27 },
	{ "login_token: {signing_key: canary-0123456789}\n",
	    "/etc/doorward/secrets/login-token-signing-key/value.txt", 1, 15 },
	{ "login_token: {signing_key: 'secret:a'}\n", "two plain names", 1,
	    15 },
	{ "login_token: {signing_key: 'secret:a:../b'}\n", "two plain names", 1,
	    15 },
	{ "login_token: {expiration_seconds: 5x}\n", "seconds", 1, 35 },
	{ "external_services: {prometheus: {auth: {password: canary}}}\n",
	    "/etc/doorward/secrets/prometheus-password/value.txt", 1, 41 },
	{ "external_services: {custom_dashboards: {prometheus: {auth: "
	  "{token: canary}}}}\n",
	    "/customdashboards-prometheus-token/value.txt", 1, 61 },
	{ "external_services: {grafana: {auth: {oauth2: {client_secret: "
	  "canary}}}}\n",
	    "/grafana-oauth2-client-secret/value.txt", 1, 47 },
	{ "external_services: {tracing: {custom_headers: {X-Api-Key: "
	  "canary}}}\n",
	    "must not stand here", 1, 48 },
	{ "auth: {openid: {client_secret: canary}}\n", "/oidc-secret/", 1, 32 },
	{ "chat_ai: {providers: [{key: canary}]}\n", "must not stand", 1, 29 },
};

START_TEST(refusal)
{
	check_refusal(&refusals[_i]);
}
END_TEST

START_TEST(kiali_keys_are_ignored)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(BASE
	    "istio_labels: {app_label_name: app}\n"
	    "server: {observability: {metrics: {port: 9090}}, write_timeout: "
	    "60s, web_rood: /x}\n"
	    "custom: ~\nlist: [1, [2, {a: b}]]\n",
	    &e);

	ck_assert_ptr_nonnull(s);
	ck_assert(has_error(&e, true, "did you mean web_root?"));
	ck_assert_uint_eq(s->ignored.n, 7);
	settings_free(s);
	conf_errors_done(&e);
}
END_TEST

START_TEST(every_error_is_collected)
{
	struct conf_errors e = { 0 };

	ck_assert_ptr_null(settings_text(
	    "server: {port: x, audit_log: x}\ndoorward: {nope: 1}\n", &e));
	ck_assert(has_error(&e, false, "server.port"));
	ck_assert(has_error(&e, false, "server.audit_log"));
	ck_assert(has_error(&e, false, "doorward.nope"));
	ck_assert(has_error(&e, false, "token needs"));
	conf_errors_done(&e);
}
END_TEST

START_TEST(large_and_deep_files)
{
	struct conf_errors e = { 0 };
	size_t len = 1024 * 1024 + 1;
	char *text = mem_new(len);

	memset(text, '\n', len);
	ck_assert_ptr_null(settings_text_len(text, len, &e));
	ck_assert(has_error(&e, false, "1 MB"));
	conf_errors_done(&e);
	memset(text, '[', 5000);
	memcpy(text, "a: ", 3);
	ck_assert_ptr_null(settings_text_len(text, 5000, &e));
	conf_errors_done(&e);
	free(text);
	ck_assert_ptr_null(settings_read("/nonexistent/file", &e));
	ck_assert(has_error(&e, false, "cannot be read"));
	conf_errors_done(&e);
}
END_TEST

START_TEST(own_cookies)
{
	static const struct {
		const char *name;
		bool own;
	} cases[] = { { "doorward", true }, { "__Host-doorward", true },
		{ "__Secure-doorward", true },
		{ "kiali-token-Kubernetes", true }, { "kiali-token", true },
		{ "doorward-login", true }, { "__Host-mine", true },
		{ "__Host-mine-login", true }, { "__Host-mine-x", false },
		{ "doorwards", false }, { "xdoorward", false },
		{ "session", false }, { "__Host-", false } };
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(
	    "identity: {cert_file: /c, private_key_file: /k}\n"
	    "doorward: {listen: [':1'], session: {cookie_name: __Host-mine},\n"
	    "  kubernetes: {api_server: 'https://x'}}\n",
	    &e);

	ck_assert_ptr_nonnull(s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(settings_is_own_cookie(
				  s, slice_of(cases[i].name)) == cases[i].own,
		    "%s", cases[i].name);
	settings_free(s);
	conf_errors_done(&e);
}
END_TEST

static const struct {
	const char *network, *address;
	bool inside;
} networks[] = {
	{ "10.0.0.0/8", "10.255.1.2", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.1.2.3", "10.1.2.3", true },
	{ "10.1.2.3", "10.1.2.2", false },
	{ "10.1.2.128/25", "10.1.2.127", false },
	{ "10.1.2.128/25", "10.1.2.255", true },
	{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
	{ "10.0.0.0/8", "::10.0.0.1", false },
	{ "2001:db8::/32", "2001:db8:1::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "::1", "::1", true },
	{ "::1", "127.0.0.1", false },
};

START_TEST(network)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *text = networks[_i].address;
	const void *at = &in6;
	struct cidr c;

	ck_assert_int_eq(cidr_parse(networks[_i].network, &c), 0);
	if (strchr(text, ':') != NULL) {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET, text, &in.sin_addr), 1);
		at = &in;
	}
	ck_assert(cidr_contains(&c, at) == networks[_i].inside);
}
END_TEST

START_TEST(bad_networks)
{
	static const char *const bad[] = { "", "10", "10.0.0.0/33", "::/129",
		"10.0.0.0/", "10.0.0.0/-1", "a/8", "10.0.0.0/8/8",
		"10.0.0.0 " };
	struct sockaddr unix_address = { .sa_family = AF_UNIX };
	struct cidr c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(cidr_parse(bad[i], &c), ERR_FORMAT);
	ck_assert_int_eq(cidr_parse("10.0.0.1/8", &c), ERR_LIMIT);
	ck_assert_int_eq(cidr_parse("10.0.0.0/8", &c), 0);
	ck_assert(!cidr_contains(&c, &unix_address));
}
END_TEST

START_TEST(endpoints)
{
	static const struct {
		const char *text, *host;
		int port;
	} cases[] = { { "127.0.0.1:8443", "127.0.0.1", 8443 },
		{ "[::1]:0", "::1", 0 }, { ":443", "", 443 },
		{ "*:443", "", 443 }, { "::1:443", NULL, 0 },
		{ "127.0.0.1", NULL, 0 }, { "host:1", NULL, 0 },
		{ "127.0.0.1:65536", NULL, 0 }, { "[127.0.0.1]:1", NULL, 0 },
		{ "[::1]", NULL, 0 }, { "", NULL, 0 } };
	struct endpoint at;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = endpoint_parse(cases[i].text, &at);

		ck_assert_msg(
		    (r == 0) == (cases[i].host != NULL), "%s", cases[i].text);
		if (r != 0)
			continue;
		ck_assert_str_eq(at.host, cases[i].host);
		ck_assert_int_eq(at.port, cases[i].port);
	}
}
END_TEST

START_TEST(urls)
{
	static const char *const bad[] = { "", "https://", "https:///x",
		"https://a b", "https://a:0", "https://a:x", "https://a/..",
		"https://a//b", "https://[::1", "https://[a]", "https://a#f",
		"https://-a" };
	struct url u;
	const char *why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(
		    url_parse(bad[i], &u, &why) == ERR_FORMAT, "%s", bad[i]);
	ck_assert_int_eq(url_parse("https://A.Example/x/y/", &u, &why), 0);
	ck_assert_str_eq(u.host, "a.example");
	ck_assert_str_eq(u.path, "/x/y");
	ck_assert_uint_eq(u.port, 443);
	url_done(&u);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tc = tcase_create("settings");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, values);
	tcase_add_loop_test(
	    tc, refusal, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tc, kiali_keys_are_ignored);
	tcase_add_test(tc, every_error_is_collected);
	tcase_add_test(tc, large_and_deep_files);
	tcase_add_test(tc, own_cookies);
	tcase_add_loop_test(
	    tc, network, 0, (int)(sizeof(networks) / sizeof(networks[0])));
	tcase_add_test(tc, bad_networks);
	tcase_add_test(tc, endpoints);
	tcase_add_test(tc, urls);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
