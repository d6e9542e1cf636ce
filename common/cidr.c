/*
 * Networks in CIDR notation: who counts as a trusted proxy hangs on this, so
 * only exact notation is taken.
 */
#include "common/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"

static unsigned
family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Are the first bits of a and b the same? */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool
is_zero_behind(const struct cidr *c)
{
	for (unsigned bit = c->bits; bit < family_bits(c->family); bit++)
		if ((c->address[bit / 8] & (0x80u >> bit % 8)) != 0)
			return false;
	return true;
}

int
cidr_parse(const char *text, struct cidr *out)
{
	struct slice rest = slice_of(text);
	struct slice address = slice_cut(&rest, '/');
	struct cidr c = { .family = AF_INET };
	char name[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (slice_copy(address, name, sizeof(name)) != 0)
		return ERR_FORMAT;
	if (inet_pton(AF_INET, name, c.address) != 1) {
		c.family = AF_INET6;
		if (inet_pton(AF_INET6, name, c.address) != 1)
			return ERR_FORMAT;
	}
	bits = family_bits(c.family);
	if (rest.p != NULL && text_u64(rest, bits, &bits) != 0)
		return ERR_FORMAT;
	c.bits = (unsigned)bits;
	if (!is_zero_behind(&c))
		return ERR_LIMIT;
	*out = c;
	return 0;
}

bool
cidr_contains(const struct cidr *c, const struct sockaddr *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const void *any = address;
	const uint8_t *bytes;
	int family = address->sa_family;

	if (family == AF_INET) {
		const struct sockaddr_in *in = any;

		bytes = (const uint8_t *)&in->sin_addr;
	} else if (family == AF_INET6) {
		const struct sockaddr_in6 *in6 = any;

		bytes = in6->sin6_addr.s6_addr;
		if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
			bytes += sizeof(mapped);
			family = AF_INET;
		}
	} else {
		return false;
	}
	return family == c->family && same_prefix(bytes, c->address, c->bits);
}
