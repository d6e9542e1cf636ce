/*
 * doorward-authd: says who may pass. Owns the sessions and asks the cluster
 * about tokens; accepts nothing from the network and never sees the signing
 * key, only what secretd derives from it.
 *
 * SECURITY: reads hostile tokens and the cluster's answers. Behind the sandbox
 * it can write its state directory, connect to the ports of the API server, the
 * OpenID provider and DNS, and nothing else.
 */
#include <stdlib.h>

#include <event2/event.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/options.h"
#include "common/resolve.h"
#include "common/sandbox.h"
#include "common/settings.h"

#include "authd/authd.h"
#include "authd/handlers.h"
#include "authd/oidc/oidc.h"
#include "authd/secretd.h"
#include "authd/token.h"

#define DNS_PORT 53
#define PORTS_MAX                                          \
	(3 +                                               \
	    sizeof(((struct openid_settings *)0)->ports) / \
		sizeof(((struct openid_settings *)0)->ports[0]))
#define LISTEN_CHECK_MS 10
#define LISTEN_WAIT_MS 3000

static struct {
	struct options options;
	struct listen_set sockets;
	struct authd *authd;
	struct event *listen_timer;
	int64_t listen_by_ms;
} process;

/* Every port that this process ever connects to. */
static size_t
ports_of(const struct settings *s, uint16_t ports[PORTS_MAX])
{
	size_t n = 0;

	ports[n++] = DNS_PORT;
	if (s->api_server.host != NULL)
		ports[n++] = s->api_server.port;
	if (s->strategy != STRATEGY_OPENID)
		return n;
	if (s->openid.api_proxy.host != NULL)
		ports[n++] = s->openid.api_proxy.port;
	for (size_t i = 0; i < s->openid.n_ports; i++)
		ports[n++] = s->openid.ports[i];
	return n;
}

static void
confine(const struct options *o, const struct settings *settings)
{
	const struct sandbox_path paths[] = {
		{ o->state_dir, SANDBOX_READ | SANDBOX_WRITE },
	};
	uint16_t ports[PORTS_MAX];
	const struct sandbox spec = {
		.role = SANDBOX_AUTHD,
		.paths = paths,
		.n_paths = 1,
		.tcp_connect_ports = ports,
		.n_tcp_connect_ports = ports_of(settings, ports),
	};

	sandbox_enter(&spec);
}

/* Nobody is accepted before secretd has answered: without session keys every
 * answer would be "not now", and a restart of this process would be seen. Peers
 * wait in the backlog meanwhile, but not for long. */
static void
listen_when_ready(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval again = { .tv_usec = LISTEN_CHECK_MS * 1000 };

	(void)fd;
	(void)what;
	(void)arg;
	if (process.authd->secretd_answered ||
	    clock_mono_ms() >= process.listen_by_ms)
		authd_listen(process.authd, &process.sockets, &process.options);
	else
		(void)evtimer_add(process.listen_timer, &again);
}

int
main(int argc, char **argv)
{
	struct options *options = &process.options;
	struct settings *settings;
	struct event_base *base;
	struct resolve *resolve;
	char *secretd_path;

	options_parse(options, ROLE_AUTHD, argc, argv);
	log_open("authd");
	settings = settings_load(options->config, false);
	audit_enable(settings->audit_log);
	listen_take(&process.sockets);
	notify_open();

	base = daemon_base();
	daemon_signals(base);
	resolve = resolve_new(base);
	process.authd = authd_new(base, settings,
	    token_verifier_new(base, settings, resolve), options->state_dir);
	if (settings->strategy == STRATEGY_OPENID)
		process.authd->oidc = oidc_new(process.authd, resolve);
	secretd_path = options_socket(options, ROLE_SECRETD, ROLE_AUTHD);

	confine(options, settings);
	secretd_connect(process.authd, secretd_path);
	process.listen_timer = evtimer_new(base, listen_when_ready, NULL);
	process.listen_by_ms = clock_mono_ms() + LISTEN_WAIT_MS;
	if (process.listen_timer == NULL)
		log_fatal("no timer");
	listen_when_ready(-1, 0, NULL);
	free(secretd_path);
	return daemon_run(base, NULL, NULL, process.authd);
}
