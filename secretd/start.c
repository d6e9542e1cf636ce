/*
 * secretd's sandbox: which folders stay readable. Folders, not files: a secret
 * is replaced by a new file or a new link target.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/slot.h"
#include "secretd/ca.h"
#include "secretd/secretd.h"

#define MAX_FDS 512 /* channels, and pairs on their way to the signer */

struct paths {
	struct sandbox_path *at;
	size_t n;
};

/* path is copied. The root folder is no folder of secrets: opening all would
 * undo the sandbox. */
static void
add(struct paths *p, const char *path)
{
	if (strcmp(path, "/") == 0)
		log_fatal("%s: secrets cannot lie in the root folder: move "
			  "them to a folder of their own",
		    path);
	p->at = mem_grow(p->at, p->n, p->n + 1, sizeof(*p->at));
	p->at[p->n++] = (struct sandbox_path){ mem_strdup(path), SANDBOX_READ };
}

static void
add_state_dir(struct paths *p, const char *path)
{
	add(p, path);
	p->at[p->n - 1].access |= SANDBOX_WRITE;
}

/* The folder of the file, and the one it really is in. */
static void
add_folder_of(struct paths *p, const char *file)
{
	char *copy, *real;

	if (file[0] != '/')
		return;
	copy = mem_strdup(file);
	add(p, dirname(copy));
	free(copy);
	real = realpath(file, NULL);
	if (real != NULL)
		add(p, dirname(real));
	free(real);
}

/* Wherever the configuration says that secrets and CA files are. */
static void
add_configured(struct paths *p, const struct settings *s)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		struct slot_spec spec;

		if (slot_describe(s, i, &spec) &&
		    (spec.needed || i == SLOT_SIGNING_KEY_NO))
			add_folder_of(p, spec.reference);
	}
	for (unsigned i = 0; i < CA_COUNT; i++) {
		char *path = ca_path(s, i);

		if (path != NULL)
			add_folder_of(p, path);
		free(path);
	}
}

void
secretd_confine(const struct secretd *d)
{
	const struct settings *s = d->settings;
	struct paths p = { 0 };

	for (size_t i = 0; i < d->slots.dirs->n; i++)
		add(&p, d->slots.dirs->at[i]);
	if (d->slots.credentials != NULL)
		add(&p, d->slots.credentials);
	add_state_dir(&p, d->state_dir);
	add_configured(&p, s);
	for (size_t i = 0; i < s->n_certificates; i++) {
		add_folder_of(&p, s->certificates[i].cert_file);
		add_folder_of(&p, s->certificates[i].key_file);
	}
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (s->services[i].in_use) {
			add_folder_of(&p, s->services[i].auth.cert_file);
			add_folder_of(&p, s->services[i].auth.key_file);
		}
	sandbox_enter(&(struct sandbox){ .role = SANDBOX_SECRETD,
	    .paths = p.at,
	    .n_paths = p.n,
	    .max_fds = MAX_FDS });
	/* The paths themselves are not needed any more. */
	for (size_t i = 0; i < p.n; i++) {
		char *path;

		memcpy(&path, &p.at[i].path, sizeof(path));
		free(path);
	}
	free(p.at);
}
