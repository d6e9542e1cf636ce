/*
 * The frontend's side of its channel to authd: one typed function per message
 * and one decoder per answer. Nobody else in the frontend builds messages.
 */
#ifndef FRONTEND_AUTHD_H
#define FRONTEND_AUTHD_H

#include <stdint.h>

#include "common/chan.h"
#include "common/msg.h"
#include "common/text.h"

struct event_base;

/* ready is called whenever the channel is up, also after a reconnect. */
struct chan *authd_connect(struct event_base *base, const char *path,
    void (*ready)(struct chan *ch), void *ctx);

uint64_t authd_login_token(struct chan *ch, struct slice token,
    const char *client, chan_reply_fn *done, void *arg);
uint64_t authd_session(
    struct chan *ch, struct slice cookie, chan_reply_fn *done, void *arg);
uint64_t authd_logout(struct chan *ch, struct slice cookie, const char *client,
    chan_reply_fn *done, void *arg);
uint64_t authd_screen_keys(struct chan *ch, chan_reply_fn *done, void *arg);

/* The decoders take what a chan_reply_fn got; whatever goes wrong ends in the
 * answer that says "cannot be decided now", never in a permission. Slices are
 * borrowed from the message. */
struct authd_login {
	enum login_code code;
	struct slice cookie, user, reason;
	int64_t expires_s;
};
void authd_read_login(struct authd_login *a, int err, struct chan_in *in);
struct authd_session {
	enum verdict verdict;
	struct slice user;
	int64_t expires_s;
};
void authd_read_session(struct authd_session *a, int err, struct chan_in *in);
/* True when the session is over; else it may still be there. */
bool authd_read_logout(int err, struct chan_in *in);

#endif
