/* See ending.h. */
#include "authd/ending.h"

#include <stdlib.h>

#include "common/mem.h"

#include "authd/revoke.h"

struct ending {
	struct revokes *revokes;
	ending_done_fn *done;
	void *arg;
	size_t waits; /* revocations on their way, and one for ending_wait */
	bool lacking; /* an egress has not acknowledged */
};

struct ending *
ending_new(struct revokes *revokes, ending_done_fn *done, void *arg)
{
	struct ending *e = mem_new(sizeof(*e));

	e->revokes = revokes;
	e->done = done;
	e->arg = arg;
	e->waits = 1;
	return e;
}

static void
one_less(struct ending *e)
{
	if (--e->waits > 0)
		return;
	e->done(!e->lacking, e->arg);
	free(e);
}

static void
acknowledged(bool all, void *arg)
{
	struct ending *e = arg;

	if (!all)
		e->lacking = true;
	one_less(e);
}

void
ending_add(const uint8_t handle[MSG_HANDLE_LEN], void *arg)
{
	struct ending *e = arg;

	e->waits++;
	revokes_push(e->revokes, REVOKE_SESSION, handle, acknowledged, e);
}

void
ending_free(struct ending *e)
{
	free(e);
}

void
ending_wait(struct ending *e)
{
	one_less(e);
}
