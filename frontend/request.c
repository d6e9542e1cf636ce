#include "frontend/request.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/msg.h"
#include "common/secret.h"
#include "common/settings.h"
#include "frontend/cookie.h"

static struct base_url_request
base_url_request(const struct request *r)
{
	return (struct base_url_request){ .fields = &r->http.fields,
		.host = r->http.host,
		.tls = r->tls,
		.trusted = r->origin.trusted };
}

int
request_base_url(
    struct base_url *out, const struct settings *s, const struct request *r)
{
	struct base_url_request q = base_url_request(r);

	return base_url_make(out, s, &q);
}

/* Two of them: one may have been planted from a neighbouring host. */
static struct slice
only_cookie(const struct request *r, const char *name, size_t *n)
{
	struct slice value = http_cookie_get(&r->http.fields, name, n);

	return *n == 1 ? value : (struct slice){ NULL, 0 };
}

static void
read_credentials(struct request *r, const struct settings *s)
{
	char name[COOKIE_NAME_MAX];
	size_t n;

	r->cookie = only_cookie(r, settings_cookie_name(s, r->secure), &n);
	r->carried_cookie = n > 0;
	if (s->strategy == STRATEGY_OPENID &&
	    cookie_login_name(name, s, r->secure) == 0)
		r->login_cookie = only_cookie(r, name, &n);
	if (r->login_cookie.len > MSG_LOGIN_COOKIE_MAX)
		r->login_cookie = (struct slice){ NULL, 0 };
	r->bearer = facts_bearer(&r->http.fields);
	if (s->strategy == STRATEGY_HEADER && !r->origin.trusted)
		r->bearer = (struct slice){ NULL, 0 };
}

/* One of them may be the client's, which the proxy did not remove: to drop both
 * would be to act as the proxy itself. */
static bool
is_ambiguous(const struct request *r, const struct settings *s)
{
	size_t n;

	(void)http_fields_get(&r->http.fields, "impersonate-user", &n);
	return s->strategy == STRATEGY_HEADER && n > 1;
}

int
request_new(struct request **out, const struct settings *s,
    const struct sockaddr *peer, bool tls, const char *head, size_t len)
{
	struct request *r = mem_new(sizeof(*r));
	struct base_url_request base;
	int status;

	r->head = mem_new(len);
	r->head_len = len;
	memcpy(r->head, head, len);
	status = http_parse_request(&r->http, r->head, len);
	if (status != 0) {
		request_free(r);
		return status;
	}
	if (r->http.expect_unknown) {
		request_free(r);
		return 417;
	}
	forwarded_read(&r->origin, s, peer, tls, &r->http);
	if (!forwarded_host_known(s, r->origin.host)) {
		request_free(r);
		return 421;
	}
	if (is_ambiguous(r, s)) {
		request_free(r);
		return 400;
	}
	r->tls = tls;
	base = base_url_request(r);
	r->secure = tls || base_url_secure(s, &base);
	read_credentials(r, s);
	r->id = facts_request_id(&r->http.fields);
	if (r->id.len == 0) {
		facts_make_request_id(r->made_id);
		r->id = slice_of(r->made_id);
	}
	body_init(&r->body, &r->http);
	r->navigation = facts_navigation(&r->http.fields);
	r->close = !r->http.keep_alive || r->http.minor == 0;
	*out = r;
	return 0;
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	secret_wipe(r->head, r->head_len);
	free(r->head);
	free(r);
}
