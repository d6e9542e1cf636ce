/* See inject.h: the field rules of the gate towards an upstream. */
#include "egress/inject.h"

#include <string.h>

#include "common/settings.h"

static bool
cookie_is_ours(struct slice name, void *arg)
{
	const struct settings *s = arg;

	return slice_starts(name, "kiali-token") ||
	    settings_is_own_cookie(s, name);
}

static void
put_cookie(struct http_out *out, const struct settings *s, struct slice value)
{
	char kept[HTTP_HEAD_MAX];
	size_t len;

	if (value.len > sizeof(kept))
		return;
	len = http_cookie_filter(
	    kept, value, cookie_is_ours, (void *)(uintptr_t)s);
	if (len > 0)
		http_put_field(
		    out, SLICE("Cookie"), (struct slice){ kept, len });
}

static bool
is_credential(const struct inject_fields *c, struct slice name)
{
	for (size_t i = 0; i < c->n; i++)
		if (http_field_is_same(c->at[i].name, name))
			return true;
	return false;
}

/* With the strategy header the proxy in front decides who is asked for, and
 * Kubernetes whether its token may ask for somebody else. Without a user
 * Kubernetes takes none of the others. */
static bool
may_impersonate(const struct settings *s, const struct frame_request *q,
    const struct inject_to *to)
{
	size_t n;

	(void)http_fields_get(&q->fields, "impersonate-user", &n);
	return s->strategy == STRATEGY_HEADER && to->is_console && n > 0;
}

/* What the client sent, without what is ours to say. */
static void
put_client_fields(struct http_out *out, const struct settings *s,
    const struct frame_request *q, const struct inject_to *to)
{
	bool impersonates = may_impersonate(s, q, to);
	size_t i;

	for (i = 0; i < q->fields.n; i++) {
		const struct http_field *f = &q->fields.at[i];

		if (is_credential(&to->credential, f->name))
			continue;
		if (slice_is_nocase(f->name, "Cookie")) {
			if (to->is_console)
				put_cookie(out, s, f->value);
		} else if (impersonates &&
		    http_field_is_impersonation(f->name)) {
			http_put_field(out, f->name, f->value);
		} else if (!http_field_is_hop(&q->fields, f->name) &&
		    !http_field_is_owned(f->name) &&
		    !slice_is_nocase(f->name, "Host") &&
		    !slice_is_nocase(f->name, "Expect") &&
		    !slice_is_nocase(f->name, "X-Request-Id"))
			http_put_field(out, f->name, f->value);
	}
}

static void
put_forwarded(struct http_out *out, const struct frame_request *q)
{
	if (q->client.len == 0) /* a local client: nobody is behind it */
		return;
	http_put_field(out, SLICE("X-Forwarded-For"), q->client);
	http_put_field_z(out, "X-Forwarded-Proto", q->tls ? "https" : "http");
	if (q->host.len > 0)
		http_put_field(out, SLICE("X-Forwarded-Host"), q->host);
	http_put_z(out, "X-Forwarded-Port: ");
	http_put_u64(out, q->server_port);
	http_put_z(out, "\r\n");
	http_put_field(out, SLICE("X-Request-Id"), q->request_id);
}

/* The console is asked by the name that the client knows it by, since it writes
 * links with it; a service by its own. HTTP/1.0 clients need not name a host;
 * an upstream must be told one. */
static void
put_host(struct http_out *out, const struct frame_request *q,
    const struct inject_to *to)
{
	const struct url *at = to->at;
	bool six = strchr(at->host, ':') != NULL;

	if (to->is_console && q->host.len > 0) {
		http_put_field(out, SLICE("Host"), q->host);
		return;
	}
	http_put_z(out, six ? "Host: [" : "Host: ");
	http_put_z(out, at->host);
	http_put_z(out, six ? "]" : "");
	if (at->port != (at->tls ? 443 : 80)) {
		http_put_z(out, ":");
		http_put_u64(out, at->port);
	}
	http_put_z(out, "\r\n");
}

static void
put_credential(struct http_out *out, const struct inject_fields *c)
{
	if (c->bearer.len > 0) {
		http_put_z(out, "Authorization: Bearer ");
		http_put(out, c->bearer);
		http_put_z(out, "\r\n");
	}
	for (size_t i = 0; i < c->n; i++)
		http_put_field(out, c->at[i].name, c->at[i].value);
}

static void
put_request_line(struct http_out *out, const struct frame_request *q,
    const struct inject_to *to)
{
	http_put_z(out, http_method_name(q->method));
	http_put_z(out, " ");
	http_put(out, to->base);
	http_put(out, to->rest);
	if (q->has_query) {
		http_put_z(out, "?");
		http_put(out, q->query);
	}
	http_put_z(out, " HTTP/1.1\r\n");
}

void
inject_request(struct http_out *out, const struct settings *s,
    const struct frame_request *q, const struct inject_to *to)
{
	put_request_line(out, q, to);
	put_host(out, q, to);
	put_client_fields(out, s, q, to);
	put_forwarded(out, q);
	put_credential(out, &to->credential);
	http_put_framing(out, q->body, q->content_length);
	http_put_end(out);
}

/* A Set-Cookie that would replace a cookie of ours. */
static bool
sets_our_cookie(const struct settings *s, const struct http_field *f)
{
	struct slice rest = f->value;

	return slice_is_nocase(f->name, "Set-Cookie") &&
	    cookie_is_ours(
		slice_trim(slice_cut(&rest, '=')), (void *)(uintptr_t)s);
}

void
inject_response(struct frame_response *a, const struct settings *s,
    enum http_method to, const struct http_response *from)
{
	size_t i;

	a->status = (uint16_t)from->status;
	a->body =
	    from->body == HTTP_BODY_CLOSE ? HTTP_BODY_CHUNKED : from->body;
	a->content_length = from->has_content_length ? from->content_length : 0;
	if (from->body == HTTP_BODY_NONE && from->has_content_length &&
	    (to == HTTP_HEAD || from->status == 304))
		a->body = HTTP_BODY_LENGTH;
	a->fields.n = 0;
	for (i = 0; i < from->fields.n; i++) {
		const struct http_field *f = &from->fields.at[i];

		if (!http_field_is_hop(&from->fields, f->name) &&
		    !sets_our_cookie(s, f))
			(void)http_fields_add(&a->fields, f->name, f->value);
	}
}
