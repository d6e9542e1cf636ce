/*
 * CA files: those of services, console and API server, the provider's
 * openid-server-ca.crt and the common additional-ca-bundle.pem. They are no
 * secrets; egress and authd get a descriptor because they open no files. Looks
 * that the file is what it should be, and does not parse certificates.
 */
#ifndef SECRETD_CA_H
#define SECRETD_CA_H

#include "secretd/slots.h"

struct settings;

/* Who is checked with it, and so may ask: mask of 1 << enum role. number: enum
 * service_id or enum ca_number; others are nobody's. */
unsigned ca_askers(unsigned number);
/* The path for that number; NULL when none is configured. Caller frees. */
char *ca_path(const struct settings *s, unsigned number);
struct ca_digest {
	unsigned char sha256[32];
};

/* A descriptor at the start of the file, for reading, and the digest of what
 * is in it. 0; ERR_NOT_FOUND when
 * none is configured or (of ca_bundle_dir) there is none; else the file is of
 * no use and why says it. */
int ca_open(const struct settings *s, unsigned number, int *fd,
    struct ca_digest *digest, struct slot_why *why)
    __attribute__((warn_unused_result));

#endif
