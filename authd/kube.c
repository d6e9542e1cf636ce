/*
 * The dialogue with a cluster about one token; see the header.
 */
#include "authd/kube.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/wiped_mem.h"

#include "authd/claims.h"
#include "authd/jose.h"
#include "authd/verdict.h"

#define AUTHN "/apis/authentication.k8s.io/"
#define AUTHZ "/apis/authorization.k8s.io/"
#define BIT(ask) (1u << (unsigned)(ask))

typedef void answer_fn(struct kube_flow *f, const struct kube_answer *a);

static answer_fn answer_self_review, answer_token_review, answer_access_review,
    answer_namespaces, answer_namespace;

/* clang-format off */
static const struct question {
	const char *name;
	bool post, with_own_token;
	const char *path;
	const char *version, *kind; /* of the document that goes out and comes */
	size_t answer_max;
	answer_fn *answer;
} questions[KUBE_ASK_COUNT] = {
	[KUBE_ASK_SELF_V1] = {
		"SelfSubjectReview v1", true, false,
		AUTHN "v1/selfsubjectreviews",
		"authentication.k8s.io/v1", "SelfSubjectReview",
		KUBE_ANSWER_MAX, answer_self_review },
	[KUBE_ASK_SELF_V1BETA1] = {
		"SelfSubjectReview v1beta1", true, false,
		AUTHN "v1beta1/selfsubjectreviews",
		"authentication.k8s.io/v1beta1", "SelfSubjectReview",
		KUBE_ANSWER_MAX, answer_self_review },
	[KUBE_ASK_SELF_V1ALPHA1] = {
		"SelfSubjectReview v1alpha1", true, false,
		AUTHN "v1alpha1/selfsubjectreviews",
		"authentication.k8s.io/v1alpha1", "SelfSubjectReview",
		KUBE_ANSWER_MAX, answer_self_review },
	[KUBE_ASK_TOKEN_REVIEW] = {
		"TokenReview", true, true,
		AUTHN "v1/tokenreviews",
		"authentication.k8s.io/v1", "TokenReview",
		KUBE_ANSWER_MAX, answer_token_review },
	[KUBE_ASK_ACCESS_REVIEW] = {
		"SelfSubjectAccessReview", true, false,
		AUTHZ "v1/selfsubjectaccessreviews",
		"authorization.k8s.io/v1", "SelfSubjectAccessReview",
		KUBE_ANSWER_MAX, answer_access_review },
	[KUBE_ASK_NAMESPACES] = {
		"namespaces", false, false, "/api/v1/namespaces?limit=1",
		"v1", "NamespaceList", KUBE_LIST_MAX, answer_namespaces },
	[KUBE_ASK_NAMESPACE] = {
		"namespace", false, false, "/api/v1/namespaces/",
		"v1", "Namespace", KUBE_ANSWER_MAX, answer_namespace },
	[KUBE_ASK_NOTHING] = { .name = "nothing" },
};
/* clang-format on */

const char *
kube_ask_name(enum kube_ask ask)
{
	return questions[ask].name;
}

/* RFC 1123 label: the name goes into a path. */
static bool
is_namespace(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 63 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* endings */

static void
finish(struct kube_flow *f)
{
	f->ask = KUBE_ASK_NOTHING;
}

static void
finish_unavailable(struct kube_flow *f, const char *detail)
{
	f->detail = detail;
	verdict_unavailable(&f->result);
	finish(f);
}

static int64_t
own_expiry(const struct kube_flow *f)
{
	return f->jose != NULL ? claims_expiry(jose_claims(f->jose)) : 0;
}

/* The server says no. That the token's own exp is past is then the likely
 * reason, and the one that helps; the claim is not verified, but a forger
 * misleads only himself. */
static void
finish_rejected(struct kube_flow *f, int64_t now)
{
	int64_t expiry = own_expiry(f);

	if (expiry > 0 && expiry <= now)
		verdict_expired(&f->result, f->settings, expiry);
	else
		verdict_rejected(&f->result, f->settings);
	finish(f);
}

static void
finish_ok(struct kube_flow *f, int64_t now)
{
	int64_t expiry = own_expiry(f);

	/* The server allows a minute more than the token says; a session that
	 * ends in the past helps nobody. */
	if (expiry > 0 && expiry <= now) {
		finish_rejected(f, now);
		return;
	}
	verdict_ok(&f->result, expiry);
	finish(f);
}

/* who is it? */

static void
remember(struct kube_flow *f, enum kube_ask works, int64_t now)
{
	if (f->memory->until > now && f->memory->works == works)
		return;
	f->memory->works = works;
	f->memory->until = now + KUBE_MEMORY_S;
}

static enum kube_ask
older_way(const struct kube_flow *f)
{
	return f->has_own_token ? KUBE_ASK_TOKEN_REVIEW
				: KUBE_ASK_ACCESS_REVIEW;
}

static void
ask_self_review(struct kube_flow *f)
{
	for (int ask = KUBE_ASK_SELF_V1; ask <= KUBE_ASK_SELF_V1ALPHA1; ask++)
		if ((f->asked & BIT(ask)) == 0) {
			f->ask = (enum kube_ask)ask;
			return;
		}
	f->ask = older_way(f);
}

static void
ask_namespaces(struct kube_flow *f)
{
	f->ask = KUBE_ASK_NAMESPACES;
}

static bool
in_groups(const json_t *user, const char *group)
{
	json_t *groups;

	if (json_strict_array(user, "groups", &groups) != 0)
		return false;
	for (size_t i = 0; i < json_array_size(groups); i++)
		if (json_is_string(json_array_get(groups, i)) &&
		    slice_is(json_strict_text_at(groups, i), group))
			return true;
	return false;
}

/* Where the server says them they count, and not what a name implies. */
static void
take_groups(struct kube_flow *f, const json_t *user)
{
	struct identity *who = &f->result.who;
	json_t *groups;

	if (json_strict_array(user, "groups", &groups) != 0 ||
	    !json_strict_texts(groups, IDENTITY_GROUPS_MAX))
		return;
	who->groups_len = 0;
	for (size_t i = 0; i < json_array_size(groups); i++)
		claims_add_group(who, json_strict_text_at(groups, i));
}

/* A user as the server describes it: sets the name and goes on, or ends. */
static void
take_user(struct kube_flow *f, const json_t *user, int64_t now)
{
	struct slice name;

	if (json_strict_text(user, "username", &name) != 0) {
		finish_unavailable(f, "the answer has no user name");
		return;
	}
	if (slice_is(name, "system:anonymous") ||
	    in_groups(user, "system:unauthenticated")) {
		finish_rejected(f, now);
		return;
	}
	if (claims_display_name(name, f->result.who.user) != 0 ||
	    claims_name_user(&f->result.who, name) != 0) {
		finish_unavailable(f,
		    "the user name is empty, too long or has "
		    "control characters");
		return;
	}
	take_groups(f, user);
	ask_namespaces(f);
}

/* A bound token for somebody else may still be good at an API server that has
 * several audiences; the configured ones decide. The server took the token, so
 * its claims are true. */
static bool
is_for_us(struct kube_flow *f, int64_t now)
{
	if (f->jose == NULL ||
	    !claims_bound_elsewhere(
		jose_claims(f->jose), &f->settings->audiences))
		return true;
	finish_rejected(f, now);
	return false;
}

static bool
is_created(const struct kube_answer *a)
{
	return a->status == 201 || a->status == 200;
}

/* The answer as a document of the kind that was asked for, or NULL, ended. */
static json_t *
take_document(struct kube_flow *f, const struct kube_answer *a)
{
	const struct question *q = &questions[f->ask];
	json_t *o = NULL;

	if (json_strict_parse(a->body, q->answer_max, &o) != 0) {
		finish_unavailable(f, "the answer is not JSON as we accept it");
		return NULL;
	}
	if (json_strict_is(o, "kind", q->kind) &&
	    json_strict_is(o, "apiVersion", q->version))
		return o;
	json_decref(o);
	finish_unavailable(f, "the answer is of another kind");
	return NULL;
}

static void
answer_self_review(struct kube_flow *f, const struct kube_answer *a)
{
	enum kube_ask asked = f->ask;
	json_t *o, *status = NULL, *user = NULL;

	if (a->status == 404 || a->status == 403) {
		ask_self_review(f);
		return;
	}
	if (!is_created(a)) {
		finish_unavailable(f, "unexpected status");
		return;
	}
	o = take_document(f, a);
	if (o == NULL)
		return;
	if (json_strict_object(o, "status", &status) != 0 ||
	    json_strict_object(status, "userInfo", &user) != 0)
		finish_unavailable(f, "the answer has no userInfo");
	else if (is_for_us(f, a->now))
		take_user(f, user, a->now);
	if (f->ask == KUBE_ASK_NAMESPACES)
		remember(f, asked, a->now);
	json_decref(o);
}

/* An answer without audiences comes from a server that has not checked them. */
static bool
answers_audience(const struct kube_flow *f, const json_t *status)
{
	const struct conf_list *wanted = &f->settings->audiences;
	json_t *given;

	if (wanted->n == 0)
		return true;
	if (json_strict_array(status, "audiences", &given) != 0)
		return false;
	for (size_t i = 0; i < json_array_size(given); i++)
		for (size_t k = 0; k < wanted->n; k++)
			if (json_is_string(json_array_get(given, i)) &&
			    slice_is(
				json_strict_text_at(given, i), wanted->at[k]))
				return true;
	return false;
}

/* "authenticated" is absent in a refusal, not false. */
static bool
is_authenticated(const json_t *status)
{
	struct slice error;
	bool yes = false;

	if (json_strict_bool(status, "authenticated", &yes) != 0)
		return false;
	if (json_strict_text(status, "error", &error) == 0 && error.len > 0)
		return false;
	return yes;
}

static void
answer_token_review(struct kube_flow *f, const struct kube_answer *a)
{
	json_t *o, *status = NULL, *user = NULL;

	if (a->status == 401 || a->status == 403) {
		finish_unavailable(
		    f, "Doorward's own token (cluster-token) may not review");
		return;
	}
	if (!is_created(a)) {
		finish_unavailable(f, "unexpected status");
		return;
	}
	o = take_document(f, a);
	if (o == NULL)
		return;
	if (json_strict_object(o, "status", &status) != 0)
		finish_unavailable(f, "the answer has no status");
	else if (!is_authenticated(status) || !answers_audience(f, status))
		finish_rejected(f, a->now);
	else if (json_strict_object(status, "user", &user) != 0)
		finish_unavailable(f, "the answer has no user");
	else
		take_user(f, user, a->now);
	if (f->ask == KUBE_ASK_NAMESPACES)
		remember(f, KUBE_ASK_TOKEN_REVIEW, a->now);
	json_decref(o);
}

/* The server took the token without saying whose it is. Names come from the
 * kubernetes.io claims, as the server itself has them; it never reads sub. */
static void
take_claimed_user(struct kube_flow *f)
{
	struct identity *who = &f->result.who;

	if (f->jose != NULL &&
	    claims_account(jose_claims(f->jose), who->user) == 0)
		claims_name_account(who, slice_of(who->user));
	else
		snprintf(who->user, sizeof(who->user), "token");
	ask_namespaces(f);
}

static void
answer_access_review(struct kube_flow *f, const struct kube_answer *a)
{
	json_t *o, *status;

	if (a->status == 403) { /* what anonymous gets */
		finish_rejected(f, a->now);
		return;
	}
	if (!is_created(a)) {
		finish_unavailable(f, "unexpected status");
		return;
	}
	o = take_document(f, a);
	if (o == NULL)
		return;
	if (json_strict_object(o, "status", &status) != 0)
		finish_unavailable(f, "the answer has no status");
	else if (is_for_us(f, a->now))
		take_claimed_user(f);
	if (f->ask == KUBE_ASK_NAMESPACES)
		remember(f, KUBE_ASK_TOKEN_REVIEW, a->now);
	json_decref(o);
}

/* does it see a namespace? */

/* From f->namespace on, the next that can stand in a path. */
static void
ask_namespace(struct kube_flow *f)
{
	const struct conf_list *list = &f->settings->namespaces;

	while (f->namespace < list->n && !is_namespace(list->at[f->namespace]))
		f->namespace ++;
	if (f->namespace < list->n) {
		f->ask = KUBE_ASK_NAMESPACE;
		return;
	}
	verdict_no_namespace(&f->result);
	finish(f);
}

static void
answer_namespaces(struct kube_flow *f, const struct kube_answer *a)
{
	json_t *o, *items = NULL;

	if (a->status == 403) {
		ask_namespace(f);
		return;
	}
	if (a->status != 200) {
		finish_unavailable(f, "unexpected status");
		return;
	}
	o = take_document(f, a);
	if (o == NULL)
		return;
	/* An empty list may be null: it is Go. */
	if (json_strict_array(o, "items", &items) != 0 &&
	    !json_is_null(json_object_get(o, "items")))
		finish_unavailable(f, "the list has no items");
	else if (json_array_size(items) > 0)
		finish_ok(f, a->now);
	else
		ask_namespace(f);
	json_decref(o);
}

static void
answer_namespace(struct kube_flow *f, const struct kube_answer *a)
{
	json_t *o;

	if (a->status == 403 || a->status == 404) {
		f->namespace ++;
		ask_namespace(f);
		return;
	}
	if (a->status != 200) {
		finish_unavailable(f, "unexpected status");
		return;
	}
	o = take_document(f, a);
	if (o == NULL)
		return;
	json_decref(o);
	finish_ok(f, a->now);
}

/* the dialogue */

void
kube_flow_init(struct kube_flow *f, const struct settings *settings,
    struct kube_memory *memory, bool has_own_token, struct slice token,
    int64_t now)
{
	*f = (struct kube_flow){
		.settings = settings,
		.memory = memory,
		.token = token,
		.has_own_token = has_own_token,
	};
	if (jose_parse(token, &f->jose) != 0)
		f->jose = NULL;
	if (memory->until <= now)
		ask_self_review(f);
	else if (memory->works == KUBE_ASK_TOKEN_REVIEW)
		f->ask = older_way(f);
	else
		f->ask = memory->works;
}

void
kube_flow_done(struct kube_flow *f)
{
	jose_free(f->jose);
	secret_wipe(f, sizeof(*f));
}

void
kube_flow_answer(struct kube_flow *f, const struct kube_answer *a)
{
	const struct question *q = &questions[f->ask];

	f->asked |= BIT(f->ask);
	if (a->err == ERR_LIMIT)
		finish_unavailable(f, "the answer is too long");
	else if (a->err != 0)
		finish_unavailable(f, "no answer");
	else if (a->status == 401 && !q->with_own_token)
		finish_rejected(f, a->now);
	else if (a->status >= 500 || a->status == 429)
		finish_unavailable(f, "the server has a problem");
	else
		q->answer(f, a);
}

/* requests */

static json_t *
review_spec(const struct kube_flow *f)
{
	const struct conf_list *audiences = &f->settings->audiences;
	json_t *spec = json_object(), *list;

	json_object_set_new(
	    spec, "token", json_stringn(f->token.p, f->token.len));
	if (audiences->n == 0)
		return spec;
	list = json_array();
	for (size_t i = 0; i < audiences->n; i++)
		json_array_append_new(list, json_string(audiences->at[i]));
	json_object_set_new(spec, "audiences", list);
	return spec;
}

static char *
review_body(const struct kube_flow *f)
{
	const struct question *q = &questions[f->ask];
	json_t *o =
	    json_pack("{s:s, s:s}", "apiVersion", q->version, "kind", q->kind);
	char *text;

	if (f->ask == KUBE_ASK_TOKEN_REVIEW)
		json_object_set_new(o, "spec", review_spec(f));
	else if (f->ask == KUBE_ASK_ACCESS_REVIEW)
		json_object_set_new(o, "spec",
		    json_pack("{s:{s:s, s:s}}", "resourceAttributes", "verb",
			"list", "resource", "namespaces"));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

void
kube_flow_request(const struct kube_flow *f, struct kube_request *out)
{
	const struct question *q = &questions[f->ask];
	const char *ns = f->ask == KUBE_ASK_NAMESPACE
	    ? f->settings->namespaces.at[f->namespace]
	    : "";

	*out = (struct kube_request){
		.post = q->post,
		.with_own_token = q->with_own_token,
		.answer_max = q->answer_max,
	};
	snprintf(out->path, sizeof(out->path), "%s%s", q->path, ns);
	out->body = q->post ? review_body(f) : wiped_strdup("");
}

void
kube_request_done(struct kube_request *r)
{
	wiped_free(r->body);
	r->body = NULL;
}
