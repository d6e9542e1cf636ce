/*
 * A document that a provider publishes: fetched when it is needed, again in the
 * background before it is old, and more and more seldom while that fails (after
 * 1 s .. 30 s). Says in the log when it fails and when it works again, not what
 * happens in between. What the document says is its owner's business.
 */
#ifndef AUTHD_OIDC_SOURCE_H
#define AUTHD_OIDC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

struct event_base;
struct fetch_client;
struct metadata_url;
struct source;

#define SOURCE_WHY_MAX 384
#define SOURCE_FETCH_MS 10000
#define SOURCE_BACKOFF_MAX_MS 30000

struct source_spec {
	const char *name;     /* "metadata", for the log */
	const char *setting;  /* says where it is: "auth.openid.issuer_uri" */
	size_t max;	      /* bytes */
	int64_t min_s, max_s; /* between two fetches; the server chooses */
	int64_t usual_s;      /* when it does not (Cache-Control) */
	/* Takes the document, or says in why what is wrong with it, as the rest
	 * of a sentence about it, and keeps the last one. */
	bool (*take)(struct slice body, char why[SOURCE_WHY_MAX], void *arg);
	/* After every attempt, from the loop. May be NULL. */
	void (*tried)(void *arg);
	void *arg;
};

/* client is borrowed, spec copied. */
struct source *source_new(struct event_base *base, struct fetch_client *client,
    const struct source_spec *spec);
void source_free(struct source *s); /* NULL allowed; nothing is called */
/* Where it is; copied. Another place than before is asked within delay_ms. */
void source_aim(
    struct source *s, const struct metadata_url *at, uint32_t delay_ms);
/* Fetches it now, unless that is being done or has just failed. True: an
 * attempt is under way, and tried will be called. */
bool source_ask(struct source *s);
/* Something has changed: if the last attempt failed, the next one is made at
 * once. */
void source_retry(struct source *s);
bool source_is_asking(const struct source *s);
/* Unix s of the last good one; 0: there has been none. */
int64_t source_good_s(const struct source *s);
/* Since when it has been failing, unix s; 0: it is not. */
int64_t source_down_s(const struct source *s);
/* What was wrong the last time; "" when nothing was. */
const char *source_why(const struct source *s);
/* Lines for `doorward status`: "openid NAME fetches: 2\n", "openid NAME fetches
 * failed: 0\n" and, once there was a good one, "openid NAME age: 7 s\n". Like
 * snprintf. */
int source_status(const struct source *s, char *dst, size_t cap);

#endif
