/* See provider.h. */
#include "authd/oidc/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/wiped_mem.h"

#include "authd/jwks.h"
#include "authd/oidc/metadata.h"
#include "authd/oidc/source.h"

#define FIRST_MS 1000 /* until then CAs have come */
#define ISSUER_KEY "auth.openid.issuer_uri"
#define ALGS_KEY "doorward.openid.signing_alg_values"

/* Somebody who waits for the metadata. */
struct need {
	TAILQ_ENTRY(need) link;
	struct provider *provider;
	struct event *later;
	int err;
	provider_ready_fn *done;
	void *arg;
};
TAILQ_HEAD(needs, need);

/* A token that is being judged: on one of two lists. */
struct question {
	TAILQ_ENTRY(question) link;
	struct provider *provider;
	struct event *later;
	bool waits; /* for keys */
	bool asked; /* they have been fetched for it */
	char *token;
	size_t len;
	struct id_token_rules rules;
	char *nonce, *subject, *access_token;
	/* One of them. */
	provider_id_token_fn *id_token_done;
	provider_logout_token_fn *logout_token_done;
	void *arg;
};
TAILQ_HEAD(questions, question);

struct provider {
	struct event_base *base;
	const struct settings *settings;
	struct source *metadata_source; /* NULL: discovery_override */
	struct source *keys_source;
	struct metadata *metadata; /* NULL: none yet */
	struct jwks *keys;	   /* NULL: none yet */
	unsigned algs;		   /* allowed by the settings */
	bool told, warned_pkce, warned_auth;
	/* From then on (monotonic ms) the keys may be fetched once more. */
	int64_t next_for_token, next_for_logout_token;
	struct needs needs;	    /* for the metadata */
	struct needs answered;	    /* their events are active */
	struct questions questions; /* all */
};

/* --- metadata --- */

/* The endpoints that authd itself asks. */
static const enum metadata_endpoint asked_endpoints[] = {
	METADATA_TOKEN,
	METADATA_JWKS,
	METADATA_USERINFO,
	METADATA_REVOCATION,
	METADATA_PUSHED,
};

static bool
has_port(const struct openid_settings *o, uint16_t port)
{
	for (size_t i = 0; i < o->n_ports; i++)
		if (o->ports[i] == port)
			return true;
	return false;
}

/* The sandbox allows no other ports. Behind a proxy they are the proxy's
 * business. */
static bool
ports_are_allowed(
    const struct openid_settings *o, const struct metadata *m, char *why)
{
	for (size_t i = 0; i < sizeof(asked_endpoints) / sizeof(int); i++) {
		const struct metadata_url *u = &m->at[asked_endpoints[i]];

		if (u->text == NULL || has_port(o, u->server.port) ||
		    (u->server.tls && o->https_proxy.host != NULL &&
			!url_is_loopback(u->server.host)))
			continue;
		(void)snprintf(why, SOURCE_WHY_MAX,
		    "names an endpoint on port %u (%.200s): add the port to "
		    "doorward.openid.ports and restart",
		    u->server.port, u->text);
		return false;
	}
	return true;
}

static void
warn_once(struct provider *p)
{
	static const int auths[] = {
		[OPENID_AUTH_CHOSEN] = -1,
		[OPENID_AUTH_BASIC] = METADATA_AUTH_BASIC,
		[OPENID_AUTH_POST] = METADATA_AUTH_POST,
		[OPENID_AUTH_PRIVATE_KEY_JWT] = METADATA_AUTH_PRIVATE_KEY_JWT,
		[OPENID_AUTH_NONE] = METADATA_AUTH_NONE,
	};
	int wanted = auths[p->settings->openid.auth_method];
	const struct metadata *m = p->metadata;

	if (m->pkce == METADATA_PKCE_OTHER && !p->warned_pkce) {
		p->warned_pkce = true;
		log_warn("OpenID provider: it says that it has no PKCE with "
			 "S256 (code_challenge_methods_supported); Doorward "
			 "sends it all the same");
	}
	if (wanted >= 0 && (m->auths & 1u << wanted) == 0 && !p->warned_auth) {
		p->warned_auth = true;
		log_warn("OpenID provider: it does not offer the method of "
			 "doorward.openid.token_endpoint_auth_method "
			 "(token_endpoint_auth_methods_supported)");
	}
}

static void
tell_once(struct provider *p, const char *what)
{
	if (p->told)
		return;
	p->told = true;
	log_info("%s: %.200s", what, p->settings->openid.issuer);
}

/* m is ours when it serves. */
static bool
accept_metadata(
    struct provider *p, struct metadata *m, char why[SOURCE_WHY_MAX])
{
	if (!ports_are_allowed(&p->settings->openid, m, why))
		return false;
	if ((m->algs & p->algs) == 0) {
		(void)snprintf(why, SOURCE_WHY_MAX,
		    "has none of the algorithms of " ALGS_KEY
		    " (id_token_signing_alg_values_supported)");
		return false;
	}
	metadata_free(p->metadata);
	p->metadata = m;
	warn_once(p);
	return true;
}

static bool
replace_authorization(
    struct provider *p, struct metadata *m, struct metadata_problem *why)
{
	const char *url = p->settings->openid.authorization_endpoint;

	return url == NULL || url[0] == '\0' ||
	    metadata_set_authorization(m, url, why) == 0;
}

static bool
take_metadata(struct slice body, char why[SOURCE_WHY_MAX], void *arg)
{
	struct provider *p = arg;
	struct metadata_problem problem = { "", "" };
	struct metadata *m = NULL;

	if (metadata_parse(body, p->settings->openid.issuer, &m, &problem) !=
		0 ||
	    !replace_authorization(p, m, &problem)) {
		(void)snprintf(why, SOURCE_WHY_MAX, "is of no use: %s %s",
		    problem.member, problem.what);
		metadata_free(m);
		return false;
	}
	if (!accept_metadata(p, m, why)) {
		metadata_free(m);
		return false;
	}
	tell_once(p, "Using OpenID auto-discovery from provider");
	source_aim(p->keys_source, &p->metadata->at[METADATA_JWKS], 0);
	if (p->keys == NULL)
		(void)source_ask(p->keys_source);
	return true;
}

/* --- who waits for metadata --- */

static void
need_free(struct needs *list, struct need *n)
{
	TAILQ_REMOVE(list, n, link);
	event_free(n->later);
	free(n);
}

static void
on_need(evutil_socket_t fd, short what, void *arg)
{
	struct need *n = arg;
	provider_ready_fn *done = n->done;
	void *done_arg = n->arg;
	int err = n->err;

	(void)fd;
	(void)what;
	need_free(&n->provider->answered, n);
	done(err, done_arg);
}

static void
need_answer(struct need *n)
{
	n->err = n->provider->metadata != NULL ? 0 : ERR_UNAVAILABLE;
	TAILQ_INSERT_TAIL(&n->provider->answered, n, link);
	event_active(n->later, EV_TIMEOUT, 1);
}

static void
metadata_tried(void *arg)
{
	struct provider *p = arg;
	struct need *n;

	while ((n = TAILQ_FIRST(&p->needs)) != NULL) {
		TAILQ_REMOVE(&p->needs, n, link);
		need_answer(n);
	}
}

void
provider_need(struct provider *p, provider_ready_fn *done, void *arg)
{
	struct need *n = mem_new(sizeof(*n));

	n->provider = p;
	n->done = done;
	n->arg = arg;
	n->later = evtimer_new(p->base, on_need, n);
	if (n->later == NULL)
		log_fatal("no timer");
	if (p->metadata != NULL) {
		if (p->keys == NULL)
			(void)source_ask(p->keys_source);
		need_answer(n);
	} else if (source_ask(p->metadata_source)) {
		TAILQ_INSERT_TAIL(&p->needs, n, link);
	} else {
		need_answer(n);
	}
}

const struct metadata *
provider_metadata(const struct provider *p)
{
	return p->metadata;
}

/* --- keys and tokens --- */

static bool
take_keys(struct slice body, char why[SOURCE_WHY_MAX], void *arg)
{
	struct provider *p = arg;
	struct jwks *keys = NULL;
	const char *problem = "";

	if (jwks_parse(body, &keys, &problem) != 0) {
		(void)snprintf(
		    why, SOURCE_WHY_MAX, "is of no use: %s", problem);
		return false;
	}
	jwks_free(p->keys);
	p->keys = keys;
	return true;
}

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->provider->questions, q, link);
	event_free(q->later);
	wiped_free(q->token);
	wiped_free(q->nonce);
	wiped_free(q->subject);
	wiped_free(q->access_token);
	free(q);
}

/* May the keys be fetched for this token? True: an answer will come. Anybody
 * can send logout tokens, so these may less often: they must not use up what
 * the people who sign in need. */
static bool
fetch_keys_for(struct provider *p, struct question *q)
{
	int64_t now = clock_mono_ms();
	bool logout = q->id_token_done == NULL;
	int64_t next = logout && p->next_for_logout_token > p->next_for_token
	    ? p->next_for_logout_token
	    : p->next_for_token;

	if (q->asked)
		return false;
	if (source_is_asking(p->keys_source))
		return true;
	if (p->keys != NULL && now < next)
		return false;
	if (!source_ask(p->keys_source))
		return false;
	p->next_for_token = now + PROVIDER_KEYS_EVERY_MS;
	if (logout)
		p->next_for_logout_token = now + PROVIDER_KEYS_LOGOUT_EVERY_MS;
	return true;
}

/* A key may also have been replaced under the same name, or have none. */
static bool
calls_for_keys(enum id_token_fault fault)
{
	return fault == ID_TOKEN_NO_KEY || fault == ID_TOKEN_SIGNATURE;
}

static void
judge_id_token(struct question *q)
{
	struct provider *p = q->provider;
	provider_id_token_fn *done = q->id_token_done;
	void *arg = q->arg;
	struct id_token t = { .jose = NULL };
	enum id_token_fault fault = ID_TOKEN_NO_KEY;

	if (p->keys != NULL)
		fault = id_token_read(
		    (struct slice){ q->token, q->len }, p->keys, &q->rules, &t);
	q->waits = calls_for_keys(fault) && fetch_keys_for(p, q);
	if (q->waits)
		return;
	/* t borrows from the token. */
	done(fault, fault == ID_TOKEN_OK ? &t : NULL, arg);
	id_token_done(&t);
	question_free(q);
}

static void
judge_logout_token(struct question *q)
{
	struct provider *p = q->provider;
	provider_logout_token_fn *done = q->logout_token_done;
	void *arg = q->arg;
	struct logout_token t = { .issued = 0 };
	enum id_token_fault fault = ID_TOKEN_NO_KEY;

	if (p->keys != NULL)
		fault = logout_token_read(
		    (struct slice){ q->token, q->len }, p->keys, &q->rules, &t);
	q->waits = calls_for_keys(fault) && fetch_keys_for(p, q);
	if (q->waits)
		return;
	done(fault, fault == ID_TOKEN_OK ? &t : NULL, arg);
	question_free(q);
}

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	struct provider *p = q->provider;

	(void)fd;
	(void)what;
	q->rules.issuer = p->settings->openid.issuer;
	q->rules.client_id = p->settings->openid.client_id;
	q->rules.algs = p->algs;
	if (p->metadata != NULL)
		q->rules.algs &= p->metadata->algs;
	q->rules.now = clock_unix_s();
	if (q->id_token_done != NULL)
		judge_id_token(q);
	else
		judge_logout_token(q);
}

static void
keys_tried(void *arg)
{
	struct provider *p = arg;
	struct question *q;

	TAILQ_FOREACH(q, &p->questions, link)
		if (q->waits) {
			q->waits = false;
			q->asked = true;
			event_active(q->later, EV_TIMEOUT, 1);
		}
}

static char *
copy_of(const char *bytes, size_t len)
{
	char *copy;

	if (bytes == NULL)
		return NULL;
	copy = wiped_alloc(len + 1);
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

static struct question *
question_new(struct provider *p, struct slice token, void *arg)
{
	struct question *q = mem_new(sizeof(*q));

	q->provider = p;
	q->token = copy_of(token.p != NULL ? token.p : "", token.len);
	q->len = token.len;
	q->arg = arg;
	q->later = evtimer_new(p->base, on_question, q);
	if (q->later == NULL)
		log_fatal("no timer");
	TAILQ_INSERT_TAIL(&p->questions, q, link);
	event_active(q->later, EV_TIMEOUT, 1);
	return q;
}

void
provider_read_id_token(struct provider *p, struct slice token,
    const struct id_token_rules *rules, provider_id_token_fn *done, void *arg)
{
	struct question *q = question_new(p, token, arg);
	struct slice nonce = slice_of(rules->nonce);
	struct slice subject = slice_of(rules->subject);

	q->id_token_done = done;
	q->nonce = copy_of(nonce.p, nonce.len);
	q->subject = copy_of(subject.p, subject.len);
	q->access_token =
	    copy_of(rules->access_token.p, rules->access_token.len);
	q->rules = *rules;
	q->rules.nonce = q->nonce;
	q->rules.subject = q->subject;
	q->rules.access_token.p = q->access_token;
}

void
provider_read_logout_token(struct provider *p, struct slice token,
    provider_logout_token_fn *done, void *arg)
{
	struct question *q = question_new(p, token, arg);

	q->logout_token_done = done;
	q->rules.age_max_s = ID_TOKEN_AGE_MAX_S;
}

/* --- status --- */

void
provider_why(const struct provider *p, char why[PROVIDER_WHY_MAX])
{
	const char *what =
	    p->metadata_source != NULL ? source_why(p->metadata_source) : "";

	(void)snprintf(why, PROVIDER_WHY_MAX, "%s%s",
	    what[0] != '\0' ? "its metadata " : "", what);
}

static void
say_provider(const struct provider *p, char *dst, size_t cap)
{
	char good[CLOCK_RFC3339_LEN + 1], bad[CLOCK_RFC3339_LEN + 1];
	int64_t down;

	if (p->metadata_source == NULL) {
		(void)snprintf(dst, cap, "ready, as configured");
		return;
	}
	down = source_down_s(p->metadata_source);
	clock_rfc3339(good, source_good_s(p->metadata_source));
	clock_rfc3339(bad, down);
	if (down != 0 && p->metadata == NULL)
		(void)snprintf(dst, cap, "away since %s: its metadata %s", bad,
		    source_why(p->metadata_source));
	else if (down != 0)
		(void)snprintf(dst, cap,
		    "ready with metadata fetched %s, but since %s it %s", good,
		    bad, source_why(p->metadata_source));
	else if (p->metadata != NULL)
		(void)snprintf(dst, cap, "ready, metadata fetched %s", good);
	else
		(void)snprintf(dst, cap, "not asked yet");
}

static void
say_keys(const struct provider *p, char *dst, size_t cap)
{
	char good[CLOCK_RFC3339_LEN + 1], bad[CLOCK_RFC3339_LEN + 1];
	int64_t down = source_down_s(p->keys_source);
	int n;

	clock_rfc3339(good, source_good_s(p->keys_source));
	clock_rfc3339(bad, down);
	if (p->keys != NULL)
		n = snprintf(
		    dst, cap, "%zu, fetched %s", jwks_count(p->keys), good);
	else
		n = snprintf(dst, cap, "none");
	if (down != 0 && n > 0 && (size_t)n < cap)
		(void)snprintf(dst + n, cap - (size_t)n,
		    "; since %s their document %s", bad,
		    source_why(p->keys_source));
}

static bool
is_up(const struct provider *p)
{
	return p->metadata != NULL && p->keys != NULL &&
	    (p->metadata_source == NULL ||
		source_down_s(p->metadata_source) == 0) &&
	    source_down_s(p->keys_source) == 0;
}

void
provider_status(const struct provider *p, char dst[PROVIDER_STATUS_MAX])
{
	char provider[SOURCE_WHY_MAX + 100], keys[SOURCE_WHY_MAX + 120];
	int n;

	say_provider(p, provider, sizeof(provider));
	say_keys(p, keys, sizeof(keys));
	n = snprintf(dst, PROVIDER_STATUS_MAX,
	    "openid provider: %s\n"
	    "openid keys: %s\n"
	    "openid provider up: %d\n",
	    provider, keys, is_up(p));
	if (p->metadata_source != NULL)
		n += source_status(p->metadata_source, dst + n,
		    PROVIDER_STATUS_MAX - (size_t)n);
	(void)source_status(
	    p->keys_source, dst + n, PROVIDER_STATUS_MAX - (size_t)n);
}

/* --- the whole --- */

void
provider_retry(struct provider *p)
{
	if (p->metadata_source != NULL)
		source_retry(p->metadata_source);
	source_retry(p->keys_source);
}

static unsigned
allowed_algs(const struct openid_settings *o)
{
	unsigned mask = 0;

	for (size_t i = 0; i < o->algs.n; i++) {
		int alg = jose_alg_from(slice_of(o->algs.at[i]));

		if (alg >= 0)
			mask |= 1u << alg;
	}
	return o->algs.n > 0 ? mask : JOSE_ALGS_ALL;
}

/* What the configuration says in place of a document. */
static void
use_override(struct provider *p, const struct metadata_override *o)
{
	struct metadata_problem problem;
	char why[SOURCE_WHY_MAX];
	struct metadata *m;

	if (metadata_from_override(
		p->settings->openid.issuer, o, &m, &problem) != 0)
		log_fatal("auth.openid.discovery_override.%s %s",
		    problem.member, problem.what);
	if (!replace_authorization(p, m, &problem))
		log_fatal("auth.openid.%s %s", problem.member, problem.what);
	if (!accept_metadata(p, m, why))
		log_fatal("auth.openid.discovery_override %s", why);
	tell_once(
	    p, "Using explicit OpenID endpoints for restricted environment");
	source_aim(p->keys_source, &m->at[METADATA_JWKS], FIRST_MS);
}

static void
use_discovery(struct provider *p, struct fetch_client *client)
{
	const struct source_spec spec = {
		.name = "metadata",
		.setting = ISSUER_KEY,
		.max = METADATA_TEXT_MAX,
		.min_s = PROVIDER_METADATA_S,
		.max_s = PROVIDER_METADATA_S,
		.usual_s = PROVIDER_METADATA_S,
		.take = take_metadata,
		.tried = metadata_tried,
		.arg = p,
	};
	struct metadata_url at = { .text = NULL };
	struct metadata_problem problem;

	if (metadata_locate(p->settings->openid.issuer, &at, &problem) != 0)
		log_fatal("auth.openid.%s %s", problem.member, problem.what);
	p->metadata_source = source_new(p->base, client, &spec);
	source_aim(p->metadata_source, &at, FIRST_MS);
	metadata_url_done(&at);
}

struct provider *
provider_new(struct event_base *base, const struct settings *settings,
    struct fetch_client *client)
{
	struct provider *p = mem_new(sizeof(*p));
	const struct openid_settings *o = &settings->openid;
	const struct metadata_override override = {
		.authorization_endpoint = o->override.authorization_endpoint,
		.token_endpoint = o->override.token_endpoint,
		.jwks_uri = o->override.jwks_uri,
		.userinfo_endpoint = o->override.userinfo_endpoint,
		.end_session_endpoint = o->override.end_session_endpoint,
	};
	const struct source_spec spec = {
		.name = "keys",
		.setting = "its jwks_uri",
		.max = JWKS_TEXT_MAX,
		.min_s = PROVIDER_KEYS_MIN_S,
		.max_s = PROVIDER_KEYS_MAX_S,
		.usual_s = PROVIDER_KEYS_S,
		.take = take_keys,
		.tried = keys_tried,
		.arg = p,
	};

	json_strict_init();
	p->base = base;
	p->settings = settings;
	p->algs = allowed_algs(o);
	TAILQ_INIT(&p->needs);
	TAILQ_INIT(&p->answered);
	TAILQ_INIT(&p->questions);
	p->keys_source = source_new(base, client, &spec);
	if (metadata_is_overridden(&override))
		use_override(p, &override);
	else
		use_discovery(p, client);
	return p;
}

void
provider_free(struct provider *p)
{
	struct need *n;
	struct question *q;

	if (p == NULL)
		return;
	source_free(p->metadata_source);
	source_free(p->keys_source);
	while ((n = TAILQ_FIRST(&p->needs)) != NULL)
		need_free(&p->needs, n);
	while ((n = TAILQ_FIRST(&p->answered)) != NULL)
		need_free(&p->answered, n);
	while ((q = TAILQ_FIRST(&p->questions)) != NULL)
		question_free(q);
	metadata_free(p->metadata);
	jwks_free(p->keys);
	free(p);
}
