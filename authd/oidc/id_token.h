/*
 * Tokens that an OpenID provider signs for us: id_tokens (OpenID Connect Core
 * 1.0, 2 and 3.1.3.7) and logout tokens (Back-Channel Logout 1.0, 2.4 to 2.6).
 * Pure: no I/O, no clock.
 *
 * SECURITY: a fault is the default, and what comes out of a token is set only
 * when every check has passed. A token for one purpose does not serve for the
 * other: typ, events and nonce keep them apart.
 */
#ifndef AUTHD_OIDC_ID_TOKEN_H
#define AUTHD_OIDC_ID_TOKEN_H

#include <stdint.h>

#include <jansson.h>

#include "common/text.h"

struct jose;
struct jwks;

#define ID_TOKEN_LEEWAY_S 60	 /* how far clocks may differ */
#define ID_TOKEN_AGE_MAX_S 600	 /* since iat, of one that just came */
#define ID_TOKEN_SUBJECT_MAX 255 /* Core 2: ASCII characters */
#define ID_TOKEN_NONCE_MAX 64	 /* of ours */

enum id_token_fault {
	ID_TOKEN_OK,
	ID_TOKEN_MALFORMED, /* no compact JWS that we accept (jose.h) */
	ID_TOKEN_ALGORITHM, /* not one of rules->algs */
	ID_TOKEN_NO_KEY,    /* the key set may be old: fetch, try again */
	ID_TOKEN_SIGNATURE,
	ID_TOKEN_KIND, /* made for another purpose */
	ID_TOKEN_ISSUER,
	ID_TOKEN_NO_AUDIENCE, /* aud missing or malformed */
	ID_TOKEN_AUDIENCE,
	ID_TOKEN_PARTY, /* azp */
	ID_TOKEN_NO_EXPIRY,
	ID_TOKEN_EXPIRED,
	ID_TOKEN_NO_DATE, /* iat missing, iat or nbf malformed */
	ID_TOKEN_FUTURE,  /* iat or nbf */
	ID_TOKEN_OLD,	  /* iat */
	ID_TOKEN_NONCE,
	ID_TOKEN_HASH, /* at_hash */
	ID_TOKEN_NO_SUBJECT,
	ID_TOKEN_SUBJECT, /* another person's than before */
	ID_TOKEN_SESSION, /* sid malformed */
	/* of logout tokens */
	ID_TOKEN_EVENT,
	ID_TOKEN_WITH_NONCE,
	ID_TOKEN_NO_ID,	 /* jti */
	ID_TOKEN_NOBODY, /* neither sub nor sid */
	ID_TOKEN_FAULTS
};

/* A sentence for the person who signs in; static. */
const char *id_token_person(enum id_token_fault fault);
/* For the log: completes "The id_token ..."; static, with the claim's name. */
const char *id_token_log(enum id_token_fault fault);

struct id_token_rules {
	const char *issuer; /* compared byte for byte */
	const char *client_id;
	unsigned algs;	   /* allowed: bits 1u << enum jose_alg */
	int64_t now;	   /* unix s */
	int64_t age_max_s; /* since iat, beside the leeway; 0: any */
	/* The rest is for id_tokens only. NULL: a refresh, whose id_token need
	 * not have one (Core 12.2). */
	const char *nonce;
	/* With nonce NULL: what one that is there all the same must be; "": not
	 * known. */
	char nonce_before[ID_TOKEN_NONCE_MAX + 1];
	/* That came with it, for at_hash; p NULL: none came. */
	struct slice access_token;
	const char *subject; /* that it must be of; NULL: anybody's */
};

struct id_token {
	struct jose *jose;
	const json_t *claims;			/* borrowed from jose */
	char subject[ID_TOKEN_SUBJECT_MAX + 1]; /* printable ASCII, not empty */
	char sid[ID_TOKEN_SUBJECT_MAX + 1];	/* the same, or "": none */
	int64_t issued, expires;		/* unix s */
};

/* Verifies the signature, then judges the claims. ID_TOKEN_OK: *out is set and
 * to be ended with id_token_done; else it is empty. */
enum id_token_fault id_token_read(struct slice token, const struct jwks *keys,
    const struct id_token_rules *rules, struct id_token *out)
    __attribute__((warn_unused_result));
void id_token_done(struct id_token *t); /* wipes; an empty one is allowed */
/* The nonce of a token that was verified before: this verifies nothing. "":
 * it has none, or none of ours. */
void id_token_recall_nonce(
    struct slice token, char nonce[ID_TOKEN_NONCE_MAX + 1]);

struct logout_token {
	char subject[ID_TOKEN_SUBJECT_MAX + 1]; /* "": the session sid alone */
	char sid[ID_TOKEN_SUBJECT_MAX + 1]; /* "": every session of subject */
	/* Not to be taken again before last: unique within the issuer. */
	char id[ID_TOKEN_SUBJECT_MAX + 1];
	int64_t issued, expires; /* unix s */
	int64_t last; /* from then on the rules refuse it by themselves */
};
/* The same for a logout token. */
enum id_token_fault logout_token_read(struct slice token,
    const struct jwks *keys, const struct id_token_rules *rules,
    struct logout_token *out) __attribute__((warn_unused_result));

#endif
