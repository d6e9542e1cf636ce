#include "frontend/facts.h"

#include <string.h>

#include "common/http/chars.h"
#include "common/msg.h"
#include "common/secret.h"

bool
facts_navigation(const struct http_fields *f)
{
	const struct http_field *mode;

	mode = http_fields_get(f, "sec-fetch-mode", NULL);
	if (mode != NULL)
		return slice_is_nocase(mode->value, "navigate");
	for (size_t i = 0; i < f->n; i++) {
		struct slice list = f->at[i].value;

		if (!slice_is_nocase(f->at[i].name, "accept"))
			continue;
		while (list.len > 0) {
			struct slice range = slice_cut(&list, ',');

			range = slice_trim(slice_cut(&range, ';'));
			if (slice_is_nocase(range, "text/html"))
				return true;
		}
	}
	return false;
}

/* Origin's scheme and authority against the ones the client asked for. */
static bool
origin_matches(struct slice origin, const struct origin *o)
{
	struct slice host, ours;
	uint16_t port, our_port;
	bool tls;

	tls = slice_starts_nocase(origin, "https://");
	if (!tls && !slice_starts_nocase(origin, "http://"))
		return false;
	/* A plain page must not act on the encrypted one; the other way round
	 * is a proxy in front that ends TLS and does not say so. */
	if (!tls && o->tls)
		return false;
	origin.p += tls ? 8 : 7;
	origin.len -= tls ? 8 : 7;
	if (!http_host_split(origin, &host, &port) ||
	    !http_host_split(o->host, &ours, &our_port))
		return false;
	if (port == 0)
		port = tls ? 443 : 80;
	if (our_port == 0)
		our_port = tls ? 443 : 80;
	return port == our_port && slice_equal_nocase(host, ours);
}

bool
facts_cross_site(const struct http_fields *f, const struct origin *o)
{
	const struct http_field *field;
	size_t n;

	field = http_fields_get(f, "sec-fetch-site", &n);
	if (n > 0)
		return field == NULL ||
		    (!slice_is_nocase(field->value, "same-origin") &&
			!slice_is_nocase(field->value, "none"));
	field = http_fields_get(f, "origin", &n);
	if (n > 0)
		return field == NULL || !origin_matches(field->value, o);
	return false;
}

struct slice
facts_referer(const struct http_fields *f, const struct origin *o)
{
	const struct http_field *field = http_fields_get(f, "referer", NULL);
	const struct slice none = { NULL, 0 };
	struct slice rest, origin;

	if (field == NULL)
		return none;
	rest = origin = field->value;
	for (int i = 0; i < 3; i++) /* scheme, "", host */
		(void)slice_cut(&rest, '/');
	if (rest.p == NULL)
		return none;
	rest.p--;
	rest.len++;
	origin.len -= rest.len;
	return origin_matches(origin, o) ? rest : none;
}

bool
facts_prefetch(const struct http_fields *f)
{
	static const char *const names[] = { "sec-purpose", "purpose",
		"x-moz" };

	for (size_t i = 0; i < f->n; i++)
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			if (slice_is_nocase(f->at[i].name, names[n]) &&
			    slice_starts_nocase(f->at[i].value, "prefetch"))
				return true;
	return false;
}

bool
facts_is_form(const struct http_fields *f)
{
	const struct http_field *type =
	    http_fields_get(f, "content-type", NULL);
	struct slice rest, value;

	if (type == NULL)
		return false;
	rest = type->value;
	if (!slice_is_nocase(slice_trim(slice_cut(&rest, ';')),
		"application/x-www-form-urlencoded"))
		return false;
	value = slice_trim(rest);
	if (value.len == 0)
		return true;
	if (!slice_is_nocase(slice_trim(slice_cut(&value, '=')), "charset"))
		return false;
	value = slice_trim(value);
	return slice_is_nocase(value, "utf-8") ||
	    slice_is_nocase(value, "\"utf-8\"");
}

struct slice
facts_bearer(const struct http_fields *f)
{
	const struct slice none = { NULL, 0 };
	const struct http_field *field;
	struct slice token;

	field = http_fields_get(f, "authorization", NULL);
	if (field == NULL || !slice_starts_nocase(field->value, "bearer "))
		return none;
	token = slice_trim(
	    (struct slice){ field->value.p + 7, field->value.len - 7 });
	/* As egress has it: what is no token is no credential, not a reason to
	 * break with egress. */
	if (token.len > MSG_TOKEN_MAX || !char_all(token, CHAR_BEARER))
		return none;
	return token;
}

struct slice
facts_request_id(const struct http_fields *f)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const struct slice none = { NULL, 0 };
	const struct http_field *field;

	field = http_fields_get(f, "x-request-id", NULL);
	if (field == NULL || field->value.len > REQUEST_ID_MAX)
		return none;
	for (size_t i = 0; i < field->value.len; i++)
		if (memchr(allowed, field->value.p[i], sizeof(allowed) - 1) ==
		    NULL)
			return none;
	return field->value;
}

void
facts_make_request_id(char dst[REQUEST_ID_MADE + 1])
{
	static const char base32[] = "0123456789abcdefghijklmnopqrstuv";
	uint8_t random[REQUEST_ID_MADE];

	secret_random(random, sizeof(random));
	for (size_t i = 0; i < REQUEST_ID_MADE; i++)
		dst[i] = base32[random[i] & 31];
	dst[REQUEST_ID_MADE] = '\0';
}
