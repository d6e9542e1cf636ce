/*
 * Rules that go beyond one value: what Kiali refuses at start (its section
 * "server" and strategies), what Doorward refuses in addition, and values that
 * follow from others.
 */
#include "common/settings_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

#define WORKERS_DEFAULT_MAX 4

static void
replace(char **at, char *text)
{
	free(*at);
	*at = text;
}

/* What checks a token that somebody shows us. */
static void
check_token_checks(
    const struct settings *s, const char *strategy, struct conf_errors *e)
{
	if (s->api_server_text[0] == '\0' && s->jwks_file[0] == '\0')
		settings_complain(s, e, false, "auth.strategy",
		    "%s needs doorward.kubernetes.api_server (to ask the "
		    "cluster) or doorward.kubernetes.jwks_file (to check "
		    "tokens offline)",
		    strategy);
}

static void
check_header(const struct settings *s, struct conf_errors *e)
{
	static const char path[] = "auth.strategy";

	check_token_checks(s, "header", e);
	if (s->trusted_proxies_text.n == 0)
		settings_complain(s, e, false, path,
		    "header needs doorward.trusted_proxies: the proxy that "
		    "signs people in; from anybody else such a header would be "
		    "a claim without proof");
	settings_complain(s, e, true, path,
	    "header: every request needs the Authorization header from a "
	    "trusted proxy; there is no login page");
}

static void
check_strategy(const struct settings *s, struct conf_errors *e)
{
	static const char path[] = "auth.strategy";

	switch ((enum strategy)s->strategy) {
	case STRATEGY_TOKEN:
		check_token_checks(s, "token", e);
		break;
	case STRATEGY_ANONYMOUS:
		settings_complain(s, e, true, path,
		    "anonymous: users will not be authenticated");
		break;
	case STRATEGY_OPENID: /* settings_check_openid */
		break;
	case STRATEGY_HEADER:
		check_header(s, e);
		break;
	case STRATEGY_OPENSHIFT:
		settings_complain(s, e, false, path,
		    "openshift is not supported: its OAuth server is part of "
		    "the cluster and only serves clients inside; use openid or "
		    "token");
		break;
	}
}

static bool
is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("-._~!$&'()*+,;=:@%/", c) != NULL);
}

/* Kiali's rule for web_root; ';' would end the Path of a cookie, and the others
 * could never match a request. */
const char *
settings_path_fault(const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/')
		return "must begin with '/'";
	for (const char *c = path; *c != '\0'; c++)
		if (!is_path_char(*c))
			return "has a character that is not allowed in a path";
	if (strstr(path, "/../") != NULL || strstr(path, "/./") != NULL ||
	    strstr(path, "//") != NULL ||
	    (len >= 3 && strcmp(path + len - 3, "/..") == 0) ||
	    (len >= 2 && strcmp(path + len - 2, "/.") == 0))
		return "must not have empty, '.' or '..' segments";
	if (strchr(path, ';') != NULL || strchr(path, '%') != NULL)
		return "must not have ';' or '%', which cookie paths do not "
		       "survive";
	return NULL;
}

static void
check_server(struct settings *s, struct conf_errors *e)
{
	const char *fault = settings_path_fault(s->web_root);
	size_t len = strlen(s->web_root);
	uint64_t port;

	if (fault != NULL)
		settings_complain(s, e, false, "server.web_root", "%s", fault);
	else if (len > 1 && s->web_root[len - 1] == '/')
		settings_complain(
		    s, e, false, "server.web_root", "must not end with '/'");
	s->web_prefix =
	    mem_strdup(strcmp(s->web_root, "/") == 0 ? "" : s->web_root);
	if (s->web_fqdn[0] != '\0' && !url_is_host(slice_of(s->web_fqdn)))
		settings_complain(s, e, false, "server.web_fqdn",
		    "must be a host name, without port or scheme");
	if (s->web_port[0] != '\0' &&
	    (text_u64(slice_of(s->web_port), 65535, &port) != 0 || port == 0))
		settings_complain(s, e, false, "server.web_port",
		    "must be a port from 1 to 65535");
	if (s->web_schema[0] != '\0' && strcmp(s->web_schema, "http") != 0 &&
	    strcmp(s->web_schema, "https") != 0)
		settings_complain(
		    s, e, false, "server.web_schema", "must be http or https");
}

static void
check_deployment(struct settings *s, struct conf_errors *e)
{
	static const char *const paths[] = { "deployment.namespace",
		"deployment.instance_name" };
	const char *const names[] = { s->deployment_namespace,
		s->instance_name };

	for (size_t i = 0; i < 2; i++)
		if (!url_is_host(slice_of(names[i])))
			settings_complain(s, e, false, paths[i],
			    "must be the name of a Kubernetes object");
	s->service_account = mem_printf("%s-service-account", s->instance_name);
	for (size_t i = 0; i < s->selected_namespaces.n; i++)
		conf_list_add(&s->namespaces, s->selected_namespaces.at[i]);
	if (s->cluster_name[0] == '\0')
		replace(&s->cluster_name, mem_strdup("Kubernetes"));
}

/* RFC 6265 4.1.1: the name is a token (RFC 9110 5.6.2). */
static bool
is_token(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9') ||
			strchr("!#$%&'*+-.^_`|~", *c) != NULL))
			return false;
	return strlen(name) <= 64;
}

static void
check_cookie_name(const struct settings *s, struct conf_errors *e)
{
	static const char path[] = "doorward.session.cookie_name";
	struct slice name = slice_of(s->cookie_name);
	bool host = slice_starts_nocase(name, "__Host-");

	if (!is_token(s->cookie_name))
		settings_complain(s, e, false, path,
		    "must be at most 64 letters, digits and -_.");
	if (slice_starts_nocase(name, "kiali-token"))
		settings_complain(s, e, false, path,
		    "must not begin with kiali-token: those cookies are "
		    "removed");
	if (host && s->web_prefix[0] != '\0')
		settings_complain(s, e, false, path,
		    "browsers take a __Host- cookie with web_root / only");
	if ((host || slice_starts_nocase(name, "__Secure-")) &&
	    !settings_tls(s) && s->n_trusted_proxies == 0)
		settings_complain(s, e, false, path,
		    "browsers take such a cookie over HTTPS only");
}

static void
check_secrets_dirs(const struct settings *s, struct conf_errors *e)
{
	for (size_t i = 0; i < s->secrets_dirs.n; i++)
		if (s->secrets_dirs.at[i][0] != '/')
			settings_complain(s, e, false, "doorward.secrets_dirs",
			    "%.200s is not an absolute path",
			    s->secrets_dirs.at[i]);
}

static void
set_workers(struct settings *s)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (s->workers > 0)
		return;
	if (cores < 1)
		cores = 1;
	s->workers =
	    cores > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : (uint32_t)cores;
}

void
settings_check(struct settings *s, struct conf_errors *e)
{
	check_strategy(s, e);
	check_server(s, e);
	check_deployment(s, e);
	settings_check_tls(s, e);
	settings_check_network(s, e);
	settings_check_openid(s, e);
	settings_check_services(s, e);
	settings_check_egress(s, e);
	settings_check_routes(s, e);
	settings_check_services_in_use(s, e);
	check_secrets_dirs(s, e);
	settings_check_signing_key(s, e);
	check_cookie_name(s, e);
	set_workers(s);
}
