/*
 * Is a host one of the inside? What a service says of it must not reach a
 * client: its browser could not go there, and nobody outside is to learn that
 * it exists. Pure: no name is resolved.
 */
#ifndef EGRESS_INTERNAL_H
#define EGRESS_INTERNAL_H

#include <stdbool.h>

#include "common/text.h"

struct settings;

/* host: as http_host_split gives it, without brackets and port. True for
 * loopback, private and link-local addresses (in any spelling that a browser
 * reads as one), single labels, names that no public DNS has (.svc, .local,
 * .internal, ...), and the hosts of our own upstreams. */
bool internal_host(const struct settings *s, struct slice host);

#endif
