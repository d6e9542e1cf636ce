/* See policy.h. */
#include "authd/policy.h"

#include <string.h>

#include "common/settings.h"

#include "authd/identity.h"

static bool
user_matches(const char *rule, const struct identity *who)
{
	if (strcmp(rule, "*") == 0)
		return true;
	/* A name that nobody vouches for is nobody's. */
	return who->name[0] != '\0' &&
	    (strcmp(rule, who->name) == 0 || strcmp(rule, who->user) == 0);
}

static bool
group_matches(const char *rule, const struct identity *who)
{
	const char *at = who->groups, *end = at + who->groups_len;

	for (; at < end; at += strlen(at) + 1)
		if (strcmp(rule, at) == 0)
			return true;
	return false;
}

/* What stands behind the last '@'; "" when there is none. */
static struct slice
domain_of(const char *email)
{
	const char *at = strrchr(email, '@');

	return slice_of(at != NULL ? at + 1 : NULL);
}

/* The mailbox is the provider's to read, its domain is not. */
static bool
email_matches(const char *rule, const struct identity *who)
{
	struct slice domain = domain_of(rule);
	size_t local = strlen(rule) - domain.len;

	return domain.len > 0 && strlen(who->email) == strlen(rule) &&
	    memcmp(rule, who->email, local) == 0 &&
	    slice_is_nocase(domain, who->email + local);
}

static bool
domain_matches(const char *rule, const struct identity *who)
{
	struct slice domain = domain_of(who->email);

	if (rule[0] == '\0')
		return false;
	return slice_is_nocase(domain, rule) ||
	    slice_is_nocase(slice_of(who->domain), rule);
}

static bool
any_matches(const struct conf_list *rules,
    bool (*matches)(const char *rule, const struct identity *who),
    const struct identity *who)
{
	for (size_t i = 0; i < rules->n; i++)
		if (matches(rules->at[i], who))
			return true;
	return false;
}

static bool
is_allowed(const struct route_allow *allow, const struct identity *who)
{
	return !allow->present ||
	    any_matches(&allow->users, user_matches, who) ||
	    any_matches(&allow->groups, group_matches, who) ||
	    any_matches(&allow->emails, email_matches, who) ||
	    any_matches(&allow->domains, domain_matches, who);
}

bool
policy_lets_in(const struct settings *s, const struct identity *who)
{
	return is_allowed(&s->openid.allow, who);
}

bool
policy_allows(
    const struct settings *s, struct slice route, const struct identity *who)
{
	const struct route_settings *r;

	if (slice_is(route, SETTINGS_ROUTE_CONSOLE))
		return true;
	r = settings_route_named(s, route);
	if (r == NULL)
		return false; /* egress has another configuration */
	return is_allowed(&r->allow, who);
}
