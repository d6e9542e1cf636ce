/*
 * Memory for secrets, each in pages of its own:
 *   guard | data ... secret right-aligned | guard
 * so that running over the end faults at once. Where the kernel has
 * memfd_secret(2), the pages are taken from an arena that the kernel itself
 * does not map; else, and when the arena is full, they are locked ones. A
 * forked child does not have the pages.
 */
#include "common/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

#define ALIGNMENT 16

/* The lock limit of a user is 8 MiB by default, counted per process. Only the
 * pages that are used take memory. */
#define ARENA_LEN (2u << 20)
/* A multiple of all page sizes. What the arena is put together from: no larger
 * than what a forked child may still make (sandbox.c: small files). */
#define CHUNK_LEN 65536u
#define PAGES_MAX (ARENA_LEN / 4096)

struct secret {
	pid_t owner;  /* the process that has the pages */
	bool own_map; /* else pages of the arena */
	uint8_t *map; /* first guard page */
	size_t map_len;
	uint8_t *bytes;
	size_t cap, len;
};

static struct {
	pid_t owner; /* 0: there is none */
	uint8_t *base;
	size_t page, n_pages;
	bool taken[PAGES_MAX]; /* data pages; all others are guards */
} arena;

static size_t
round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* --- the arena --- */

/* A file that is too large for the limit would end the process by a signal. */
static bool
chunk_allowed(void)
{
	struct rlimit max;

	return getrlimit(RLIMIT_FSIZE, &max) == 0 &&
	    (max.rlim_cur == RLIM_INFINITY || max.rlim_cur >= CHUNK_LEN);
}

/* No descriptor: the kernel is too old or was started without secretmem.enable,
 * or a container forbids it. No mapping: the lock limit is too low. */
static bool
chunk_map(uint8_t *at)
{
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd < 0)
		return false;
	if (ftruncate(fd, CHUNK_LEN) == 0)
		p = mmap(
		    at, CHUNK_LEN, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0);
	(void)close(fd);
	return p != MAP_FAILED;
#else
	(void)at;
	return false;
#endif
}

static bool
arena_map(uint8_t *base)
{
	if (!chunk_allowed())
		return false;
	for (size_t at = 0; at < ARENA_LEN; at += CHUNK_LEN)
		if (!chunk_map(base + at))
			return false;
	return madvise(base, ARENA_LEN, MADV_DONTFORK) == 0 &&
	    madvise(base, ARENA_LEN, MADV_DONTDUMP) == 0;
}

void
secret_setup(void)
{
	uint8_t *base;

	if (arena.owner == getpid())
		return;
	memset(&arena, 0, sizeof(arena));
	base = mmap(
	    NULL, ARENA_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		log_fatal("memory for secrets: %s", strerror(errno));
	if (!arena_map(base)) {
		log_debug("no memfd_secret: %s; secrets are in locked memory",
		    strerror(errno));
		(void)munmap(base, ARENA_LEN);
		return;
	}
	arena.base = base;
	arena.page = page_size();
	arena.n_pages = ARENA_LEN / arena.page;
	arena.owner = getpid();
}

const char *
secret_memory(void)
{
	return arena.owner == getpid() ? "memfd_secret" : "locked-memory";
}

static bool
arena_free_at(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		if (arena.taken[i])
			return false;
	return true;
}

static void
arena_mark(const uint8_t *data, size_t len, bool taken)
{
	size_t first = (size_t)(data - arena.base) / arena.page;

	for (size_t i = 0; i < len / arena.page; i++)
		arena.taken[first + i] = taken;
}

/* Guard and data pages, or NULL: there is no arena, or no room in it. */
static uint8_t *
arena_take(size_t map_len)
{
	size_t page = arena.page, n;
	uint8_t *map;

	if (arena.owner != getpid())
		return NULL;
	n = map_len / page;
	for (size_t i = 0; i + n <= arena.n_pages; i++) {
		if (!arena_free_at(i, n))
			continue;
		map = arena.base + i * page;
		if (mprotect(map + page, map_len - 2 * page,
			PROT_READ | PROT_WRITE) != 0)
			return NULL;
		arena_mark(map + page, map_len - 2 * page, true);
		return map;
	}
	return NULL;
}

/* The pages stay with the arena: wiped, and guards again. */
static void
arena_give_back(uint8_t *map, size_t map_len)
{
	uint8_t *data = map + arena.page;
	size_t len = map_len - 2 * arena.page;

	if (mprotect(data, len, PROT_NONE) != 0)
		log_fatal("memory of a secret: %s", strerror(errno));
	arena_mark(data, len, false);
}

/* --- locked memory --- */

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

static uint8_t *
locked_map(size_t map_len)
{
	size_t page = page_size(), len = map_len - 2 * page;
	uint8_t *map =
	    mmap(NULL, map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED ||
	    mprotect(map + page, len, PROT_READ | PROT_WRITE) != 0 ||
	    madvise(map + page, len, MADV_DONTDUMP) != 0 ||
	    madvise(map + page, len, MADV_DONTFORK) != 0)
		log_fatal("memory for a secret: %s", strerror(errno));
	lock_pages(map + page, len);
	return map;
}

/* --- secrets --- */

struct secret *
secret_new(size_t cap)
{
	size_t page = page_size();
	size_t data_len = round_up(cap, page);
	struct secret *s = mem_new(sizeof(*s));

	assert(cap > 0 && cap <= SECRET_MAX);
	*s = (struct secret){
		.owner = getpid(), .cap = cap, .map_len = data_len + 2 * page
	};
	s->map = arena_take(s->map_len);
	if (s->map == NULL) {
		s->own_map = true;
		s->map = locked_map(s->map_len);
	}
	s->bytes = s->map + page + data_len - round_up(cap, ALIGNMENT);
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

static void
pages_free(struct secret *s)
{
	secret_wipe(s->bytes, s->cap);
	if (s->own_map)
		(void)munmap(s->map, s->map_len);
	else
		arena_give_back(s->map, s->map_len);
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	if (s->owner == getpid())
		pages_free(s);
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
