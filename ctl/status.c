/*
 * doorward status: MSG_STATUS to the ctl socket of each daemon, one after the
 * other; prints the answers, or with --metrics those that are numbers, in
 * Prometheus' text format (for node_exporter's textfile collector).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "ctl/client.h"
#include "ctl/commands.h"

#define STATUS_TEXT_MAX 32768

typedef void print_fn(enum role server, struct slice line);

static void
print_line(enum role server, struct slice line)
{
	(void)printf("%s: ", role_name(server));
	for (size_t i = 0; i < line.len; i++)
		(void)putchar(
		    (unsigned char)line.p[i] < 0x20 ? '?' : line.p[i]);
	(void)putchar('\n');
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* "logins failed: 3" is doorward_logins_failed{process="authd"} 3, and
 * "up: 7 s" is doorward_up_seconds; lines that are no number are left out. */
static void
print_metric(enum role server, struct slice line)
{
	struct slice value = line, key = slice_cut(&value, ':');
	bool seconds = false;
	uint64_t n;

	if (value.p == NULL)
		return;
	value = slice_trim(value);
	if (value.len > 2 && value.p[value.len - 2] == ' ' &&
	    value.p[value.len - 1] == 's') {
		value.len -= 2;
		seconds = true;
	}
	if (text_u64(value, UINT64_MAX, &n) != 0)
		return;
	(void)printf("doorward_");
	for (size_t i = 0; i < key.len; i++)
		(void)putchar(is_name_char(key.p[i]) ? key.p[i] : '_');
	(void)printf("%s{process=\"%s\"} %llu\n", seconds ? "_seconds" : "",
	    role_name(server), (unsigned long long)n);
}

static void
print_lines(enum role server, struct slice text, print_fn *print)
{
	while (text.p != NULL && text.len > 0)
		print(server, slice_cut(&text, '\n'));
}

static int
status_ask(struct client *c, print_fn *print)
{
	struct wire_reader r;
	struct slice text;
	int err = client_ask(c, MSG_STATUS, NULL, &r);

	if (err != 0)
		return err;
	text = wire_get_text(&r, STATUS_TEXT_MAX);
	err = wire_end(&r);
	if (err == 0)
		print_lines(c->server, text, print);
	return err;
}

static bool
status_show(const char *run_dir, enum role server, print_fn *print)
{
	FILE *out = print == print_metric ? stderr : stdout;
	struct client c;
	int err = client_open(&c, run_dir, server);

	if (err == ERR_IO) {
		(void)fprintf(out, "%s: not reachable at %s/%s.ctl.sock: %s\n",
		    role_name(server), run_dir, role_name(server),
		    strerror(errno));
		return false;
	}
	if (err == 0) {
		err = status_ask(&c, print);
		client_close(&c);
	}
	if (err != 0)
		(void)fprintf(out, "%s: no answer: %s\n", role_name(server),
		    err_text(err));
	return err == 0;
}

int
command_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "metrics", no_argument, NULL, 'm' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	static const enum role servers[] = { ROLE_SECRETD, ROLE_AUTHD,
		ROLE_EGRESS, ROLE_FRONTEND };
	const char *run_dir = CTL_RUN_DIR;
	print_fn *print = print_line;
	bool all = true;
	int option;

	while ((option = getopt_long(argc, argv, "r:", options, NULL)) != -1) {
		if (option == 'm')
			print = print_metric;
		else if (option == 'r')
			run_dir = optarg;
		else
			return 2;
	}
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		all = status_show(run_dir, servers[i], print) && all;
	return all ? 0 : 1;
}
