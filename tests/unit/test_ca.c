/* CA files: which number leads where, who may ask, and what is of no use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/role.h"
#include "common/settings.h"
#include "secretd/ca.h"

#define AUTHD (1u << ROLE_AUTHD)
#define EGRESS (1u << ROLE_EGRESS)
#define PEM "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"

static char root[32];
static struct settings settings;

static void
make_root(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/dw-ca.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	settings = (struct settings){ .strategy = STRATEGY_OPENID,
		.ca_bundle_dir = root };
}

static void
remove_root(void)
{
	static const char *const names[] = { "openid-server-ca.crt",
		"additional-ca-bundle.pem", "" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = mem_printf("%s/%s", root, names[i]);

		(void)remove(path);
		free(path);
	}
}

static void
put(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", root, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	free(path);
}

/* Opens it; the text must then be what is read. */
static int
open_it(unsigned number, const char *text, struct slot_why *why)
{
	struct ca_digest digest;
	char read_text[200];
	int fd = -1;
	int r = ca_open(&settings, number, &fd, &digest, why);

	if (r != 0)
		return r;
	ck_assert_int_eq(
	    read(fd, read_text, sizeof(read_text)), (ssize_t)strlen(text));
	ck_assert_int_eq(memcmp(read_text, text, strlen(text)), 0);
	close(fd);
	return 0;
}

START_TEST(who_may_ask)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		ck_assert_uint_eq(ca_askers(i), EGRESS);
	ck_assert_uint_eq(ca_askers(CA_COMMON), AUTHD | EGRESS);
	ck_assert_uint_eq(ca_askers(CA_CONSOLE), EGRESS);
	ck_assert_uint_eq(ca_askers(CA_API_SERVER), AUTHD);
	ck_assert_uint_eq(ca_askers(CA_OPENID), AUTHD);
	ck_assert_uint_eq(ca_askers(CA_COUNT), 0);
	ck_assert_uint_eq(ca_askers(UINT16_MAX), 0);
}
END_TEST

START_TEST(of_the_provider)
{
	struct slot_why why = { .text = "" };

	ck_assert_int_eq(open_it(CA_OPENID, "", &why), ERR_NOT_FOUND);
	put("openid-server-ca.crt", PEM);
	ck_assert_int_eq(open_it(CA_OPENID, PEM, &why), 0);
	ck_assert_int_eq(open_it(CA_COMMON, "", &why), ERR_NOT_FOUND);
	put("additional-ca-bundle.pem", PEM "# another\n");
	ck_assert_int_eq(open_it(CA_COMMON, PEM "# another\n", &why), 0);
	ck_assert_int_eq(open_it(CA_OPENID, PEM, &why), 0);
	put("openid-server-ca.crt", "-----BEGIN PRIVATE KEY-----\n" PEM);
	ck_assert_int_eq(open_it(CA_OPENID, "", &why), ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(why.text, "openid-server-ca.crt"));
	ck_assert_ptr_nonnull(strstr(why.text, "holds a private key"));
}
END_TEST

/* With other strategies there is no provider, and without a folder no file. */
START_TEST(where_none_is)
{
	struct slot_why why = { .text = "" };

	put("openid-server-ca.crt", PEM);
	settings.strategy = STRATEGY_TOKEN;
	ck_assert_ptr_null(ca_path(&settings, CA_OPENID));
	ck_assert_int_eq(open_it(CA_OPENID, "", &why), ERR_NOT_FOUND);
	settings.strategy = STRATEGY_OPENID;
	settings.ca_bundle_dir = NULL;
	ck_assert_ptr_null(ca_path(&settings, CA_OPENID));
	ck_assert_ptr_null(ca_path(&settings, CA_COMMON));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ca");
	TCase *tc = tcase_create("ca");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, make_root, remove_root);
	tcase_add_test(tc, who_may_ask);
	tcase_add_test(tc, of_the_provider);
	tcase_add_test(tc, where_none_is);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
