/*
 * Field lines (RFC 9112 5, without folding) and the framing of a body (RFC
 * 9112 6, with everything refused that two parsers could read in two ways).
 */
#include "common/http/head.h"

#include <string.h>

#include "common/err.h"
#include "common/http/chars.h"

#define LENGTH_DIGITS_MAX 18
#define LENGTH_MAX UINT64_C(999999999999999999)

/* clang-format off */
static const struct {
	const char *name;
	size_t len;
} known[KNOWN_COUNT] = {
	[KNOWN_HOST]              = { "host", 4 },
	[KNOWN_CONTENT_LENGTH]    = { "content-length", 14 },
	[KNOWN_TRANSFER_ENCODING] = { "transfer-encoding", 17 },
	[KNOWN_CONNECTION]        = { "connection", 10 },
	[KNOWN_EXPECT]            = { "expect", 6 },
};
/* clang-format on */

static void
note_known(struct head_seen *seen, const struct http_field *field)
{
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		if (field->name.len != known[i].len ||
		    !slice_is_nocase(field->name, known[i].name))
			continue;
		seen->count[i]++;
		seen->value[i] = field->value;
		return;
	}
}

static struct slice
trim_blanks(const char *p, size_t len)
{
	while (len > 0 && (p[0] == ' ' || p[0] == '\t')) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	return (struct slice){ p, len };
}

/* One line at *at, which moves behind its CRLF. A folded line begins with a
 * blank, so its name is empty; a blank before the colon ends the name early. */
static int
parse_field(struct http_field *field, const char **at, const char *end)
{
	const char *p = *at;
	size_t n = char_span(p, end, CHAR_TOKEN);

	if (n == 0 || p + n == end || p[n] != ':')
		return ERR_FORMAT;
	field->name = (struct slice){ p, n };
	p += n + 1;
	n = char_span(p, end, CHAR_VALUE);
	if (end - (p + n) < 2 || p[n] != '\r' || p[n + 1] != '\n')
		return ERR_FORMAT;
	field->value = trim_blanks(p, n);
	*at = p + n + 2;
	return 0;
}

int
head_parse_fields(struct http_fields *f, struct head_seen *seen, const char *p,
    const char *end)
{
	f->n = 0;
	memset(seen, 0, sizeof(*seen));
	while (end - p > 2) {
		int r;

		if (f->n == HTTP_FIELDS_MAX)
			return ERR_LIMIT;
		r = parse_field(&f->at[f->n], &p, end);
		if (r != 0)
			return r;
		note_known(seen, &f->at[f->n]);
		f->n++;
	}
	if (end - p != 2 || p[0] != '\r' || p[1] != '\n')
		return ERR_FORMAT;
	return 0;
}

int
head_framing(
    struct head_framing *framing, const struct head_seen *seen, unsigned minor)
{
	unsigned lengths = seen->count[KNOWN_CONTENT_LENGTH];
	unsigned codings = seen->count[KNOWN_TRANSFER_ENCODING];
	struct slice digits = seen->value[KNOWN_CONTENT_LENGTH];

	*framing = (struct head_framing){ .has_length = lengths > 0,
		.chunked = codings > 0 };
	if (lengths + codings > 1)
		return ERR_FORMAT;
	if (codings > 0 &&
	    (minor == 0 ||
		!slice_is(seen->value[KNOWN_TRANSFER_ENCODING], "chunked")))
		return ERR_FORMAT;
	if (lengths == 0)
		return 0;
	if (digits.len > LENGTH_DIGITS_MAX)
		return ERR_FORMAT;
	return text_u64(digits, LENGTH_MAX, &framing->length);
}

bool
head_keep_alive(
    const struct http_fields *f, const struct head_seen *seen, unsigned minor)
{
	if (seen->count[KNOWN_CONNECTION] == 0)
		return minor > 0;
	if (http_fields_list_has(f, "connection", "close"))
		return false;
	return minor > 0 || http_fields_list_has(f, "connection", "keep-alive");
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
head_parse_version(struct slice s, unsigned *minor)
{
	if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.' ||
	    !is_digit(s.p[5]) || !is_digit(s.p[7]))
		return ERR_FORMAT;
	if (s.p[5] != '1' || s.p[7] > '1')
		return ERR_DENIED;
	*minor = s.p[7] == '1';
	return 0;
}
