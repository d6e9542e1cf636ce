/*
 * The parts of the sandbox that sandbox.c puts together: the seccomp filter of
 * a role (sandbox_rules.c) and landlock (sandbox_landlock.c). Nobody else
 * includes this but the tests of the sandbox.
 */
#ifndef COMMON_SANDBOX_PARTS_H
#define COMMON_SANDBOX_PARTS_H

#include "common/sandbox.h"

/* Loads the filter of the role, on top of those that are there. Needs
 * no_new_privs. 0 or a negative errno. To show that the filter in force is the
 * role's, prctl(SANDBOX_PROBE) fails with SANDBOX_PROBE_ERRNO + role, which no
 * kernel and no outer filter answers. */
#define SANDBOX_PROBE 0x44776f72
#define SANDBOX_PROBE_ERRNO 3000
int sandbox_rules_load(enum sandbox_role role)
    __attribute__((warn_unused_result));

/* The landlock ABI of this kernel, at most the newest known here (7), or a
 * negative errno. */
int sandbox_landlock_abi(void);
/* Closes the file system but for spec->paths, and, where the ABI has it, TCP
 * but for connections to spec's ports, abstract Unix sockets and signals to
 * processes outside. Needs no_new_privs. 0 or a negative errno. */
int sandbox_landlock_apply(const struct sandbox *spec, int abi)
    __attribute__((warn_unused_result));

#endif
