/*
 * What a provider's endpoints answer to the OAuth client that we are: tokens
 * (RFC 6749 5.1, OpenID Connect Core 3.1.3.3 and 12.2), a pushed authorization
 * request's URI (RFC 9126 2.2), or an error (RFC 6749 5.2). Pure.
 *
 * SECURITY: what is malformed gives no token at all. detail is for the log: it
 * names the status and, if it is a registered one, the error; nothing of what
 * the provider writes is ever copied into it, since tokens could be in there.
 */
#ifndef AUTHD_OIDC_TOKEN_ANSWER_H
#define AUTHD_OIDC_TOKEN_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "common/text.h"

#include "authd/oidc/metadata.h"

#define TOKEN_ANSWER_MAX 65536 /* bytes */
#define TOKEN_DETAIL_MAX 320
#define TOKEN_LIFE_MAX_S 315360000 /* ten years: longer counts as that */
#define REQUEST_URI_MAX 2048

enum token_fault {
	TOKEN_OK,
	TOKEN_UNAVAILABLE,   /* unreachable, too slow, 5xx, 429: try later */
	TOKEN_INVALID_GRANT, /* the code or refresh token is over */
	TOKEN_CLIENT,	     /* our id, secret or key is not accepted, or there
				is none: an administrator must act */
	TOKEN_MALFORMED,     /* no answer as the RFC has it */
	TOKEN_REFUSED,	     /* any other error */
};

struct token_answer {
	/* p NULL: there is none. Visible ASCII, 1..MSG_TOKEN_MAX characters. */
	struct slice id_token, access_token, refresh_token;
	int64_t expires_in_s; /* of the access token; -1: not said */
	/* Why there are none: "401 invalid_client: the client id or the secret
	 * in slot oidc-secret is wrong". */
	char detail[TOKEN_DETAIL_MAX];
	json_t *document; /* what the tokens are in */
};
struct token_answer_rules {
	enum metadata_auth auth; /* by which the client proved itself */
	bool need_id_token, need_access_token;
};

/* Always to be ended with token_answer_done. Of an answer that needs neither
 * token one of them is there all the same. */
enum token_fault token_answer_read(unsigned status, struct slice body,
    const struct token_answer_rules *rules, struct token_answer *out)
    __attribute__((warn_unused_result));
void token_answer_done(struct token_answer *a); /* wipes (json_strict_init) */

/* Of a revocation (RFC 7009 2.2), whose good answer has no content that
 * counts. An unsupported token type is no fault: nothing can be done then. */
enum token_fault revocation_answer_read(unsigned status, struct slice body,
    enum metadata_auth auth, char detail[TOKEN_DETAIL_MAX])
    __attribute__((warn_unused_result));
/* uri: visible ASCII, "" on faults. */
enum token_fault pushed_answer_read(unsigned status, struct slice body,
    enum metadata_auth auth, char uri[REQUEST_URI_MAX + 1],
    char detail[TOKEN_DETAIL_MAX]) __attribute__((warn_unused_result));

#endif
