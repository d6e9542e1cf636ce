/*
 * Writes heads from parsed forms. Nothing is copied through unchecked: a field
 * that http_field_check refuses spoils the whole text, so that no value can
 * ever begin a line of its own.
 */
#include <string.h>

#include "common/http/http.h"

void
http_out_init(struct http_out *o, char *p, size_t cap)
{
	*o = (struct http_out){ .p = p, .cap = cap };
}

void
http_put(struct http_out *o, struct slice s)
{
	if (o->overflow || s.len > o->cap - o->len) {
		o->overflow = true;
		return;
	}
	if (s.len > 0)
		memcpy(o->p + o->len, s.p, s.len);
	o->len += s.len;
}

void
http_put_z(struct http_out *o, const char *z)
{
	http_put(o, slice_of(z));
}

void
http_put_u64(struct http_out *o, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	http_put(o, (struct slice){ digits + at, sizeof(digits) - at });
}

void
http_put_request_line(struct http_out *o, enum http_method method,
    struct slice path, bool has_query, struct slice query)
{
	http_put_z(o, http_method_name(method));
	http_put(o, SLICE(" "));
	http_put(o, path);
	if (has_query) {
		http_put(o, SLICE("?"));
		http_put(o, query);
	}
	http_put(o, SLICE(" HTTP/1.1\r\n"));
}

void
http_put_status_line(struct http_out *o, unsigned status)
{
	http_put(o, SLICE("HTTP/1.1 "));
	http_put_u64(o, status);
	http_put(o, SLICE(" "));
	http_put_z(o, http_reason(status));
	http_put(o, SLICE("\r\n"));
}

void
http_put_field(struct http_out *o, struct slice name, struct slice value)
{
	if (!http_field_check(name, value))
		o->overflow = true;
	http_put(o, name);
	http_put(o, SLICE(": "));
	http_put(o, value);
	http_put(o, SLICE("\r\n"));
}

void
http_put_field_z(struct http_out *o, const char *name, const char *value)
{
	http_put_field(o, slice_of(name), slice_of(value));
}

void
http_put_framing(
    struct http_out *o, enum http_body body, uint64_t content_length)
{
	if (body == HTTP_BODY_CHUNKED)
		http_put_field_z(o, "Transfer-Encoding", "chunked");
	if (body != HTTP_BODY_LENGTH)
		return;
	http_put(o, SLICE("Content-Length: "));
	http_put_u64(o, content_length);
	http_put(o, SLICE("\r\n"));
}

void
http_put_end(struct http_out *o)
{
	http_put(o, SLICE("\r\n"));
}

size_t
http_chunk_head(char dst[20], size_t len)
{
	char digits[2 * sizeof(len)];
	size_t at = sizeof(digits), n;

	do {
		digits[--at] = "0123456789abcdef"[len & 15];
		len >>= 4;
	} while (len > 0);
	n = sizeof(digits) - at;
	memcpy(dst, digits + at, n);
	dst[n] = '\r';
	dst[n + 1] = '\n';
	return n + 2;
}

/* clang-format off */
static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 103, "Early Hints" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 418, "I'm a teapot" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
	{ 511, "Network Authentication Required" },
};
/* clang-format on */

const char *
http_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}
