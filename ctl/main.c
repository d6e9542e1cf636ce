/*
 * doorward: the control tool. One row per command; what a command does is in a
 * file of its own. It holds no secret and asks the daemons over their ctl
 * sockets, where the kernel says who it is.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *help;
};

static int command_help(int argc, char **argv);
static int command_version(int argc, char **argv);

static const struct command commands[] = {
	{ "run", command_run,
	    "[--config FILE] [--dir DIR] [--bin-dir DIR] [--uid-base N]",
	    "start all daemons in a directory of their own and watch over them" },
	{ "check-config", command_check_config, "[--config FILE]",
	    "say what every line means, and what is wrong" },
	{ "explain-url", command_explain_url,
	    "--host HOST [--header 'NAME: VALUE']... [--tls] [--peer ADDRESS] "
	    "[--config FILE]",
	    "say by which URL people reach this server, and why" },
	{ "status", command_status, "[--metrics] [--run-dir DIR]",
	    "ask every daemon how it is" },
	{ "keys", command_keys,
	    "[--config FILE] [--run-dir DIR] list | rotate | retire ID | "
	    "revoke ID",
	    "show the session keys, replace the current one, end old ones" },
	{ "--version", command_version, "", "print the version" },
	{ "help", command_help, "", "print this" },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
command_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)printf("usage: doorward COMMAND\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		(void)printf("  %s %s\n      %s\n", commands[i].name,
		    commands[i].arguments, commands[i].help);
	return 0;
}

static int
command_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)printf("doorward %s\n", PACKAGE_VERSION);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	(void)fprintf(stderr, "doorward: %s%s; try: doorward help\n",
	    name[0] == '\0' ? "no command given" : "no such command: ", name);
	return 2;
}
