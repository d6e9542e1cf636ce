#include "frontend/cookie.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/err.h"

/* Attributes in Kiali's order (Go's net/http): Path, Expires, Max-Age,
 * HttpOnly, Secure, SameSite. */
static int
line_make(char dst[COOKIE_LINE_MAX], const struct settings *s, bool secure,
    const char *value, const char *expires)
{
	/* A login page of our own is reached by a link from elsewhere, and its
	 * return path must then find the cookie. Kiali's shell is public. From
	 * an OpenID provider people come back by a navigation of its site: the
	 * session that a new login replaces must be known then, and the
	 * redirect to the return path must find the new one. */
	const char *same_site = s->console_preset == PRESET_GENERIC ||
		s->strategy == STRATEGY_OPENID
	    ? "Lax"
	    : "Strict";
	int n;

	n = snprintf(dst, COOKIE_LINE_MAX,
	    "%s=%s; Path=%s; Expires=%s; HttpOnly%s; SameSite=%s",
	    settings_cookie_name(s, secure), value, s->web_root, expires,
	    secure ? "; Secure" : "", same_site);
	return n < 0 || n >= COOKIE_LINE_MAX ? ERR_LIMIT : 0;
}

int
cookie_set(char dst[COOKIE_LINE_MAX], const struct settings *s, bool secure,
    const char *value, int64_t expires_s)
{
	char date[CLOCK_HTTP_LEN + 1];

	clock_http_date(date, expires_s);
	return line_make(dst, s, secure, value, date);
}

int
cookie_delete(char dst[COOKIE_LINE_MAX], const struct settings *s, bool secure)
{
	return line_make(
	    dst, s, secure, "", "Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0");
}

int
cookie_login_name(
    char dst[COOKIE_NAME_MAX], const struct settings *s, bool secure)
{
	int n = snprintf(dst, COOKIE_NAME_MAX, "%s" SETTINGS_COOKIE_LOGIN,
	    settings_cookie_name(s, secure));

	return n < 0 || n >= COOKIE_NAME_MAX ? ERR_LIMIT : 0;
}

int
cookie_set_login(char dst[COOKIE_LINE_MAX], const struct settings *s,
    bool secure, const char *value)
{
	char name[COOKIE_NAME_MAX];
	int n;

	if (cookie_login_name(name, s, secure) != 0)
		return ERR_LIMIT;
	n = snprintf(dst, COOKIE_LINE_MAX,
	    "%s=%s; Path=%s; Max-Age=%u; HttpOnly%s; SameSite=Lax", name, value,
	    s->web_root, s->openid.authentication_timeout_s,
	    secure ? "; Secure" : "");
	return n < 0 || n >= COOKIE_LINE_MAX ? ERR_LIMIT : 0;
}

bool
cookie_is_own(const struct settings *s, struct slice name)
{
	return settings_is_own_cookie(s, name);
}

bool
cookie_sets_own(const struct settings *s, struct slice set_cookie)
{
	struct slice pair = slice_cut(&set_cookie, ';');

	return cookie_is_own(s, slice_trim(slice_cut(&pair, '=')));
}
