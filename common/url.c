/*
 * URLs and listening addresses from the configuration. Strict: what is not
 * understood is refused, not guessed.
 */
#include "common/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

#define URL_HOST_MAX 253

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool
is_ipv6(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t address[16];

	return slice_copy(host, text, sizeof(text)) == 0 &&
	    inet_pton(AF_INET6, text, address) == 1;
}

bool
url_is_host(struct slice host)
{
	if (host.len == 0 || host.len > URL_HOST_MAX)
		return false;
	if (memchr(host.p, ':', host.len) != NULL)
		return is_ipv6(host);
	if (host.p[0] == '.' || host.p[0] == '-')
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.p[i];

		if (!is_alnum(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

bool
url_is_loopback(const char *host)
{
	uint8_t in[4], in6[16];

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, in) == 1)
		return in[0] == 127;
	return inet_pton(AF_INET6, host, in6) == 1 &&
	    memcmp(in6, &in6addr_loopback, sizeof(in6)) == 0;
}

/* "host", "host:port", "[v6]:port": port_text.p is NULL when there is none. */
static bool
split_authority(struct slice text, struct slice *host, struct slice *port_text)
{
	if (text.len > 0 && text.p[0] == '[') {
		text.p++;
		text.len--;
		*host = slice_cut(&text, ']');
		if (text.p == NULL || !is_ipv6(*host))
			return false;
		*port_text = (struct slice){ NULL, 0 };
		if (text.len == 0)
			return true;
		if (text.p[0] != ':')
			return false;
		*port_text = (struct slice){ text.p + 1, text.len - 1 };
		return true;
	}
	*port_text = text;
	*host = slice_cut(port_text, ':');
	return port_text->p == NULL ||
	    memchr(port_text->p, ':', port_text->len) == NULL;
}

/* path: behind its first '/' */
static bool
is_path(struct slice path)
{
	if (path.len > 0 && (path.p[0] == '/' || path.p[0] == '.'))
		return false;
	for (size_t i = 0; i < path.len; i++) {
		char c = path.p[i];

		if (!is_alnum(c) && (c == '\0' || strchr("/-._~", c) == NULL))
			return false;
		if (c == '/' && i + 1 < path.len &&
		    (path.p[i + 1] == '/' || path.p[i + 1] == '.'))
			return false;
	}
	return true;
}

int
url_parse(const char *text, struct url *out, const char **why)
{
	struct slice rest = slice_of(text), authority, host, port;
	bool tls = slice_starts(rest, "https://");
	uint64_t number = tls ? 443 : 80;

	if (!tls && !slice_starts(rest, "http://")) {
		*why = "must begin with https:// or http://";
		return ERR_FORMAT;
	}
	rest.p += tls ? 8 : 7;
	rest.len -= tls ? 8 : 7;
	authority = slice_cut(&rest, '/');
	if (memchr(authority.p, '@', authority.len) != NULL) {
		*why = "must not hold a user name or password";
		return ERR_FORMAT;
	}
	if (!split_authority(authority, &host, &port) || !url_is_host(host)) {
		*why = "has no valid host name";
		return ERR_FORMAT;
	}
	if (port.p != NULL &&
	    (text_u64(port, UINT16_MAX, &number) != 0 || number == 0)) {
		*why = "has no valid port";
		return ERR_FORMAT;
	}
	while (rest.len > 0 && rest.p[rest.len - 1] == '/')
		rest.len--;
	if (!is_path(rest)) {
		*why = "has a path with characters that are not allowed here "
		       "(or a query)";
		return ERR_FORMAT;
	}
	out->tls = tls;
	out->host = slice_dup(host);
	for (char *c = out->host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	out->port = (uint16_t)number;
	out->path = rest.len > 0 ? mem_printf("/%.*s", SLICE_ARG(rest))
				 : mem_strdup("");
	return 0;
}

void
url_done(struct url *u)
{
	free(u->host);
	free(u->path);
	*u = (struct url){ 0 };
}

int
endpoint_parse(const char *text, struct endpoint *out)
{
	struct slice host, port;
	struct endpoint e;
	uint64_t number;
	uint8_t address[16];

	if (!split_authority(slice_of(text), &host, &port) || port.p == NULL ||
	    text_u64(port, UINT16_MAX, &number) != 0)
		return ERR_FORMAT;
	if (slice_is(host, "*"))
		host.len = 0;
	if (slice_copy(host, e.host, sizeof(e.host)) != 0)
		return ERR_FORMAT;
	if (e.host[0] != '\0' && inet_pton(AF_INET, e.host, address) != 1 &&
	    inet_pton(AF_INET6, e.host, address) != 1)
		return ERR_FORMAT;
	e.port = (uint16_t)number;
	*out = e;
	return 0;
}
