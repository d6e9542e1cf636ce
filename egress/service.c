/* See service.h. */
#include "egress/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "common/ca_set.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "egress/egress.h"
#include "egress/oauth2.h"
#include "egress/secrets.h"
#include "egress/service_auth.h"
#include "egress/trust.h"
#include "egress/upstream.h"

#define WAIT_MS 10000 /* for a credential; people wait too */

struct service_wait {
	TAILQ_ENTRY(service_wait) entry;
	struct service *service;
	struct event *timer;
	service_fn *done;
	void *arg;
};

struct service {
	struct egress *eg;
	const char *name;
	char *ca_name;			    /* its ca_file in messages */
	const struct service_settings *set; /* NULL: the console */
	struct upstream *upstream;
	struct stack_st_X509 *own_ca; /* NULL: the common ones */
	bool lacks_ca;		      /* ca_file is set, but not here yet */
	struct service_auth *auth;    /* NULL: the console */
	struct oauth2 *oauth2;
	struct upstream *endpoint; /* of oauth2 */
	struct log_rate rate;
	TAILQ_HEAD(wait_list, service_wait) waits;
};

/* --- waiting for the credential --- */

static void
wait_free(struct service_wait *w)
{
	TAILQ_REMOVE(&w->service->waits, w, entry);
	event_free(w->timer);
	free(w);
}

void
service_cancel(struct service_wait *w)
{
	if (w != NULL)
		wait_free(w);
}

static void
wait_done(struct service_wait *w, int err)
{
	service_fn *done = w->done;
	void *arg = w->arg;

	wait_free(w);
	done(err, arg);
}

static void
log_lack(struct service *s, const char *problem, const char *what)
{
	log_limited(&s->rate, 10000, LOG_LEVEL_ERROR,
	    "%s: requests to it are refused: %s %s", s->name, problem, what);
}

static int
answer_of(struct service *s)
{
	const char *what = NULL;
	enum service_auth_state state = SERVICE_AUTH_READY;

	if (s->auth != NULL)
		state = service_auth_check(s->auth, &what);
	if (state == SERVICE_AUTH_REFUSED) {
		log_lack(s, "nothing of use in", what);
		return ERR_UNAVAILABLE;
	}
	return state == SERVICE_AUTH_READY && !s->lacks_ca &&
		!upstream_lacks_identity(s->upstream)
	    ? 0
	    : ERR_MORE;
}

static void
wait_over(evutil_socket_t fd, short what, void *arg)
{
	struct service_wait *w = arg;

	(void)fd;
	(void)what;
	log_lack(
	    w->service, "no answer in time about", service_lacks(w->service));
	wait_done(w, ERR_TIMEOUT);
}

int
service_authorize(
    struct service *s, service_fn *done, void *arg, struct service_wait **wait)
{
	static const struct timeval limit = { WAIT_MS / 1000, 0 };
	struct service_wait *w;
	int r = answer_of(s);

	if (r != ERR_MORE)
		return r;
	w = mem_new(sizeof(*w));
	*w = (struct service_wait){ .service = s, .done = done, .arg = arg };
	w->timer = evtimer_new(s->eg->base, wait_over, w);
	if (w->timer == NULL || event_add(w->timer, &limit) != 0)
		log_fatal("no timer");
	TAILQ_INSERT_TAIL(&s->waits, w, entry);
	*wait = w;
	return ERR_MORE;
}

/* Whoever waits is told as soon as there is something to tell. */
static void
tell(struct service *s)
{
	int r;

	while (!TAILQ_EMPTY(&s->waits) && (r = answer_of(s)) != ERR_MORE)
		wait_done(TAILQ_FIRST(&s->waits), r);
}

/* The access token, or the client certificate. */
static void
token_changed(void *arg)
{
	tell(arg);
}

void
service_answered(struct service *s, const struct held *h)
{
	if (s->auth == NULL || !service_auth_uses(s->auth, h))
		return;
	service_auth_update(s->auth);
	if (h == service_auth_client_secret(s->auth))
		oauth2_secret_answered(s->oauth2);
	tell(s);
}

/* --- the credential --- */

const char *
service_lacks(const struct service *s)
{
	const char *what = NULL;

	if (s->auth != NULL)
		(void)service_auth_look(s->auth, &what);
	if (what == NULL && s->lacks_ca)
		what = "ca_file";
	if (what == NULL && upstream_lacks_identity(s->upstream))
		what = "client certificate";
	return what != NULL ? what : "";
}

bool
service_fields(const struct service *s, struct inject_fields *out)
{
	const char *what;

	*out = (struct inject_fields){ .n = 0 };
	if (s->auth == NULL)
		return true;
	if (service_auth_look(s->auth, &what) != SERVICE_AUTH_READY)
		return false;
	service_auth_fields(s->auth, out);
	return true;
}

unsigned
service_token_version(const struct service *s)
{
	return s->oauth2 != NULL ? oauth2_version(s->oauth2) : 0;
}

bool
service_refused(struct service *s, unsigned version)
{
	return s->oauth2 != NULL && oauth2_refused(s->oauth2, version);
}

void
service_ask_identity(struct service *s)
{
	upstream_ask_identity(s->upstream, secrets_chan(s->eg->secrets));
}

/* --- CAs --- */

void
service_trust_again(struct service *s)
{
	struct x509_store_st *store = trust_store(s->eg->trust, s->own_ca);

	if (!s->lacks_ca)
		upstream_trust(s->upstream, store);
	trust_store_free(store);
	if (s->endpoint == NULL)
		return;
	store = trust_store(s->eg->trust, NULL);
	upstream_trust(s->endpoint, store);
	trust_store_free(store);
}

void
service_set_ca(struct service *s, struct slice pem)
{
	struct stack_st_X509 *set;
	int r = ERR_IO;

	if (pem.len > 0)
		r = ca_set_parse(pem, s->ca_name, &set);
	if (r != 0) {
		log_error("%s %s; %s", s->ca_name, ca_set_problem(r),
		    s->lacks_ca ? "requests to it are refused"
				: "nothing changes");
		return;
	}
	log_info("%s: %zu certificates", s->ca_name, ca_set_count(set));
	ca_set_drop(s->own_ca);
	s->own_ca = set;
	s->lacks_ca = false;
	service_trust_again(s);
	tell(s);
}

/* --- the whole --- */

const char *
service_name(const struct service *s)
{
	return s->name;
}

struct upstream *
service_upstream(const struct service *s)
{
	return s->upstream;
}

struct upstream *
service_endpoint(const struct service *s)
{
	return s->endpoint;
}

static struct service *
service_make(struct egress *eg, const struct upstream_spec *spec)
{
	struct service *s = mem_new(sizeof(*s));

	s->eg = eg;
	s->name = spec->name;
	s->ca_name = mem_printf("%s: its ca_file", spec->name);
	s->upstream = upstream_new(eg->base, eg->resolve, spec);
	TAILQ_INIT(&s->waits);
	return s;
}

struct service *
service_new_console(struct egress *eg)
{
	static const char key[] = "doorward.console.ca_file";
	const struct settings *set = eg->settings;
	struct service *s = service_make(eg,
	    &(struct upstream_spec){
		.name = "console", .at = &set->console, .ca_key = key });

	if (set->console.tls && set->console_ca_file[0] != '\0') {
		s->own_ca = trust_read(set->console_ca_file, key);
		secrets_want_ca(eg->secrets, CA_CONSOLE);
	}
	service_trust_again(s);
	return s;
}

static void
oauth2_begin(struct service *s)
{
	const struct oauth2_settings *set = &s->set->auth.oauth2;

	s->endpoint = upstream_new(s->eg->base, s->eg->resolve,
	    &(struct upstream_spec){
		.name = mem_printf("%s token endpoint", s->name),
		.at = &set->token_url,
		.ca_key = "additional-ca-bundle.pem" });
	s->oauth2 = oauth2_new(s->eg->base,
	    &(struct oauth2_config){ .service = s->name,
		.settings = set,
		.endpoint = s->endpoint,
		.secrets = s->eg->secrets,
		.client_secret = service_auth_client_secret(s->auth),
		.changed = token_changed,
		.arg = s });
	service_auth_set_oauth2(s->auth, s->oauth2);
}

struct service *
service_new(struct egress *eg, int service)
{
	const struct service_settings *set = &eg->settings->services[service];
	bool insecure = set->url.tls && set->auth.insecure_skip_verify;
	struct service *s = service_make(eg,
	    &(struct upstream_spec){ .name = set->name,
		.at = &set->url,
		.ca_key =
		    mem_printf("external_services' ca_file of %s", set->name),
		.insecure = insecure });

	s->set = set;
	if (insecure)
		log_warn("%s: insecure_skip_verify is set: whoever sits "
			 "between here and %.100s can read and change "
			 "everything, the credential included",
		    s->name, set->url.host);
	s->auth = service_auth_new(
	    eg->settings, (enum service_id)service, eg->secrets);
	if (set->auth.type == AUTH_OAUTH2)
		oauth2_begin(s);
	if (set->auth.cert_file[0] != '\0')
		upstream_set_identity(
		    s->upstream, (unsigned)service, token_changed, s);
	s->lacks_ca = set->url.tls && !insecure && set->auth.ca_file[0] != '\0';
	if (s->lacks_ca)
		secrets_want_ca(eg->secrets, (unsigned)service);
	service_trust_again(s);
	return s;
}

void
service_describe(const struct service *s, char *dst, size_t cap)
{
	const char *lack = service_lacks(s);
	const char *what = NULL;
	enum service_auth_state state = SERVICE_AUTH_READY;
	char token[160] = "";

	if (s->auth != NULL)
		state = service_auth_look(s->auth, &what);
	if (s->oauth2 != NULL)
		oauth2_describe(s->oauth2, token, sizeof(token));
	(void)snprintf(dst, cap, "credential %s%s%s%s, %zu idle connections",
	    state == SERVICE_AUTH_REFUSED ? "bad: slot "
		: lack[0] == '\0'	  ? "ready"
					  : "waiting: ",
	    lack, token[0] != '\0' ? ", " : "", token,
	    upstream_idle_count(s->upstream));
}
