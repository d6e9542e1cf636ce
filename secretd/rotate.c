/*
 * The login-token signing key over time: read at the start, read anew when its
 * file may have changed, and previous keys let go of when their time is over.
 *
 * SECURITY: a bad key changes nothing: sessions are made under the last good
 * one until the slot has another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/text.h"
#include "secretd/keyring.h"
#include "secretd/secretd.h"
#include "secretd/told.h"

#define EXPIRE_INTERVAL_S 60

/* One try to make the slot's key current. */
struct attempt {
	int err;
	bool changed;
	char id[2 * MSG_KEY_ID_LEN + 1]; /* "" when no key could be read */
	struct slot_why why;
};

static void
explain(struct attempt *a)
{
	const char *problem = err_text(a->err);

	if (a->err == ERR_DENIED)
		problem = "was revoked and is never used again: write a fresh "
			  "key (doorward keys rotate)";
	else if (a->err == ERR_LIMIT)
		problem = "is one too many: sessions are still open under as "
			  "many previous keys as can be kept; retire one "
			  "(doorward keys retire)";
	else if (a->err == ERR_IO)
		problem = "cannot be kept in the state directory, where it "
			  "must be before it is used: make room there";
	(void)snprintf(a->why.text, sizeof(a->why.text),
	    "slot " SLOT_SIGNING_KEY ": the key %s in %s %s", a->id,
	    a->why.file, problem);
}

static void
attempt_make(struct secretd *d, struct attempt *a)
{
	uint8_t id[MSG_KEY_ID_LEN];
	struct secret *key = NULL;
	int64_t now = clock_unix_s();

	*a = (struct attempt){ .changed = false };
	(void)keyring_expire(d->keyring, now);
	a->err = slot_read_signing_key(
	    &d->slots, d->settings->signing_key, &key, &a->why);
	if (a->err < 0)
		return;
	a->err = keyring_use(d->keyring, key, now, id, &a->changed);
	secret_free(key);
	text_hex(a->id, id, sizeof(id));
	if (a->err < 0)
		explain(a);
}

static void
audit_rotation(const struct attempt *a)
{
	struct audit line;

	audit_begin(&line, "AUDIT: Credential rotated");
	audit_str(&line, "slot", SLOT_SIGNING_KEY);
	audit_str(&line, "file", a->why.file[0] != '\0' ? a->why.file : NULL);
	audit_str(&line, "key", a->id[0] != '\0' ? a->id : NULL);
	audit_str(&line, "result", a->err == 0 ? "ok" : "failed");
	audit_str(&line, "reason", a->err == 0 ? NULL : a->why.text);
	audit_end(&line);
}

/* For status. False: there is nothing new to be said. */
static bool
note_problem(struct secretd *d, const struct attempt *a)
{
	const char *problem = a->err == 0 ? "" : a->why.text;
	const char *last = d->key_problem != NULL ? d->key_problem : "";

	if (strcmp(problem, last) == 0)
		return false;
	free(d->key_problem);
	d->key_problem = a->err == 0 ? NULL : mem_strdup(problem);
	return true;
}

static void
report(struct secretd *d, const struct attempt *a)
{
	bool is_new = note_problem(d, a);

	if (a->changed) {
		log_info("new sessions are made under the key %s", a->id);
		secretd_tell_of_keys(d);
	}
	if (a->err < 0 && is_new)
		log_write(
		    a->err == ERR_NOT_FOUND ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
		    "%s (the last key stays in use)", a->why.text);
	if (a->changed || (a->err < 0 && a->err != ERR_NOT_FOUND && is_new))
		audit_rotation(a);
}

void
secretd_tell_of_keys(const struct secretd *d)
{
	told_push(d, 1u << ROLE_AUTHD, CHANGED_KEYS, 0);
}

void
secretd_signing_key_changed(struct secretd *d)
{
	struct attempt a;

	if (d->settings->strategy == STRATEGY_ANONYMOUS)
		return;
	attempt_make(d, &a);
	report(d, &a);
}

static void
expire_timer(evutil_socket_t fd, short what, void *arg)
{
	struct secretd *d = arg;
	size_t n = keyring_expire(d->keyring, clock_unix_s());

	(void)fd;
	(void)what;
	if (n > 0)
		log_info("previous session keys that no session can need any "
			 "more: %zu, gone",
		    n);
}

static void
start_timer(struct secretd *d)
{
	const struct timeval interval = { .tv_sec = EXPIRE_INTERVAL_S };

	d->keyring_timer = event_new(d->base, -1, EV_PERSIST, expire_timer, d);
	if (d->keyring_timer == NULL ||
	    event_add(d->keyring_timer, &interval) != 0)
		log_fatal("no timer");
}

void
secretd_load_keys(struct secretd *d)
{
	bool needed = d->settings->strategy != STRATEGY_ANONYMOUS;
	size_t n_before;
	struct attempt a;

	d->keyring = keyring_open(
	    needed ? d->state_dir : NULL, d->settings->expiration_s);
	if (!needed)
		return;
	n_before = keyring_count(d->keyring);
	attempt_make(d, &a);
	if (a.err < 0 && keyring_count(d->keyring) == 0)
		log_fatal("%s", a.why.text);
	if (n_before == 0) /* the first key of all is no rotation */
		a.changed = false;
	report(d, &a);
	start_timer(d);
}
