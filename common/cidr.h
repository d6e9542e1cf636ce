/* Networks in CIDR notation, as in trusted_proxies. */
#ifndef COMMON_CIDR_H
#define COMMON_CIDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct cidr {
	int family; /* AF_INET, AF_INET6 */
	uint8_t address[16];
	unsigned bits;
};

/* "10.0.0.0/8", "2001:db8::/32", or one address. ERR_FORMAT when it is no
 * network; ERR_LIMIT when bits behind the prefix are set. */
int cidr_parse(const char *text, struct cidr *out)
    __attribute__((warn_unused_result));
/* IPv4 addresses that arrive as ::ffff:a.b.c.d are compared as IPv4; other
 * families are in no network. */
bool cidr_contains(const struct cidr *c, const struct sockaddr *address);

#endif
