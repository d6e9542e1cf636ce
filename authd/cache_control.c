/* See cache_control.h. */
#include "authd/cache_control.h"

#include <string.h>

#define MAX_AGE "max-age="

static int64_t
seconds_of(struct slice digits)
{
	uint64_t s;

	for (size_t i = 0; i < digits.len; i++)
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return 0;
	if (digits.len == 0)
		return 0;
	return text_u64(digits, CACHE_CONTROL_MAX_S, &s) == 0
	    ? (int64_t)s
	    : CACHE_CONTROL_MAX_S;
}

/* What one directive allows. */
static int64_t
allowed_by(struct slice directive)
{
	struct slice digits;

	if (slice_is_nocase(directive, "no-store") ||
	    slice_is_nocase(directive, "no-cache"))
		return 0;
	if (!slice_starts_nocase(directive, MAX_AGE))
		return CACHE_CONTROL_UNSAID;
	digits.p = directive.p + sizeof(MAX_AGE) - 1;
	digits.len = directive.len - (sizeof(MAX_AGE) - 1);
	if (digits.len >= 2 && digits.p[0] == '"' &&
	    digits.p[digits.len - 1] == '"') {
		digits.p++;
		digits.len -= 2;
	}
	return seconds_of(digits);
}

int64_t
cache_control_take(int64_t so_far, struct slice value)
{
	while (value.p != NULL) {
		int64_t s = allowed_by(slice_trim(slice_cut(&value, ',')));

		if (s >= 0 && (so_far < 0 || s < so_far))
			so_far = s;
	}
	return so_far;
}
