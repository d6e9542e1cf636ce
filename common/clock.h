/* The clocks: wall time for expiry and people, monotonic for deadlines. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_unix_s(void); /* seconds since 1970 UTC */
int64_t clock_unix_ms(void);
int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC */
int64_t clock_mono_us(void);

/* RFC 9110 5.6.7 IMF-fixdate: "Fri, 02 Jan 2026 03:04:05 GMT". */
#define CLOCK_HTTP_LEN 29
void clock_http_date(char dst[CLOCK_HTTP_LEN + 1], int64_t unix_s);
/* "Fri, 02 Jan 2026 03:04:05 +0000" (RFC 1123 with numeric zone). */
#define CLOCK_RFC1123Z_LEN 31
void clock_rfc1123z(char dst[CLOCK_RFC1123Z_LEN + 1], int64_t unix_s);
/* "2026-01-02T03:04:05Z" (RFC 3339, UTC). */
#define CLOCK_RFC3339_LEN 20
void clock_rfc3339(char dst[CLOCK_RFC3339_LEN + 1], int64_t unix_s);

#endif
