/*
 * Where an upstream sends a client: Location, Content-Location and the like,
 * read as browsers read them, and written so that they lead through Doorward
 * or nowhere. Pure (RFC 3986, WHATWG URL).
 *
 *   the upstream's own address,      -> the path below the route
 *   or ours, or a path alone
 *   a path that leaves the route     -> put below it when the route strips its
 *                                       prefix, else refused
 *   another host of the inside       -> refused
 *   any other host                   -> as it is
 *
 * The console may send people anywhere; only its own address is taken out.
 */
#ifndef EGRESS_LOCATION_H
#define EGRESS_LOCATION_H

#include "common/http/http.h"
#include "common/settings.h"
#include "common/text.h"

struct location {
	const struct settings *settings;
	const struct route *route; /* that the request took */
	struct slice host;	   /* by which the client knows us; may be "" */
	bool has_query;
	struct slice query; /* of the request */
};

/* *out: what the client may have, in room or value itself. ERR_DENIED: it may
 * not lead there. ERR_LIMIT: no room is left. */
int location_rewrite(struct http_out *room, const struct location *l,
    struct slice value, struct slice *out) __attribute__((warn_unused_result));

#endif
