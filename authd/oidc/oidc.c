/* See oidc.h. */
#include "authd/oidc/oidc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

void
oidc_status(const struct oidc *o, char text[OIDC_STATUS_MAX])
{
	struct refresh_counts refreshes = refresh_counts(o->authd->refreshes);
	int n = snprintf(text, OIDC_STATUS_MAX,
	    "openid logins begun: %" PRIu64 "\n"
	    "openid logins: %" PRIu64 "\n"
	    "openid logins refused: %" PRIu64 "\n"
	    "openid logins on their way: %zu\n"
	    "openid refreshes: %" PRIu64 "\n"
	    "openid refreshes failed: %" PRIu64 "\n"
	    "openid refreshes refused: %" PRIu64 "\n"
	    "openid refreshes on their way: %zu\n",
	    o->starts, o->logins, o->refused, o->n_attempts, refreshes.done,
	    refreshes.failed, refreshes.ended, refreshes.in_flight);

	if (o->assertions != NULL)
		n += (int)assertions_status(o->assertions, text + n);
	provider_status(o->provider, text + n, OIDC_STATUS_MAX - (size_t)n);
}
