/*
 * Finding and reading secrets; see slots.h. Opens for reading only, follows
 * links (Kubernetes mounts are made of them), and reads into guarded memory.
 */
#include "secretd/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
		    "%s: %s can be read by everybody (mode %04o, owner %u, "
		    "group %u): chmod o= %s",
		    label, path, (unsigned)st->st_mode & 07777, st->st_uid,
		    st->st_gid, path);
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

/* Reads what fd, opened or not (errno), is; closes it. */
static int
read_opened(int fd, const char *label, const char *path, bool private,
    struct secret **out, struct slot_why *why)
{
	struct secret *s = NULL;
	struct stat st;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return complain(
		    why, ERR_NOT_FOUND, "%s: there is no file %s", label, path);
	if (fd < 0 && (errno == EXDEV || errno == ELOOP))
		return complain(why, ERR_DENIED,
		    "%s: %s is or is in a link that leads out of the secrets "
		    "folder, or in a circle: put the file itself there, or "
		    "name its path in the configuration",
		    label, path);
	if (fd < 0 && errno == ENOSYS)
		return complain(why, ERR_IO,
		    "%s: %s cannot be read: openat2(2) is missing: it needs "
		    "Linux 5.6, and under systemd RestrictSUIDSGID=false",
		    label, path);
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

/* O_NONBLOCK: a FIFO in place of the file must not stop us. */
#define HOW_TO_OPEN (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

int
slot_read_file(const char *label, const char *path, bool private,
    struct secret **out, struct slot_why *why)
{
	return read_opened(
	    open(path, HOW_TO_OPEN), label, path, private, out, why);
}

/* SECURITY: whoever may write in one secrets folder must not make us read, and
 * hand on, what is elsewhere. */
static int
open_below(const char *dir, const char *name)
{
	const struct open_how how = { .flags = HOW_TO_OPEN,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int err, fd, folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return -1;
	do
		fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	err = errno;
	close(folder);
	errno = err;
	return fd;
}

/* --- blanks --- */

/* What Go's unicode.IsSpace says yes to, in UTF-8. */
static const char *const blanks[] = { "\t", "\n", "\v", "\f", "\r", " ",
	"\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
	"\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
	"\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
	"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
	"\xe2\x81\x9f", "\xe3\x80\x80" };
#define N_BLANKS (sizeof(blanks) / sizeof(blanks[0]))

/* Bytes of the blank that s begins (or ends) with, or 0. */
static size_t
blank_len(struct slice s, bool at_end)
{
	for (size_t i = 0; i < N_BLANKS; i++) {
		size_t n = strlen(blanks[i]);

		if (n <= s.len &&
		    memcmp(at_end ? s.p + s.len - n : s.p, blanks[i], n) == 0)
			return n;
	}
	return 0;
}

struct slice
slot_trim(struct slice s)
{
	size_t n;

	while ((n = blank_len(s, false)) > 0) {
		s.p += n;
		s.len -= n;
	}
	while ((n = blank_len(s, true)) > 0)
		s.len -= n;
	return s;
}

/* A secret of its own, exactly as long as needed; frees raw. */
static struct secret *
trimmed(struct secret *raw)
{
	struct slice text =
	    slot_trim((struct slice){ secret_peek(raw), secret_len(raw) });
	struct secret *s = text.len > 0 ? secret_from(text.p, text.len) : NULL;

	secret_free(raw);
	return s;
}

/* below: the folder that it must not be out of; NULL: anywhere. */
static int
read_slot_file(const char *slot, const char *path, const char *below,
    bool private, struct secret **out, struct slot_why *why)
{
	char label[80];
	struct secret *s = NULL;
	int r;

	(void)snprintf(label, sizeof(label), "slot %s", slot);
	r = read_opened(below != NULL
		? open_below(below, path + strlen(below) + 1)
		: open(path, HOW_TO_OPEN),
	    label, path, private, &s, why);
	if (r != ERR_NOT_FOUND)
		(void)snprintf(why->file, sizeof(why->file), "%s", path);
	if (r < 0)
		return r;
	s = trimmed(s);
	if (s == NULL)
		return complain(why, ERR_FORMAT,
		    "%s: %s is empty: write the secret into it", label, path);
	log_debug("Credentials loaded from secret file [%s]", path);
	*out = s;
	return 0;
}

/* Without blanks around it (as Go's TrimSpace). */
static int
read_slot(const struct slot_dirs *where, const char *slot,
    const char *reference, bool private, struct secret **out,
    struct slot_why *why)
{
	const char *dir = where->dirs->n > 0 ? where->dirs->at[0] : DEFAULT_DIR;
	int r = ERR_NOT_FOUND;
	const char *below;
	char *path;

	for (size_t i = 0; r == ERR_NOT_FOUND &&
	     (path = slot_place(where, slot, reference, i, &below)) != NULL;
	     i++) {
		if (path[0] != '\0')
			r = read_slot_file(
			    slot, path, below, private, out, why);
		free(path);
	}
	if (r == ERR_NOT_FOUND)
		return complain(why, r,
		    "slot %s: no secret: none of the secrets folders has a file "
		    "%s/" VALUE_FILE "%s: write it to %s/%s/" VALUE_FILE,
		    slot, slot,
		    slot_is_reference(reference)
			? ", nor does the reference in the "
			  "configuration lead to one"
			: "",
		    dir, slot);
	return r;
}

/* --- what a slot may hold --- */

static bool
has_block(struct slice s, const char *mark)
{
	return memmem(s.p, s.len, mark, strlen(mark)) != NULL;
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return true;
	return false;
}

/* What is wrong and what to do, or NULL. */
static const char *
content_problem(enum slot_content content, struct slice s)
{
	switch (content) {
	case SLOT_TEXT:
		if (slice_starts(s, REFERENCE))
			return "holds a reference (secret:...) in place of the "
			       "secret: write the secret itself there";
		return has_control(s)
		    ? "holds control characters (several lines, or a binary "
		      "file): write the secret alone there, on one line"
		    : NULL;
	case SLOT_CERTIFICATE:
		if (has_block(s, "PRIVATE KEY-----"))
			return "holds a private key, which has a slot of its "
			       "own: leave only certificates in it";
		return has_block(s, "-----BEGIN CERTIFICATE-----")
		    ? NULL
		    : "holds no certificate: put it there in PEM form";
	case SLOT_PRIVATE_KEY:
		return has_block(s, "PRIVATE KEY-----")
		    ? NULL
		    : "holds no private key: put it there in PEM form";
	}
	return NULL;
}

int
slot_read_spec(const struct slot_dirs *where, const struct slot_spec *spec,
    struct secret **out, struct slot_why *why)
{
	const char *problem;
	struct secret *s = NULL;
	int r;

	*why = (struct slot_why){ .text = "" };
	/* a certificate is shown to everybody anyhow */
	r = read_slot(where, spec->name, spec->reference,
	    spec->content != SLOT_CERTIFICATE, &s, why);
	if (r < 0)
		return r;
	problem = content_problem(
	    spec->content, (struct slice){ secret_peek(s), secret_len(s) });
	if (problem == NULL && secret_len(s) <= spec->max) {
		*out = s;
		return 0;
	}
	secret_free(s);
	if (problem == NULL)
		return complain(why, ERR_LIMIT,
		    "slot %s: %s has more than %zu bytes: it cannot be the "
		    "secret",
		    spec->name, why->file, spec->max);
	return complain(
	    why, ERR_FORMAT, "slot %s: %s %s", spec->name, why->file, problem);
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
	int r = read_slot(where, SLOT_SIGNING_KEY, reference, true, &s, why);

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
