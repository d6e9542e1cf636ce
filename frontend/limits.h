/*
 * How many connections one client address holds: IPv4 by address, IPv6 by /64,
 * since one host commands that many.
 */
#ifndef FRONTEND_LIMITS_H
#define FRONTEND_LIMITS_H

#include <stdint.h>
#include <sys/socket.h>

struct limits;
struct limits_slot;

struct limits *limits_new(uint32_t max_per_address);
void limits_free(struct limits *l);
/* NULL: this address holds its share already. Given back by limits_leave. */
struct limits_slot *limits_enter(
    struct limits *l, const struct sockaddr *address);
void limits_leave(struct limits *l, struct limits_slot *slot);

#endif
