/*
 * Rules 3 and 4: which characters a target may have, and that its path names
 * one thing only, whoever decodes it. Also the Host field's value.
 */
#include <arpa/inet.h>
#include <string.h>

#include "common/http/chars.h"
#include "common/http/http.h"

#define HOST_NAME_MAX_LEN 254 /* 253 and a final dot */

/* "%XX" at p: its value, or -1. */
static int
escape_at(const char *p, const char *end)
{
	int high, low;

	if (end - p < 3)
		return -1;
	high = text_hex_digit(p[1]);
	low = text_hex_digit(p[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The byte that *p stands for, moving behind it; -1: it may not be here. */
static int
next_byte(const char **p, const char *end, enum char_class class)
{
	int value;

	if (char_is(**p, class))
		return (unsigned char)*(*p)++;
	value = **p == '%' ? escape_at(*p, end) : -1;
	if (value >= 0)
		*p += 3;
	return value;
}

/* Escapes that another decoder would turn into a separator or an end. */
static bool
is_escaped_separator(int c)
{
	return c == '\0' || c == '/' || c == '\\';
}

/* One segment from p to end: good characters, and its name, which ends where
 * parameters begin ("..;x"; some servers take them off first), is not "", "."
 * or "..", encoded or not. Only the last segment may be empty. */
static bool
segment_ok(const char *p, const char *end)
{
	bool only_dots = true, in_name = true, is_empty = p == end;
	size_t name_len = 0;

	while (p < end) {
		int c = next_byte(&p, end, CHAR_PATH);

		if (c < 0 || is_escaped_separator(c))
			return false;
		if (c == ';')
			in_name = false;
		if (in_name) {
			only_dots = only_dots && c == '.';
			name_len++;
		}
	}
	return is_empty || !only_dots || name_len > 2;
}

/* No segment is empty but the last one. */
static bool
path_ok(struct slice path)
{
	const char *p = path.p, *end = path.p + path.len;

	while (p < end) {
		const char *slash;

		if (*p++ != '/')
			return false;
		slash = memchr(p, '/', (size_t)(end - p));
		if (slash == p || !segment_ok(p, slash != NULL ? slash : end))
			return false;
		p = slash != NULL ? slash : end;
	}
	return path.len > 0;
}

static bool
query_ok(struct slice query)
{
	const char *p = query.p, *end = query.p + query.len;

	for (;;) {
		p += char_span(p, end, CHAR_QUERY);
		if (p == end)
			return true;
		if (*p != '%' || escape_at(p, end) < 0)
			return false;
		p += 3;
	}
}

int
http_target_check(struct slice path, bool has_query, struct slice query)
{
	size_t query_len = has_query ? query.len + 1 : 0;

	if (path.len > HTTP_TARGET_MAX || query_len > HTTP_TARGET_MAX ||
	    path.len + query_len > HTTP_TARGET_MAX)
		return 414;
	if (!path_ok(path) || (!has_query && query.len > 0))
		return 400;
	return query.len == 0 || query_ok(query) ? 0 : 400;
}

/* Labels of letters, digits, '-' and '_' with single dots between, one dot at
 * the end allowed. IPv4 addresses are among them. */
static bool
reg_name_ok(struct slice s)
{
	const char *p = s.p, *end = s.p + s.len;

	if (s.len == 0 || s.len > HOST_NAME_MAX_LEN)
		return false;
	while (p < end) {
		size_t n = char_span(p, end, CHAR_WORD);

		if (n == 0 || n > 63)
			return false;
		p += n;
		if (p < end && *p++ != '.')
			return false;
	}
	return true;
}

static bool
ipv6_ok(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (slice_copy(s, text, sizeof(text)) != 0 ||
	    memchr(s.p, '\0', s.len) != NULL)
		return false;
	return inet_pton(AF_INET6, text, &address) == 1;
}

/* rest is what follows the name: nothing, or ":" and 1 to 65535. */
static bool
port_ok(struct slice rest, uint16_t *port)
{
	uint64_t value;

	*port = 0;
	if (rest.len == 0)
		return true;
	if (rest.p[0] != ':' || rest.len > 6)
		return false;
	if (text_u64((struct slice){ rest.p + 1, rest.len - 1 }, UINT16_MAX,
		&value) != 0 ||
	    value == 0)
		return false;
	*port = (uint16_t)value;
	return true;
}

bool
http_host_split(struct slice host, struct slice *name, uint16_t *port)
{
	bool bracketed = host.len > 0 && host.p[0] == '[';
	struct slice rest = { NULL, 0 };
	const char *stop;

	if (host.len == 0)
		return false;
	stop = memchr(host.p, bracketed ? ']' : ':', host.len);
	if (bracketed && stop == NULL)
		return false;
	*name = host;
	if (stop != NULL) {
		name->p += bracketed;
		name->len = (size_t)(stop - name->p);
		rest.p = stop + bracketed;
		rest.len = host.len - (size_t)(rest.p - host.p);
	}
	if (!(bracketed ? ipv6_ok(*name) : reg_name_ok(*name)))
		return false;
	return port_ok(rest, port);
}
