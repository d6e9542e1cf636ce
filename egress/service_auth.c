/* See service_auth.h. */
#include "egress/service_auth.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/slot.h"
#include "egress/oauth2.h"
#include "egress/secrets.h"

/* All values of the settings together; with an access token beside them a head
 * stays within INJECT_HEAD_MAX. */
#define VALUES_MAX MSG_TOKEN_MAX

_Static_assert(INJECT_CUSTOM_MAX == SLOT_HEADERS_MAX, "custom headers");

/* One value that the credential needs. */
struct need {
	struct held *held;    /* NULL: fallback alone */
	const char *fallback; /* a literal; NULL: there must be a slot */
	char slot[SLOT_NAME_MAX + 1]; /* its name */
	/* As of the last update. */
	unsigned version;
	enum held_state state;
};

enum { NEED_USERNAME, NEED_PASSWORD, NEED_TOKEN, NEED_CLIENT_SECRET, NEEDS };

struct service_auth {
	const struct settings *settings;
	const struct service_settings *set;
	enum service_id service;
	struct secrets *secrets;
	struct oauth2 *oauth2;
	struct need needs[NEEDS + INJECT_CUSTOM_MAX]; /* then the headers */
	size_t n_headers;

	/* What the slots make, as of the last update. */
	enum service_auth_state state;
	const struct need *problem; /* of which one has to be told */
	struct secret *values;	    /* all field values, one behind another */
	struct inject_fields fields;
};

static const char oauth2_what[] = "oauth2 token";

static void make(struct service_auth *a);

/* --- what is needed --- */

static void
want(struct service_auth *a, struct need *n, unsigned slot)
{
	n->held = secrets_want(a->secrets, slot);
	(void)snprintf(
	    n->slot, sizeof(n->slot), "%s", slot_name(a->settings, slot));
}

static void
want_field(struct service_auth *a, unsigned need, enum slot_field field)
{
	want(a, &a->needs[need], slot_of_service(a->service, field));
}

static void
want_basic(struct service_auth *a)
{
	const char *username = a->set->auth.username;

	want_field(a, NEED_USERNAME, SLOT_USERNAME);
	want_field(a, NEED_PASSWORD, SLOT_PASSWORD);
	if (username[0] != '\0' && !slot_is_reference(username))
		a->needs[NEED_USERNAME].fallback = username;
}

static void
want_bearer(struct service_auth *a)
{
	if (a->set->auth.use_kiali_token)
		want(a, &a->needs[NEED_TOKEN], SLOT_CLUSTER_TOKEN_NO);
	else
		want_field(a, NEED_TOKEN, SLOT_TOKEN);
}

static void
want_header(struct service_auth *a, size_t i)
{
	const char *value = a->set->custom_headers.at[i].value;
	struct need *n = &a->needs[NEEDS + i];

	if (value[0] == '\0' || slot_is_reference(value))
		want(a, n, slot_of_header(a->service, i));
	else
		n->fallback = value;
}

struct service_auth *
service_auth_new(const struct settings *settings, enum service_id service,
    struct secrets *secrets)
{
	struct service_auth *a = mem_new(sizeof(*a));

	a->settings = settings;
	a->set = &settings->services[service];
	a->service = service;
	a->secrets = secrets;
	if (a->set->auth.type == AUTH_BASIC)
		want_basic(a);
	else if (a->set->auth.type == AUTH_BEARER)
		want_bearer(a);
	else if (a->set->auth.type == AUTH_OAUTH2)
		want_field(a, NEED_CLIENT_SECRET, SLOT_CLIENT_SECRET);
	a->n_headers = a->set->custom_headers.n;
	assert(a->n_headers <= INJECT_CUSTOM_MAX);
	for (size_t i = 0; i < a->n_headers; i++)
		want_header(a, i);
	make(a);
	return a;
}

void
service_auth_free(struct service_auth *a)
{
	if (a == NULL)
		return;
	secret_free(a->values);
	free(a);
}

struct held *
service_auth_client_secret(struct service_auth *a)
{
	return a->needs[NEED_CLIENT_SECRET].held;
}

void
service_auth_set_oauth2(struct service_auth *a, struct oauth2 *oauth2)
{
	a->oauth2 = oauth2;
}

/* --- what the slots say --- */

static bool
is_wanted(const struct need *n)
{
	return n->held != NULL || n->fallback != NULL;
}

static struct slice
value_of(const struct need *n)
{
	if (n->held != NULL && held_state(n->held) == HELD_READY)
		return held_value(n->held);
	return slice_of(n->fallback);
}

static enum service_auth_state
state_of(const struct need *n)
{
	if (n->held == NULL)
		return SERVICE_AUTH_READY;
	switch (held_state(n->held)) {
	case HELD_READY:
		return SERVICE_AUTH_READY;
	case HELD_WAITING:
		return SERVICE_AUTH_WAITING;
	case HELD_ABSENT:
		if (n->fallback != NULL)
			return SERVICE_AUTH_READY;
		break;
	case HELD_BAD:
		break;
	}
	return SERVICE_AUTH_REFUSED;
}

/* The worst of all, and whose it is. */
static void
judge(struct service_auth *a)
{
	a->state = SERVICE_AUTH_READY;
	a->problem = NULL;
	for (size_t i = 0; i < NEEDS + a->n_headers; i++) {
		const struct need *n = &a->needs[i];
		enum service_auth_state s =
		    is_wanted(n) ? state_of(n) : SERVICE_AUTH_READY;

		if (s > a->state) {
			a->state = s;
			a->problem = n;
		}
	}
}

/* --- the fields --- */

/* Appends to the values; false: no room. */
static bool
append(struct secret *values, struct slice s)
{
	size_t len = secret_len(values);

	if (s.len > secret_cap(values) - len)
		return false;
	secret_set_len(values, len + s.len);
	if (s.len > 0)
		memcpy((char *)secret_bytes(values) + len, s.p, s.len);
	return true;
}

/* "user:password" must have its colon in one place (RFC 7617 2). */
static bool
append_basic(struct secret *values, struct slice user, struct slice password)
{
	struct secret *pair = secret_new(user.len + password.len + 1);
	struct secret *coded =
	    secret_new(B64_LEN(user.len + password.len + 1) + 1);
	bool good = memchr(user.p, ':', user.len) == NULL &&
	    append(pair, user) && append(pair, SLICE(":")) &&
	    append(pair, password);

	if (good) {
		b64_encode(
		    secret_bytes(coded), secret_peek(pair), secret_len(pair));
		secret_set_len(coded, B64_LEN(secret_len(pair)));
		good = append(values, SLICE("Basic ")) &&
		    append(values,
			(struct slice){
			    secret_peek(coded), secret_len(coded) });
	}
	secret_free(pair);
	secret_free(coded);
	return good;
}

/* Makes a field of what has been appended since the offset from. */
static bool
add_field(struct service_auth *a, struct slice name, size_t from)
{
	struct slice value = { (const char *)secret_peek(a->values) + from,
		secret_len(a->values) - from };

	if (!http_field_check(name, value))
		return false;
	a->fields.at[a->fields.n++] = (struct http_field){ name, value };
	return true;
}

static bool
is_custom(const struct service_auth *a, const char *name)
{
	for (size_t i = 0; i < a->n_headers; i++)
		if (http_field_is_same(
			slice_of(a->set->custom_headers.at[i].name),
			slice_of(name)))
			return true;
	return false;
}

/* A name that would change what the request is cannot be a custom header. */
static bool
add_header(struct service_auth *a, size_t i)
{
	struct slice name = slice_of(a->set->custom_headers.at[i].name);
	size_t from = secret_len(a->values);

	return !http_field_is_hop(NULL, name) &&
	    !http_field_is_same(name, SLICE("Host")) &&
	    append(a->values, value_of(&a->needs[NEEDS + i])) &&
	    add_field(a, name, from);
}

static bool
add_authorization(struct service_auth *a)
{
	const struct need *n = a->needs;
	bool good = true;

	if (a->set->auth.type == AUTH_BASIC)
		good = append_basic(a->values, value_of(&n[NEED_USERNAME]),
		    value_of(&n[NEED_PASSWORD]));
	else if (a->set->auth.type == AUTH_BEARER)
		good = append(a->values, SLICE("Bearer ")) &&
		    append(a->values, value_of(&n[NEED_TOKEN]));
	else
		return true;
	/* Custom headers win. */
	return good &&
	    (is_custom(a, "Authorization") ||
		add_field(a, SLICE("Authorization"), 0));
}

/* The need whose value made the fields impossible, or NULL. */
static const struct need *
build(struct service_auth *a)
{
	static const int blame[] = {
		[AUTH_NONE] = NEED_TOKEN,
		[AUTH_BASIC] = NEED_USERNAME,
		[AUTH_BEARER] = NEED_TOKEN,
		[AUTH_OAUTH2] = NEED_CLIENT_SECRET,
	};

	if (!add_authorization(a))
		return &a->needs[blame[a->set->auth.type]];
	for (size_t i = 0; i < a->n_headers; i++)
		if (!add_header(a, i))
			return &a->needs[NEEDS + i];
	return NULL;
}

static void
make(struct service_auth *a)
{
	secret_free(a->values);
	a->values = NULL;
	a->fields.n = 0;
	judge(a);
	if (a->state != SERVICE_AUTH_READY)
		return;
	a->values = secret_new(VALUES_MAX);
	a->problem = build(a);
	if (a->problem == NULL)
		return;
	a->state = SERVICE_AUTH_REFUSED;
	log_error("%s: %s cannot stand in a request's head: it is too long or "
		  "has characters that may not be there",
	    a->set->name,
	    a->problem->slot[0] != '\0' ? a->problem->slot : "a custom header");
}

bool
service_auth_uses(const struct service_auth *a, const struct held *h)
{
	for (size_t i = 0; i < NEEDS + a->n_headers; i++)
		if (a->needs[i].held == h)
			return true;
	return false;
}

/* Has any slot got another value or state since the last time? */
static bool
take_changes(struct service_auth *a)
{
	bool any = false;

	for (size_t i = 0; i < NEEDS + a->n_headers; i++) {
		struct need *n = &a->needs[i];

		if (n->held == NULL ||
		    (n->version == held_version(n->held) &&
			n->state == held_state(n->held)))
			continue;
		n->version = held_version(n->held);
		n->state = held_state(n->held);
		any = true;
	}
	return any;
}

void
service_auth_update(struct service_auth *a)
{
	if (take_changes(a))
		make(a);
}

enum service_auth_state
service_auth_look(const struct service_auth *a, const char **what)
{
	*what = NULL;
	if (a->problem != NULL)
		*what = a->problem->slot[0] != '\0' ? a->problem->slot
						    : "custom_headers";
	if (a->state != SERVICE_AUTH_READY || a->oauth2 == NULL ||
	    oauth2_token(a->oauth2).len > 0)
		return a->state;
	*what = oauth2_what;
	return SERVICE_AUTH_WAITING;
}

enum service_auth_state
service_auth_check(struct service_auth *a, const char **what)
{
	static const enum service_auth_state of[] = {
		[OAUTH2_READY] = SERVICE_AUTH_READY,
		[OAUTH2_WAITING] = SERVICE_AUTH_WAITING,
		[OAUTH2_FAILED] = SERVICE_AUTH_REFUSED,
	};
	enum service_auth_state s = service_auth_look(a, what);

	if (a->state != SERVICE_AUTH_READY || a->oauth2 == NULL)
		return s;
	s = of[oauth2_need(a->oauth2)];
	*what = s != SERVICE_AUTH_READY ? oauth2_what : NULL;
	return s;
}

void
service_auth_fields(const struct service_auth *a, struct inject_fields *out)
{
	*out = a->fields;
	out->bearer = (struct slice){ NULL, 0 };
	if (a->oauth2 != NULL && !is_custom(a, "Authorization"))
		out->bearer = oauth2_token(a->oauth2);
}
