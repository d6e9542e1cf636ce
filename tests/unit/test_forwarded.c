/* Who the client is, behind proxies that are trusted and others. */
#include <arpa/inet.h>

#include "frontend/forwarded.h"
#include "frontend/limits.h"
#include "frontend/listener.h"
#include "tests/unit/frontend_fixture.h"

static const struct sockaddr *
peer_at(struct sockaddr_storage *at, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;

	memset(at, 0, sizeof(*at));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(4444);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(4444);
	}
	return (struct sockaddr *)at;
}

/* clang-format off */
static const struct {
	const char *name, *peer;
	bool tls;
	const char *fields;
	const char *client;
	uint16_t client_port;
	bool is_tls;
	const char *host;
	uint16_t port;
} cases[] = {
	{ "direct, plain", "192.0.2.1", false, "Host: k.example\r\n", "192.0.2.1", 4444, false, "k.example", 80 },
	{ "direct, TLS", "192.0.2.1", true, "Host: k.example\r\n", "192.0.2.1", 4444, true, "k.example", 443 },
	{ "port in Host", "192.0.2.1", true, "Host: k.example:8443\r\n", "192.0.2.1", 4444, true, "k.example:8443", 8443 },
	{ "untrusted peer is not believed", "192.0.2.1", false,
	  "Host: k.example\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1\r\n",
	  "192.0.2.1", 4444, false, "k.example", 80 },
	{ "trusted peer", "10.0.0.1", false,
	  "Host: inner\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: k.example\r\n",
	  "198.51.100.7", 0, true, "k.example", 443 },
	{ "last untrusted hop, not the first", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.0.0.2\r\n", "198.51.100.7", 0, false, "h", 80 },
	{ "several fields are one list", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7", 0, false, "h", 80 },
	{ "all hops trusted: the outermost", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3", 0, false, "h", 80 },
	{ "garbage stops the walk", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-For: 198.51.100.7, unknown\r\n", "10.0.0.1", 4444, false, "h", 80 },
	{ "IPv6 hop with port", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-For: [2001:db8::1]:555\r\n", "2001:db8::1", 0, false, "h", 80 },
	{ "IPv4 hop with port", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-For: 198.51.100.7:555\r\n", "198.51.100.7", 0, false, "h", 80 },
	{ "two protos are none", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", "10.0.0.1", 4444, false, "h", 80 },
	{ "list of protos is not https", "10.0.0.1", true,
	  "Host: h\r\nX-Forwarded-Proto: https,http\r\n", "10.0.0.1", 4444, false, "h", 80 },
	{ "port from the proxy", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-Port: 8443\r\n", "10.0.0.1", 4444, false, "h", 8443 },
	{ "impossible port", "10.0.0.1", false,
	  "Host: h\r\nX-Forwarded-Port: 65536\r\n", "10.0.0.1", 4444, false, "h", 80 },
	{ "mapped IPv4", "::ffff:192.0.2.1", false, "Host: h\r\n", "192.0.2.1", 4444, false, "h", 80 },
};
/* clang-format on */

START_TEST(origin)
{
	struct settings *s =
	    fixture_anonymous("/", "  trusted_proxies: [10.0.0.0/8]\n");
	struct sockaddr_storage at;
	struct http_request q;
	struct origin o;
	char head[2048];

	fixture_request(&q, head, sizeof(head), "/", cases[_i].fields);
	forwarded_read(&o, s, peer_at(&at, cases[_i].peer), cases[_i].tls, &q);
	ck_assert_msg(strcmp(o.client, cases[_i].client) == 0 &&
		o.client_port == cases[_i].client_port &&
		o.tls == cases[_i].is_tls && slice_is(o.host, cases[_i].host) &&
		o.port == cases[_i].port,
	    "%s: client=%s:%u tls=%d host=%.*s port=%u", cases[_i].name,
	    o.client, (unsigned)o.client_port, o.tls, SLICE_ARG(o.host),
	    (unsigned)o.port);
	settings_free(s);
}
END_TEST

START_TEST(hosts)
{
	struct settings *s =
	    fixture_anonymous("/", "  hosts: [k.example, \"2001:db8::1\"]\n");
	static const struct {
		const char *host;
		bool known;
	} table[] = {
		{ "k.example", true },
		{ "K.Example:8443", true },
		{ "[2001:db8::1]:443", true },
		{ "other.example", false },
		{ "k.example.evil", false },
		{ "", false },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		ck_assert_msg(forwarded_host_known(
				  s, slice_of(table[i].host)) == table[i].known,
		    "%s", table[i].host);
	settings_free(s);
	s = fixture_anonymous("/", "");
	ck_assert(forwarded_host_known(s, SLICE("anything")));
	settings_free(s);
}
END_TEST

START_TEST(plain_allowed)
{
	struct settings *s =
	    fixture_anonymous("/", "  trusted_proxies: [10.0.0.0/8]\n");
	static const struct {
		const char *peer;
		bool allowed;
	} table[] = {
		{ "127.0.0.1", true },
		{ "127.9.9.9", true },
		{ "::1", true },
		{ "::ffff:127.0.0.1", true },
		{ "10.1.2.3", true },
		{ "192.0.2.1", false },
		{ "2001:db8::1", false },
		{ "::ffff:192.0.2.1", false },
	};
	struct sockaddr_storage at;

	for (size_t i = 0; i < COUNT(table); i++)
		ck_assert_msg(
		    listener_plain_allowed(s, peer_at(&at, table[i].peer)) ==
			table[i].allowed,
		    "%s", table[i].peer);
	settings_free(s);
}
END_TEST

START_TEST(limits_per_address)
{
	struct limits *l = limits_new(2);
	struct sockaddr_storage at;
	struct limits_slot *one, *two;

	one = limits_enter(l, peer_at(&at, "2001:db8:0:1::1"));
	two = limits_enter(l, peer_at(&at, "2001:db8:0:1::ffff"));
	ck_assert_ptr_nonnull(one);
	ck_assert_ptr_eq(one, two); /* the same /64 */
	ck_assert_ptr_null(limits_enter(l, peer_at(&at, "2001:db8:0:1::2")));
	ck_assert_ptr_nonnull(limits_enter(l, peer_at(&at, "2001:db8:0:2::1")));
	ck_assert_ptr_nonnull(limits_enter(l, peer_at(&at, "192.0.2.1")));
	ck_assert_ptr_nonnull(limits_enter(l, peer_at(&at, "192.0.2.2")));
	limits_leave(l, one);
	ck_assert_ptr_nonnull(limits_enter(l, peer_at(&at, "2001:db8:0:1::3")));
	limits_free(l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("forwarded");
	TCase *tc = tcase_create("forwarded");

	tcase_add_loop_test(tc, origin, 0, (int)COUNT(cases));
	tcase_add_test(tc, hosts);
	tcase_add_test(tc, plain_allowed);
	tcase_add_test(tc, limits_per_address);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
