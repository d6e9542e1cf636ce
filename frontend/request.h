/*
 * One request of a client while it is being answered: its parsed head and what
 * follows from it. Holds the only copy of the head; all slices point there.
 *
 * SECURITY: the head holds cookies and tokens: request_free wipes it.
 */
#ifndef FRONTEND_REQUEST_H
#define FRONTEND_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base_url.h"
#include "common/http/http.h"
#include "frontend/body.h"
#include "frontend/facts.h"
#include "frontend/forwarded.h"

struct settings;
struct sockaddr;

struct request {
	char *head;
	size_t head_len;
	struct http_request http;
	struct origin origin;
	struct slice
	    cookie; /* session cookie's value; "" for none or several */
	bool carried_cookie;	   /* at least one of that name was sent */
	struct slice login_cookie; /* the same; only with STRATEGY_OPENID */
	bool tls;		   /* we end TLS */
	bool secure; /* cookies get Secure: we end TLS, or the base URL is
			https */
	struct slice bearer; /* with STRATEGY_HEADER of a trusted proxy alone */
	struct slice id;
	char made_id[REQUEST_ID_MADE + 1];
	struct body body;
	bool navigation;
	bool close; /* the connection ends after the answer */
};

/* Copies head. 0 and *out, or the status code with which to refuse. */
int request_new(struct request **out, const struct settings *s,
    const struct sockaddr *peer, bool tls, const char *head, size_t len)
    __attribute__((warn_unused_result));
void request_free(struct request *r); /* NULL allowed */
/* The URL by which this request reaches us. ERR_LIMIT. */
int request_base_url(struct base_url *out, const struct settings *s,
    const struct request *r) __attribute__((warn_unused_result));

#endif
