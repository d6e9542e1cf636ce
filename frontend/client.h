/*
 * One client connection, plain or TLS: reads heads, hands each request to the
 * own endpoints (own.h) or to an exchange with egress (exchange.h), one after
 * the other, and writes nothing itself but refusals.
 *
 *   HANDSHAKE -> IDLE -> HEAD -> SCREENING -> OWN | EXCHANGE -> IDLE | closed
 */
#ifndef FRONTEND_CLIENT_H
#define FRONTEND_CLIENT_H

#include <stdbool.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "common/http/http.h"
#include "frontend/reply.h"
#include "frontend/request.h"
#include "frontend/screen.h"
#include "frontend/worker.h"

struct conn;
struct exchange;
struct limits_slot;
struct own;

enum client_state {
	CLIENT_HANDSHAKE,
	CLIENT_IDLE,	  /* no byte of a next request yet */
	CLIENT_HEAD,	  /* some */
	CLIENT_SCREENING, /* waits for the cookie screening keys */
	CLIENT_OWN,
	CLIENT_EXCHANGE,
};

struct client {
	TAILQ_ENTRY(client) link;
	struct worker *w;
	struct conn *conn;
	enum client_state state;
	bool tls, used, ended; /* ended: the client has finished sending */
	struct http_scan scan;
	struct event next; /* looks at what is left in the input */
	struct screen_waiter waiter;
	struct request *req; /* NULL between requests */
	struct own *own;
	struct exchange *exchange;
};

/* Output of this size stops whatever makes more of it. */
#define CLIENT_OUTPUT_HIGH (256 * 1024)
#define CLIENT_BODY_RATE 1024
#define CLIENT_BODY_PERIOD_MS 10000

/* Takes a connected descriptor. slot may be NULL. */
void client_new(struct worker *w, int fd, struct limits_slot *slot);
void client_free(struct client *c);

/* All of these may free the client: the caller must not use it afterwards. */

/* Answers the current request with r. */
void client_reply(struct client *c, const struct reply *r);
/* Answers with the status: a page for a navigation, else "<reason>\n" as
 * Kiali's middleware. allow: methods, for a 405. */
void client_reply_status(struct client *c, unsigned status, bool drop_cookie,
    unsigned allow, unsigned retry_after_s);
/* The same with words of its own: they say to a person more than the status
 * does. title and text as in pages.h; without markup. */
void client_reply_sentence(
    struct client *c, unsigned status, const char *title, const char *text);
/* The request has been answered; goes on with the next or closes. */
void client_done(struct client *c);
/* The answer cannot be completed: makes that visible. reset: the end of the
 * connection would else look like the end of the body. */
void client_abort(struct client *c, bool reset);
/* What the own endpoint was asked is not for it: goes on as if it were not
 * there. Only for a request without a body, before an answer has begun. */
void client_pass_on(struct client *c);
/* Refuses what was sent and closes. Only before an answer has begun. */
void client_refuse(struct client *c, unsigned status);
/* No new requests: closes idle connections, the others after their answer. */
void client_drain(struct client *c);

/* Sends 100 Continue if the client waits for it. */
void client_continue(struct client *c);

#endif
