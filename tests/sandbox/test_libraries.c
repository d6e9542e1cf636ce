/*
 * The libraries of authd and egress under their roles' filters: SQLite in the
 * state folder, curl to an allowed port, and libevent's resolver. They make
 * system calls that no reading of our own code shows.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>
#include <curl/curl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sqlite3.h>

#include "tests/sandbox/confined.h"

static char dir[64], db_path[96];
static uint16_t port;
static pid_t server;

/* Answers every connection with an empty 200, for as long as it is let live. */
static void
serve(int listener)
{
	static const char answer[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char request[4096];

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(0);
		while (read(fd, request, sizeof(request)) > 0)
			if (write(fd, answer, sizeof(answer) - 1) < 0)
				break;
		(void)close(fd);
	}
}

static void
world_make(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)snprintf(dir, sizeof(dir), "/tmp/dw-libraries.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)chmod(dir, 0777);
	(void)snprintf(db_path, sizeof(db_path), "%s/store.db", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	port = ntohs(in.sin_port);
	server = fork();
	if (server == 0)
		serve(fd);
	(void)close(fd);
}

static void
world_remove(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", db_path, ends[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static int
use_sqlite(const void *arg)
{
	static const char *const steps[] = {
		"PRAGMA journal_mode=WAL",
		"PRAGMA synchronous=FULL",
		"CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)",
		"BEGIN IMMEDIATE",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		"FROM n WHERE i < 2000) INSERT INTO t SELECT i, "
		"randomblob(500) FROM n",
		"COMMIT",
		"CREATE INDEX t_b ON t (b)",
		"SELECT count(*) FROM t ORDER BY b",
		"DELETE FROM t WHERE a % 2",
		"PRAGMA wal_checkpoint(TRUNCATE)",
		"VACUUM",
		"PRAGMA optimize",
	};
	sqlite3 *db = NULL;

	(void)arg;
	/* Twice: a fresh file, then one that is there already. */
	for (int round = 0; round < 2; round++) {
		if (sqlite3_open_v2(db_path, &db,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			NULL) != SQLITE_OK)
			return 100;
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			if (!(round == 1 && (i == 2 || i == 6 || i == 4)) &&
			    sqlite3_exec(db, steps[i], NULL, NULL, NULL) !=
				SQLITE_OK) {
				puts(sqlite3_errmsg(db));
				return (int)i + 1;
			}
		if (sqlite3_close(db) != SQLITE_OK)
			return 101;
	}
	return 0;
}

static CURLM *multi;

static void
make_multi(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
}

static int
use_curl(const void *arg)
{
	char url[64], resolve[64];
	struct curl_slist *list;
	int running = 1, left;
	CURLMsg *m;
	CURL *e;

	(void)arg;
	(void)snprintf(resolve, sizeof(resolve), "api.test:%u:127.0.0.1", port);
	(void)snprintf(url, sizeof(url), "http://api.test:%u/version", port);
	list = curl_slist_append(NULL, resolve);
	for (int round = 0; round < 2; round++) {
		e = curl_easy_init();
		(void)curl_easy_setopt(e, CURLOPT_URL, url);
		(void)curl_easy_setopt(e, CURLOPT_RESOLVE, list);
		(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
		(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 5000L);
		(void)curl_multi_add_handle(multi, e);
		running = 1;
		while (running > 0) {
			if (curl_multi_perform(multi, &running) != CURLM_OK)
				return 1;
			(void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
		}
		m = curl_multi_info_read(multi, &left);
		if (m == NULL || m->data.result != CURLE_OK) {
			puts(m != NULL ? curl_easy_strerror(m->data.result)
				       : "no result");
			return 2;
		}
		(void)curl_multi_remove_handle(multi, e);
		curl_easy_cleanup(e);
	}
	curl_slist_free_all(list);
	return 0;
}

static struct event_base *base;
static struct evdns_base *dns;

static void
make_resolver(void)
{
	base = event_base_new();
	dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	(void)evdns_base_set_option(dns, "timeout", "0.3");
	(void)evdns_base_set_option(dns, "attempts", "1");
}

static void
on_address(int err, struct evutil_addrinfo *res, void *arg)
{
	*(int *)arg = err;
	if (res != NULL)
		evutil_freeaddrinfo(res);
}

/* Nobody answers there; what counts is that asking kills nobody. */
static int
use_resolver(const void *arg)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	int result = 1;

	(void)arg;
	if (evdns_base_nameserver_ip_add(dns, "127.0.0.1:9") != 0)
		return 1;
	(void)evdns_getaddrinfo(
	    dns, "console.test", "80", &hints, on_address, &result);
	(void)event_base_dispatch(base);
	return result < 0 ? 0 : 2;
}

static const struct {
	const char *name;
	enum sandbox_role role;
	void (*before)(void);
	confined_fn *fn;
} cases[] = {
	{ "SQLite", SANDBOX_AUTHD, NULL, use_sqlite },
	{ "curl", SANDBOX_AUTHD, make_multi, use_curl },
	{ "resolver of authd", SANDBOX_AUTHD, make_resolver, use_resolver },
	{ "resolver of egress", SANDBOX_EGRESS, make_resolver, use_resolver },
};

START_TEST(library_works)
{
	const uint16_t ports[] = { port, 53 };
	const struct sandbox_path paths[] = { { dir,
	    SANDBOX_READ | SANDBOX_WRITE } };
	struct sandbox spec = { .role = cases[_i].role,
		.paths = paths,
		.n_paths = 1,
		.tcp_connect_ports = ports,
		.n_tcp_connect_ports = 2 };
	struct outcome o =
	    confined_run(&spec, cases[_i].before, cases[_i].fn, NULL);

	ck_assert_msg(outcome_is_good(&o), "%s: status %#x\n%s", cases[_i].name,
	    (unsigned)o.status, o.log);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("libraries");
	TCase *tc = tcase_create("libraries");
	SRunner *sr = srunner_create(s);
	int failed;

#ifdef DW_NO_SANDBOX
	puts("libraries: skipped, a sanitizer build has no sandbox");
	suite_add_tcase(s, tc);
	srunner_free(sr);
	return 77;
#endif
	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, world_make, world_remove);
	tcase_add_loop_test(
	    tc, library_works, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(s, tc);
	srunner_set_fork_status(sr, CK_FORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
