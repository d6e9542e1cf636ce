#include "frontend/forwarded.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool
address_parse(struct slice text, struct sockaddr_storage *out)
{
	char z[INET6_ADDRSTRLEN];
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (slice_copy(text, z, sizeof(z)) != 0)
		return false;
	if (inet_pton(AF_INET, z, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, z, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		return true;
	}
	return false;
}

/* One entry of X-Forwarded-For: an address, "v4:port" or "[v6]:port". */
static bool
hop_parse(struct slice hop, struct sockaddr_storage *out)
{
	const char *colon;

	if (hop.len > 0 && hop.p[0] == '[') {
		const char *end = memchr(hop.p, ']', hop.len);

		if (end == NULL)
			return false;
		return address_parse(
		    (struct slice){ hop.p + 1, (size_t)(end - hop.p) - 1 },
		    out);
	}
	if (address_parse(hop, out))
		return true;
	if (hop.len == 0)
		return false;
	colon = memchr(hop.p, ':', hop.len);
	return colon != NULL &&
	    address_parse(
		(struct slice){ hop.p, (size_t)(colon - hop.p) }, out);
}

static uint16_t
address_text(const struct sockaddr *a, char dst[INET6_ADDRSTRLEN])
{
	dst[0] = '\0';
	if (a->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, a, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, dst, INET6_ADDRSTRLEN);
		return ntohs(v4.sin_port);
	}
	if (a->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, a, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], dst,
			    INET6_ADDRSTRLEN);
		else
			inet_ntop(
			    AF_INET6, &v6.sin6_addr, dst, INET6_ADDRSTRLEN);
		return ntohs(v6.sin6_port);
	}
	return 0;
}

/* Takes the last entry off *list. */
static struct slice
last_hop(struct slice *list)
{
	size_t i = list->len;
	struct slice hop;

	while (i > 0 && list->p[i - 1] != ',')
		i--;
	hop = (struct slice){ list->p + i, list->len - i };
	list->len = i > 0 ? i - 1 : 0;
	return slice_trim(hop);
}

/* Walks X-Forwarded-For from its end, where the nearest proxy wrote, and stops
 * at the first hop that is not trusted: what stands before it is hearsay. */
static void
client_from_hops(
    struct origin *o, const struct settings *s, const struct http_fields *f)
{
	struct sockaddr_storage at;

	for (size_t i = f->n; i-- > 0;) {
		struct slice list = f->at[i].value;

		if (!slice_is_nocase(f->at[i].name, "x-forwarded-for"))
			continue;
		while (list.len > 0) {
			if (!hop_parse(last_hop(&list), &at))
				return;
			(void)address_text((struct sockaddr *)&at, o->client);
			o->client_port = 0;
			if (!settings_trusts(s, (struct sockaddr *)&at))
				return;
		}
	}
}

static void
believe_proxy(
    struct origin *o, const struct settings *s, const struct http_request *q)
{
	const struct http_field *f;
	struct slice name;
	uint16_t port;
	uint64_t n;

	client_from_hops(o, s, &q->fields);
	f = http_fields_get(&q->fields, "x-forwarded-proto", NULL);
	if (f != NULL)
		o->tls = slice_is_nocase(f->value, "https");
	f = http_fields_get(&q->fields, "x-forwarded-host", NULL);
	if (f != NULL && http_host_split(f->value, &name, &port)) {
		o->host = f->value;
		o->port = port;
	}
	f = http_fields_get(&q->fields, "x-forwarded-port", NULL);
	if (f != NULL && text_u64(f->value, UINT16_MAX, &n) == 0 && n > 0)
		o->port = (uint16_t)n;
}

void
forwarded_read(struct origin *o, const struct settings *s,
    const struct sockaddr *peer, bool tls, const struct http_request *q)
{
	struct slice name;
	uint64_t n;

	memset(o, 0, sizeof(*o));
	o->client_port = address_text(peer, o->client);
	o->tls = tls;
	o->host = q->host;
	if (!http_host_split(q->host, &name, &o->port))
		o->port = 0;
	o->trusted = settings_trusts(s, peer);
	if (o->trusted)
		believe_proxy(o, s, q);
	if (s->web_port != NULL &&
	    text_u64(slice_of(s->web_port), UINT16_MAX, &n) == 0 && n > 0)
		o->port = (uint16_t)n;
	if (o->port == 0)
		o->port = o->tls ? 443 : 80;
}

void
origin_text(const struct origin *o, char dst[ORIGIN_CLIENT_MAX])
{
	bool v6 = strchr(o->client, ':') != NULL;

	if (o->client_port == 0)
		snprintf(dst, ORIGIN_CLIENT_MAX, "%s", o->client);
	else
		snprintf(dst, ORIGIN_CLIENT_MAX, v6 ? "[%s]:%u" : "%s:%u",
		    o->client, (unsigned)o->client_port);
}

bool
forwarded_host_known(const struct settings *s, struct slice host)
{
	struct slice name;
	uint16_t port;

	if (s->hosts.n == 0)
		return true;
	if (!http_host_split(host, &name, &port))
		return false;
	for (size_t i = 0; i < s->hosts.n; i++) {
		struct slice known = slice_of(s->hosts.at[i]);

		if (slice_equal_nocase(known, name) ||
		    slice_equal_nocase(known, host))
			return true;
	}
	return false;
}
