/*
 * The keys that the frontend's workers seal TLS session tickets with. Random,
 * only in memory, a new one every four hours, the two before it still open
 * tickets. A restart costs resumptions and nothing else.
 */
#ifndef SECRETD_TICKETS_H
#define SECRETD_TICKETS_H

#include <stdint.h>

#include "common/wire.h"

struct tickets;

#define TICKETS_PERIOD_MS (4 * 3600 * 1000)
#define TICKETS_MAX 3

/* now_ms: a monotonic clock. */
struct tickets *tickets_new(int64_t now_ms);
void tickets_free(struct tickets *t); /* wipes; NULL allowed */
/* The payload of MSG_TICKET_KEYS_RESULT; makes new keys when it is time. */
void tickets_put(struct tickets *t, int64_t now_ms, struct wire_writer *w);

#endif
