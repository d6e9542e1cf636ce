/*
 * The CAs that servers are checked with: those of one file or text alone, or
 * the system's and those of additional-ca-bundle.pem and of a bundle of their
 * own beside them. Replaced while authd runs: what goes on keeps the set that
 * it began with.
 */
#ifndef AUTHD_SERVER_CA_H
#define AUTHD_SERVER_CA_H

#include <stddef.h>

#include "common/text.h"

struct server_ca;

/* One set, in PEM, as curl wants it. */
struct ca_text {
	unsigned refs;
	size_t len;
	char *pem;
};

/* Before the sandbox. own: enum ca_number of the bundle that is for these
 * servers only, CA_API_SERVER or CA_OPENID. file: these CAs alone, and own
 * replaces them; NULL or "": the system's, and own is added. pem: these alone,
 * for good; NULL or "": not so. Fatal when what is named does not serve, or
 * when an API server would be checked with nothing. */
struct server_ca *server_ca_new(
    unsigned own, const char *file, const char *pem);
void server_ca_free(struct server_ca *ca); /* NULL allowed */
/* The bundle of that number (enum ca_number) is this one now. What does not
 * serve, and what is not looked at here, changes nothing. */
void server_ca_set(struct server_ca *ca, unsigned number, struct slice pem);
/* The set of today; give it back with ca_text_release. */
struct ca_text *server_ca_hold(struct server_ca *ca);
void ca_text_release(struct ca_text *text); /* NULL allowed */

#endif
