/*
 * The cookie screening keys for the frontends: those of every epoch in which a
 * session that may still live can have begun, and of the epoch that comes next.
 */
#ifndef AUTHD_SCREEN_H
#define AUTHD_SCREEN_H

#include <stdint.h>

#include "common/ticket.h"

struct keys;

/* Fills *out for sessions that live at most longest_s; returns when to ask
 * again, in seconds. Where not all keys fit, those of the newest session key
 * and the newest epochs come first (a frontend then asks about a cookie that it
 * does not know, rather than drop it). */
uint32_t screen_keys(struct ticket_keys *out, const struct keys *keys,
    uint32_t longest_s, int64_t now);

#endif
