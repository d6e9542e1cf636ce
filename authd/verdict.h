/*
 * Outcomes of a token check with their sentence for the person who logs in:
 * what is wrong and what to do. The sentences repeat nothing that the token
 * says except its time of expiry.
 */
#ifndef AUTHD_VERDICT_H
#define AUTHD_VERDICT_H

#include <stdint.h>

#include "authd/token.h"

struct settings;

/* who is already set; expires: unix s or 0. */
void verdict_ok(struct token_result *r, int64_t expires);
void verdict_expired(
    struct token_result *r, const struct settings *s, int64_t expired);
/* The cluster did not accept it. */
void verdict_rejected(struct token_result *r, const struct settings *s);
/* Offline: why completes "The token ...". */
void verdict_refused(
    struct token_result *r, const struct settings *s, const char *why);
/* It cannot be a token at all. */
void verdict_malformed(struct token_result *r, const struct settings *s);
void verdict_no_namespace(struct token_result *r);
void verdict_unavailable(struct token_result *r);
void verdict_busy(struct token_result *r);

#endif
