/* See services.h. */
#include "egress/services.h"

#include <stdio.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/log.h"
#include "common/settings.h"
#include "egress/egress.h"
#include "egress/secrets.h"
#include "egress/service.h"
#include "egress/trust.h"
#include "egress/upstream.h"

#define SERVICES (SERVICE_COUNT + 1)

struct service *
services_get(const struct egress *eg, int service)
{
	if (service == SERVICE_NONE)
		return eg->services[SERVICE_COUNT];
	return service >= 0 && service < SERVICE_COUNT ? eg->services[service]
						       : NULL;
}

/* --- what secretd says --- */

static void
answered(const struct held *h, void *arg)
{
	struct egress *eg = arg;

	for (size_t i = 0; i < SERVICES; i++)
		if (eg->services[i] != NULL)
			service_answered(eg->services[i], h);
}

static void
set_additional(struct egress *eg, struct slice pem)
{
	struct stack_st_X509 *set;
	int r;

	if (pem.len == 0) {
		if (eg->has_additional_ca)
			log_warn(CA_BUNDLE_NAME " is gone; the last one stays "
						"in use");
		return;
	}
	r = ca_set_parse(pem, CA_BUNDLE_NAME, &set);
	if (r != 0) {
		log_error(
		    CA_BUNDLE_NAME " %s; nothing changes", ca_set_problem(r));
		return;
	}
	log_info(CA_BUNDLE_NAME ": %zu certificates are trusted beside the "
				"system's",
	    ca_set_count(set));
	trust_set_additional(eg->trust, set);
	eg->has_additional_ca = true;
	for (size_t i = 0; i < SERVICES; i++)
		if (eg->services[i] != NULL)
			service_trust_again(eg->services[i]);
}

static void
ca(unsigned number, struct slice pem, void *arg)
{
	struct egress *eg = arg;
	struct service *s =
	    services_get(eg, number == CA_CONSOLE ? SERVICE_NONE : (int)number);

	if (number == CA_COMMON)
		set_additional(eg, pem);
	else if (s != NULL)
		service_set_ca(s, pem);
}

static void
identity(unsigned n, void *arg)
{
	struct egress *eg = arg;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (eg->services[i] != NULL && (n == i || n == SERVICE_COUNT))
			service_ask_identity(eg->services[i]);
}

static const struct secrets_ops ops = {
	.answered = answered,
	.ca = ca,
	.identity = identity,
};

/* --- setting up --- */

/* Does anything trust what the system trusts? */
static bool
needs_system(const struct settings *s)
{
	bool needs = s->console.tls && s->console_ca_file[0] == '\0';

	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct service_settings *x = &s->services[i];

		if (!x->in_use)
			continue;
		needs = needs || x->auth.oauth2.token_url.tls ||
		    (x->url.tls && !x->auth.insecure_skip_verify &&
			x->auth.ca_file[0] == '\0');
	}
	return needs;
}

void
services_setup(struct egress *eg)
{
	const struct settings *s = eg->settings;

	eg->trust = trust_new(needs_system(s));
	eg->secrets = secrets_new(eg->base, s, &ops, eg);
	eg->services[SERVICE_COUNT] = service_new_console(eg);
	for (int i = 0; i < SERVICE_COUNT; i++)
		if (s->services[i].in_use)
			eg->services[i] = service_new(eg, i);
	secrets_want_ca(eg->secrets, CA_COMMON);
}

static size_t
add_port(uint16_t *ports, size_t n, size_t cap, const struct upstream *u)
{
	uint16_t port;

	if (u == NULL)
		return n;
	port = upstream_url(u)->port;
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return n;
	if (n == cap)
		log_fatal("too many ports of upstreams");
	ports[n] = port;
	return n + 1;
}

size_t
services_ports(const struct egress *eg, uint16_t *ports, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < SERVICES; i++) {
		const struct service *s = eg->services[i];

		if (s == NULL)
			continue;
		n = add_port(ports, n, cap, service_upstream(s));
		n = add_port(ports, n, cap, service_endpoint(s));
	}
	return n;
}

void
services_describe(const struct egress *eg, char *dst, size_t cap)
{
	char line[512];
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < SERVICES; i++) {
		const struct service *s = eg->services[i];
		int n;

		if (s == NULL)
			continue;
		service_describe(s, line, sizeof(line));
		n = snprintf(
		    dst + len, cap - len, "%s: %s\n", service_name(s), line);
		if (n < 0 || (size_t)n >= cap - len)
			return;
		len += (size_t)n;
	}
}
