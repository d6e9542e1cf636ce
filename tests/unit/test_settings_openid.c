/* auth.openid, doorward.openid and the strategy header: what follows from what
 * is written, what is refused and what is warned of. */
#include <check.h>
#include <string.h>

#include "common/mem.h"
#include "common/slot.h"
#include "tests/unit/settings_cases.h"
#include "tests/unit/settings_text.h"

#define SERVER                            \
	"server: {web_fqdn: a.example}\n" \
	"identity: {cert_file: /c.pem, private_key_file: /k.pem}\n"
#define CLUSTER "kubernetes: {api_server: 'https://10.0.0.1:6443'}"
#define DOOR(more) "doorward: {listen: ['127.0.0.1:8443'], " more "}\n"
#define ISSUER "client_id: c, issuer_uri: 'https://login.example/realm/'"
#define AUTH(openid) "auth: {strategy: openid, openid: {" openid "}}\n"
/* Good but for what is added to auth.openid or to doorward.openid. */
#define WITH(more) AUTH(ISSUER ", " more) SERVER DOOR(CLUSTER)
#define OURS(more) AUTH(ISSUER) SERVER DOOR(CLUSTER ", openid: {" more "}")
#define OVERRIDE(more) WITH("discovery_override: {" more "}")
#define TWO                                               \
	"authorization_endpoint: 'https://a.example/a', " \
	"token_endpoint: 'https://t.example:9443/t'"

static struct settings *
good(const char *text, struct conf_errors *e)
{
	struct settings *s = settings_text(text, e);

	if (s == NULL)
		show(e);
	ck_assert_msg(s != NULL, "not accepted: %s", text);
	return s;
}

static void
done(struct settings *s, struct conf_errors *e)
{
	settings_free(s);
	conf_errors_done(e);
}

static void
expect_ports(const struct openid_settings *o, const char *expected)
{
	char text[200] = "";

	for (size_t i = 0; i < o->n_ports; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s%u", i > 0 ? " " : "", o->ports[i]);
	ck_assert_str_eq(text, expected);
}

START_TEST(the_least)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(AUTH(ISSUER) SERVER DOOR(CLUSTER), &e);
	const struct openid_settings *o = &s->openid;

	show(&e);
	ck_assert_uint_eq(e.n, 0);
	ck_assert_int_eq(s->strategy, STRATEGY_OPENID);
	ck_assert_str_eq(o->issuer, "https://login.example/realm/");
	ck_assert_uint_eq(o->scopes.n, 3);
	ck_assert_str_eq(o->username_claim, "sub");
	ck_assert_uint_eq(o->authentication_timeout_s, 300);
	ck_assert_uint_eq(o->algs.n, 5);
	ck_assert(!o->use_access_token && !o->disable_rbac);
	ck_assert(!o->allow.present);
	ck_assert_ptr_null(o->api_proxy.host);
	ck_assert_ptr_null(o->api_proxy_ca);
	ck_assert_ptr_null(o->https_proxy.host);
	expect_ports(o, "443");
	done(s, &e);
}
END_TEST

START_TEST(values)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(
	    AUTH("client_id: c, issuer_uri: 'http://127.0.0.1:5556/dex',\n"
		 "  api_token: access_token, scopes: [profile, groups],\n"
		 "  https_proxy: 'http://[::1]:3129/',\n"
		 "  additional_request_params: {prompt: login, a: ''},\n"
		 "  post_logout_redirect_uri: 'http://bye.example/x?y=1',\n"
		 "  discovery_override: {" TWO
		 ", jwks_uri: 'https://a.example:8444/keys',\n"
		 "    userinfo_endpoint: 'https://t.example:9443/me',\n"
		 "    end_session_endpoint: 'https://a.example:1/end?x=y'}")
		SERVER DOOR(CLUSTER ", openid: {ports: [8445, 443, '8444'],\n"
				    "  allow: {domains: [A.Example]}}"),
	    &e);
	const struct openid_settings *o = &s->openid;

	show(&e);
	ck_assert_uint_eq(e.n, 0);
	ck_assert(o->use_access_token);
	ck_assert_uint_eq(o->scopes.n, 3);
	ck_assert_str_eq(o->scopes.at[2], "openid");
	ck_assert_str_eq(o->https_proxy.host, "::1");
	ck_assert_uint_eq(o->additional_request_params.n, 2);
	ck_assert(o->allow.present);
	ck_assert_str_eq(o->allow.domains.at[0], "a.example");
	expect_ports(o, "443 5556 9443 8444 3129 8445");
	done(s, &e);
}
END_TEST

/* "-----BEGIN CERTIFICATE-----\nx\n" */
#define PEM64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngK"
#define PEM64_SPLIT "LS0tLS1CRUdJTiBDRVJUS UZJQ0FURS0tLS0tCngK"
/* "-----BEGIN CERTIFICATE-----\n>>>???\n" and one more byte: + / and = */
#define PEM64_ALL "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCj4+Pj8/Pwo="
#define PROXY(ca)                                                     \
	AUTH(ISSUER ", api_proxy: 'https://proxy.example:8443/k8s', " \
		    "api_proxy_ca_data: '" ca "'")                    \
	SERVER DOOR("workers: 1")

START_TEST(api_proxy)
{
	static const struct {
		const char *text, *pem;
	} cases[] = {
		{ PROXY(PEM64), "-----BEGIN CERTIFICATE-----\nx\n" },
		{ PROXY(PEM64_SPLIT), "-----BEGIN CERTIFICATE-----\nx\n" },
		{ PROXY(PEM64_ALL), "-----BEGIN CERTIFICATE-----\n>>>???\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf_errors e = { 0 };
		struct settings *s = good(cases[i].text, &e);

		ck_assert_str_eq(s->openid.api_proxy.host, "proxy.example");
		ck_assert_str_eq(s->openid.api_proxy.path, "/k8s");
		ck_assert_str_eq(s->openid.api_proxy_ca, cases[i].pem);
		done(s, &e);
	}
}
END_TEST

/* A bundle is longer than other values may be, but not without limit. */
START_TEST(long_ca_data)
{
	static const char head[] = "auth: {strategy: openid, openid: {" ISSUER
				   ", api_proxy: 'https://p.example', "
				   "api_proxy_ca_data: " PEM64;
	static const char tail[] = "}}\n" SERVER DOOR(CLUSTER);
	static const size_t sizes[] = { 100000, 140000 };

	for (size_t i = 0; i < 2; i++) {
		struct conf_errors e = { 0 };
		char *filler = mem_new(sizes[i] + 1);
		char *text;
		struct settings *s;

		/* no NUL in what it decodes to */
		for (size_t k = 0; k < sizes[i]; k++)
			filler[k] = "eHh4"[k % 4];
		text = mem_printf("%s%s%s", head, filler, tail);
		s = settings_text(text, &e);
		if (i == 0) {
			ck_assert_ptr_nonnull(s);
		} else {
			ck_assert_ptr_null(s);
			ck_assert(has_error(&e, false, "131072 characters"));
		}
		free(filler);
		free(text);
		done(s, &e);
	}
}
END_TEST

/* A text, and a part of what is said of it. */
struct said {
	const char *text, *part;
};

static const struct said refused[] = {
	{ AUTH("issuer_uri: 'https://l.example'") SERVER DOOR(CLUSTER),
	    "auth.openid.client_id: is needed" },
	{ AUTH("client_id: 'secret:a:b', issuer_uri: 'https://l.example'")
		SERVER DOOR(CLUSTER),
	    "identifier itself" },
	{ AUTH("client_id: c") SERVER DOOR(CLUSTER),
	    "auth.openid.issuer_uri: is needed" },
	{ AUTH("client_id: c, issuer_uri: 'http://l.example'")
		SERVER DOOR(CLUSTER),
	    "issuer_uri: must be https" },
	{ AUTH("client_id: c, issuer_uri: 'l.example'") SERVER DOOR(CLUSTER),
	    "issuer_uri: must begin with https://" },
	{ AUTH("client_id: c, issuer_uri: 'https://l.example?x'")
		SERVER DOOR(CLUSTER),
	    "issuer_uri: must not have a query" },
	{ AUTH("client_id: c, issuer_uri: 'https://l.example/#x'")
		SERVER DOOR(CLUSTER),
	    "issuer_uri: has a fragment" },
	{ AUTH("client_id: c, issuer_uri: 'https://u:canary@l.example/'")
		SERVER DOOR(CLUSTER),
	    "issuer_uri: must not hold a user name" },
	{ AUTH("client_id: c, issuer_uri: 'https://l.example/.well-known/"
	       "openid-configuration'") SERVER DOOR(CLUSTER),
	    "the issuer alone" },
	{ WITH("username_claim: ''"), "must name a claim" },
	{ WITH("scopes: ['openid email']"), "is not a scope" },
	{ WITH("authentication_timeout: 5"), "from 30 to 3600" },
	{ WITH("allowed_domains: ['@a.example']"), "is no domain" },
	{ WITH("additional_request_params: {state: x}"),
	    "additional_request_params.state: is Doorward's own" },
	{ WITH("additional_request_params: {Redirect_URI: x}"),
	    "is Doorward's own" },
	{ WITH("additional_request_params: {code_challenge_method: plain}"),
	    "is Doorward's own" },
	{ WITH("additional_request_params: {response_mode: form_post}"),
	    "is Doorward's own" },
	{ WITH("additional_request_params: {client_secret: canary}"),
	    "slot oidc-secret" },
	{ WITH("client_secret: canary"), "/oidc-secret/value.txt" },
	{ WITH("http_proxy: 'http://u:canary@p.example:1'"),
	    "http_proxy: a credential must not stand here" },
	{ WITH("https_proxy: 'https://p.example:1'"),
	    "https_proxy: must begin with http://" },
	{ WITH("https_proxy: 'socks5://p.example:1'"),
	    "https_proxy: must begin with" },
	{ WITH("https_proxy: 'http://p.example:1/x'"), "must have no path" },
	{ WITH("authorization_endpoint: 'http://l.example/'"),
	    "authorization_endpoint: must be https" },
	{ WITH("post_logout_redirect_uri: /bye"),
	    "post_logout_redirect_uri: must begin with" },
	{ WITH("post_logout_redirect_uri: 'javascript:x'"),
	    "post_logout_redirect_uri: must begin with" },
	{ OVERRIDE(TWO), "jwks_uri: is needed" },
	{ OVERRIDE(TWO ", jwks_uri: 'http://a.example/keys'"),
	    "jwks_uri: must be https" },
	{ OVERRIDE("end_session_endpoint: 'https://a.example/x y'"),
	    "end_session_endpoint: has a fragment or characters" },
	{ WITH("api_proxy: 'https://p.example', api_proxy_ca_data: '?'"),
	    "api_proxy_ca_data: must be certificates" },
	{ WITH("api_proxy: 'https://p.example', api_proxy_ca_data: eHh4"),
	    "api_proxy_ca_data: must be certificates" },
	{ WITH("api_proxy: 'https://p.example', api_proxy_ca_data: " PEM64 "="),
	    "api_proxy_ca_data: must be certificates" },
	{ WITH("api_proxy: 'http://p.example', api_proxy_ca_data: " PEM64),
	    "api_proxy: must be https" },
	{ OURS("signing_alg_values: []"), "signing_alg_values: names none" },
	{ OURS("signing_alg_values: [RS256, none]"), "is no signature" },
	{ OURS("signing_alg_values: [HS256]"), "made with the client secret" },
	{ OURS("signing_alg_values: [rs256]"), "is not one of RS256" },
	{ OURS("allow: {}"), "nobody could sign in" },
	{ OURS("allow: {users: []}"), "nobody could sign in" },
	{ OURS("allow: {groups: ['*']}"), "known to users only" },
	{ OURS("allow: {emails: [a]}"), "openid.allow.emails: a is no e-mail" },
	{ OURS("allow: {domains: ['@a']}"), "is no domain" },
	{ OURS("ports: [0]"), "is not a port" },
	{ OURS("ports: [65536]"), "is not a port" },
	{ OURS("ports: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"),
	    "more than 16 different" },
	{ OURS("token_endpoint_auth_method: client_secret_jwt"),
	    "must be one of" },
	{ AUTH(ISSUER) SERVER DOOR("workers: 1"),
	    "disable_rbac: false: the cluster is asked" },
	{ AUTH(ISSUER) SERVER DOOR("kubernetes: {jwks_file: /j, issuer: i}"),
	    "jwks_file is for the strategies token and header only" },
	{ "auth: {strategy: header}\n" SERVER DOOR(CLUSTER),
	    "header needs doorward.trusted_proxies" },
	{ "auth: {strategy: header}\n" SERVER DOOR(
	      "trusted_proxies: [10.0.0.0/8]"),
	    "header needs doorward.kubernetes.api_server" },
};

START_TEST(refusal)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(refused[_i].text, &e);

	ck_assert_msg(s == NULL, "accepted: %s", refused[_i].text);
	if (!has_error(&e, false, refused[_i].part))
		show(&e);
	ck_assert_msg(has_error(&e, false, refused[_i].part), "%s: no \"%s\"",
	    refused[_i].text, refused[_i].part);
	ck_assert_msg(
	    !has_error(&e, false, "canary") && !has_error(&e, true, "canary"),
	    "shows a credential: %s", refused[_i].text);
	/* one fault, one sentence */
	ck_assert_uint_eq(e.n_fatal, 1);
	done(s, &e);
}
END_TEST

static const struct said warned[] = {
	{ WITH("http_proxy: 'http://p.example:3128'"),
	    "http_proxy: counts for nothing" },
	{ WITH("api_token: refresh_token"), "api_token: is neither" },
	{ WITH("api_proxy: 'https://p.example'"),
	    "api_proxy: counts for nothing without api_proxy_ca_data" },
	{ WITH("api_proxy_ca_data: x"),
	    "api_proxy_ca_data: counts for nothing without api_proxy" },
	{ WITH("disable_rbac: true, api_proxy: 'https://p.example', "
	       "api_proxy_ca_data: " PEM64),
	    "is not asked while disable_rbac" },
	{ WITH("disable_rbac: true"),
	    "disable_rbac: true: the console still gets" },
	{ WITH("insecure_skip_verify_tls: true"),
	    "pretend to be the provider" },
	{ WITH("authorization_endpoint: 'https://l.example/a'"),
	    "authorization_endpoint: is deprecated" },
	{ OVERRIDE("token_endpoint: 'https://t.example:9443/t'"),
	    "discovery_override: counts for nothing" },
	{ OVERRIDE("jwks_uri: 'https://t.example/t'"),
	    "discovery_override: counts for nothing" },
	{ WITH("authorization_endpoint: 'https://l.example/a', "
	       "discovery_override: {" TWO ", jwks_uri: 'https://a.example'}"),
	    "authorization_endpoint: is not used beside" },
	{ WITH("client_secret: 'secret:kiali:oidc-secret'"),
	    "client_secret: is not read" },
	{ WITH("secret_name: canary"), "secret_name: is not read" },
	{ "server: {web_port: 443}\n"
	  "identity: {cert_file: /c.pem, private_key_file: /k.pem}\n" AUTH(
	      ISSUER) DOOR(CLUSTER),
	    "server.web_fqdn: is empty" },
	{ "server: {web_fqdn: a.example}\n" AUTH(ISSUER) DOOR(CLUSTER),
	    "openid without HTTPS" },
	{ AUTH(ISSUER ", disable_rbac: true")
		SERVER DOOR("kubernetes: {jwks_file: /j, issuer: i}"),
	    "jwks_file: is not used with auth.strategy openid" },
	{ "auth: {strategy: header}\n" SERVER DOOR(
	      "trusted_proxies: [10.0.0.0/8], " CLUSTER),
	    "header: every request needs the Authorization header" },
};

START_TEST(warning)
{
	struct conf_errors e = { 0 };
	struct settings *s = good(warned[_i].text, &e);

	if (!has_error(&e, true, warned[_i].part))
		show(&e);
	ck_assert_msg(has_error(&e, true, warned[_i].part), "%s: no \"%s\"",
	    warned[_i].text, warned[_i].part);
	ck_assert(!has_error(&e, true, "canary"));
	done(s, &e);
}
END_TEST

/* What does not count opens no port. */
START_TEST(partial_override_has_no_ports)
{
	struct conf_errors e = { 0 };
	struct settings *s =
	    good(OVERRIDE("token_endpoint: 'https://t.example:9443/t'"), &e);

	expect_ports(&s->openid, "443");
	done(s, &e);
}
END_TEST

/* With another strategy the section may be anything, as in Kiali. */
START_TEST(other_strategies)
{
	struct conf_errors e = { 0 };
	struct settings *s =
	    good("auth: {openid: {issuer_uri: x, api_proxy: y}}\n" SERVER DOOR(
		     CLUSTER),
		&e);

	ck_assert_uint_eq(e.n, 0);
	ck_assert_uint_eq(s->openid.n_ports, 0);
	done(s, &e);
}
END_TEST

START_TEST(slots)
{
	static const struct {
		const char *text;
		bool secret, key;
	} cases[] = {
		{ OURS("ports: []"), false, false },
		{ OURS("token_endpoint_auth_method: none"), false, false },
		{ OURS("token_endpoint_auth_method: client_secret_basic"), true,
		    false },
		{ OURS("token_endpoint_auth_method: client_secret_post"), true,
		    false },
		{ OURS("token_endpoint_auth_method: private_key_jwt"), false,
		    true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf_errors e = { 0 };
		struct settings *s = good(cases[i].text, &e);
		struct slot_spec spec;

		ck_assert(slot_describe(s, SLOT_OIDC_SECRET_NO, &spec));
		ck_assert_str_eq(spec.name, "oidc-secret");
		ck_assert_int_eq(spec.needed, cases[i].secret);
		ck_assert_uint_eq(spec.askers, 1u << ROLE_AUTHD);
		ck_assert(slot_describe(s, SLOT_OIDC_KEY_NO, &spec));
		ck_assert_str_eq(spec.name, "oidc-key");
		ck_assert_int_eq(spec.needed, cases[i].key);
		ck_assert_uint_eq(spec.askers, 0);
		ck_assert_int_eq(spec.content, SLOT_PRIVATE_KEY);
		done(s, &e);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settings_openid");
	TCase *tc = tcase_create("settings_openid");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, the_least);
	tcase_add_test(tc, values);
	tcase_add_test(tc, api_proxy);
	tcase_add_test(tc, long_ca_data);
	tcase_add_loop_test(
	    tc, refusal, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(tc, warning, 0, sizeof(warned) / sizeof(warned[0]));
	tcase_add_test(tc, partial_override_has_no_ports);
	tcase_add_test(tc, other_strategies);
	tcase_add_test(tc, slots);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
