/*
 * doorward run: one user per daemon. As root each daemon gets the system user
 * doorward-<role>, or else an uid of its own that owns nothing; otherwise all
 * run as the caller.
 */
#include "ctl/run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"

static struct run_user
user_of(const struct run *run, enum role role)
{
	char *name = mem_printf("doorward-%s", role_name(role));
	const struct passwd *pw = getpwnam(name);
	uint32_t own = run->uid_base + (uint32_t)role;

	free(name);
	if (pw != NULL && pw->pw_uid != 0)
		return (struct run_user){ pw->pw_uid, pw->pw_gid };
	return (struct run_user){ own, own };
}

void
run_users_choose(struct run *run)
{
	run->as_root = geteuid() == 0;
	for (int role = 0; role < ROLE_COUNT; role++)
		run->users[role] = (struct run_user){ geteuid(), getegid() };
	if (!run->as_root)
		return;
	for (size_t i = 0; i < RUN_DAEMONS; i++)
		run->users[run_order[i]] = user_of(run, run_order[i]);
}

void
run_user_become(const struct run *run, enum role role)
{
	const struct run_user *u = &run->users[role];

	if (!run->as_root)
		return;
	if (setgroups(0, NULL) != 0 || setresgid(u->gid, u->gid, u->gid) != 0 ||
	    setresuid(u->uid, u->uid, u->uid) != 0 || getuid() != u->uid ||
	    geteuid() != u->uid || setuid(0) == 0)
		run_fail("cannot become uid %u: %s", u->uid, strerror(errno));
}

/* In a child that has become the user. A parent folder that is closed to it
 * gives EACCES as well, so both are named. */
static bool
can_read(enum role role, const char *what, const char *file)
{
	int fd;

	if (file[0] == '\0')
		return true;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		(void)close(fd);
		return true;
	}
	(void)fprintf(stderr,
	    "doorward run: %s cannot read %s %s as uid %u: %s%s\n",
	    role_name(role), what, file, geteuid(), strerror(errno),
	    errno == EACCES
		? " (look at the file's owner and mode, and at the folders "
		  "above it)"
		: "");
	return false;
}

static bool
can_read_all(const struct run *run, enum role role)
{
	const struct settings *s = run->settings;
	bool good = can_read(role, "the configuration", run->config);

	if (role == ROLE_SECRETD) {
		good = can_read(role, "the certificate", s->cert_file) && good;
		good = can_read(role, "the private key", s->key_file) && good;
		if (s->signing_key[0] == '/')
			good =
			    can_read(role, "the signing key", s->signing_key) &&
			    good;
	} else if (role == ROLE_AUTHD) {
		good = can_read(role, "the key set", s->jwks_file) && good;
		good =
		    can_read(role, "the certificates", s->api_ca_file) && good;
	} else if (role == ROLE_EGRESS) {
		good = can_read(role, "the certificates", s->console_ca_file) &&
		    good;
	}
	return good;
}

void
run_users_check(const struct run *run)
{
	bool good = true;

	for (size_t i = 0; i < RUN_DAEMONS; i++) {
		pid_t pid = fork();
		int status = 1;

		if (pid < 0)
			run_fail("fork: %s", strerror(errno));
		if (pid == 0) {
			run_user_become(run, run_order[i]);
			_exit(can_read_all(run, run_order[i]) ? 0 : 1);
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		good = good && status == 0;
	}
	if (!good)
		run_fail("not started: files are missing or not readable");
}
