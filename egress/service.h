/*
 * A server behind egress: the console, or an external service with the
 * credential that it is sent.
 */
#ifndef EGRESS_SERVICE_H
#define EGRESS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"

struct egress;
struct held;
struct inject_fields;
struct service;
struct service_settings;
struct service_wait;
struct upstream;

/* Before the sandbox and secrets_connect. Need eg->base, resolve, settings,
 * secrets and trust. service: an enum service_id that is in use. */
struct service *service_new_console(struct egress *eg);
struct service *service_new(struct egress *eg, int service);

/* "console", "prometheus", ... */
const char *service_name(const struct service *s);
struct upstream *service_upstream(const struct service *s);
/* The token endpoint's, or NULL. */
struct upstream *service_endpoint(const struct service *s);

/* err: as service_authorize answers, or ERR_TIMEOUT. */
typedef void service_fn(int err, void *arg);
/* May a request be sent? 0: the credential is there, or none is asked for.
 * ERR_UNAVAILABLE: what the settings ask for cannot be had; service_lacks says
 * what. ERR_MORE: done will be called, exactly once, unless *wait is
 * cancelled. */
int service_authorize(struct service *s, service_fn *done, void *arg,
    struct service_wait **wait) __attribute__((warn_unused_result));
void service_cancel(struct service_wait *w); /* NULL allowed */
/* The slot (or "oauth2 token") that is lacking, "" when nothing is. */
const char *service_lacks(const struct service *s);
/* The credential's fields as they are now, borrowed until the loop goes on;
 * false: there is none any more. */
bool service_fields(const struct service *s, struct inject_fields *out);
/* Counts up with each access token; 0 without OAuth 2. */
unsigned service_token_version(const struct service *s);
/* The service answered 401 to the token of that version. true: another one can
 * be had (service_authorize). */
bool service_refused(struct service *s, unsigned version);

/* secretd has answered about a slot, whosever. */
void service_answered(struct service *s, const struct held *h);
/* secretd may have another client certificate for it. */
void service_ask_identity(struct service *s);
/* A new bundle for its ca_file ("": none) came from secretd. One that does not
 * serve changes nothing. */
void service_set_ca(struct service *s, struct slice pem);
/* The CAs beside the system's have changed. */
void service_trust_again(struct service *s);

/* "ready", "waiting for ...", "lacks slot ...", token and connections. */
void service_describe(const struct service *s, char *dst, size_t cap);

#endif
