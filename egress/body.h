/*
 * Moves bodies between evbuffers without copying where that can be had:
 * DATA frames to request bodies, response bodies to DATA frames. And the head
 * that goes before a request's body.
 */
#ifndef EGRESS_BODY_H
#define EGRESS_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http/http.h"

struct evbuffer;

/* Adds a request's head, which may hold a user's token, to out. libevent gives
 * memory back as it is, so the head travels in a block of its own that is wiped
 * once it has been sent. ERR_LIMIT: out takes no more. */
int body_out_head(struct evbuffer *out, const void *head, size_t len)
    __attribute__((warn_unused_result));

/* A body on its way to the upstream. */
struct body_out {
	enum http_body framing;
	uint64_t left; /* of a stated length */
};
void body_out_init(struct body_out *b, enum http_body framing, uint64_t length);
/* Takes len bytes (one DATA payload) from in and adds them, framed, to out.
 * ERR_PROTOCOL when they are more than the stated length. */
int body_out_data(struct body_out *b, struct evbuffer *in, size_t len,
    struct evbuffer *out) __attribute__((warn_unused_result));
/* ERR_PROTOCOL when bytes are missing. */
int body_out_end(struct body_out *b, struct evbuffer *out)
    __attribute__((warn_unused_result));

/* A body that comes from the upstream. */
struct body_in {
	enum http_body framing;
	uint64_t left;
	struct http_chunks chunks;
};
void body_in_init(struct body_in *b, enum http_body framing, uint64_t length);

/* Moves 1 to FRAME_DATA_MAX bytes of payload from in to out in some framing. */
typedef void body_put(struct evbuffer *in, size_t len, struct evbuffer *out);
body_put body_put_frame; /* a DATA frame */
body_put body_put_chunk; /* of a chunked body */
body_put body_put_plain;

/* Moves what in has to out, until out holds high bytes. ended: the upstream has
 * closed. 0: the body is complete, ERR_MORE: it is not, ERR_FORMAT: broken or
 * cut off. */
int body_in_move(struct body_in *b, struct evbuffer *in, bool ended,
    struct evbuffer *out, size_t high, body_put *put)
    __attribute__((warn_unused_result));

#endif
