/*
 * The daemons of this build, running in a folder of their own, with a console
 * behind them. Started once by the test program; the single tests are children
 * of it that only speak to the daemons.
 */
#ifndef TESTS_PEER_WORLD_H
#define TESTS_PEER_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/evp.h>

/* What must never reach a frontend, besides what world_canary_add adds. */
#define WORLD_SIGNING_KEY "peer-test-signing-key-0123456789"
#define WORLD_CLUSTER_TOKEN "peer-test-cluster-token-0123456789"

struct world {
	char dir[64], run_dir[80];
	pid_t run; /* doorward run */
	bool root; /* so that uids can be changed */
	uid_t uid; /* of daemons and peers */
	uint16_t elsewhere_port;
	EVP_PKEY *tls_key;
	char idle_token[4096]; /* of a user who logged in and is away */
};
extern struct world world;

void world_start(void);
void world_stop(void);
/* In each test: takes the uid that the daemons expect. */
void world_enter(void);
/* At its end: gives the uid back. */
void world_leave(void);
/* For what an unprivileged uid cannot do; only when world.root. */
void world_become(uid_t uid);

/* Every process that ran at the start still runs, and no other does. */
void world_check(void);
/* Descriptors that the daemons have open, all together; 0 when that cannot be
 * seen. */
size_t world_descriptors(void);
/* Waits until there are no more than that many; fatal when there always are. */
void world_check_descriptors(size_t before);

/* From now on no frontend may be told these bytes. */
void world_canary_add(const char *name, const void *bytes, size_t len);
/* The name of a canary that is in there, or NULL. */
const char *world_canary_find(const void *bytes, size_t len);
/* Have the daemons logged this? */
bool world_log_has(const char *what);

#endif
