/*
 * The audit trail: one JSON line per decision, on standard output, whatever
 * LOG_FORMAT says:
 *   {"level":"info","ts":"...","group":"audit","process":"authd",
 *    "msg":"AUDIT: Login successful","user":"...","client":"...",...}
 * Kiali's own messages keep their text. audit_enable(false) follows
 * server.audit_log.
 *
 *   struct audit a;
 *   audit_begin(&a, "AUDIT: Login successful");
 *   audit_str(&a, "user", user);
 *   audit_end(&a);
 */
#ifndef COMMON_AUDIT_H
#define COMMON_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit {
	char line[2048];
	size_t len;
};

void audit_enable(bool enabled);
void audit_begin(struct audit *a, const char *message);
/* Values are escaped and cut to 256 bytes; a NULL value is left out. */
void audit_str(struct audit *a, const char *key, const char *value);
/* The fingerprint of a credential: the first 16 hex digits of its SHA-256,
 * which the caller has (32 bytes). */
void audit_fingerprint(
    struct audit *a, const char *key, const uint8_t digest[32]);
/* Writes the line. */
void audit_end(struct audit *a);

#endif
