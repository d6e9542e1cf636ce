/*
 * What the parts of egress share. egress owns every connection to an upstream:
 * it asks authd whether a credential may pass (lease.h), adds what the upstream
 * is to see (inject.h), and relays (exchange.h) between those who ask (front.h)
 * and pooled connections (upstream.h).
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings.h"
#include "egress/inject.h"

struct event_base;
struct resolve;
struct chan;
struct leases;
struct trust;
struct secrets;
struct held;
struct service;

struct egress {
	struct event_base *base;
	const struct settings *settings;
	struct resolve *resolve;
	struct chan *authd; /* NULL with strategy anonymous */
	struct leases *leases;
	struct trust *trust;
	struct secrets *secrets;
	/* By enum service_id, NULL when not in use; then the console:
	 * services_get. */
	struct service *services[SERVICE_COUNT + 1];
	bool has_additional_ca;	  /* one has come */
	uint64_t revoke_sequence; /* of the last revocation, 0: none yet */
	int64_t started_s;
	uint32_t head_ms; /* from a whole request to the response's head */
	size_t max_open;  /* frontend connections, each with an upstream's */
	uint64_t n_open;
	uint64_t n_local; /* connections of the local listener */
	bool local_is_unix;
	struct held *local_token; /* the slot egress-token, on TCP */
	uint64_t n_requests, n_denied, n_failed;
	/* One head is encoded here at a time, then copied to its connection at
	 * its true size: room for the largest in every output would be paged
	 * in and given back with each request. */
	uint8_t scratch[INJECT_HEAD_MAX];
};

#endif
