/*
 * doorward-secretd: holds every secret and gives each peer what its role needs.
 *
 * SECURITY: makes no connection and no socket but the pairs to its signers,
 * opens files in the folders of the secrets only to read, writes in its state
 * directory alone, parses neither HTTP nor JSON nor keys. The messages it
 * answers: handlers.c.
 */
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/options.h"
#include "common/settings.h"
#include "secretd/handlers.h"
#include "secretd/identities.h"
#include "secretd/registry.h"
#include "secretd/secretd.h"
#include "secretd/tickets.h"
#include "secretd/watch.h"

static struct secretd secretd;

/* OpenSSL reads its configuration now: files are closed later. */
static void
start_openssl(void)
{
	unsigned char byte;

	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 ||
	    RAND_bytes(&byte, 1) != 1)
		log_fatal("OpenSSL cannot be started");
}

static void
listen_for(const struct listen_set *sockets, const char *name, enum role peer,
    const struct options *options)
{
	int fd = listen_find(sockets, name);

	if (fd >= 0)
		listen_unix(secretd.base, fd, peer, options->peer_uid,
		    secretd_accept, &secretd);
}

static void
reload(void *ctx)
{
	struct secretd *d = ctx;

	secretd_signing_key_changed(d);
	registry_reload(d->registry);
	identities_look(d->identities);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct listen_set sockets;

	options_parse(&options, ROLE_SECRETD, argc, argv);
	log_open("secretd");
	secretd.settings = settings_load(options.config, false);
	audit_enable(secretd.settings->audit_log);
	listen_take(&sockets);
	notify_open();

	start_openssl();
	secretd.base = daemon_base();
	daemon_signals(secretd.base);
	secretd.slots.dirs = &secretd.settings->secrets_dirs;
	secretd.slots.credentials = getenv("CREDENTIALS_DIRECTORY");
	secretd.state_dir = options.state_dir;
	secretd.started_s = clock_unix_s();
	TAILQ_INIT(&secretd.told);
	secretd.watch = watch_new(secretd.base);
	secretd.identities = identities_new(secretd.base, secretd.settings,
	    &secretd.slots, secretd_identity_changed, &secretd);

	secretd_confine(&secretd);

	secretd_load_slots(&secretd);
	secretd_load_keys(&secretd);
	secretd.tickets = tickets_new(clock_mono_ms());
	identities_start(secretd.identities);
	secretd_watch(&secretd);
	listen_for(&sockets, "frontend", ROLE_FRONTEND, &options);
	listen_for(&sockets, "authd", ROLE_AUTHD, &options);
	listen_for(&sockets, "egress", ROLE_EGRESS, &options);
	listen_for(&sockets, "ctl", ROLE_CTL, &options);
	return daemon_run(secretd.base, NULL, reload, &secretd);
}
