/*
 * Slots: where a secret is found and in which order, how it is trimmed, and
 * that each refusal names the slot, the file and the remedy, and never the
 * secret.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"
#include "secretd/slots.h"

#define KEY32 "0123456789abcdef0123456789ABCDEF"
#define SLOT SLOT_SIGNING_KEY
#define N_ROWS(rows) (sizeof(rows) / sizeof(rows[0]))

static char root[32];
static char *dir_paths[2];
static struct conf_list dirs = { dir_paths, 2 };
static struct slot_dirs where = { &dirs, NULL };

static void
make_root(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/dw-slots.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (int i = 0; i < 2; i++) {
		dir_paths[i] = mem_printf("%s/%d", root, i);
		ck_assert_int_eq(mkdir(dir_paths[i], 0755), 0);
	}
	where.credentials = NULL;
}

static void
remove_root(void)
{
	static const char *const names[] = { "0/" SLOT "/value.txt",
		"0/" SLOT "/key", "0/" SLOT, "0", "1/" SLOT "/value.txt",
		"1/" SLOT "/key", "1/" SLOT, "1", SLOT, "elsewhere", "" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = mem_printf("%s/%s", root, names[i]);

		(void)remove(path);
		free(path);
	}
	free(dir_paths[0]);
	free(dir_paths[1]);
}

static void
put_bytes(const char *name, const char *bytes, size_t len, mode_t mode)
{
	char *folder = mem_printf("%s/%c/" SLOT, root, name[0]);
	char *path = mem_printf("%s/%s", root, name);
	FILE *f;

	(void)mkdir(folder, 0755);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	free(folder);
	free(path);
}

static void
put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text), 0600);
}

/* Reads; on success the content must be expected. */
static int
read_key(const char *reference, const char *expected, struct slot_why *why)
{
	struct secret *s = NULL;
	int r = slot_read_signing_key(&where, reference, &s, why);

	if (r == 0) {
		ck_assert_uint_eq(secret_len(s), strlen(expected));
		ck_assert_mem_eq(secret_peek(s), expected, strlen(expected));
		secret_free(s);
	} else {
		ck_assert_ptr_null(s);
	}
	return r;
}

START_TEST(search_order)
{
	char *elsewhere = mem_printf("%s/elsewhere", root);
	struct slot_why why;

	where.credentials = root;
	put(SLOT, "credentials-----");
	ck_assert_int_eq(read_key("", "credentials-----", &why), 0);
	put("elsewhere", "absolute path---");
	ck_assert_int_eq(read_key(elsewhere, "absolute path---", &why), 0);
	put("1/" SLOT "/value.txt", "second value.txt");
	ck_assert_int_eq(read_key(elsewhere, "second value.txt", &why), 0);
	put("1/" SLOT "/key", "second, by name-");
	ck_assert_int_eq(read_key("", "second value.txt", &why), 0);
	ck_assert_int_eq(
	    read_key("secret:any:key", "second, by name-", &why), 0);
	put("0/" SLOT "/value.txt", "first, value.txt");
	ck_assert_int_eq(
	    read_key("secret:any:key", "first, value.txt", &why), 0);
	put("0/" SLOT "/key", "first, by name--");
	ck_assert_int_eq(
	    read_key("secret:any:key", "first, by name--", &why), 0);
	free(elsewhere);
}
END_TEST

/* A broken secret is not passed over for one further down. */
START_TEST(a_bad_one_counts)
{
	struct slot_why why;

	put("1/" SLOT "/value.txt", KEY32);
	put("0/" SLOT "/value.txt", "");
	ck_assert_int_eq(read_key("", "", &why), ERR_FORMAT);
}
END_TEST

START_TEST(references_stay_in_the_slot)
{
	static const char *const bad[] = { "secret:a:../../elsewhere",
		"secret:a:..", "secret:a:.", "secret:a:", "secret:key",
		"secret:a:/etc/passwd" };
	struct slot_why why;

	put("elsewhere", KEY32);
	put("0/" SLOT "/key", KEY32);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(read_key(bad[i], "", &why), ERR_NOT_FOUND);
}
END_TEST

struct content {
	const char *name, *text, *trimmed; /* NULL: refused */
	const char *words;
};

static const struct content contents[] = {
	{ "32", KEY32, KEY32, NULL },
	{ "24", "0123456789abcdef01234567", "0123456789abcdef01234567", NULL },
	{ "16", "0123456789abcdef", "0123456789abcdef", NULL },
	{ "blanks around", " \t\r\n\v\f" KEY32 "\r\n\n ", KEY32, NULL },
	{ "blank inside", "01234567 9abcdef", "01234567 9abcdef", NULL },
	{ "empty", "", NULL, "is empty" },
	{ "only blanks", " \n\t\r\n", NULL, "is empty" },
	{ "kiali", "kiali\n", NULL, "old default" },
	{ "15", "0123456789abcde", NULL, "15 bytes" },
	{ "17", "0123456789abcdef0", NULL, "17 bytes" },
	{ "33", KEY32 "0", NULL, "33 bytes" },
	{ "reference of 16", "secret:kiali:key", NULL, "reference" },
};

START_TEST(content)
{
	const struct content *c = &contents[_i];
	struct slot_why why = { .text = "" };
	int r;

	put("0/" SLOT "/value.txt", c->text);
	r = read_key("", c->trimmed != NULL ? c->trimmed : "", &why);
	ck_assert_msg(
	    r == (c->trimmed != NULL ? 0 : ERR_FORMAT), "%s: %d", c->name, r);
	if (c->words == NULL)
		return;
	ck_assert_msg(
	    strstr(why.text, c->words) != NULL, "%s: %s", c->name, why.text);
	ck_assert_ptr_nonnull(strstr(why.text, "slot " SLOT));
	ck_assert_ptr_nonnull(strstr(why.text, "/0/" SLOT "/value.txt"));
	ck_assert_ptr_null(strstr(why.text, "0123456789"));
}
END_TEST

START_TEST(files_of_no_use)
{
	struct slot_why why;
	char *path = mem_printf("%s/0/" SLOT "/value.txt", root);
	char *big = mem_new(SLOT_FILE_MAX + 1);

	put_bytes("0/" SLOT "/value.txt", KEY32, 32, 0604);
	ck_assert_int_eq(read_key("", "", &why), ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(why.text, "(mode 0604, owner "));
	ck_assert_ptr_nonnull(strstr(why.text, path));

	memset(big, 'x', SLOT_FILE_MAX + 1);
	put_bytes("0/" SLOT "/value.txt", big, SLOT_FILE_MAX + 1, 0600);
	ck_assert_int_eq(read_key("", "", &why), ERR_LIMIT);
	ck_assert_ptr_nonnull(strstr(why.text, path));

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(read_key("", "", &why), ERR_FORMAT);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(read_key("", "", &why), ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(why.text, "not a regular file"));
	free(big);
	free(path);
}
END_TEST

/* unicode.IsSpace, as Go's TrimSpace asks it. */
START_TEST(trims_as_go_does)
{
	static const unsigned points[] = { 0x85, 0xa0, 0x1680, 0x2000, 0x2001,
		0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
		0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 };
	static const unsigned others[] = { 0x84, 0x180e, 0x200b, 0x2060, 0xfeff,
		0xe9 };
	char text[32];

	for (size_t i = 0; i < N_ROWS(points) + N_ROWS(others); i++) {
		bool blank = i < N_ROWS(points);
		unsigned c = blank ? points[i] : others[i - N_ROWS(points)];
		char u[4] = "";
		struct slice s;

		if (c < 0x800)
			(void)snprintf(u, sizeof(u), "%c%c",
			    (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
		else
			(void)snprintf(u, sizeof(u), "%c%c%c",
			    (int)(0xe0 | c >> 12),
			    (int)(0x80 | (c >> 6 & 0x3f)),
			    (int)(0x80 | (c & 0x3f)));
		(void)snprintf(
		    text, sizeof(text), "%s \n%sa b%s\t%s", u, u, u, u);
		s = slot_trim(slice_of(text));
		ck_assert_msg(slice_is(s, "a b") == blank, "U+%04X", c);
	}
	ck_assert_uint_eq(slot_trim(SLICE(" \xe2\x80\x80 ")).len, 0);
}
END_TEST

/* Kubernetes' links are followed, those out of the folder are not. */
START_TEST(links)
{
	char *slot = mem_printf("%s/0/" SLOT, root);
	char *value = mem_printf("%s/value.txt", slot);
	char *elsewhere = mem_printf("%s/elsewhere", root);
	const char *const out[] = { elsewhere, "../../elsewhere",
		"/proc/self/environ" };
	struct slot_why why;

	put("elsewhere", KEY32);
	put("0/" SLOT "/key", KEY32);
	ck_assert_int_eq(symlink("..data/key", value), 0);
	char *data = mem_printf("%s/..data", slot);
	ck_assert_int_eq(symlink(".", data), 0);
	ck_assert_int_eq(read_key("", KEY32, &why), 0);
	for (size_t i = 0; i < N_ROWS(out); i++) {
		ck_assert_int_eq(unlink(value), 0);
		ck_assert_int_eq(symlink(out[i], value), 0);
		ck_assert_int_eq(read_key("", "", &why), ERR_DENIED);
		ck_assert_ptr_nonnull(
		    strstr(why.text, "leads out of the secrets folder"));
	}
	ck_assert_int_eq(unlink(data), 0);
	free(data);
	free(elsewhere);
	free(value);
	free(slot);
}
END_TEST

/* The slot may be the file itself, as systemd's credentials are. */
START_TEST(slot_is_a_file)
{
	char *path = mem_printf("%s/1/" SLOT, root);
	FILE *f = fopen(path, "w");
	struct slot_why why;

	ck_assert_ptr_nonnull(f);
	(void)fputs(KEY32, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(read_key("", KEY32, &why), 0);
	free(path);
}
END_TEST

#define CERT "-----BEGIN CERTIFICATE-----\n"
#define PRIVATE "-----BEGIN PRIVATE KEY-----\n"

static const struct {
	enum slot_content content;
	const char *text;
	size_t len;
	int err;
	const char *words;
} rules[] = {
#define ROW(content, text, err, words)                      \
	{                                                   \
		content, text, sizeof(text) - 1, err, words \
	}
	ROW(SLOT_TEXT, "p\xc3\xa4ss w\tord\n", 0, ""),
	ROW(SLOT_TEXT, "two\nlines", ERR_FORMAT, "control characters"),
	ROW(SLOT_TEXT, "nul\0inside", ERR_FORMAT, "control characters"),
	ROW(SLOT_TEXT,
	    "\x7f"
	    "ELF",
	    ERR_FORMAT, "control characters"),
	ROW(SLOT_TEXT, "secret:a:b", ERR_FORMAT, "holds a reference"),
	ROW(SLOT_TEXT, "12345678901234567890123456789012345678901", ERR_LIMIT,
	    "more than 40 bytes"),
	ROW(SLOT_CERTIFICATE, CERT, 0, ""),
	ROW(SLOT_CERTIFICATE, "text", ERR_FORMAT, "holds no certificate"),
	ROW(SLOT_CERTIFICATE, PRIVATE, ERR_FORMAT, "holds a private key"),
	ROW(SLOT_PRIVATE_KEY, PRIVATE, 0, ""),
	ROW(SLOT_PRIVATE_KEY, CERT, ERR_FORMAT, "holds no private key"),
};

START_TEST(what_a_slot_may_hold)
{
	struct slot_spec spec = { .name = SLOT,
		.content = rules[_i].content,
		.max = 40,
		.reference = "" };
	struct secret *s = NULL;
	struct slot_why why;
	int r;

	put_bytes("0/" SLOT "/value.txt", rules[_i].text, rules[_i].len, 0600);
	r = slot_read_spec(&where, &spec, &s, &why);
	ck_assert_msg(r == rules[_i].err, "%d: %d %s", _i, r, why.text);
	ck_assert_msg(
	    strstr(why.text, rules[_i].words) != NULL, "%s", why.text);
	ck_assert(r != 0 || s != NULL);
	ck_assert(r == 0 || strstr(why.text, "/0/" SLOT "/value.txt") != NULL);
	secret_free(s);
}
END_TEST

START_TEST(missing_says_what_to_do)
{
	struct slot_why why;
	char *command, *start, *end;
	int status;
	pid_t pid;

	ck_assert_int_eq(read_key("", "", &why), ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(why.text, "slot " SLOT));
	/* The suggested command is run as it stands, and must help. */
	start = strstr(why.text, "(umask");
	ck_assert_ptr_nonnull(start);
	end = strchr(start, ')');
	ck_assert_ptr_nonnull(end);
	command = mem_strndup(start, (size_t)(end - start + 1));
	pid = fork();
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(command);
	struct secret *s = NULL;
	ck_assert_int_eq(slot_read_signing_key(&where, "", &s, &why), 0);
	ck_assert_uint_eq(secret_len(s), 32);
	secret_free(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("slots");
	TCase *tc = tcase_create("files");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, make_root, remove_root);
	tcase_add_test(tc, search_order);
	tcase_add_test(tc, a_bad_one_counts);
	tcase_add_test(tc, references_stay_in_the_slot);
	tcase_add_loop_test(
	    tc, content, 0, (int)(sizeof(contents) / sizeof(contents[0])));
	tcase_add_test(tc, files_of_no_use);
	tcase_add_test(tc, trims_as_go_does);
	tcase_add_test(tc, links);
	tcase_add_test(tc, slot_is_a_file);
	tcase_add_loop_test(tc, what_a_slot_may_hold, 0, (int)N_ROWS(rules));
	tcase_add_test(tc, missing_says_what_to_do);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
