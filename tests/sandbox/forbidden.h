/* The list of system calls that kill whatever the role is, but for a few. */
#ifndef TESTS_SANDBOX_FORBIDDEN_H
#define TESTS_SANDBOX_FORBIDDEN_H

#include <stddef.h>

struct forbidden {
	const char *name;
	void (*call)(void);
	unsigned but; /* roles that may: mask of 1 << enum sandbox_role */
};

extern const struct forbidden forbidden_calls[];
extern const size_t n_forbidden_calls;

#endif
