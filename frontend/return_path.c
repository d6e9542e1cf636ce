#include "frontend/return_path.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/http/http.h"

/* Our pages and the calls that log in and out: landing there after a login
 * would be a loop, or would end the session at once. */
static bool
is_own_call(struct slice below)
{
	static const char *const own[] = { "/_doorward", "/api/authenticate",
		"/api/logout", "/api/auth" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		size_t len = strlen(own[i]);

		if (slice_starts(below, own[i]) &&
		    (below.len == len || below.p[len] == '/'))
			return true;
	}
	return false;
}

/* Compared with the decoded path, as routes are. */
static bool
is_own(const struct settings *s, struct slice path)
{
	char decoded[RETURN_PATH_MAX + 1];
	size_t prefix = strlen(s->web_prefix);
	struct slice below;
	long n;

	memcpy(decoded, path.p, path.len);
	n = text_url_decode(decoded, path.len, false);
	if (n < 0)
		return true;
	below = (struct slice){ decoded, (size_t)n };
	if (!slice_starts(below, s->web_prefix))
		return false;
	below.p += prefix;
	below.len -= prefix;
	return is_own_call(below);
}

bool
return_path_is_callback(
    const struct settings *s, struct slice path, struct slice query)
{
	size_t prefix = strlen(s->web_prefix);
	bool has_state = false, has_answer = false;

	if (s->strategy != STRATEGY_OPENID ||
	    !slice_starts(path, s->web_prefix))
		return false;
	path.p += prefix;
	path.len -= prefix;
	if (path.len > 0 && !slice_is(path, "/"))
		return false;
	while (query.len > 0) {
		struct slice value = slice_cut(&query, '&');
		struct slice key = slice_cut(&value, '=');

		has_state = has_state || slice_is(key, "state");
		has_answer = has_answer || slice_is(key, "code") ||
		    slice_is(key, "error");
	}
	return has_state && has_answer;
}

bool
return_path_allowed(const struct settings *s, struct slice path)
{
	struct slice rest = path, part;
	bool has_query;

	if (path.len == 0 || path.len > RETURN_PATH_MAX || path.p[0] != '/')
		return false;
	if (path.len > 1 && (path.p[1] == '/' || path.p[1] == '\\'))
		return false;
	for (size_t i = 0; i < path.len; i++)
		if (path.p[i] <= ' ' || path.p[i] > '~' || path.p[i] == '\\')
			return false;
	part = slice_cut(&rest, '?');
	has_query = part.len != path.len;
	if (http_target_check(part, has_query,
		has_query ? rest : (struct slice){ NULL, 0 }) != 0)
		return false;
	return !is_own(s, part) && !return_path_is_callback(s, part, rest);
}

struct slice
return_path_or_root(
    const struct settings *s, struct slice path, char *fallback, size_t cap)
{
	if (return_path_allowed(s, path))
		return path;
	snprintf(fallback, cap, "%s/", s->web_prefix);
	return slice_of(fallback);
}

int
return_path_encode(struct slice path, char *dst, size_t cap)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (n + 4 > cap)
			return ERR_LIMIT;
		if (c != '\0' && strchr(plain, c) != NULL) {
			dst[n++] = (char)c;
			continue;
		}
		dst[n++] = '%';
		dst[n++] = hex[c >> 4];
		dst[n++] = hex[c & 15];
	}
	if (n >= cap)
		return ERR_LIMIT;
	dst[n] = '\0';
	return 0;
}

void
return_path_from_query(
    struct slice query, const char *name, char *dst, size_t cap)
{
	long n;

	dst[0] = '\0';
	while (query.len > 0) {
		struct slice value = slice_cut(&query, '&');
		struct slice key = slice_cut(&value, '=');

		if (!slice_is(key, name))
			continue;
		if (slice_copy(value, dst, cap) != 0)
			return;
		n = text_url_decode(dst, value.len, true);
		dst[n < 0 ? 0 : (size_t)n] = '\0';
		return;
	}
}
