/*
 * Who may talk to whom: listeners, names, trusted proxies, the console and the
 * API server.
 */
#include "common/settings_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

static void
check_listen(struct settings *s, struct conf_errors *e)
{
	bool v6 = strchr(s->address, ':') != NULL;

	if (s->listen.n == 0) {
		char *text =
		    mem_printf(v6 ? "[%s]:%u" : "%s:%u", s->address, s->port);

		conf_list_add(&s->listen, text);
		free(text);
	}
	for (size_t i = 0; i < s->listen.n; i++) {
		struct endpoint at;

		if (endpoint_parse(s->listen.at[i], &at) != 0)
			settings_complain(s, e, false, "doorward.listen",
			    "%.100s is not ADDRESS:PORT, like 127.0.0.1:8443, "
			    "[::1]:8443 or :443",
			    s->listen.at[i]);
	}
}

static void
check_hosts(struct settings *s, struct conf_errors *e)
{
	if (s->hosts.n == 0 && s->web_fqdn[0] != '\0')
		conf_list_add(&s->hosts, s->web_fqdn);
	if (s->hosts.n == 0)
		settings_complain(s, e, true, "doorward.hosts",
		    "no names are set (nor server.web_fqdn): requests are "
		    "accepted under any name");
	for (size_t i = 0; i < s->hosts.n; i++) {
		char *host = s->hosts.at[i];
		size_t len = strlen(host);

		if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
			memmove(host, host + 1, len - 2);
			host[len - 2] = '\0';
		}
		if (!url_is_host(slice_of(host)))
			settings_complain(s, e, false, "doorward.hosts",
			    "%.100s is not a host name (write it without port "
			    "and scheme)",
			    host);
		text_lower(host);
	}
}

static void
check_proxies(struct settings *s, struct conf_errors *e)
{
	static const char path[] = "doorward.trusted_proxies";
	const struct conf_list *text = &s->trusted_proxies_text;

	if (text->n > 0)
		s->trusted_proxies =
		    mem_array(text->n, sizeof(*s->trusted_proxies));
	for (size_t i = 0; i < text->n; i++) {
		struct cidr *c = &s->trusted_proxies[s->n_trusted_proxies];
		int r = cidr_parse(text->at[i], c);

		if (r == ERR_LIMIT)
			settings_complain(s, e, false, path,
			    "%.100s: there are bits behind the prefix; write "
			    "the network's own address",
			    text->at[i]);
		else if (r != 0)
			settings_complain(s, e, false, path,
			    "%.100s is not a network like 10.0.0.0/8",
			    text->at[i]);
		else if (c->bits == 0)
			settings_complain(s, e, false, path,
			    "%.100s would let anybody claim any address",
			    text->at[i]);
		else
			s->n_trusted_proxies++;
	}
}

/* Without TLS, passwords and cookies would cross the network in clear. */
static void
warn_plain(const struct settings *s, struct conf_errors *e)
{
	bool beyond = false;

	if (settings_tls(s))
		return;
	for (size_t i = 0; i < s->listen.n; i++) {
		struct endpoint at;

		if (endpoint_parse(s->listen.at[i], &at) == 0 &&
		    !url_is_loopback(at.host))
			beyond = true;
	}
	if (s->n_trusted_proxies > 0)
		settings_complain(s, e, true, "identity.cert_file",
		    "not set, so plain HTTP is served: to loopback and "
		    "trusted_proxies only");
	else
		settings_complain(s, e, true, "identity.cert_file",
		    "not set, so plain HTTP is served: to loopback only%s",
		    beyond ? ", whatever the listeners' addresses are" : "");
}

void
settings_check_absolute(const struct settings *s, struct conf_errors *e,
    const char *path, const char *file)
{
	if (file[0] != '\0' && file[0] != '/')
		settings_complain(
		    s, e, false, path, "must be an absolute path");
}

bool
settings_is_own_listener(const struct settings *s, const struct url *u)
{
	for (size_t i = 0; i < s->listen.n; i++) {
		struct endpoint at;

		if (endpoint_parse(s->listen.at[i], &at) != 0 ||
		    at.port != u->port)
			continue;
		if (strcmp(at.host, u->host) == 0)
			return true;
		if (url_is_loopback(u->host) &&
		    (at.host[0] == '\0' || strcmp(at.host, "0.0.0.0") == 0 ||
			strcmp(at.host, "::") == 0 || url_is_loopback(at.host)))
			return true;
	}
	return false;
}

static void
check_console(struct settings *s, struct conf_errors *e)
{
	static const char path[] = "doorward.console.url";
	const char *why;

	settings_check_absolute(
	    s, e, "doorward.console.ca_file", s->console_ca_file);
	settings_check_absolute(
	    s, e, "doorward.ca_bundle_dir", s->ca_bundle_dir);
	if (url_parse(s->console_url_text, &s->console, &why) != 0) {
		settings_complain(s, e, false, path, "%s", why);
		return;
	}
	if (settings_is_own_listener(s, &s->console))
		settings_complain(s, e, false, path,
		    "is Doorward's own listener, so that requests would go "
		    "round in circles; set doorward.listen to another port");
	if (!s->console.tls && !url_is_loopback(s->console.host))
		settings_complain(s, e, true, path,
		    "http: %s crosses the network in clear",
		    s->console_credential == INJECT_USER_TOKEN
			? "everything, people's tokens included,"
			: "everything");
	if (!s->console.tls && s->console_ca_file[0] != '\0')
		settings_complain(s, e, true, "doorward.console.ca_file",
		    "is not used with an http URL");
}

static void
check_api_server(struct settings *s, struct conf_errors *e)
{
	static const char path[] = "doorward.kubernetes.api_server";
	const char *why;

	settings_check_absolute(
	    s, e, "doorward.kubernetes.ca_file", s->api_ca_file);
	if (s->api_server_text[0] == '\0')
		return;
	if (url_parse(s->api_server_text, &s->api_server, &why) != 0)
		settings_complain(s, e, false, path, "%s", why);
	else if (!s->api_server.tls && !url_is_loopback(s->api_server.host))
		settings_complain(s, e, false, path,
		    "must be https: people's tokens are sent there");
	if (s->jwks_file[0] != '\0' && s->strategy != STRATEGY_OPENID)
		settings_complain(
		    s, e, true, path, "is not asked while jwks_file is set");
}

static void
check_offline(const struct settings *s, struct conf_errors *e)
{
	static const char path[] = "doorward.kubernetes.jwks_file";

	settings_check_absolute(s, e, path, s->jwks_file);
	if (s->jwks_file[0] == '\0') {
		if (s->issuer[0] != '\0')
			settings_complain(s, e, true,
			    "doorward.kubernetes.issuer",
			    "is only used with jwks_file");
		return;
	}
	if (s->issuer[0] == '\0')
		settings_complain(s, e, false, path,
		    "needs doorward.kubernetes.issuer: who must have issued "
		    "the tokens");
	if (s->audiences.n == 0)
		settings_complain(s, e, true, path,
		    "without doorward.kubernetes.audiences the audience of a "
		    "bound token must be the issuer, as Kubernetes has it");
}

void
settings_check_network(struct settings *s, struct conf_errors *e)
{
	check_listen(s, e);
	check_hosts(s, e);
	check_proxies(s, e);
	warn_plain(s, e);
	check_console(s, e);
	check_api_server(s, e);
	check_offline(s, e);
}
