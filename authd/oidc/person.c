/* Claims to identity; see person.h. */
#include "authd/oidc/person.h"

#include <string.h>

#include "common/conf.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/url.h"

#include "authd/claims.h"
#include "authd/identity.h"

/* Names of the cluster's own users and groups. */
#define RESERVED "system:"

/* clang-format off */
static const struct {
	const char *person, *log;
} sentences[PERSON_FAULTS] = {
	[PERSON_OK] = { "You are signed in.", "is accepted" },
	[PERSON_USERINFO_SUBJECT] = {
		"The identity provider gave information about another person. Please sign in again.",
		"has another subject in userinfo than in the id_token (sub)" },
	[PERSON_NAME] = {
		"The name of your account cannot be used here. Please tell the administrator.",
		"has a name with control characters or over 512 bytes (username_claim)" },
	[PERSON_RESERVED_NAME] = {
		"The name of your account begins with \"system:\", which is reserved for the cluster.",
		"has a name that is reserved for the cluster (username_claim; system:)" },
	[PERSON_UNVERIFIED_NAME] = {
		"Your e-mail address is not verified. Please verify it with the identity provider, then sign in again.",
		"has an e-mail address that is not verified, and username_claim is email" },
	[PERSON_NO_DOMAIN] = {
		"Your account has no verified e-mail address, and only some domains may sign in here.",
		"has neither hd nor a verified e-mail address for allowed_domains" },
	[PERSON_DOMAIN] = {
		"Accounts of your domain may not sign in here.",
		"is of a domain that is not one of allowed_domains" },
};
/* clang-format on */

const char *
person_person(enum person_fault fault)
{
	return sentences[fault].person;
}

const char *
person_log(enum person_fault fault)
{
	return sentences[fault].log;
}

/* The documents in the order in which they count. */
struct said {
	const json_t *by[2]; /* id_token, userinfo; NULL: none */
};

/* The first document that has the claim, or NULL. */
static const json_t *
who_says(const struct said *said, const char *key)
{
	for (size_t i = 0; i < 2; i++)
		if (said->by[i] != NULL &&
		    json_object_get(said->by[i], key) != NULL)
			return said->by[i];
	return NULL;
}

static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7F)
			return false;
	return name.len > 0;
}

/* One '@' with something before it and a host name behind it: an address that
 * every reader takes apart at the same place. */
static bool
split_email(struct slice email, struct slice *domain)
{
	struct slice local;

	*domain = email;
	local = slice_cut(domain, '@');
	for (size_t i = 0; i < local.len; i++)
		if (local.p[i] <= ' ' || local.p[i] > '~')
			return false;
	return local.len > 0 && email.len <= IDENTITY_EMAIL_MAX &&
	    url_is_host(*domain);
}

static bool
is_verified(const json_t *document, const struct person_rules *rules)
{
	bool verified;
	int r = json_strict_bool(document, "email_verified", &verified);

	return r == ERR_NOT_FOUND ? rules->trust_unsaid_email
				  : r == 0 && verified;
}

/* The address and whether it is verified must stand in one document: else the
 * word for one address would serve for another. Userinfo may give its word for
 * the very address of an id_token that says nothing of it. */
static bool
read_email(const struct said *said, const struct person_rules *rules,
    struct slice *email)
{
	const json_t *document = who_says(said, "email");
	struct slice again;

	if (document == NULL || json_strict_text(document, "email", email) != 0)
		return false;
	if (document == said->by[0] &&
	    json_object_get(document, "email_verified") == NULL &&
	    json_strict_text(said->by[1], "email", &again) == 0 &&
	    slice_equal(*email, again))
		document = said->by[1];
	return is_verified(document, rules);
}

/* Kiali's rule: hd (Google's), else what stands behind the '@'. A malformed hd
 * is not passed over. */
static void
fill_domain(
    struct identity *who, const struct said *said, struct slice from_email)
{
	const json_t *document = who_says(said, "hd");
	struct slice domain = from_email;

	if (document != NULL &&
	    (json_strict_text(document, "hd", &domain) != 0 ||
		!url_is_host(domain)))
		return;
	if (slice_copy(domain, who->domain, sizeof(who->domain)) == 0)
		text_lower(who->domain);
}

static void
fill_addresses(struct identity *who, const struct said *said,
    const struct person_rules *rules)
{
	struct slice email, domain = { NULL, 0 };

	if (!read_email(said, rules, &email) || !split_email(email, &domain) ||
	    slice_copy(email, who->email, sizeof(who->email)) != 0)
		domain = (struct slice){ NULL, 0 };
	fill_domain(who, said, domain);
}

/* Returns 0 or 1: how many were left out. */
static size_t
add_group(struct identity *who, const json_t *value)
{
	struct slice name = { json_string_value(value),
		json_string_length(value) };
	size_t before = who->groups_len;

	/* The cluster's own groups are not the provider's to give. */
	if (name.p != NULL && is_name(name) && !slice_starts(name, RESERVED))
		claims_add_group(who, name);
	return who->groups_len == before;
}

static size_t
fill_groups(struct identity *who, const struct said *said, const char *claim)
{
	const json_t *document =
	    claim[0] != '\0' ? who_says(said, claim) : NULL;
	const json_t *groups = json_object_get(document, claim);
	size_t left_out = 0;

	if (groups == NULL)
		return 0;
	if (!json_is_array(groups))
		return add_group(who, groups);
	for (size_t i = 0; i < json_array_size(groups); i++)
		left_out += add_group(who, json_array_get(groups, i));
	return left_out;
}

/* Kiali: what is no text, or empty, is as good as missing. */
static bool
read_user(const struct said *said, const char *claim, struct slice *user)
{
	for (size_t i = 0; i < 2; i++)
		if (json_strict_text(said->by[i], claim, user) == 0 &&
		    user->len > 0)
			return true;
	return false;
}

/* Rules compare names, so the name is what is shown and nothing beside it: two
 * names from two claims could be two people's. Who has none shares the shown
 * one with everybody like that, and no rule knows it. */
static enum person_fault
fill_name(struct identity *who, const struct said *said,
    const struct person_rules *rules)
{
	struct slice user;

	if (!read_user(said, rules->username_claim, &user))
		return slice_copy(SLICE(PERSON_NAMELESS), who->user,
			   sizeof(who->user)) == 0
		    ? PERSON_OK
		    : PERSON_NAME;
	if (!is_name(user) || user.len >= sizeof(who->user))
		return PERSON_NAME;
	if (slice_starts(user, RESERVED))
		return PERSON_RESERVED_NAME;
	/* Anybody could claim an address that nobody has looked at. */
	if (strcmp(rules->username_claim, "email") == 0 &&
	    !slice_is(user, who->email))
		return PERSON_UNVERIFIED_NAME;
	if (slice_copy(user, who->user, sizeof(who->user)) != 0 ||
	    slice_copy(user, who->name, sizeof(who->name)) != 0)
		return PERSON_NAME;
	return PERSON_OK;
}

static enum person_fault
check_domain(const struct identity *who, const struct conf_list *allowed)
{
	if (allowed->n == 0)
		return PERSON_OK;
	if (who->domain[0] == '\0')
		return PERSON_NO_DOMAIN;
	for (size_t i = 0; i < allowed->n; i++)
		if (slice_is_nocase(slice_of(allowed->at[i]), who->domain))
			return PERSON_OK;
	return PERSON_DOMAIN;
}

static bool
same_subject(const json_t *claims, const json_t *userinfo)
{
	struct slice a, b;

	return json_strict_text(claims, "sub", &a) == 0 &&
	    json_strict_text(userinfo, "sub", &b) == 0 && slice_equal(a, b);
}

enum person_fault
person_read(const json_t *claims, const json_t *userinfo,
    const struct person_rules *rules, struct identity *who, size_t *left_out)
{
	const struct said said = { { claims, userinfo } };
	enum person_fault fault;

	*who = (struct identity){ .groups_len = 0 };
	*left_out = 0;
	/* Core 5.3.2: otherwise it must not be used. */
	if (userinfo != NULL && !same_subject(claims, userinfo))
		return PERSON_USERINFO_SUBJECT;
	fill_addresses(who, &said, rules);
	*left_out = fill_groups(who, &said, rules->groups_claim);
	fault = fill_name(who, &said, rules);
	return fault == PERSON_OK ? check_domain(who, rules->allowed_domains)
				  : fault;
}

enum person_userinfo
person_wants_userinfo(const json_t *claims, const struct person_rules *rules)
{
	const struct said said = { { claims, NULL } };
	struct identity who = { .groups_len = 0 };
	struct slice user;

	fill_addresses(&who, &said, rules);
	if (!read_user(&said, rules->username_claim, &user) ||
	    fill_name(&who, &said, rules) == PERSON_UNVERIFIED_NAME ||
	    (rules->allowed_domains->n > 0 && who.domain[0] == '\0'))
		return PERSON_USERINFO_MUST;
	if (who.email[0] == '\0' ||
	    (rules->groups_claim[0] != '\0' &&
		who_says(&said, rules->groups_claim) == NULL))
		return PERSON_USERINFO_MAY;
	return PERSON_USERINFO_NO;
}
