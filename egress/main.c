/*
 * doorward-egress: owns every connection to an upstream and the credentials
 * that go there.
 *
 * SECURITY: does not listen on the network. Reads frames from the frontend and
 * answers of upstreams, and distrusts both. May connect to the configured
 * upstreams only, and opens no file once it runs.
 */
#include <sys/resource.h>

#include <event2/event.h>

#include "common/audit.h"
#include "common/chan.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/json_strict.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/options.h"
#include "common/resolve.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/ticket.h"
#include "egress/egress.h"
#include "egress/front_frames.h"
#include "egress/handlers.h"
#include "egress/lease.h"
#include "egress/local.h"
#include "egress/secrets.h"
#include "egress/services.h"

#define LEASES_MAX 20000
#define HEAD_MS 120000 /* the slowest answer that is worth waiting for */
/* Requests in progress at the same time, two descriptors each. With the others
 * it stays below the hard limit of 20000 that some containers have. */
#define EXCHANGES_MAX 8192
/* Idle upstreams, channels, listeners, log; and the local listener's, which
 * have a number of their own, so that neither side starves the other. */
#define OTHER_FDS (256 + 2 * LOCAL_CONNECTIONS_MAX)
#define EXCHANGES_MIN 128
#define FDS_MAX (2 * EXCHANGES_MAX + OTHER_FDS)

#define DNS_PORT 53
/* A service and its token endpoint each, the console, DNS. */
#define PORTS_MAX (2 * SERVICE_COUNT + 2)

static struct egress egress;

static void
accepted(int fd, enum role peer, void *ctx)
{
	if (peer == ROLE_FRONTEND)
		front_frames_accept(ctx, fd);
	else
		chan_accepted(egress.base, fd, &egress_ctl, ctx);
}

/* As many exchanges as there may be descriptors for. */
static size_t
exchanges_max(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_max >= FDS_MAX)
		return EXCHANGES_MAX;
	if (l.rlim_max < OTHER_FDS + 2 * EXCHANGES_MIN)
		log_fatal("the hard limit of %llu open files is too low",
		    (unsigned long long)l.rlim_max);
	return (size_t)(l.rlim_max - OTHER_FDS) / 2;
}

static void
confine(void)
{
	uint16_t ports[PORTS_MAX];
	size_t n = services_ports(&egress, ports, PORTS_MAX - 1);

	ports[n++] = DNS_PORT;

	sandbox_enter(&(struct sandbox){
	    .role = SANDBOX_EGRESS,
	    .tcp_connect_ports = ports,
	    .n_tcp_connect_ports = n,
	    .max_fds = FDS_MAX,
	});
}

/* Under systemd the socket unit decides whether there is a local listener. */
static void
serve_locally(int fd)
{
	if (fd >= 0)
		local_listen(&egress, fd);
	else if (egress.settings->egress.listen[0] != '\0')
		log_warn("doorward.egress.listen is set, but no such socket "
			 "was inherited: enable doorward-egress-local.socket");
}

int
main(int argc, char **argv)
{
	struct options options;
	struct listen_set sockets;
	struct settings *settings;

	options_parse(&options, ROLE_EGRESS, argc, argv);
	log_open("egress");
	settings = settings_load(options.config, false);
	audit_enable(settings->audit_log);
	listen_take(&sockets);
	notify_open();

	ticket_setup();
	egress.base = daemon_base();
	daemon_signals(egress.base);
	egress.settings = settings;
	egress.started_s = clock_unix_s();
	egress.head_ms = HEAD_MS;
	egress.max_open = exchanges_max();
	egress.resolve = resolve_new(egress.base);
	json_strict_init();
	services_setup(&egress);
	serve_locally(listen_find(&sockets, "local"));
	egress.leases = leases_new(egress.base, LEASES_MAX);

	confine();

	secrets_connect(egress.secrets,
	    options_socket(&options, ROLE_SECRETD, ROLE_EGRESS));
	if (settings->strategy != STRATEGY_ANONYMOUS) {
		char *path = options_socket(&options, ROLE_AUTHD, ROLE_EGRESS);

		egress.authd =
		    chan_connect(egress.base, path, &egress_authd, &egress);
		leases_set_authd(egress.leases, egress.authd);
	}
	listen_unix(egress.base, listen_find(&sockets, "frontend"),
	    ROLE_FRONTEND, options.peer_uid, accepted, &egress);
	listen_unix(egress.base, listen_find(&sockets, "ctl"), ROLE_CTL,
	    options.peer_uid, accepted, &egress);
	return daemon_run(egress.base, NULL, NULL, &egress);
}
