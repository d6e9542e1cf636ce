/*
 * doorward check-config: reads the configuration exactly as the daemons do and
 * prints every effective value with where it comes from and what it means, then
 * warnings and errors. There are no secrets in the file: settings refuses them
 * and never quotes one.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/settings.h"
#include "ctl/commands.h"

/* A table in which nothing is set is one line. */
static bool
print_row(void *arg, const char *path, const struct conf_row *row,
    const void *settings)
{
	const struct settings *s = arg;
	unsigned line = settings_place(s, path).line;
	char *value, *origin;

	if (row->type == CONF_TABLE && line > 0)
		return true;
	if (row->type <= CONF_STRINGS && row->fallback == NULL)
		return false; /* told under its proper name */
	value = conf_value_text(row, settings);
	origin = line > 0 ? mem_printf("line %u", line) : mem_strdup("default");
	(void)printf("%s: %s\n    # %s: %s\n", path, value, origin, row->help);
	free(value);
	free(origin);
	return row->type == CONF_TABLES;
}

static void
print_settings(struct settings *s)
{
	conf_each(&settings_table, s, print_row, s);
	for (size_t i = 0; i < s->ignored.n; i++)
		(void)printf("%s: not used by Doorward\n", s->ignored.at[i]);
	(void)printf("session cookie: %s over HTTPS, %s over HTTP\n",
	    settings_cookie_name(s, true), settings_cookie_name(s, false));
}

static void
print_errors(const char *file, const struct conf_errors *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct conf_error *at = &e->at[i];
		const char *kind = at->warning ? "warning" : "error";
		char *where = conf_error_where(at, file);

		(void)printf("%s: %s: %s\n", where, kind, at->text);
		free(where);
	}
}

int
command_check_config(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = CTL_CONFIG;
	struct conf_errors e = { 0 };
	struct settings *s;
	size_t missing = 0;
	int option;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option != 'c')
			return 2;
		file = optarg;
	}
	if (optind < argc) {
		(void)fprintf(
		    stderr, "doorward check-config: %s?\n", argv[optind]);
		return 2;
	}
	s = settings_read(file, &e);
	if (s != NULL) {
		print_settings(s);
		missing = check_slots_print(s);
	}
	print_errors(file, &e);
	(void)printf("%s: %s\n", file, s != NULL ? "good" : "not usable");
	if (missing > 0)
		(void)printf("%s: secrets that it needs and that cannot be "
			     "used from here: %zu (see the slots above)\n",
		    file, missing);
	conf_errors_done(&e);
	settings_free(s);
	return s != NULL ? 0 : 1;
}
