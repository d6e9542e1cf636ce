/* The dialogue with a cluster, by tables: what is asked next, and what the
 * answers of real API servers (1.20 and newer) lead to. */
#include "authd/kube.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/settings.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1700000000
#define STEPS_MAX 8

#define ACCOUNT "system:serviceaccount:istio-system:kiali-service-account"
#define GROUPS \
	"\"groups\":[\"system:serviceaccounts\",\"system:authenticated\"]"
#define AUTHN "\"apiVersion\":\"authentication.k8s.io/v1\""
#define SELF_OF(user, groups)                                                         \
	"{\"kind\":\"SelfSubjectReview\"," AUTHN ",\"metadata\":"                     \
	"{\"creationTimestamp\":null},\"status\":{\"userInfo\":{\"username\":\"" user \
	"\"," groups "}}}"
#define SELF SELF_OF(ACCOUNT, GROUPS)
#define SELF_BETA                                           \
	"{\"kind\":\"SelfSubjectReview\","                  \
	"\"apiVersion\":\"authentication.k8s.io/v1beta1\"," \
	"\"status\":{\"userInfo\":{\"username\":\"bob\"}}}"
#define SELF_ALPHA                                           \
	"{\"kind\":\"SelfSubjectReview\","                   \
	"\"apiVersion\":\"authentication.k8s.io/v1alpha1\"," \
	"\"status\":{\"userInfo\":{\"username\":\"bob\"}}}"
#define REVIEW_OF(status)                                                 \
	"{\"kind\":\"TokenReview\"," AUTHN ",\"spec\":{\"token\":\"t\"}," \
	"\"status\":" status "}"
#define REVIEW_USER "\"user\":{\"username\":\"" ACCOUNT "\"," GROUPS "}"
#define REVIEW                                           \
	REVIEW_OF("{\"authenticated\":true," REVIEW_USER \
		  ",\"audiences\":[\"https://kubernetes.default.svc\"]}")
#define ACCESS                                        \
	"{\"kind\":\"SelfSubjectAccessReview\","      \
	"\"apiVersion\":\"authorization.k8s.io/v1\"," \
	"\"spec\":{},\"status\":{\"allowed\":false}}"
#define LIST_OF(items)                                       \
	"{\"kind\":\"NamespaceList\",\"apiVersion\":\"v1\"," \
	"\"metadata\":{\"resourceVersion\":\"1\"},\"items\":" items "}"
#define LIST LIST_OF("[{\"metadata\":{\"name\":\"default\"}}]")
#define ONE                                              \
	"{\"kind\":\"Namespace\",\"apiVersion\":\"v1\"," \
	"\"metadata\":{\"name\":\"bookinfo\"}}"
#define STATUS                                                        \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{}," \
	"\"status\":\"Failure\"}"

enum token { OPAQUE, LEGACY, BOUND, EXPIRED, FOR_OTHERS, NAMELESS };
/* clang-format off */
static const char *const claims_of[] = {
	[LEGACY] = "{\"iss\":\"kubernetes/serviceaccount\",\"kubernetes.io/serviceaccount/namespace\":\"istio-system\","
	  "\"kubernetes.io/serviceaccount/service-account.name\":\"kiali-service-account\",\"sub\":\"" ACCOUNT "\"}",
	[BOUND] = "{\"aud\":[\"https://kubernetes.default.svc\"],\"exp\":1700003600,\"kubernetes.io\":{\"namespace\":"
	  "\"bookinfo\",\"serviceaccount\":{\"name\":\"one\",\"uid\":\"7\"}},\"sub\":\"system:serviceaccount:a:forged\"}",
	[EXPIRED] = "{\"aud\":[\"https://kubernetes.default.svc\"],\"exp\":1699990000,\"kubernetes.io\":{\"namespace\":"
	  "\"bookinfo\",\"serviceaccount\":{\"name\":\"one\"}}}",
	[FOR_OTHERS] = "{\"aud\":[\"front-door\"],\"exp\":1700003600,\"kubernetes.io\":{\"namespace\":"
	  "\"bookinfo\",\"serviceaccount\":{\"name\":\"one\"}}}",
	[NAMELESS] = "{\"sub\":\"system:serviceaccount:a:b\",\"exp\":1700003600}",
};

struct step {
	enum kube_ask ask;
	int err;
	unsigned status;
	const char *body;
};
#define SELF1 KUBE_ASK_SELF_V1
#define SELF2 KUBE_ASK_SELF_V1BETA1
#define SELF3 KUBE_ASK_SELF_V1ALPHA1
#define TREV KUBE_ASK_TOKEN_REVIEW
#define SSAR KUBE_ASK_ACCESS_REVIEW
#define NSES KUBE_ASK_NAMESPACES
#define NS1 KUBE_ASK_NAMESPACE
#define OLD { SELF1, 0, 403, STATUS }, { SELF2, 0, 403, STATUS }, { SELF3, 0, 403, STATUS }
#define GOOD { SELF1, 0, 201, SELF }
static const struct test_case {
	const char *name;
	enum token token;
	bool own_token, audiences, no_namespaces;
	enum login_code code;
	const char *user;
	struct step steps[STEPS_MAX];
} cases[] = {
	/* newer clusters */
	{ "new, list", BOUND, false, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { GOOD, { NSES, 0, 200, LIST } } },
	{ "new, not a JWT", OPAQUE, false, false, false, LOGIN_OK, "alice",
	  { { SELF1, 0, 201, SELF_OF("alice", GROUPS) }, { NSES, 0, 200, LIST } } },
	{ "new, v1beta1", BOUND, false, false, false, LOGIN_OK, "bob",
	  { { SELF1, 0, 404, "404 page not found" }, { SELF2, 0, 201, SELF_BETA }, { NSES, 0, 200, LIST } } },
	{ "new, v1alpha1", BOUND, true, false, false, LOGIN_OK, "bob",
	  { { SELF1, 0, 403, STATUS }, { SELF2, 0, 404, "" }, { SELF3, 0, 201, SELF_ALPHA }, { NSES, 0, 200, LIST } } },
	{ "version of the answer differs", BOUND, false, false, false, LOGIN_UNAVAILABLE, "",
	  { { SELF1, 0, 201, SELF_BETA } } },
	{ "bad token", BOUND, false, false, false, LOGIN_REJECTED, "", { { SELF1, 0, 401, STATUS } } },
	{ "bad token that is not a JWT", OPAQUE, false, false, false, LOGIN_REJECTED, "", { { SELF1, 0, 401, STATUS } } },
	{ "expired", EXPIRED, false, false, false, LOGIN_EXPIRED, "", { { SELF1, 0, 401, STATUS } } },
	{ "expired within the server's leeway", EXPIRED, false, false, false, LOGIN_EXPIRED, "",
	  { GOOD, { NSES, 0, 200, LIST } } },
	{ "anonymous", OPAQUE, false, false, false, LOGIN_REJECTED, "",
	  { { SELF1, 0, 201, SELF_OF("system:anonymous", "\"groups\":[\"system:unauthenticated\"]") } } },
	{ "anonymous by group", OPAQUE, false, false, false, LOGIN_REJECTED, "",
	  { { SELF1, 0, 201, SELF_OF("nobody", "\"groups\":[\"system:unauthenticated\"]") } } },
	{ "empty name", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "",
	  { { SELF1, 0, 201, SELF_OF("", GROUPS) } } },
	{ "line end in the name", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "",
	  { { SELF1, 0, 201, SELF_OF("a\\nb", GROUPS) } } },
	{ "no userInfo", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "",
	  { { SELF1, 0, 201, "{\"kind\":\"SelfSubjectReview\"," AUTHN ",\"status\":{}}" } } },
	{ "another kind", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 201, REVIEW } } },
	{ "garbage", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 201, "\x7F" "ELF" } } },
	{ "cut off", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 201, "{\"kind\":\"SelfSub" } } },
	{ "empty", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 201, "" } } },
	{ "duplicate member", OPAQUE, false, false, false, LOGIN_UNAVAILABLE, "",
	  { { SELF1, 0, 201, "{\"kind\":\"SelfSubjectReview\"," AUTHN ",\"status\":{\"userInfo\":{\"username\":\"a\",\"username\":\"b\"}}}" } } },
	{ "500", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 500, STATUS } } },
	{ "429", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 429, STATUS } } },
	{ "redirect", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 302, "" } } },
	{ "400", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 400, STATUS } } },
	{ "202", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, 0, 202, SELF } } },
	{ "refused connection", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, ERR_UNAVAILABLE, 0, "" } } },
	{ "time-out", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, ERR_TIMEOUT, 0, "" } } },
	{ "too long", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { { SELF1, ERR_LIMIT, 0, "" } } },
	{ "audience wanted", BOUND, false, true, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { GOOD, { NSES, 0, 200, LIST } } },
	{ "audience wanted, for others", FOR_OTHERS, false, true, false, LOGIN_REJECTED, "", { GOOD } },
	{ "no audience wanted", FOR_OTHERS, false, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { GOOD, { NSES, 0, 200, LIST } } },
	{ "audience wanted, legacy has the API's", LEGACY, false, true, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { GOOD, { NSES, 0, 200, LIST } } },
	/* older clusters, with a token of our own */
	{ "old, review", LEGACY, true, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { OLD, { TREV, 0, 201, REVIEW }, { NSES, 0, 200, LIST } } },
	{ "old, review, admin's 404", LEGACY, true, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { { SELF1, 0, 404, "" }, { SELF2, 0, 404, "" }, { SELF3, 0, 404, "" }, { TREV, 0, 201, REVIEW }, { NSES, 0, 200, LIST } } },
	{ "review, authenticated absent", LEGACY, true, false, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"user\":{},\"error\":\"invalid bearer token\"}") } } },
	{ "review, authenticated absent with a user", LEGACY, true, false, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{" REVIEW_USER "}") } } },
	{ "review, authenticated a text", LEGACY, true, false, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"authenticated\":\"true\"," REVIEW_USER "}") } } },
	{ "review, error beside authenticated", LEGACY, true, false, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"authenticated\":true,\"error\":\"x\"," REVIEW_USER "}") } } },
	{ "review, expired", EXPIRED, true, false, false, LOGIN_EXPIRED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"user\":{}}") } } },
	{ "review, no status", LEGACY, true, false, false, LOGIN_UNAVAILABLE, "",
	  { OLD, { TREV, 0, 201, "{\"kind\":\"TokenReview\"," AUTHN "}" } } },
	{ "review, anonymous", LEGACY, true, false, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"authenticated\":true,\"user\":{\"username\":\"system:anonymous\"}}") } } },
	{ "review, audiences good", BOUND, true, true, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { OLD, { TREV, 0, 201, REVIEW }, { NSES, 0, 200, LIST } } },
	{ "review, another audience", BOUND, true, true, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"authenticated\":true," REVIEW_USER ",\"audiences\":[\"x\"]}") } } },
	{ "review, server knows no audiences", BOUND, true, true, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW_OF("{\"authenticated\":true," REVIEW_USER "}") } } },
	{ "our own token is bad", LEGACY, true, false, false, LOGIN_UNAVAILABLE, "", { OLD, { TREV, 0, 401, STATUS } } },
	{ "our own token has no right", LEGACY, true, false, false, LOGIN_UNAVAILABLE, "", { OLD, { TREV, 0, 403, STATUS } } },
	{ "reviewed, then 401", BOUND, true, false, false, LOGIN_REJECTED, "",
	  { OLD, { TREV, 0, 201, REVIEW }, { NSES, 0, 401, STATUS } } },
	/* older clusters, without one */
	{ "old, access review", LEGACY, false, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { OLD, { SSAR, 0, 201, ACCESS }, { NSES, 0, 200, LIST } } },
	{ "access review, sub is not read", BOUND, false, false, false, LOGIN_OK, "bookinfo:one",
	  { OLD, { SSAR, 0, 201, ACCESS }, { NSES, 0, 200, LIST } } },
	{ "access review, not a JWT", OPAQUE, false, false, false, LOGIN_OK, "token",
	  { OLD, { SSAR, 0, 201, ACCESS }, { NSES, 0, 200, LIST } } },
	{ "access review, only sub", NAMELESS, false, false, false, LOGIN_OK, "token",
	  { OLD, { SSAR, 0, 201, ACCESS }, { NSES, 0, 200, LIST } } },
	{ "access review, anonymous gets 403", OPAQUE, false, false, false, LOGIN_REJECTED, "",
	  { OLD, { SSAR, 0, 403, STATUS } } },
	{ "access review, 401", BOUND, false, false, false, LOGIN_REJECTED, "", { OLD, { SSAR, 0, 401, STATUS } } },
	{ "access review, 404", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { OLD, { SSAR, 0, 404, "" } } },
	{ "access review, another kind", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { OLD, { SSAR, 0, 201, REVIEW } } },
	{ "access review, audience of others", FOR_OTHERS, false, true, false, LOGIN_REJECTED, "",
	  { OLD, { SSAR, 0, 201, ACCESS } } },
	/* namespaces */
	{ "one by one, second", BOUND, false, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { GOOD, { NSES, 0, 403, STATUS }, { NS1, 0, 404, STATUS }, { NS1, 0, 200, ONE } } },
	{ "one by one, none", BOUND, false, false, false, LOGIN_NO_NAMESPACE, "",
	  { GOOD, { NSES, 0, 403, STATUS }, { NS1, 0, 403, STATUS }, { NS1, 0, 403, STATUS } } },
	{ "403 and none configured", BOUND, false, false, true, LOGIN_NO_NAMESPACE, "", { GOOD, { NSES, 0, 403, STATUS } } },
	{ "empty list, then one", BOUND, false, false, false, LOGIN_OK, "istio-system:kiali-service-account",
	  { GOOD, { NSES, 0, 200, LIST_OF("[]") }, { NS1, 0, 200, ONE } } },
	{ "list of null", BOUND, false, false, true, LOGIN_NO_NAMESPACE, "", { GOOD, { NSES, 0, 200, LIST_OF("null") } } },
	{ "list a text", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { GOOD, { NSES, 0, 200, LIST_OF("\"x\"") } } },
	{ "list without items", BOUND, false, false, false, LOGIN_UNAVAILABLE, "",
	  { GOOD, { NSES, 0, 200, "{\"kind\":\"NamespaceList\",\"apiVersion\":\"v1\"}" } } },
	{ "list of another kind", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { GOOD, { NSES, 0, 200, ONE } } },
	{ "list 500 (etcd is down)", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { GOOD, { NSES, 0, 500, STATUS } } },
	{ "list 404", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { GOOD, { NSES, 0, 404, "" } } },
	{ "list 401", BOUND, false, false, false, LOGIN_REJECTED, "", { GOOD, { NSES, 0, 401, STATUS } } },
	{ "list times out", BOUND, false, false, false, LOGIN_UNAVAILABLE, "", { GOOD, { NSES, ERR_TIMEOUT, 0, "" } } },
	{ "one of them 500", BOUND, false, false, false, LOGIN_UNAVAILABLE, "",
	  { GOOD, { NSES, 0, 403, STATUS }, { NS1, 0, 500, STATUS } } },
	{ "one of them 401", BOUND, false, false, false, LOGIN_REJECTED, "",
	  { GOOD, { NSES, 0, 403, STATUS }, { NS1, 0, 401, STATUS } } },
	{ "one of them of another kind", BOUND, false, false, false, LOGIN_UNAVAILABLE, "",
	  { GOOD, { NSES, 0, 403, STATUS }, { NS1, 0, 200, LIST } } },
};
/* clang-format on */

static char *namespaces[] = { (char[]){ "nothere" }, (char[]){ "bookinfo" },
	(char[]){ "../../pods" } };
static char *audiences[] = { (char[]){ "https://kubernetes.default.svc" },
	(char[]){ "doorward" } };

static struct settings
settings_of(const struct test_case *c)
{
	static char ns[] = "istio-system", account[] = "kiali-service-account";

	return (struct settings){
		.deployment_namespace = ns,
		.service_account = account,
		.namespaces = { namespaces, c->no_namespaces ? 0 : 3 },
		.audiences = { audiences, c->audiences ? 2 : 0 },
	};
}

static struct slice
token_of(enum token which, char *text, size_t cap)
{
	static const char header[] = "{\"alg\":\"RS256\"}";
	char head[64], claims[1024];

	if (which == OPAQUE)
		return SLICE("abcdef.0123456789abcdef");
	ck_assert_uint_lt(B64URL_LEN(strlen(claims_of[which])), sizeof(claims));
	b64url_encode(head, header, sizeof(header) - 1);
	b64url_encode(claims, claims_of[which], strlen(claims_of[which]));
	snprintf(text, cap, "%s.%s.c2ln", head, claims);
	return slice_of(text);
}

START_TEST(test_dialogue)
{
	const struct test_case *c = &cases[_i];
	struct settings s = settings_of(c);
	struct kube_memory memory = { 0 };
	struct kube_flow f;
	char text[2048];

	kube_flow_init(&f, &s, &memory, c->own_token,
	    token_of(c->token, text, sizeof(text)), NOW);
	for (int i = 0; i < STEPS_MAX && c->steps[i].body != NULL; i++) {
		const struct step *step = &c->steps[i];
		struct kube_answer a = { step->err, step->status,
			slice_of(step->body), NOW };

		ck_assert_msg(f.ask == step->ask, "%s: step %d asks %s",
		    c->name, i, kube_ask_name(f.ask));
		kube_flow_answer(&f, &a);
	}
	ck_assert_msg(f.ask == KUBE_ASK_NOTHING, "%s: still asks %s", c->name,
	    kube_ask_name(f.ask));
	ck_assert_msg(
	    f.result.code == c->code, "%s: %d", c->name, (int)f.result.code);
	ck_assert_str_eq(f.result.who.user, c->user);
	ck_assert_int_eq(f.result.reason[0] == '\0', c->code == LOGIN_OK);
	ck_assert_int_eq(f.detail != NULL, c->code == LOGIN_UNAVAILABLE);
	if (c->code == LOGIN_OK)
		ck_assert_int_eq(f.result.expires,
		    c->token == OPAQUE || c->token == LEGACY ? 0 : 1700003600);
	kube_flow_done(&f);
}
END_TEST

static void
answer(struct kube_flow *f, unsigned status, const char *body, int64_t now)
{
	struct kube_answer a = { 0, status, slice_of(body), now };

	kube_flow_answer(f, &a);
}

/* Do the groups, NUL-terminated and end to end, hold this one? */
static bool
has_group(const struct identity *who, const char *group)
{
	for (size_t at = 0; at < who->groups_len;
	     at += strlen(who->groups + at) + 1)
		if (strcmp(who->groups + at, group) == 0)
			return true;
	return false;
}

/* Groups are those that the server says. */
START_TEST(test_groups)
{
	struct settings s = { .strategy = STRATEGY_TOKEN };
	struct kube_memory memory = { 0 };
	struct kube_flow f;

	kube_flow_init(&f, &s, &memory, false, SLICE("abc"), NOW);
	answer(&f, 201, SELF_OF(ACCOUNT, "\"groups\":[\"dev\",\"\",\"ops\"]"),
	    NOW);
	ck_assert_str_eq(f.result.who.name, ACCOUNT);
	ck_assert(has_group(&f.result.who, "dev"));
	ck_assert(has_group(&f.result.who, "ops"));
	ck_assert(!has_group(&f.result.who, "system:serviceaccounts"));
	ck_assert_uint_eq(f.result.who.groups_len, 8);
	kube_flow_done(&f);
}
END_TEST

/* Who the claims name has the groups of every service account; whom nothing
 * names has no name that a rule could hold. */
START_TEST(test_claimed_identity)
{
	struct settings s = { .strategy = STRATEGY_TOKEN };
	struct kube_memory memory = { .until = NOW + 1,
		.works = KUBE_ASK_TOKEN_REVIEW };
	struct kube_flow f;
	char text[2048];

	kube_flow_init(&f, &s, &memory, false,
	    token_of(_i == 0 ? BOUND : OPAQUE, text, sizeof(text)), NOW);
	ck_assert_int_eq(f.ask, KUBE_ASK_ACCESS_REVIEW);
	answer(&f, 201, ACCESS, NOW);
	ck_assert_int_eq(f.ask, KUBE_ASK_NAMESPACES);
	if (_i == 0) {
		ck_assert_str_eq(
		    f.result.who.name, "system:serviceaccount:bookinfo:one");
		ck_assert(has_group(&f.result.who, "system:serviceaccounts"));
		ck_assert(has_group(
		    &f.result.who, "system:serviceaccounts:bookinfo"));
		ck_assert(has_group(&f.result.who, "system:authenticated"));
	} else {
		ck_assert_str_eq(f.result.who.user, "token");
		ck_assert_str_eq(f.result.who.name, "");
		ck_assert_uint_eq(f.result.who.groups_len, 0);
	}
	kube_flow_done(&f);
}
END_TEST

static enum kube_ask
first_question(struct settings *s, struct kube_memory *m, bool own, int64_t now)
{
	struct kube_flow f;
	enum kube_ask ask;

	kube_flow_init(&f, s, m, own, SLICE("abc"), now);
	ask = f.ask;
	kube_flow_done(&f);
	return ask;
}

/* What works is asked first for ten minutes; a bad token teaches nothing. */
START_TEST(test_memory)
{
	struct settings s = settings_of(&cases[0]);
	struct kube_memory m = { 0 };
	struct kube_flow f;

	kube_flow_init(&f, &s, &m, false, SLICE("abc"), NOW);
	answer(&f, 403, STATUS, NOW);
	answer(&f, 403, STATUS, NOW);
	answer(&f, 403, STATUS, NOW);
	answer(&f, 401, STATUS, NOW);
	kube_flow_done(&f);
	ck_assert_int_eq(first_question(&s, &m, true, NOW), SELF1);

	kube_flow_init(&f, &s, &m, false, SLICE("abc"), NOW);
	answer(&f, 403, STATUS, NOW);
	answer(&f, 403, STATUS, NOW);
	answer(&f, 403, STATUS, NOW);
	answer(&f, 201, ACCESS, NOW);
	kube_flow_done(&f);
	ck_assert_int_eq(first_question(&s, &m, false, NOW), SSAR);
	ck_assert_int_eq(first_question(&s, &m, true, NOW), TREV);
	ck_assert_int_eq(first_question(&s, &m, true, NOW + 599), TREV);
	ck_assert_int_eq(first_question(&s, &m, true, NOW + 600), SELF1);

	m = (struct kube_memory){ NOW + 10, SELF2 };
	kube_flow_init(&f, &s, &m, false, SLICE("abc"), NOW);
	ck_assert_int_eq(f.ask, SELF2);
	answer(&f, 404, "", NOW);
	ck_assert_int_eq(f.ask, SELF1);
	answer(&f, 201, SELF, NOW);
	ck_assert_int_eq(m.works, SELF1);
	kube_flow_done(&f);
}
END_TEST

/* clang-format off */
static const struct {
	enum kube_ask ask;
	bool audiences, post, own;
	const char *path, *body;
} requests[] = {
	{ KUBE_ASK_SELF_V1, false, true, false, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
	  "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}" },
	{ KUBE_ASK_SELF_V1BETA1, false, true, false, "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews",
	  "{\"apiVersion\":\"authentication.k8s.io/v1beta1\",\"kind\":\"SelfSubjectReview\"}" },
	{ KUBE_ASK_SELF_V1ALPHA1, false, true, false, "/apis/authentication.k8s.io/v1alpha1/selfsubjectreviews",
	  "{\"apiVersion\":\"authentication.k8s.io/v1alpha1\",\"kind\":\"SelfSubjectReview\"}" },
	{ KUBE_ASK_TOKEN_REVIEW, false, true, true, "/apis/authentication.k8s.io/v1/tokenreviews",
	  "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"spec\":{\"token\":\"abc\"}}" },
	{ KUBE_ASK_TOKEN_REVIEW, true, true, true, "/apis/authentication.k8s.io/v1/tokenreviews",
	  "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"spec\":{\"token\":\"abc\","
	  "\"audiences\":[\"https://kubernetes.default.svc\",\"doorward\"]}}" },
	{ KUBE_ASK_ACCESS_REVIEW, false, true, false, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
	  "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\",\"spec\":"
	  "{\"resourceAttributes\":{\"verb\":\"list\",\"resource\":\"namespaces\"}}}" },
	{ KUBE_ASK_NAMESPACES, false, false, false, "/api/v1/namespaces?limit=1", "" },
	{ KUBE_ASK_NAMESPACE, false, false, false, "/api/v1/namespaces/nothere", "" },
};
/* clang-format on */

START_TEST(test_request)
{
	struct test_case c = { .audiences = requests[_i].audiences };
	struct settings s = settings_of(&c);
	struct kube_memory memory = { 0 };
	struct kube_request q;
	struct kube_flow f;

	kube_flow_init(&f, &s, &memory, true, SLICE("abc"), NOW);
	f.ask = requests[_i].ask;
	kube_flow_request(&f, &q);
	ck_assert_str_eq(q.path, requests[_i].path);
	ck_assert_str_eq(q.body, requests[_i].body);
	ck_assert_int_eq(q.post, requests[_i].post);
	ck_assert_int_eq(q.with_own_token, requests[_i].own);
	ck_assert_uint_ge(q.answer_max, KUBE_ANSWER_MAX);
	kube_request_done(&q);
	kube_flow_done(&f);
}
END_TEST

START_TEST(test_reasons)
{
	struct settings s = settings_of(&cases[0]);
	struct kube_memory memory = { 0 };
	struct kube_flow f;
	char text[2048];

	kube_flow_init(
	    &f, &s, &memory, false, token_of(EXPIRED, text, sizeof(text)), NOW);
	answer(&f, 401, STATUS, NOW);
	ck_assert_str_eq(f.result.reason,
	    "This token expired on Tue, 14 Nov 2023 19:26:40 GMT. Make a new "
	    "one: kubectl -n istio-system create token kiali-service-account");
	kube_flow_done(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("kube");
	TCase *t = tcase_create("all");

	json_strict_init();
	tcase_add_loop_test(t, test_dialogue, 0, (int)COUNT(cases));
	tcase_add_test(t, test_groups);
	tcase_add_loop_test(t, test_claimed_identity, 0, 2);
	tcase_add_test(t, test_memory);
	tcase_add_loop_test(t, test_request, 0, (int)COUNT(requests));
	tcase_add_test(t, test_reasons);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
