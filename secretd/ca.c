/* See ca.h. */
#include "secretd/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/role.h"
#include "common/secret.h"
#include "common/settings.h"

unsigned
ca_askers(unsigned number)
{
	if (number < SERVICE_COUNT || number == CA_CONSOLE)
		return 1u << ROLE_EGRESS;
	if (number == CA_API_SERVER || number == CA_OPENID)
		return 1u << ROLE_AUTHD;
	return number == CA_COMMON ? 1u << ROLE_AUTHD | 1u << ROLE_EGRESS : 0;
}

static char *
in_bundle_dir(const struct settings *s, const char *name)
{
	if (s->ca_bundle_dir == NULL || s->ca_bundle_dir[0] != '/')
		return NULL;
	return mem_printf("%s/%s", s->ca_bundle_dir, name);
}

char *
ca_path(const struct settings *s, unsigned number)
{
	const char *file = NULL;

	if (number < SERVICE_COUNT)
		file = s->services[number].auth.ca_file;
	else if (number == CA_COMMON)
		return in_bundle_dir(s, CA_BUNDLE_NAME);
	else if (number == CA_OPENID && s->strategy == STRATEGY_OPENID)
		return in_bundle_dir(s, CA_OPENID_NAME);
	else if (number == CA_CONSOLE)
		file = s->console_ca_file;
	else if (number == CA_API_SERVER)
		file = s->api_ca_file;
	return file != NULL && file[0] == '/' ? mem_strdup(file) : NULL;
}

/* What is wrong with it, or NULL. */
static const char *
content_problem(const char *pem, size_t len)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----";
	static const char trusted[] = "-----BEGIN TRUSTED CERTIFICATE-----";
	static const char key[] = "PRIVATE KEY-----";

	if (len > CA_PEM_MAX)
		return "is larger than 1 MB: put the CA certificates alone "
		       "there";
	if (memmem(pem, len, key, sizeof(key) - 1) != NULL)
		return "holds a private key: put the CA certificates (PEM) "
		       "alone there";
	if (memmem(pem, len, certificate, sizeof(certificate) - 1) == NULL &&
	    memmem(pem, len, trusted, sizeof(trusted) - 1) == NULL)
		return "holds no certificate: put the CA certificates (PEM) "
		       "there";
	return NULL;
}

/* As much as is there, one byte beyond the limit at most. */
static int
read_start(int fd, char *into, size_t *len)
{
	ssize_t n;

	*len = 0;
	while (*len <= CA_PEM_MAX &&
	    (n = read(fd, into + *len, CA_PEM_MAX + 1 - *len)) != 0) {
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		*len += n > 0 ? (size_t)n : 0;
	}
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : ERR_IO;
}

static int
complain(struct slot_why *why, const char *path, const char *problem)
{
	(void)snprintf(
	    why->text, sizeof(why->text), "CA file %s %s", path, problem);
	return ERR_FORMAT;
}

static int
check(int fd, const char *path, struct ca_digest *digest, struct slot_why *why)
{
	const char *problem;
	struct stat st;
	size_t len = 0;
	char *pem;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return complain(why, path, "is not a regular file");
	pem = mem_new(CA_PEM_MAX + 1);
	problem = read_start(fd, pem, &len) < 0 ? "cannot be read"
						: content_problem(pem, len);
	if (problem == NULL &&
	    EVP_Digest(pem, len, digest->sha256, NULL, EVP_sha256(), NULL) != 1)
		problem = "cannot be digested";
	secret_wipe(pem, len); /* somebody's key may be in it */
	free(pem);
	return problem != NULL ? complain(why, path, problem) : 0;
}

int
ca_open(const struct settings *s, unsigned number, int *out,
    struct ca_digest *digest, struct slot_why *why)
{
	char *path = ca_path(s, number);
	int fd, r = 0;

	if (path == NULL)
		return ERR_NOT_FOUND;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT &&
	    (number == CA_COMMON || number == CA_OPENID))
		r = ERR_NOT_FOUND; /* its folder has a default */
	else if (fd < 0)
		r = complain(why, path, strerror(errno));
	else
		r = check(fd, path, digest, why);
	if (r == 0)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	free(path);
	return r;
}
