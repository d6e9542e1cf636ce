#include "frontend/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/conn.h"
#include "common/mem.h"

struct pool {
	struct conn *idle[POOL_IDLE_MAX]; /* the newest last */
	size_t n;
};

struct pool *
pool_new(void)
{
	return mem_new(sizeof(struct pool));
}

static void
pool_drop(struct conn *c, void *arg)
{
	struct pool *p = arg;
	size_t i = 0;

	while (i < p->n && p->idle[i] != c)
		i++;
	assert(i < p->n);
	p->n--;
	memmove(&p->idle[i], &p->idle[i + 1], (p->n - i) * sizeof(p->idle[0]));
	conn_free(c);
}

static void
on_failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)why;
	pool_drop(c, arg);
}

static const struct conn_ops idle_ops = {
	.readable = pool_drop,
	.ended = pool_drop,
	.failed = on_failed,
};

struct conn *
pool_take(struct pool *p)
{
	struct conn *c;

	if (p->n == 0)
		return NULL;
	c = p->idle[--p->n];
	conn_deadline(c, 0);
	return c;
}

void
pool_give(struct pool *p, struct conn *c)
{
	if (p->n == POOL_IDLE_MAX) {
		conn_free(c);
		return;
	}
	p->idle[p->n++] = c;
	conn_set_owner(c, &idle_ops, p);
	conn_deadline(c, POOL_IDLE_MS);
}
