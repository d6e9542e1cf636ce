/*
 * The signer as a process, confined as in production: it loads one key once,
 * signs handshakes for the frontends attached to it, and a hostile frontend
 * loses its channel and nothing else.
 */
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>

#include "common/msg.h"
#include "common/wire.h"
#include "secretd/signer.h"
#include "tests/unit/tls_pem.h"

#define NOBODY 65534
#define STRUCTURE_LEN (64 + 34 + 32)
#define ABOUT "\0\10doorward\0\23https://idp.example" /* client, issuer */

static int secretd_fd; /* our end of the channel */
static pid_t signer_pid;
static struct slice key, cert;

static void
timeout(int fd)
{
	struct timeval tv = { .tv_sec = 10 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static void
send_message(int fd, unsigned type, uint64_t id, const void *payload,
    size_t len, int pass)
{
	static uint8_t p[MSG_HEADER_LEN + MSG_PAYLOAD_MAX + 100];
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { p, 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct wire_writer w;

	wire_writer_init(&w, p, sizeof(p));
	wire_put_u16(&w, MSG_MAGIC);
	wire_put_u16(&w, (uint16_t)type);
	wire_put_u64(&w, id);
	wire_put_raw(&w, payload, len);
	ck_assert_int_eq(wire_done(&w), 0);
	iov.iov_len = w.len;
	if (pass >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass, sizeof(int));
	}
	(void)sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* The type, with the payload in p; MSG_NONE at the end of the channel. */
static unsigned
receive(int fd, uint8_t *p, size_t cap, size_t *len)
{
	uint8_t d[MSG_HEADER_LEN + 2048];
	ssize_t n = recv(fd, d, sizeof(d), 0);

	if (n < MSG_HEADER_LEN)
		return MSG_NONE;
	*len = (size_t)n - MSG_HEADER_LEN;
	ck_assert_uint_le(*len, cap);
	memcpy(p, d + MSG_HEADER_LEN, *len);
	return (unsigned)(d[2] << 8 | d[3]);
}

static void
hello(int fd)
{
	uint8_t p[64];
	struct wire_writer w;
	size_t len;

	wire_writer_init(&w, p, sizeof(p));
	wire_put_u32(&w, MSG_PROTOCOL_VERSION);
	wire_put_text(&w, "test");
	send_message(fd, MSG_HELLO, 0, p, w.len, -1);
	ck_assert_uint_eq(receive(fd, p, sizeof(p), &len), MSG_HELLO);
}

static void
start_signer(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	int pair[2];

	key = pem_of_key(pkey, NULL);
	cert = pem_of_certificate(pkey);
	EVP_PKEY_free(pkey);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	signer_pid = fork();
	if (signer_pid == 0) {
		/* What secretd does before its own sandbox. */
		tzset();
		(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
		if (getuid() == 0 &&
		    (setgroups(0, NULL) < 0 ||
			setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			setresuid(NOBODY, NOBODY, NOBODY) < 0))
			_exit(9);
		signer_run(pair[1], false);
	}
	(void)close(pair[1]);
	secretd_fd = pair[0];
	timeout(secretd_fd);
	hello(secretd_fd);
}

static void
stop_signer(void)
{
	int status = 0;

	(void)close(secretd_fd);
	ck_assert_int_eq(waitpid(signer_pid, &status, 0), signer_pid);
	ck_assert_msg(
	    status == 0, "the signer ended with %#x", (unsigned)status);
	free((void *)(uintptr_t)key.p);
	free((void *)(uintptr_t)cert.p);
}

static unsigned
load(enum signer_purpose purpose)
{
	uint8_t p[4096];
	struct wire_writer w;
	size_t len;

	wire_writer_init(&w, p, sizeof(p));
	wire_put_u8(&w, purpose);
	wire_put_slice(&w, key);
	if (purpose == SIGNER_CLIENT_ASSERTION)
		wire_put_bytes(&w, ABOUT, sizeof(ABOUT) - 1);
	else
		wire_put_slice(&w, cert);
	send_message(secretd_fd, MSG_SIGNER_LOAD, 1, p, w.len, -1);
	if (receive(secretd_fd, p, sizeof(p), &len) != MSG_SIGNER_LOADED)
		return SIGNER_STATE_COUNT;
	return p[0];
}

static int
attach_as(uint32_t process)
{
	uint8_t p[4];
	struct wire_writer w;
	int pair[2];

	wire_writer_init(&w, p, sizeof(p));
	wire_put_u32(&w, process);

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	send_message(secretd_fd, MSG_SIGNER_ATTACH, 0, p, w.len, pair[1]);
	(void)close(pair[1]);
	timeout(pair[0]);
	return pair[0];
}

static int
attach(void)
{
	return attach_as(0);
}

static size_t
make_sign(uint8_t *p, size_t cap, unsigned scheme)
{
	char structure[STRUCTURE_LEN];
	struct wire_writer w;

	memset(structure, 0x20, 64);
	memcpy(structure + 64, "TLS 1.3, server CertificateVerify", 34);
	memset(structure + 98, 7, 32);
	wire_writer_init(&w, p, cap);
	wire_put_u16(&w, (uint16_t)scheme);
	wire_put_bytes(&w, structure, sizeof(structure));
	ck_assert_int_eq(wire_done(&w), 0);
	return w.len;
}

static bool
signs(int fd)
{
	uint8_t p[1024];
	size_t len = make_sign(p, sizeof(p), 0x0403);

	send_message(fd, MSG_SIGN, 5, p, len, -1);
	return receive(fd, p, sizeof(p), &len) == MSG_SIGN_RESULT && len > 60;
}

START_TEST(signs_for_several)
{
	int a, b;

	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_READY);
	a = attach();
	b = attach();
	hello(a);
	hello(b);
	for (int i = 0; i < 20; i++)
		ck_assert(signs(i & 1 ? a : b));
	(void)close(a);
	ck_assert(signs(b));
	(void)close(b);
}
END_TEST

/* Every message type, and every way to spoil a good request. */
START_TEST(hostile_frontends_lose_their_channel)
{
	uint8_t good[1024], bad[1024], p[1024];
	size_t good_len = make_sign(good, sizeof(good), 0x0403), len;
	int fd;

	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_READY);
	for (unsigned type = 0; type < MSG_COUNT + 2; type++) {
		if (type == MSG_SIGN)
			continue;
		fd = attach();
		hello(fd);
		send_message(fd, type, 1, good, good_len, -1);
		ck_assert_msg(receive(fd, p, sizeof(p), &len) == MSG_NONE, "%s",
		    msg_name(type));
		(void)close(fd);
	}
	for (size_t i = 0; i < 4 + 98; i++) {
		memcpy(bad, good, good_len);
		bad[i] ^= 0x80;
		fd = attach();
		hello(fd);
		send_message(fd, MSG_SIGN, 1, bad, good_len, -1);
		ck_assert_msg(
		    receive(fd, p, sizeof(p), &len) == MSG_NONE, "byte %zu", i);
		(void)close(fd);
	}
	for (size_t cut = 0; cut < good_len; cut++) {
		fd = attach();
		hello(fd);
		send_message(fd, MSG_SIGN, 1, good, cut, -1);
		ck_assert_msg(receive(fd, p, sizeof(p), &len) == MSG_NONE,
		    "cut at %zu", cut);
		(void)close(fd);
	}
	fd = attach(); /* a descriptor that no row asks for */
	hello(fd);
	send_message(fd, MSG_SIGN, 1, good, good_len, STDIN_FILENO);
	ck_assert_uint_eq(receive(fd, p, sizeof(p), &len), MSG_NONE);
	(void)close(fd);
	fd = attach();
	hello(fd);
	ck_assert(signs(fd));
	(void)close(fd);
}
END_TEST

/* One process asks for ever more channels: another one still gets its own. */
START_TEST(no_process_takes_all_places)
{
	int greedy[16], modest;
	uint8_t p[64];
	size_t len;

	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_READY);
	for (size_t i = 0; i < 16; i++)
		greedy[i] = attach_as(1234);
	modest = attach_as(5678);
	hello(modest);
	ck_assert(signs(modest));
	for (size_t i = 0; i < 8; i++) {
		hello(greedy[i]);
		ck_assert(signs(greedy[i]));
	}
	for (size_t i = 8; i < 16; i++)
		ck_assert_uint_eq(
		    receive(greedy[i], p, sizeof(p), &len), MSG_NONE);
	(void)close(greedy[0]);
	(void)close(modest);
	for (size_t i = 1; i < 16; i++)
		(void)close(greedy[i]);
}
END_TEST

/* A client's key: egress's channels, and no server's handshake. */
START_TEST(a_clients_key_signs_no_servers_handshake)
{
	uint8_t p[1024];
	size_t len = make_sign(p, sizeof(p), 0x0403);
	int fd;

	ck_assert_uint_eq(load(SIGNER_TLS_CLIENT), SIGNER_READY);
	fd = attach();
	hello(fd);
	send_message(fd, MSG_SIGN, 5, p, len, -1);
	ck_assert_uint_eq(receive(fd, p, sizeof(p), &len), MSG_NONE);
	(void)close(fd);
}
END_TEST

static bool
asserts(int fd)
{
	uint8_t p[2048];
	size_t len = 0;

	send_message(fd, MSG_SIGN_ASSERTION, 6, NULL, 0, -1);
	return receive(fd, p, sizeof(p), &len) == MSG_SIGN_ASSERTION_RESULT &&
	    len > 200 && memcmp(p + 2, "eyJ", 3) == 0;
}

/* Authd's channels, and nothing but assertions, whatever is sent with them. */
START_TEST(a_key_for_assertions_signs_nothing_else)
{
	uint8_t good[1024], p[1024];
	size_t good_len = make_sign(good, sizeof(good), 0x0403), len;
	int fd;

	ck_assert_uint_eq(load(SIGNER_CLIENT_ASSERTION), SIGNER_READY);
	for (unsigned type = 0; type < MSG_COUNT + 2; type++)
		for (int full = 0; full < 2; full++) {
			if (type == MSG_SIGN_ASSERTION && !full)
				continue;
			fd = attach();
			hello(fd);
			send_message(
			    fd, type, 1, good, full ? good_len : 0, -1);
			ck_assert_msg(
			    receive(fd, p, sizeof(p), &len) == MSG_NONE, "%s",
			    msg_name(type));
			(void)close(fd);
		}
	fd = attach();
	hello(fd);
	for (int i = 0; i < 20; i++)
		ck_assert(asserts(fd));
	(void)close(fd);
}
END_TEST

/* A TLS key makes no assertion, not even an empty answer to the question. */
START_TEST(a_tls_key_makes_no_assertion)
{
	static const enum signer_purpose tls[] = { SIGNER_TLS_SERVER,
		SIGNER_TLS_CLIENT };
	int fd;

	ck_assert_uint_eq(load(tls[_i]), SIGNER_READY);
	fd = attach();
	hello(fd);
	ck_assert(!asserts(fd));
	(void)close(fd);
}
END_TEST

/* secretd closes its channel: who is there is served to his end. */
START_TEST(a_retired_signer_serves_those_it_has)
{
	int a, b;

	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_READY);
	a = attach();
	b = attach();
	hello(a);
	hello(b);
	ck_assert_int_eq(shutdown(secretd_fd, SHUT_RDWR), 0);
	ck_assert(signs(a));
	(void)close(a);
	ck_assert(signs(b));
	(void)close(b); /* the last one: stop_signer sees it end */
}
END_TEST

START_TEST(the_key_is_loaded_once)
{
	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_READY);
	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_STATE_COUNT);
}
END_TEST

START_TEST(no_frontend_before_the_key)
{
	uint8_t p[64];
	size_t len;
	int fd = attach();

	ck_assert_uint_eq(receive(secretd_fd, p, sizeof(p), &len), MSG_NONE);
	ck_assert_uint_eq(receive(fd, p, sizeof(p), &len), MSG_NONE);
	(void)close(fd);
}
END_TEST

START_TEST(too_many_are_slowed)
{
	uint8_t good[1024], p[1024];
	size_t good_len = make_sign(good, sizeof(good), 0x0403), len;
	bool refused = false;
	int fd;

	ck_assert_uint_eq(load(SIGNER_TLS_SERVER), SIGNER_READY);
	fd = attach();
	hello(fd);
	/* More than the burst, pipelined so as to be faster than the rate. */
	for (int i = 0; i < 40000 && !refused; i += 32) {
		for (uint64_t j = 1; j <= 32; j++)
			send_message(fd, MSG_SIGN, j, good, good_len, -1);
		for (int j = 0; j < 32; j++) {
			ck_assert_uint_eq(
			    receive(fd, p, sizeof(p), &len), MSG_SIGN_RESULT);
			refused = refused || len == 2;
		}
	}
	ck_assert(refused);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signer");
	TCase *tc = tcase_create("process");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start_signer, stop_signer);
	tcase_add_test(tc, signs_for_several);
	tcase_add_test(tc, hostile_frontends_lose_their_channel);
	tcase_add_test(tc, no_process_takes_all_places);
	tcase_add_test(tc, a_clients_key_signs_no_servers_handshake);
	tcase_add_test(tc, a_key_for_assertions_signs_nothing_else);
	tcase_add_loop_test(tc, a_tls_key_makes_no_assertion, 0, 2);
	tcase_add_test(tc, a_retired_signer_serves_those_it_has);
	tcase_add_test(tc, the_key_is_loaded_once);
	tcase_add_test(tc, no_frontend_before_the_key);
	tcase_add_test(tc, too_many_are_slowed);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
