/*
 * Log lines for people, on standard output, one write each, in Kiali's form:
 *   2026-01-01T00:00:00Z INF message key=value     (LOG_FORMAT=text, default)
 *   {"level":"info","ts":"...","msg":"..."}        (LOG_FORMAT=json)
 * LOG_LEVEL: trace debug info warn error fatal (default info); both are read
 * from the environment by log_open, before the sandbox.
 *
 * SECURITY: never pass a secret, a token, a cookie or a request body. Text that
 * came from outside is bounded (%.100s) by the caller; control characters and
 * bytes that are not UTF-8 are escaped here.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_TRACE,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_FATAL,
};

/* process: "frontend", "authd", ...; stands in every line as process=... */
void log_open(const char *process);
const char *log_process(void); /* NULL before log_open */
/* The level where the environment's LOG_LEVEL names none: after log_open. */
void log_default_level(enum log_level level);
bool log_enabled(enum log_level level);
#define log_trace(...) log_write(LOG_LEVEL_TRACE, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Logs at level fatal and exits with status 1. */
void log_fatal(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
/* As log_write, at most once per interval_ms for this call site's *last;
 * suppressed lines are counted and told with the next one. */
struct log_rate {
	int64_t last_ms;
	unsigned suppressed;
};
void log_limited(struct log_rate *rate, uint32_t interval_ms,
    enum log_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* For other lines that are not to come more often: true once per interval. */
bool log_is_due(struct log_rate *rate, uint32_t interval_ms);
/* Writes s as the inside of a JSON string (no quotes) into dst, always
 * NUL-terminated, cut at cap on a character boundary. Go's escaping: also
 * < > & as \u003c \u003e \u0026. Returns the length. */
size_t log_json_escape(char *dst, size_t cap, const char *s, size_t len);
/* Writes a finished line (with its newline) as it is: for audit.c. */
void log_line(const char *line, size_t len);

#endif
