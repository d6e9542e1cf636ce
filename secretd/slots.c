/*
 * Finding and reading secrets; see slots.h. Opens for reading only, follows
 * links (Kubernetes mounts are made of them), and reads into guarded memory.
 */
#include "secretd/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/text.h"

#define VALUE_FILE SLOT_VALUE_FILE
#define REFERENCE "secret:"
#define DEFAULT_DIR "/etc/doorward/secrets"

static int complain(struct slot_why *why, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int
complain(struct slot_why *why, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, ap);
	va_end(ap);
	return err;
}

static int
check_file(const char *label, const char *path, const struct stat *st,
    bool private, struct slot_why *why)
{
	if (!S_ISREG(st->st_mode))
		return complain(why, ERR_FORMAT,
		    "%s: %s is not a regular file: put the secret itself there",
		    label, path);
	if (private && (st->st_mode & S_IROTH))
		return complain(why, ERR_DENIED,
		    "%s: %s can be read by everybody: chmod o= %s", label, path,
		    path);
	if (st->st_size > SLOT_FILE_MAX)
		return complain(why, ERR_LIMIT,
		    "%s: %s is larger than %d bytes: it cannot be the secret",
		    label, path, SLOT_FILE_MAX);
	return 0;
}

/* The size is only what fstat said: the file may change meanwhile. */
static int
read_all(int fd, struct secret *s)
{
	char *p = secret_bytes(s);
	size_t len = 0;

	while (len < secret_cap(s)) {
		ssize_t n = read(fd, p + len, secret_cap(s) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	secret_set_len(s, len);
	return 0;
}

int
slot_read_file(const char *label, const char *path, bool private,
    struct secret **out, struct slot_why *why)
{
	struct secret *s = NULL;
	struct stat st;
	int r;
	/* O_NONBLOCK: a FIFO in place of the file must not stop us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return complain(
		    why, ERR_NOT_FOUND, "%s: there is no file %s", label, path);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = complain(why, ERR_IO,
		    "%s: %s cannot be read: %s: make it readable for the user "
		    "that doorward-secretd runs as, and for nobody else",
		    label, path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = check_file(label, path, &st, private, why);
	if (r == 0) {
		s = secret_new(SLOT_FILE_MAX);
		r = read_all(fd, s);
		if (r < 0)
			(void)complain(why, r, "%s: %s cannot be read: %s",
			    label, path, strerror(errno));
	}
	close(fd);
	if (r < 0) {
		secret_free(s);
		return r;
	}
	*out = s;
	return 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A secret of its own, exactly as long as needed; frees raw. */
static struct secret *
trimmed(struct secret *raw)
{
	const char *p = secret_peek(raw);
	size_t start = 0, end = secret_len(raw);
	struct secret *s;

	while (start < end && is_blank(p[start]))
		start++;
	while (end > start && is_blank(p[end - 1]))
		end--;
	s = end > start ? secret_from(p + start, end - start) : NULL;
	secret_free(raw);
	return s;
}

static int
read_slot_file(const char *slot, const char *path, struct secret **out,
    struct slot_why *why)
{
	char label[80];
	struct secret *s = NULL;
	int r;

	(void)snprintf(label, sizeof(label), "slot %s", slot);
	r = slot_read_file(label, path, true, &s, why);
	if (r < 0)
		return r;
	s = trimmed(s);
	if (s == NULL)
		return complain(why, ERR_FORMAT,
		    "%s: %s is empty: write the secret into it", label, path);
	log_debug("Credentials loaded from secret file [%s]", path);
	(void)snprintf(why->file, sizeof(why->file), "%s", path);
	*out = s;
	return 0;
}

int
slot_read(const struct slot_dirs *where, const char *slot,
    const char *reference, struct secret **out, struct slot_why *why)
{
	const char *dir = where->dirs->n > 0 ? where->dirs->at[0] : DEFAULT_DIR;
	int r = ERR_NOT_FOUND;
	char *path;

	for (size_t i = 0; r == ERR_NOT_FOUND &&
	     (path = slot_place(where, slot, reference, i)) != NULL;
	     i++) {
		if (path[0] != '\0')
			r = read_slot_file(slot, path, out, why);
		free(path);
	}
	if (r == ERR_NOT_FOUND)
		return complain(why, r,
		    "slot %s: no secret: none of the secrets folders has a file "
		    "%s/" VALUE_FILE "%s: write it to %s/%s/" VALUE_FILE,
		    slot, slot,
		    reference[0] != '\0' ? ", nor does the reference in the "
					   "configuration lead to one"
					 : "",
		    dir, slot);
	return r;
}

static int
signing_key_remedy(const struct slot_dirs *where, const char *problem,
    struct slot_why *why, int err)
{
	const char *dir = where->dirs->n > 0 ? where->dirs->at[0] : DEFAULT_DIR;

	/* 24 random bytes are 32 characters of base64. */
	return complain(why, err,
	    "slot " SLOT_SIGNING_KEY ": %s. A good one is made by: "
	    "(umask 027; mkdir -p %s/" SLOT_SIGNING_KEY
	    "; openssl rand -base64 24 > %s/" SLOT_SIGNING_KEY "/" VALUE_FILE
	    "); the user of doorward-secretd must be able to read it, others "
	    "must not",
	    problem, dir, dir);
}

/* What is wrong with the key in file, or false. */
static bool
signing_key_is_bad(
    const struct secret *s, const char *file, char *problem, size_t cap)
{
	const char *p = secret_peek(s);
	size_t len = secret_len(s);

	if (secret_equal(p, len, "kiali", 5)) {
		(void)snprintf(problem, cap,
		    "the key in %s is Kiali's old default, which everybody "
		    "knows",
		    file);
		return true;
	}
	if (len >= strlen(REFERENCE) &&
	    secret_equal(p, strlen(REFERENCE), REFERENCE, strlen(REFERENCE))) {
		(void)snprintf(problem, cap,
		    "%s holds a reference (secret:...) in place of the key",
		    file);
		return true;
	}
	if (len != 16 && len != 24 && len != 32) {
		(void)snprintf(problem, cap,
		    "the key in %s has %zu bytes, but must have 16, 24 or 32",
		    file, len);
		return true;
	}
	return false;
}

int
slot_read_signing_key(const struct slot_dirs *where, const char *reference,
    struct secret **out, struct slot_why *why)
{
	char problem[400];
	struct secret *s = NULL;
	int r = slot_read(where, SLOT_SIGNING_KEY, reference, &s, why);

	if (r == ERR_NOT_FOUND && reference[0] == '\0')
		return signing_key_remedy(where,
		    "there is no key in any of the secrets folders", why, r);
	if (r == ERR_NOT_FOUND)
		return signing_key_remedy(where,
		    "there is no key in any of the secrets folders, and "
		    "login_token.signing_key leads to no file either",
		    why, r);
	if (r < 0)
		return r;
	if (signing_key_is_bad(s, why->file, problem, sizeof(problem))) {
		secret_free(s);
		return signing_key_remedy(where, problem, why, ERR_FORMAT);
	}
	*out = s;
	return 0;
}
