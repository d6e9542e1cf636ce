/* Tokens as a cluster issues them, good and bad, and the key set that authd
 * checks them with. */
#ifndef TESTS_PEER_TOKEN_H
#define TESTS_PEER_TOKEN_H

#include <stddef.h>

#define TOKEN_CAP 4096
#define TOKEN_ISSUER "https://issuer.test"
#define TOKEN_AUDIENCE "peer-test"
#define TOKEN_USER "peer:user" /* as Kiali shows service accounts */

enum token_kind {
	TOKEN_GOOD,
	TOKEN_ANOTHER, /* as good, of another user */
	TOKEN_EXPIRED,
	TOKEN_OTHER_AUDIENCE,
	TOKEN_OTHER_ISSUER,
	TOKEN_OTHER_KEY,    /* signed by a key that is not in the set */
	TOKEN_NO_SIGNATURE, /* "alg": "none" */
	TOKEN_PUBLIC_HMAC,  /* HS256, keyed with the public key's bytes */
	TOKEN_CHANGED,	    /* another user's name under a good signature */
	TOKEN_CUT,	    /* without its last character */
	TOKEN_KIND_COUNT
};

/* Makes the issuer's key. */
void token_issuer_new(void);
/* The key set as JSON. Caller frees. */
char *token_key_set(void);
void token_make(char dst[TOKEN_CAP], enum token_kind kind);

#endif
