/* Children for the tests of the sandbox; see confined.h. */
#include "tests/sandbox/confined.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

void
confined_drop_root(void)
{
	if (getuid() != 0)
		return;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0) {
		perror("confined_drop_root");
		_exit(99);
	}
}

static void
collect(int fd, struct outcome *o)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, o->log + len, sizeof(o->log) - 1 - len)) > 0)
		len += (size_t)n;
	o->log[len] = '\0';
	close(fd);
}

struct outcome
confined_run_as_is(const struct sandbox *spec, void (*before)(void),
    confined_fn *inside, const void *arg)
{
	struct outcome o = { 0 };
	int out[2];
	pid_t pid;

	if (pipe(out) < 0 || (pid = fork()) < 0) {
		perror("confined_run");
		exit(99);
	}
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		signal(SIGTERM, SIG_DFL); /* check has a handler */
		alarm(20);
		if (before != NULL)
			before();
		sandbox_enter(spec);
		_exit(inside != NULL ? inside(arg) : 0);
	}
	close(out[1]);
	collect(out[0], &o);
	while (waitpid(pid, &o.status, 0) < 0 && errno == EINTR)
		;
	return o;
}

static void (*wanted_before)(void);

static void
drop_then_before(void)
{
	confined_drop_root();
	if (wanted_before != NULL)
		wanted_before();
}

struct outcome
confined_run(const struct sandbox *spec, void (*before)(void),
    confined_fn *inside, const void *arg)
{
	wanted_before = before;
	return confined_run_as_is(spec, drop_then_before, inside, arg);
}

bool
outcome_is_good(const struct outcome *o)
{
	return WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0;
}

bool
outcome_is_killed(const struct outcome *o)
{
	return WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGSYS;
}

bool
outcome_is_refused(const struct outcome *o, const char *words)
{
	return WIFEXITED(o->status) && WEXITSTATUS(o->status) == 1 &&
	    strstr(o->log, words) != NULL;
}

const char *
sandbox_role_label(enum sandbox_role role)
{
	static const char *const labels[] = { "frontend parent", "frontend",
		"authd", "egress", "secretd", "signer" };

	return labels[role];
}
