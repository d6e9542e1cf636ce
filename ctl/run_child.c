/*
 * doorward run: one daemon's process. Speaks the protocol of sd_listen_fds(3)
 * and sd_notify(3), so that the daemons see no difference to systemd.
 */
#include "ctl/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* --- finding --- */

static char *
own_dir(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return mem_strdup(SBINDIR);
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
	return mem_strdup(path);
}

/* "<dir>/doorward-authd", or as in a build tree "<dir>/authd/doorward-authd".
 * NULL when neither is there. */
static char *
find_in(const char *dir, const char *role)
{
	char *path = mem_printf("%s/doorward-%s", dir, role);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	path = mem_printf("%s/%s/doorward-%s", dir, role, role);
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *
find_binary(const struct run *run, const char *own, const char *role)
{
	char *above = mem_printf("%s/..", own);
	char *path;

	if (run->bin_dir != NULL) {
		path = find_in(run->bin_dir, role);
	} else {
		path = find_in(own, role);
		if (path == NULL)
			path = find_in(above, role);
		if (path == NULL)
			path = find_in(SBINDIR, role);
	}
	free(above);
	if (path == NULL)
		run_fail("doorward-%s is not there (looked in %s); use "
			 "--bin-dir",
		    role, run->bin_dir != NULL ? run->bin_dir : own);
	return path;
}

void
run_binaries_find(struct run *run)
{
	char *own = own_dir();

	for (size_t i = 0; i < RUN_DAEMONS; i++)
		run->daemons[i].binary =
		    find_binary(run, own, role_name(run->daemons[i].role));
	free(own);
}

/* --- the child's side --- */

/* Nothing of what the launcher itself was given is the daemon's. */
static void
set_environment(const struct run_daemon *d)
{
	static const char *const foreign[] = { "INVOCATION_ID",
		"JOURNAL_STREAM", "WATCHDOG_USEC", "WATCHDOG_PID",
		"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "LISTEN_FDNAMES" };
	char names[LISTEN_MAX * sizeof(d->listeners.fds[0].name)] = "";
	char number[16];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		(void)unsetenv(foreign[i]);
	if (d->role != ROLE_SECRETD)
		(void)unsetenv("CREDENTIALS_DIRECTORY");
	for (size_t i = 0; i < d->listeners.n; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
		    "%s%s", i > 0 ? ":" : "", d->listeners.fds[i].name);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	(void)snprintf(number, sizeof(number), "%zu", d->listeners.n);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)snprintf(number, sizeof(number), "%d", getpid());
	(void)setenv("LISTEN_PID", number, 1);
	(void)setenv("NOTIFY_SOCKET", d->notify_path, 1);
}

/* The listeners become 3, 4, ...; all other descriptors are close-on-exec. The
 * originals are moved out of the way first, and the binary with them. */
static void
place_listeners(const struct run_daemon *d, int *binary)
{
	int moved[LISTEN_MAX];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		run_fail("/dev/null: %s", strerror(errno));
	*binary = fcntl(*binary, F_DUPFD_CLOEXEC, 64);
	for (size_t i = 0; i < d->listeners.n; i++)
		moved[i] = fcntl(d->listeners.fds[i].fd, F_DUPFD_CLOEXEC, 64);
	for (size_t i = 0; i < d->listeners.n; i++)
		if (moved[i] < 0 || dup2(moved[i], FIRST_FD + (int)i) < 0)
			run_fail("descriptors: %s", strerror(errno));
	/* what the launcher itself inherited stays behind */
	(void)close_range(
	    FIRST_FD + (unsigned)d->listeners.n, ~0u, CLOSE_RANGE_CLOEXEC);
}

static void exec_daemon(const struct run *run, const struct run_daemon *d,
    int binary) __attribute__((noreturn));

static void
exec_daemon(const struct run *run, const struct run_daemon *d, int binary)
{
	static const enum role peers[] = { ROLE_FRONTEND, ROLE_AUTHD,
		ROLE_EGRESS, ROLE_SECRETD, ROLE_CTL };
	char *argv[20];
	size_t n = 0;

	argv[n++] = mem_printf("doorward-%s", role_name(d->role));
	argv[n++] = mem_strdup("--config");
	argv[n++] = mem_strdup(run->config);
	argv[n++] = mem_strdup("--run-dir");
	argv[n++] = mem_strdup(run->run_dir);
	argv[n++] = mem_strdup("--state-dir");
	argv[n++] = mem_strdup(d->state_dir);
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		argv[n++] = mem_strdup("--peer");
		argv[n++] = mem_printf(
		    "%s=%u", role_name(peers[i]), run->users[peers[i]].uid);
	}
	argv[n] = NULL;
	(void)execv(d->binary, argv);
	/* The folders above it may be closed to this user. */
	if (errno == EACCES)
		(void)fexecve(binary, argv, environ);
	run_fail("%s: %s", d->binary, strerror(errno));
}

void
run_child_start(struct run *run, struct run_daemon *d)
{
	pid_t self = getpid(), pid;
	int binary = open(d->binary, O_RDONLY | O_CLOEXEC);
	sigset_t none;

	if (binary < 0)
		run_fail("%s: %s", d->binary, strerror(errno));
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		run_fail("fork: %s", strerror(errno));
	if (pid > 0) {
		(void)close(binary);
		d->pid = pid;
		d->ready = false;
		d->started_ms = clock_mono_ms();
		return;
	}
	/* A group of its own: Ctrl-C reaches the launcher alone, which ends
	 * the daemons in order. */
	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(077);
	place_listeners(d, &binary);
	set_environment(d);
	run_user_become(run, d->role);
	/* after the change of user, which clears it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != self)
		_exit(1);
	exec_daemon(run, d, binary);
}

bool
run_child_notified(struct run_daemon *d)
{
	char text[512];
	ssize_t n;
	bool ready = false;

	while ((n = recv(d->notify_fd, text, sizeof(text) - 1, 0)) > 0) {
		struct slice rest = { text, (size_t)n };

		while (rest.p != NULL)
			if (slice_is(slice_cut(&rest, '\n'), "READY=1"))
				ready = true;
	}
	return ready;
}
