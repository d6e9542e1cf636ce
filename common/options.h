/*
 * The command line, the same for every daemon:
 *   --config FILE      default /etc/doorward/config.yaml
 *   --run-dir DIR      where the sockets are, default /run/doorward
 *   --state-dir DIR    default $STATE_DIRECTORY, else /var/lib/doorward/<role>
 *   --peer ROLE=UID    who may connect as ROLE; default: the system user
 *                      doorward-ROLE (ctl: root)
 *   --version          prints version and build kind, exits
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <sys/types.h>

#include "common/role.h"

struct options {
	const char *config;
	const char *run_dir;
	const char *state_dir;
	uid_t peer_uid[ROLE_COUNT]; /* (uid_t)-1: nobody */
};

/* Exits with 0 for --version, with 2 and a sentence for anything wrong. */
void options_parse(struct options *o, enum role self, int argc, char **argv);
/* "<run_dir>/<server>.<peer>.sock": the socket on which server listens for
 * peer. Caller frees. */
char *options_socket(const struct options *o, enum role server, enum role peer);

#endif
