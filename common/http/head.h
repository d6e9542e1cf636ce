/*
 * What requests and responses have in common: the field lines, and the framing
 * of the body. Only for common/http.
 */
#ifndef COMMON_HTTP_HEAD_H
#define COMMON_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http/http.h"

/* The fields that the parser itself understands. */
enum head_known {
	KNOWN_HOST,
	KNOWN_CONTENT_LENGTH,
	KNOWN_TRANSFER_ENCODING,
	KNOWN_CONNECTION,
	KNOWN_EXPECT,
	KNOWN_COUNT
};
struct head_seen {
	unsigned count[KNOWN_COUNT];
	struct slice value[KNOWN_COUNT]; /* of the last one */
};

struct head_framing {
	bool has_length, chunked;
	uint64_t length; /* 0 without has_length */
};

/* Parses the lines from p up to and with the empty line, which must end at
 * end. 0, ERR_FORMAT or ERR_LIMIT (more than HTTP_FIELDS_MAX). */
int head_parse_fields(struct http_fields *f, struct head_seen *seen,
    const char *p, const char *end) __attribute__((warn_unused_result));
/* Rule 7. 0 or ERR_FORMAT. */
int head_framing(struct head_framing *framing, const struct head_seen *seen,
    unsigned minor) __attribute__((warn_unused_result));
/* RFC 9112 9.3 */
bool head_keep_alive(
    const struct http_fields *f, const struct head_seen *seen, unsigned minor);
/* "HTTP/1.0" or "HTTP/1.1": 0 with the minor version. Another version of HTTP:
 * ERR_DENIED, anything else: ERR_FORMAT. */
int head_parse_version(struct slice s, unsigned *minor)
    __attribute__((warn_unused_result));
/* Does a list element of a field of that name equal the token? */
bool head_list_has(
    const struct http_fields *f, const char *name, struct slice token);

#endif
