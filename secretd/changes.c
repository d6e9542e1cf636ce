/*
 * What happens when a file of a secret changes: who reads it anew, and which
 * peers are told to ask for it again.
 */
#include <string.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "secretd/ca.h"
#include "secretd/identities.h"
#include "secretd/registry.h"
#include "secretd/secretd.h"
#include "secretd/told.h"
#include "secretd/watch.h"

static void
slot_changed(unsigned roles, unsigned slot, void *secretd)
{
	told_push(secretd, roles, CHANGED_SECRET, slot);
}

void
secretd_load_slots(struct secretd *d)
{
	size_t n;

	d->registry = registry_new(d->settings, &d->slots, slot_changed, d);
	n = registry_load(d->registry);
	if (n > 0)
		log_fatal("secrets that the configuration needs and that "
			  "cannot be used, each with its remedy above: %zu",
		    n);
}

static void
signing_key_changed(void *secretd)
{
	secretd_signing_key_changed(secretd);
}

/* --- CA files --- */

struct ca_file {
	struct secretd *secretd;
	unsigned number;
	char *path;
	struct ca_digest digest;
};

/* Who uses it keeps what it has when the file is of no use or gone. */
static void
ca_changed(void *arg)
{
	struct ca_file *c = arg;
	struct ca_digest before = c->digest;
	struct slot_why why = { .text = "" };
	int fd = -1;
	int r = ca_open(c->secretd->settings, c->number, &fd, &c->digest, &why);

	if (r < 0) {
		c->digest = before;
		log_warn("%s (the last certificates stay in use)",
		    r == ERR_NOT_FOUND ? "the CA file is gone" : why.text);
		return;
	}
	close(fd);
	if (memcmp(&before, &c->digest, sizeof(before)) == 0)
		return;
	log_info("CA file %s: new certificates", c->path);
	told_push(c->secretd, ca_askers(c->number), CHANGED_CA, c->number);
}

static void
watch_ca(struct secretd *d, unsigned number)
{
	char *path = ca_path(d->settings, number);
	struct slot_why why = { .text = "" };
	struct ca_file *c;
	int fd, r;

	if (path == NULL)
		return;
	c = mem_new(sizeof(*c));
	*c = (struct ca_file){ .secretd = d, .number = number, .path = path };
	r = ca_open(d->settings, number, &fd, &c->digest, &why);
	if (r == 0)
		close(fd);
	else if (r != ERR_NOT_FOUND)
		log_error("%s", why.text);
	watch_file(d->watch, path, ca_changed, c);
}

void
secretd_watch(struct secretd *d)
{
	registry_watch(d->registry, d->watch);
	identities_watch(d->identities, d->watch);
	if (d->settings->strategy != STRATEGY_ANONYMOUS)
		slot_watch(d->watch, &d->slots, SLOT_SIGNING_KEY,
		    d->settings->signing_key, signing_key_changed, d);
	for (unsigned i = 0; i < CA_COUNT; i++)
		watch_ca(d, i);
}
