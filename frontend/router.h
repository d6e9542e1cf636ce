/*
 * What becomes of a request, from its method and path alone: one of our own
 * endpoints, a fixed answer, or egress. Pure. Whether a path is public is not
 * decided here but by settings_route, which egress asks again.
 */
#ifndef FRONTEND_ROUTER_H
#define FRONTEND_ROUTER_H

#include "common/http/http.h"
#include "common/settings.h"
#include "common/text.h"

enum own_endpoint {
	ENDPOINT_NONE,
	ENDPOINT_HEALTHZ,
	ENDPOINT_READYZ,
	ENDPOINT_AUTH_INFO,
	ENDPOINT_AUTHENTICATE,
	ENDPOINT_API_LOGOUT,
	ENDPOINT_LOGIN,
	ENDPOINT_LOGOUT,
	ENDPOINT_SIGNED_OUT,
	ENDPOINT_SESSION,
	ENDPOINT_OPENID_START,
	ENDPOINT_OPENID_CALLBACK, /* not by its path: openid_is_callback */
	ENDPOINT_BACKCHANNEL_LOGOUT,
	ENDPOINT_FRONTCHANNEL_LOGOUT,
	ENDPOINT_COUNT
};

enum router_action {
	ROUTER_PROXY,	  /* hand to egress */
	ROUTER_OWN,	  /* endpoint says which */
	ROUTER_TO_ROOT,	  /* 302 to the web root */
	ROUTER_NO_SLASH,  /* 301 to the path without its last '/' */
	ROUTER_SLASH,	  /* 308 to the path with a '/' behind it */
	ROUTER_METHOD,	  /* 405; methods says what is allowed */
	ROUTER_NOT_FOUND, /* 404 */
};

struct router_result {
	enum router_action action;
	enum own_endpoint endpoint;
	unsigned methods; /* 1u << enum http_method */
};

struct router_result router_decide(
    const struct settings *s, enum http_method method, struct slice path);

#endif
