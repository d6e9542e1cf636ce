/*
 * Memory for secrets: own pages between guard pages, locked, left out of core
 * dumps (MADV_DONTDUMP) and of forked children (MADV_DONTFORK), wiped when
 * freed. Never logged, never compared with memcmp.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 65536

struct secret; /* opaque: fixed capacity, current length */

/* cap in 1..SECRET_MAX. Fatal when the memory cannot be had. */
struct secret *secret_new(size_t cap);
struct secret *secret_from(const void *bytes, size_t len);
void secret_free(struct secret *s); /* wipes; NULL allowed */
void *secret_bytes(struct secret *s);
const void *secret_peek(const struct secret *s); /* borrowed */
size_t secret_len(const struct secret *s);
size_t secret_cap(const struct secret *s);
void secret_set_len(struct secret *s, size_t len); /* len <= cap */
/* Constant time for the content; the lengths are not secret. */
bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len);
/* explicit_bzero under our name, so that lint finds the forgotten ones. */
void secret_wipe(void *p, size_t len);
/* Fatal when the kernel gives no random bytes. */
void secret_random(void *dst, size_t len);

#endif
