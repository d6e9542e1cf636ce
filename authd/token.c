/*
 * Token checks: form, then offline or by the cluster; see the header. Carries
 * out what kube.c wants to know, within time limits.
 */
#include "authd/token.h"

#include <errno.h>
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
#include "common/secret.h"
#include "common/settings.h"

#include "authd/claims.h"
#include "authd/fetch.h"
#include "authd/jose.h"
#include "authd/jwks.h"
#include "authd/kube.h"
#include "authd/verdict.h"

#define CHECK_MS 8000 /* for all questions of a check together */
#define CALL_MS 3000
#define CHECKS_MAX 256
#define LOG_EVERY_MS 10000

struct token_verifier {
	struct event_base *base;
	const struct settings *settings;
	struct fetch_client *client; /* NULL: offline */
	const struct url *server;    /* borrowed from settings */
	struct jwks *keys;	     /* NULL: by the cluster */
	struct kube_memory memory;
	struct secret *own_token; /* NULL: none */
	size_t n_running;
	struct log_rate unavailable;
	TAILQ_HEAD(checks, token_check) running;
};

struct token_check {
	TAILQ_ENTRY(token_check) link;
	struct token_verifier *verifier;
	token_checked_fn *done;
	void *arg;
	struct event *later;
	struct secret *token, *own_token;
	int64_t deadline_ms; /* monotonic */
	bool has_flow;
	struct kube_flow flow;
	struct fetch *fetch;
	struct token_result result; /* of checks without a flow */
};

/* The verifier */

static void
load_keys(struct token_verifier *v)
{
	const struct settings *s = v->settings;
	char *text = mem_new(JWKS_TEXT_MAX + 1);
	FILE *file = fopen(s->jwks_file, "re");
	const char *why;
	size_t n;

	if (file == NULL)
		log_fatal("doorward.kubernetes.jwks_file %s: %s", s->jwks_file,
		    strerror(errno));
	n = fread(text, 1, JWKS_TEXT_MAX + 1, file);
	fclose(file);
	if (jwks_parse((struct slice){ text, n }, &v->keys, &why) != 0)
		log_fatal(
		    "doorward.kubernetes.jwks_file %s: %s", s->jwks_file, why);
	free(text);
	log_info("Tokens are verified offline with %zu keys of %s",
	    jwks_count(v->keys), s->jwks_file);
}

/* auth.openid.api_proxy stands for the API server, with CAs of its own. */
static bool
is_proxied(const struct settings *s)
{
	return s->strategy == STRATEGY_OPENID &&
	    s->openid.api_proxy.host != NULL;
}

static void
find_cluster(struct token_verifier *v, struct resolve *resolve)
{
	const struct settings *s = v->settings;
	struct fetch_options options = { .own_ca = CA_API_SERVER };

	v->server = is_proxied(s) ? &s->openid.api_proxy : &s->api_server;
	if (!fetch_may_ask(v->server))
		log_fatal("http://%s: only https, or http to loopback, may "
			  "carry tokens",
		    v->server->host);
	options.plain = !v->server->tls;
	if (is_proxied(s))
		options.ca_pem = s->openid.api_proxy_ca;
	else
		options.ca_file = s->api_ca_file;
	v->client = fetch_client_new(v->base, resolve, &options);
}

struct token_verifier *
token_verifier_new(struct event_base *base, const struct settings *settings,
    struct resolve *resolve)
{
	struct token_verifier *v = mem_new(sizeof(*v));

	json_strict_init();
	v->base = base;
	v->settings = settings;
	TAILQ_INIT(&v->running);
	/* Of a provider's tokens only the cluster can say what it thinks. */
	if (settings->strategy != STRATEGY_OPENID &&
	    settings->jwks_file != NULL && settings->jwks_file[0] != '\0')
		load_keys(v);
	else if (settings->api_server.host != NULL || is_proxied(settings))
		find_cluster(v, resolve);
	else if (settings->strategy == STRATEGY_TOKEN)
		log_fatal("auth.strategy token needs "
			  "doorward.kubernetes.api_server or "
			  "doorward.kubernetes.jwks_file");
	return v;
}

void
token_verifier_set_ca(
    struct token_verifier *v, unsigned number, struct slice pem)
{
	if (v->client != NULL)
		fetch_client_set_ca(v->client, number, pem);
}

static void
release(struct token_check *k)
{
	struct token_verifier *v = k->verifier;

	if (k->fetch != NULL)
		fetch_cancel(k->fetch);
	if (k->has_flow)
		kube_flow_done(&k->flow);
	event_free(k->later);
	secret_free(k->token);
	secret_free(k->own_token);
	TAILQ_REMOVE(&v->running, k, link);
	v->n_running--;
	free(k);
}

void
token_verifier_free(struct token_verifier *v)
{
	struct token_check *k;

	if (v == NULL)
		return;
	while ((k = TAILQ_FIRST(&v->running)) != NULL)
		release(k);
	fetch_client_free(v->client);
	jwks_free(v->keys);
	secret_free(v->own_token);
	free(v);
}

void
token_verifier_set_cluster_token(struct token_verifier *v, struct slice token)
{
	secret_free(v->own_token);
	v->own_token = NULL;
	if (token.len == 0)
		return;
	if (!token_is_wellformed(token)) {
		log_error("The secret cluster-token is not a token; it is not "
			  "used");
		return;
	}
	v->own_token = secret_from(token.p, token.len);
}

/* The form of a token */

bool
token_is_wellformed(struct slice token)
{
	if (token.len == 0 || token.len > MSG_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < token.len; i++) {
		char c = token.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("-._~+/=:@", c) == NULL))
			return false;
	}
	return true;
}

/* A check */

static void
deliver(struct token_check *k, const struct token_result *result)
{
	struct token_result copy = *result;
	token_checked_fn *done = k->done;
	void *arg = k->arg;

	release(k);
	done(&copy, arg);
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct token_check *k = arg;

	(void)fd;
	(void)what;
	deliver(k, &k->result);
}

/* Answers from the loop what is already known. */
static void
deliver_later(struct token_check *k)
{
	struct timeval now = { 0, 0 };

	event_add(k->later, &now);
}

/* Whose claims, which are verified. */
static int
identify(struct identity *who, const json_t *claims, const char **why)
{
	struct slice sub;
	int r;

	if (claims_account(claims, who->user) == 0) {
		claims_name_account(who, slice_of(who->user));
		return 0;
	}
	*why = "has no name that could be shown (sub)";
	r = json_strict_text(claims, "sub", &sub);
	if (r == 0)
		r = claims_display_name(sub, who->user);
	return r == 0 ? claims_name_user(who, sub) : r;
}

static void
verify_offline(struct token_check *k, struct slice token)
{
	const struct settings *s = k->verifier->settings;
	struct claims_rules rules = {
		.issuer = s->issuer,
		.audiences = &s->audiences,
		.now = clock_unix_s(),
	};
	struct token_result *result = &k->result;
	const char *why = "is not signed by a key of the cluster";
	struct jose *j = NULL;
	int r;

	if (jose_parse(token, &j) != 0) {
		verdict_malformed(result, s);
		return;
	}
	r = jose_verify(j, k->verifier->keys, JOSE_ALGS_ALL);
	if (r == 0)
		r = claims_check(jose_claims(j), &rules, &why);
	if (r == 0)
		r = identify(&result->who, jose_claims(j), &why);
	if (r == ERR_EXPIRED)
		verdict_expired(result, s, claims_expiry(jose_claims(j)));
	else if (r != 0)
		verdict_refused(result, s, why);
	else
		verdict_ok(result, claims_expiry(jose_claims(j)));
	jose_free(j);
}

static void ask_next(struct token_check *k);

static void
log_unavailable(struct token_check *k, enum kube_ask asked, unsigned status,
    const char *detail)
{
	if (status != 0)
		log_limited(&k->verifier->unavailable, LOG_EVERY_MS,
		    LOG_LEVEL_WARN, "Cannot check a token: %s: HTTP %u, %s",
		    kube_ask_name(asked), status, detail);
	else
		log_limited(&k->verifier->unavailable, LOG_EVERY_MS,
		    LOG_LEVEL_WARN, "Cannot check a token: %s: %.200s",
		    kube_ask_name(asked), detail);
}

static void
answered(const struct fetch_answer *answer, void *arg)
{
	struct token_check *k = arg;
	enum kube_ask asked = k->flow.ask;
	struct kube_answer a = {
		.err = answer->err,
		.status = answer->status,
		.body = answer->body,
		.now = clock_unix_s(),
	};

	k->fetch = NULL;
	kube_flow_answer(&k->flow, &a);
	if (k->flow.ask != KUBE_ASK_NOTHING) {
		ask_next(k);
		return;
	}
	if (k->flow.result.code == LOGIN_UNAVAILABLE)
		log_unavailable(k, asked, answer->status,
		    answer->err != 0 ? answer->detail : k->flow.detail);
	deliver(k, &k->flow.result);
}

static void
ask_next(struct token_check *k)
{
	struct kube_request q;
	struct token_verifier *v = k->verifier;
	struct fetch_request f;
	int64_t left = k->deadline_ms - clock_mono_ms();
	struct secret *bearer;

	if (left <= 0) {
		log_unavailable(k, k->flow.ask, 0, "no time left to ask");
		verdict_unavailable(&k->result);
		deliver_later(k);
		return;
	}
	kube_flow_request(&k->flow, &q);
	bearer = q.with_own_token ? k->own_token : k->token;
	f = (struct fetch_request){
		.server = v->server,
		.kind = q.post ? FETCH_JSON : FETCH_NONE,
		.path = q.path,
		.bearer = { secret_peek(bearer), secret_len(bearer) },
		.body = q.body,
		.timeout_ms = (uint32_t)(left < CALL_MS ? left : CALL_MS),
		.answer_max = q.answer_max,
	};
	k->fetch = fetch_start(v->client, &f, answered, k);
	kube_request_done(&q);
}

static void
ask_cluster(struct token_check *k)
{
	struct token_verifier *v = k->verifier;
	struct slice token = { secret_peek(k->token), secret_len(k->token) };

	if (v->own_token != NULL)
		k->own_token = secret_from(
		    secret_peek(v->own_token), secret_len(v->own_token));
	k->deadline_ms = clock_mono_ms() + CHECK_MS;
	kube_flow_init(&k->flow, v->settings, &v->memory, v->own_token != NULL,
	    token, clock_unix_s());
	k->has_flow = true;
	ask_next(k);
}

struct token_check *
token_check_start(struct token_verifier *v, struct slice token,
    token_checked_fn *done, void *arg)
{
	struct token_check *k = mem_new(sizeof(*k));
	bool busy = v->n_running >= CHECKS_MAX;

	k->verifier = v;
	k->done = done;
	k->arg = arg;
	k->later = evtimer_new(v->base, on_later, k);
	if (k->later == NULL)
		log_fatal("out of memory");
	TAILQ_INSERT_TAIL(&v->running, k, link);
	v->n_running++;
	if (!token_is_wellformed(token)) {
		verdict_malformed(&k->result, v->settings);
		deliver_later(k);
	} else if (busy) {
		verdict_busy(&k->result);
		deliver_later(k);
	} else if (v->keys != NULL) {
		verify_offline(k, token);
		deliver_later(k);
	} else {
		k->token = secret_from(token.p, token.len);
		ask_cluster(k);
	}
	return k;
}

void
token_check_cancel(struct token_check *check)
{
	release(check);
}
