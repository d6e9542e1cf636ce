/*
 * The CAs that the API server is checked with: those of
 * doorward.kubernetes.ca_file alone, or, without it, the system's and those of
 * additional-ca-bundle.pem beside them. Replaced while authd runs: what goes on
 * keeps the set that it began with.
 */
#ifndef AUTHD_CLUSTER_CA_H
#define AUTHD_CLUSTER_CA_H

#include <stddef.h>

#include "common/text.h"

struct cluster_ca;

/* One set, in PEM, as curl wants it. */
struct ca_text {
	unsigned refs;
	size_t len;
	char *pem;
};

/* Before the sandbox. file: NULL or "" for the system's. Fatal when it does not
 * serve. */
struct cluster_ca *cluster_ca_new(const char *file);
void cluster_ca_free(struct cluster_ca *ca); /* NULL allowed */
/* The bundle of that number (enum ca_number) is this one now. What does not
 * serve, and what is not looked at here, changes nothing. */
void cluster_ca_set(struct cluster_ca *ca, unsigned number, struct slice pem);
/* The set of today; give it back with ca_text_release. */
struct ca_text *cluster_ca_hold(struct cluster_ca *ca);
void ca_text_release(struct ca_text *text); /* NULL allowed */

#endif
