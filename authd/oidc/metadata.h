/*
 * What an OpenID provider says of itself: its discovery document (OpenID
 * Connect Discovery 1.0 section 3, RFC 8414, RFC 9126, RFC 9207), or the
 * endpoints that the configuration gives instead. Pure.
 *
 * SECURITY: from here on these URLs are where people are sent and where codes,
 * tokens and the client secret go. So a document counts as a whole or not at
 * all, and only when its issuer is the configured one, byte for byte: otherwise
 * one provider could answer for another (RFC 9207, mix-up).
 */
#ifndef AUTHD_OIDC_METADATA_H
#define AUTHD_OIDC_METADATA_H

#include <stdbool.h>

#include "common/text.h"
#include "common/url.h"

#define METADATA_TEXT_MAX 65536
#define METADATA_URL_MAX 2048

enum metadata_endpoint {
	METADATA_AUTHORIZATION,
	METADATA_TOKEN,
	METADATA_JWKS,
	METADATA_USERINFO,
	METADATA_END_SESSION,
	METADATA_REVOCATION,
	METADATA_PUSHED, /* pushed authorization requests */
	METADATA_ENDPOINTS
};
/* How we can prove at the token endpoint who we are (Core 9). */
enum metadata_auth {
	METADATA_AUTH_BASIC,
	METADATA_AUTH_POST,
	METADATA_AUTH_PRIVATE_KEY_JWT,
	METADATA_AUTH_NONE,
	METADATA_AUTHS
};
enum metadata_pkce {
	METADATA_PKCE_UNSAID, /* many providers have it and do not say so */
	METADATA_PKCE_S256,
	METADATA_PKCE_OTHER, /* says what it has, and S256 is not there: warn */
};

struct metadata_url {
	char *text; /* NULL: there is none */
	/* https, or http to loopback when the issuer is there as well, or the
	 * configuration says so; its path is "" */
	struct url server;
	const char *target; /* path and query; in text; "" or from '/' or '?' */
};
struct metadata {
	char *issuer;
	/* The first three are always there. */
	struct metadata_url at[METADATA_ENDPOINTS];
	unsigned auths; /* 1u << enum metadata_auth; may be 0 */
	unsigned algs;	/* of id_tokens: 1u << enum jose_alg; not 0 */
	enum metadata_pkce pkce;
	bool pushed_required;
	bool iss_in_response; /* iss must come with the code (RFC 9207) */
	bool backchannel_logout, backchannel_sid;
	bool frontchannel_logout, frontchannel_sid;
};

/* What is wrong: member (of the document or of the setting), then what with it,
 * which completes the sentence. Both static. */
struct metadata_problem {
	const char *member, *what;
};

/* Where the document is: the issuer without its last slashes and
 * "/.well-known/openid-configuration". ERR_FORMAT: issuer is no URL that serves
 * (https or loopback, no query). */
int metadata_locate(const char *issuer, struct metadata_url *out,
    struct metadata_problem *why) __attribute__((warn_unused_result));
/* ERR_FORMAT, ERR_LIMIT (too long) or ERR_DENIED (another issuer). */
int metadata_parse(struct slice text, const char *issuer, struct metadata **out,
    struct metadata_problem *why) __attribute__((warn_unused_result));

/* auth.openid.discovery_override. NULL or "": not set. */
struct metadata_override {
	const char *authorization_endpoint, *token_endpoint, *jwks_uri,
	    *userinfo_endpoint, *end_session_endpoint;
};
/* Kiali: it counts when the first two are set. */
bool metadata_is_overridden(const struct metadata_override *o);
/* In place of a document. What only a document could say is left open: every
 * algorithm and every authentication method that we know. jwks_uri is needed,
 * since signatures are always verified. ERR_FORMAT. */
int metadata_from_override(const char *issuer,
    const struct metadata_override *o, struct metadata **out,
    struct metadata_problem *why) __attribute__((warn_unused_result));
/* The deprecated auth.openid.authorization_endpoint: only replaces where people
 * are sent. On ERR_FORMAT nothing has changed. */
int metadata_set_authorization(struct metadata *m, const char *url,
    struct metadata_problem *why) __attribute__((warn_unused_result));

/* "client_secret_basic"; -1 for what we do not know. */
int metadata_auth_from(struct slice name);
void metadata_url_done(struct metadata_url *u);
void metadata_free(struct metadata *m); /* NULL allowed */

#endif
