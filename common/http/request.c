/*
 * Parses one request head. Everything that another parser could read in
 * another way is refused, with the status for the client (rules 2 to 7).
 */
#include <string.h>

#include "common/err.h"
#include "common/http/chars.h"
#include "common/http/head.h"
#include "common/http/http.h"

/* clang-format off */
static const char *const method_names[HTTP_METHOD_COUNT] = {
	[HTTP_GET]     = "GET",
	[HTTP_HEAD]    = "HEAD",
	[HTTP_POST]    = "POST",
	[HTTP_PUT]     = "PUT",
	[HTTP_DELETE]  = "DELETE",
	[HTTP_PATCH]   = "PATCH",
	[HTTP_OPTIONS] = "OPTIONS",
};
/* clang-format on */

const char *
http_method_name(enum http_method method)
{
	return method_names[method];
}

static int
parse_method(enum http_method *method, struct slice s)
{
	for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
		if (slice_is(s, method_names[i])) {
			*method = (enum http_method)i;
			return 0;
		}
	}
	return 501;
}

static int
parse_target(struct http_request *q)
{
	const char *mark = NULL;

	q->path = q->target;
	q->query = (struct slice){ NULL, 0 };
	if (q->target.len > 0)
		mark = memchr(q->target.p, '?', q->target.len);
	q->has_query = mark != NULL;
	if (mark != NULL) {
		q->path.len = (size_t)(mark - q->target.p);
		q->query.p = mark + 1;
		q->query.len = q->target.len - q->path.len - 1;
	}
	return http_target_check(q->path, q->has_query, q->query);
}

/* line has no CRLF: method SP target SP version, each SP exactly one. */
static int
parse_request_line(struct http_request *q, struct slice line)
{
	const char *end = line.p + line.len;
	size_t n = char_span(line.p, end, CHAR_TOKEN);
	struct slice method = { line.p, n }, version;
	const char *space;
	int r;

	if (n == 0 || n == line.len || line.p[n] != ' ')
		return 400;
	q->target.p = line.p + n + 1;
	space = memchr(q->target.p, ' ', (size_t)(end - q->target.p));
	if (space == NULL)
		return 400;
	q->target.len = (size_t)(space - q->target.p);
	version = (struct slice){ space + 1, (size_t)(end - space) - 1 };
	r = head_parse_version(version, &q->minor);
	if (r != 0)
		return r == ERR_DENIED ? 505 : 400;
	r = parse_method(&q->method, method);
	return r != 0 ? r : parse_target(q);
}

/* Rule 6. Only HTTP/1.0 may do without, and then has none at all. */
static int
take_host(struct http_request *q, const struct head_seen *seen)
{
	struct slice name;
	uint16_t port;

	q->host = (struct slice){ NULL, 0 };
	if (seen->count[KNOWN_HOST] == 0)
		return q->minor == 0 ? 0 : 400;
	if (seen->count[KNOWN_HOST] > 1 ||
	    !http_host_split(seen->value[KNOWN_HOST], &name, &port))
		return 400;
	q->host = seen->value[KNOWN_HOST];
	return 0;
}

static int
take_framing(struct http_request *q, const struct head_seen *seen)
{
	struct head_framing framing;

	if (head_framing(&framing, seen, q->minor) != 0)
		return 400;
	q->content_length = framing.length;
	q->body = HTTP_BODY_NONE;
	if (framing.chunked)
		q->body = HTTP_BODY_CHUNKED;
	else if (framing.has_length)
		q->body = HTTP_BODY_LENGTH;
	return 0;
}

/* RFC 9110 10.1.1: HTTP/1.0 and requests without content do not wait. */
static void
take_expect(struct http_request *q, const struct head_seen *seen)
{
	bool known = seen->count[KNOWN_EXPECT] == 1 &&
	    slice_is_nocase(seen->value[KNOWN_EXPECT], "100-continue");

	q->expect_unknown = seen->count[KNOWN_EXPECT] > 0 && !known;
	q->expect_continue = known && q->minor > 0 && q->body != HTTP_BODY_NONE;
}

int
http_parse_request(struct http_request *q, const char *head, size_t len)
{
	const char *line_end = len > 0 ? memchr(head, '\r', len) : NULL;
	const char *end = head + len;
	struct head_seen seen;
	int r;

	if (line_end == NULL || end - line_end < 2 || line_end[1] != '\n')
		return 400;
	r = parse_request_line(
	    q, (struct slice){ head, (size_t)(line_end - head) });
	if (r != 0)
		return r;
	r = head_parse_fields(&q->fields, &seen, line_end + 2, end);
	if (r != 0)
		return r == ERR_LIMIT ? 431 : 400;
	r = take_host(q, &seen);
	if (r == 0)
		r = take_framing(q, &seen);
	if (r != 0)
		return r;
	take_expect(q, &seen);
	q->keep_alive = head_keep_alive(&q->fields, &seen, q->minor);
	return 0;
}
