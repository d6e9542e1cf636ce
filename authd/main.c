/*
 * doorward-authd: says who may pass. Owns the sessions and asks the cluster
 * about tokens; accepts nothing from the network and never sees the signing
 * key, only what secretd derives from it.
 *
 * SECURITY: reads hostile tokens and the cluster's answers. Behind the sandbox
 * it can write its state directory, connect to the API server's port and to
 * DNS, and nothing else.
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
#include "authd/secretd.h"
#include "authd/token.h"

#define DNS_PORT 53
#define LISTEN_CHECK_MS 10
#define LISTEN_WAIT_MS 3000

static struct {
	struct options options;
	struct listen_set sockets;
	struct authd *authd;
	struct event *listen_timer;
	int64_t listen_by_ms;
} process;

static void
confine(const struct options *o, const struct settings *settings)
{
	const struct sandbox_path paths[] = {
		{ o->state_dir, SANDBOX_READ | SANDBOX_WRITE },
	};
	const uint16_t ports[] = { DNS_PORT, settings->api_server.port };
	const struct sandbox spec = {
		.role = SANDBOX_AUTHD,
		.paths = paths,
		.n_paths = 1,
		.tcp_connect_ports = ports,
		.n_tcp_connect_ports =
		    settings->api_server.host != NULL ? 2 : 1,
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
	char *secretd_path;

	options_parse(options, ROLE_AUTHD, argc, argv);
	log_open("authd");
	settings = settings_load(options->config, false);
	audit_enable(settings->audit_log);
	listen_take(&process.sockets);
	notify_open();

	base = daemon_base();
	daemon_signals(base);
	process.authd = authd_new(base, settings,
	    token_verifier_new(base, settings, resolve_new(base)),
	    options->state_dir);
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
