/* Settings from text, for tests: through a file, as in production. */
#ifndef TESTS_UNIT_SETTINGS_TEXT_H
#define TESTS_UNIT_SETTINGS_TEXT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/settings.h"

static inline struct settings *
settings_text_len(const char *text, size_t len, struct conf_errors *e)
{
	char file[] = "/tmp/doorward-test-XXXXXX";
	int fd = mkstemp(file);
	struct settings *s;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	(void)close(fd);
	s = settings_read(file, e);
	(void)unlink(file);
	return s;
}

static inline struct settings *
settings_text(const char *text, struct conf_errors *e)
{
	return settings_text_len(text, strlen(text), e);
}

#endif
