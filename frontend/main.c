/*
 * doorward-frontend: speaks TLS and HTTP with anyone, and knows nothing worth
 * stealing. The parent forks the workers, answers `doorward status`, and reads
 * nothing that a client sent; a worker does all the rest (worker.c).
 */
#include <stdio.h>

#include "common/audit.h"
#include "common/chan.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/options.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/text.h"
#include "common/ticket.h"
#include "frontend/workers.h"

#define STATUS_MAX 4096

static struct {
	struct event_base *base;
	struct workers *workers;
	struct settings *settings;
	int64_t started_s;
} frontend;

static int
handle_status(struct chan *ch, struct chan_in *in)
{
	char text[STATUS_MAX];
	uint8_t buf[STATUS_MAX + 2];
	struct wire_writer w;
	size_t len;
	int n;

	n = snprintf(text, sizeof(text),
	    "process: frontend\nsandbox: %s\nup: %lld s\ntls: %s\n",
	    sandbox_describe(),
	    (long long)(clock_unix_s() - frontend.started_s),
	    settings_tls(frontend.settings) ? "yes" : "no");
	len = n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0;
	len += workers_status(frontend.workers, text + len, sizeof(text) - len);
	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_bytes(&w, text, len);
	return chan_reply(ch, in->id, MSG_STATUS_RESULT, &w, -1);
}

static const struct chan_handler from_ctl[] = {
	{ MSG_STATUS, CHAN_READY, handle_status },
};
static const struct chan_peer frontend_ctl = {
	.self = ROLE_FRONTEND,
	.peer = ROLE_CTL,
	.handlers = from_ctl,
	.n_handlers = sizeof(from_ctl) / sizeof(from_ctl[0]),
};

static void
ctl_accepted(int fd, enum role peer, void *ctx)
{
	(void)peer;
	chan_accepted(frontend.base, fd, &frontend_ctl, ctx);
}

static void
stopping(void *ctx)
{
	(void)ctx;
	workers_stop(frontend.workers);
}

static size_t
client_listeners(const struct listen_set *set, int fds[LISTEN_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		if (slice_is(slice_of(set->fds[i].name), "http"))
			fds[n++] = set->fds[i].fd;
	if (n == 0)
		log_fatal("no inherited socket is named http: clients could "
			  "not reach this server");
	return n;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct listen_set sockets;
	struct worker_start start = { 0 };
	int listeners[LISTEN_MAX];

	options_parse(&options, ROLE_FRONTEND, argc, argv);
	log_open("frontend");
	frontend.settings = settings_load(options.config, true);
	frontend.started_s = clock_unix_s();
	audit_enable(frontend.settings->audit_log);
	listen_take(&sockets);
	notify_open();
	start.settings = frontend.settings;
	start.listeners = listeners;
	start.n_listeners = client_listeners(&sockets, listeners);
	start.egress_path =
	    options_socket(&options, ROLE_EGRESS, ROLE_FRONTEND);
	start.authd_path = options_socket(&options, ROLE_AUTHD, ROLE_FRONTEND);
	start.secretd_path =
	    options_socket(&options, ROLE_SECRETD, ROLE_FRONTEND);
	ticket_setup();
	frontend.base = daemon_base();
	daemon_signals(frontend.base);
	frontend.workers =
	    workers_new(frontend.base, &start, frontend.settings->workers);

	sandbox_enter(&(struct sandbox){ .role = SANDBOX_FRONTEND_PARENT,
	    .max_fds = 2 * (size_t)frontend.settings->max_connections + 128 });

	workers_start(frontend.workers);
	if (listen_find(&sockets, "ctl") >= 0)
		listen_unix(frontend.base, listen_find(&sockets, "ctl"),
		    ROLE_CTL, options.peer_uid, ctl_accepted, NULL);
	return daemon_run(frontend.base, stopping, NULL, NULL);
}
