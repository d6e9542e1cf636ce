/*
 * Files that change: inotify on the folders they are in. Knows no secret and
 * reads nothing. A file that is being written is left alone until its writer
 * closes it, but no longer than WATCH_WRITER_MS; everything else is told
 * WATCH_SETTLE_MS after it has happened. What inotify does not see (the target
 * of a link into another folder, another mount, a full queue) is found by
 * looking at all files every WATCH_POLL_MS.
 */
#ifndef SECRETD_WATCH_H
#define SECRETD_WATCH_H

struct event_base;
struct watch;

#define WATCH_SETTLE_MS 20
#define WATCH_WRITER_MS 800
#define WATCH_POLL_MS 500

/* Before the sandbox. Where inotify cannot be had, a warning says so: then a
 * file that is being written may be read half. */
struct watch *watch_new(struct event_base *base);
void watch_free(struct watch *w); /* NULL allowed */

/* The file at path may be another one now, or gone: look. May be told when
 * nothing has changed. */
typedef void watch_fn(void *arg);
/* From now on, for good. path: absolute, copied; it and its folders need not
 * exist yet. A folder stands for all that is right in it. */
void watch_file(struct watch *w, const char *path, watch_fn *fn, void *arg);

#endif
