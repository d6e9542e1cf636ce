/*
 * Who may use a route: the allow rules of doorward.routes. Pure: settings and
 * identity in, yes or no out. What is not said is no.
 */
#ifndef AUTHD_POLICY_H
#define AUTHD_POLICY_H

#include <stdbool.h>

#include "common/text.h"

struct identity;
struct settings;

/* route: SETTINGS_ROUTE_CONSOLE, which is everybody's who is signed in, or the
 * path of one of doorward.routes. Users (as shown, or the whole name) and
 * groups are compared exactly, domains without regard to case. */
bool policy_allows(
    const struct settings *s, struct slice route, const struct identity *who);
/* doorward.openid.allow, by the same rules: who may sign in at all. */
bool policy_lets_in(const struct settings *s, const struct identity *who);

#endif
