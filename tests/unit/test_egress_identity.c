/* An upstream that wants a client certificate, whose key a toy signer has. */
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "common/conn.h"
#include "common/err.h"
#include "common/resolve.h"
#include "common/tls_key.h"
#include "common/url.h"
#include "egress/upstream.h"
#include "tests/unit/tls_fixture.h"
#include "tests/unit/toy_signer.h"

#define SERVICE 2
#define SIGNERS_MAX 4

static struct event_base *base;
static struct tls_fixture server_cert, client_cert, next_cert;
static const struct tls_fixture *identity; /* what secretd hands out */
static struct toy_signer signers[SIGNERS_MAX];
static size_t n_signers;
static struct chan *egress, *secretd;
static struct resolve *resolve;
static struct upstream *upstream;
static struct url url;
static SSL_CTX *server_ctx;
static struct event *accepting;
static int listener;

/* --- secretd --- */

static int
handle_identity(struct chan *ch, struct chan_in *in)
{
	static unsigned char payload[MSG_CHAIN_MAX + 2];
	struct wire_writer w;
	int fds[2], r;

	ck_assert_uint_eq(wire_get_u16(&in->body), SERVICE);
	ck_assert_int_eq(wire_end(&in->body), 0);
	ck_assert_uint_lt(n_signers, SIGNERS_MAX);
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	signers[n_signers] = (struct toy_signer){ .for_egress = true };
	toy_signer_attach(&signers[n_signers++], base, identity->key, fds[1]);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_bytes(&w, identity->chain_pem, strlen(identity->chain_pem));
	r = chan_reply(ch, in->id, MSG_TLS_IDENTITY_RESULT, &w, fds[0]);
	close(fds[0]);
	return r;
}

static const struct chan_handler handlers[] = {
	{ MSG_TLS_IDENTITY, CHAN_READY, handle_identity },
};
static const struct chan_peer secretd_side = { .self = ROLE_SECRETD,
	.peer = ROLE_EGRESS,
	.handlers = handlers,
	.n_handlers = 1 };
static const struct chan_peer egress_side = { .self = ROLE_EGRESS,
	.peer = ROLE_SECRETD };

/* --- the server --- */

static struct {
	struct conn *c;
	bool connected, over;
} server;

static void
on_connected(struct conn *c, void *arg)
{
	(void)c;
	(void)arg;
	server.connected = true;
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
	(void)arg;
	server.over = true;
}

static const struct conn_ops ops = { on_connected, on_nothing, NULL, on_nothing,
	on_failed };

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	conn_free(server.c);
	server.connected = server.over = false;
	server.c = conn_accepted(
	    base, accept4((int)fd, NULL, NULL, SOCK_NONBLOCK), &ops, NULL);
	conn_tls_server(server.c, server_ctx, 3000);
}

/* Speaks one version, and to nobody but the owner of that certificate. */
static void
serve(int version, const struct tls_fixture *trusted)
{
	SSL_CTX_free(server_ctx);
	server_ctx = tls_fixture_server(&server_cert, version);
	SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_OFF);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(server_ctx), trusted->cert);
	SSL_CTX_set_verify(server_ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* --- the upstream --- */

static bool ready, answered;
static int answer;
static struct conn *got;

static void
on_ready(void *arg)
{
	(void)arg;
	ready = true;
}

static void
on_answer(int err, struct conn *c, void *arg)
{
	(void)arg;
	answered = true;
	answer = err;
	got = c;
}

/* Connects; true when the server has accepted the certificate. */
static bool
connects(void)
{
	answered = false;
	got = NULL;
	server.connected = server.over = false;
	(void)upstream_connect(upstream, on_answer, NULL);
	ck_assert(tls_fixture_run(base, &answered, 5000));
	if (answer != 0)
		return false;
	/* A client has finished before the server has looked. */
	bool *end = &server.connected;
	for (int i = 0; i < 100 && !server.connected && !server.over; i++)
		(void)tls_fixture_run(base, end, 50);
	return server.connected;
}

static void
load(const struct tls_fixture *f)
{
	identity = f;
	ready = false;
	upstream_ask_identity(upstream, egress);
	ck_assert(tls_fixture_run(base, &ready, 5000));
	ck_assert(!upstream_lacks_identity(upstream));
}

static void
setup(void)
{
	static char host[] = "127.0.0.1";
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	X509_STORE *store = X509_STORE_new();
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	tls_fixture_make(&server_cert, "P-256");
	tls_fixture_make(&client_cert, "P-256");
	tls_fixture_make(&next_cert, "RSA-2048");
	n_signers = 0;
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	secretd = chan_accepted(base, fds[0], &secretd_side, NULL);
	egress = chan_accepted(base, fds[1], &egress_side, NULL);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	accepting =
	    event_new(base, listener, EV_READ | EV_PERSIST, on_accept, NULL);
	event_add(accepting, NULL);
	url = (struct url){
		.tls = true, .host = host, .port = ntohs(at.sin_port)
	};
	resolve = resolve_new(base);
	upstream = upstream_new(base, resolve,
	    &(struct upstream_spec){
		.name = "tracing", .at = &url, .ca_key = "ca_file" });
	X509_STORE_add_cert(store, server_cert.cert);
	upstream_trust(upstream, store);
	X509_STORE_free(store);
	upstream_set_identity(upstream, SERVICE, on_ready, NULL);
}

/* The upstream lives as long as the process. */
static void
teardown(void)
{
	conn_free(server.c);
	server.c = NULL;
	for (size_t i = 0; i < n_signers; i++)
		toy_signer_die(&signers[i]);
	chan_free(secretd);
	event_free(accepting);
	close(listener);
	SSL_CTX_free(server_ctx);
	server_ctx = NULL;
}

START_TEST(presents_its_certificate)
{
	serve(TLS1_3_VERSION, &client_cert);
	load(&client_cert);
	ck_assert(connects());
	ck_assert_uint_eq(signers[0].asked, 1);
	ck_assert_ptr_nonnull(memmem(signers[0].last, signers[0].last_len,
	    "TLS 1.3, client CertificateVerify", 34));
	conn_free(got);
}
END_TEST

START_TEST(nothing_goes_without)
{
	serve(TLS1_3_VERSION, &client_cert);
	ck_assert(upstream_lacks_identity(upstream));
	ck_assert(!connects());
	ck_assert_int_eq(answer, ERR_UNAVAILABLE);
	ck_assert_ptr_null(server.c);
	load(&client_cert);
	ck_assert(connects());
	conn_free(got);
}
END_TEST

START_TEST(another_certificate_drops_idle_connections)
{
	serve(TLS1_3_VERSION, &client_cert);
	load(&client_cert);
	ck_assert(connects());
	upstream_put(upstream, got);
	ck_assert_uint_eq(upstream_idle_count(upstream), 1);
	load(&next_cert);
	ck_assert_uint_eq(upstream_idle_count(upstream), 0);
	serve(TLS1_3_VERSION, &next_cert);
	ck_assert(connects());
	ck_assert_uint_eq(signers[1].asked, 1);
	conn_free(got);
}
END_TEST

START_TEST(no_older_version)
{
	serve(TLS1_2_VERSION, &client_cert);
	load(&client_cert);
	ck_assert(!connects());
	ck_assert_int_eq(answer, ERR_UNAVAILABLE);
	ck_assert_uint_eq(signers[0].asked, 0);
}
END_TEST

/* The signer goes while it is asked: the next one answers. */
START_TEST(a_lost_signer_is_followed_by_another)
{
	bool never = false;

	serve(TLS1_3_VERSION, &client_cert);
	load(&client_cert);
	signers[0].mute = true;
	answered = server.connected = false;
	(void)upstream_connect(upstream, on_answer, NULL);
	for (int i = 0; i < 100 && signers[0].asked == 0; i++)
		(void)tls_fixture_run(base, &never, 20);
	ck_assert_uint_eq(tls_key_jobs(), 1);
	toy_signer_die(&signers[0]);
	ck_assert(tls_fixture_run(base, &answered, 5000));
	ck_assert_int_eq(answer, 0);
	ck_assert_uint_eq(signers[1].asked, 1);
	ck_assert_uint_eq(tls_key_jobs(), 0);
	conn_free(got);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("egress_identity");
	TCase *t = tcase_create("identity");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, presents_its_certificate);
	tcase_add_test(t, nothing_goes_without);
	tcase_add_test(t, another_certificate_drops_idle_connections);
	tcase_add_test(t, no_older_version);
	tcase_add_test(t, a_lost_signer_is_followed_by_another);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
