/*
 * How a daemon starts and stops: options, inherited sockets, peers by uid,
 * sd_notify, signals.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/daemon.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/options.h"
#include "tests/unit/unit.h"

static char path[64];
static unsigned n_accepted, n_reloads, n_stops;
static bool signal_again;

static int
make_socket(int type, bool listening)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	(void)snprintf(
	    path, sizeof(path), "/tmp/doorward-test-listen.%d", (int)getpid());
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	(void)unlink(path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	if (listening)
		ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static int
connect_socket(int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
set_number(const char *name, long value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%ld", value);
	(void)setenv(name, text, 1);
}

/* Puts one socket at descriptor 3, as systemd does. */
static void
inherit(bool listening, const char *names, long n)
{
	int fd = make_socket(SOCK_SEQPACKET, listening);

	(void)unlink(path);
	ck_assert_int_eq(dup2(fd, 3), 3);
	if (fd != 3)
		(void)close(fd);
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", n);
	(void)setenv("LISTEN_FDNAMES", names, 1);
}

START_TEST(test_take)
{
	struct listen_set set;

	inherit(true, "authd", 1);
	listen_take(&set);
	ck_assert_uint_eq(set.n, 1);
	ck_assert_int_eq(listen_find(&set, "authd"), 3);
	ck_assert_int_eq(listen_find(&set, "http"), -1);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_PID"));
}
END_TEST

static const struct {
	const char *names;
	long n;
	bool listening;
	long pid_shift;
} bad_sets[] = {
	{ "unknown", 1, true, 0 },
	{ "", 1, true, 0 },
	{ "authd", 0, true, 0 },
	{ "authd", 17, true, 0 },
	{ "authd", 1, false, 0 },
	{ "authd", 1, true, 1 },
};

START_TEST(test_take_refused)
{
	struct listen_set set;

	inherit(bad_sets[_i].listening, bad_sets[_i].names, bad_sets[_i].n);
	set_number("LISTEN_PID", getpid() + bad_sets[_i].pid_shift);
	listen_take(&set);
}
END_TEST

START_TEST(test_take_nothing)
{
	struct listen_set set;

	(void)unsetenv("LISTEN_PID");
	listen_take(&set);
}
END_TEST

static void
on_accepted(int fd, enum role peer, void *ctx)
{
	ck_assert_int_eq(peer, ROLE_EGRESS);
	n_accepted++;
	(void)event_base_loopbreak(ctx);
	(void)close(fd);
}

START_TEST(test_peer_uid)
{
	struct event_base *base = daemon_base();
	uid_t uids[ROLE_COUNT] = { 0 };
	int fd = make_socket(SOCK_SEQPACKET | SOCK_NONBLOCK, true);
	struct timeval in = { 0, 50000 };
	char byte;

	uids[ROLE_EGRESS] = _i == 0 ? geteuid()
	    : _i == 1		    ? geteuid() + 1
				    : (uid_t)-1;
	listen_unix(base, fd, ROLE_EGRESS, uids, on_accepted, base);
	int peer = connect_socket(SOCK_SEQPACKET);
	(void)event_base_loopexit(base, &in);
	(void)event_base_dispatch(base);
	ck_assert_uint_eq(n_accepted, _i == 0);
	ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), 0);
	(void)unlink(path);
}
END_TEST

static void
on_reload(void *ctx)
{
	(void)ctx;
	n_reloads++;
	(void)raise(SIGTERM);
}

static void
on_stopping(void *ctx)
{
	n_stops++;
	if (signal_again)
		(void)raise(SIGTERM);
	else
		(void)event_base_loopexit(ctx, NULL);
}

static void
expect_state(int fd, const char *state)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, state);
}

START_TEST(test_run)
{
	int notify = make_socket(SOCK_DGRAM, false);
	struct event_base *base;

	signal_again = _i == 1;
	(void)setenv("NOTIFY_SOCKET", path, 1);
	(void)setenv("WATCHDOG_USEC", "2000000", 1);
	set_number("WATCHDOG_PID", getpid());
	notify_open();
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	base = daemon_base();
	ck_assert_str_eq(event_base_get_method(base), "epoll");
	daemon_signals(base);
	(void)raise(SIGHUP);
	(void)raise(SIGPIPE);
	ck_assert_int_eq(daemon_run(base, on_stopping, on_reload, base), 0);
	ck_assert_uint_eq(n_reloads, 1);
	ck_assert_uint_eq(n_stops, 1);
	notify_status("%s", "a\nREADY=1");
	expect_state(notify, "READY=1\nSTATUS=running");
	expect_state(notify, "WATCHDOG=1");
	expect_state(notify, "STOPPING=1");
	expect_state(notify, "STATUS=a READY=1");
	(void)unlink(path);
}
END_TEST

/* A signal that comes before the loop is not lost. */
START_TEST(test_stop_early)
{
	struct event_base *base = daemon_base();

	daemon_signals(base);
	(void)raise(SIGTERM);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(daemon_run(base, NULL, NULL, NULL), 0);
}
END_TEST

START_TEST(test_options)
{
	char name[] = "x", config[] = "--config=/c", run[] = "--run-dir",
	     dir[] = "/r", peer[] = "--peer", uid[] = "authd=4242";
	char *argv[] = { name, config, run, dir, peer, uid, NULL };
	struct options o;

	(void)setenv("STATE_DIRECTORY", "/s", 1);
	options_parse(&o, ROLE_SECRETD, 6, argv);
	ck_assert_str_eq(o.config, "/c");
	ck_assert_str_eq(o.run_dir, "/r");
	ck_assert_str_eq(o.state_dir, "/s");
	ck_assert_uint_eq(o.peer_uid[ROLE_AUTHD], 4242);
	ck_assert_uint_eq(o.peer_uid[ROLE_CTL], 0);
	ck_assert_uint_eq(o.peer_uid[ROLE_SIGNER], (uid_t)-1);
	char *s = options_socket(&o, ROLE_SECRETD, ROLE_AUTHD);
	ck_assert_str_eq(s, "/r/secretd.authd.sock");
	free(s);
}
END_TEST

static const char *const bad_options[] = { "--nonsense", "--config",
	"--peer=authd", "--peer=root=0", "--peer=authd=-1",
	"--peer=authd=", "--peer=authd=4294967295", "stray" };

START_TEST(test_options_refused)
{
	char name[] = "x", text[64];
	char *argv[] = { name, text, NULL };
	struct options o;

	(void)snprintf(text, sizeof(text), "%s", bad_options[_i]);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	options_parse(&o, ROLE_EGRESS, 2, argv);
}
END_TEST

static void
setup(void)
{
	(void)setenv("LOG_LEVEL", "fatal", 1);
	log_open("test");
}

int
main(void)
{
	TCase *t = tcase_create("listen");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_take);
	tcase_add_loop_exit_test(t, test_take_refused, 1, 0, N_ROWS(bad_sets));
	tcase_add_exit_test(t, test_take_nothing, 1);
	tcase_add_loop_test(t, test_peer_uid, 0, 3);
	tcase_add_loop_test(t, test_run, 0, 2);
	tcase_add_test(t, test_stop_early);
	tcase_add_test(t, test_options);
	tcase_add_loop_exit_test(
	    t, test_options_refused, 2, 0, N_ROWS(bad_options));
	return unit_run("listen", t);
}
