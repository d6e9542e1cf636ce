#include "frontend/reply.h"

#include <assert.h>
#include <stdio.h>

#include <event2/buffer.h>

#include "common/clock.h"
#include "common/http/http.h"

#define CSP_NOTHING                                                 \
	"default-src 'none'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'"

static void
put_security(struct http_out *o, const struct reply *r, bool hsts)
{
	http_put_field_z(o, "Cache-Control", "no-store");
	http_put_field_z(o, "Content-Security-Policy",
	    r->csp != NULL ? r->csp : CSP_NOTHING);
	http_put_field_z(o, "Referrer-Policy",
	    r->no_referrer ? "no-referrer" : "same-origin");
	http_put_field_z(o, "X-Content-Type-Options", "nosniff");
	if (!r->may_be_framed)
		http_put_field_z(o, "X-Frame-Options", "DENY");
	if (hsts)
		http_put_field_z(o, "Strict-Transport-Security", REPLY_HSTS);
	if (r->cors) {
		http_put_field_z(o, "Access-Control-Allow-Origin", "*");
		http_put_field_z(o, "Access-Control-Allow-Headers",
		    "Origin, X-Requested-With, Content-Type, Accept");
	}
}

static void
put_allow(struct http_out *o, unsigned methods)
{
	const char *separator = "Allow: ";

	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
		if ((methods & 1u << m) == 0)
			continue;
		http_put_z(o, separator);
		http_put_z(o, http_method_name((enum http_method)m));
		separator = ", ";
	}
	http_put_z(o, "\r\n");
}

static void
put_optional(struct http_out *o, const struct reply *r)
{
	char seconds[16];

	if (r->location != NULL)
		http_put_field_z(o, "Location", r->location);
	if (r->allow != 0)
		put_allow(o, r->allow);
	if (r->set_cookie != NULL)
		http_put_field_z(o, "Set-Cookie", r->set_cookie);
	if (r->set_login_cookie != NULL)
		http_put_field_z(o, "Set-Cookie", r->set_login_cookie);
	if (r->forget_pages)
		http_put_field_z(o, "Clear-Site-Data", "\"cache\"");
	if (r->retry_after_s != 0) {
		snprintf(seconds, sizeof(seconds), "%u", r->retry_after_s);
		http_put_field_z(o, "Retry-After", seconds);
	}
}

void
reply_write(
    struct evbuffer *out, const struct reply *r, const struct reply_manner *m)
{
	char head[REPLY_HEAD_MAX], date[CLOCK_HTTP_LEN + 1];
	struct http_out o;

	http_out_init(&o, head, sizeof(head));
	http_put_status_line(&o, r->status);
	clock_http_date(date, clock_unix_s());
	http_put_field_z(&o, "Date", date);
	if (r->type != NULL)
		http_put_field_z(&o, "Content-Type", r->type);
	put_optional(&o, r);
	put_security(&o, r, m->hsts);
	if (r->status != 204) /* RFC 9110 8.6 */
		http_put_framing(&o, HTTP_BODY_LENGTH, r->body.len);
	if (m->close)
		http_put_field_z(&o, "Connection", "close");
	http_put_end(&o);
	/* Every variable part is bounded by its maker. */
	assert(!o.overflow);
	evbuffer_add(out, head, o.len);
	if (!m->head && r->body.len > 0)
		evbuffer_add(out, r->body.p, r->body.len);
}

void
reply_refuse(struct evbuffer *out, unsigned status, bool hsts)
{
	const struct reply_manner m = { false, true, hsts };
	struct reply r = { .status = status, .type = REPLY_TEXT };
	char body[64];
	int n;

	n = snprintf(
	    body, sizeof(body), "%u %s\n", status, http_reason(status));
	r.body = (struct slice){ body, n > 0 ? (size_t)n : 0 };
	reply_write(out, &r, &m);
}
