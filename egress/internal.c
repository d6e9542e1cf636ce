/* See internal.h. */
#include "egress/internal.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/cidr.h"
#include "common/settings.h"

static const char *const networks[] = {
	"0.0.0.0/8",
	"10.0.0.0/8",
	"100.64.0.0/10", /* carrier-grade NAT, and overlay networks */
	"127.0.0.0/8",
	"169.254.0.0/16",
	"172.16.0.0/12",
	"192.168.0.0/16",
	"::/127", /* unspecified and loopback */
	"64:ff9b::/96",
	"fc00::/7",
	"fe80::/10",
	"fec0::/10",
};

/* RFC 6761, 6762, 8375, 9476, and the names that clusters use. */
static const char *const zones[] = {
	".cluster",
	".home.arpa",
	".internal",
	".intranet",
	".lan",
	".local",
	".localhost",
	".svc",
};

static bool
in_a_network(const struct sockaddr *address)
{
	struct cidr network;

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if (cidr_parse(networks[i], &network) == 0 &&
		    cidr_contains(&network, address))
			return true;
	return false;
}

static bool
internal_ipv6(const char *host)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	return inet_pton(AF_INET6, host, &a.sin6_addr) != 1 ||
	    in_a_network((const struct sockaddr *)&a);
}

/* Browsers read a name whose last label is a number as an IPv4 address, also
 * "127.1" and "0x7f.1". */
static bool
is_numeric(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot != NULL ? dot + 1 : host;

	if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
		return true;
	return strspn(last, "0123456789") == strlen(last);
}

static bool
internal_ipv4(const char *host)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	return inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
	    in_a_network((const struct sockaddr *)&a);
}

static bool
internal_name(const char *host)
{
	size_t len = strlen(host);

	if (strchr(host, '.') == NULL)
		return true;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		size_t n = strlen(zones[i]);

		if (len > n &&
		    slice_is_nocase(slice_of(host + len - n), zones[i]))
			return true;
	}
	return false;
}

static bool
is_upstream(const struct settings *s, struct slice host)
{
	if (slice_is_nocase(host, s->console.host) ||
	    slice_is_nocase(host, s->api_server.host))
		return true;
	for (int i = 0; i < SERVICE_COUNT; i++)
		if (slice_is_nocase(host, s->services[i].url.host))
			return true;
	return false;
}

bool
internal_host(const struct settings *s, struct slice host)
{
	char text[256];

	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	if (host.len == 0 || slice_copy(host, text, sizeof(text)) != 0 ||
	    is_upstream(s, host))
		return true;
	if (strchr(text, ':') != NULL)
		return internal_ipv6(text);
	return is_numeric(text) ? internal_ipv4(text) : internal_name(text);
}
