/*
 * external_services: what Kiali says about its backends, as far as a request
 * to them needs it.
 */
#include "common/settings_internal.h"

static const char *const names[SERVICE_COUNT] = {
	[SERVICE_PROMETHEUS] = "prometheus",
	[SERVICE_GRAFANA] = "grafana",
	[SERVICE_TRACING] = "tracing",
	[SERVICE_PERSES] = "perses",
	[SERVICE_CUSTOM_DASHBOARDS] = "customdashboards-prometheus",
};

void
settings_check_services(struct settings *s, struct conf_errors *e)
{
	(void)e;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		s->services[i].name = names[i];
}
