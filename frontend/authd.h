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
/* token: that came beside the cookie; "" unless the strategy is header. */
uint64_t authd_session(struct chan *ch, struct slice cookie, struct slice token,
    chan_reply_fn *done, void *arg);
struct authd_end { /* a logout */
	struct slice cookie;
	const char *client;
	const char *base_url; /* "": not known */
	bool everywhere;      /* all sessions of that person */
};
uint64_t authd_logout(
    struct chan *ch, const struct authd_end *q, chan_reply_fn *done, void *arg);
struct authd_start { /* at the OpenID provider */
	const char *base_url, *why, *client;
	struct slice return_path, login_cookie;
};
uint64_t authd_oidc_start(struct chan *ch, const struct authd_start *q,
    chan_reply_fn *done, void *arg);
struct authd_back { /* from there */
	const char *base_url, *client;
	struct slice query, login_cookie, cookie;
};
uint64_t authd_oidc_callback(struct chan *ch, const struct authd_back *q,
    chan_reply_fn *done, void *arg);
uint64_t authd_oidc_backchannel(struct chan *ch, struct slice logout_token,
    const char *client, chan_reply_fn *done, void *arg);
struct authd_front { /* front-channel logout */
	struct slice iss, sid, cookie;
	const char *client;
};
uint64_t authd_oidc_frontchannel(struct chan *ch, const struct authd_front *q,
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
struct authd_ended {
	bool over;	       /* else the session may still be there */
	struct slice location; /* the provider's logout page; a secret */
};
/* everywhere: what was asked. */
void authd_read_logout(
    struct authd_ended *a, bool everywhere, int err, struct chan_in *in);
struct authd_started {
	enum login_code code;
	struct slice location, login_cookie, reason, reference;
};
void authd_read_oidc_start(
    struct authd_started *a, int err, struct chan_in *in);
struct authd_returned {
	enum login_code code; /* LOGIN_OK without a cookie: see common/msg.h */
	struct slice cookie, user, return_path, login_cookie, reason, reference;
	int64_t expires_s;
	unsigned rounds; /* failed ones, one after the other */
};
void authd_read_oidc_callback(
    struct authd_returned *a, int err, struct chan_in *in);
/* LOGIN_OK, LOGIN_REJECTED or LOGIN_UNAVAILABLE; *reason is borrowed. */
enum login_code authd_read_oidc_backchannel(
    struct slice *reason, int err, struct chan_in *in);
enum verdict authd_read_oidc_frontchannel(int err, struct chan_in *in);

#endif
