/*
 * URLs of servers that Doorward talks to, and addresses that it listens on, as
 * they stand in the configuration.
 */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

struct url { /* http or https, no userinfo, no query */
	bool tls;
	char *host; /* without brackets, lower case */
	uint16_t port;
	char *path; /* "" or "/x", no trailing slash */
};

/* 0, or ERR_FORMAT with the reason in *why (static storage). */
int url_parse(const char *text, struct url *out, const char **why)
    __attribute__((warn_unused_result));
void url_done(struct url *u);

/* Letters, digits, '-', '_' and '.'; or an IPv6 address without brackets. */
bool url_is_host(struct slice host);
/* localhost or a loopback address. */
bool url_is_loopback(const char *host);

struct endpoint {
	char host[48]; /* numeric; "" is every address */
	uint16_t port; /* 0: any free one */
};
/* "127.0.0.1:8443", "[::1]:443", ":443", "*:443". 0 or ERR_FORMAT. */
int endpoint_parse(const char *text, struct endpoint *out)
    __attribute__((warn_unused_result));

#endif
