/*
 * Doorward's own endpoints: Kiali's API for logging in and out, and our pages.
 * Asks authd and answers; reads forms, never keeps a body.
 */
#ifndef FRONTEND_OWN_H
#define FRONTEND_OWN_H

#include <stdbool.h>

#include "frontend/router.h"

struct client;
struct own;
struct request;
struct settings;

/* Begins with c->req; sets c->own. May free the client. */
void own_start(struct client *c, enum own_endpoint endpoint);
/* Somebody comes back from the OpenID provider: this is for
 * ENDPOINT_OPENID_CALLBACK. Without the login cookie it is only if state may be
 * one of ours; then authd knows. */
bool own_is_openid_callback(const struct settings *s, const struct request *r);
/* Answers one who comes back without that cookie and cannot go on. May free the
 * client. */
void own_no_login_cookie(struct client *c);
/* There are new bytes from the client; may free it. */
void own_readable(struct client *c);
/* Forgets what authd was asked. NULL allowed. */
void own_free(struct own *o);

#endif
