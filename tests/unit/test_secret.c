/*
 * Memory for secrets, of both kinds: what faults, what is wiped, what a forked
 * child, a core dump and /proc/PID/mem do not get, and what happens when there
 * is no memfd_secret or too little of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "common/secret.h"
#include "tests/unit/unit.h"

#define NOBODY 65534
#define PAGE ((size_t)sysconf(_SC_PAGESIZE))
#define LARGE 5000

/* Loops run twice: without and with secret_setup. Where the kernel has no
 * memfd_secret both are the same. */
enum { LOCKED, SET_UP, KINDS };

static void
set_up(int kind)
{
	if (kind == SET_UP)
		secret_setup();
}

static bool
has_memfd_secret(void)
{
	return strcmp(secret_memory(), "memfd_secret") == 0;
}

/* The signal that ends a child which does this; 0: it went well. */
static int
signal_of(void (*act)(void *), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGSEGV, SIG_DFL);
		act(arg);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	return 0;
}

/* --- guards --- */

struct edge {
	int kind;
	long before, after; /* offset from begin or behind the end */
};

/* In a child that made the secret itself: it would not have the parent's. */
static void
touch_edge(void *arg)
{
	const struct edge *e = arg;
	struct secret *s;
	volatile uint8_t *p;

	set_up(e->kind);
	s = secret_new(PAGE); /* begins and ends where the pages do */
	p = secret_bytes(s);
	p[0] = p[PAGE - 1] = 1;
	if (e->before != 0)
		p[-e->before] = 1;
	if (e->after != 0)
		p[(long)PAGE - 1 + e->after] = 1;
}

START_TEST(guards_fault)
{
	struct edge good = { _i, 0, 0 }, under = { _i, 1, 0 },
		    over = { _i, 0, 1 };

	ck_assert_int_eq(signal_of(touch_edge, &good), 0);
	ck_assert_int_eq(signal_of(touch_edge, &under), SIGSEGV);
	ck_assert_int_eq(signal_of(touch_edge, &over), SIGSEGV);
}
END_TEST

/* --- wiping --- */

static void
read_after_free(void *arg)
{
	struct secret *s;
	const volatile uint8_t *p;

	set_up(*(int *)arg);
	s = secret_from("0123456789abcdef", 16);
	p = secret_peek(s);
	secret_free(s);
	(void)p[0];
}

START_TEST(freed_memory_faults)
{
	int kind = _i;

	ck_assert_int_eq(signal_of(read_after_free, &kind), SIGSEGV);
}
END_TEST

START_TEST(pages_are_wiped_before_the_next)
{
	static const uint8_t zeros[LARGE];
	struct secret *s;
	void *place;

	secret_setup();
	s = secret_new(LARGE);
	place = secret_bytes(s);
	memset(place, 0x5a, LARGE);
	secret_free(s);
	s = secret_new(LARGE);
	if (has_memfd_secret()) /* the arena's pages are used again */
		ck_assert_ptr_eq(secret_bytes(s), place);
	ck_assert_mem_eq(secret_peek(s), zeros, LARGE);
	ck_assert_uint_eq(secret_len(s), 0);
	secret_free(s);
	secret_free(NULL);
}
END_TEST

/* --- children --- */

static void
read_inherited(void *arg)
{
	(void)*(const volatile uint8_t *)secret_peek(arg);
}

static void
free_inherited(void *arg)
{
	secret_free(arg);
}

static void
use_own(void *arg)
{
	int kind = *(int *)arg;
	struct secret *s;

	if (has_memfd_secret()) /* the parent's is none of ours */
		_exit(1);
	for (int i = 0; i < 2; i++, set_up(kind)) {
		s = secret_from("own", 3);
		if (memcmp(secret_peek(s), "own", 3) != 0)
			_exit(2);
		secret_free(s);
	}
}

START_TEST(children_inherit_nothing)
{
	int kind = _i;

	set_up(kind);
	struct secret *s = secret_from("0123456789abcdef", 16);

	ck_assert_int_eq(signal_of(read_inherited, s), SIGSEGV);
	ck_assert_int_eq(signal_of(free_inherited, s), 0);
	ck_assert_int_eq(signal_of(use_own, &kind), 0);
	ck_assert_mem_eq(secret_peek(s), "0123456789abcdef", 16);
	secret_free(s);
}
END_TEST

/* --- what others see --- */

/* The mapping's first line and its VmFlags, of /proc/self/smaps. */
static void
mapping_of(const void *at, char head[256], char flags[256])
{
	unsigned long from, to, wanted = (unsigned long)(uintptr_t)at;
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[256];
	bool inside = false;

	ck_assert_ptr_nonnull(f);
	head[0] = flags[0] = '\0';
	while (flags[0] == '\0' && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx", &from, &to) == 2) {
			inside = from <= wanted && wanted < to;
			if (inside)
				strcpy(head, line);
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			strcpy(flags, line);
		}
	}
	fclose(f);
}

START_TEST(mapping_is_locked_and_left_out)
{
	/* dd: no dump, dc: no fork, lo: locked; blanks around: see smaps */
	static const char *const wanted[] = { " dd", " dc", " lo" };
	char head[256], flags[256];
	size_t n = N_ROWS(wanted);

#ifdef DW_NO_SANDBOX
	n--; /* AddressSanitizer makes mlock(2) do nothing */
#endif
	set_up(_i);
	struct secret *s = secret_from("x", 1);

	mapping_of(secret_peek(s), head, flags);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(
		    strstr(flags, wanted[i]) != NULL, "%s%s", head, flags);
	ck_assert_int_eq(strstr(head, "secretmem") != NULL, has_memfd_secret());
	secret_free(s);
}
END_TEST

START_TEST(nobody_reads_it_by_proc)
{
	char got[16];
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	set_up(_i);
	struct secret *s = secret_from("0123456789abcdef", 16);
	ssize_t n =
	    pread(fd, got, sizeof(got), (off_t)(uintptr_t)secret_peek(s));

	ck_assert_int_eq(n, has_memfd_secret() ? -1 : 16);
	secret_free(s);
	close(fd);
}
END_TEST

START_TEST(system_calls_take_and_fill_it)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	set_up(_i);
	struct secret *from = secret_new(LARGE), *to = secret_new(LARGE);

	memset(secret_bytes(from), 'z', LARGE);
	ck_assert_int_eq(send(pair[0], secret_peek(from), LARGE, 0), LARGE);
	ck_assert_int_eq(recv(pair[1], secret_bytes(to), LARGE, 0), LARGE);
	ck_assert_mem_eq(secret_peek(from), secret_peek(to), LARGE);
	secret_free(from);
	secret_free(to);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* --- limits --- */

static void
as_user_with_lock_limit(rlim_t max)
{
	struct rlimit l = { max, max };

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &l), 0);
	if (geteuid() == 0) /* to whom it does not apply */
		ck_assert(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

/* 512 at a time need more than the arena and more than the lock limit. */
static void
use_many(void)
{
	struct secret *all[512];

	for (size_t i = 0; i < N_ROWS(all); i++) {
		all[i] = secret_new(LARGE);
		memset(secret_bytes(all[i]), (int)(i & 0xff), LARGE);
	}
	for (size_t i = 0; i < N_ROWS(all); i++) {
		const uint8_t *p = secret_peek(all[i]);
		ck_assert(p[0] == (i & 0xff) && p[LARGE - 1] == (i & 0xff));
	}
	for (size_t i = 0; i < N_ROWS(all); i += 2)
		secret_free(all[i]);
	for (size_t i = 1; i < N_ROWS(all); i += 2)
		secret_free(all[i]);
}

START_TEST(lock_limit_leads_to_ordinary_memory)
{
	as_user_with_lock_limit(_i == 0 ? 0 : 65536);
	secret_setup();
	ck_assert_str_eq(secret_memory(), "locked-memory");
	use_many();
}
END_TEST

START_TEST(a_full_arena_leads_to_locked_memory)
{
	const char *kind;

	as_user_with_lock_limit(4u << 20);
	secret_setup();
	kind = secret_memory();
	use_many();
	use_many();
	ck_assert_str_eq(secret_memory(), kind);
}
END_TEST

/* In a child, since the test program writes a file with its results. */
static void
set_up_without_files(void *arg)
{
	struct rlimit none = { 0, 0 };

	(void)arg;
	if (setrlimit(RLIMIT_FSIZE, &none) != 0)
		_exit(1);
	secret_setup();
	if (has_memfd_secret())
		_exit(2);
	secret_free(secret_from("x", 1));
}

START_TEST(file_size_limit_ends_nobody)
{
	ck_assert_int_eq(signal_of(set_up_without_files, NULL), 0);
}
END_TEST

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(no_descriptor_stays_open)
{
	bool open_before[256];

	for (int fd = 0; fd < 256; fd++)
		open_before[fd] = is_open(fd);
	secret_setup();
	secret_setup();
	for (int fd = 0; fd < 256; fd++)
		ck_assert_int_eq(is_open(fd), open_before[fd]);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("secret");

	tcase_add_loop_test(t, guards_fault, 0, KINDS);
	tcase_add_loop_test(t, freed_memory_faults, 0, KINDS);
	tcase_add_test(t, pages_are_wiped_before_the_next);
	tcase_add_loop_test(t, children_inherit_nothing, 0, KINDS);
	tcase_add_loop_test(t, mapping_is_locked_and_left_out, 0, KINDS);
	tcase_add_loop_test(t, nobody_reads_it_by_proc, 0, KINDS);
	tcase_add_loop_test(t, system_calls_take_and_fill_it, 0, KINDS);
	tcase_add_loop_test(t, lock_limit_leads_to_ordinary_memory, 0, 2);
	tcase_add_test(t, a_full_arena_leads_to_locked_memory);
	tcase_add_test(t, file_size_limit_ends_nobody);
	tcase_add_test(t, no_descriptor_stays_open);
	return unit_run("secret", t);
}
