/*
 * The command line of the daemons. Looks users up, so it runs before the
 * sandbox; nothing here is reachable later.
 */
#include "common/options.h"

#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

enum { OPT_CONFIG = 1, OPT_RUN_DIR, OPT_STATE_DIR, OPT_PEER, OPT_VERSION };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "peer", required_argument, NULL, OPT_PEER },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void refuse(enum role self, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

static void
refuse(enum role self, const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "doorward-%s: ", role_name(self));
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	exit(2);
}

static void print_version(enum role self) __attribute__((noreturn));

static void
print_version(enum role self)
{
#ifdef DW_NO_SANDBOX
	const char *kind = "sanitizer build WITHOUT SANDBOX, for tests only";
#else
	const char *kind = "release build";
#endif
	(void)printf(
	    "doorward-%s %s (%s)\n", role_name(self), PACKAGE_VERSION, kind);
	exit(0);
}

static uid_t
uid_of_role(enum role role)
{
	if (role == ROLE_CTL)
		return 0;
	char *name = mem_printf("doorward-%s", role_name(role));
	const struct passwd *user = getpwnam(name);
	free(name);
	return user != NULL ? user->pw_uid : (uid_t)-1;
}

static void
set_peer(struct options *o, enum role self, const char *text)
{
	struct slice rest = slice_of(text);
	struct slice name = slice_cut(&rest, '=');
	char role[16];
	uint64_t uid;
	int peer = -1;

	if (slice_copy(name, role, sizeof(role)) == 0)
		peer = role_from_name(role);
	if (peer < 0 || text_u64(rest, UINT32_MAX - 1, &uid) != 0)
		refuse(self, "--peer wants ROLE=UID, not %s", text);
	o->peer_uid[peer] = (uid_t)uid;
}

static void
set_defaults(struct options *o, enum role self)
{
	const char *state = getenv("STATE_DIRECTORY");

	o->config = "/etc/doorward/config.yaml";
	o->run_dir = "/run/doorward";
	if (state != NULL && state[0] != '\0')
		o->state_dir = state;
	else
		o->state_dir =
		    mem_printf("/var/lib/doorward/%s", role_name(self));
	for (int role = 0; role < ROLE_COUNT; role++)
		o->peer_uid[role] = uid_of_role((enum role)role);
}

void
options_parse(struct options *o, enum role self, int argc, char **argv)
{
	int option;

	set_defaults(o, self);
	opterr = 0;
	while (
	    (option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_RUN_DIR:
			o->run_dir = optarg;
			break;
		case OPT_STATE_DIR:
			o->state_dir = optarg;
			break;
		case OPT_PEER:
			set_peer(o, self, optarg);
			break;
		case OPT_VERSION:
			print_version(self);
		default:
			refuse(self, "unknown or incomplete option %s",
			    argv[optind - 1]);
		}
	}
	if (optind < argc)
		refuse(self, "unexpected argument %s", argv[optind]);
}

char *
options_socket(const struct options *o, enum role server, enum role peer)
{
	return mem_printf(
	    "%s/%s.%s.sock", o->run_dir, role_name(server), role_name(peer));
}
