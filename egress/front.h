/*
 * Where requests come from and answers go: a connection that speaks frames with
 * a frontend (front_frames.h) or HTTP with a local client (front_http.h). A
 * front parses and frames; it decides nothing (exchange.h does).
 */
#ifndef EGRESS_FRONT_H
#define EGRESS_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/frame.h"
#include "common/msg.h"
#include "common/settings.h"
#include "egress/body.h"

struct conn;
struct egress;
struct exchange;
struct front;

#define FRONT_HIGH_WATER (256 * 1024) /* bytes that wait for a slow side */
#define FRONT_LOW_WATER (64 * 1024)

/* Called by the exchange, also from within calls that the front makes. Only in
 * over, resume and abort may a front free itself and its exchange. */
struct front_ops {
	/* The route of front->q. */
	struct route (*route)(struct front *f);
	/* Answers without an upstream; instead of response. */
	void (*deny)(struct front *f, enum deny why);
	/* There is an upstream to take the body; once per request with one. */
	void (*proceed)(struct front *f);
	/* Sends the response's head and sets front->put for its body.
	 * ERR_FORMAT: it does not fit; ERR_DENIED: not for the client. */
	int (*response)(struct front *f, const struct frame_response *a);
	/* The response is complete. */
	void (*end)(struct front *f);
	/* The exchange is over and front->q no longer used. clean: the request
	 * was complete, the next may be started. */
	void (*over)(struct front *f, bool clean);
	/* exchange_takes_body again. */
	void (*resume)(struct front *f);
	/* Close at once: the response that has begun cannot be finished. */
	void (*abort)(struct front *f);
};

struct front {
	const struct front_ops *ops;
	struct egress *eg;
	struct conn *conn;
	struct exchange *x;
	struct frame_request q; /* the request under way */
	body_put *put;		/* how the response's body is written */
	char client[MSG_CLIENT_MAX + 1]; /* "192.0.2.1:4711", for the log */
};

#endif
