/* See registry.h. */
#include "secretd/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/slot.h"
#include "secretd/watch.h"

struct entry {
	struct registry *owner;
	unsigned number;
	struct slot_spec spec;
	struct secret *value; /* NULL: none so far */
	bool is_bad;	      /* there is a file, of no use */
	bool vanished;	      /* told already */
	struct slot_why why;  /* what is wrong; "" nothing is */
};

struct registry {
	const struct slot_dirs *where;
	registry_changed_fn *changed;
	void *arg;
	struct entry *entries;
	size_t n;
	uint64_t n_rotated, n_failed;
	int64_t rotated_s; /* the last time; 0: never */
};

void
slot_watch(struct watch *w, const struct slot_dirs *where, const char *slot,
    const char *reference, void (*fn)(void *arg), void *arg)
{
	char *path;

	for (size_t i = 0; i < where->dirs->n; i++) {
		path = mem_printf("%s/%s", where->dirs->at[i], slot);
		watch_file(w, path, fn, arg);
		free(path);
	}
	if (reference[0] == '/')
		watch_file(w, reference, fn, arg);
	if (where->credentials == NULL)
		return;
	path = mem_printf("%s/%s", where->credentials, slot);
	watch_file(w, path, fn, arg);
	free(path);
}

struct registry *
registry_new(const struct settings *settings, const struct slot_dirs *where,
    registry_changed_fn *changed, void *arg)
{
	struct registry *g = mem_new(sizeof(*g));

	*g =
	    (struct registry){ .where = where, .changed = changed, .arg = arg };
	g->entries = mem_array(SLOT_COUNT, sizeof(*g->entries));
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		struct entry *e = &g->entries[g->n];

		if (!slot_describe(settings, i, &e->spec) ||
		    e->spec.askers == 0)
			continue;
		e->owner = g;
		e->number = i;
		g->n++;
	}
	return g;
}

void
registry_free(struct registry *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++)
		secret_free(g->entries[i].value);
	free(g->entries);
	free(g);
}

/* --- the start --- */

size_t
registry_load(struct registry *g)
{
	size_t missing = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct entry *e = &g->entries[i];
		int r;

		secret_free(e->value);
		e->value = NULL;
		r = slot_read_spec(g->where, &e->spec, &e->value, &e->why);

		e->is_bad = r < 0 && r != ERR_NOT_FOUND;
		if (r == 0)
			e->why.text[0] = '\0';
		else if (e->spec.needed)
			log_error("%s", e->why.text);
		else if (e->is_bad)
			log_warn("%s (not needed by the configuration)",
			    e->why.text);
		else
			e->why.text[0] = '\0';
		missing += r < 0 && e->spec.needed;
	}
	return missing;
}

/* --- changes --- */

static void
audit_rotation(const struct entry *e, const struct slot_why *why, int err)
{
	struct audit line;

	audit_begin(&line, "AUDIT: Credential rotated");
	audit_str(&line, "slot", e->spec.name);
	audit_str(&line, "file", why->file[0] != '\0' ? why->file : NULL);
	audit_str(&line, "result", err == 0 ? "ok" : "failed");
	audit_str(&line, "reason", err == 0 ? NULL : why->text);
	audit_end(&line);
}

/* Takes fresh over. */
static void
take(struct entry *e, struct secret *fresh, const struct slot_why *why)
{
	struct registry *g = e->owner;
	bool same = e->value != NULL &&
	    secret_equal(secret_peek(e->value), secret_len(e->value),
		secret_peek(fresh), secret_len(fresh));

	if (same && (e->is_bad || e->vanished))
		log_info("slot %s: %s has its last value again", e->spec.name,
		    why->file);
	e->is_bad = e->vanished = false;
	e->why.text[0] = '\0';
	if (same) {
		secret_free(fresh);
		return;
	}
	secret_free(e->value);
	e->value = fresh;
	g->n_rotated++;
	g->rotated_s = clock_unix_s();
	log_info("slot %s: new value from %s", e->spec.name, why->file);
	audit_rotation(e, why, 0);
	g->changed(e->spec.askers, e->number, g->arg);
}

static void
miss(struct entry *e, const struct slot_why *why)
{
	e->is_bad = false;
	if (e->value == NULL || e->vanished)
		return;
	e->vanished = true;
	e->why = *why;
	log_warn("slot %s: its file is gone; the last value stays in use: put "
		 "the file back, or restart doorward-secretd to forget it",
	    e->spec.name);
}

/* The same complaint is not made twice. */
static void
refuse(struct entry *e, const struct slot_why *why, int err)
{
	if (e->is_bad && strcmp(e->why.text, why->text) == 0)
		return;
	e->is_bad = true;
	e->why = *why;
	e->owner->n_failed++;
	log_error("%s%s", why->text,
	    e->value != NULL ? " (the last value stays in use)" : "");
	audit_rotation(e, why, err);
}

static void
reload(void *entry)
{
	struct entry *e = entry;
	struct secret *fresh = NULL;
	struct slot_why why = { .text = "" };
	int r = slot_read_spec(e->owner->where, &e->spec, &fresh, &why);

	if (r == 0)
		take(e, fresh, &why);
	else if (r == ERR_NOT_FOUND)
		miss(e, &why);
	else
		refuse(e, &why, r);
}

void
registry_reload(struct registry *g)
{
	for (size_t i = 0; i < g->n; i++)
		reload(&g->entries[i]);
}

void
registry_watch(struct registry *g, struct watch *w)
{
	for (size_t i = 0; i < g->n; i++) {
		struct entry *e = &g->entries[i];

		slot_watch(
		    w, g->where, e->spec.name, e->spec.reference, reload, e);
	}
}

/* --- answers --- */

enum secret_state
registry_ask(const struct registry *g, enum role role, unsigned slot,
    const struct secret **value, bool *refused)
{
	*refused = true;
	for (size_t i = 0; i < g->n; i++) {
		const struct entry *e = &g->entries[i];

		if (e->number != slot || !(e->spec.askers >> role & 1))
			continue;
		*refused = false;
		*value = e->value;
		if (e->value != NULL)
			return SECRET_OK;
		return e->is_bad ? SECRET_BAD : SECRET_NONE;
	}
	return SECRET_BAD;
}

static void
put(char *dst, size_t cap, size_t *len, const char *text)
{
	size_t n = strlen(text);

	if (n >= cap - *len)
		return;
	memcpy(dst + *len, text, n + 1);
	*len += n;
}

size_t
registry_status(const struct registry *g, char *dst, size_t cap)
{
	char text[160], when[CLOCK_RFC3339_LEN + 1] = "never";
	size_t loaded = 0, len = 0;

	for (size_t i = 0; i < g->n; i++)
		loaded += g->entries[i].value != NULL;
	if (g->rotated_s != 0)
		clock_rfc3339(when, g->rotated_s);
	(void)snprintf(text, sizeof(text),
	    "slots loaded: %zu\nslot rotations: %llu\n"
	    "slot rotations failed: %llu\nlast slot rotation: %s\n",
	    loaded, (unsigned long long)g->n_rotated,
	    (unsigned long long)g->n_failed, when);
	put(dst, cap, &len, text);
	for (size_t i = 0; i < g->n; i++) {
		const struct entry *e = &g->entries[i];

		if (e->why.text[0] == '\0')
			continue;
		put(dst, cap, &len, "slot problem: ");
		put(dst, cap, &len, e->why.text);
		put(dst, cap, &len, "\n");
	}
	return len;
}
