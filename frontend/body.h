/*
 * The body of a client's request, taken piece by piece from a buffer, whatever
 * its framing. Never reads past its end: what follows is the next request.
 */
#ifndef FRONTEND_BODY_H
#define FRONTEND_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http/http.h"
#include "common/text.h"

struct evbuffer;

struct body {
	enum http_body kind; /* NONE, LENGTH or CHUNKED */
	uint64_t left;
	struct http_chunks chunks;
	bool ended;
};

void body_init(struct body *b, const struct http_request *q);
/* The next payload bytes at the front of in, at most max of them; *used says
 * how many bytes to drain from in once they have been dealt with. ERR_MORE
 * (there may be a piece, call again after draining unless *used is 0), 0 (the
 * body ends with this piece) or ERR_FORMAT. */
int body_peek(struct body *b, struct evbuffer *in, size_t max,
    struct slice *piece, size_t *used) __attribute__((warn_unused_result));

/* Takes the first len bytes, which body_peek showed, out of in and wipes them:
 * for bodies that are secret. */
void body_take_secret(struct evbuffer *in, size_t len);

#endif
