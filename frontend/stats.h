/*
 * What a worker counts, in anonymous memory that it shares with its parent, so
 * that the parent can answer for all of them without a channel to each. One
 * writer per slot, one reader; nothing in it is ever used as an index or size.
 */
#ifndef FRONTEND_STATS_H
#define FRONTEND_STATS_H

#include <stddef.h>
#include <stdint.h>

#define STATS_LIST(X)                                      \
	X(accepted)	 /* connections */                 \
	X(open)		 /* connections, now */            \
	X(refused_full)	 /* over the cap of one address */ \
	X(refused_plain) /* plain HTTP from elsewhere */   \
	X(handshake_failures)                              \
	X(requests)                                        \
	X(bad_requests) /* refused by the HTTP gate */     \
	X(own_answers)                                     \
	X(exchanges)                                       \
	X(exchanges_open) /* now */                        \
	X(denied)	  /* by egress */                  \
	X(truncated)	  /* responses cut short */        \
	X(pool_reused)	  /* exchanges on a pooled connection */

struct stats {
#define X(name) _Atomic uint64_t name;
	STATS_LIST(X)
#undef X
	_Atomic int64_t certificate_until_s; /* 0: there is none */
};

/* n slots, shared with every child that is forked later. */
struct stats *stats_new(size_t n);
/* Adds up the slots: lines "name: value\n", and when the first certificate in
 * use ends. Returns the length. */
size_t stats_text(const struct stats *at, size_t n, char *dst, size_t cap);

#define STATS_UP(stats, name) ((void)(stats)->name++)
#define STATS_DOWN(stats, name) ((void)(stats)->name--)

#endif
