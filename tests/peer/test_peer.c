/*
 * A taken-over process against the real daemons: this program plays the
 * frontend, egress, authd and the control tool, says what those may and what
 * they may not, and looks at what the daemons do. In messages.c and frames.c
 * stand the violations, in requests.c and meanings.c what they must not
 * achieve.
 */
#include "tests/peer/suites.h"
#include "tests/peer/world.h"
#include "tests/unit/unit.h"

#define LIMIT_S 120

int
main(void)
{
	TCase *t = tcase_create("peer");

	tcase_set_timeout(t, LIMIT_S);
	tcase_add_unchecked_fixture(t, world_start, world_stop);
	tcase_add_checked_fixture(t, world_enter, world_leave);
	messages_add(t);
	frames_add(t);
	requests_add(t);
	meanings_add(t);
	return unit_run("peer", t);
}
