/*
 * The worker processes: forked by the parent, watched, forked again when one
 * crashes, with a back-off. The parent reads nothing that a client sent.
 */
#ifndef FRONTEND_WORKERS_H
#define FRONTEND_WORKERS_H

#include <stddef.h>

#include "frontend/worker.h"

struct event_base;
struct workers;

/* Before the sandbox: installs the signal handler. start is copied, its
 * lifeline and stats are set here. */
struct workers *workers_new(
    struct event_base *base, const struct worker_start *start, size_t n);
/* Forks all of them; in the sandbox. */
void workers_start(struct workers *ws);
/* Tells them to drain; ends the loop of base when all are gone. */
void workers_stop(struct workers *ws);
/* Lines "key: value\n" for MSG_STATUS; returns the length. */
size_t workers_status(const struct workers *ws, char *dst, size_t cap);

#endif
