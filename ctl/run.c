/*
 * doorward run: starts the daemons one after the other, waits until each is
 * ready, starts crashed ones again, and ends them in the reverse order. The
 * listening sockets stay open all the while, so that a restart refuses nobody.
 *
 * One poll loop over the signals and the notify sockets; no state but struct
 * run.
 */
#include "ctl/run.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "ctl/commands.h"

#define START_TIMEOUT_MS 60000
#define STOP_TIMEOUT_MS 30000
#define STEADY_MS 10000 /* running so long, a crash is the first again */
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define UID_BASE 64100

const enum role run_order[RUN_DAEMONS] = { ROLE_SECRETD, ROLE_AUTHD,
	ROLE_EGRESS, ROLE_FRONTEND };

void
run_fail(const char *format, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fprintf(stderr, "doorward run: ");
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
	(void)putchar('\n');
	(void)fflush(stdout);
}

/* --- ends of children --- */

static struct run_daemon *
daemon_of_pid(struct run *run, pid_t pid)
{
	for (size_t i = 0; i < RUN_DAEMONS; i++)
		if (run->daemons[i].pid == pid)
			return &run->daemons[i];
	return NULL;
}

static const char *
describe_end(int status, char *text, size_t cap)
{
	if (WIFSIGNALED(status))
		(void)snprintf(text, cap, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(
		    text, cap, "ended with status %d", WEXITSTATUS(status));
	return text;
}

static void
schedule_restart(struct run_daemon *d, int status)
{
	int64_t now = clock_mono_ms(), delay = BACKOFF_MIN_MS;
	char text[80];

	if (now - d->started_ms >= STEADY_MS)
		d->crashes = 0;
	for (unsigned i = 0; i < d->crashes && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	d->crashes++;
	d->restart_at_ms = now + delay;
	say("doorward run: doorward-%s %s; starting it again in %d ms",
	    role_name(d->role), describe_end(status, text, sizeof(text)),
	    (int)delay);
}

/* Collects ended children. A daemon that ends before it was ever ready ends
 * the start: *failed gets it. */
static void
reap(struct run *run, bool starting, struct run_daemon **failed)
{
	struct run_daemon *d;
	char text[80];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		d = daemon_of_pid(run, pid);
		if (d == NULL)
			continue;
		d->pid = 0;
		if (starting && !d->ready) {
			(void)fprintf(stderr,
			    "doorward run: doorward-%s %s before it was ready; "
			    "its last lines above say why\n",
			    role_name(d->role),
			    describe_end(status, text, sizeof(text)));
			*failed = d;
		} else {
			schedule_restart(d, status);
		}
	}
}

/* --- signals --- */

static int
open_signals(void)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		run_fail("sigprocmask: %s", strerror(errno));
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		run_fail("signalfd: %s", strerror(errno));
	return fd;
}

/* true: somebody asked for the end. */
static bool
take_signals(struct run *run, int fd)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop = true;
		if (info.ssi_signo != SIGHUP)
			continue;
		for (size_t i = 0; i < RUN_DAEMONS; i++)
			if (run->daemons[i].pid > 0)
				(void)kill(run->daemons[i].pid, SIGHUP);
	}
	return stop;
}

/* --- the loop --- */

/* Starts what is due; returns the ms until the next one is, at most 1000. */
static int
start_due(struct run *run)
{
	int64_t now = clock_mono_ms(), wait = 1000;

	for (size_t i = 0; i < RUN_DAEMONS; i++) {
		struct run_daemon *d = &run->daemons[i];

		if (d->pid > 0 || d->restart_at_ms == 0)
			continue;
		if (d->restart_at_ms <= now) {
			d->restart_at_ms = 0;
			run_child_start(run, d);
		} else if (d->restart_at_ms - now < wait) {
			wait = d->restart_at_ms - now;
		}
	}
	return (int)wait;
}

/* One turn; true when the end was asked for. */
static bool
turn(struct run *run, int signals, bool starting, struct run_daemon **failed)
{
	struct pollfd fds[RUN_DAEMONS + 1] = { { .fd = signals,
	    .events = POLLIN } };
	int wait = start_due(run);

	for (size_t i = 0; i < RUN_DAEMONS; i++)
		fds[i + 1] = (struct pollfd){
			.fd = run->daemons[i].notify_fd,
			.events = POLLIN,
		};
	(void)poll(fds, RUN_DAEMONS + 1, wait);
	for (size_t i = 0; i < RUN_DAEMONS; i++) {
		struct run_daemon *d = &run->daemons[i];

		if (!run_child_notified(d) || d->ready)
			continue;
		d->ready = true;
		if (!starting)
			say("doorward run: doorward-%s is back",
			    role_name(d->role));
	}
	bool stop = take_signals(run, signals);

	reap(run, starting, failed);
	return stop;
}

static bool
start_one(struct run *run, struct run_daemon *d, int signals)
{
	int64_t deadline = clock_mono_ms() + START_TIMEOUT_MS;
	struct run_daemon *failed = NULL;

	run_child_start(run, d);
	while (!d->ready) {
		if (turn(run, signals, true, &failed) || failed != NULL)
			return false;
		if (clock_mono_ms() > deadline) {
			(void)fprintf(stderr,
			    "doorward run: doorward-%s was not ready after "
			    "%d s\n",
			    role_name(d->role), START_TIMEOUT_MS / 1000);
			return false;
		}
	}
	return true;
}

/* The frontend first, so that the others can still answer for what it has
 * begun. */
static void
stop_all(struct run *run, int signals)
{
	for (size_t i = RUN_DAEMONS; i-- > 0;) {
		struct run_daemon *d = &run->daemons[i];
		int64_t deadline = clock_mono_ms() + STOP_TIMEOUT_MS;
		struct pollfd wake = { .fd = signals, .events = POLLIN };
		int status;

		if (d->pid <= 0)
			continue;
		(void)kill(d->pid, SIGTERM);
		while (waitpid(d->pid, &status, WNOHANG) == 0) {
			if (clock_mono_ms() > deadline)
				(void)kill(d->pid, SIGKILL);
			(void)poll(&wake, 1, 100);
			(void)take_signals(run, signals);
		}
		d->pid = 0;
	}
}

static bool
supervise(struct run *run, int signals)
{
	struct run_daemon *failed = NULL;

	for (size_t i = 0; i < RUN_DAEMONS; i++)
		if (!start_one(run, &run->daemons[i], signals))
			return false;
	if (run->local[0] != '\0')
		say("doorward run: external services are at %s", run->local);
	say("ready %s%s/", run->url, run->settings->web_prefix);
	while (!turn(run, signals, false, &failed))
		;
	say("doorward run: stopping");
	return true;
}

/* However this process ends; its children end it too, but not for all. */
static struct {
	struct run *run;
	pid_t pid;
} cleanup;

static void
clean_up(void)
{
	if (getpid() == cleanup.pid)
		run_dirs_remove(cleanup.run);
}

/* --- the command --- */

static bool
parse_options(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "dir", required_argument, NULL, 'd' },
		{ "bin-dir", required_argument, NULL, 'b' },
		{ "uid-base", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t number;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			run->config = optarg;
			break;
		case 'd':
			run->dir = optarg;
			break;
		case 'b':
			run->bin_dir = optarg;
			break;
		case 'u':
			if (text_u64(slice_of(optarg), 1u << 31, &number) !=
				0 ||
			    number == 0)
				return false;
			run->uid_base = (uint32_t)number;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

/* Warnings are left to the daemons, which log them; here errors would come four
 * times. */
static void
read_settings(struct run *run)
{
	struct conf_errors e = { 0 };

	run->settings = settings_read(run->config, &e);
	for (size_t i = 0; run->settings == NULL && i < e.n; i++) {
		char *where = conf_error_where(&e.at[i], run->config);

		if (!e.at[i].warning)
			(void)fprintf(stderr, "%s: %s\n", where, e.at[i].text);
		free(where);
	}
	if (run->settings == NULL)
		run_fail("not started: the configuration has %zu error%s",
		    e.n_fatal, e.n_fatal == 1 ? "" : "s");
	conf_errors_done(&e);
}

static void
choose_dir(struct run *run)
{
	char template[] = "/tmp/doorward-XXXXXX";

	if (run->dir != NULL)
		return;
	if (mkdtemp(template) == NULL)
		run_fail("%s: %s", template, strerror(errno));
	run->dir = mem_strdup(template);
	run->own_dir = true;
	say("doorward run: in %s, which is removed at the end (--dir DIR keeps "
	    "sessions)",
	    run->dir);
}

int
command_run(int argc, char **argv)
{
	struct run *run = mem_new(sizeof(*run));
	bool good;
	int signals;

	run->config = CTL_CONFIG;
	run->bin_dir = getenv("DOORWARD_BIN_DIR");
	run->uid_base = UID_BASE;
	if (!parse_options(run, argc, argv)) {
		(void)fprintf(stderr,
		    "usage: doorward run [--config FILE] "
		    "[--dir DIR] [--bin-dir DIR] "
		    "[--uid-base N]\n");
		return 2;
	}
	read_settings(run);
	for (size_t i = 0; i < RUN_DAEMONS; i++)
		run->daemons[i].role = run_order[i];
	run_binaries_find(run);
	run_users_choose(run);
	run_users_check(run);
	choose_dir(run);
	cleanup.run = run;
	cleanup.pid = getpid();
	(void)atexit(clean_up);
	run_dirs_make(run);
	run_sockets_open(run);
	signals = open_signals();
	good = supervise(run, signals);
	stop_all(run, signals);
	return good ? 0 : 1;
}
