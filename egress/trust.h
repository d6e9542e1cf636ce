/*
 * Which CAs upstreams are checked with: the system's and, beside them, those of
 * additional-ca-bundle.pem; or, where a service has a ca_file, that alone.
 *
 * SECURITY: PEM comes through secretd or from files that root wrote. What does
 * not parse whole changes nothing.
 */
#ifndef EGRESS_TRUST_H
#define EGRESS_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"

struct stack_st_X509;
struct x509_store_st;
struct trust;

#define TRUST_PEM_MAX 1048576 /* bytes of one bundle */

/* Before the sandbox: reads the system's certificates. with_system false: none
 * of them, for where nothing is verified. Fatal when there are none. */
struct trust *trust_new(bool with_system);
void trust_free(struct trust *t);

/* Every certificate of pem. 0; ERR_FORMAT: one is broken or there is none. */
int trust_parse(struct slice pem, struct stack_st_X509 **out)
    __attribute__((warn_unused_result));
/* Before the sandbox: the same of a file. Fatal, naming key, the setting. */
struct stack_st_X509 *trust_read(const char *file, const char *key);
void trust_drop(struct stack_st_X509 *set); /* NULL allowed */

/* The additional bundle; taken. NULL: none. */
void trust_set_additional(struct trust *t, struct stack_st_X509 *set);
size_t trust_count(const struct stack_st_X509 *set);

/* A new store, for upstream_trust: of own alone, or (NULL) of the system's
 * certificates and the additional ones. Free with trust_store_free. */
struct x509_store_st *trust_store(
    const struct trust *t, const struct stack_st_X509 *own);
void trust_store_free(struct x509_store_st *store);

#endif
