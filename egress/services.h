/*
 * All upstreams of this process: the console and the external services that are
 * in use, with what secretd has to say to them.
 */
#ifndef EGRESS_SERVICES_H
#define EGRESS_SERVICES_H

#include <stddef.h>
#include <stdint.h>

struct egress;
struct service;

/* Before the sandbox: fills in eg->trust, secrets and services. */
void services_setup(struct egress *eg);
/* service: an enum service_id, or SERVICE_NONE, the console. NULL when it is
 * not in use. */
struct service *services_get(const struct egress *eg, int service);
/* The ports that they are reached at, each once, at most cap; how many. */
size_t services_ports(const struct egress *eg, uint16_t *ports, size_t cap);
/* Lines "console: ..." for the status. */
void services_describe(const struct egress *eg, char *dst, size_t cap);

#endif
