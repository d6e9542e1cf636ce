/* What the tests of common/http and common/frame share. */
#ifndef TESTS_UNIT_HTTP_SUITE_H
#define TESTS_UNIT_HTTP_SUITE_H

#include <stdlib.h>

#include <check.h>

#include "common/text.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
/* A literal and its length, so that it may hold NULs. */
#define TEXT(z) (z), sizeof(z) - 1

#define ck_assert_slice_eq(s, z) \
	ck_assert_msg(           \
	    slice_is((s), (z)), "\"%.*s\" is not \"%s\"", SLICE_ARG(s), (z))

static inline int
run_cases(const char *name, void (*add)(TCase *))
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr = srunner_create(s);
	int failed;

	add(tc);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
