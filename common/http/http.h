/*
 * Strict HTTP/1.1 (RFC 9110, RFC 9112): heads, targets, fields, bodies, both
 * ways. Pure: bytes in, result out; no I/O, no allocation. Everything points
 * into the caller's buffer, which must stay as it is while the result is used.
 *
 * A request parser returns 0 or the status code with which to refuse (400, 414,
 * 431, 501, 505); a response parser 0 or ERR_FORMAT.
 */
#ifndef COMMON_HTTP_HTTP_H
#define COMMON_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

/* A head is the request or status line and the fields. */
#define HTTP_HEAD_MAX 16384
#define HTTP_TARGET_MAX 8192
#define HTTP_FIELDS_MAX 100
/* Chunk extensions and trailers together, per body. */
#define HTTP_CHUNK_EXT_MAX 1024

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_METHOD_COUNT
};
const char *http_method_name(enum http_method method);

/* How a message's body is framed. */
enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH, /* content_length bytes, perhaps 0 */
	HTTP_BODY_CHUNKED,
	HTTP_BODY_CLOSE, /* responses only: until the connection closes */
	HTTP_BODY_COUNT
};

struct http_field {
	struct slice name, value; /* value without surrounding blanks */
};
struct http_fields {
	struct http_field at[HTTP_FIELDS_MAX];
	size_t n;
};

struct http_request {
	enum http_method method;
	struct slice target;
	struct slice path, query; /* of the target; query without '?' */
	bool has_query;
	unsigned minor;		   /* HTTP/1.minor: 0 or 1 */
	struct http_fields fields; /* all of them */
	struct slice host;	   /* "" only allowed in HTTP/1.0 */
	enum http_body body;
	uint64_t content_length;
	bool keep_alive;      /* what the client asks for */
	bool expect_continue; /* waits for 100 Continue; false without a body */
	bool expect_unknown;  /* another expectation, or several: answer 417 */
};

struct http_response {
	unsigned status, minor;
	struct http_fields fields;
	enum http_body body;	 /* with HEAD and 204, 304 taken into account */
	uint64_t content_length; /* as stated, also where no body follows */
	bool has_content_length;
	bool keep_alive;
};

/* --- finding the end of a head --- */

/* Incremental: feed the same growing buffer until it answers. Refuses early:
 * a first byte that is no token character, NUL, bare CR or LF (rule 1). For
 * requests one empty line before the first is NOT skipped. */
struct http_scan {
	size_t seen; /* bytes already looked at */
	bool past_first_line;
};
/* > 0: length of the head including its empty line; ERR_MORE; ERR_FORMAT;
 * ERR_LIMIT (more than HTTP_HEAD_MAX). */
long http_scan(struct http_scan *s, const char *buf, size_t len)
    __attribute__((warn_unused_result));

/* The status with which to refuse after a negative answer other than ERR_MORE:
 * 400, or where the limit was hit 414 (in the request line) or 431. */
int http_scan_status(const struct http_scan *s, long result);

/* --- parsing a whole head --- */

/* head is exactly what http_scan delimited. 0 or a status code. */
int http_parse_request(struct http_request *q, const char *head, size_t len)
    __attribute__((warn_unused_result));
/* to: the method that was asked, which decides whether a body follows. A 1xx
 * is parsed like any other (body NONE). keep_alive is false where only closing
 * ends the body. 0 or ERR_FORMAT. */
int http_parse_response(struct http_response *a, enum http_method to,
    const char *head, size_t len) __attribute__((warn_unused_result));

/* Rules 3 and 4 for a target in origin form, split at the first '?'. Used by
 * the parser and again by egress. Only the last segment of a path may be
 * empty. 0 or 400 or 414. */
int http_target_check(struct slice path, bool has_query, struct slice query)
    __attribute__((warn_unused_result));
/* name is a token, value has no control characters. */
bool http_field_check(struct slice name, struct slice value);
/* uri-host [":" port], no userinfo; bracketed IPv6 allowed (name is then what
 * stands between the brackets). *port is 0 when none is given. false: not
 * acceptable. */
bool http_host_split(struct slice host, struct slice *name, uint16_t *port);

/* --- fields --- */

/* The only field of that name (case-insensitive), or NULL when there is none
 * or more than one; *count (may be NULL) says how many. */
const struct http_field *http_fields_get(
    const struct http_fields *f, const char *name, size_t *count);
/* Adds at the end; false when full. */
bool http_fields_add(
    struct http_fields *f, struct slice name, struct slice value);
/* Does a comma-separated field (Connection, ...) list the token? */
bool http_fields_list_has(
    const struct http_fields *f, const char *name, const char *token);
/* Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, TE, Trailer,
 * Transfer-Encoding, Upgrade, HTTP2-Settings, Content-Length, Expect, compared
 * as CGI folds them, and everything that Connection names: not forwarded as a
 * field (RFC 9110 7.6.1). f may be NULL: the fixed names alone. */
bool http_field_is_hop(const struct http_fields *f, struct slice name);
/* The names that Doorward owns towards an upstream, compared as CGI folds them
 * (case-insensitive, every non-alphanumeric equal): Authorization,
 * Proxy-Authorization, Impersonate-*, Kiali-User, X-Forwarded-*, Forwarded,
 * X-Real-IP, X-Auth-Request-*, Remote-*, X-Remote-*, X-WEBAUTH-*, X-Original-*,
 * X-Rewrite-URL, X-Client-Cert*, X-SSL-*, X-Envoy-*, X-Doorward-*. */
bool http_field_is_owned(struct slice name);
/* Of those, the ones with which Kubernetes is asked to act for somebody else,
 * spelt as it reads them: Impersonate-User, -Group, -Extra-*. */
bool http_field_is_impersonation(struct slice name);
/* The same name as CGI folds them. */
bool http_field_is_same(struct slice a, struct slice b);

/* --- cookies (RFC 6265 5.4 as servers meet it) --- */

/* Value of the first cookie of that name over all Cookie fields; *count says
 * how many there are. An empty slice when none. */
struct slice http_cookie_get(
    const struct http_fields *f, const char *name, size_t *count);
/* Copies a Cookie field's value to dst without the cookies that drop() names;
 * returns the length (0: nothing left). dst has at least value.len bytes. */
size_t http_cookie_filter(char *dst, struct slice value,
    bool (*drop)(struct slice name, void *arg), void *arg);

/* --- bodies --- */

/* A chunked body, decoded as it comes. */
struct http_chunks {
	unsigned state;
	uint64_t left; /* of the current chunk */
	unsigned digits;
	unsigned ext;  /* bytes of extensions and trailers so far */
	unsigned line; /* bytes of the current trailer's name */
};
void http_chunks_init(struct http_chunks *c);
/* Looks at len > 0 bytes. *used: how many were taken; *data: the payload among
 * them (a slice of buf, maybe empty). Returns ERR_MORE (go on), 0 (the body is
 * complete; what follows *used is the next message) or ERR_FORMAT. Each call
 * yields at most one payload slice, so call until it has used everything. */
int http_chunks_feed(struct http_chunks *c, const char *buf, size_t len,
    size_t *used, struct slice *data) __attribute__((warn_unused_result));

/* --- serialising --- */

/* A bounded text writer with a sticky error. */
struct http_out {
	char *p;
	size_t len, cap;
	bool overflow;
};
void http_out_init(struct http_out *o, char *p, size_t cap);
void http_put(struct http_out *o, struct slice s);
void http_put_z(struct http_out *o, const char *z);
void http_put_u64(struct http_out *o, uint64_t v);
void http_put_request_line(struct http_out *o, enum http_method method,
    struct slice path, bool has_query, struct slice query);
void http_put_status_line(struct http_out *o, unsigned status);
/* "name: value\r\n". What http_field_check refuses sets overflow. */
void http_put_field(struct http_out *o, struct slice name, struct slice value);
void http_put_field_z(struct http_out *o, const char *name, const char *value);
/* Content-Length, or Transfer-Encoding: chunked, or nothing. */
void http_put_framing(
    struct http_out *o, enum http_body body, uint64_t content_length);
void http_put_end(struct http_out *o); /* the empty line */
/* Head of a chunk of len > 0 bytes: "1f\r\n" into dst[20]; its length. The
 * payload and "\r\n" follow. The last chunk is "0\r\n\r\n". */
size_t http_chunk_head(char dst[20], size_t len);
/* "OK", "Not Found", ...; "Unknown" for others. */
const char *http_reason(unsigned status);

#endif
