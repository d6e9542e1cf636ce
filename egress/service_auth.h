/*
 * The credential that one external service is sent: from its settings and from
 * the slots that they need. Never part of a credential: either all of it is
 * there, or the request is refused.
 */
#ifndef EGRESS_SERVICE_AUTH_H
#define EGRESS_SERVICE_AUTH_H

#include "common/settings.h"
#include "egress/inject.h"

struct held;
struct oauth2;
struct secrets;
struct service_auth;

enum service_auth_state {
	SERVICE_AUTH_READY,
	SERVICE_AUTH_WAITING, /* for secretd or the token endpoint */
	SERVICE_AUTH_REFUSED, /* a slot is empty or bad, or there is no token */
};

/* Before secrets_connect. settings are borrowed for good. */
struct service_auth *service_auth_new(const struct settings *settings,
    enum service_id service, struct secrets *secrets);
void service_auth_free(struct service_auth *a);
/* The slot of the OAuth 2 client secret; NULL unless that is the type. */
struct held *service_auth_client_secret(struct service_auth *a);
/* Before the first service_auth_check, where the type is AUTH_OAUTH2. */
void service_auth_set_oauth2(struct service_auth *a, struct oauth2 *oauth2);

/* Is it one of the slots? */
bool service_auth_uses(const struct service_auth *a, const struct held *h);
/* Builds the fields anew where a slot has changed. */
void service_auth_update(struct service_auth *a);
/* *what: the slot that is waited for or lacking, or "oauth2 token"; or NULL.
 * Static or a's. Asks for a token where one is due. */
enum service_auth_state service_auth_check(
    struct service_auth *a, const char **what);
/* The same without asking for anything. */
enum service_auth_state service_auth_look(
    const struct service_auth *a, const char **what);
/* After SERVICE_AUTH_READY: the fields of the request's head, borrowed until
 * the loop goes on. */
void service_auth_fields(
    const struct service_auth *a, struct inject_fields *out);

#endif
