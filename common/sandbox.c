/*
 * Puts the layers of the sandbox on, in an order in which each can still be
 * applied, and looks at each afterwards. Everything fails closed: log_fatal is
 * the only way out of a layer that does not hold. Must not know what a daemon
 * does: the specification says what stays open, sandbox_rules.c which system
 * calls a role may make.
 */
#include "common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox_parts.h"
#include "common/secret.h"

#ifdef DW_NO_SANDBOX

void
sandbox_enter(const struct sandbox *spec)
{
	(void)spec;
	secret_setup();
	/* systemd sets this for every service that it starts. */
	if (getenv("INVOCATION_ID") != NULL)
		log_fatal("sandbox: this is a sanitizer build, which has no "
			  "sandbox; it does not run as an installed service");
	log_warn("sandbox: none, this is a sanitizer build for tests");
}

void
sandbox_tighten(const struct sandbox *spec)
{
	(void)spec;
	secret_setup();
}

const char *
sandbox_describe(void)
{
	return "none (sanitizer build)";
}

#else /* !DW_NO_SANDBOX */

#define MAX_FDS_DEFAULT 1024
#define GROUPS_MAX 256

/* Not in Debian 12's headers; Linux 6.3. */
#define DW_PR_SET_MDWE 65
#define DW_PR_GET_MDWE 66
#define DW_MDWE_REFUSE_EXEC_GAIN 1ul

#define BIT(role) (1u << SANDBOX_##role)
#define NEVER_FORKS (BIT(FRONTEND) | BIT(AUTHD) | BIT(EGRESS) | BIT(SIGNER))
#define WRITES_NO_FILE (BIT(FRONTEND) | BIT(EGRESS) | BIT(SIGNER))
/* The keyring has some 10 KB. The children of both make memory for secrets
 * (common/secret.c), which the kernel counts as files. */
#define WRITES_SMALL_FILES (BIT(FRONTEND_PARENT) | BIT(SECRETD))
#define SMALL_FILE_MAX 65536
#define EVERY_ROLE ((1u << SANDBOX_ROLE_COUNT) - 1)

static char description[128] = "none yet";

static void
describe_add(const char *word)
{
	size_t len = strlen(description);

	snprintf(description + len, sizeof(description) - len, "%s%s",
	    len > 0 ? " " : "", word);
}

static void
refuse_root(void)
{
	uid_t uid[3];
	gid_t gid[3], groups[GROUPS_MAX];
	int n;

	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 ||
	    getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		log_fatal(
		    "sandbox: cannot read the user id: %s", strerror(errno));
	n = getgroups(GROUPS_MAX, groups);
	if (n < 0)
		log_fatal(
		    "sandbox: cannot read the groups: %s", strerror(errno));
	for (int i = 0; i < 3; i++)
		if (uid[i] == 0 || gid[i] == 0)
			log_fatal("sandbox: refuses to run as root; start it "
				  "by its systemd unit or by \"doorward run\"");
	for (int i = 0; i < n; i++)
		if (groups[i] == 0)
			log_fatal("sandbox: refuses to run with the "
				  "supplementary group root");
}

static bool
has_no_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];

	memset(data, 0xff, sizeof(data));
	return syscall(SYS_capget, &head, data) == 0 &&
	    (data[0].permitted | data[1].permitted | data[0].effective |
		data[1].effective | data[0].inheritable |
		data[1].inheritable) == 0;
}

/* A unit that gives none also forbids the call that would drop them. */
static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];

	if (has_no_capabilities())
		return;
	memset(data, 0, sizeof(data));
	if (syscall(SYS_capset, &head, data) < 0)
		log_fatal(
		    "sandbox: cannot drop capabilities: %s", strerror(errno));
	if (!has_no_capabilities())
		log_fatal("sandbox: capabilities are left after dropping them");
}

static void
set_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) < 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0ul, 0ul, 0ul, 0ul) != 1)
		log_fatal(
		    "sandbox: no_new_privs cannot be set: %s", strerror(errno));
	describe_add("no-new-privs");
}

static void
set_undumpable(void)
{
	if (prctl(PR_SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul) < 0 ||
	    prctl(PR_GET_DUMPABLE, 0ul, 0ul, 0ul, 0ul) != 0)
		log_fatal("sandbox: the process cannot be made undumpable: %s",
		    strerror(errno));
	describe_add("undumpable");
}

/* Memory that is not executable never becomes so. The seccomp filter says the
 * same; this also covers what a filter cannot see. Inherited by children. */
static void
set_mdwe(void)
{
	if (prctl(DW_PR_SET_MDWE, DW_MDWE_REFUSE_EXEC_GAIN, 0ul, 0ul, 0ul) <
	    0) {
		if (errno == EINVAL) /* Linux before 6.3 */
			return;
		log_fatal("sandbox: memory-deny-write-execute is refused: %s",
		    strerror(errno));
	}
	if (prctl(DW_PR_GET_MDWE, 0ul, 0ul, 0ul, 0ul) !=
	    (int)DW_MDWE_REFUSE_EXEC_GAIN)
		log_fatal("sandbox: memory-deny-write-execute does not hold");
	describe_add("mdwe");
}

static void
limit(int resource, rlim_t value, const char *name)
{
	const struct rlimit unknown = { RLIM_INFINITY, RLIM_INFINITY };
	__rlimit_resource_t which = (__rlimit_resource_t)resource;
	struct rlimit want, now = unknown;

	if (getrlimit(which, &now) < 0)
		log_fatal("sandbox: cannot read the limit %s: %s", name,
		    strerror(errno));
	want.rlim_cur = want.rlim_max =
	    value < now.rlim_max ? value : now.rlim_max;
	now = unknown;
	if (setrlimit(which, &want) < 0 || getrlimit(which, &now) < 0 ||
	    now.rlim_max > value || now.rlim_cur != now.rlim_max)
		log_fatal("sandbox: cannot set the limit %s: %s", name,
		    strerror(errno));
	if (now.rlim_max < value)
		log_warn("sandbox: limit %s is %llu, %llu would be needed for "
			 "the configured number of connections",
		    name, (unsigned long long)now.rlim_max,
		    (unsigned long long)value);
}

/* Somebody may have sent the log to a file: a file size limit of 0 would end
 * the process with its next line. */
static bool
logs_to_file(void)
{
	struct stat st;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	return false;
}

static void
limit_file_sizes(enum sandbox_role role)
{
	bool none = WRITES_NO_FILE & (1u << role);
	bool small = WRITES_SMALL_FILES & (1u << role);

	if ((!none && !small) || logs_to_file())
		return;
	limit(RLIMIT_FSIZE, none ? 0 : SMALL_FILE_MAX, "fsize");
	describe_add(none ? "no-file-writes" : "small-files");
}

static void
set_limits(const struct sandbox *spec)
{
	static const struct {
		int resource;
		unsigned roles;
		rlim_t value;
		const char *name;
	} limits[] = {
		{ RLIMIT_CORE, EVERY_ROLE, 0, "core" },
		/* Counted per user, but checked only when this process forks:
		 * 0 is right even when the daemons share one uid. */
		{ RLIMIT_NPROC, NEVER_FORKS, 0, "nproc" },
		{ RLIMIT_MSGQUEUE, EVERY_ROLE, 0, "msgqueue" },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].roles & (1u << spec->role))
			limit(limits[i].resource, limits[i].value,
			    limits[i].name);
	limit(RLIMIT_NOFILE,
	    spec->max_fds > 0 ? spec->max_fds : MAX_FDS_DEFAULT, "nofile");
	describe_add("rlimits");
	limit_file_sizes(spec->role);
}

/* The root folder, which everybody may list, is in no specification. */
static void
verify_files_closed(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != EACCES)
		log_fatal("sandbox: landlock does not hold: the root folder "
			  "can be opened");
}

static void
close_files(const struct sandbox *spec)
{
	char word[24];
	int abi = sandbox_landlock_abi();
	int r;

	if (abi < 1)
		log_fatal("sandbox: no landlock: %s; Linux 5.13 or newer with "
			  "landlock switched on is needed (kernel parameter "
			  "lsm=landlock,...; SystemCallFilter= of the unit)",
		    strerror(abi < 0 ? -abi : ENOSYS));
	r = sandbox_landlock_apply(spec, abi);
	if (r < 0)
		log_fatal(
		    "sandbox: landlock cannot be applied: %s", strerror(-r));
	verify_files_closed();
	snprintf(word, sizeof(word), "landlock-%d", abi);
	describe_add(word);
}

static void
close_system_calls(const struct sandbox *spec)
{
	int r = sandbox_rules_load(spec->role);

	if (r < 0)
		log_fatal("sandbox: the seccomp filter cannot be loaded: %s",
		    strerror(-r));
	if (prctl(PR_GET_SECCOMP, 0ul, 0ul, 0ul, 0ul) != SECCOMP_MODE_FILTER ||
	    prctl(SANDBOX_PROBE, 0ul, 0ul, 0ul, 0ul) != -1 ||
	    errno != SANDBOX_PROBE_ERRNO + (int)spec->role)
		log_fatal("sandbox: the seccomp filter does not hold");
	describe_add("seccomp");
}

/* While it can still be had. */
static void
set_secret_memory(void)
{
	secret_setup();
	describe_add(secret_memory());
}

static void
confine(const struct sandbox *spec)
{
	set_secret_memory();
	set_no_new_privs();
	set_undumpable();
	set_limits(spec);
	close_files(spec);
	close_system_calls(spec);
}

void
sandbox_enter(const struct sandbox *spec)
{
	description[0] = '\0';
	tzset(); /* else the first gmtime_r(3) opens /etc/localtime */
	refuse_root();
	drop_capabilities();
	set_mdwe();
	confine(spec);
	log_info("sandbox: %s", description);
}

void
sandbox_tighten(const struct sandbox *spec)
{
	description[0] = '\0';
	confine(spec);
	log_debug("sandbox: %s", description);
}

const char *
sandbox_describe(void)
{
	return description;
}

#endif
