/*
 * Log lines on standard output: formatted on the stack, escaped, cut to
 * LINE_MAX_LEN and written with one write(2), so that lines of several
 * processes do not mix. Never allocates: it must work when memory is out.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"

#define LINE_MAX_LEN 4096
#define MESSAGE_MAX 3072

/* The format is chosen once, before the sandbox, and then only read. */
static struct {
	const char *process;
	enum log_level level;
	bool level_given; /* by the environment */
	bool json;
} log_state = { NULL, LOG_LEVEL_INFO, false, false };

static const char *const level_words[] = { "trace", "debug", "info", "warn",
	"error", "fatal" };
static const char *const level_marks[] = { "TRC", "DBG", "INF", "WRN", "ERR",
	"FTL" };

void
log_open(const char *process)
{
	const char *level = getenv("LOG_LEVEL");
	const char *format = getenv("LOG_FORMAT");

	log_state.process = process;
	log_state.level = LOG_LEVEL_INFO;
	log_state.level_given = false;
	log_state.json = format != NULL && strcmp(format, "json") == 0;
	for (unsigned i = LOG_LEVEL_TRACE; i <= LOG_LEVEL_FATAL; i++)
		if (level != NULL && strcmp(level, level_words[i]) == 0) {
			log_state.level = (enum log_level)i;
			log_state.level_given = true;
		}
}

void
log_default_level(enum log_level level)
{
	if (!log_state.level_given)
		log_state.level = level;
}

const char *
log_process(void)
{
	return log_state.process;
}

bool
log_enabled(enum log_level level)
{
	return level >= log_state.level;
}

void
log_line(const char *line, size_t len)
{
	ssize_t r;

	/* A reader that is gone must not stop the service; a slow one is waited
	 * for, since no audit line may be lost. */
	do
		r = write(STDOUT_FILENO, line, len);
	while (r < 0 && errno == EINTR);
}

/* What c must become inside a JSON string, or NULL when it may stay. */
static const char *
json_escape_of(unsigned char c, char scratch[8])
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		if (c >= 0x20 && c != '<' && c != '>' && c != '&')
			return NULL;
		(void)snprintf(scratch, 8, "\\u%04x", c);
		return scratch;
	}
}

/* The escape for the character of n bytes at s (n 0: a byte that is not UTF-8),
 * or NULL when it may stay as it is. */
static const char *
json_escape_at(const char *s, size_t n, char scratch[8])
{
	if (n == 0)
		return "\\ufffd";
	if (n == 1)
		return json_escape_of((unsigned char)s[0], scratch);
	/* line separators end a line in JavaScript */
	if (n == 3 && memcmp(s, "\xE2\x80\xA8", 3) == 0)
		return "\\u2028";
	if (n == 3 && memcmp(s, "\xE2\x80\xA9", 3) == 0)
		return "\\u2029";
	return NULL;
}

/* As json_escape_at, for the text form: what could move a terminal's cursor
 * or begin a line of its own is made visible. */
static const char *
text_escape_at(const char *s, size_t n, char scratch[8])
{
	unsigned char c = (unsigned char)s[0];

	if (n == 1 && c == '\n')
		return "\\n";
	if (n == 0 || (n == 1 && (c < 0x20 || c == 0x7F))) {
		(void)snprintf(scratch, 8, "\\x%02x", c);
		return scratch;
	}
	/* C1 controls: U+0080..U+009F */
	if (n == 2 && c == 0xC2 && (unsigned char)s[1] < 0xA0) {
		(void)snprintf(scratch, 8, "\\u00%02x", (unsigned char)s[1]);
		return scratch;
	}
	return NULL;
}

typedef const char *escape_at_fn(const char *s, size_t n, char scratch[8]);

static size_t
escape(
    char *dst, size_t cap, const char *s, size_t len, escape_at_fn *escape_at)
{
	size_t to = 0;
	char scratch[8];

	if (cap == 0)
		return 0;
	for (size_t i = 0; i < len;) {
		size_t n = text_utf8_len(s + i, len - i);
		const char *put = escape_at(s + i, n, scratch);
		size_t put_len = put != NULL ? strlen(put) : n;
		if (to + put_len >= cap)
			break;
		memcpy(dst + to, put != NULL ? put : s + i, put_len);
		to += put_len;
		i += n > 0 ? n : 1;
	}
	dst[to] = '\0';
	return to;
}

size_t
log_json_escape(char *dst, size_t cap, const char *s, size_t len)
{
	return escape(dst, cap, s, len, json_escape_at);
}

/* Formats one whole line with its newline; returns its length. */
static size_t
format_line(char line[LINE_MAX_LEN], enum log_level level, const char *message)
{
	const char *process = log_state.process;
	char ts[CLOCK_RFC3339_LEN + 1];
	char body[LINE_MAX_LEN - 128];
	int len;

	clock_rfc3339(ts, clock_unix_s());
	(void)escape(body, sizeof(body), message, strlen(message),
	    log_state.json ? json_escape_at : text_escape_at);
	if (log_state.json)
		len = snprintf(line, LINE_MAX_LEN,
		    "{\"level\":\"%s\",\"ts\":\"%s\",\"msg\":\"%s\","
		    "\"process\":\"%.16s\"}\n",
		    level_words[level], ts, body,
		    process != NULL ? process : "doorward");
	else
		len = snprintf(line, LINE_MAX_LEN, "%s %s %s process=%.16s\n",
		    ts, level_marks[level], body,
		    process != NULL ? process : "doorward");
	return len > 0 && len < LINE_MAX_LEN ? (size_t)len : 0;
}

static void
write_message(enum log_level level, const char *message)
{
	char line[LINE_MAX_LEN];

	log_line(line, format_line(line, level, message));
}

static void log_vwrite(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void
log_vwrite(enum log_level level, const char *format, va_list args)
{
	int saved = errno;
	char message[MESSAGE_MAX];

	(void)vsnprintf(message, sizeof(message), format, args);
	write_message(level, message);
	errno = saved;
}

void
log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	log_vwrite(level, format, args);
	va_end(args);
}

void
log_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(LOG_LEVEL_FATAL, format, args);
	va_end(args);
	exit(1);
}

bool
log_is_due(struct log_rate *rate, uint32_t interval_ms)
{
	int64_t now_ms = clock_mono_ms();

	if (rate->last_ms != 0 && now_ms - rate->last_ms < interval_ms) {
		rate->suppressed++;
		return false;
	}
	rate->last_ms = now_ms;
	return true;
}

void
log_limited(struct log_rate *rate, uint32_t interval_ms, enum log_level level,
    const char *format, ...)
{
	if (!log_enabled(level) || !log_is_due(rate, interval_ms))
		return;

	char message[MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (rate->suppressed > 0)
		log_write(level, "%s (%u more like this before)", message,
		    rate->suppressed);
	else
		log_write(level, "%s", message);
	rate->suppressed = 0;
}
