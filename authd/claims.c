/*
 * Claims of service-account tokens; see the header.
 */
#include "authd/claims.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"

#define LEGACY_ISSUER "kubernetes/serviceaccount"
#define LEGACY_PREFIX "kubernetes.io/serviceaccount/"
#define ACCOUNT_PREFIX "system:serviceaccount:"
#define ACCOUNT_GROUP "system:serviceaccounts"
#define AUDIENCES_MAX 64

static bool
list_has(const struct conf_list *list, struct slice text)
{
	for (size_t i = 0; i < list->n; i++)
		if (slice_is(text, list->at[i]))
			return true;
	return false;
}

/* RFC 7519 4.1.3: one text or an array of them. ERR_DENIED: none of ours. */
static int
audience_check(const json_t *claims, const struct conf_list *wanted)
{
	struct slice one;
	json_t *many;

	if (json_strict_text(claims, "aud", &one) == 0)
		return list_has(wanted, one) ? 0 : ERR_DENIED;
	if (json_strict_array(claims, "aud", &many) != 0 ||
	    !json_strict_texts(many, AUDIENCES_MAX))
		return ERR_FORMAT;
	for (size_t i = 0; i < json_array_size(many); i++)
		if (list_has(wanted, json_strict_text_at(many, i)))
			return 0;
	return ERR_DENIED;
}

static int
check_expiry(const json_t *claims, bool required, int64_t now, const char **why)
{
	int64_t at;
	int r = json_strict_date(claims, "exp", &at);

	*why = "says no valid time until which it holds (exp)";
	if (r == ERR_NOT_FOUND && !required)
		return 0;
	if (r != 0)
		return ERR_FORMAT;
	*why = "has expired";
	return now < at + CLAIMS_LEEWAY_S ? 0 : ERR_EXPIRED;
}

static int
check_start(
    const json_t *claims, const char *name, int64_t now, const char **why)
{
	int64_t at;
	int r = json_strict_date(claims, name, &at);

	*why = "has a malformed date (nbf or iat)";
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r != 0)
		return ERR_FORMAT;
	*why = "is not valid yet; is the clock right";
	return at <= now + CLAIMS_LEEWAY_S ? 0 : ERR_DENIED;
}

static int
check_audience(const json_t *claims, const struct claims_rules *rules,
    bool legacy, const char **why)
{
	char *issuer[] = { (char *)(uintptr_t)rules->issuer };
	const struct conf_list fallback = { issuer, 1 };
	const struct conf_list *wanted =
	    rules->audiences->n > 0 ? rules->audiences : &fallback;
	int r;

	/* Kubernetes: a token from a Secret has the API's own audiences. */
	if (legacy && json_object_get(claims, "aud") == NULL)
		return 0;
	*why = "is meant for another audience (aud)";
	if (wanted == &fallback &&
	    (rules->issuer == NULL || rules->issuer[0] == '\0'))
		return ERR_DENIED;
	r = audience_check(claims, wanted);
	if (r == ERR_FORMAT)
		*why = "says no valid audience (aud)";
	return r;
}

int
claims_check(
    const json_t *claims, const struct claims_rules *rules, const char **why)
{
	bool legacy = json_strict_is(claims, "iss", LEGACY_ISSUER);
	char account[MSG_USER_MAX + 1];
	int r;

	*why = "comes from another issuer (iss)";
	if (!legacy &&
	    (rules->issuer == NULL || rules->issuer[0] == '\0' ||
		!json_strict_is(claims, "iss", rules->issuer)))
		return ERR_DENIED;
	r = check_audience(claims, rules, legacy, why);
	if (r == 0)
		r = check_expiry(claims, !legacy, rules->now, why);
	if (r == 0)
		r = check_start(claims, "nbf", rules->now, why);
	if (r == 0)
		r = check_start(claims, "iat", rules->now, why);
	if (r != 0)
		return r;
	*why = "names no service account";
	r = claims_account(claims, account);
	return r == ERR_FORMAT || (legacy && r != 0) ? ERR_FORMAT : 0;
}

int64_t
claims_expiry(const json_t *claims)
{
	int64_t at;

	return json_strict_date(claims, "exp", &at) == 0 ? at : 0;
}

/* RFC 1123 names as Kubernetes has them: also no ':' that could shift the
 * border between namespace and account. */
static bool
is_kubernetes_name(struct slice name)
{
	if (name.len == 0 || name.len > 253)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '.'))
			return false;
	}
	return true;
}

/* ERR_NOT_FOUND only when the token says nothing of either. */
static int
account_parts(const json_t *claims, struct slice *ns, struct slice *name)
{
	json_t *bound, *account;
	int r = json_strict_object(claims, "kubernetes.io", &bound);
	int legacy = json_strict_text(claims, LEGACY_PREFIX "namespace", ns);

	if (r == 0) {
		if (json_strict_text(bound, "namespace", ns) != 0 ||
		    json_strict_object(bound, "serviceaccount", &account) != 0)
			return ERR_FORMAT;
		return json_strict_text(account, "name", name);
	}
	if (r == ERR_FORMAT || legacy != 0)
		return r == ERR_NOT_FOUND ? legacy : r;
	return json_strict_text(
	    claims, LEGACY_PREFIX "service-account.name", name);
}

int
claims_account(const json_t *claims, char dst[MSG_USER_MAX + 1])
{
	struct slice ns = { NULL, 0 }, name = { NULL, 0 };
	int r = account_parts(claims, &ns, &name);

	if (r == ERR_NOT_FOUND && ns.p == NULL)
		return ERR_NOT_FOUND;
	if (r != 0 || !is_kubernetes_name(ns) || !is_kubernetes_name(name))
		return ERR_FORMAT;
	snprintf(
	    dst, MSG_USER_MAX + 1, "%.*s:%.*s", SLICE_ARG(ns), SLICE_ARG(name));
	return 0;
}

bool
claims_bound_elsewhere(const json_t *claims, const struct conf_list *audiences)
{
	return audiences->n > 0 &&
	    json_object_get(claims, "kubernetes.io") != NULL &&
	    audience_check(claims, audiences) != 0;
}

int
claims_display_name(struct slice user, char dst[MSG_USER_MAX + 1])
{
	size_t prefix = sizeof(ACCOUNT_PREFIX) - 1;

	if (slice_starts(user, ACCOUNT_PREFIX))
		user = (struct slice){ user.p + prefix, user.len - prefix };
	if (user.len == 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < user.len; i++) {
		unsigned char c = (unsigned char)user.p[i];

		if (c < 0x20 || c == 0x7F)
			return ERR_FORMAT;
	}
	return slice_copy(user, dst, MSG_USER_MAX + 1);
}

void
claims_add_group(struct identity *who, struct slice group)
{
	if (group.len == 0 ||
	    group.len >= sizeof(who->groups) - who->groups_len)
		return;
	memcpy(who->groups + who->groups_len, group.p, group.len);
	who->groups[who->groups_len + group.len] = '\0';
	who->groups_len += group.len + 1;
}

/* What the API server's TokenReview says of service accounts. */
static void
add_account_groups(struct identity *who, struct slice account)
{
	struct slice ns = slice_cut(&account, ':');
	char group[sizeof(who->name)];

	claims_add_group(who, SLICE(ACCOUNT_GROUP));
	if (snprintf(group, sizeof(group), ACCOUNT_GROUP ":%.*s",
		SLICE_ARG(ns)) < (int)sizeof(group))
		claims_add_group(who, slice_of(group));
	claims_add_group(who, SLICE("system:authenticated"));
}

void
claims_name_account(struct identity *who, struct slice account)
{
	/* MSG_USER_MAX characters and the prefix fit. */
	(void)snprintf(who->name, sizeof(who->name), ACCOUNT_PREFIX "%.*s",
	    SLICE_ARG(account));
	add_account_groups(who, account);
}

int
claims_name_user(struct identity *who, struct slice name)
{
	if (slice_copy(name, who->name, sizeof(who->name)) != 0)
		return ERR_LIMIT;
	if (slice_starts(name, ACCOUNT_PREFIX)) {
		name.p += sizeof(ACCOUNT_PREFIX) - 1;
		name.len -= sizeof(ACCOUNT_PREFIX) - 1;
		add_account_groups(who, name);
	}
	return 0;
}
