/*
 * Clients of the local listener, who speak plain HTTP/1.1 as strictly as the
 * gate has it. Who they are and where their requests go is local.h's.
 */
#ifndef EGRESS_FRONT_HTTP_H
#define EGRESS_FRONT_HTTP_H

#include <stdbool.h>

struct egress;

/* Takes an accepted connection. client: for the log, when it has no address
 * (Unix), else NULL. */
void front_http_accept(struct egress *eg, int fd, const char *client);

#endif
