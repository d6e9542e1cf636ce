/*
 * Memory for secrets, each in pages of its own:
 *   guard | data ... secret right-aligned | guard
 * so that running over the end faults at once. A forked child does not have the
 * data pages; it must not touch the secrets it inherited.
 */
#include "common/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

#define ALIGNMENT 16

struct secret {
	uint8_t *map; /* first guard page */
	size_t map_len;
	uint8_t *bytes;
	size_t cap, len;
};

static size_t
round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Without a lock a secret could reach the swap device. That is accepted when
 * the limit for locked memory is used up, and for no other reason. */
static void
lock_pages(void *p, size_t len)
{
	static bool told;

	if (mlock(p, len) == 0)
		return;
	if (errno != ENOMEM && errno != EAGAIN && errno != EPERM)
		log_fatal("mlock of %zu bytes: %s", len, strerror(errno));
	if (!told)
		log_debug("secrets are not locked in memory: RLIMIT_MEMLOCK "
			  "is used up");
	told = true;
}

struct secret *
secret_new(size_t cap)
{
	assert(cap > 0 && cap <= SECRET_MAX);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t data_len = round_up(cap, page);
	struct secret *s = mem_new(sizeof(*s));

	s->cap = cap;
	s->map_len = data_len + 2 * page;
	s->map = mmap(
	    NULL, s->map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->map == MAP_FAILED)
		log_fatal("memory for a secret: %s", strerror(errno));
	uint8_t *data = s->map + page;
	if (mprotect(data, data_len, PROT_READ | PROT_WRITE) != 0 ||
	    madvise(data, data_len, MADV_DONTDUMP) != 0 ||
	    madvise(data, data_len, MADV_DONTFORK) != 0)
		log_fatal("memory for a secret: %s", strerror(errno));
	lock_pages(data, data_len);
	s->bytes = data + data_len - round_up(cap, ALIGNMENT);
	return s;
}

struct secret *
secret_from(const void *bytes, size_t len)
{
	struct secret *s = secret_new(len);

	memcpy(s->bytes, bytes, len);
	s->len = len;
	return s;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	secret_wipe(s->bytes, s->cap);
	(void)munmap(s->map, s->map_len);
	free(s);
}

void *
secret_bytes(struct secret *s)
{
	return s->bytes;
}

const void *
secret_peek(const struct secret *s)
{
	return s->bytes;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

size_t
secret_cap(const struct secret *s)
{
	return s->cap;
}

void
secret_set_len(struct secret *s, size_t len)
{
	assert(len <= s->cap);
	s->len = len;
}

bool
secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile uint8_t *x = a, *y = b;
	unsigned difference = 0;

	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		difference |= (unsigned)(x[i] ^ y[i]);
	return difference == 0;
}

void
secret_wipe(void *p, size_t len)
{
	if (len > 0)
		explicit_bzero(p, len);
}

void
secret_random(void *dst, size_t len)
{
	uint8_t *p = dst;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			log_fatal("getrandom: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}
