/*
 * Who the client is and which host, port and scheme it asked for. What a proxy
 * says in X-Forwarded-* counts only when the TCP peer is in trusted_proxies;
 * from anybody else those fields are only noise that egress removes. Pure.
 */
#ifndef FRONTEND_FORWARDED_H
#define FRONTEND_FORWARDED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/http/http.h"
#include "common/settings.h"
#include "common/text.h"

#define ORIGIN_CLIENT_MAX (INET6_ADDRSTRLEN + 8) /* "[addr]:port" */

struct origin {
	char client[INET6_ADDRSTRLEN];
	uint16_t client_port; /* 0: a proxy did not say */
	bool tls;     /* between the client and the outermost trusted hop */
	bool trusted; /* the TCP peer is in trusted_proxies */
	struct slice host; /* as the client sent it; borrowed */
	uint16_t port;	   /* that the client meant */
};

/* peer: the other end of the TCP connection; tls: whether we end TLS on it. */
void forwarded_read(struct origin *o, const struct settings *s,
    const struct sockaddr *peer, bool tls, const struct http_request *q);
/* "addr:port" or "[addr]:port" for the audit trail. */
void origin_text(const struct origin *o, char dst[ORIGIN_CLIENT_MAX]);
/* Is host (a Host field's value) one of the configured names? Yes to every
 * one when none is configured. */
bool forwarded_host_known(const struct settings *s, struct slice host);

#endif
