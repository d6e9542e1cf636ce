/* See oauth2.h. Times are clock_mono_ms; 0: none. */
#include "egress/oauth2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "egress/oauth2_message.h"
#include "egress/post.h"
#include "egress/secrets.h"
#include "egress/upstream.h"

#define FETCH_MS 8000
#define MARGIN_MIN_MS 10000
#define MARGIN_MAX_MS 300000
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000
#define REFUSED_EVERY_MS 5000

struct oauth2 {
	struct oauth2_config c;
	struct event *timer; /* the next renewal */
	struct log_rate rate;

	struct secret *token;
	unsigned version;
	int64_t end_ms, renew_ms; /* of the token; 0: there is none */
	int64_t end_unix_s;	  /* for people */
	bool used;		  /* since it was fetched */
	int64_t refused_ms;	  /* when oauth2_refused last took one away */

	struct post *post; /* under way */
	int64_t asked_ms, asked_unix_s;
	unsigned asked_with; /* version of the client secret */
	bool asking_secretd; /* whether there is another client secret */

	unsigned failures;
	int64_t retry_ms; /* not again before that */
	char why[128];	  /* what was wrong the last time */
};

/* --- the token --- */

static bool
token_is_good(const struct oauth2 *o)
{
	return o->end_ms != 0 && clock_mono_ms() < o->end_ms;
}

struct slice
oauth2_token(const struct oauth2 *o)
{
	if (!token_is_good(o))
		return (struct slice){ NULL, 0 };
	return (struct slice){ secret_peek(o->token), secret_len(o->token) };
}

unsigned
oauth2_version(const struct oauth2 *o)
{
	return o->version;
}

static int64_t
margin_of(int64_t life_ms)
{
	int64_t m = life_ms / 10;

	if (m < MARGIN_MIN_MS)
		m = MARGIN_MIN_MS;
	if (m > MARGIN_MAX_MS)
		m = MARGIN_MAX_MS;
	return m < life_ms / 2 ? m : life_ms / 2;
}

static void
timer_at(struct oauth2 *o, int64_t at_ms)
{
	int64_t ms = at_ms - clock_mono_ms();
	struct timeval t;

	if (ms < 1)
		ms = 1;
	t = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
	(void)event_add(o->timer, &t);
}

static void
token_take(struct oauth2 *o, const struct oauth2_answer *a)
{
	int64_t life_ms = (int64_t)a->life_s * 1000;

	secret_free(o->token);
	o->token = secret_from(a->token, a->token_len);
	o->version++;
	o->end_ms = o->asked_ms + life_ms;
	o->end_unix_s = o->asked_unix_s + a->life_s;
	o->renew_ms = o->end_ms - margin_of(life_ms);
	o->used = false;
	o->failures = 0;
	o->retry_ms = 0;
	o->why[0] = '\0';
	timer_at(o, o->renew_ms);
}

/* --- fetching --- */

static void
fetch_failed(struct oauth2 *o)
{
	unsigned shift = o->failures < 6 ? o->failures : 6;
	int64_t wait = (int64_t)BACKOFF_MIN_MS << shift;

	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	o->failures++;
	o->retry_ms = clock_mono_ms() + wait;
	timer_at(o, o->retry_ms);
	log_limited(&o->rate, 10000, LOG_LEVEL_ERROR,
	    "%s: no access token from %.100s: %s%s", o->c.service,
	    o->c.settings->token_url.host, o->why,
	    token_is_good(o) ? "; the last one stays in use" : "");
	o->c.changed(o->c.arg);
}

/* The client secret may have been replaced before word of it came here. */
static bool
ask_secretd(struct oauth2 *o, unsigned status, const char *error)
{
	if (o->asking_secretd ||
	    (status != 401 && strcmp(error, "invalid_client") != 0))
		return false;
	o->asking_secretd = true;
	secrets_ask(o->c.secrets, o->c.client_secret);
	return true;
}

static void
fetch_answered(struct oauth2 *o, unsigned status, struct slice body)
{
	struct secret *token = secret_new(OAUTH2_TOKEN_MAX);
	struct oauth2_answer a = { .token = secret_bytes(token) };
	int err = oauth2_get_answer(&a, status, body);

	if (err == 0) {
		token_take(o, &a);
		o->c.changed(o->c.arg);
	} else if (err == ERR_DENIED) {
		(void)snprintf(o->why, sizeof(o->why),
		    "it refuses with status %u %s", status, a.error);
		if (!ask_secretd(o, status, a.error))
			fetch_failed(o);
	} else {
		(void)snprintf(o->why, sizeof(o->why),
		    "its answer is no access token of RFC 6749");
		fetch_failed(o);
	}
	secret_free(token);
}

static void
fetched(int err, unsigned status, struct slice body, void *arg)
{
	struct oauth2 *o = arg;

	o->post = NULL;
	if (err == 0) {
		fetch_answered(o, status, body);
		return;
	}
	(void)snprintf(o->why, sizeof(o->why), "%s", err_text(err));
	fetch_failed(o);
}

static void
fetch(struct oauth2 *o)
{
	struct slice client_secret = held_value(o->c.client_secret);
	struct secret *room = secret_new(OAUTH2_REQUEST_MAX);
	struct http_out out;

	http_out_init(&out, secret_bytes(room), OAUTH2_REQUEST_MAX);
	oauth2_put_request(&out, o->c.settings, client_secret);
	o->asked_with = held_version(o->c.client_secret);
	o->asked_ms = clock_mono_ms();
	o->asked_unix_s = clock_unix_s();
	if (out.overflow || client_secret.len > OAUTH2_SECRET_MAX) {
		(void)snprintf(
		    o->why, sizeof(o->why), "the client secret is too long");
		o->retry_ms = o->asked_ms + BACKOFF_MAX_MS;
	} else {
		o->post = post_start(o->c.endpoint,
		    (struct slice){ out.p, out.len }, FETCH_MS, fetched, o);
	}
	secret_free(room);
}

static bool
fetch_is_due(const struct oauth2 *o)
{
	int64_t now = clock_mono_ms();

	return o->post == NULL && !o->asking_secretd && now >= o->retry_ms &&
	    (!token_is_good(o) || now >= o->renew_ms);
}

enum oauth2_state
oauth2_need(struct oauth2 *o)
{
	if (fetch_is_due(o))
		fetch(o);
	if (token_is_good(o)) {
		o->used = true;
		return OAUTH2_READY;
	}
	return o->post != NULL || o->asking_secretd ? OAUTH2_WAITING
						    : OAUTH2_FAILED;
}

/* Nobody's request waits for this: only a token that is in use is renewed. */
static void
renew(evutil_socket_t fd, short what, void *arg)
{
	struct oauth2 *o = arg;

	(void)fd;
	(void)what;
	if (o->used && fetch_is_due(o))
		fetch(o);
}

bool
oauth2_refused(struct oauth2 *o, unsigned version)
{
	int64_t now = clock_mono_ms();

	if (version != o->version || o->end_ms == 0)
		return true; /* another one is there or on its way */
	if (o->refused_ms != 0 && now - o->refused_ms < REFUSED_EVERY_MS)
		return false;
	o->refused_ms = now;
	o->end_ms = 0;
	return true;
}

void
oauth2_secret_answered(struct oauth2 *o)
{
	bool is_new = held_version(o->c.client_secret) != o->asked_with;

	if (is_new) {
		o->failures = 0;
		o->retry_ms = 0;
	}
	if (!o->asking_secretd)
		return;
	if (is_new)
		fetch(o);
	o->asking_secretd = false;
	if (o->post == NULL)
		fetch_failed(o);
}

void
oauth2_describe(const struct oauth2 *o, char *dst, size_t cap)
{
	char date[CLOCK_RFC3339_LEN + 1];

	if (token_is_good(o)) {
		clock_rfc3339(date, o->end_unix_s);
		(void)snprintf(dst, cap, "token until %s", date);
	} else {
		(void)snprintf(dst, cap, "no token%s%s",
		    o->why[0] != '\0' ? ": " : "", o->why);
	}
}

struct oauth2 *
oauth2_new(struct event_base *base, const struct oauth2_config *config)
{
	struct oauth2 *o = mem_new(sizeof(*o));

	o->c = *config;
	o->timer = evtimer_new(base, renew, o);
	if (o->timer == NULL)
		log_fatal("no timer");
	return o;
}

void
oauth2_free(struct oauth2 *o)
{
	if (o == NULL)
		return;
	post_cancel(o->post);
	event_free(o->timer);
	secret_free(o->token);
	free(o);
}
