/*
 * The head that an upstream sees and the response fields that a client sees.
 * Pure. What the client sent of the fields that Doorward owns is dropped here,
 * whatever the frontend did.
 *
 * SECURITY: with the strategy header Impersonate-User, -Group and -Extra-* are
 * kept for the console: only then the token that travels with them, which
 * Kubernetes asks whether it may impersonate, is the proxy's in front. Whoever
 * holds that proxy, or a taken-over frontend while its token passes through,
 * has that power; with every other strategy nobody has.
 */
#ifndef EGRESS_INJECT_H
#define EGRESS_INJECT_H

#include "common/frame.h"
#include "common/http/http.h"
#include "common/msg.h"

struct settings;
struct url;

/* Room that inject_request needs at most: every field of the client, a token
 * and the values of a service's settings, ours. */
#define INJECT_HEAD_MAX (FRAME_HEAD_MAX + 2 * MSG_TOKEN_MAX + 4096)

#define INJECT_CUSTOM_MAX 16 /* custom headers of a service */
/* The credential of a request; "" and 0: none. A field of the client with the
 * name of one of these is dropped. */
struct inject_fields {
	struct slice bearer; /* for Authorization: Bearer */
	struct http_field at[1 + INJECT_CUSTOM_MAX];
	size_t n;
};

/* Where a request goes. */
struct inject_to {
	const struct url *at;
	/* It gets Host and cookies as the client sent them. A service gets its
	 * own host, and no cookies: those that there are on our origin are the
	 * console's. */
	bool is_console;
	/* The path: one behind the other. */
	struct slice base, rest;
	struct inject_fields credential;
};

/* Writes the whole request head. The query is exactly q->query. */
void inject_request(struct http_out *out, const struct settings *s,
    const struct frame_request *q, const struct inject_to *to);

/* The response as the frontend is to have it: end-to-end fields, no Set-Cookie
 * for the names that Doorward owns. to: the method that was asked. */
void inject_response(struct frame_response *a, const struct settings *s,
    enum http_method to, const struct http_response *from);

#endif
