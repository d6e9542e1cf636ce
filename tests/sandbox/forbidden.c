/*
 * System calls that no role may make: each must end the process with SIGSYS.
 * Arguments are harmless, so that a call that gets through does nothing.
 */
#include "tests/sandbox/forbidden.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sandbox.h"

#define CALL(name, ...)               \
	static void name(void)        \
	{                             \
		syscall(__VA_ARGS__); \
	}

CALL(do_execve, SYS_execve, "/bin/true", NULL, NULL)
CALL(do_execveat, SYS_execveat, -1, "/bin/true", NULL, NULL, 0)
CALL(do_ptrace, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
CALL(do_bind, SYS_bind, -1, NULL, 0)
CALL(do_listen, SYS_listen, -1, 1)
CALL(do_io_uring, SYS_io_uring_setup, 1, NULL)
CALL(do_bpf, SYS_bpf, 0, NULL, 0)
CALL(do_userfaultfd, SYS_userfaultfd, 0)
CALL(do_keyctl, SYS_keyctl, 0, 0, 0, 0, 0)
CALL(do_add_key, SYS_add_key, NULL, NULL, NULL, 0, 0)
CALL(do_request_key, SYS_request_key, NULL, NULL, NULL, 0)
CALL(do_vm_readv, SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)
CALL(do_vm_writev, SYS_process_vm_writev, 1, NULL, 0, NULL, 0, 0)
CALL(do_kexec, SYS_kexec_load, 0, 0, NULL, 0)
CALL(do_mount, SYS_mount, NULL, NULL, NULL, 0, NULL)
CALL(do_umount, SYS_umount2, NULL, 0)
CALL(do_pivot_root, SYS_pivot_root, NULL, NULL)
CALL(do_chroot, SYS_chroot, "/")
CALL(do_setns, SYS_setns, -1, 0)
CALL(do_unshare, SYS_unshare, CLONE_NEWUSER)
CALL(do_newuser, SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL)
CALL(do_thread, SYS_clone,
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL,
    NULL, NULL, NULL)
CALL(do_handle, SYS_open_by_handle_at, -1, NULL, 0)
CALL(do_openat2, SYS_openat2, AT_FDCWD, "/", NULL, 0)
CALL(do_fchmod, SYS_fchmod, -1, 04755)
CALL(do_perf, SYS_perf_event_open, NULL, 0, 0, -1, 0)
CALL(do_memfd, SYS_memfd_create, "x", 0)
CALL(do_module, SYS_init_module, NULL, 0, NULL)
CALL(do_setuid, SYS_setuid, 65534)
CALL(do_setgroups, SYS_setgroups, 0, NULL)
CALL(do_capset, SYS_capset, NULL, NULL)
CALL(do_pidfd_open, SYS_pidfd_open, 1, 0)
CALL(do_pidfd_getfd, SYS_pidfd_getfd, -1, 0, 0)
CALL(do_inotify, SYS_inotify_init1, 0)
CALL(do_personality, SYS_personality, 0xffffffffu)
CALL(do_linkat, SYS_linkat, AT_FDCWD, "", AT_FDCWD, "", 0)
CALL(do_symlinkat, SYS_symlinkat, "", AT_FDCWD, "")
CALL(do_mkdirat, SYS_mkdirat, AT_FDCWD, "", 0)
CALL(do_fchownat, SYS_fchownat, AT_FDCWD, "", 0, 0, 0)
CALL(do_pkey_mprotect, SYS_pkey_mprotect, NULL, 0, PROT_EXEC, -1)
CALL(do_shmget, SYS_shmget, 1, 4096, 0)
CALL(do_sigqueue, SYS_rt_sigqueueinfo, 1, 0, NULL)
CALL(do_kill_stop, SYS_kill, 1, SIGSTOP)
CALL(do_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
CALL(do_packet, SYS_socket, AF_PACKET, SOCK_RAW, 0)
CALL(do_vsock, SYS_socket, AF_VSOCK, SOCK_STREAM, 0)
CALL(do_alg, SYS_socket, AF_ALG, SOCK_SEQPACKET, 0)
CALL(do_unix_dgram, SYS_socket, AF_UNIX, SOCK_DGRAM, 0)
CALL(do_inet_raw, SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP)
CALL(do_sctp, SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_SCTP)
CALL(
    do_attach_filter, SYS_setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 0)
CALL(do_redirect, SYS_fcntl, 0, F_SETOWN, 1)
CALL(do_tty, SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x")
CALL(do_dumpable, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
CALL(do_memfd_secret, SYS_memfd_secret, O_CLOEXEC)
CALL(do_keepcaps, SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0)

static void
do_mprotect_exec(void)
{
	/* Got before the filter of this process, if anybody could. */
	static char page[8192] __attribute__((aligned(4096)));

	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void
do_mmap_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)p;
}

#define ROW(name)                   \
	{                           \
#name, do_##name, 0 \
	}

/* clang-format off */
const struct forbidden forbidden_calls[] = {
	ROW(execve), ROW(execveat), ROW(ptrace), ROW(mprotect_exec),
	ROW(mmap_exec), ROW(bind), ROW(listen), ROW(io_uring), ROW(bpf),
	ROW(userfaultfd), ROW(keyctl), ROW(add_key), ROW(request_key),
	ROW(vm_readv), ROW(vm_writev), ROW(kexec), ROW(mount), ROW(umount),
	ROW(pivot_root), ROW(chroot), ROW(setns), ROW(unshare), ROW(newuser),
	ROW(thread), ROW(handle), ROW(perf), ROW(memfd),
	ROW(module), ROW(setuid), ROW(setgroups), ROW(capset),
	ROW(pidfd_open), ROW(pidfd_getfd), ROW(inotify), ROW(personality),
	ROW(linkat), ROW(symlinkat), ROW(mkdirat), ROW(fchownat),
	ROW(pkey_mprotect), ROW(shmget), ROW(sigqueue), ROW(kill_stop),
	ROW(netlink), ROW(packet), ROW(vsock), ROW(alg), ROW(unix_dgram),
	ROW(inet_raw), ROW(sctp), ROW(attach_filter), ROW(redirect), ROW(tty),
	ROW(dumpable), ROW(keepcaps),
	{ "openat2", do_openat2, 1u << SANDBOX_SECRETD },
	{ "fchmod setuid", do_fchmod, 1u << SANDBOX_AUTHD },
	{ "memfd_secret", do_memfd_secret, 1u << SANDBOX_SECRETD | 1u << SANDBOX_FRONTEND_PARENT },
};
/* clang-format on */
const size_t n_forbidden_calls =
    sizeof(forbidden_calls) / sizeof(forbidden_calls[0]);
