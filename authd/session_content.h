/*
 * What a session's row holds, as bytes: before it is sealed, after it is
 * opened. Pure. Sessions of older versions of the format still open.
 */
#ifndef AUTHD_SESSION_CONTENT_H
#define AUTHD_SESSION_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"

#include "authd/identity.h"
#include "authd/session.h"

#define SESSION_CONTENT_MAX                                     \
	(2 + IDENTITY_WIRE_MAX + (2 + SESSION_ISSUER_MAX + 1) + \
	    2 * (2 + MSG_SUBJECT_MAX + 1) + 4 * (3 + MSG_TOKEN_MAX) + 5 * 8)

/* A fresh block of *len bytes, to be wiped and freed; NULL: something is longer
 * than it may be. */
uint8_t *session_content_encode(const struct session *session, size_t *len);
/* Sets what a row's content says of a session, which becomes the block's owner
 * even on errors: ERR_FORMAT. */
int session_content_decode(struct session *out, uint8_t *block, size_t len)
    __attribute__((warn_unused_result));

#endif
