/*
 * The URL by which people reach this server: scheme, host, port and web_root.
 * Kiali's own algorithm (its GuessKialiURL), part by part, so that a provider's
 * registered redirect URIs stay good; but X-Forwarded-* only from a trusted
 * proxy. Says for each part which rule gave it. Pure.
 */
#ifndef COMMON_BASE_URL_H
#define COMMON_BASE_URL_H

#include <stdbool.h>

#include "common/http/http.h"
#include "common/settings.h"
#include "common/text.h"

#define BASE_URL_MAX 512

/* What a request says about it. */
struct base_url_request {
	const struct http_fields *fields;
	struct slice host; /* the Host field's value */
	bool tls;	   /* we end TLS on its connection */
	bool trusted;	   /* the peer is in trusted_proxies */
};

struct base_url {
	char text[BASE_URL_MAX]; /* "https://k.example/kiali": no '/' behind */
	bool secure;		 /* cookies get Secure: it begins "https:" */
	/* Which rule gave the part; static text for people. */
	const char *scheme_rule, *host_rule, *port_rule;
};

/* Whether the URL begins "https:", at less cost. */
bool base_url_secure(
    const struct settings *s, const struct base_url_request *q);
/* ERR_LIMIT: it is longer than BASE_URL_MAX. */
int base_url_make(struct base_url *out, const struct settings *s,
    const struct base_url_request *q) __attribute__((warn_unused_result));

#endif
