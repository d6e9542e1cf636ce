/*
 * One HTTP POST over a fresh connection, for token endpoints: small, bounded in
 * size and time, and nothing of what was sent or received stays in memory.
 */
#ifndef EGRESS_POST_H
#define EGRESS_POST_H

#include <stdint.h>

#include "common/text.h"

struct upstream;
struct post;

#define POST_ANSWER_MAX 65536 /* head and body */

/* err 0: the status and the body, borrowed until the callback returns; else
 * ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_LIMIT or ERR_FORMAT (no proper answer). */
typedef void post_fn(int err, unsigned status, struct slice body, void *arg);

/* request: head and body, copied. done is called later, exactly once. */
struct post *post_start(struct upstream *to, struct slice request,
    uint32_t timeout_ms, post_fn *done, void *arg);
void post_cancel(struct post *p); /* NULL allowed */

#endif
