/*
 * The part of check-config about secrets: every slot, where its file is, how
 * long and how old the value is, or what is wrong with it. Finds and reads as
 * secretd does, with secretd's own code, and never shows a value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/slot.h"
#include "ctl/commands.h"
#include "secretd/slots.h"

/* "3 days", of the file's last change. */
static void
age_of(const char *file, char *dst, size_t cap)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" },
		{ 1, "second" } };
	struct stat st;
	int64_t age = 0;
	size_t i = 0;

	if (stat(file, &st) == 0 && clock_unix_s() > st.st_mtime)
		age = clock_unix_s() - st.st_mtime;
	while (units[i].seconds > 1 && age < units[i].seconds)
		i++;
	age /= units[i].seconds;
	(void)snprintf(dst, cap, "%lld %s%s", (long long)age, units[i].name,
	    age == 1 ? "" : "s");
}

static int
read_slot(const struct slot_dirs *where, unsigned number,
    const struct slot_spec *spec, struct secret **out, struct slot_why *why)
{
	if (number == SLOT_SIGNING_KEY_NO)
		return slot_read_signing_key(where, spec->reference, out, why);
	return slot_read_spec(where, spec, out, why);
}

/* False when a secret that the configuration needs cannot be used. */
static bool
print_slot(const struct slot_dirs *where, unsigned number,
    const struct slot_spec *spec)
{
	const char *needed = spec->needed ? "needed" : "not needed";
	struct slot_why why = { .text = "" };
	struct secret *value = NULL;
	char age[40];
	int r = read_slot(where, number, spec, &value, &why);

	if (r == 0) {
		age_of(why.file, age, sizeof(age));
		(void)printf("slot %s: %s, %zu bytes, %s old, %s\n", spec->name,
		    why.file, secret_len(value), age, needed);
	} else if (r == ERR_NOT_FOUND && !spec->needed) {
		(void)printf("slot %s: none, %s\n", spec->name, needed);
	} else {
		(void)printf("slot %s: %s, %s\n    # %s\n", spec->name,
		    r == ERR_NOT_FOUND ? "none" : "not usable", needed,
		    why.text);
	}
	secret_free(value);
	return r == 0 || !spec->needed;
}

size_t
check_slots_print(const struct settings *s)
{
	const struct slot_dirs where = { &s->secrets_dirs,
		getenv("CREDENTIALS_DIRECTORY") };
	size_t missing = 0;

	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		struct slot_spec spec;

		if (slot_describe(s, i, &spec) && !print_slot(&where, i, &spec))
			missing++;
	}
	return missing;
}
