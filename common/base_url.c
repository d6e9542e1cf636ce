/* See base_url.h. */
#include "common/base_url.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"

/* One part of the URL and where it comes from. */
struct part {
	struct slice text;
	const char *rule;
};

/* Only where the field occurs once: of two nobody knows which is true. */
static bool
forwarded(struct part *p, const struct base_url_request *q, const char *name,
    const char *rule)
{
	const struct http_field *f =
	    q->trusted ? http_fields_get(q->fields, name, NULL) : NULL;

	if (f == NULL)
		return false;
	*p = (struct part){ f->value, rule };
	return true;
}

static struct part
scheme_of(const struct settings *s, const struct base_url_request *q)
{
	struct part p;

	if (s->web_schema[0] != '\0')
		return (struct part){ slice_of(s->web_schema),
			"server.web_schema" };
	if (forwarded(&p, q, "x-forwarded-proto", "X-Forwarded-Proto"))
		return p;
	return q->tls ? (struct part){ SLICE("https"), "served over TLS" }
		      : (struct part){ SLICE("http"), "served without TLS" };
}

bool
base_url_secure(const struct settings *s, const struct base_url_request *q)
{
	return slice_is_nocase(scheme_of(s, q).text, "https");
}

static struct part
host_of(const struct settings *s, const struct base_url_request *q)
{
	struct part p;

	if (s->web_fqdn[0] != '\0')
		return (
		    struct part){ slice_of(s->web_fqdn), "server.web_fqdn" };
	if (forwarded(&p, q, "x-forwarded-host", "X-Forwarded-Host"))
		return p;
	return (struct part){ q->host, "Host" };
}

/* Cuts what stands behind the last ':' off host, as Kiali does: "[::1]" falls
 * apart here and comes together again. */
static bool
split_port(struct slice *host, struct slice *port)
{
	for (size_t i = host->len; i-- > 0;) {
		if (host->p[i] != ':')
			continue;
		*port = (struct slice){ host->p + i + 1, host->len - i - 1 };
		host->len = i;
		return true;
	}
	return false;
}

/* The port that we listen on. server.port counts where the file names it or
 * nothing else is known, as in Kiali; else the first of doorward.listen. */
static struct part
own_port(const struct settings *s, char text[8])
{
	struct part p = { .rule = "server.port" };
	struct endpoint at;
	uint32_t port = s->port;

	if (settings_place(s, "server.port").line == 0 &&
	    settings_place(s, "doorward.listen").line > 0 && s->listen.n > 0 &&
	    endpoint_parse(s->listen.at[0], &at) == 0 && at.port != 0) {
		port = at.port;
		p.rule = "doorward.listen";
	}
	(void)snprintf(text, 8, "%u", port);
	p.text = slice_of(text);
	return p;
}

static struct part
port_of(const struct settings *s, const struct base_url_request *q,
    struct part *host, char text[8])
{
	struct slice port;
	bool split = split_port(&host->text, &port);
	struct part p;

	if (s->web_port[0] != '\0')
		return (
		    struct part){ slice_of(s->web_port), "server.web_port" };
	if (forwarded(&p, q, "x-forwarded-port", "X-Forwarded-Port"))
		return p;
	if (split)
		return (struct part){ port, host->rule };
	return own_port(s, text);
}

static bool
is_default_port(struct slice scheme, struct slice port)
{
	return (slice_is(scheme, "http") && slice_is(port, "80")) ||
	    (slice_is(scheme, "https") && slice_is(port, "443"));
}

int
base_url_make(struct base_url *out, const struct settings *s,
    const struct base_url_request *q)
{
	struct part scheme = scheme_of(s, q), host = host_of(s, q);
	char own[8];
	struct part port = port_of(s, q, &host, own);
	bool shown = !is_default_port(scheme.text, port.text);
	int n = snprintf(out->text, sizeof(out->text), "%.*s://%.*s%s%.*s%s",
	    SLICE_ARG(scheme.text), SLICE_ARG(host.text), shown ? ":" : "",
	    shown ? (int)port.text.len : 0, port.text.p, s->web_prefix);

	if (n < 0 || (size_t)n >= sizeof(out->text))
		return ERR_LIMIT;
	out->secure = base_url_secure(s, q);
	out->scheme_rule = scheme.rule;
	out->host_rule = host.rule;
	out->port_rule = port.rule;
	return 0;
}
