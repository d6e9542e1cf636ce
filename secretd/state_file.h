/*
 * One file of secretd's own in its state directory: read whole, replaced whole.
 * The file is 0600, and at any moment, also after a power failure, either the
 * old one or the new one. Must not know what is in it.
 */
#ifndef SECRETD_STATE_FILE_H
#define SECRETD_STATE_FILE_H

#include <stddef.h>

struct secret;

#define STATE_FILE_MAX 65536 /* bytes */

/* *out is the caller's. ERR_NOT_FOUND: there is no such file; ERR_LIMIT: it is
 * empty or longer than STATE_FILE_MAX; ERR_IO: errno says why. */
int state_file_read(const char *dir, const char *name, struct secret **out)
    __attribute__((warn_unused_result));
/* Is on the disk when it returns 0. ERR_IO: the old file is untouched; errno
 * says why. */
int state_file_write(const char *dir, const char *name, const void *p,
    size_t len) __attribute__((warn_unused_result));
/* Renames it to "<name>.damaged", in place of an earlier one. ERR_IO. */
int state_file_move_aside(const char *dir, const char *name)
    __attribute__((warn_unused_result));

#endif
