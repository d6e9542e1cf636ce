/*
 * Token checks with a short memory: at most one check in flight per token, a
 * bounded number over all, and answers kept for as long as sessions and API
 * clients may use them; a login always asks. All of them ask here, so that no
 * flood of tokens reaches the cluster. Tokens are known by their SHA-256 alone.
 */
#ifndef AUTHD_CHECKS_H
#define AUTHD_CHECKS_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/text.h"

#include "authd/token.h"

#define CHECKS_KEPT 10000   /* answers remembered */
#define CHECKS_IN_FLIGHT 64 /* of which sessions alone may use the last 16 */
#define CHECKS_FOR_GUESTS 48
#define CHECKS_WAITING 64 /* who wait for one token's answer */
#define CHECKS_NEGATIVE_MS 5000
#define CHECKS_UNDECIDED_MS 1000

struct event_base;
struct checks;

/* A positive answer is kept for recheck_s (at least 1), or to the token's end.
 * verifier is borrowed. */
struct checks *checks_new(struct token_verifier *verifier, uint32_t recheck_s);
void checks_free(struct checks *c);

/* The answer that is still good, or NULL. Borrowed until the loop runs on. */
const struct token_result *checks_known(
    struct checks *c, const uint8_t handle[MSG_HANDLE_LEN]);
/* For how long a known answer may still be used, in ms. */
uint32_t checks_known_ms(
    struct checks *c, const uint8_t handle[MSG_HANDLE_LEN]);

enum check_for { CHECK_GUEST, CHECK_SESSION };
/* Asks, or joins a check of the same token that runs. handle is the token's
 * SHA-256. done comes exactly once, from the loop, later than this call.
 * ERR_LIMIT: too many are running or waiting; done will not be called. */
int checks_ask(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN],
    struct slice token, enum check_for who, token_checked_fn *done, void *arg)
    __attribute__((warn_unused_result));
size_t checks_in_flight(const struct checks *c);
size_t checks_kept(const struct checks *c);

#endif
