/*
 * Parses one response head with the strictness of the request parser (rule
 * 11): an upstream that is misread would deliver one user's bytes to another.
 */
#include <string.h>

#include "common/err.h"
#include "common/http/chars.h"
#include "common/http/head.h"
#include "common/http/http.h"

/* Three digits, 100 to 599; 0 for anything else. */
static unsigned
parse_status(const char *p)
{
	uint64_t status;

	if (text_u64((struct slice){ p, 3 }, 599, &status) != 0 || status < 100)
		return 0;
	return (unsigned)status;
}

/* "HTTP/1.1 200 OK"; the reason may be empty and then the SP before it may be
 * missing, as many servers do it. */
static int
parse_status_line(struct http_response *a, struct slice line)
{
	int r;

	if (line.len < 12 || line.p[8] != ' ')
		return ERR_FORMAT;
	r = head_parse_version((struct slice){ line.p, 8 }, &a->minor);
	if (r != 0)
		return ERR_FORMAT;
	a->status = parse_status(line.p + 9);
	if (a->status == 0 || (line.len > 12 && line.p[12] != ' '))
		return ERR_FORMAT;
	if (!char_all((struct slice){ line.p + 12, line.len - 12 }, CHAR_VALUE))
		return ERR_FORMAT;
	return 0;
}

static enum http_body
body_of(const struct head_framing *framing)
{
	if (framing->chunked)
		return HTTP_BODY_CHUNKED;
	return framing->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_CLOSE;
}

/* RFC 9112 6.3. A server that announces content where there cannot be any may
 * send it all the same: its connection is not to be used again. */
static void
take_body(struct http_response *a, enum http_method to,
    const struct head_framing *framing)
{
	bool never = a->status < 200 || a->status == 204;

	a->has_content_length = framing->has_length;
	a->content_length = framing->length;
	a->body = body_of(framing);
	if (never && (framing->chunked || framing->length > 0))
		a->keep_alive = false;
	if (never || a->status == 304 || to == HTTP_HEAD)
		a->body = HTTP_BODY_NONE;
	if (a->body == HTTP_BODY_CLOSE)
		a->keep_alive = false;
}

int
http_parse_response(
    struct http_response *a, enum http_method to, const char *head, size_t len)
{
	const char *line_end = len > 0 ? memchr(head, '\r', len) : NULL;
	const char *end = head + len;
	struct head_framing framing;
	struct head_seen seen;
	int r;

	if (line_end == NULL || end - line_end < 2 || line_end[1] != '\n')
		return ERR_FORMAT;
	r = parse_status_line(
	    a, (struct slice){ head, (size_t)(line_end - head) });
	if (r == 0)
		r = head_parse_fields(&a->fields, &seen, line_end + 2, end);
	if (r == 0)
		r = head_framing(&framing, &seen, a->minor);
	if (r != 0)
		return ERR_FORMAT;
	a->keep_alive = head_keep_alive(&a->fields, &seen, a->minor);
	take_body(a, to, &framing);
	return 0;
}
