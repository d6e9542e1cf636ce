/*
 * The two heads that an exchange translates: the client's request into
 * FRAME_REQUEST, and FRAME_RESPONSE into what the client gets. Pure.
 */
#ifndef FRONTEND_UPSTREAM_HEAD_H
#define FRONTEND_UPSTREAM_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"
#include "common/settings.h"
#include "frontend/request.h"

/* Encodes r into dst; cookies has HTTP_HEAD_MAX bytes for what is left of its
 * Cookie fields. The length, or ERR_LIMIT. */
long upstream_put_request(uint8_t *dst, size_t cap, char *cookies,
    const struct settings *s, const struct request *r);

/* How the answer's body goes to the client. */
struct upstream_framing {
	enum http_body body; /* NONE, LENGTH, CHUNKED or CLOSE */
	uint64_t length;
	bool stated; /* Content-Length is written although no body follows */
};
struct upstream_framing upstream_framing(
    const struct frame_response *a, enum http_method method, unsigned minor);
/* Writes the whole head. close: "Connection: close"; hsts: we end TLS. */
void upstream_put_response(struct http_out *o, const struct settings *s,
    const struct frame_response *a, const struct upstream_framing *f,
    bool close, bool hsts);

#endif
