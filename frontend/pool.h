/*
 * Idle connections to egress, kept for the next exchange. One that says
 * anything while it is idle, or closes, is dropped.
 */
#ifndef FRONTEND_POOL_H
#define FRONTEND_POOL_H

#include <stddef.h>

struct conn;
struct event_base;
struct pool;

#define POOL_IDLE_MAX 32
#define POOL_IDLE_MS 30000

struct pool *pool_new(void);
/* The connection used last, or NULL. The caller sets itself as its owner. */
struct conn *pool_take(struct pool *p);
/* Takes the connection over; frees it when there are enough. */
void pool_give(struct pool *p, struct conn *c);

#endif
