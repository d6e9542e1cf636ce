/* See oidc.h. */
#include "authd/oidc/oidc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"

#include "authd/authd.h"
#include "authd/fetch.h"
#include "authd/oidc/assertion.h"
#include "authd/oidc/attempt.h"
#include "authd/oidc/end.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/refresh.h"
#include "authd/oidc/token_endpoint.h"

struct oidc *
oidc_new(struct authd *a, struct resolve *resolve)
{
	const struct openid_settings *s = &a->settings->openid;
	struct oidc *o = mem_new(sizeof(*o));
	struct fetch_options options = {
		.insecure = s->insecure_skip_verify_tls,
		.own_ca = CA_OPENID,
		.https_proxy = &s->https_proxy,
	};

	o->authd = a;
	o->settings = a->settings;
	TAILQ_INIT(&o->attempts);
	TAILQ_INIT(&o->token_ends);
	TAILQ_INIT(&o->notices);
	if (s->insecure_skip_verify_tls)
		log_warn("auth.openid.insecure_skip_verify_tls: whoever is in "
			 "the way to the provider can sign in as anybody");
	o->client = fetch_client_new(a->base, resolve, &options);
	o->provider = provider_new(a->base, a->settings, o->client);
	if (s->auth_method == OPENID_AUTH_PRIVATE_KEY_JWT)
		o->assertions = assertions_new(a);
	o->endpoint = token_endpoint_new(
	    a->settings, o->provider, o->client, o->assertions);
	a->refreshes = refreshes_new(a, o->provider, o->endpoint);
	return o;
}

void
oidc_free(struct oidc *o)
{
	struct attempt *t;

	if (o == NULL)
		return;
	token_endpoint_free(o->endpoint);
	assertions_free(o->assertions);
	provider_free(o->provider);
	fetch_client_free(o->client);
	oidc_end_free(o);
	while ((t = TAILQ_FIRST(&o->attempts)) != NULL) {
		TAILQ_REMOVE(&o->attempts, t, link);
		TAILQ_REMOVE(&o->authd->pending, &t->pending, link);
		t->release(t);
	}
	free(o);
}

void
oidc_set_secret(struct oidc *o, struct slice secret)
{
	token_endpoint_set_secret(o->endpoint, secret);
}

void
oidc_key_changed(struct oidc *o)
{
	if (o->assertions != NULL)
		assertions_ask(o->assertions);
}

void
oidc_set_ca(struct oidc *o, unsigned number, struct slice pem)
{
	fetch_client_set_ca(o->client, number, pem);
	provider_retry(o->provider);
}

static int
put_refused(const struct oidc *o, char *dst, size_t cap)
{
	uint64_t all = 0;
	int n = 0;

	for (int i = 0; i < LOGIN_CODE_COUNT; i++) {
		all += o->refused[i];
		if (i != LOGIN_OK && i != LOGIN_NOT_OFFERED)
			n += snprintf(dst + n, cap - (size_t)n,
			    "openid logins refused %s: %" PRIu64 "\n",
			    authd_login_code_name((enum login_code)i),
			    o->refused[i]);
	}
	return n +
	    snprintf(dst + n, cap - (size_t)n,
		"openid logins refused: %" PRIu64 "\n", all);
}

static int
put_last(const struct oidc *o, char *dst, size_t cap)
{
	char login[CLOCK_RFC3339_LEN + 1] = "none",
				       refusal[CLOCK_RFC3339_LEN + 1] = "none";

	if (o->login_s != 0)
		clock_rfc3339(login, o->login_s);
	if (o->refusal_s != 0)
		clock_rfc3339(refusal, o->refusal_s);
	return snprintf(dst, cap,
	    "openid last login: %s\n"
	    "openid last refusal: %s%s%s\n",
	    login, refusal, o->refusal_s != 0 ? ": " : "", o->refusal);
}

static int
put_refreshes(const struct oidc *o, char *dst, size_t cap)
{
	struct refresh_counts c = refresh_counts(o->authd->refreshes);

	return snprintf(dst, cap,
	    "openid refreshes: %" PRIu64 "\n"
	    "openid refreshes failed: %" PRIu64 "\n"
	    "openid refreshes refused: %" PRIu64 "\n"
	    "openid refreshes on their way: %zu\n",
	    c.done, c.failed, c.ended, c.in_flight);
}

/* OIDC_STATUS_MAX holds all of it, so that no length here is cut. */
_Static_assert(OIDC_STATUS_MAX >
	PROVIDER_STATUS_MAX + ASSERTION_STATUS_MAX + OIDC_REFUSAL_MAX + 1024,
    "fits");

void
oidc_status(const struct oidc *o, char text[OIDC_STATUS_MAX])
{
	const size_t max = OIDC_STATUS_MAX;
	int n = snprintf(text, max,
	    "openid logins begun: %" PRIu64 "\n"
	    "openid logins: %" PRIu64 "\n"
	    "openid logins on their way: %zu\n",
	    o->starts, o->logins, o->n_attempts);

	n += put_refused(o, text + n, max - (size_t)n);
	n += put_refreshes(o, text + n, max - (size_t)n);
	n += put_last(o, text + n, max - (size_t)n);
	if (o->assertions != NULL)
		n += (int)assertions_status(o->assertions, text + n);
	provider_status(o->provider, text + n);
}
