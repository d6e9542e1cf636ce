/*
 * See key_file.h. The new key is written beside the old one and renamed over
 * it, so that a reader sees either of them, whole.
 */
#include "ctl/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/slot_path.h"

#define KEY_LEN 32

static int complain(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static int
complain(const char *format, ...)
{
	va_list ap;

	(void)fprintf(stderr, "doorward keys: ");
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return -1;
}

char *
key_file_find(const struct settings *s)
{
	const struct slot_dirs where = { .dirs = &s->secrets_dirs };

	return slot_find(&where, SLOT_SIGNING_KEY, s->signing_key);
}

/* Letters and digits, each equally likely. */
static void
make_key(char key[KEY_LEN])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789";
	const size_t n = sizeof(alphabet) - 1;

	for (size_t i = 0; i < KEY_LEN;) {
		uint8_t byte;

		secret_random(&byte, 1);
		if (byte < 256 / n * n)
			key[i++] = alphabet[byte % n];
	}
}

/* Is there somebody else who puts the file there, and would undo a change? */
static int
check_place(const char *path, const char *real)
{
	struct statvfs fs;

	if (strstr(real, "/..") != NULL)
		return complain(
		    "%s comes from a mounted Kubernetes Secret (%s): put a "
		    "fresh key into that Secret, Doorward takes it from there",
		    path, real);
	if (strncmp(real, "/run/credentials/", 17) == 0)
		return complain(
		    "%s is a systemd credential: replace the file that "
		    "LoadCredential= names and restart doorward-secretd",
		    path);
	if (statvfs(real, &fs) != 0)
		return complain("%s: %s", path, strerror(errno));
	if (fs.f_flag & ST_RDONLY)
		return complain("%s is mounted read-only: replace the key "
				"where it comes from",
		    path);
	return 0;
}

/* Owner and mode first: nobody may read it who may not read the old one. */
static int
fill(int fd, const struct stat *like)
{
	char key[KEY_LEN];
	struct stat now;
	int r = -1;

	if (fstat(fd, &now) != 0)
		return -1;
	if ((now.st_uid != like->st_uid || now.st_gid != like->st_gid) &&
	    fchown(fd, like->st_uid, like->st_gid) != 0)
		return -1;
	if (fchmod(fd, like->st_mode & 0777) != 0)
		return -1;
	make_key(key);
	if (write(fd, key, KEY_LEN) == KEY_LEN && fsync(fd) == 0)
		r = 0;
	secret_wipe(key, sizeof(key));
	return r;
}

static int
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd >= 0 && fsync(fd) == 0 ? 0 : -1;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

static int
replace(const char *dir, const char *real, const struct stat *like)
{
	char *new = mem_printf("%s/.new-key-XXXXXX", dir);
	int fd = mkostemp(new, O_CLOEXEC);
	int r = fd >= 0 ? fill(fd, like) : -1;
	int error = errno;

	if (fd >= 0 && close(fd) != 0)
		r = -1;
	if (r == 0 && rename(new, real) != 0) {
		error = errno;
		r = -1;
	}
	if (r != 0 && fd >= 0)
		(void)unlink(new);
	free(new);
	if (r != 0)
		return complain(
		    "%s cannot be replaced: %s", real, strerror(error));
	if (sync_folder(dir) != 0)
		return complain("%s was replaced, but may not be on the disk "
				"yet: %s",
		    real, strerror(errno));
	return 0;
}

int
key_file_replace(const char *path)
{
	char *real = realpath(path, NULL);
	char *copy;
	struct stat st;
	int r;

	if (real == NULL || stat(real, &st) != 0) {
		r = complain("%s: %s", path, strerror(errno));
		free(real);
		return r;
	}
	r = check_place(path, real);
	if (r == 0) {
		copy = mem_strdup(real);
		r = replace(dirname(copy), real, &st);
		free(copy);
	}
	free(real);
	return r;
}
