/* Temporary file, fsync, rename, fsync of the folder; see state_file.h. */
#include "secretd/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"

/* Reads until the end or until dst is full. */
static int
read_all(int fd, struct secret *dst)
{
	char *p = secret_bytes(dst);
	size_t len = 0;

	while (len < secret_cap(dst)) {
		ssize_t n = read(fd, p + len, secret_cap(dst) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	secret_set_len(dst, len);
	return len > 0 ? 0 : ERR_LIMIT;
}

int
state_file_read(const char *dir, const char *name, struct secret **out)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct secret *s;
	struct stat st;
	int r = ERR_IO;

	free(path);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	s = secret_new(STATE_FILE_MAX);
	if (fstat(fd, &st) == 0)
		r = st.st_size > STATE_FILE_MAX ? ERR_LIMIT : read_all(fd, s);
	(void)close(fd);
	if (r == 0)
		*out = s;
	else
		secret_free(s);
	return r;
}

static int
write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One left behind by a crash is written over. */
static int
write_new(const char *path, const void *p, size_t len)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = ERR_IO;

	if (fd < 0)
		return r;
	if (fchmod(fd, 0600) == 0 && write_all(fd, p, len) == 0 &&
	    fsync(fd) == 0)
		r = 0;
	if (close(fd) != 0)
		r = ERR_IO;
	return r;
}

/* The rename itself is on the disk only then. */
static int
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd >= 0 && fsync(fd) == 0 ? 0 : ERR_IO;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

int
state_file_write(const char *dir, const char *name, const void *p, size_t len)
{
	char *path = mem_printf("%s/%s", dir, name);
	char *new = mem_printf("%s/%s.new", dir, name);
	int r = write_new(new, p, len);

	if (r == 0 && rename(new, path) != 0)
		r = ERR_IO;
	if (r == 0)
		r = sync_folder(dir);
	free(path);
	free(new);
	return r;
}

int
state_file_move_aside(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);
	char *to = mem_printf("%s/%s.damaged", dir, name);
	int r = rename(path, to) == 0 ? 0 : ERR_IO;

	free(path);
	free(to);
	return r;
}
