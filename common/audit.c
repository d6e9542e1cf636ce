/*
 * Audit lines: JSON, built in a fixed buffer. A field that does not fit is left
 * out whole, so that every line stays valid JSON.
 */
#include "common/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"

#define VALUE_MAX 256
#define FINGERPRINT_BYTES 8
#define END_LEN 2 /* "}\n" */

static bool audit_enabled = true;

void
audit_enable(bool enabled)
{
	audit_enabled = enabled;
}

static void
append(struct audit *a, const char *text, size_t len)
{
	if (len > sizeof(a->line) - END_LEN - a->len)
		return;
	memcpy(a->line + a->len, text, len);
	a->len += len;
}

void
audit_begin(struct audit *a, const char *message)
{
	char ts[CLOCK_RFC3339_LEN + 1];
	const char *process = log_process();

	clock_rfc3339(ts, clock_unix_s());
	int len = snprintf(a->line, sizeof(a->line) - END_LEN,
	    "{\"level\":\"info\",\"ts\":\"%s\",\"group\":\"audit\","
	    "\"process\":\"%.16s\"",
	    ts, process != NULL ? process : "doorward");
	a->len = len > 0 ? (size_t)len : 0;
	audit_str(a, "msg", message);
}

void
audit_str(struct audit *a, const char *key, const char *value)
{
	char escaped[VALUE_MAX + 1], field[VALUE_MAX + 64];

	if (value == NULL)
		return;
	(void)log_json_escape(escaped, sizeof(escaped), value, strlen(value));
	int len =
	    snprintf(field, sizeof(field), ",\"%.32s\":\"%s\"", key, escaped);
	append(a, field, len > 0 ? (size_t)len : 0);
}

void
audit_fingerprint(struct audit *a, const char *key, const uint8_t digest[32])
{
	char hex[2 * FINGERPRINT_BYTES + 1];

	text_hex(hex, digest, FINGERPRINT_BYTES);
	audit_str(a, key, hex);
}

void
audit_end(struct audit *a)
{
	memcpy(a->line + a->len, "}\n", END_LEN);
	a->len += END_LEN;
	if (audit_enabled)
		log_line(a->line, a->len);
}
