/* Starts in which a layer of the sandbox cannot be applied. */
#ifndef TESTS_SANDBOX_STARTS_H
#define TESTS_SANDBOX_STARTS_H

#include <stdbool.h>
#include <stddef.h>

struct start {
	const char *name;
	bool as_root;	      /* stays root; left out when the test is not */
	void (*before)(void); /* takes the layer away */
	const char *words; /* that the refusal must contain; NULL: it starts */
};

extern const struct start starts[];
extern const size_t n_starts;

#endif
