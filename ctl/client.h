/*
 * The control tool's side of msg.h, without an event loop: one channel to one
 * daemon, one request at a time, with a deadline.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "common/msg.h"
#include "common/wire.h"

struct client {
	int fd;
	enum role server;
	uint64_t last_id;
};

/* Connects to <run_dir>/<server>.ctl.sock and greets. ERR_IO: nobody is there
 * (errno); ERR_DENIED: hung up, for it is not for this user; ERR_TIMEOUT;
 * ERR_PROTOCOL: of another version. */
int client_open(struct client *c, const char *run_dir, enum role server)
    __attribute__((warn_unused_result));
void client_close(struct client *c);
/* A request and its answer; body NULL: empty. *answer is borrowed until the
 * next call of any client. */
int client_ask(struct client *c, enum msg_type type,
    const struct wire_writer *body, struct wire_reader *answer)
    __attribute__((warn_unused_result));

#endif
