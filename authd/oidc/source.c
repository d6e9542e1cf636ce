/* See source.h. */
#include "authd/oidc/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include "authd/fetch.h"
#include "authd/oidc/metadata.h"

#define BACKOFF_MIN_MS 1000

struct source {
	struct source_spec c;
	struct fetch_client *client;
	struct event *timer; /* the next attempt */
	struct url server;   /* host NULL: not known yet */
	char *text;	     /* the whole address */
	size_t target;	     /* where its path begins */
	struct fetch *fetch; /* NULL: none is under way */
	unsigned failures;   /* one after the other */
	int64_t retry_ms;    /* not before (clock_mono_ms) */
	int64_t good_s, down_s;
	uint64_t n_fetches, n_failures;
	char why[SOURCE_WHY_MAX];
};

static void
timer_in(struct source *s, int64_t ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	if (event_add(s->timer, &t) != 0)
		log_fatal("no timer");
}

static int64_t
next_in_s(const struct source *s, int64_t max_age_s)
{
	int64_t wanted = max_age_s >= 0 ? max_age_s : s->c.usual_s;

	if (wanted < s->c.min_s)
		return s->c.min_s;
	return wanted < s->c.max_s ? wanted : s->c.max_s;
}

static void
succeeded(struct source *s, int64_t max_age_s)
{
	int64_t now = clock_unix_s();

	if (s->down_s != 0)
		log_info("OpenID provider: its %s can be fetched again, after "
			 "%lld s",
		    s->c.name, (long long)(now - s->down_s));
	s->good_s = now;
	s->down_s = 0;
	s->failures = 0;
	s->retry_ms = 0;
	s->why[0] = '\0';
	timer_in(s, next_in_s(s, max_age_s) * 1000);
}

static void
failed(struct source *s)
{
	int64_t wait = (int64_t)BACKOFF_MIN_MS
	    << (s->failures < 5 ? s->failures : 5);

	if (wait > SOURCE_BACKOFF_MAX_MS)
		wait = SOURCE_BACKOFF_MAX_MS;
	s->failures++;
	s->n_failures++;
	s->retry_ms = clock_mono_ms() + wait;
	timer_in(s, wait);
	if (s->down_s != 0) {
		log_debug("OpenID provider: its %s: %s", s->c.name, s->why);
		return;
	}
	s->down_s = clock_unix_s();
	log_error("OpenID provider: its %s cannot be used: %.200s %s%s",
	    s->c.name, s->text, s->why,
	    s->good_s != 0 ? "; the last stays in use" : "");
}

static bool
is_web_page(const struct fetch_answer *a)
{
	return slice_starts_nocase(a->content_type, "text/html") ||
	    slice_starts_nocase(a->content_type, "application/xhtml");
}

/* What a certificate that is not trusted needs. */
static const char *
hint_of(const char *detail)
{
	return strstr(detail, "certificate") != NULL
	    ? " (the CAs of openid-server-ca.crt and "
	      "additional-ca-bundle.pem are trusted beside the system's)"
	    : "";
}

/* "" when the answer may be a document. */
static void
judge_answer(struct source *s, const struct fetch_answer *a)
{
	char *why = s->why;

	why[0] = '\0';
	if (a->err != 0)
		(void)snprintf(why, SOURCE_WHY_MAX,
		    "cannot be fetched: %.200s%s", a->detail,
		    hint_of(a->detail));
	else if (a->status >= 300 && a->status < 400)
		(void)snprintf(why, SOURCE_WHY_MAX,
		    "answers with a redirect (HTTP %u), which is not "
		    "followed: %s must lead to the document itself",
		    a->status, s->c.setting);
	else if (a->status != 200)
		(void)snprintf(why, SOURCE_WHY_MAX, "answers with HTTP %u%s%s",
		    a->status, a->status == 404 ? ": check " : "",
		    a->status == 404 ? s->c.setting : "");
	else if (is_web_page(a))
		(void)snprintf(why, SOURCE_WHY_MAX,
		    "answers with a web page instead of a document: check %s",
		    s->c.setting);
}

static void
answered(const struct fetch_answer *a, void *arg)
{
	struct source *s = arg;
	char why[SOURCE_WHY_MAX] = "";

	s->fetch = NULL;
	s->n_fetches++;
	judge_answer(s, a);
	if (s->why[0] == '\0' && s->c.take(a->body, why, s->c.arg)) {
		succeeded(s, a->max_age_s);
	} else {
		if (s->why[0] == '\0')
			memcpy(s->why, why, sizeof(why));
		failed(s);
	}
	if (s->c.tried != NULL)
		s->c.tried(s->c.arg);
}

static void
start(struct source *s)
{
	const struct fetch_request q = {
		.server = &s->server,
		.path = s->text + s->target,
		.timeout_ms = SOURCE_FETCH_MS,
		.answer_max = s->c.max,
	};

	(void)event_del(s->timer);
	s->fetch = fetch_start(s->client, &q, answered, s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;

	(void)fd;
	(void)what;
	if (s->fetch == NULL)
		start(s);
}

bool
source_ask(struct source *s)
{
	if (s->fetch != NULL)
		return true;
	if (s->server.host == NULL || clock_mono_ms() < s->retry_ms)
		return false;
	start(s);
	return true;
}

void
source_retry(struct source *s)
{
	if (s->failures == 0)
		return;
	s->failures = 0;
	s->retry_ms = 0;
	if (s->fetch == NULL)
		timer_in(s, 0);
}

void
source_aim(struct source *s, const struct metadata_url *at, uint32_t delay_ms)
{
	if (s->text != NULL && strcmp(s->text, at->text) == 0)
		return;
	if (s->fetch != NULL)
		fetch_cancel(s->fetch);
	s->fetch = NULL;
	url_done(&s->server);
	free(s->text);
	s->text = mem_strdup(at->text);
	s->target = (size_t)(at->target - at->text);
	s->server = (struct url){ .tls = at->server.tls,
		.host = mem_strdup(at->server.host),
		.port = at->server.port,
		.path = mem_strdup("") };
	s->failures = 0;
	s->retry_ms = 0;
	timer_in(s, delay_ms);
}

bool
source_is_asking(const struct source *s)
{
	return s->fetch != NULL;
}

int64_t
source_good_s(const struct source *s)
{
	return s->good_s;
}

int64_t
source_down_s(const struct source *s)
{
	return s->down_s;
}

const char *
source_why(const struct source *s)
{
	return s->why;
}

int
source_status(const struct source *s, char *dst, size_t cap)
{
	char age[64] = "";

	if (s->good_s != 0)
		(void)snprintf(age, sizeof(age), "openid %s age: %lld s\n",
		    s->c.name, (long long)(clock_unix_s() - s->good_s));
	return snprintf(dst, cap,
	    "openid %s fetches: %" PRIu64 "\n"
	    "openid %s fetches failed: %" PRIu64 "\n%s",
	    s->c.name, s->n_fetches, s->c.name, s->n_failures, age);
}

struct source *
source_new(struct event_base *base, struct fetch_client *client,
    const struct source_spec *spec)
{
	struct source *s = mem_new(sizeof(*s));

	s->c = *spec;
	s->client = client;
	s->timer = evtimer_new(base, on_timer, s);
	if (s->timer == NULL)
		log_fatal("no timer");
	return s;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	if (s->fetch != NULL)
		fetch_cancel(s->fetch);
	event_free(s->timer);
	url_done(&s->server);
	free(s->text);
	free(s);
}
