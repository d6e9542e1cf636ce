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

#include "common/audit.h"
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

int
main(int argc, char **argv)
{
	struct options options;
	struct listen_set sockets;
	struct settings *settings;
	struct event_base *base;
	struct authd *authd;
	char *secretd_path;

	options_parse(&options, ROLE_AUTHD, argc, argv);
	log_open("authd");
	settings = settings_load(options.config);
	audit_enable(settings->audit_log);
	listen_take(&sockets);
	notify_open();

	base = daemon_base();
	daemon_signals(base);
	authd = authd_new(base, settings,
	    token_verifier_new(base, settings, resolve_new(base)),
	    options.state_dir);
	secretd_path = options_socket(&options, ROLE_SECRETD, ROLE_AUTHD);

	confine(&options, settings);
	secretd_connect(authd, secretd_path);
	authd_listen(authd, &sockets, &options);
	free(secretd_path);
	return daemon_run(base, NULL, NULL, authd);
}
