#include "frontend/deny.h"

/* clang-format off */
static const struct deny_row {
	unsigned status;
	bool drop_cookie;
	unsigned retry_after_s;
} deny_rows[DENY_COUNT] = {
	[DENY_NO_SESSION]       = { 401, true,  0 },
	[DENY_EXPIRED]          = { 401, true,  0 },
	[DENY_REJECTED]         = { 401, true,  0 },
	[DENY_REVOKED]          = { 401, true,  0 },
	[DENY_FORBIDDEN]        = { 403, false, 0 },
	[DENY_NO_ROUTE]         = { 404, false, 0 },
	[DENY_METHOD]           = { 405, false, 0 },
	[DENY_UNAVAILABLE]      = { 503, false, 5 },
	[DENY_UPSTREAM_DOWN]    = { 502, false, 0 },
	[DENY_UPSTREAM_TIMEOUT] = { 504, false, 0 },
	[DENY_UPSTREAM_BAD]     = { 502, false, 0 },
	[DENY_BAD_REQUEST]      = { 400, false, 0 },
	[DENY_CREDENTIAL]       = { 502, false, 0 },
};
/* clang-format on */

struct deny_answer
deny_answer(enum deny why, const struct deny_context *x)
{
	const struct deny_row *row = &deny_rows[why];
	struct deny_answer a = { row->status, row->drop_cookie, false,
		x->navigation, row->retry_after_s };

	/* Only a navigation is ever redirected: a script that follows a
	 * redirect to a page parses HTML as JSON (kiali/kiali#2216). Kiali's
	 * shell has a login form of its own. */
	if (a.status == 401 && x->navigation && x->safe &&
	    x->preset == PRESET_GENERIC) {
		a.status = 302;
		a.to_login = true;
		a.page = false;
	}
	return a;
}
