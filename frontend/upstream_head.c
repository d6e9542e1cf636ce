#include "frontend/upstream_head.h"

#include <string.h>

#include "frontend/cookie.h"
#include "frontend/reply.h"

static bool
drop_own_cookie(struct slice name, void *arg)
{
	return cookie_is_own(arg, name);
}

/* Fields that travel in a place of their own, or end here. */
static bool
ends_here(const struct http_fields *f, struct slice name)
{
	static const char *const names[] = { "host", "expect", "x-request-id" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_is_nocase(name, names[i]))
			return true;
	return http_field_is_hop(f, name) || http_field_is_owned(name);
}

/* With the strategy header the proxy in front says for whom it asks; Kiali
 * takes the others only beside a user. */
static bool
may_impersonate(const struct settings *s, const struct request *r)
{
	size_t n;

	(void)http_fields_get(&r->http.fields, "impersonate-user", &n);
	return s->strategy == STRATEGY_HEADER && r->origin.trusted && n > 0;
}

static void
copy_fields(struct http_fields *to, const struct request *r, char *cookies,
    const struct settings *s)
{
	const struct http_fields *from = &r->http.fields;
	bool impersonates = may_impersonate(s, r);
	/* http_cookie_filter wants a pointer that is not const. */
	union {
		const struct settings *in;
		void *out;
	} arg = { .in = s };

	for (size_t i = 0; i < from->n; i++) {
		struct slice name = from->at[i].name;
		struct slice value = from->at[i].value;

		if (ends_here(from, name) &&
		    !(impersonates && http_field_is_impersonation(name)))
			continue;
		if (slice_is_nocase(name, "cookie")) {
			size_t n = http_cookie_filter(
			    cookies, value, drop_own_cookie, arg.out);

			if (n == 0)
				continue;
			value = (struct slice){ cookies, n };
			cookies += n;
		}
		(void)http_fields_add(to, name, value);
	}
}

long
upstream_put_request(uint8_t *dst, size_t cap, char *cookies,
    const struct settings *s, const struct request *r)
{
	struct frame_request q = {
		.method = r->http.method,
		.tls = r->origin.tls,
		.has_query = r->http.has_query,
		.body = r->http.body,
		.content_length = r->http.body == HTTP_BODY_LENGTH
		    ? r->http.content_length
		    : 0,
		.path = r->http.path,
		.query = r->http.query,
		.host = r->origin.host,
		.client = slice_of(r->origin.client),
		.client_port = r->origin.client_port,
		.server_port = r->origin.port,
		.request_id = r->id,
	};

	/* With the strategy header every request needs the token; the session
	 * only says who that is. */
	if (s->strategy != STRATEGY_ANONYMOUS && s->strategy != STRATEGY_HEADER)
		q.session = r->cookie;
	if (s->strategy != STRATEGY_ANONYMOUS)
		q.bearer = r->bearer;
	copy_fields(&q.fields, r, cookies, s);
	return frame_put_request(dst, cap, &q);
}

struct upstream_framing
upstream_framing(
    const struct frame_response *a, enum http_method method, unsigned minor)
{
	struct upstream_framing f = { HTTP_BODY_NONE, 0, false };

	if (a->body == HTTP_BODY_LENGTH)
		f.length = a->content_length;
	if (a->status == 204)
		return f;
	if (method == HTTP_HEAD || a->status == 304) {
		f.stated = a->body == HTTP_BODY_LENGTH;
		return f;
	}
	if (a->body == HTTP_BODY_NONE || a->body == HTTP_BODY_LENGTH)
		f.body = HTTP_BODY_LENGTH;
	else
		f.body = minor >= 1 ? HTTP_BODY_CHUNKED : HTTP_BODY_CLOSE;
	return f;
}

static bool
response_ends_here(
    const struct settings *s, const struct http_field *f, bool hsts)
{
	if (slice_is_nocase(f->name, "set-cookie"))
		return cookie_sets_own(s, f->value);
	return hsts && slice_is_nocase(f->name, "strict-transport-security");
}

void
upstream_put_response(struct http_out *o, const struct settings *s,
    const struct frame_response *a, const struct upstream_framing *f,
    bool close, bool hsts)
{
	http_put_status_line(o, a->status);
	for (size_t i = 0; i < a->fields.n; i++) {
		const struct http_field *field = &a->fields.at[i];

		if (!http_field_is_hop(&a->fields, field->name) &&
		    !response_ends_here(s, field, hsts))
			http_put_field(o, field->name, field->value);
	}
	if (hsts)
		http_put_field_z(o, "Strict-Transport-Security", REPLY_HSTS);
	if (f->body != HTTP_BODY_NONE || f->stated)
		http_put_framing(
		    o, f->stated ? HTTP_BODY_LENGTH : f->body, f->length);
	if (close)
		http_put_field_z(o, "Connection", "close");
	http_put_end(o);
}
