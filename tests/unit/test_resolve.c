/* Name lookup against a toy name server in the same loop. */
#include "common/resolve.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/err.h"

static struct event_base *base;
static struct resolve *r;
static int server;
static struct event *serving;
static unsigned asked; /* questions that the server saw */
static unsigned short ids[64];
static char conf[64], hosts[64];

struct answer {
	bool done;
	int err;
	size_t n;
	char text[RESOLVE_MAX][64];
	unsigned port;
};

/* Reads the name of the question into text; returns the question's length. */
static size_t
question_name(const unsigned char *p, char *text)
{
	size_t at = 0, to = 0;

	while (p[at] != 0) {
		memcpy(text + to, p + at + 1, p[at]);
		to += p[at];
		at += p[at] + 1u;
		if (p[at] != 0)
			text[to++] = '.';
	}
	text[to] = '\0';
	return at + 5;
}

/* good.test has two A records, six.test an AAAA; mute.test gets no answer. */
static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	unsigned char m[512],
	    a[64] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1 };
	char name[256];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, m, 256, 0, (struct sockaddr *)&from, &len);
	(void)what;
	(void)arg;
	ck_assert(n > 16);
	ids[asked++ % 64] = (unsigned short)(m[0] << 8 | m[1]);
	size_t end = 12 + question_name(m + 12, name);
	bool v6 = m[end - 3] == 28;
	if (strcasecmp(name, "mute.test") == 0)
		return;
	m[2] |= 0x80;
	m[3] = 0;
	m[11] = 0; /* no additional records */
	if (strcasecmp(name, "good.test") == 0 && !v6) {
		m[7] = 2;
		memcpy(m + end, a, 16);
		memcpy(m + end + 16, a, 16);
		m[end + 31] = 2;
		end += 32;
	} else if (strcasecmp(name, "six.test") == 0 && v6) {
		m[7] = 1;
		memcpy(m + end, a, 12);
		m[end + 3] = 28;
		m[end + 11] = 16;
		memset(m + end + 12, 0, 16);
		m[end + 27] = 1;
		end += 28;
	} else if (strcasecmp(name, "good.test") != 0 &&
	    strcasecmp(name, "six.test") != 0) {
		m[3] = 3; /* NXDOMAIN */
	}
	sendto(fd, m, end, 0, (struct sockaddr *)&from, len);
}

static void
write_file(const char *path, const char *text, int port)
{
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%s", text);
	if (port != 0)
		fprintf(f, "nameserver 127.0.0.1:%d\n", port);
	fclose(f);
}

static void
setup(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	base = event_base_new();
	server = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(bind(server, (struct sockaddr *)&at, sizeof(at)) == 0);
	getsockname(server, (struct sockaddr *)&at, &len);
	serving =
	    event_new(base, server, EV_READ | EV_PERSIST, on_question, NULL);
	event_add(serving, NULL);
	snprintf(conf, sizeof(conf), "./resolve-%d.conf", (int)getpid());
	snprintf(hosts, sizeof(hosts), "./resolve-%d.hosts", (int)getpid());
	write_file(conf, "search nowhere.test\n", ntohs(at.sin_port));
	write_file(hosts, "127.0.0.7 here.test\n::7 here.test\n", 0);
	r = resolve_new_files(base, conf, hosts);
	/* Nothing is read after the start. */
	unlink(conf);
	unlink(hosts);
}

static void
teardown(void)
{
	resolve_free(r);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_free(serving);
	event_base_free(base);
	close(server);
}

static void
done(int err, const struct resolve_address *at, size_t n, void *arg)
{
	struct answer *a = arg;
	ck_assert(!a->done);
	*a = (struct answer){ .done = true, .err = err, .n = n };
	for (size_t i = 0; i < n; i++) {
		const void *p = &at[i].address;
		const struct sockaddr_in *four = p;
		const struct sockaddr_in6 *six = p;
		bool v4 = at[i].address.ss_family == AF_INET;
		inet_ntop(at[i].address.ss_family,
		    v4 ? (const void *)&four->sin_addr
		       : (const void *)&six->sin6_addr,
		    a->text[i], sizeof(a->text[i]));
		a->port = ntohs(v4 ? four->sin_port : six->sin6_port);
		ck_assert(at[i].len == (v4 ? sizeof(*four) : sizeof(*six)));
	}
}

static void
wait_for(const bool *flag, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (!*flag && clock_mono_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(2000);
	}
}

static const struct {
	const char *host;
	int err;
	size_t n;
	const char *first;
	bool asks;
} names[] = {
	{ "10.1.2.3", 0, 1, "10.1.2.3", false },
	{ "::1", 0, 1, "::1", false },
	{ "here.test", 0, 2, "127.0.0.7", false },
	{ "localhost", 0, 2, "127.0.0.1", false },
	{ "LOCALHOST", 0, 2, "127.0.0.1", false },
	{ "good.test", 0, 2, "10.0.0.1", true },
	{ "GOOD.test", 0, 2, "10.0.0.1", true },
	{ "six.test", 0, 1, "::1", true },
	{ "none.test", ERR_NOT_FOUND, 0, NULL, true },
	{ "", ERR_NOT_FOUND, 0, NULL, true },
	{ "1.2.3.4.5", ERR_NOT_FOUND, 0, NULL, true },
};

START_TEST(test_names)
{
	struct answer a = { .done = false };
	resolve_host(r, names[_i].host, 443, done, &a);
	ck_assert(!a.done); /* from the loop only */
	wait_for(&a.done, 4000);
	ck_assert_msg(a.done, "%s", names[_i].host);
	ck_assert_msg(a.err == names[_i].err, "%s: %d", names[_i].host, a.err);
	ck_assert_uint_eq(a.n, names[_i].n);
	if (!names[_i].asks)
		ck_assert_uint_eq(asked, 0);
	if (a.n > 0) {
		ck_assert_str_eq(a.text[0], names[_i].first);
		ck_assert_uint_eq(a.port, 443);
	}
}
END_TEST

START_TEST(test_cache)
{
	struct answer a = { .done = false }, b = { .done = false };
	resolve_host(r, "good.test", 443, done, &a);
	wait_for(&a.done, 4000);
	unsigned before = asked;
	ck_assert_uint_gt(before, 0);
	resolve_host(r, "good.test", 80, done, &b);
	wait_for(&b.done, 4000);
	ck_assert_uint_eq(asked, before);
	ck_assert_uint_eq(b.n, 2);
	ck_assert_uint_eq(b.port, 80);
}
END_TEST

START_TEST(test_mute_server)
{
	struct answer a = { .done = false };
	int64_t from = clock_mono_ms();
	resolve_host(r, "mute.test", 443, done, &a);
	wait_for(&a.done, 8000);
	ck_assert_int_eq(a.err, ERR_TIMEOUT);
	ck_assert_int_lt(clock_mono_ms() - from, 6000);
}
END_TEST

START_TEST(test_cancel)
{
	static const char *const hosts_of[] = { "10.0.0.1", "here.test",
		"mute.test", "good.test" };
	struct answer a = { .done = false };
	bool never = false;
	struct resolve_query *q = resolve_host(r, hosts_of[_i], 443, done, &a);
	resolve_cancel(q);
	wait_for(&never, 50);
	q = resolve_host(r, hosts_of[_i], 443, done, &a);
	(void)q; /* forgotten by resolve_free */
	teardown();
	ck_assert(!a.done);
	setup();
}
END_TEST

START_TEST(test_ids_are_not_counted)
{
	unsigned steps = 0;
	for (int i = 0; i < 10; i++) {
		struct answer a = { .done = false };
		char name[16];
		snprintf(name, sizeof(name), "n%d.test", i);
		resolve_host(r, name, 1, done, &a);
		wait_for(&a.done, 4000);
	}
	ck_assert_uint_ge(asked, 20);
	for (unsigned i = 1; i < 20; i++)
		steps += (unsigned short)(ids[i] - ids[i - 1]) < 16;
	ck_assert_uint_lt(steps, 5);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *t = tcase_create("resolve");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(
	    t, test_names, 0, (int)(sizeof(names) / sizeof(names[0])));
	tcase_add_test(t, test_cache);
	tcase_add_test(t, test_mute_server);
	tcase_add_loop_test(t, test_cancel, 0, 4);
	tcase_add_test(t, test_ids_are_not_counted);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
