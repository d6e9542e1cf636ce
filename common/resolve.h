/*
 * Names to addresses without threads, NSS modules or open files: libevent's
 * evdns, which reads /etc/resolv.conf and /etc/hosts once, before the sandbox.
 */
#ifndef COMMON_RESOLVE_H
#define COMMON_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct resolve;

#define RESOLVE_MAX 8

struct resolve_address {
	struct sockaddr_storage address;
	socklen_t len;
};

/* Before the sandbox. */
struct resolve *resolve_new(struct event_base *base);
/* The same with other files than those of /etc. A name server may be written
 * with a port. */
struct resolve *resolve_new_files(
    struct event_base *base, const char *resolv_conf, const char *hosts);
/* Queries that still wait are forgotten: done is not called. */
void resolve_free(struct resolve *r);

typedef void resolve_fn(
    int err, const struct resolve_address *at, size_t n, void *arg);
/* host: name, IPv4 or IPv6 (no brackets). Numeric hosts need no server, and
 * "localhost" is always 127.0.0.1 and ::1. done is
 * called exactly once, from the loop: 0 and 1..RESOLVE_MAX addresses, or
 * ERR_NOT_FOUND or ERR_TIMEOUT (5 s). Answers are kept for 10 s. Returns a
 * handle for resolve_cancel, good until done has been called. */
struct resolve_query *resolve_host(struct resolve *r, const char *host,
    uint16_t port, resolve_fn *done, void *arg);
/* done is not called any more. NULL allowed. */
void resolve_cancel(struct resolve_query *q);

#endif
