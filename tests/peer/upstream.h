/*
 * The console behind egress, as a child that answers every request alike and
 * writes down what came, in memory that the tests share. It also judges each
 * head: below /api nothing may come without the one good token, and no
 * Authorization may hold anything else.
 */
#ifndef TESTS_PEER_UPSTREAM_H
#define TESTS_PEER_UPSTREAM_H

#include <stddef.h>
#include <stdint.h>

#define UPSTREAM_HEAD_MAX 40000

struct upstream {
	char token[4096]; /* the good one; set it before the first request */
	volatile unsigned requests;
	volatile unsigned unlawful; /* heads that should never have come */
	volatile size_t bytes;
	char head[UPSTREAM_HEAD_MAX]; /* the last, NUL-terminated */
};

/* Paths that begin with this are never answered. */
#define UPSTREAM_SILENT "/silent"

extern struct upstream *upstream;

/* Listens on 127.0.0.1 and returns the port. */
uint16_t upstream_start(void);
void upstream_stop(void);
/* A listener that nobody is to reach: how often somebody did. */
uint16_t elsewhere_start(void);
unsigned elsewhere_visits(void);

#endif
