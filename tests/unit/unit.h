/* Runs a suite as a program: what every test's main ends with. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

static inline int
unit_run(const char *name, TCase *t)
{
	Suite *suite = suite_create(name);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
