/*
 * One exchange at a time, for a front (front.h) that brings the requests:
 *
 *   IDLE --request--> LEASE --allowed--> CONNECT --connected--> RELAY
 *     ^                 |                  |                      |
 *     |               deny               deny                both ends
 *     +-----------------+------------------+----------------------+
 *
 *   From RELAY: a response that is over before the request body leads to DROP,
 *   and back to IDLE when the rest of the body has come and been dropped.
 * Whatever fails after the response head has gone out closes the front, which
 * its client sees.
 *
 * SECURITY: the decision is made here, for every front, from front->q alone.
 */
#ifndef EGRESS_EXCHANGE_H
#define EGRESS_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct egress;
struct evbuffer;
struct exchange;
struct front;

/* Idle. The front outlives it. */
struct exchange *exchange_new(struct egress *eg, struct front *front);
/* At any time, also from a callback of front.h; what is under way is cut off.
 * NULL allowed. */
void exchange_free(struct exchange *x);

bool exchange_is_idle(const struct exchange *x);
/* Only when idle: begins with the request that is in front->q and stays there
 * until front->ops->over. The front may be gone when this returns. */
void exchange_start(struct exchange *x);

/* May bytes of the request body be handed over now? When that becomes true
 * again, front->ops->resume is called. */
bool exchange_takes_body(const struct exchange *x);
/* Only while exchange_takes_body: takes len bytes of payload from in.
 * ERR_PROTOCOL: more than was declared, or after the end. */
int exchange_body(struct exchange *x, struct evbuffer *in, size_t len)
    __attribute__((warn_unused_result));
/* ERR_PROTOCOL: less than was declared, or a second end. */
int exchange_body_end(struct exchange *x) __attribute__((warn_unused_result));

/* After front->ops->over that was not clean: the rest of the request has come
 * and is of no use. Idle again. */
void exchange_dropped(struct exchange *x);

/* The front's output has fallen below FRONT_LOW_WATER. */
void exchange_drained(struct exchange *x);

#endif
