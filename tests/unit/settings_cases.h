/* What a configuration says that is not accepted, for the tests of settings. */
#ifndef TESTS_UNIT_SETTINGS_CASES_H
#define TESTS_UNIT_SETTINGS_CASES_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/settings_text.h"

static inline bool
has_error(const struct conf_errors *e, bool warning, const char *part)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->at[i].warning == warning &&
		    strstr(e->at[i].text, part) != NULL)
			return true;
	return false;
}

static inline void
show(const struct conf_errors *e)
{
	for (size_t i = 0; i < e->n; i++)
		(void)fprintf(stderr, "%u:%u: %s%s\n", e->at[i].line,
		    e->at[i].column, e->at[i].warning ? "(warning) " : "",
		    e->at[i].text);
}

/* A text, a part of the error that it gets and where that is. */
struct refusal {
	const char *text, *error;
	unsigned line, column;
};

static inline void
check_refusal(const struct refusal *c)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_text(c->text, &e);
	bool found = false;

	ck_assert_msg(s == NULL, "accepted: %s", c->text);
	for (size_t i = 0; i < e.n; i++) {
		ck_assert_msg(strstr(e.at[i].text, "canary") == NULL,
		    "shows a credential: %s", e.at[i].text);
		if (!e.at[i].warning && e.at[i].line == c->line &&
		    e.at[i].column == c->column &&
		    strstr(e.at[i].text, c->error) != NULL)
			found = true;
	}
	if (!found)
		show(&e);
	ck_assert_msg(found, "%s: no \"%s\" at %u:%u", c->text, c->error,
	    c->line, c->column);
	conf_errors_done(&e);
}

#endif
