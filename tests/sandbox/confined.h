/*
 * Runs a function in a child that has put a sandbox on, and says how it ended.
 * The tests of the sandbox use it instead of check's own fork, because a
 * confined child can report nothing but its exit status.
 */
#ifndef TESTS_SANDBOX_CONFINED_H
#define TESTS_SANDBOX_CONFINED_H

#include <stdbool.h>

#include "common/sandbox.h"

struct outcome {
	int status;	/* of waitpid */
	char log[2048]; /* what it wrote to standard output and error */
};

/* Returns 0 when all is well; else a number that says where it failed. */
typedef int confined_fn(const void *arg);

/* An unprivileged user in place of root; nothing when not root. */
void confined_drop_root(void);
/* before (may be NULL) runs unconfined, as the unprivileged user. */
struct outcome confined_run(const struct sandbox *spec, void (*before)(void),
    confined_fn *inside, const void *arg);
/* The same, but the child stays who the test is. */
struct outcome confined_run_as_is(const struct sandbox *spec,
    void (*before)(void), confined_fn *inside, const void *arg);

bool outcome_is_good(const struct outcome *o);
bool outcome_is_killed(const struct outcome *o); /* by SIGSYS */
bool outcome_is_refused(const struct outcome *o, const char *words);

const char *sandbox_role_label(enum sandbox_role role);

#endif
