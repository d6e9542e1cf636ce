/* See watch.h. */
#include "secretd/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define SETTLED                                                      \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |  \
	    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | \
	    IN_Q_OVERFLOW)
#define EVENTS                                                       \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO |      \
	    IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | \
	    IN_MOVE_SELF)

struct file {
	char *path;
	watch_fn *fn;
	void *arg;
	struct stat seen; /* zeros: it was not there */
	int64_t first_ms; /* of what has happened since it was told */
	int64_t due_ms;	  /* 0: nothing has happened */
};

struct folder { /* a folder under one of its names */
	int wd;
	char *path;
};

struct watch {
	int fd; /* -1: no inotify */
	struct event *readable, *timer, *poll;
	struct file **files;
	size_t n_files;
	struct folder *folders;
	size_t n_folders;
};

/* --- folders --- */

static bool
add_folder(struct watch *w, const char *path)
{
	int wd = inotify_add_watch(w->fd, path, EVENTS | IN_ONLYDIR);

	if (wd < 0)
		return false;
	for (size_t i = 0; i < w->n_folders; i++)
		if (w->folders[i].wd == wd &&
		    strcmp(w->folders[i].path, path) == 0)
			return true;
	w->folders = mem_grow(
	    w->folders, w->n_folders, w->n_folders + 1, sizeof(*w->folders));
	w->folders[w->n_folders++] =
	    (struct folder){ .wd = wd, .path = mem_strdup(path) };
	return true;
}

static void
drop_folders(struct watch *w, int wd)
{
	for (size_t i = 0; i < w->n_folders;) {
		if (w->folders[i].wd != wd) {
			i++;
			continue;
		}
		free(w->folders[i].path);
		w->folders[i] = w->folders[--w->n_folders];
	}
}

/* The file itself when it is a folder, the folder it is in, and the one above,
 * where that appears, is replaced or is a link. Of those that are not there
 * yet, the nearest that is. */
static void
add_folders_of(struct watch *w, const struct file *f)
{
	char *path = mem_strdup(f->path);
	unsigned found = 0;
	char *slash;

	if (w->fd >= 0)
		(void)add_folder(w, path);
	while (w->fd >= 0 && found < 2 &&
	    (slash = strrchr(path, '/')) != NULL && slash > path) {
		*slash = '\0';
		found += add_folder(w, path);
	}
	free(path);
}

/* --- what has happened --- */

static void
set_timer(struct watch *w)
{
	int64_t now = clock_mono_ms(), due = 0;
	struct timeval t = { 0 };

	for (size_t i = 0; i < w->n_files; i++)
		if (w->files[i]->due_ms != 0 &&
		    (due == 0 || w->files[i]->due_ms < due))
			due = w->files[i]->due_ms;
	if (due == 0)
		return;
	if (due > now) {
		t.tv_sec = (due - now) / 1000;
		t.tv_usec = (due - now) % 1000 * 1000;
	}
	(void)event_add(w->timer, &t);
}

/* settled: nobody is writing. */
static void
touch(struct file *f, bool settled)
{
	int64_t now = clock_mono_ms();
	int64_t latest;

	if (f->due_ms == 0)
		f->first_ms = now;
	latest = f->first_ms + WATCH_WRITER_MS;
	f->due_ms = settled && now + WATCH_SETTLE_MS < latest
	    ? now + WATCH_SETTLE_MS
	    : latest;
}

static bool
is_below(const char *path, const char *folder, size_t len)
{
	return strncmp(path, folder, len) == 0 &&
	    (path[len] == '/' || path[len] == '\0');
}

/* Has name in folder to do with the file? Yes when it is the file, in it, or
 * leads to it; and Kubernetes' "..data" leads to all. */
static bool
concerns(const struct file *f, const char *folder, const char *name)
{
	size_t len = strlen(folder);
	const char *rest;

	if (strcmp(f->path, folder) == 0)
		return true;
	if (!is_below(f->path, folder, len))
		return false;
	if (name[0] == '\0' || strncmp(name, "..", 2) == 0)
		return true;
	rest = f->path + len + 1;
	return is_below(rest, name, strlen(name));
}

static void
take(struct watch *w, const struct inotify_event *e)
{
	const char *name = e->len > 0 ? e->name : "";
	bool settled = (e->mask & SETTLED) != 0;

	for (size_t i = 0; i < w->n_files; i++) {
		struct file *f = w->files[i];

		if (e->mask & IN_Q_OVERFLOW)
			touch(f, true);
		for (size_t k = 0; k < w->n_folders; k++)
			if (w->folders[k].wd == e->wd &&
			    concerns(f, w->folders[k].path, name)) {
				/* what is made inside is seen from now on */
				if (e->mask & IN_ISDIR)
					add_folders_of(w, f);
				touch(f, settled);
				break;
			}
	}
	if (e->mask & IN_Q_OVERFLOW)
		log_warn("too many files change at once: looking at all of "
			 "them");
	if (e->mask & IN_IGNORED)
		drop_folders(w, e->wd);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	char buffer[8192]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	struct watch *w = arg;
	struct inotify_event e;
	ssize_t n;

	(void)fd;
	(void)what;
	while ((n = read(w->fd, buffer, sizeof(buffer))) > 0)
		for (const char *p = buffer; p < buffer + n;
		     p += sizeof(e) + e.len) {
			memcpy(&e, p, sizeof(e));
			take(w, (const struct inotify_event *)(const void *)p);
		}
	set_timer(w);
}

/* --- telling --- */

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size && a->st_mode == b->st_mode &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Has it another look than before? */
static bool
look(struct file *f)
{
	struct stat now = { 0 };
	bool same;

	if (stat(f->path, &now) != 0)
		now = (struct stat){ 0 };
	same = is_same(&now, &f->seen);
	f->seen = now;
	return !same;
}

static void
tell(struct watch *w, struct file *f)
{
	f->due_ms = 0;
	add_folders_of(w, f);
	(void)look(f);
	f->fn(f->arg);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	int64_t now = clock_mono_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < w->n_files; i++)
		if (w->files[i]->due_ms != 0 && w->files[i]->due_ms <= now)
			tell(w, w->files[i]);
	set_timer(w);
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < w->n_files; i++)
		/* Of those that something has happened to, inotify knows more:
		 * whether somebody still writes. */
		if (w->files[i]->due_ms == 0 && look(w->files[i]))
			touch(w->files[i], true);
	set_timer(w);
}

/* --- */

static void
start(struct event *e, uint32_t ms)
{
	const struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	if (e == NULL || event_add(e, ms > 0 ? &t : NULL) != 0)
		log_fatal("no event for changing files");
}

struct watch *
watch_new(struct event_base *base)
{
	struct watch *w = mem_new(sizeof(*w));

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		log_warn("inotify cannot be had: %s: secrets are looked at "
			 "now and then instead (raise "
			 "fs.inotify.max_user_instances)",
		    strerror(errno));
	w->timer = evtimer_new(base, on_timer, w);
	w->poll = event_new(base, -1, EV_PERSIST, on_poll, w);
	start(w->poll, WATCH_POLL_MS);
	if (w->timer == NULL)
		log_fatal("no timer");
	if (w->fd < 0)
		return w;
	w->readable =
	    event_new(base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	start(w->readable, 0);
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	if (w->readable != NULL)
		event_free(w->readable);
	event_free(w->timer);
	event_free(w->poll);
	if (w->fd >= 0)
		close(w->fd);
	for (size_t i = 0; i < w->n_folders; i++)
		free(w->folders[i].path);
	for (size_t i = 0; i < w->n_files; i++) {
		free(w->files[i]->path);
		free(w->files[i]);
	}
	free(w->folders);
	free(w->files);
	free(w);
}

void
watch_file(struct watch *w, const char *path, watch_fn *fn, void *arg)
{
	struct file *f = mem_new(sizeof(*f));

	*f = (struct file){ .path = mem_strdup(path), .fn = fn, .arg = arg };
	w->files =
	    mem_grow(w->files, w->n_files, w->n_files + 1, sizeof(*w->files));
	w->files[w->n_files++] = f;
	add_folders_of(w, f);
	(void)look(f);
}
