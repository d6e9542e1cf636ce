/*
 * Which CAs upstreams are checked with: the system's and, beside them, those of
 * additional-ca-bundle.pem; or, where a service has a ca_file, that alone.
 */
#ifndef EGRESS_TRUST_H
#define EGRESS_TRUST_H

#include <stdbool.h>

struct stack_st_X509;
struct x509_store_st;
struct trust;

/* Before the sandbox: reads the system's certificates. with_system false: none
 * of them, for where nothing is verified. Fatal when there are none. */
struct trust *trust_new(bool with_system);
void trust_free(struct trust *t);

/* Before the sandbox: the CAs of a file (ca_set.h). Fatal, naming key, the
 * setting. */
struct stack_st_X509 *trust_read(const char *file, const char *key);

/* The additional bundle; taken. NULL: none. */
void trust_set_additional(struct trust *t, struct stack_st_X509 *set);

/* A new store, for upstream_trust: of own alone, or (NULL) of the system's
 * certificates and the additional ones. Free with trust_store_free. */
struct x509_store_st *trust_store(
    const struct trust *t, const struct stack_st_X509 *own);
void trust_store_free(struct x509_store_st *store);

#endif
