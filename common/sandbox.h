/*
 * The confinement of a process: no_new_privs, undumpable, rlimits, landlock
 * and a default-kill seccomp filter; then a check that all of them hold.
 * Everything fails closed: a layer that cannot be applied ends the process.
 *
 * Which role may make which system call, and why: sandbox_rules.c.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/* More than enum role: the parents that fork have a filter of their own, to
 * which the child's is added. */
enum sandbox_role {
	SANDBOX_FRONTEND_PARENT, /* forks workers, reads nothing from outside */
	SANDBOX_FRONTEND,
	SANDBOX_AUTHD,
	SANDBOX_EGRESS,
	SANDBOX_SECRETD, /* may fork signers */
	SANDBOX_SIGNER,
	SANDBOX_ROLE_COUNT
};

enum sandbox_access {
	SANDBOX_READ = 1,  /* files below may be read, folders listed */
	SANDBOX_WRITE = 2, /* files below may be made, written, removed */
};

struct sandbox_path {
	const char
	    *path; /* file or folder; one that does not exist is skipped */
	unsigned access;
};

struct sandbox {
	enum sandbox_role role;
	const struct sandbox_path *paths; /* all other paths are closed */
	size_t n_paths;
	const uint16_t *tcp_connect_ports; /* ABI 4+: all others are closed; */
	size_t n_tcp_connect_ports;	   /* none given: none allowed */
	size_t max_fds;			   /* RLIMIT_NOFILE; 0: 1024 */
};

/* Refuses to run as root or with supplementary root group. Enters all layers
 * and verifies them; logs one line at info with what holds (landlock ABI,
 * seccomp, limits). Fatal otherwise. */
void sandbox_enter(const struct sandbox *spec);
/* For a forked child: adds the child's own, tighter filter and limits. */
void sandbox_tighten(const struct sandbox *spec);
/* "seccomp landlock-7 ..." or "none (sanitizer build)", for status. */
const char *sandbox_describe(void);

#endif
