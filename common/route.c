/*
 * The routing decision: which path is Doorward's own, which leads to an
 * external service, which is public, which needs a session. The frontend and
 * egress both ask here, so that neither can hold another opinion; and what
 * matched here is what egress sends, so that there is no second reading.
 *
 * Order: Doorward's own endpoints, then doorward.routes (the longest path
 * first), then the console's rules. A path that would be decided otherwise once
 * it is decoded leads nowhere.
 */
#include "common/settings.h"

#include <string.h>

/* As many decoded characters as decide: the names below and those of
 * doorward.routes are shorter. */
#define ROUTE_DECIDES (SETTINGS_ROUTE_MAX + 1)

/* Doorward's endpoints below web_root, in all presets. */
static const char *const own_paths[] = {
	"/api/auth/info",
	"/api/authenticate",
	"/api/logout",
	"/healthz",
};
/* With STRATEGY_OPENID alone; else it is Kiali's, which then has none. */
static const char openid_path[] = "/api/auth/openid_redirect";

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
is_own(const struct settings *s, const char *path)
{
	struct slice p = slice_of(path);

	if (slice_is(p, "/_doorward") || slice_starts(p, "/_doorward/"))
		return true;
	if (p.len > 1 && p.p[p.len - 1] == '/')
		p.len--;
	for (size_t i = 0; i < sizeof(own_paths) / sizeof(own_paths[0]); i++)
		if (slice_is(p, own_paths[i]))
			return true;
	return s->strategy == STRATEGY_OPENID && slice_is(p, openid_path);
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

/* The longest of doorward.routes that holds path, or NULL. */
static const struct route_settings *
longest_route(const struct settings *s, struct slice path)
{
	const struct route_settings *found = NULL;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_settings *r = &s->routes[i];

		if (slice_starts(path, r->path) &&
		    (found == NULL || strlen(r->path) > strlen(found->path)))
			found = r;
	}
	return found;
}

/* "/prometheus" of the route "/prometheus/" */
static bool
lacks_slash(const struct settings *s, struct slice path)
{
	for (size_t i = 0; i < s->n_routes; i++) {
		struct slice whole = slice_of(s->routes[i].path);

		whole.len--;
		if (slice_equal(path, whole))
			return true;
	}
	return false;
}

/* "/api/v1/query" is that path alone, "/api/v1/" and "/api/v1/" with a star are
 * what is below. */
static bool
pattern_holds(struct slice pattern, struct slice path)
{
	char last = pattern.len > 0 ? pattern.p[pattern.len - 1] : '\0';

	if (last == '*')
		pattern.len--;
	else if (last != '/')
		return slice_equal(path, pattern);
	if (path.len > pattern.len)
		path.len = pattern.len;
	return slice_equal(path, pattern);
}

/* Is it one of the route's paths? Compared as it stands: an odd spelling of a
 * listed path is not listed, and nothing that is below a listed prefix can
 * decode to a path that is not (http_target_check). */
static bool
is_listed(const struct route_settings *r, struct slice path)
{
	for (size_t i = 0; i < r->paths.n; i++)
		if (pattern_holds(slice_of(r->paths.at[i]), path))
			return true;
	return r->paths.n == 0;
}

static bool
everybody_may(const struct route_settings *r)
{
	const struct conf_list *users = &r->allow.users;

	for (size_t i = 0; r->allow.present && i < users->n; i++)
		if (strcmp(users->at[i], "*") == 0)
			return true;
	return false;
}

/* path: whole; below: behind the web root. */
static struct route
service_route(const struct settings *s, const struct route_settings *r,
    enum http_method method, struct slice path, struct slice below)
{
	struct route route = { .kind = ROUTE_NONE,
		.name = r->path,
		.service = r->service,
		.settings = r,
		.methods = r->method_mask,
		.rest = path };
	size_t cut = strlen(r->path) - 1; /* the slash stays */

	below.p += cut;
	below.len -= cut;
	route.mount = (struct slice){ path.p, path.len - below.len };
	route.stripped = r->strip_prefix;
	if (route.stripped) {
		route.base = slice_of(s->services[r->service].url.path);
		route.rest = below;
	}
	if (!is_listed(r, below))
		return route;
	if ((r->method_mask & 1u << method) == 0)
		route.kind = ROUTE_METHOD;
	else if (s->strategy != STRATEGY_ANONYMOUS)
		route.kind = ROUTE_SESSION;
	else if (everybody_may(r))
		route.kind = ROUTE_PUBLIC;
	return route;
}

static void
console_route(const struct settings *s, struct route *route, struct slice below,
    const char *decoded)
{
	route->kind = s->console_preset == PRESET_KIALI
	    ? kiali_kind(s, below, decoded)
	    : ROUTE_SESSION;
	if (s->strategy == STRATEGY_ANONYMOUS && route->kind == ROUTE_SESSION)
		route->kind = ROUTE_PUBLIC;
	if (route->kind == ROUTE_SESSION)
		route->inject = s->console_credential;
}

struct route
settings_route(
    const struct settings *s, enum http_method method, struct slice path)
{
	struct route route = { .kind = ROUTE_NONE,
		.name = SETTINGS_ROUTE_CONSOLE,
		.service = SERVICE_NONE,
		.rest = path };
	const struct route_settings *r;
	size_t prefix = strlen(s->web_prefix);
	char decoded[ROUTE_DECIDES + 1];
	struct slice below = path;
	bool encoded;

	if (prefix > 0 && slice_is(path, "/")) {
		route.kind = ROUTE_OWN; /* a redirect to web_root */
		return route;
	}
	if (!slice_starts(path, s->web_prefix) ||
	    (path.len > prefix && path.p[prefix] != '/'))
		return route;
	below.p += prefix;
	below.len -= prefix;
	encoded = decode_start(below, decoded);
	if (is_own(s, decoded)) {
		route.kind = encoded ? ROUTE_NONE : ROUTE_OWN;
		return route;
	}
	r = longest_route(s, below);
	if (r != longest_route(s, slice_of(decoded)))
		return route; /* an odd spelling of a route */
	if (r != NULL)
		return service_route(s, r, method, path, below);
	if (lacks_slash(s, slice_of(decoded)))
		route.kind = encoded ? ROUTE_NONE : ROUTE_SLASH;
	else
		console_route(s, &route, below, decoded);
	return route;
}

const struct route_settings *
settings_route_named(const struct settings *s, struct slice name)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (slice_is(name, s->routes[i].path))
			return &s->routes[i];
	return NULL;
}
