#include "frontend/request.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"

static void
read_credentials(struct request *r, const struct settings *s)
{
	size_t n;

	r->cookie = http_cookie_get(
	    &r->http.fields, settings_cookie_name(s, r->origin.tls), &n);
	r->carried_cookie = n > 0;
	/* Two of them: one may have been planted from a neighbouring host. */
	if (n != 1)
		r->cookie = (struct slice){ NULL, 0 };
	r->bearer = facts_bearer(&r->http.fields);
}

int
request_new(struct request **out, const struct settings *s,
    const struct sockaddr *peer, bool tls, const char *head, size_t len)
{
	struct request *r = mem_new(sizeof(*r));
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
