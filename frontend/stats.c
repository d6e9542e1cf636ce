#include "frontend/stats.h"

#include <sys/mman.h>

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

struct stats *
stats_new(size_t n)
{
	void *p = mmap(NULL, n * sizeof(struct stats), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		log_fatal("no memory for the workers' counters");
	return p;
}

static size_t
put_line(char *dst, size_t cap, size_t len, const char *name, uint64_t value)
{
	int n =
	    snprintf(dst + len, cap - len, "%s: %" PRIu64 "\n", name, value);

	return n < 0 || (size_t)n >= cap - len ? len : len + (size_t)n;
}

/* Workers may present different ones for a moment: the earliest end counts. */
static size_t
put_certificate(
    const struct stats *at, size_t n, char *dst, size_t cap, size_t len)
{
	char text[CLOCK_RFC3339_LEN + 1];
	int64_t until = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		int64_t one = at[i].certificate_until_s;

		if (one != 0 && (until == 0 || one < until))
			until = one;
	}
	if (until == 0)
		return len;
	clock_rfc3339(text, until);
	r = snprintf(
	    dst + len, cap - len, "certificate good until: %s\n", text);
	return r < 0 || (size_t)r >= cap - len ? len : len + (size_t)r;
}

size_t
stats_text(const struct stats *at, size_t n, char *dst, size_t cap)
{
	size_t len = 0;
	uint64_t sum;

#define X(name)                        \
	sum = 0;                       \
	for (size_t i = 0; i < n; i++) \
		sum += at[i].name;     \
	len = put_line(dst, cap, len, #name, sum);
	STATS_LIST(X)
#undef X
	return put_certificate(at, n, dst, cap, len);
}
