/*
 * The head that an upstream sees and the response fields that a client sees.
 * Pure. What the client sent of the fields that Doorward owns is dropped here,
 * whatever the frontend did.
 */
#ifndef EGRESS_INJECT_H
#define EGRESS_INJECT_H

#include "common/frame.h"
#include "common/http/http.h"
#include "common/msg.h"

struct settings;

/* Room that inject_request needs at most: every field, the token, ours. */
#define INJECT_HEAD_MAX (FRAME_HEAD_MAX + MSG_TOKEN_MAX + 4096)

/* Writes the whole request head. token: for Authorization: Bearer, "" for
 * none. The target is exactly q->path and q->query. */
void inject_request(struct http_out *out, const struct settings *s,
    const struct frame_request *q, struct slice token);

/* The response as the frontend is to have it: end-to-end fields, no Set-Cookie
 * for the names that Doorward owns. to: the method that was asked. */
void inject_response(struct frame_response *a, const struct settings *s,
    enum http_method to, const struct http_response *from);

#endif
