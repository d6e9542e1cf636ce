/* The worker's TLS identity against a toy secretd: contexts, changes, tickets,
 * and what the configuration makes of it. */
#include "frontend/tls.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "common/clock.h"
#include "common/conn.h"
#include "common/err.h"
#include "common/settings.h"
#include "frontend/tls_policy.h"
#include "tests/unit/tls_fixture.h"
#include "tests/unit/toy_signer.h"

#define TICKET_KEY_LEN 80

/* One frontend worker and its secretd. */
struct pair {
	struct chan *frontend, *secretd;
	struct toy_signer signer[8];
	unsigned n_identities;
	const char *chain;
	EVP_PKEY *key;
	const struct tls_fixture *second; /* certificate 1 */
	bool none;
	unsigned n_asked_tickets;
	unsigned char tickets[3 * TICKET_KEY_LEN];
	unsigned n_tickets;
	struct tls *tls;
	_Atomic int64_t until_s;
};

static struct event_base *base;
static struct tls_fixture cert, other;
static struct settings settings;

static int
handle_identity(struct chan *ch, struct chan_in *in)
{
	static unsigned char payload[MSG_CHAIN_MAX + 4];
	struct pair *p = chan_ctx(ch);
	struct wire_writer w;
	int fds[2];

	unsigned number = wire_get_u16(&in->body);

	if (wire_end(&in->body) != 0 || number >= settings.n_certificates)
		return ERR_FORMAT;
	wire_writer_init(&w, payload, sizeof(payload));
	if (p->none) {
		p->none = false;
		wire_put_u8(&w, 1);
		return chan_reply(ch, in->id, MSG_TLS_IDENTITY_NONE, &w, -1);
	}
	ck_assert(p->n_identities < 8);
	ck_assert(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, fds) == 0);
	const char *chain = number == 0 ? p->chain : p->second->chain_pem;
	toy_signer_attach(&p->signer[p->n_identities++], base,
	    number == 0 ? p->key : p->second->key, fds[1]);
	wire_put_bytes(&w, chain, strlen(chain));
	int r = chan_reply(ch, in->id, MSG_TLS_IDENTITY_RESULT, &w, fds[0]);
	close(fds[0]);
	return r;
}

static int
handle_tickets(struct chan *ch, struct chan_in *in)
{
	unsigned char payload[5 + 3 * TICKET_KEY_LEN];
	struct pair *p = chan_ctx(ch);
	struct wire_writer w;

	p->n_asked_tickets++;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u32(&w, 1);
	wire_put_u8(&w, (uint8_t)p->n_tickets);
	wire_put_raw(&w, p->tickets, p->n_tickets * TICKET_KEY_LEN);
	return chan_reply(ch, in->id, MSG_TICKET_KEYS_RESULT, &w, -1);
}

static const struct chan_handler handlers[] = {
	{ MSG_TLS_IDENTITY, CHAN_READY, handle_identity },
	{ MSG_TICKET_KEYS, CHAN_READY, handle_tickets },
};
static const struct chan_peer secretd_side = { .self = ROLE_SECRETD,
	.peer = ROLE_FRONTEND,
	.handlers = handlers,
	.n_handlers = 2 };
static const struct chan_peer frontend_side = { .self = ROLE_FRONTEND,
	.peer = ROLE_SECRETD };

static void
spin(int rounds)
{
	for (int i = 0; i < rounds; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
pair_start(struct pair *p, const struct tls_fixture *f)
{
	int fds[2];
	ck_assert(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, fds) == 0);
	p->chain = f->chain_pem;
	p->key = f->key;
	p->secretd = chan_accepted(base, fds[0], &secretd_side, p);
	p->frontend = chan_accepted(base, fds[1], &frontend_side, NULL);
	p->tls = tls_new(base, &settings, p->frontend, &p->until_s);
	ck_assert_ptr_null(tls_ctx(p->tls));
	spin(20);
}

static void
pair_stop(struct pair *p)
{
	tls_free(p->tls);
	chan_free(p->frontend);
	chan_free(p->secretd);
	for (unsigned i = 0; i < p->n_identities; i++)
		toy_signer_die(&p->signer[i]);
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	tls_fixture_make(&cert, "P-256");
	tls_fixture_make(&other, "RSA-2048");
	memset(&settings, 0, sizeof(settings));
	settings.tls_min = TLS_VERSION_1_3;
	settings.n_certificates = 1;
}

static void
teardown(void)
{
	tls_fixture_drop(&cert);
	tls_fixture_drop(&other);
	event_base_free(base);
}

/* --- one connection --- */

struct link {
	struct conn *conn;
	SSL *ssl;
	int fd;
	bool up, over, done;
	SSL_SESSION *session;
};

static void
on_connected(struct conn *c, void *arg)
{
	(void)c;
	((struct link *)arg)->up = true;
}

static void
on_nothing(struct conn *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void
on_failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)c;
	(void)why;
	((struct link *)arg)->over = true;
}

static const struct conn_ops ops = { on_connected, on_nothing, NULL, on_nothing,
	on_failed };

static const char *server_name; /* to send, NULL: none */

/* Handshakes with the server's context, and reads the tickets. */
static void
link_up_in(struct link *l, SSL_CTX *server, SSL_CTX *ctx, SSL_SESSION *resume,
    const char *alpn)
{
	int fds[2];
	char got[8];
	ck_assert(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	*l = (struct link){ .fd = fds[0] };
	l->ssl = SSL_new(ctx);
	SSL_set_fd(l->ssl, fds[0]);
	SSL_set_connect_state(l->ssl);
	SSL_set_verify(l->ssl, SSL_VERIFY_PEER, NULL);
	if (server_name != NULL) {
		char name[64];
		snprintf(name, sizeof(name), "%s", server_name);
		ck_assert(SSL_set_tlsext_host_name(l->ssl, name) == 1);
	}
	if (alpn != NULL)
		SSL_set_alpn_protos(l->ssl, (const unsigned char *)alpn,
		    (unsigned)strlen(alpn));
	if (resume != NULL)
		SSL_set_session(l->ssl, resume);
	l->conn = conn_accepted(base, fds[1], &ops, l);
	conn_tls_server(l->conn, server, 2000);
	int64_t end = clock_mono_ms() + 1000;
	while (!l->over && !(l->up && l->done) && clock_mono_ms() < end) {
		ERR_clear_error();
		l->done |= SSL_do_handshake(l->ssl) == 1;
		spin(1);
	}
	spin(5);
	if (!l->done)
		return;
	(void)SSL_read(l->ssl, got, sizeof(got));
	l->session = SSL_get1_session(l->ssl);
}

static void
link_up(struct link *l, struct pair *p, SSL_CTX *ctx, SSL_SESSION *resume,
    const char *alpn)
{
	link_up_in(l, tls_ctx(p->tls), ctx, resume, alpn);
}

static void
link_down(struct link *l)
{
	/* Without this libssl marks the session as not to be resumed. */
	SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_SESSION_free(l->session);
	SSL_free(l->ssl);
	close(l->fd);
	conn_free(l->conn);
}

START_TEST(test_identity)
{
	struct pair p = { .none = true };
	struct link l;
	struct tls_status s;
	pair_start(&p, &cert);
	/* The first answer was that the signer is away. */
	int64_t end = clock_mono_ms() + 2000;
	while (tls_ctx(p.tls) == NULL && clock_mono_ms() < end)
		spin(1);
	tls_status(p.tls, &s);
	ck_assert(s.identities == 1 && s.signers == 1);
	ck_assert_int_gt(p.until_s, clock_unix_s());
	SSL_CTX *ctx = tls_fixture_client(&cert, TLS1_3_VERSION);
	link_up(&l, &p, ctx, NULL, "\x02h2\x08http/1.1");
	ck_assert(l.up && l.done);
	const unsigned char *chosen;
	unsigned len;
	SSL_get0_alpn_selected(l.ssl, &chosen, &len);
	ck_assert(len == 8 && memcmp(chosen, "http/1.1", 8) == 0);
	link_down(&l);
	link_up(&l, &p, ctx, NULL, "\x02h2");
	ck_assert(!l.up && l.over);
	link_down(&l);
	SSL_CTX_free(ctx);
	/* TLS 1.2 only when the configuration says so. */
	ctx = tls_fixture_client(&cert, TLS1_2_VERSION);
	link_up(&l, &p, ctx, NULL, NULL);
	ck_assert(!l.up && l.over);
	link_down(&l);
	SSL_CTX_free(ctx);
	pair_stop(&p);
}
END_TEST

START_TEST(test_without_identity)
{
	struct pair p = { .none = true };
	struct link l;
	pair_start(&p, &cert);
	ck_assert_ptr_null(tls_ctx(p.tls));
	SSL_CTX *ctx = tls_fixture_client(&cert, TLS1_3_VERSION);
	link_up(&l, &p, ctx, NULL, NULL);
	ck_assert(l.over && !l.up);
	link_down(&l);
	SSL_CTX_free(ctx);
	pair_stop(&p);
}
END_TEST

/* The signer goes; secretd has another certificate by then. What is connected
 * stays connected. */
START_TEST(test_rotation)
{
	struct pair p = { .none = false };
	struct link before, after;
	pair_start(&p, &cert);
	SSL_CTX *old = tls_fixture_client(&cert, TLS1_3_VERSION);
	SSL_CTX *new = tls_fixture_client(&other, TLS1_3_VERSION);
	link_up(&before, &p, old, NULL, NULL);
	ck_assert(before.up);
	p.chain = other.chain_pem;
	p.key = other.key;
	toy_signer_die(&p.signer[0]);
	int64_t end = clock_mono_ms() + 2000;
	while (p.n_identities < 2 && clock_mono_ms() < end)
		spin(1);
	spin(20);
	link_up(&after, &p, new, NULL, NULL);
	ck_assert(after.up && after.done);
	ck_assert_uint_eq(p.signer[1].asked, 1);
	ck_assert(!before.over);
	ck_assert(SSL_write(before.ssl, "x", 1) == 1);
	link_down(&before);
	link_down(&after);
	SSL_CTX_free(old);
	SSL_CTX_free(new);
	pair_stop(&p);
}
END_TEST

/* secretd pushes that there is another: a connection that was accepted before
 * and says hello after gets the new one. */
START_TEST(test_pushed_change)
{
	struct pair p = { .none = false };
	struct link l;
	pair_start(&p, &cert);
	SSL_CTX *before = tls_ctx(p.tls);
	SSL_CTX_up_ref(before);
	p.chain = other.chain_pem;
	p.key = other.key;
	tls_changed(p.tls, 1); /* there is none */
	spin(10);
	ck_assert_uint_eq(p.n_identities, 1);
	tls_changed(p.tls, 0);
	spin(20);
	ck_assert_uint_eq(p.n_identities, 2);
	ck_assert_ptr_ne(tls_ctx(p.tls), before);
	SSL_CTX *client = tls_fixture_client(&other, TLS1_3_VERSION);
	link_up_in(&l, before, client, NULL, NULL);
	ck_assert(l.up && l.done);
	ck_assert_uint_eq(p.signer[1].asked, 1);
	link_down(&l);
	SSL_CTX_free(before);
	SSL_CTX_free(client);
	pair_stop(&p);
}
END_TEST

static const struct {
	const char *host; /* NULL: none is sent */
	int which;
} hosts[] = {
	{ "localhost", 0 },
	{ NULL, 0 },
	{ "elsewhere.test", 0 },
	{ "example.org", 1 },
	{ "EXAMPLE.org", 1 },
	{ "a.example.org", 1 },
	{ "A.Example.Org", 1 },
	{ "a.b.example.org", 0 },
	{ "special.example.org", 0 }, /* exactly beats a wildcard */
	{ "notexample.org", 0 },
};

/* Two certificates, of keys of two kinds. */
START_TEST(test_server_name)
{
	struct tls_fixture first, second;
	struct pair p = { .second = &second, .n_tickets = 1 };
	struct link l;
	settings.n_certificates = 2;
	settings.tls_min = TLS_VERSION_1_2;
	tls_fixture_make_for(
	    &first, "P-256", "DNS:localhost,DNS:special.example.org");
	tls_fixture_make_for(
	    &second, "RSA-2048", "DNS:Example.org,DNS:*.EXAMPLE.org");
	pair_start(&p, &first);
	const struct tls_fixture *expected =
	    hosts[_i].which == 0 ? &first : &second;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		SSL_CTX *client = tls_fixture_client(expected, version);
		server_name = hosts[_i].host;
		link_up(&l, &p, client, NULL, NULL);
		server_name = NULL;
		ck_assert_msg(l.up && l.done, "%s", hosts[_i].host);
		X509 *got = SSL_get1_peer_certificate(l.ssl);
		ck_assert_int_eq(X509_cmp(got, expected->cert), 0);
		X509_free(got);
		/* One set of ticket keys for all of them. */
		SSL_SESSION *session = SSL_SESSION_dup(l.session);
		link_down(&l);
		server_name = hosts[_i].host;
		link_up(&l, &p, client, session, NULL);
		server_name = NULL;
		ck_assert(l.done && SSL_session_reused(l.ssl));
		SSL_SESSION_free(session);
		link_down(&l);
		SSL_CTX_free(client);
	}
	pair_stop(&p);
	tls_fixture_drop(&first);
	tls_fixture_drop(&second);
}
END_TEST

/* The old context stays, so that resumptions still work. */
START_TEST(test_bad_identity_changes_nothing)
{
	static const char *const bad[] = { "x",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
		"\n" };
	struct pair p = { .none = false };
	struct tls_fixture weak = { .key = NULL };
	pair_start(&p, &cert);
	SSL_CTX *ctx = tls_ctx(p.tls);
	ck_assert_ptr_nonnull(ctx);
	if (_i == 2)
		tls_fixture_make(&weak, "P-521");
	p.chain = _i == 2 ? weak.chain_pem : bad[_i];
	toy_signer_die(&p.signer[0]);
	int64_t end = clock_mono_ms() + 2000;
	while (p.n_identities < 2 && clock_mono_ms() < end)
		spin(1);
	spin(20);
	ck_assert_ptr_eq(tls_ctx(p.tls), ctx);
	/* It is asked again, and the good one is taken. */
	p.chain = cert.chain_pem;
	while (tls_ctx(p.tls) == ctx && clock_mono_ms() < end)
		spin(1);
	ck_assert_ptr_ne(tls_ctx(p.tls), ctx);
	pair_stop(&p);
	if (_i == 2)
		tls_fixture_drop(&weak);
}
END_TEST

static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };

/* Two workers, one set of ticket keys. */
START_TEST(test_resumption)
{
	struct pair a = { .n_tickets = 2 }, b = { .n_tickets = 2 };
	struct link first, second;
	settings.tls_min = TLS_VERSION_1_2;
	memset(a.tickets, 1, TICKET_KEY_LEN);
	memset(a.tickets + TICKET_KEY_LEN, 2, TICKET_KEY_LEN);
	/* b: the same keys; newer ones and a's newest; others. */
	static const unsigned char newest[][2] = { { 1, 2 }, { 3, 1 },
		{ 4, 5 } };
	static const bool resumes[] = { true, true, false };
	memset(b.tickets, newest[_i % 3][0], TICKET_KEY_LEN);
	memset(b.tickets + TICKET_KEY_LEN, newest[_i % 3][1], TICKET_KEY_LEN);
	pair_start(&a, &cert);
	pair_start(&b, &cert);
	SSL_CTX *ctx = tls_fixture_client(&cert, versions[_i / 3]);
	link_up(&first, &a, ctx, NULL, NULL);
	ck_assert(first.up && first.done);
	ck_assert(SSL_SESSION_is_resumable(first.session));
	ck_assert_uint_eq(a.signer[0].asked, 1);
	SSL_SESSION *session = SSL_SESSION_dup(first.session);
	link_down(&first);
	link_up(&second, &b, ctx, session, NULL);
	ck_assert(second.up && second.done);
	ck_assert_int_eq(SSL_session_reused(second.ssl), resumes[_i % 3]);
	ck_assert_uint_eq(b.signer[0].asked, resumes[_i % 3] ? 0 : 1);
	SSL_SESSION_free(session);
	link_down(&second);
	SSL_CTX_free(ctx);
	pair_stop(&a);
	pair_stop(&b);
}
END_TEST

START_TEST(test_ticket_keys_are_asked_again)
{
	struct pair p = { .n_tickets = 1 };
	struct tls_status s;
	pair_start(&p, &cert);
	p.n_tickets = 3;
	int64_t end = clock_mono_ms() + 3000;
	while (p.n_asked_tickets < 2 && clock_mono_ms() < end)
		spin(1);
	spin(10);
	ck_assert_uint_eq(p.n_asked_tickets, 2);
	tls_status(p.tls, &s);
	ck_assert_uint_eq(s.ticket_keys, 3);
	pair_stop(&p);
}
END_TEST

/* --- the policy --- */

#define DEFAULT13                                        \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define DEFAULT_GROUPS "X25519:P-256:P-384"

static const struct {
	const char *suites[4], *groups[4];
	int min, max, err;
	const char *suites13, *suites12, *group_list; /* NULL: any */
} policies[] = {
	{ { NULL }, { NULL }, TLS_VERSION_UNSET, TLS_VERSION_UNSET, 0,
	    DEFAULT13, NULL, DEFAULT_GROUPS },
	{ { "TLS_AES_256_GCM_SHA384" }, { "x25519", "secp384r1" },
	    TLS_VERSION_1_3, TLS_VERSION_UNSET, 0, "TLS_AES_256_GCM_SHA384",
	    NULL, "X25519:P-384" },
	{ { "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	      "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA" },
	    { NULL }, TLS_VERSION_1_2, TLS_VERSION_UNSET, 0, DEFAULT13,
	    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
	    DEFAULT_GROUPS },
	{ { "RC4-SHA", "nonsense" }, { NULL }, TLS_VERSION_1_2,
	    TLS_VERSION_UNSET, ERR_CONFIG, NULL, NULL, NULL },
	{ { NULL }, { "secp521r1" }, TLS_VERSION_1_3, TLS_VERSION_UNSET, 0,
	    DEFAULT13, NULL, "P-521" },
	{ { NULL }, { "secp521r1", "P-256" }, TLS_VERSION_1_2,
	    TLS_VERSION_UNSET, 0, DEFAULT13, NULL, "P-256" },
	{ { NULL }, { "ffdhe2048" }, TLS_VERSION_1_2, TLS_VERSION_UNSET,
	    ERR_CONFIG, NULL, NULL, NULL },
	{ { NULL }, { NULL }, TLS_VERSION_1_3, TLS_VERSION_1_2, ERR_CONFIG,
	    NULL, NULL, NULL },
	{ { NULL }, { NULL }, TLS_VERSION_1_2, TLS_VERSION_1_2, 0, NULL, NULL,
	    DEFAULT_GROUPS },
};

static void
fill(struct conf_list *l, const char *const names[4])
{
	for (int i = 0; i < 4 && names[i] != NULL; i++)
		conf_list_add(l, names[i]);
}

START_TEST(test_policy)
{
	struct tls_policy p;
	settings.tls_min = policies[_i].min;
	settings.tls_max = policies[_i].max;
	fill(&settings.cipher_suites, policies[_i].suites);
	fill(&settings.groups, policies[_i].groups);
	ck_assert_int_eq(tls_policy_read(&p, &settings), policies[_i].err);
	if (policies[_i].err == 0) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
		if (policies[_i].suites13 != NULL)
			ck_assert_str_eq(p.suites13, policies[_i].suites13);
		if (policies[_i].suites12 != NULL)
			ck_assert_str_eq(p.suites12, policies[_i].suites12);
		ck_assert_str_eq(p.groups, policies[_i].group_list);
		ck_assert_int_eq(tls_policy_apply(&p, ctx, cert.key), 0);
		ck_assert_int_eq(tls_policy_apply(&p, ctx, other.key), 0);
		SSL_CTX_free(ctx);
	}
	conf_list_done(&settings.cipher_suites);
	conf_list_done(&settings.groups);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tls");
	TCase *t = tcase_create("tls");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_identity);
	tcase_add_test(t, test_without_identity);
	tcase_add_test(t, test_rotation);
	tcase_add_test(t, test_pushed_change);
	tcase_add_loop_test(
	    t, test_server_name, 0, (int)(sizeof(hosts) / sizeof(hosts[0])));
	tcase_add_loop_test(t, test_bad_identity_changes_nothing, 0, 3);
	tcase_add_loop_test(t, test_resumption, 0, 6);
	tcase_add_test(t, test_ticket_keys_are_asked_again);
	tcase_add_loop_test(
	    t, test_policy, 0, (int)(sizeof(policies) / sizeof(policies[0])));
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
