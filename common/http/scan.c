/*
 * Finds the end of a head in a growing buffer and refuses early what no head
 * may hold: controls other than HTAB, CR without LF, LF without CR (rule 1).
 * It does not parse.
 */
#include "common/http/http.h"

#include "common/err.h"
#include "common/http/chars.h"

/* At a byte that no line holds: 0 when a CRLF begins here, ERR_MORE when that
 * cannot be said yet. */
static int
line_break_at(const char *buf, size_t at, size_t limit)
{
	if (buf[at] != '\r')
		return ERR_FORMAT;
	if (at + 1 == limit)
		return ERR_MORE;
	return buf[at + 1] == '\n' ? 0 : ERR_FORMAT;
}

static long
need_more(size_t limit)
{
	return limit == HTTP_HEAD_MAX ? ERR_LIMIT : ERR_MORE;
}

long
http_scan(struct http_scan *s, const char *buf, size_t len)
{
	size_t limit = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;

	if (limit > 0 && !char_is(buf[0], CHAR_TOKEN))
		return ERR_FORMAT;
	for (;;) {
		int r;

		s->seen += char_span(buf + s->seen, buf + limit, CHAR_VALUE);
		if (s->seen == limit)
			return need_more(limit);
		r = line_break_at(buf, s->seen, limit);
		if (r == ERR_MORE)
			return need_more(limit);
		if (r != 0)
			return r;
		/* an empty line: what stands before it is a line break */
		if (buf[s->seen - 1] == '\n')
			return (long)s->seen + 2;
		s->seen += 2;
		s->past_first_line = true;
	}
}

int
http_scan_status(const struct http_scan *s, long result)
{
	if (result != ERR_LIMIT)
		return 400;
	return s->past_first_line ? 431 : 414;
}
