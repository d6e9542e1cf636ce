/*
 * CA certificates in PEM: which of a bundle may be trusted.
 *
 * SECURITY: bundles come from files that operators write, at start or through
 * secretd. One that does not parse whole, maybe half-written, is refused.
 */
#ifndef COMMON_CA_SET_H
#define COMMON_CA_SET_H

#include <stddef.h>

#include "common/text.h"

struct stack_st_X509;

#define CA_PEM_MAX 1048576 /* bytes of one bundle */
/* In doorward.ca_bundle_dir: for every server, and for the provider alone. */
#define CA_BUNDLE_NAME "additional-ca-bundle.pem"
#define CA_OPENID_NAME "openid-server-ca.crt"

/* The certificates of pem that can serve: CAs that may sign, not expired, with
 * keys of RSA >= 2048 bits, EC >= 256 bits, Ed25519 or Ed448. The others are
 * skipped, each with a warning that begins with name. name NULL: all of them,
 * for what the system trusts. 0, and *out is the caller's (ca_set_drop);
 * ERR_FORMAT: one is broken; ERR_LIMIT: larger than CA_PEM_MAX; ERR_NOT_FOUND:
 * none is left. */
int ca_set_parse(struct slice pem, const char *name, struct stack_st_X509 **out)
    __attribute__((warn_unused_result));
/* The same of a file, before the sandbox; ERR_IO: errno says why. */
int ca_set_read(const char *path, const char *name, struct stack_st_X509 **out)
    __attribute__((warn_unused_result));
/* What these mean: "has a broken certificate", ... */
const char *ca_set_problem(int err);
void ca_set_drop(struct stack_st_X509 *set); /* NULL allowed */
size_t ca_set_count(const struct stack_st_X509 *set);
/* In PEM again; caller frees (free). */
char *ca_set_pem(const struct stack_st_X509 *set, size_t *len);

/* Reads what secretd has sent (MSG_CA_RESULT), whole; fd stays the caller's.
 * 0, and *pem is the caller's (free); ERR_IO or ERR_LIMIT. */
int ca_pem_read(int fd, char **pem, size_t *len)
    __attribute__((warn_unused_result));

#endif
