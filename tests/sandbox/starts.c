/*
 * Each case puts an outer seccomp filter around the process that makes one
 * layer's system call fail, or say that it worked without doing anything;
 * the start must then fail with a sentence about that layer.
 */
#include "tests/sandbox/starts.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <seccomp.h>

#define NOBODY 65534
#define LIES 0 /* the call does nothing and returns 0 */

static void
outer_filter(int nr, int error, int64_t first_argument)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	struct scmp_arg_cmp cmp = {
		.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)first_argument
	};

	if (ctx == NULL ||
	    seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO((uint32_t)error), nr,
		first_argument >= 0 ? 1 : 0, &cmp) < 0 ||
	    seccomp_load(ctx) < 0) {
		perror("outer filter");
		_exit(97);
	}
	seccomp_release(ctx);
}

#define OUTER(name, nr, error, argument)                     \
	static void name(void)                               \
	{                                                    \
		outer_filter(SCMP_SYS(nr), error, argument); \
	}

OUTER(no_landlock, landlock_create_ruleset, ENOSYS, -1)
OUTER(no_landlock_rules, landlock_add_rule, EPERM, -1)
OUTER(no_landlock_restrict, landlock_restrict_self, EPERM, -1)
OUTER(landlock_lies, landlock_restrict_self, LIES, -1)
OUTER(no_no_new_privs, prctl, EPERM, PR_SET_NO_NEW_PRIVS)
OUTER(no_undumpable, prctl, EPERM, PR_SET_DUMPABLE)
OUTER(no_mdwe, prctl, EPERM, 65)
OUTER(mdwe_lies, prctl, LIES, 65)
OUTER(no_limits, prlimit64, EPERM, -1)
OUTER(limits_lie, prlimit64, LIES, -1)
OUTER(no_capget, capget, EPERM, -1)
OUTER(no_capset, capset, EPERM, -1)

/* Changing the user has made the process undumpable already. */
static void
undumpable_lies(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	outer_filter(SCMP_SYS(prctl), LIES, PR_SET_DUMPABLE);
}

/* libseccomp uses one where the other is missing: both must go. The call that
 * is left over loads the second filter. */
static void
no_seccomp(void)
{
	outer_filter(SCMP_SYS(prctl), EPERM, PR_SET_SECCOMP);
	outer_filter(SCMP_SYS(seccomp), EPERM, -1);
}

static void
seccomp_lies(void)
{
	outer_filter(SCMP_SYS(prctl), LIES, PR_SET_SECCOMP);
	outer_filter(SCMP_SYS(seccomp), LIES, -1);
}

static void
root_group(void)
{
	gid_t root = 0;

	if (setgroups(1, &root) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(96);
}

static void
saved_root(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, 0) < 0)
		_exit(96);
}

/* clang-format off */
const struct start starts[] = {
	{ "root", true, NULL, "refuses to run as root" },
	{ "supplementary group root", true, root_group, "group root" },
	{ "saved uid root", true, saved_root, "refuses to run as root" },
	{ "no landlock", false, no_landlock, "no landlock" },
	{ "no landlock rules", false, no_landlock_rules, "landlock cannot be applied" },
	{ "no landlock restriction", false, no_landlock_restrict, "landlock cannot be applied" },
	{ "landlock without effect", false, landlock_lies, "landlock does not hold" },
	{ "no seccomp", false, no_seccomp, "filter cannot be loaded" },
	{ "seccomp without effect", false, seccomp_lies, "seccomp filter" },
	{ "no no_new_privs", false, no_no_new_privs, "no_new_privs cannot be set" },
	{ "not undumpable", false, no_undumpable, "undumpable" },
	{ "undumpable without effect", false, undumpable_lies, "undumpable" },
	{ "no memory-deny-write-execute", false, no_mdwe, "memory-deny-write-execute" },
	{ "memory-deny-write-execute without effect", false, mdwe_lies, "memory-deny-write-execute" },
	{ "no limits", false, no_limits, "limit" },
	{ "limits without effect", false, limits_lie, "limit" },
	{ "capabilities that cannot be seen", false, no_capget, "capabilities" },
	/* as the units have it */
	{ "no capabilities, and no way to drop them", false, no_capset, NULL },
};
/* clang-format on */
const size_t n_starts = sizeof(starts) / sizeof(starts[0]);
