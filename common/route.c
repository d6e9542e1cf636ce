/*
 * The routing decision: which path is Doorward's own, which is public, which
 * needs a session. The frontend and egress both ask here, so that neither can
 * hold another opinion.
 */
#include "common/settings.h"

#include <string.h>

/* As many decoded characters as decide; the longest name below is shorter. */
#define ROUTE_DECIDES 64

/* Doorward's endpoints below web_root, in all presets. */
static const char *const own_paths[] = {
	"/api/auth/info",
	"/api/authenticate",
	"/api/logout",
	"/healthz",
};

/* Decodes percent-encoding of the first ROUTE_DECIDES characters. True when
 * there was any. */
static bool
decode_start(struct slice path, char out[ROUTE_DECIDES + 1])
{
	bool encoded = false;
	size_t n = 0;

	for (size_t i = 0; i < path.len && n < ROUTE_DECIDES; i++) {
		int high = -1, low = -1;

		if (path.p[i] == '%' && i + 2 < path.len) {
			high = text_hex_digit(path.p[i + 1]);
			low = text_hex_digit(path.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[n++] = (char)(high << 4 | low);
			encoded = true;
			i += 2;
		} else {
			out[n++] = path.p[i];
		}
	}
	out[n] = '\0';
	return encoded;
}

/* A path that ends in '/' counts too: the frontend redirects it. */
static bool
is_own(const char *path)
{
	struct slice p = slice_of(path);

	if (slice_is(p, "/_doorward") || slice_starts(p, "/_doorward/"))
		return true;
	if (p.len > 1 && p.p[p.len - 1] == '/')
		p.len--;
	for (size_t i = 0; i < sizeof(own_paths) / sizeof(own_paths[0]); i++)
		if (slice_is(p, own_paths[i]))
			return true;
	return false;
}

/* Preset kiali: everything is public but the API and the profiler. Compared
 * without regard to case and as a plain prefix, so that an odd spelling is
 * refused rather than let through. */
static enum route_kind
kiali_kind(const struct settings *s, struct slice path, const char *decoded)
{
	struct slice d = slice_of(decoded);

	/* Kiali cleans such a path by a redirect, other servers silently. */
	for (size_t i = 0; i + 1 < path.len; i++)
		if (path.p[i] == '/' && path.p[i + 1] == '/')
			return ROUTE_NONE;
	/* Endpoints of strategies that are not in use, as in Kiali. */
	if (slice_starts_nocase(d, "/api/auth/"))
		return ROUTE_NONE;
	if (slice_is(path, "/api") || slice_is(path, "/api/"))
		return s->require_auth ? ROUTE_SESSION : ROUTE_PUBLIC;
	if (slice_starts_nocase(d, "/api") || slice_starts_nocase(d, "/debug"))
		return ROUTE_SESSION;
	return ROUTE_PUBLIC;
}

struct route
settings_route(const struct settings *s, struct slice path)
{
	struct route route = { .kind = ROUTE_NONE, .name = "console" };
	size_t prefix = strlen(s->web_prefix);
	char decoded[ROUTE_DECIDES + 1];
	bool encoded;

	if (prefix > 0 && slice_is(path, "/")) {
		route.kind = ROUTE_OWN; /* a redirect to web_root */
		return route;
	}
	if (!slice_starts(path, s->web_prefix) ||
	    (path.len > prefix && path.p[prefix] != '/'))
		return route;
	path.p += prefix;
	path.len -= prefix;
	encoded = decode_start(path, decoded);
	if (is_own(decoded)) {
		route.kind = encoded ? ROUTE_NONE : ROUTE_OWN;
		return route;
	}
	route.kind = s->console_preset == PRESET_KIALI
	    ? kiali_kind(s, path, decoded)
	    : ROUTE_SESSION;
	if (s->strategy == STRATEGY_ANONYMOUS && route.kind == ROUTE_SESSION)
		route.kind = ROUTE_PUBLIC;
	if (route.kind == ROUTE_SESSION)
		route.inject = s->console_credential;
	return route;
}
