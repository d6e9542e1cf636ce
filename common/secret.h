/*
 * Memory for secrets: own pages between guard pages, of memfd_secret(2) where
 * the kernel has it (not even root reads those by /proc/PID/mem) and else
 * locked; left out of core dumps and of forked children, wiped when freed.
 * System calls take and fill such memory as any other, but for O_DIRECT. Never
 * logged, never compared with memcmp.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 65536

struct secret; /* opaque: fixed capacity, current length */

/* Takes memory of memfd_secret for all secrets that this process makes from now
 * on: at start and once in each forked child, before its sandbox, which allows
 * no more of it. Silent where there is none; without the call, and for what
 * finds no room, secrets are in locked memory. */
void secret_setup(void);
/* What secrets of this process are in: "memfd_secret" or "locked-memory". */
const char *secret_memory(void);

/* cap in 1..SECRET_MAX. Fatal when the memory cannot be had. */
struct secret *secret_new(size_t cap);
struct secret *secret_from(const void *bytes, size_t len);
/* Wipes; NULL allowed. A forked child that frees what it inherited, whose
 * content it does not have, frees the handle alone. */
void secret_free(struct secret *s);
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
