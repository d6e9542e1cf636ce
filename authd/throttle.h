/*
 * Slows down whoever keeps offering bad tokens: per client address (IPv6: per
 * /64) with exponential back-off, and over all addresses with a budget that
 * refills. A bounded table; time is given by the caller. Bad tokens are
 * 1,000-bit guesses, so this protects the cluster from the noise rather than
 * the tokens from being guessed: established sessions and API clients are
 * never affected.
 */
#ifndef AUTHD_THROTTLE_H
#define AUTHD_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"

#define THROTTLE_FREE 8		  /* failures without a wait */
#define THROTTLE_MAX_MS 30000	  /* the longest wait */
#define THROTTLE_FORGET_MS 600000 /* after which an address is new again */
#define THROTTLE_GLOBAL 100	  /* failures at once, over all addresses; */
#define THROTTLE_GLOBAL_PER_S 10  /* that many come back each second */

struct throttle;
struct throttle *throttle_new(void);
void throttle_free(struct throttle *t);

/* client: "address:port", "[address]:port" or a bare address, as the frontend
 * says; text that is no address counts as one address of its own. now_ms:
 * CLOCK_MONOTONIC. */
bool throttle_allows(struct throttle *t, struct slice client, int64_t now_ms);
void throttle_failed(struct throttle *t, struct slice client, int64_t now_ms);
/* The same for what nobody else was asked about: its address has to wait, but
 * it takes nothing from the budget of all, or whoever has many addresses could
 * lock everybody out with noise. */
void throttle_failed_here(
    struct throttle *t, struct slice client, int64_t now_ms);
void throttle_succeeded(struct throttle *t, struct slice client);

#endif
