#include "frontend/router.h"

#include <string.h>

#define M(method) (1u << HTTP_##method)

/* clang-format off */
static const struct own_row {
	const char *path; /* below the web root */
	enum own_endpoint endpoint;
	unsigned methods;
	bool openid; /* only with STRATEGY_OPENID */
} own_rows[] = {
	{ "/healthz",                        ENDPOINT_HEALTHZ,              M(GET) | M(HEAD),              false },
	{ "/api/auth/info",                  ENDPOINT_AUTH_INFO,            M(GET) | M(HEAD),              false },
	{ "/api/auth/openid_redirect",       ENDPOINT_OPENID_START,         M(GET),                        true },
	{ "/api/authenticate",               ENDPOINT_AUTHENTICATE,         M(POST),                       false },
	{ "/api/logout",                     ENDPOINT_API_LOGOUT,           M(GET),                        false },
	{ "/_doorward/login",                ENDPOINT_LOGIN,                M(GET) | M(HEAD) | M(POST),    false },
	{ "/_doorward/logout",               ENDPOINT_LOGOUT,               M(GET) | M(HEAD) | M(POST),    false },
	{ "/_doorward/backchannel-logout",   ENDPOINT_BACKCHANNEL_LOGOUT,   M(POST),                       true },
	{ "/_doorward/frontchannel-logout",  ENDPOINT_FRONTCHANNEL_LOGOUT,  M(GET),                        true },
	{ "/_doorward/signed-out",           ENDPOINT_SIGNED_OUT,           M(GET) | M(HEAD),              false },
	{ "/_doorward/session",              ENDPOINT_SESSION,              M(GET) | M(HEAD),              false },
	{ "/_doorward/readyz",               ENDPOINT_READYZ,               M(GET) | M(HEAD),              false },
};
/* clang-format on */

static const struct own_row *
own_find(const struct settings *s, struct slice path)
{
	for (size_t i = 0; i < sizeof(own_rows) / sizeof(own_rows[0]); i++)
		if (slice_is(path, own_rows[i].path) &&
		    (!own_rows[i].openid || s->strategy == STRATEGY_OPENID))
			return &own_rows[i];
	return NULL;
}

/* Cuts the web root off; false when path is outside of it. */
static bool
below_root(const struct settings *s, struct slice *path)
{
	size_t n = strlen(s->web_prefix);

	if (!slice_starts(*path, s->web_prefix))
		return false;
	path->p += n;
	path->len -= n;
	return path->len == 0 || path->p[0] == '/';
}

static struct router_result
decide_own(const struct settings *s, const struct own_row *row,
    enum http_method method)
{
	struct router_result r = { ROUTER_OWN, row->endpoint, 0 };
	unsigned methods = row->methods;

	/* Nothing is asked of a person then, and Kiali takes both. */
	if (row->endpoint == ENDPOINT_AUTHENTICATE &&
	    s->strategy == STRATEGY_ANONYMOUS)
		methods |= M(GET);
	if ((methods & (1u << method)) == 0)
		r = (struct router_result){ ROUTER_METHOD, ENDPOINT_NONE,
			methods };
	return r;
}

struct router_result
router_decide(
    const struct settings *s, enum http_method method, struct slice path)
{
	struct router_result r = { ROUTER_NOT_FOUND, ENDPOINT_NONE, 0 };
	struct slice below = path;
	const struct own_row *row = NULL;
	struct route route;

	if (s->web_prefix[0] != '\0' && slice_is(path, "/")) {
		r.action = ROUTER_TO_ROOT;
		return r;
	}
	if (!below_root(s, &below))
		return r;
	row = own_find(s, below);
	if (row != NULL)
		return decide_own(s, row, method);
	if (below.len > 1 && below.p[below.len - 1] == '/') {
		below.len--;
		if (own_find(s, below) != NULL) {
			r.action = ROUTER_NO_SLASH;
			return r;
		}
	}
	route = settings_route(s, method, path);
	switch (route.kind) {
	case ROUTE_PUBLIC:
	case ROUTE_SESSION:
		r.action = ROUTER_PROXY;
		break;
	case ROUTE_METHOD:
		r.action = ROUTER_METHOD;
		r.methods = route.methods;
		break;
	case ROUTE_SLASH:
		r.action = ROUTER_SLASH;
		break;
	case ROUTE_OWN:
	case ROUTE_NONE:
		break;
	}
	return r;
}
