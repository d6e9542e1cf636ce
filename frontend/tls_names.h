/*
 * The names that a certificate is for, and whether a host is one of them
 * (RFC 6125 6.4): exactly, or by a wildcard that stands for the one leftmost
 * label, letters of either case. Pure.
 */
#ifndef FRONTEND_TLS_NAMES_H
#define FRONTEND_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#define TLS_NAMES_MAX 256

struct tls_names {
	char **at;
	size_t n;
};

/* The DNS names of its extension, at most TLS_NAMES_MAX; the common name does
 * not count (RFC 9525). out is to be freed with tls_names_done. */
void tls_names_read(struct tls_names *out, const X509 *certificate);
void tls_names_done(struct tls_names *names);
bool tls_names_exact(const struct tls_names *names, const char *host);
bool tls_names_wildcard(const struct tls_names *names, const char *host);

#endif
