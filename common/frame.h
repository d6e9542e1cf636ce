/*
 * The exchange protocol between frontend and egress, on a SOCK_STREAM Unix
 * connection, one exchange at a time per connection:
 *
 *   frontend -> egress   REQUEST, then after CONTINUE: DATA* END
 *   egress -> frontend   CONTINUE? (RESPONSE DATA* END | DENY)
 *
 * Each frame is u8 type, u32 length, payload. After both ENDs (or a DENY before
 * CONTINUE, which ends the exchange for both) the connection may carry the next
 * exchange. A request without a body has no END of its own. A DENY or a
 * RESPONSE that ends before the request body does: the frontend closes, unless
 * it has sent its END already; egress drops the rest until that comes.
 * Closing is cancellation, in both directions; the socket buffer is the flow
 * control. Pure encoding and decoding, no I/O.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http/http.h"
#include "common/text.h"

#define FRAME_HEADER_LEN 5
#define FRAME_DATA_MAX 65536
#define FRAME_HEAD_MAX 65536
#define FRAME_REQUEST_ID_MAX 128

enum frame_type {
	FRAME_REQUEST = 1,
	FRAME_CONTINUE,
	FRAME_RESPONSE,
	FRAME_DATA,
	FRAME_END,
	FRAME_DENY,
	FRAME_TYPE_END
};

/* Why egress does not answer with the upstream's response. */
enum deny {
	DENY_NO_SESSION,    /* 401, or to the login page */
	DENY_EXPIRED,	    /* 401, and drop the cookie */
	DENY_REJECTED,	    /* 401, and drop the cookie: token no longer good */
	DENY_FORBIDDEN,	    /* 403 */
	DENY_NO_ROUTE,	    /* 404 */
	DENY_METHOD,	    /* 405 */
	DENY_UNAVAILABLE,   /* 503: no verdict to be had */
	DENY_UPSTREAM_DOWN, /* 502 */
	DENY_UPSTREAM_TIMEOUT, /* 504 */
	DENY_UPSTREAM_BAD,     /* 502: its answer is not HTTP as we accept it */
	DENY_BAD_REQUEST,      /* 400: the frame's content is not acceptable */
	DENY_REVOKED,	       /* 401: the session ended during the exchange */
	DENY_CREDENTIAL, /* 502: the upstream's credential is not to be had */
	DENY_COUNT
};

/* All slices are borrowed from the decoded bytes. */
struct frame_request {
	enum http_method method;
	bool tls; /* the client's connection, or as a trusted proxy says */
	bool has_query;
	enum http_body body; /* NONE, LENGTH (content_length) or CHUNKED */
	uint64_t content_length;
	struct slice path;    /* as received, checked */
	struct slice query;   /* without '?' */
	struct slice host;    /* Host as received */
	struct slice session; /* session cookie value, base64url, "" for none */
	struct slice bearer;  /* token of Authorization: Bearer, "" for none */
	struct slice client;  /* address of the client, no port; may be "" */
	uint16_t client_port;
	uint16_t server_port; /* that the client meant, for X-Forwarded-Port */
	struct slice request_id;   /* <= 128 of [A-Za-z0-9._-], may be "" */
	struct http_fields fields; /* the rest, end-to-end fields only */
};
struct frame_response {
	uint16_t status;     /* 200..599 */
	enum http_body body; /* for HEAD and 304 what it would have been */
	uint64_t content_length;
	struct http_fields fields;
};

/* DATA holds 1 to FRAME_DATA_MAX bytes, CONTINUE and END hold none.
 * Looks at len bytes: ERR_MORE, ERR_PROTOCOL (unknown type or over the limit
 * of its type) or 0 with type and payload length. */
int frame_head(const uint8_t *p, size_t len, enum frame_type *type,
    uint32_t *payload_len) __attribute__((warn_unused_result));
void frame_put_head(
    uint8_t dst[FRAME_HEADER_LEN], enum frame_type type, uint32_t payload_len);
/* Encode a whole frame, header included, into dst; returns its length, or
 * ERR_LIMIT. */
long frame_put_request(uint8_t *dst, size_t cap, const struct frame_request *q);
long frame_put_response(
    uint8_t *dst, size_t cap, const struct frame_response *a);
long frame_put_deny(uint8_t *dst, size_t cap, enum deny why);
/* Decode a payload; 0 or ERR_PROTOCOL. Every field's length and character class
 * is checked again: path and query as http_target_check, host (may be "") as
 * http_host_split, fields as http_field_check, names and values of the fields
 * together within HTTP_HEAD_MAX. What the frame says in a place of its own may
 * not come as a field: Host and what http_field_is_hop has as fixed names are
 * refused. content_length is 0 unless body is HTTP_BODY_LENGTH; a 204 has
 * HTTP_BODY_NONE. */
int frame_get_request(struct frame_request *q, const uint8_t *p, size_t len)
    __attribute__((warn_unused_result));
int frame_get_response(struct frame_response *a, const uint8_t *p, size_t len)
    __attribute__((warn_unused_result));
int frame_get_deny(enum deny *why, const uint8_t *p, size_t len)
    __attribute__((warn_unused_result));

#endif
