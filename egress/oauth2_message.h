/*
 * The two messages of OAuth 2's client_credentials grant (RFC 6749 4.4), as
 * bytes. Pure.
 */
#ifndef EGRESS_OAUTH2_MESSAGE_H
#define EGRESS_OAUTH2_MESSAGE_H

#include <stdint.h>

#include "common/http/http.h"
#include "common/settings.h"

#define OAUTH2_REQUEST_MAX 49152
#define OAUTH2_SECRET_MAX 4096 /* of a client secret */
#define OAUTH2_TOKEN_MAX 16384
#define OAUTH2_LIFE_MAX_S 86400

/* Writes the whole request. What does not fit sets overflow. */
void oauth2_put_request(struct http_out *o, const struct oauth2_settings *set,
    struct slice client_secret);

struct oauth2_answer {
	char error[64];	 /* RFC 6749 5.2: "invalid_client", ... or "" */
	uint32_t life_s; /* 1..OAUTH2_LIFE_MAX_S; as said, or 300 */
	/* Where the token goes: OAUTH2_TOKEN_MAX bytes of the caller's. */
	char *token;
	size_t token_len;
};
/* 0: token and life_s are there. ERR_DENIED: the endpoint refuses, error may
 * say why. ERR_FORMAT: no answer as RFC 6749 5.1 has it; or a token that no
 * Authorization: Bearer can carry. */
int oauth2_get_answer(struct oauth2_answer *a, unsigned status,
    struct slice body) __attribute__((warn_unused_result));

#endif
