/*
 * external_services: what Kiali says about its backends, as far as a request
 * to them needs it. Kiali's rules hold for every service that is enabled;
 * Doorward's own only where a route or the local listener leads to it, so that
 * Kiali's file can be used as it is.
 */
#include "common/settings_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const struct {
	const char *name, *prefix, *enabled, *url;
} kinds[SERVICE_COUNT] = {
	[SERVICE_PROMETHEUS] = { "prometheus", "external_services.prometheus",
	    "external_services.prometheus.enabled", "url" },
	[SERVICE_GRAFANA] = { "grafana", "external_services.grafana",
	    "external_services.grafana.enabled", "internal_url" },
	[SERVICE_TRACING] = { "tracing", "external_services.tracing",
	    "external_services.tracing.enabled", "internal_url" },
	[SERVICE_PERSES] = { "perses", "external_services.perses",
	    "external_services.perses.enabled", "internal_url" },
	[SERVICE_CUSTOM_DASHBOARDS] = { "customdashboards-prometheus",
	    "external_services.custom_dashboards.prometheus",
	    "external_services.custom_dashboards.enabled", "url" },
};

char *
settings_service_key(enum service_id id, const char *key)
{
	if (strcmp(key, "enabled") == 0)
		return mem_strdup(kinds[id].enabled);
	if (strcmp(key, "url") == 0)
		key = kinds[id].url;
	return mem_printf(
	    "%s%s%s", kinds[id].prefix, key[0] != '\0' ? "." : "", key);
}

/* One service while it is checked. */
struct check {
	const struct settings *s;
	const struct service_settings *service;
	enum service_id id;
	struct conf_errors *e;
};

static void complain(const struct check *c, bool warning, const char *key,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
complain(const struct check *c, bool warning, const char *key,
    const char *format, ...)
{
	char *path = settings_service_key(c->id, key);
	va_list ap;

	va_start(ap, format);
	settings_vcomplain(c->s, c->e, warning, path, format, ap);
	va_end(ap);
	free(path);
}

static bool
is_given(const struct check *c, const char *key)
{
	char *path = settings_service_key(c->id, key);
	bool given = settings_place(c->s, path).line > 0;

	free(path);
	return given;
}

static void
check_url(const struct check *c, struct url *url)
{
	const char *text = c->service->url_text;
	const char *why;

	if (is_given(c, "in_cluster_url"))
		complain(c, true, "in_cluster_url",
		    "is the old name of internal_url: write that");
	if (text[0] == '\0') {
		if (c->id == SERVICE_PROMETHEUS)
			complain(c, false, "url",
			    "must not be empty while Prometheus is enabled");
	} else if (url_parse(text, url, &why) != 0) {
		complain(c, false, "url", "%s", why);
	}
}

static void
check_oauth2(const struct check *c, struct url *token_url)
{
	const struct auth_settings *auth = &c->service->auth;
	const struct oauth2_settings *o = &auth->oauth2;
	const char *why;

	if (o->token_url_text[0] == '\0')
		complain(c, false, "auth.oauth2.token_url",
		    "is needed with auth.type oauth2");
	else if (url_parse(o->token_url_text, token_url, &why) != 0)
		complain(c, false, "auth.oauth2.token_url", "%s", why);
	else if (!token_url->tls && !auth->insecure_skip_verify)
		complain(c, false, "auth.oauth2.token_url",
		    "must be https: the client secret is sent there");
	if (o->client_id[0] == '\0')
		complain(c, false, "auth.oauth2.client_id",
		    "is needed with auth.type oauth2");
	else if (slice_starts(slice_of(o->client_id), "secret:"))
		complain(c, false, "auth.oauth2.client_id",
		    "must be the identifier itself, which is no secret");
	if (c->id == SERVICE_TRACING && c->service->use_grpc)
		complain(c, false, "use_grpc",
		    "must be false with auth.type oauth2");
}

static void
check_auth(const struct check *c, struct url *token_url)
{
	static const char *const names[] = { "none", "basic", "bearer",
		"oauth2" };
	const struct auth_settings *auth = &c->service->auth;
	char *ca_file = settings_service_key(c->id, "auth.ca_file");

	settings_check_absolute(c->s, c->e, ca_file, auth->ca_file);
	free(ca_file);
	if (auth->type == AUTH_OAUTH2)
		check_oauth2(c, token_url);
	if (auth->use_kiali_token && auth->type != AUTH_BEARER)
		complain(c, false, "auth.use_kiali_token",
		    "goes with auth.type bearer, not with %s",
		    names[auth->type]);
	if (auth->key_file[0] != '\0' && auth->cert_file[0] == '\0')
		complain(c, false, "auth.key_file",
		    "needs auth.cert_file: the certificate that it belongs to");
	if (auth->use_kiali_token && auth->token[0] != '\0')
		complain(c, true, "auth.token",
		    "is not used beside use_kiali_token");
}

/* What frames a message or ends at the next hop is not to be set. */
static void
check_headers(const struct check *c)
{
	static const char *const refused[] = { "connection", "content-length",
		"expect", "host", "keep-alive", "proxy-connection", "te",
		"trailer", "transfer-encoding", "upgrade" };
	const struct conf_map *map = &c->service->custom_headers;

	for (size_t i = 0; i < map->n; i++)
		for (size_t k = 0; k < sizeof(refused) / sizeof(refused[0]);
		     k++) {
			if (!slice_is_nocase(
				slice_of(map->at[i].name), refused[k]))
				continue;
			char *key =
			    mem_printf("custom_headers.%s", map->at[i].name);

			complain(c, false, key,
			    "is set by Doorward and cannot be set here");
			free(key);
		}
}

void
settings_check_services(struct settings *s, struct conf_errors *e)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		struct service_settings *service = &s->services[i];
		const struct check c = { .s = s,
			.service = service,
			.id = (enum service_id)i,
			.e = e };

		service->name = kinds[i].name;
		settings_check_references(s, service, kinds[i].prefix, e);
		if (!service->enabled)
			continue;
		check_url(&c, &service->url);
		check_auth(&c, &service->auth.oauth2.token_url);
		check_headers(&c);
	}
}

static void
warn_auth(const struct check *c)
{
	const struct auth_settings *auth = &c->service->auth;
	bool tls = c->service->url.tls;

	if (!tls && !url_is_loopback(c->service->url.host) &&
	    settings_has_credential(c->service))
		complain(c, true, "url",
		    "http: what is sent there, credentials included, crosses "
		    "the network in clear");
	if (!tls && auth->ca_file[0] != '\0')
		complain(c, true, "auth.ca_file", "is only used with https");
	if (tls && auth->insecure_skip_verify)
		complain(c, true, "auth.insecure_skip_verify",
		    "true: anybody on the way can pretend to be the service "
		    "and is shown its credentials");
	if (tls && auth->insecure_skip_verify && auth->ca_file[0] != '\0')
		complain(c, true, "auth.ca_file",
		    "is not looked at with insecure_skip_verify");
	if (auth->type == AUTH_NONE &&
	    (auth->username[0] != '\0' || auth->password[0] != '\0' ||
		auth->token[0] != '\0'))
		complain(c, true, "auth.type",
		    "is none: the credentials here are not sent; say basic or "
		    "bearer");
}

void
settings_check_services_in_use(const struct settings *s, struct conf_errors *e)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct check c = { .s = s,
			.service = &s->services[i],
			.id = (enum service_id)i,
			.e = e };

		if (!c.service->in_use)
			continue;
		if (c.id == SERVICE_TRACING && c.service->use_grpc)
			complain(&c, false, "use_grpc",
			    "only HTTP goes through Doorward: set it to false "
			    "and internal_url to the HTTP query API, like "
			    "http://tracing.istio-system:16686/jaeger");
		if (settings_is_own_listener(s, &c.service->url) ||
		    settings_is_local_listener(s, &c.service->url))
			complain(&c, false, "url",
			    "is Doorward's own listener, so that requests "
			    "would go round in circles");
		warn_auth(&c);
	}
}
