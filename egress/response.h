/*
 * What comes back from an upstream and may not reach a client as it is: a
 * service's cookies and challenges, addresses of the inside, names of software.
 * Pure, but for warnings in the log.
 */
#ifndef EGRESS_RESPONSE_H
#define EGRESS_RESPONSE_H

#include "common/frame.h"
#include "egress/location.h"

enum response_fate {
	RESPONSE_PASSES,
	/* A service does not accept the credential that Doorward sent. The
	 * client's session is not over and no password of its own would help,
	 * so it must see neither 401 nor 407. */
	RESPONSE_UNAUTHORIZED,
	RESPONSE_MISDIRECTS, /* a redirect to where no client may be led */
};

/* Takes out of a, and rewrites, what l's route demands. New text goes to room
 * (of HTTP_HEAD_MAX bytes), which a then points into. Unless it passes, a is
 * not to be used. */
enum response_fate response_filter(
    struct frame_response *a, struct http_out *room, const struct location *l);

#endif
