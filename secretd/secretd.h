/* What the parts of secretd share: main.c makes it, handlers.c answers by it.
 */
#ifndef SECRETD_SECRETD_H
#define SECRETD_SECRETD_H

#include <stdint.h>
#include <sys/queue.h>

#include "secretd/slots.h"

struct event;
struct event_base;
struct identities;
struct keyring;
struct settings;
struct registry;
struct tickets;
struct watch;

struct secretd {
	struct event_base *base;
	const struct settings *settings;
	struct slot_dirs slots;
	const char *state_dir;
	struct keyring *keyring;
	struct event *keyring_timer; /* previous keys go by it */
	char *
	    key_problem; /* why the slot's signing key is not in use, or NULL */
	struct tickets *tickets;
	struct registry *registry;
	struct watch *watch;
	struct identities *identities;
	TAILQ_HEAD(told_list, told) told; /* who hears of changes */
	int64_t started_s;
	uint64_t n_requests;
};

/* Opens the keyring and makes the slot's signing key current, if the strategy
 * needs one. A key that is of no use is fatal, unless the ring has one from
 * before. */
void secretd_load_keys(struct secretd *d);
/* The signing key's file may have changed: reads it anew. A bad one changes
 * nothing and is reported. */
void secretd_signing_key_changed(struct secretd *d);
/* The ring is another one: authd is told to ask for it. */
void secretd_tell_of_keys(const struct secretd *d);
/* Reads every slot. Fatal, all problems told before, when one that the
 * configuration needs is of no use. */
void secretd_load_slots(struct secretd *d);
/* From now on changes of slots, signing key and CA files are seen, and told to
 * those who use them. */
void secretd_watch(struct secretd *d);
/* Puts the sandbox on: the folders of the secrets can be read, the state
 * directory also written, nothing else. */
void secretd_confine(const struct secretd *d);

#endif
