/*
 * doorward run: the launcher for the demo, tests and containers. What systemd
 * does with the units, this does with one process: it holds the listening
 * sockets, starts the daemons, each with its own uid where it may, and starts
 * crashed ones again.
 *
 * It never reads or copies a secret.
 */
#ifndef CTL_RUN_H
#define CTL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/listen.h"
#include "common/role.h"
#include "common/settings.h"

/* In the order of their start: nobody connects to one that is not there. */
#define RUN_DAEMONS 4
extern const enum role run_order[RUN_DAEMONS];

struct run_user {
	uid_t uid;
	gid_t gid;
};

struct run_daemon {
	enum role role;
	char *binary;
	char *state_dir;
	struct listen_set listeners; /* kept open over restarts */
	int notify_fd;		     /* where it says READY=1 */
	char *notify_path;
	pid_t pid; /* 0: not running */
	bool ready;
	unsigned crashes; /* in a row */
	int64_t started_ms;
	int64_t restart_at_ms; /* when pid is 0 */
};

struct run {
	const char *config, *dir, *bin_dir;
	bool own_dir; /* made by us: removed at the end */
	uint32_t uid_base;
	bool as_root;
	char *run_dir;
	struct settings *settings;
	struct run_user users[ROLE_COUNT];
	struct run_daemon daemons[RUN_DAEMONS];
	char url[128];	 /* where people reach it */
	char local[128]; /* and a console the services; "": nowhere */
};

/* Prints "doorward run: ..." and ends with status 1; children die with it. */
void run_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* run_users.c: who runs as whom, and may each read what it needs. */
void run_users_choose(struct run *run);
void run_users_check(const struct run *run);
/* In a child: becomes that user for good. Fatal when it cannot. */
void run_user_become(const struct run *run, enum role role);

/* run_sockets.c: directories and sockets. */
void run_dirs_make(struct run *run);
void run_sockets_open(struct run *run);
void run_dirs_remove(struct run *run);

/* run_child.c: finding and starting one daemon. */
void run_binaries_find(struct run *run);
void run_child_start(struct run *run, struct run_daemon *d);
/* Reads its notify socket; true when READY=1 has come. */
bool run_child_notified(struct run_daemon *d);

#endif
