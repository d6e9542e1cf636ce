/* The list of system calls that kill whatever the role is. */
#ifndef TESTS_SANDBOX_FORBIDDEN_H
#define TESTS_SANDBOX_FORBIDDEN_H

#include <stddef.h>

struct forbidden {
	const char *name;
	void (*call)(void);
};

extern const struct forbidden forbidden_calls[];
extern const size_t n_forbidden_calls;

#endif
