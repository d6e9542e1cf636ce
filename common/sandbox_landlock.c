/*
 * Landlock by raw system calls, with constants of our own: the headers of
 * Debian 12 know ABI 2 only, its kernel too, Debian 13's ABI 6. Everything the
 * kernel can handle is handled, so what is not given in the specification is
 * closed. Not covered by any ABI up to 7: UDP, stat, and connecting to Unix
 * sockets that have a path; seccomp and file modes cover those.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sandbox_parts.h"

#define ABI_NEWEST 7
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2

#define FS_EXECUTE (1u << 0)
#define FS_WRITE_FILE (1u << 1)
#define FS_READ_FILE (1u << 2)
#define FS_READ_DIR (1u << 3)
#define FS_REMOVE_FILE (1u << 5)
#define FS_MAKE_REG (1u << 8)
#define FS_ALL_1 ((1u << 13) - 1)
#define FS_REFER (1u << 13)	/* ABI 2 */
#define FS_TRUNCATE (1u << 14)	/* ABI 3 */
#define FS_IOCTL_DEV (1u << 15) /* ABI 5 */
#define FS_ON_FILES \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

#define NET_BIND_TCP (1u << 0) /* ABI 4 */
#define NET_CONNECT_TCP (1u << 1)

#define SCOPE_ABSTRACT_UNIX (1u << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1u << 1)

/* The kernel's struct landlock_ruleset_attr as of ABI 6; older kernels are
 * told the shorter size that they know. */
struct ruleset {
	uint64_t fs, net, scoped;
};
struct path_rule {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));
struct port_rule {
	uint64_t access, port;
};

static long
call_create(const struct ruleset *attr, size_t size, unsigned flags)
{
	return syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

static long
call_add_rule(int ruleset, int type, const void *rule)
{
	return syscall(SYS_landlock_add_rule, ruleset, type, rule, 0u);
}

int
sandbox_landlock_abi(void)
{
	long abi = call_create(NULL, 0, CREATE_RULESET_VERSION);

	if (abi < 0)
		return -errno;
	return abi > ABI_NEWEST ? ABI_NEWEST : (int)abi;
}

static uint64_t
fs_known(int abi)
{
	uint64_t fs = FS_ALL_1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static int
create(int abi)
{
	struct ruleset attr = { .fs = fs_known(abi) };
	size_t size = sizeof(attr.fs);
	long fd;

	if (abi >= 4) {
		attr.net = NET_BIND_TCP | NET_CONNECT_TCP;
		size += sizeof(attr.net);
	}
	if (abi >= 6) {
		/* Signals to this process's own, further confined children
		 * stay possible: their domain lies inside this one. */
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
		size += sizeof(attr.scoped);
	}
	fd = call_create(&attr, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

static uint64_t
access_bits(unsigned access)
{
	uint64_t bits = 0;

	if (access & SANDBOX_READ)
		bits |= FS_READ_FILE | FS_READ_DIR;
	if (access & SANDBOX_WRITE)
		bits |=
		    FS_WRITE_FILE | FS_MAKE_REG | FS_REMOVE_FILE | FS_TRUNCATE;
	return bits;
}

static int
add_path(int ruleset, const struct sandbox_path *path, int abi)
{
	struct path_rule rule = { .access = access_bits(path->access) };
	struct stat st;
	int r = 0;

	rule.fd = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (fstat(rule.fd, &st) < 0)
		r = -errno;
	if (r == 0 && !S_ISDIR(st.st_mode))
		rule.access &= FS_ON_FILES;
	rule.access &= fs_known(abi);
	if (r == 0 && call_add_rule(ruleset, RULE_PATH_BENEATH, &rule) < 0)
		r = -errno;
	close(rule.fd);
	return r;
}

static int
add_port(int ruleset, uint16_t port)
{
	struct port_rule rule = { .access = NET_CONNECT_TCP, .port = port };

	return call_add_rule(ruleset, RULE_NET_PORT, &rule) < 0 ? -errno : 0;
}

int
sandbox_landlock_apply(const struct sandbox *spec, int abi)
{
	int ruleset = create(abi);
	int r = 0;

	if (ruleset < 0)
		return ruleset;
	for (size_t i = 0; r == 0 && i < spec->n_paths; i++)
		r = add_path(ruleset, &spec->paths[i], abi);
	for (size_t i = 0; abi >= 4 && r == 0 && i < spec->n_tcp_connect_ports;
	     i++)
		r = add_port(ruleset, spec->tcp_connect_ports[i]);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0u) < 0)
		r = -errno;
	close(ruleset);
	return r;
}
