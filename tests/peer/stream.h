/*
 * A frontend's side of the frame stream to egress, without manners: good
 * requests to begin with, changed by the tests, and what comes back.
 */
#ifndef TESTS_PEER_STREAM_H
#define TESTS_PEER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"

#define STREAM_MAX (FRAME_HEADER_LEN + FRAME_HEAD_MAX)

#define PUBLIC_PATH "/static/app.js"
#define SESSION_PATH "/api/namespaces"

struct stream_frame {
	enum frame_type type;
	enum deny why; /* of a DENY */
	unsigned status;
};
/* A frame, the end, or nothing for a while. */
enum stream_hearing { FRAME_CAME, STREAM_END, STREAM_SILENT };

int stream_open(void);
/* GET, of a client on TLS, without a session and without fields. */
void stream_request(struct frame_request *q, const char *path);
/* A whole frame of it; its length. */
size_t stream_encode(uint8_t dst[STREAM_MAX], const struct frame_request *q);
/* False when egress has closed already. */
bool stream_send(int fd, const void *bytes, size_t len);
bool stream_ask(int fd, const struct frame_request *q);
enum stream_hearing stream_hear(int fd, struct stream_frame *out);
/* No more than a DENY may come before the end. */
void stream_expect_end(int fd, const char *after);
/* A good request on this connection is forwarded and answered. */
void stream_expect_service(int fd);
/* The same on a fresh one: also the sign that egress has done with all that
 * was sent before. */
void stream_expect_fresh_service(void);

/* What the upstream has got since the last call, but for the good requests
 * above: requests. Fails when one of them was unlawful. */
unsigned stream_forwarded(void);

#endif
