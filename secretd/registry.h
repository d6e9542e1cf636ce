/*
 * The slots that peers may ask for, with their values: read at the start, read
 * anew when their files change. A bad or vanished file changes nothing but the
 * status: the last good value stays in use. The signing key (keyring.h) and the
 * keys of certificates (identities.h) are not here: nobody may ask for them.
 */
#ifndef SECRETD_REGISTRY_H
#define SECRETD_REGISTRY_H

#include <stddef.h>

#include "common/msg.h"
#include "secretd/slots.h"

struct registry;
struct secret;
struct settings;
struct watch;

/* The slot has a new value; roles: who may ask for it. */
typedef void registry_changed_fn(unsigned roles, unsigned slot, void *arg);

/* settings and where are borrowed. */
struct registry *registry_new(const struct settings *settings,
    const struct slot_dirs *where, registry_changed_fn *changed, void *arg);
void registry_free(struct registry *g); /* wipes; NULL allowed */
/* Reads all slots. Returns how many the configuration needs and are of no use;
 * each has been logged as an error with its remedy. Others only warn. */
size_t registry_load(struct registry *g) __attribute__((warn_unused_result));
/* From now on changes are seen. */
void registry_watch(struct registry *g, struct watch *w);
/* Looks at every slot anew. */
void registry_reload(struct registry *g);

/* What that role is told about a slot. SECRET_OK with *value, borrowed until
 * the loop runs on. *refused: it may not ask for it. */
enum secret_state registry_ask(const struct registry *g, enum role role,
    unsigned slot, const struct secret **value, bool *refused);
/* Lines "name: value\n" for status; returns the length. */
size_t registry_status(const struct registry *g, char *dst, size_t cap);

/* Calls fn(arg) when a slot may have changed: every place where it could be is
 * watched. */
void slot_watch(struct watch *w, const struct slot_dirs *where,
    const char *slot, const char *reference, void (*fn)(void *arg), void *arg);

#endif
