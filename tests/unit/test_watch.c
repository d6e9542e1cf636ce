/*
 * Watching with real files: each way in which people, editors, certbot and
 * Kubernetes replace a file is told once the file is whole, within a second.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/mem.h"
#include "secretd/watch.h"
#include "tests/unit/unit.h"

static char root[32];
static struct event_base *base;
static struct watch *watch;
static char told[16]; /* what was in the file when that was told last */
static unsigned n_told;
static char *read_path; /* what changed() reads */

static char *
at(const char *name)
{
	return mem_printf("%s/%s", root, name);
}

static void
put(const char *name, const char *text)
{
	char *path = at(name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	free(path);
}

static void
make_dir(const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	free(path);
}

static void
move(const char *from, const char *to)
{
	char *a = at(from), *b = at(to);

	ck_assert_int_eq(rename(a, b), 0);
	free(a);
	free(b);
}

static void
link_to(const char *target, const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void
changed(void *arg)
{
	char *path = arg;
	FILE *f = fopen(path, "r");

	n_told++;
	memset(told, 0, sizeof(told));
	if (f == NULL)
		return;
	(void)!fread(told, 1, sizeof(told) - 1, f);
	(void)fclose(f);
}

/* Runs the loop until the file was told with that content; fails after a
 * second. Returns after how many ms. */
static int64_t
expect_within_a_second(const char *content)
{
	int64_t start = clock_mono_ms();
	const struct timeval tick = { .tv_usec = 5000 };
	unsigned before = n_told;

	while (n_told == before || strcmp(told, content) != 0) {
		ck_assert_msg(clock_mono_ms() < start + 1000,
		    "not told of \"%s\" but of \"%s\"", content, told);
		(void)event_base_loopexit(base, &tick);
		(void)event_base_dispatch(base);
	}
	return clock_mono_ms() - start;
}

/* Watches one and reads the other when it is told. */
static void
begin_other(const char *watched, const char *read)
{
	char *path = at(watched);

	read_path = at(read);
	watch_file(watch, path, changed, read_path);
	free(path);
}

static void
begin(const char *name)
{
	begin_other(name, name);
}

static void
set_up(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/dw-watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	base = event_base_new();
	watch = watch_new(base);
	n_told = 0;
	told[0] = '\0';
}

static void
tear_down(void)
{
	char *command = mem_printf("rm -rf %s", root);

	watch_free(watch);
	event_base_free(base);
	free(read_path);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

START_TEST(renamed_over)
{
	put("file", "old");
	begin("file");
	put("file.new", "new");
	move("file.new", "file");
	(void)expect_within_a_second("new");
}
END_TEST

START_TEST(written_in_place)
{
	put("file", "old");
	begin("file");
	put("file", "new");
	ck_assert_int_lt(expect_within_a_second("new"), WATCH_WRITER_MS / 2);
	ck_assert_uint_eq(n_told, 1); /* not also of the empty file */
}
END_TEST

/* Half of a file is not told while its writer may still go on. */
START_TEST(half_written)
{
	char *path = at("file");
	const struct timeval while_writing = { .tv_usec = 200000 };
	int fd;

	put("file", "old");
	begin("file");
	fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "ha", 2), 2);
	(void)event_base_loopexit(base, &while_writing);
	(void)event_base_dispatch(base);
	ck_assert_uint_eq(n_told, 0);
	ck_assert_int_eq(write(fd, "lf", 2), 2);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_lt(expect_within_a_second("half"), WATCH_WRITER_MS / 2);
	ck_assert_uint_eq(n_told, 1);
	free(path);
}
END_TEST

/* One that never closes its file is not waited for for ever. */
START_TEST(never_closed)
{
	char *path = at("file");
	int fd;

	put("file", "old");
	begin("file");
	fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "open", 4), 4);
	(void)expect_within_a_second("open");
	ck_assert_int_eq(close(fd), 0);
	free(path);
}
END_TEST

START_TEST(removed_and_made_anew)
{
	char *path = at("file");

	put("file", "old");
	begin("file");
	ck_assert_int_eq(unlink(path), 0);
	(void)expect_within_a_second("");
	put("file", "new");
	(void)expect_within_a_second("new");
	free(path);
}
END_TEST

/* As kubelet does it: value.txt -> ..data/value.txt, ..data -> ..N */
static void
kubernetes_volume(void)
{
	make_dir("slot");
	make_dir("slot/..1");
	put("slot/..1/value.txt", "one");
	link_to("..1", "slot/..data");
	link_to("..data/value.txt", "slot/value.txt");
}

static void
kubernetes_swap(void)
{
	make_dir("slot/..2");
	put("slot/..2/value.txt", "two");
	link_to("..2", "slot/..data_tmp");
	move("slot/..data_tmp", "slot/..data");
}

START_TEST(swapped_by_kubernetes)
{
	kubernetes_volume();
	begin("slot/value.txt");
	kubernetes_swap();
	(void)expect_within_a_second("two");
}
END_TEST

/* A whole folder may be watched: its files are what counts. */
START_TEST(folder)
{
	kubernetes_volume();
	begin_other("slot", "slot/value.txt");
	kubernetes_swap();
	(void)expect_within_a_second("two");
}
END_TEST

/* Neither the file nor its folder is there at first. */
START_TEST(appears_later)
{
	begin("a/b/file");
	make_dir("a");
	make_dir("a/b");
	put("a/b/file", "there");
	(void)expect_within_a_second("there");
	put("a/b/file", "again");
	(void)expect_within_a_second("again");
}
END_TEST

START_TEST(folder_replaced)
{
	make_dir("a");
	put("a/file", "old");
	begin("a/file");
	move("a", "away");
	(void)expect_within_a_second("");
	make_dir("b");
	put("b/file", "new");
	move("b", "a");
	(void)expect_within_a_second("new");
	put("a/file", "newer");
	(void)expect_within_a_second("newer");
}
END_TEST

/* As certbot has it: live/cert.pem leads to archive/cert1.pem. */
START_TEST(target_of_a_link)
{
	make_dir("live");
	make_dir("archive");
	put("archive/cert1.pem", "old");
	link_to("../archive/cert1.pem", "live/cert.pem");
	begin("live/cert.pem");
	put("archive/next", "new");
	move("archive/next", "archive/cert1.pem");
	(void)expect_within_a_second("new");
}
END_TEST

/* A neighbour's change is nobody's business. */
START_TEST(neighbour)
{
	put("file", "old");
	begin("file");
	put("other", "x");
	put("file2", "x");
	put("file", "new");
	(void)expect_within_a_second("new");
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("watch");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, renamed_over);
	tcase_add_test(t, written_in_place);
	tcase_add_test(t, half_written);
	tcase_add_test(t, never_closed);
	tcase_add_test(t, removed_and_made_anew);
	tcase_add_test(t, swapped_by_kubernetes);
	tcase_add_test(t, folder);
	tcase_add_test(t, appears_later);
	tcase_add_test(t, folder_replaced);
	tcase_add_test(t, target_of_a_link);
	tcase_add_test(t, neighbour);
	return unit_run("watch", t);
}
