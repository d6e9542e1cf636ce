/* Handshakes whose signature another party makes: the provider, the async
 * jobs, and that nothing is left behind when a handshake is cut off. */
#include "common/tls_key.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "common/clock.h"
#include "common/conn.h"
#include "tests/unit/tls_fixture.h"
#include "tests/unit/toy_signer.h"

static struct event_base *base;
static struct tls_fixture cert;
static struct toy_signer signer;
static struct tls_key *key;
static SSL_CTX *server_ctx, *client_ctx;
static bool lost;

/* The server end of one connection. */
struct end {
	struct conn *c;
	bool connected, over;
	char error[160];
};

static void
on_connected(struct conn *c, void *arg)
{
	(void)c;
	((struct end *)arg)->connected = true;
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
	struct end *e = arg;
	(void)why;
	e->over = true;
	snprintf(e->error, sizeof(e->error), "%s", conn_tls_error(c));
}

static const struct conn_ops ops = { on_connected, on_nothing, NULL, on_nothing,
	on_failed };

static void
on_lost(void *arg)
{
	(void)arg;
	lost = true;
}

static void
make_server(const char *kind, int version)
{
	int fds[2];

	signer = (struct toy_signer){ .key = NULL };
	lost = false;
	tls_fixture_make(&cert, kind);
	ck_assert(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, fds) == 0);
	toy_signer_attach(&signer, base, cert.key, fds[1]);
	key = tls_key_new(base, ROLE_FRONTEND, X509_get0_pubkey(cert.cert),
	    fds[0], on_lost, NULL);
	server_ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(server_ctx, version);
	SSL_CTX_set_max_proto_version(server_ctx, version);
	char schemes[32];
	snprintf(schemes, sizeof(schemes), "%s",
	    kind[0] == 'R'		     ? "rsa_pss_rsae_sha256"
		: strcmp(kind, "P-256") == 0 ? "ECDSA+SHA256"
					     : "ECDSA+SHA384");
	SSL_CTX_set1_sigalgs_list(server_ctx, schemes);
	ck_assert(SSL_CTX_use_certificate(server_ctx, cert.cert) == 1);
	EVP_PKEY *pkey = tls_key_pkey(key);
	ck_assert_ptr_nonnull(pkey);
	ck_assert(SSL_CTX_use_PrivateKey(server_ctx, pkey) == 1);
	ck_assert(SSL_CTX_check_private_key(server_ctx) == 1);
	EVP_PKEY_free(pkey);
	client_ctx = tls_fixture_client(&cert, version);
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	tls_key_setup();
}

static void
teardown(void)
{
	ck_assert_uint_eq(tls_key_jobs(), 0);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	tls_key_drop(key);
	toy_signer_die(&signer);
	tls_fixture_drop(&cert);
	event_base_free(base);
	tls_key_done();
}

/* A client's SSL by hand over one end of a pair, the server's conn on the
 * other. */
struct client {
	SSL *ssl;
	int fd;
	bool done, failed;
};

static void
client_start(struct client *c, struct end *e)
{
	int fds[2];
	ck_assert(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	*c = (struct client){ .fd = fds[0] };
	c->ssl = SSL_new(client_ctx);
	SSL_set_fd(c->ssl, fds[0]);
	SSL_set_connect_state(c->ssl);
	SSL_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	*e = (struct end){ .c = NULL };
	e->c = conn_accepted(base, fds[1], &ops, e);
	conn_tls_server(e->c, server_ctx, 3000);
}

static void
client_step(struct client *c)
{
	if (c->done || c->failed)
		return;
	ERR_clear_error();
	int r = SSL_do_handshake(c->ssl);
	int error = SSL_get_error(c->ssl, r);
	c->done = r == 1;
	c->failed = r != 1 && error != SSL_ERROR_WANT_READ;
}

static void
client_stop(struct client *c, struct end *e)
{
	SSL_free(c->ssl);
	close(c->fd);
	conn_free(e->c);
}

static void
spin(struct client *c, const bool *flag, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (!*flag && clock_mono_ms() < end) {
		client_step(c);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

static const struct {
	const char *kind;
	int version;
	unsigned scheme;
} kinds[] = {
	{ "P-256", TLS1_3_VERSION, 0x0403 },
	{ "P-384", TLS1_3_VERSION, 0x0503 },
	{ "RSA-2048", TLS1_3_VERSION, 0x0804 },
	{ "P-256", TLS1_2_VERSION, 0x0403 },
	{ "P-384", TLS1_2_VERSION, 0x0503 },
	{ "RSA-2048", TLS1_2_VERSION, 0x0804 },
};
#define N_KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

START_TEST(test_handshake)
{
	struct client c;
	struct end e;
	make_server(kinds[_i].kind, kinds[_i].version);
	client_start(&c, &e);
	spin(&c, &e.connected, 3000);
	spin(&c, &c.done, 3000);
	ck_assert_msg(e.connected && c.done, "%s: %s", kinds[_i].kind, e.error);
	ck_assert_uint_eq(signer.asked, 1);
	ck_assert_uint_eq(signer.scheme, kinds[_i].scheme);
	if (kinds[_i].version == TLS1_3_VERSION) {
		static const char context[] =
		    "TLS 1.3, server CertificateVerify";
		for (int i = 0; i < 64; i++)
			ck_assert_uint_eq(signer.last[i], 0x20);
		ck_assert(
		    memcmp(signer.last + 64, context, sizeof(context)) == 0);
		ck_assert(signer.last_len == 64 + sizeof(context) + 32 ||
		    signer.last_len == 64 + sizeof(context) + 48);
	} else {
		unsigned char random[32];
		SSL_get_client_random(c.ssl, random, 32);
		ck_assert(memcmp(signer.last, random, 32) == 0);
		ck_assert_uint_eq(signer.last[64], 3); /* named curve */
	}
	/* And it carries data. */
	char got[8];
	ck_assert(SSL_write(c.ssl, "hi", 2) == 2);
	for (int i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(evbuffer_remove(conn_input(e.c), got, 8) == 2);
	client_stop(&c, &e);
}
END_TEST

START_TEST(test_key_stays_there)
{
	make_server(kinds[_i].kind, kinds[_i].version);
	EVP_PKEY *pkey = SSL_CTX_get0_privatekey(server_ctx);
	OSSL_PARAM *params = NULL;
	unsigned char sig[512];
	size_t len = sizeof(sig);

	ck_assert(EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params) != 1);
	ck_assert(EVP_PKEY_todata(pkey, EVP_PKEY_PUBLIC_KEY, &params) == 1);
	OSSL_PARAM_free(params);
	/* Outside a job nothing waits, and so nothing is signed. */
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ck_assert(EVP_DigestSignInit_ex(
		      ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) == 1);
	ck_assert(
	    EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"x", 1) != 1);
	EVP_MD_CTX_free(ctx);
	/* No decryption, no other certificate's key. */
	EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new(pkey, NULL);
	ck_assert(EVP_PKEY_decrypt_init(pctx) != 1 ||
	    EVP_PKEY_decrypt(pctx, sig, &len, sig, 256) != 1);
	EVP_PKEY_CTX_free(pctx);
	struct tls_fixture other;
	tls_fixture_make(&other, kinds[_i].kind);
	ck_assert(X509_check_private_key(other.cert, pkey) != 1);
	tls_fixture_drop(&other);
	ERR_clear_error();
}
END_TEST

/* Keys of others still come from the default provider. */
START_TEST(test_default_provider_first)
{
	make_server("P-256", TLS1_3_VERSION);
	for (int i = 0; i < 2; i++) {
		EVP_PKEY *k = i == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
		ck_assert_ptr_nonnull(k);
		ck_assert_str_eq(
		    OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(k)),
		    "default");
		EVP_PKEY_free(k);
	}
}
END_TEST

static void
arrange_mute(void)
{
	signer.mute = true;
}

static void
arrange_refuse(void)
{
	signer.refuse = true;
}

static void
arrange_dead(void)
{
	toy_signer_die(&signer);
	for (int i = 0; i < 50 && !lost; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(lost);
}

static const struct {
	const char *name;
	void (*arrange)(void);
	bool die;   /* the signer, while it is asked */
	int close;  /* the client, while the job is paused */
	bool fails; /* reported as a failure */
} cuts[] = {
	{ "signer refuses", arrange_refuse, false, 0, true },
	{ "signer is gone", arrange_dead, false, 0, false },
	{ "signer dies meanwhile", arrange_mute, true, 0, false },
	{ "owner closes meanwhile", arrange_mute, false, 1, false },
	{ "signer is silent", arrange_mute, false, 0, true },
};

START_TEST(test_cut_off)
{
	struct client c;
	struct end e;
	bool never = false;
	make_server("P-256", TLS1_3_VERSION);
	cuts[_i].arrange();
	client_start(&c, &e);
	spin(&c, &never, 100);
	if (cuts[_i].arrange == arrange_mute) {
		ck_assert_uint_eq(tls_key_jobs(), 1);
		ck_assert_uint_eq(signer.asked, 1);
	}
	if (cuts[_i].die)
		toy_signer_die(&signer);
	if (cuts[_i].close) {
		conn_free(e.c);
		e.c = NULL;
		ck_assert_uint_eq(tls_key_jobs(), 0);
	}
	spin(&c, &e.over, cuts[_i].fails ? 5000 : 100);
	ck_assert_msg(e.over == cuts[_i].fails, "%s", cuts[_i].name);
	ck_assert(!e.connected && !c.done);
	client_stop(&c, &e);
	ck_assert_uint_eq(tls_key_jobs(), 0);
}
END_TEST

/* A handshake outlives its signer: the next one is asked, or nobody any more
 * when the key is dropped. */
START_TEST(test_next_signer)
{
	bool dropped = _i % 2 != 0, asked_before = _i / 2 != 0;
	bool never = false;
	struct client c;
	struct end e;
	int fds[2];

	make_server("P-256", TLS1_3_VERSION);
	if (asked_before)
		signer.mute = true;
	else
		arrange_dead();
	client_start(&c, &e);
	spin(&c, &never, 50);
	toy_signer_die(&signer);
	spin(&c, &never, 50);
	ck_assert(lost && !e.over);
	ck_assert_uint_eq(tls_key_jobs(), 1);
	if (dropped) {
		tls_key_drop(key);
		key = NULL;
	} else {
		signer = (struct toy_signer){ .key = NULL };
		ck_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			      fds) == 0);
		toy_signer_attach(&signer, base, cert.key, fds[1]);
		tls_key_attach(key, fds[0]);
	}
	spin(&c, dropped ? &e.over : &e.connected, 5000);
	ck_assert(e.over == dropped && e.connected == !dropped);
	ck_assert_uint_eq(tls_key_jobs(), 0);
	client_stop(&c, &e);
}
END_TEST

/* A silent signer costs no time: the loop sleeps, and the fd is not watched,
 * though the client goes on sending. */
START_TEST(test_paused_is_idle)
{
	struct client c;
	struct end e;
	bool never = false;
	make_server("P-256", TLS1_3_VERSION);
	signer.mute = true;
	client_start(&c, &e);
	spin(&c, &never, 50);
	ck_assert(write(c.fd, "garbage", 7) == 7);
	unsigned rounds = 0;
	int64_t end = clock_mono_ms() + 200;
	while (clock_mono_ms() < end) {
		struct timeval tv = { 0, 20000 };
		event_base_loopexit(base, &tv);
		event_base_loop(base, EVLOOP_ONCE);
		rounds++;
	}
	ck_assert_uint_lt(rounds, 40);
	ck_assert(!e.over);
	client_stop(&c, &e);
}
END_TEST

START_TEST(test_jobs_are_limited)
{
	enum { N = TLS_KEY_JOBS_MAX + 20 };
	static struct client c[N];
	static struct end e[N];
	unsigned over = 0;
	make_server("P-256", TLS1_3_VERSION);
	signer.mute = true;
	for (int i = 0; i < N; i++) {
		client_start(&c[i], &e[i]);
		client_step(&c[i]);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	for (int i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(tls_key_jobs(), TLS_KEY_JOBS_MAX);
	for (int i = 0; i < N; i++)
		over += e[i].over;
	ck_assert_uint_eq(over, 20);
	for (int i = 0; i < N; i++)
		client_stop(&c[i], &e[i]);
	ck_assert_uint_eq(tls_key_jobs(), 0);
}
END_TEST

static long
resident_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	ck_assert(f != NULL && fscanf(f, "%*d %ld", &pages) == 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
cut_off(const char *hello, size_t len, int n, bool client_first)
{
	for (int i = 0; i < n; i++) {
		int fds[2];
		struct end e = { .c = NULL };
		ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			      fds) == 0);
		e.c = conn_accepted(base, fds[1], &ops, &e);
		conn_tls_server(e.c, server_ctx, 3000);
		ck_assert(write(fds[0], hello, len) == (ssize_t)len);
		for (int j = 0; j < 20 && tls_key_jobs() == 0; j++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		ck_assert_uint_eq(tls_key_jobs(), 1);
		if (client_first)
			close(fds[0]);
		/* Before and after the question has been sent. */
		for (int j = 0; j < i % 4; j++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		conn_free(e.c);
		if (!client_first)
			close(fds[0]);
	}
}

static int
cut_off_count(void)
{
	const char *n = getenv("CUT_OFF");
	return n == NULL ? 2000 : (int)strtol(n, NULL, 10);
}

/* Without unwinding, each would leave the 32 KB stack of its job. */
START_TEST(test_cut_off_leaks_nothing)
{
	char hello[2048];
	struct client c;
	struct end e;
	make_server("P-256", TLS1_3_VERSION);
	client_start(&c, &e);
	client_step(&c);
	/* The ClientHello, as the server's socket has it. */
	ssize_t len = recv(conn_fd(e.c), hello, sizeof(hello), MSG_PEEK);
	ck_assert_int_gt((int)len, 100);
	client_stop(&c, &e);
	signer.late = true;

	cut_off(hello, (size_t)len, 2000, true);
	long before = resident_kb();
	cut_off(hello, (size_t)len, cut_off_count(), true);
	cut_off(hello, (size_t)len, 500, false);
	long grown = resident_kb() - before;
#ifdef DW_NO_SANDBOX /* sanitizers keep what was freed; a leak is more */
	ck_assert_msg(grown < 64L * 1024, "grown by %ld KB", grown);
#else
	ck_assert_msg(grown < 4096, "grown by %ld KB", grown);
#endif
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tls_key");
	TCase *t = tcase_create("tls_key");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, test_handshake, 0, N_KINDS);
	tcase_add_loop_test(t, test_key_stays_there, 0, 3);
	tcase_add_test(t, test_default_provider_first);
	tcase_add_loop_test(
	    t, test_cut_off, 0, (int)(sizeof(cuts) / sizeof(cuts[0])));
	tcase_add_test(t, test_paused_is_idle);
	tcase_add_loop_test(t, test_next_signer, 0, 4);
	tcase_add_test(t, test_jobs_are_limited);
	tcase_add_test(t, test_cut_off_leaks_nothing);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
