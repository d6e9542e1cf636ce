/*
 * Which role may make which system call, and why. Two tables: whole system
 * calls, grouped by who needs them, and those that are allowed for some
 * arguments only. What stands in neither kills the process.
 *
 * A forked child has its parent's filter and its own: so a parent's column
 * holds all that its child needs, and what only the parent may do (fork, wait,
 * kill, confine) is in groups of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <seccomp.h>

#include "common/sandbox_parts.h"

#define P (1u << SANDBOX_FRONTEND_PARENT)
#define F (1u << SANDBOX_FRONTEND)
#define A (1u << SANDBOX_AUTHD)
#define E (1u << SANDBOX_EGRESS)
#define S (1u << SANDBOX_SECRETD)
#define G (1u << SANDBOX_SIGNER)
#define ALL (P | F | A | E | S | G)
#define PARENTS (P | S)
#define CHILDREN (F | G)

struct rule {
	int nr;
	unsigned roles;
};

/* clang-format off */
static const struct rule rules[] = {
	/* descriptors that are open already, and the end */
	{ SCMP_SYS(read), ALL },
	{ SCMP_SYS(write), ALL },
	{ SCMP_SYS(readv), ALL },
	{ SCMP_SYS(writev), ALL },
	{ SCMP_SYS(close), ALL },
	{ SCMP_SYS(fstat), ALL },
	{ SCMP_SYS(exit), ALL },
	{ SCMP_SYS(exit_group), ALL },
	{ SCMP_SYS(restart_syscall), ALL },

	/* allocator, and common/secret (mmap, mprotect: arguments below) */
	{ SCMP_SYS(brk), ALL },
	{ SCMP_SYS(munmap), ALL },
	{ SCMP_SYS(mremap), ALL },
	{ SCMP_SYS(madvise), ALL },
	{ SCMP_SYS(mlock), ALL },
	{ SCMP_SYS(mlock2), ALL },
	{ SCMP_SYS(munlock), ALL },

	/* C library and OpenSSL: locks, fork detection, random numbers; qsort
	 * asks sysinfo for the size of memory */
	{ SCMP_SYS(futex), ALL },
	{ SCMP_SYS(sched_yield), ALL },
	{ SCMP_SYS(getrandom), ALL },
	{ SCMP_SYS(getpid), ALL },
	{ SCMP_SYS(gettid), ALL },
	{ SCMP_SYS(getuid), ALL },
	{ SCMP_SYS(geteuid), ALL },
	{ SCMP_SYS(getgid), ALL },
	{ SCMP_SYS(getegid), ALL },
	{ SCMP_SYS(sysinfo), ALL },

	/* clocks, where the vDSO has no answer */
	{ SCMP_SYS(clock_gettime), ALL },
	{ SCMP_SYS(gettimeofday), ALL },
	{ SCMP_SYS(time), ALL },

	/* event loop and signals (libevent) */
	{ SCMP_SYS(epoll_ctl), ALL },
	{ SCMP_SYS(epoll_wait), ALL },
	{ SCMP_SYS(epoll_pwait), ALL },
	{ SCMP_SYS(poll), ALL },
	{ SCMP_SYS(ppoll), ALL },
	{ SCMP_SYS(rt_sigaction), ALL },
	{ SCMP_SYS(rt_sigprocmask), ALL },
	{ SCMP_SYS(rt_sigreturn), ALL },

	/* a forked child makes its own event loop, and closes the parent's */
	{ SCMP_SYS(epoll_create1), PARENTS | CHILDREN },
	{ SCMP_SYS(pipe2), PARENTS | CHILDREN },
	{ SCMP_SYS(close_range), PARENTS | CHILDREN },

	/* channels and connections */
	{ SCMP_SYS(recvmsg), ALL },
	{ SCMP_SYS(sendmsg), ALL },
	{ SCMP_SYS(recvfrom), ALL },
	{ SCMP_SYS(sendto), ALL },
	{ SCMP_SYS(shutdown), ALL },
	{ SCMP_SYS(getsockopt), ALL },
	{ SCMP_SYS(getsockname), ALL },
	{ SCMP_SYS(getpeername), ALL },
	{ SCMP_SYS(accept4), P | F | A | E | S },
	{ SCMP_SYS(connect), P | F | A | E },

	/* secretd: the secret folders (openat: read-only, below); a parent's
	 * child looks what kind of file the log goes to */
	{ SCMP_SYS(newfstatat), A | S | P },
	{ SCMP_SYS(lseek), A | S },
	/* below a secrets folder and not out of it by a link: how is behind a
	 * pointer, so landlock alone keeps this to reading */
	{ SCMP_SYS(openat2), S },
	/* folders of secrets that appear later */
	{ SCMP_SYS(inotify_add_watch), S },

	/* SQLite in its state folder; curl reads the CA bundle; landlock says
	 * which files */
	{ SCMP_SYS(openat), A },
	{ SCMP_SYS(access), A },
	{ SCMP_SYS(faccessat), A },
	{ SCMP_SYS(readlink), A },
	{ SCMP_SYS(readlinkat), A },
	{ SCMP_SYS(statx), A },
	{ SCMP_SYS(pread64), A },
	{ SCMP_SYS(pwrite64), A },
	{ SCMP_SYS(fsync), A | S },
	{ SCMP_SYS(fdatasync), A },
	{ SCMP_SYS(ftruncate), A | PARENTS },
	{ SCMP_SYS(fchmod), A },
	{ SCMP_SYS(unlink), A },
	{ SCMP_SYS(unlinkat), A },
	/* a damaged session store is moved aside; secretd replaces its keyring
	 * (fsync above, fchmod and openat below) */
	{ SCMP_SYS(rename), A | S },
	{ SCMP_SYS(renameat), A | S },
	{ SCMP_SYS(renameat2), A | S },
	/* curl */
	{ SCMP_SYS(uname), A },

	/* parents: look after children (clone, kill: below) */
	{ SCMP_SYS(wait4), PARENTS },
	{ SCMP_SYS(waitid), PARENTS },
	/* the child of a fork: its C library, and watching for its parent */
	{ SCMP_SYS(set_robust_list), PARENTS },
	{ SCMP_SYS(getppid), PARENTS | CHILDREN },
	/* a child makes its own memory for secrets (ftruncate: above) */
	{ SCMP_SYS(memfd_secret), PARENTS },
	/* a child confines itself further; these can only take rights away */
	{ SCMP_SYS(seccomp), PARENTS },
	{ SCMP_SYS(landlock_create_ruleset), PARENTS },
	{ SCMP_SYS(landlock_add_rule), PARENTS },
	{ SCMP_SYS(landlock_restrict_self), PARENTS },
};

struct argument {
	unsigned index;
	uint64_t mask, value; /* (argument & mask) == value */
};
struct argument_rule {
	int nr;
	unsigned roles;
	int error; /* 0: allowed, else this errno */
	struct argument args[3]; /* up to the first mask 0; all must hold */
};

/* Arguments are compared with the width of the kernel's type: the upper half
 * of a register that carries an int is not looked at. */
#define INT 0xffffffffu
#define IS(i, v) { (i), INT, (v) }
#define BITS(i, m, v) { (i), (m), (v) }
#define NOEXEC(i) BITS(i, PROT_EXEC, 0)
#define KIND 0xfu /* socket type without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define FORK_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)
#define PRCTL_SET_VMA 0x53564d41
#define PRCTL_GET_MDWE 66
#define OPEN_FOR_WRITING \
	(O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

static const struct argument_rule argument_rules[] = {
	/* memory is never executable */
	{ SCMP_SYS(mmap), ALL, 0, { NOEXEC(2) } },
	{ SCMP_SYS(mprotect), ALL, 0, { NOEXEC(2) } },

	/* flags of descriptors; record locks are SQLite's */
	{ SCMP_SYS(fcntl), ALL, 0, { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), ALL, 0, { IS(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), ALL, 0, { IS(1, F_GETFL) } },
	{ SCMP_SYS(fcntl), ALL, 0, { IS(1, F_SETFL) } },
	{ SCMP_SYS(fcntl), ALL, 0, { IS(1, F_DUPFD_CLOEXEC) } },
	{ SCMP_SYS(fcntl), A, 0, { IS(1, F_GETLK) } },
	{ SCMP_SYS(fcntl), A, 0, { IS(1, F_SETLK) } },
	{ SCMP_SYS(fcntl), A, 0, { IS(1, F_SETLKW) } },

	/* libevent asks how much can be read */
	{ SCMP_SYS(ioctl), P | F | A | E, 0, { IS(1, FIONREAD) } },

	/* Unix sockets to other daemons */
	{ SCMP_SYS(socket), P | F | A | E, 0, { IS(0, AF_UNIX), BITS(1, KIND, SOCK_SEQPACKET), IS(2, 0) } },
	{ SCMP_SYS(socket), P | F, 0, { IS(0, AF_UNIX), BITS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	/* authd and egress: HTTPS and the console; DNS */
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET), BITS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET), BITS(1, KIND, SOCK_STREAM), IS(2, IPPROTO_TCP) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET), BITS(1, KIND, SOCK_DGRAM), IS(2, 0) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET), BITS(1, KIND, SOCK_DGRAM), IS(2, IPPROTO_UDP) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET6), BITS(1, KIND, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET6), BITS(1, KIND, SOCK_STREAM), IS(2, IPPROTO_TCP) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET6), BITS(1, KIND, SOCK_DGRAM), IS(2, 0) } },
	{ SCMP_SYS(socket), A | E, 0, { IS(0, AF_INET6), BITS(1, KIND, SOCK_DGRAM), IS(2, IPPROTO_UDP) } },
	/* secretd makes the channels to its signers, the frontend's parent
	 * those to its workers; curl wakes itself up */
	{ SCMP_SYS(socketpair), P | S, 0, { IS(0, AF_UNIX), BITS(1, KIND, SOCK_SEQPACKET), IS(2, 0) } },
	{ SCMP_SYS(socketpair), A, 0, { IS(0, AF_UNIX), BITS(1, KIND, SOCK_STREAM), IS(2, 0) } },

	/* socket options: no filters (SO_ATTACH_*), no other protocol levels */
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, SOL_SOCKET), IS(2, SO_LINGER) } },
	{ SCMP_SYS(setsockopt), ALL, 0, { IS(1, SOL_SOCKET), IS(2, SO_SNDBUF) } },
	{ SCMP_SYS(setsockopt), ALL, 0, { IS(1, SOL_SOCKET), IS(2, SO_RCVBUF) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPIDLE) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPINTVL) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPCNT) } },
	{ SCMP_SYS(setsockopt), P | F | A | E, 0, { IS(1, IPPROTO_TCP), IS(2, TCP_USER_TIMEOUT) } },

	/* secretd reads, and writes a new file; landlock says where */
	{ SCMP_SYS(openat), S, 0, { BITS(2, OPEN_FOR_WRITING, O_RDONLY) } },
	{ SCMP_SYS(openat), S, 0, { BITS(2, OPEN_FOR_WRITING, O_WRONLY | O_CREAT | O_TRUNC), IS(3, 0600) } },
	{ SCMP_SYS(fchmod), S, 0, { IS(1, 0600) } },

	/* exactly what fork(3) asks for: no thread, no namespace, no vfork */
	{ SCMP_SYS(clone), PARENTS, 0, { IS(0, FORK_FLAGS) } },
	{ SCMP_SYS(kill), PARENTS, 0, { IS(1, SIGTERM) } },
	{ SCMP_SYS(kill), PARENTS, 0, { IS(1, SIGKILL) } },
	{ SCMP_SYS(kill), PARENTS, 0, { IS(1, SIGHUP) } },
	{ SCMP_SYS(kill), PARENTS, 0, { IS(1, SIGUSR1) } },

	/* the sandbox looks whether it holds; a child tightens it */
	{ SCMP_SYS(prctl), ALL, 0, { IS(0, PR_GET_SECCOMP) } },
	{ SCMP_SYS(prctl), ALL, 0, { IS(0, PR_GET_NO_NEW_PRIVS) } },
	{ SCMP_SYS(prctl), ALL, 0, { IS(0, PR_GET_DUMPABLE) } },
	{ SCMP_SYS(prctl), PARENTS, 0, { IS(0, PR_SET_NO_NEW_PRIVS) } },
	{ SCMP_SYS(prctl), PARENTS, 0, { IS(0, PR_SET_DUMPABLE), IS(1, 0) } },
	{ SCMP_SYS(prctl), PARENTS, 0, { IS(0, PR_SET_PDEATHSIG) } },
	{ SCMP_SYS(prctl), PARENTS, 0, { IS(0, PR_SET_NAME) } },
	{ SCMP_SYS(prlimit64), PARENTS, 0, { IS(0, 0) } },
	/* a child opens a file to see that it cannot: landlock says no */
	{ SCMP_SYS(openat), P, 0, { BITS(2, OPEN_FOR_WRITING, O_RDONLY) } },

	/* harmless probes: the C library falls back to clone */
	{ SCMP_SYS(clone3), ALL, ENOSYS, { { 0 } } },
	/* newer C libraries name their mappings */
	{ SCMP_SYS(prctl), ALL, EINVAL, { IS(0, PRCTL_SET_VMA) } },
	/* abort(3) cannot signal, and ends itself with a trap instead */
	{ SCMP_SYS(tgkill), ALL, EPERM, { { 0 } } },
};
/* clang-format on */

static int
add_whole(scmp_filter_ctx ctx, const struct rule *r)
{
	/* A call that this architecture does not have has no number. */
	if (r->nr < 0)
		return 0;
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->nr, 0, NULL);
}

static int
add_by_arguments(scmp_filter_ctx ctx, const struct argument_rule *r)
{
	uint32_t action =
	    r->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)r->error);
	struct scmp_arg_cmp cmp[3];
	unsigned n = 0;

	if (r->nr < 0)
		return 0;
	for (; n < 3 && r->args[n].mask != 0; n++)
		cmp[n] = (struct scmp_arg_cmp){ .arg = r->args[n].index,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = r->args[n].mask,
			.datum_b = r->args[n].value };
	return seccomp_rule_add_array(ctx, action, r->nr, n, cmp);
}

static int
add_probe(scmp_filter_ctx ctx, enum sandbox_role role)
{
	struct scmp_arg_cmp probe = {
		.arg = 0, .op = SCMP_CMP_EQ, .datum_a = SANDBOX_PROBE
	};

	return seccomp_rule_add_array(ctx,
	    SCMP_ACT_ERRNO(SANDBOX_PROBE_ERRNO + (uint32_t)role),
	    SCMP_SYS(prctl), 1, &probe);
}

static int
fill(scmp_filter_ctx ctx, enum sandbox_role role)
{
	unsigned role_bit = 1u << role;
	int r = add_probe(ctx, role);

	for (size_t i = 0; r == 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].roles & role_bit)
			r = add_whole(ctx, &rules[i]);
	for (size_t i = 0;
	     r == 0 && i < sizeof(argument_rules) / sizeof(argument_rules[0]);
	     i++)
		if (argument_rules[i].roles & role_bit)
			r = add_by_arguments(ctx, &argument_rules[i]);
	return r;
}

int
sandbox_rules_load(enum sandbox_role role)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = seccomp_attr_set(
	    ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0) /* set and verified already by sandbox.c */
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = fill(ctx, role);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
