/*
 * Sessions that end together: every egress is told of each of them, and whoever
 * ended them hears once, when all of it is acknowledged.
 */
#ifndef AUTHD_ENDING_H
#define AUTHD_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"

struct ending;
struct revokes;

/* all: as of revokes_push, of every session. */
typedef void ending_done_fn(bool all, void *arg);
struct ending *ending_new(
    struct revokes *revokes, ending_done_fn *done, void *arg);
/* One that is deleted. A sessions_evicted_fn; arg: the ending. */
void ending_add(const uint8_t handle[MSG_HANDLE_LEN], void *arg);
/* It is given up: done is not called. None has been added. */
void ending_free(struct ending *e);
/* No more come. done is called once, within REVOKE_WAIT_MS; when none came, at
 * once, from within this call. The ending is gone then. */
void ending_wait(struct ending *e);

#endif
