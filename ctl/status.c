/*
 * doorward status: MSG_STATUS to the ctl socket of each daemon, one after the
 * other; prints the answers.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "ctl/client.h"
#include "ctl/commands.h"

#define STATUS_TEXT_MAX 32768

static void
print_lines(enum role server, struct slice text)
{
	while (text.p != NULL && text.len > 0) {
		struct slice line = slice_cut(&text, '\n');

		(void)printf("%s: ", role_name(server));
		for (size_t i = 0; i < line.len; i++)
			(void)putchar(
			    (unsigned char)line.p[i] < 0x20 ? '?' : line.p[i]);
		(void)putchar('\n');
	}
}

static int
status_ask(struct client *c)
{
	struct wire_reader r;
	struct slice text;
	int err = client_ask(c, MSG_STATUS, NULL, &r);

	if (err != 0)
		return err;
	text = wire_get_text(&r, STATUS_TEXT_MAX);
	err = wire_end(&r);
	if (err == 0)
		print_lines(c->server, text);
	return err;
}

static bool
status_show(const char *run_dir, enum role server)
{
	struct client c;
	int err = client_open(&c, run_dir, server);

	if (err == ERR_IO) {
		(void)printf("%s: not reachable at %s/%s.ctl.sock: %s\n",
		    role_name(server), run_dir, role_name(server),
		    strerror(errno));
		return false;
	}
	if (err == 0) {
		err = status_ask(&c);
		client_close(&c);
	}
	if (err != 0)
		(void)printf(
		    "%s: no answer: %s\n", role_name(server), err_text(err));
	return err == 0;
}

int
command_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	static const enum role servers[] = { ROLE_SECRETD, ROLE_AUTHD,
		ROLE_EGRESS, ROLE_FRONTEND };
	const char *run_dir = CTL_RUN_DIR;
	bool all = true;
	int option;

	while ((option = getopt_long(argc, argv, "r:", options, NULL)) != -1) {
		if (option != 'r')
			return 2;
		run_dir = optarg;
	}
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		all = status_show(run_dir, servers[i]) && all;
	return all ? 0 : 1;
}
