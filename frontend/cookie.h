/*
 * The session cookie and the login cookie on the wire: Set-Cookie values, and
 * which cookies are never passed on to an upstream. Pure.
 */
#ifndef FRONTEND_COOKIE_H
#define FRONTEND_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings.h"
#include "common/text.h"

#define COOKIE_LINE_MAX 512
#define COOKIE_NAME_MAX 256

/* The value of a Set-Cookie field for a session that ends at expires_s.
 * secure: the client reaches us through HTTPS. ERR_LIMIT when it is too long.
 */
int cookie_set(char dst[COOKIE_LINE_MAX], const struct settings *s, bool secure,
    const char *value, int64_t expires_s) __attribute__((warn_unused_result));
/* One that deletes it. */
int cookie_delete(char dst[COOKIE_LINE_MAX], const struct settings *s,
    bool secure) __attribute__((warn_unused_result));
/* The login cookie, which binds a login at an OpenID provider to the browser.
 * It comes back with a navigation from the provider, so it is SameSite=Lax. */
int cookie_login_name(char dst[COOKIE_NAME_MAX], const struct settings *s,
    bool secure) __attribute__((warn_unused_result));
int cookie_set_login(char dst[COOKIE_LINE_MAX], const struct settings *s,
    bool secure, const char *value) __attribute__((warn_unused_result));
/* Is this one of Doorward's or Kiali's own? Kiali answers 500 to a kiali-token
 * cookie that it cannot open, so none may reach it. */
bool cookie_is_own(const struct settings *s, struct slice name);
/* Whether an upstream's Set-Cookie value sets such a cookie. */
bool cookie_sets_own(const struct settings *s, struct slice set_cookie);

#endif
