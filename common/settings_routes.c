/*
 * doorward.routes: which external services people reach, under which path, and
 * who may. What a route leaves out is not open: no service, method or path is
 * guessed.
 */
#include "common/settings_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/http.h"
#include "common/mem.h"

_Static_assert(SETTINGS_ROUTE_MAX == 200, "path_fault names it");

/* One route while it is checked. */
struct check {
	struct settings *s;
	struct route_settings *route;
	size_t number;
	struct conf_errors *e;
};

static void complain(const struct check *c, bool warning, const char *key,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
complain(const struct check *c, bool warning, const char *key,
    const char *format, ...)
{
	char *path = mem_printf("doorward.routes[%zu].%s", c->number, key);
	va_list ap;

	va_start(ap, format);
	settings_vcomplain(c->s, c->e, warning, path, format, ap);
	va_end(ap);
	free(path);
}

/* --- path --- */

/* Doorward's endpoint that path, with '/' at both ends, stands below or holds;
 * or NULL. Upper case counts as lower case: the preset kiali reads it so. */
static const char *
own_endpoint(const char *path)
{
	static const char *const own[] = { "/api/auth/", "/api/authenticate/",
		"/api/logout/", "/healthz/", "/_doorward/" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (slice_starts_nocase(slice_of(path), own[i]) ||
		    slice_starts_nocase(slice_of(own[i]), path))
			return own[i];
	return NULL;
}

static const char *
path_fault(const char *path)
{
	const char *fault = settings_path_fault(path);

	if (path[0] == '\0')
		return "is needed: where the route begins, like /prometheus/";
	if (fault != NULL)
		return fault;
	if (strlen(path) > SETTINGS_ROUTE_MAX)
		return "is longer than 200 characters";
	if (strcmp(path, "/") == 0)
		return "must not be / alone: that is the console's";
	if (path[strlen(path) - 1] != '/')
		return "must end with '/'";
	if (strchr(path, '*') != NULL)
		return "must not have a '*': all below it belongs to the route "
		       "anyway";
	return NULL;
}

static void
check_path(const struct check *c)
{
	const char *path = c->route->path;
	const char *fault = path_fault(path);
	const char *own;

	if (fault != NULL) {
		complain(c, false, "path", "%s", fault);
		return;
	}
	own = own_endpoint(path);
	if (own != NULL)
		complain(c, false, "path",
		    "%s collides with Doorward's own %.*s", path,
		    (int)strlen(own) - 1, own);
	for (size_t i = 0; i < c->number; i++)
		if (strcmp(c->s->routes[i].path, path) == 0)
			complain(c, false, "path",
			    "%s is doorward.routes[%zu] already", path, i);
	if (c->s->web_prefix[0] != '\0' &&
	    slice_starts(slice_of(path), c->s->web_prefix) &&
	    path[strlen(c->s->web_prefix)] == '/')
		complain(c, true, "path",
		    "is seen from server.web_root, so people find it at %s%s",
		    c->s->web_prefix, path);
}

/* --- service --- */

static void
check_service(const struct check *c)
{
	struct service_settings *service = NULL;
	const char *name = c->route->service_name;
	char *key;

	for (size_t i = 0; i < SERVICE_COUNT && service == NULL; i++) {
		if (strcmp(name, c->s->services[i].name) != 0)
			continue;
		service = &c->s->services[i];
		c->route->service = (int)i;
	}
	if (service == NULL) {
		complain(c, false, "service",
		    "must be one of prometheus, grafana, tracing, perses, "
		    "customdashboards-prometheus");
		return;
	}
	key = settings_service_key((enum service_id)c->route->service,
	    service->enabled ? "url" : "enabled");
	if (!service->enabled)
		complain(c, false, "service", "%s is not enabled: set %s", name,
		    key);
	else if (service->url_text[0] == '\0')
		complain(
		    c, false, "service", "%s has no url: set %s", name, key);
	else if (service->url.host != NULL)
		service->in_use = true;
	free(key);
}

/* --- methods and paths --- */

/* enum http_method, or -1 */
static int
method_of(const char *name)
{
	for (int i = 0; i < HTTP_METHOD_COUNT; i++)
		if (strcmp(name, http_method_name((enum http_method)i)) == 0)
			return i;
	return -1;
}

static void
check_methods(const struct check *c)
{
	const struct conf_list *methods = &c->route->methods;

	if (methods->n == 0)
		complain(c, false, "methods",
		    "names none; leave it out for GET and HEAD");
	for (size_t i = 0; i < methods->n; i++) {
		int method = method_of(methods->at[i]);

		if (method < 0)
			complain(c, false, "methods",
			    "%.100s is not one of GET, HEAD, POST, PUT, "
			    "DELETE, PATCH, OPTIONS",
			    methods->at[i]);
		else
			c->route->method_mask |= 1u << method;
	}
}

/* A star may only stand where it means what it says. */
static const char *
pattern_fault(const char *path)
{
	const char *fault = settings_path_fault(path);
	const char *star = strchr(path, '*');

	if (fault != NULL)
		return fault;
	if (star != NULL && (star[1] != '\0' || star[-1] != '/'))
		return "may have a '*' at its end only, behind a '/'";
	return NULL;
}

static void
check_paths(const struct check *c)
{
	for (size_t i = 0; i < c->route->paths.n; i++) {
		const char *fault = pattern_fault(c->route->paths.at[i]);

		if (fault != NULL)
			complain(c, false, "paths", "%.100s: %s",
			    c->route->paths.at[i], fault);
	}
}

/* --- allow --- */

static bool
has(const struct conf_list *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->at[i], text) == 0)
			return true;
	return false;
}

static void
check_present(const struct check *c)
{
	const struct route_allow *allow = &c->route->allow;
	bool everybody = has(&allow->users, "*");

	if (c->s->strategy == STRATEGY_ANONYMOUS && !everybody)
		complain(c, false, "allow",
		    "with auth.strategy anonymous everybody reaches this: say "
		    "so with allow: {users: [\"*\"]}, or remove the route");
	else if (!allow->present)
		complain(c, true, "allow",
		    "is not set: every signed-in person may use this route; "
		    "name users or groups, or say users: [\"*\"]");
	else if (!settings_allows_anybody(allow))
		complain(c, false, "allow",
		    "names nobody, so nobody could use the route");
}

bool
settings_allows_anybody(const struct route_allow *allow)
{
	return allow->users.n + allow->groups.n + allow->emails.n +
	    allow->domains.n >
	    0;
}

void
settings_check_allow(const struct settings *s, struct conf_errors *e,
    const char *path, struct route_allow *allow)
{
	char *emails = mem_printf("%s.emails", path);
	char *domains = mem_printf("%s.domains", path);

	allow->present = settings_place(s, path).line > 0;
	if (has(&allow->groups, "*") || has(&allow->emails, "*") ||
	    has(&allow->domains, "*"))
		settings_complain(s, e, false, path,
		    "\"*\" is known to users only; it stands for everybody");
	for (size_t i = 0; i < allow->emails.n; i++)
		if (strchr(allow->emails.at[i], '@') == NULL)
			settings_complain(s, e, false, emails,
			    "%.100s is no e-mail address", allow->emails.at[i]);
	for (size_t i = 0; i < allow->domains.n; i++) {
		if (!url_is_host(slice_of(allow->domains.at[i])))
			settings_complain(s, e, false, domains,
			    "%.100s is no domain (write it without @)",
			    allow->domains.at[i]);
		text_lower(allow->domains.at[i]);
	}
	free(emails);
	free(domains);
}

static void
check_allow(const struct check *c)
{
	struct route_allow *allow = &c->route->allow;
	char *path = mem_printf("doorward.routes[%zu].allow", c->number);

	settings_check_allow(c->s, c->e, path, allow);
	free(path);
	check_present(c);
	if ((c->s->strategy == STRATEGY_TOKEN ||
		c->s->strategy == STRATEGY_HEADER) &&
	    allow->emails.n + allow->domains.n > 0)
		complain(c, true, "allow",
		    "with auth.strategy %s nobody has an e-mail address, so "
		    "emails and domains match nobody",
		    c->s->strategy == STRATEGY_TOKEN ? "token" : "header");
}

void
settings_check_routes(struct settings *s, struct conf_errors *e)
{
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct check c = {
			.s = s, .route = &s->routes[i], .number = i, .e = e
		};

		check_path(&c);
		check_service(&c);
		check_methods(&c);
		check_paths(&c);
		check_allow(&c);
	}
}
