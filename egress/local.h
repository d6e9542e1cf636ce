/*
 * The local listener: the console's own way to the external services, without a
 * password of its own. Its first path segment names the service:
 * http://127.0.0.1:9091/prometheus/api/v1/query. What goes to the service, its
 * credential included, is decided as for everybody else (exchange.h).
 *
 * SECURITY: a loopback address or a Unix socket, never the network. Who may use
 * it: on TCP who has the bearer token of the slot egress-token, on a Unix
 * socket the uids of doorward.egress.allow_uids.
 */
#ifndef EGRESS_LOCAL_H
#define EGRESS_LOCAL_H

#include "common/http/http.h"
#include "common/settings.h"

struct egress;
struct front;

#define LOCAL_CONNECTIONS_MAX 256

/* Before secrets_connect: serves the inherited socket. Fatal when it is neither
 * a loopback address nor a Unix socket, or when doorward.egress.listen says
 * that there is to be none.
 */
void local_listen(struct egress *eg, int fd);

/* May this request go on? 0, or the status with which to refuse it, and *why
 * gets a sentence (static). */
unsigned local_judge(
    const struct front *front, const struct http_request *q, const char **why);

/* Where path leads: ROUTE_PUBLIC with a service, or ROUTE_NONE. */
struct route local_route(const struct settings *s, struct slice path);

#endif
