/*
 * Doorward's own endpoints: Kiali's API for logging in and out, and our pages.
 * Asks authd and answers; reads forms, never keeps a body.
 */
#ifndef FRONTEND_OWN_H
#define FRONTEND_OWN_H

#include "frontend/router.h"

struct client;
struct own;

/* Begins with c->req; sets c->own. May free the client. */
void own_start(struct client *c, enum own_endpoint endpoint);
/* There are new bytes from the client; may free it. */
void own_readable(struct client *c);
/* Forgets what authd was asked. NULL allowed. */
void own_free(struct own *o);

#endif
