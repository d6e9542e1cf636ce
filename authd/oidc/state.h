/*
 * What a login through the provider leaves with the browser: the login cookie
 * (one per browser, of constant size, whatever the number of tabs) and the
 * parameter state (one per attempt, which comes back with the code). Both are
 * sealed with AES-256-GCM under keys that come from the session keys (HKDF), so
 * that authd keeps nothing of an attempt and the signing key may change while
 * somebody types a password. Pure: no clock, no store; random bytes only.
 *
 * SECURITY: nonce and PKCE verifier (RFC 7636) are derived from the attempt and
 * the browser together, so a state that reaches another browser, or a code that
 * was got with another state, is of no use. That an attempt counts once is for
 * the caller to see to: the attempt id says which it is.
 *
 *     cookie, state: base64url of version ‖ key id[4] ‖ seal (authd/seal.h)
 *     cookie holds:  browser id[32] ‖ u64 time ‖ u8 rounds
 *     state holds:   attempt id[16] ‖ SHA-256(browser id) ‖ SHA-256(base URL) ‖
 *                    u64 time ‖ u8 rounds ‖ u16 length, return path
 */
#ifndef AUTHD_OIDC_STATE_H
#define AUTHD_OIDC_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/b64url.h"
#include "common/text.h"

#include "authd/keys.h"
#include "authd/seal.h"

#define STATE_HEAD_LEN (1 + MSG_KEY_ID_LEN)
#define STATE_ATTEMPT_LEN 16
#define STATE_RETURN_MAX 1024
#define STATE_COOKIE_LEN B64URL_LEN(STATE_HEAD_LEN + SEAL_OVERHEAD + 32 + 8 + 1)
#define STATE_MAX                                                            \
	B64URL_LEN(STATE_HEAD_LEN + SEAL_OVERHEAD + STATE_ATTEMPT_LEN + 32 + \
	    32 + 8 + 1 + 2 + STATE_RETURN_MAX)
#define STATE_DERIVED_LEN 43 /* characters of nonce, verifier, challenge */
#define STATE_ROUNDS_MAX 255 /* counted no further */

enum state_fault {
	STATE_OK,
	STATE_NO_COOKIE,     /* the browser sent none: cookies are blocked? */
	STATE_COOKIE_BAD,    /* not one of ours, or changed */
	STATE_BAD,	     /* the same of state */
	STATE_KEY_GONE,	     /* sealed under a key that is not there any more */
	STATE_EXPIRED,	     /* cookie or state: over the time allowed */
	STATE_FUTURE,	     /* a clock was set back */
	STATE_OTHER_BROWSER, /* state was made for another login cookie */
	STATE_OTHER_BASE,    /* or under another address of ours */
	STATE_FAULTS
};
/* A sentence for the person; and one that completes "The login ..." for the
 * log. Static. */
const char *state_person(enum state_fault fault);
const char *state_log(enum state_fault fault);

/* Begins an attempt. */
struct state_start {
	int64_t now;	       /* unix s */
	int64_t timeout_s;     /* auth.openid.authentication_timeout */
	struct slice base_url; /* as the redirect URI has it */
	/* Opaque here, at most STATE_RETURN_MAX bytes; a longer one is
	 * forgotten, which means the web root. */
	struct slice return_path;
	struct slice cookie; /* the browser's login cookie, "": none */
};
struct state_attempt {
	char cookie[STATE_COOKIE_LEN + 1]; /* to be set, also when it had one */
	char state[STATE_MAX + 1];
	char nonce[STATE_DERIVED_LEN + 1];
	char challenge[STATE_DERIVED_LEN + 1]; /* code_challenge, S256 */
	unsigned rounds; /* failed ones since the last success */
};
/* A login cookie that still holds stays the same browser's, so that attempts in
 * other tabs go on; any other is replaced. keys must be ready (keys_ready). */
void state_begin(const struct keys *keys, const struct state_start *start,
    struct state_attempt *out);

/* The callback. */
struct state_return {
	int64_t now;
	int64_t timeout_s;
	struct slice base_url;
	struct slice cookie; /* "": none */
	struct slice state;
};
struct state_resumed {
	uint8_t attempt[STATE_ATTEMPT_LEN]; /* to be used once */
	int64_t until; /* by then it is too old by itself (unix s) */
	char nonce[STATE_DERIVED_LEN + 1];    /* that the id_token must have */
	char verifier[STATE_DERIVED_LEN + 1]; /* code_verifier; a secret */
	char return_path[STATE_RETURN_MAX + 1]; /* and a NUL behind it */
	size_t return_len;			/* 0: the web root */
	unsigned rounds;
};
/* STATE_OK or what is wrong; then out is empty but for rounds and the return
 * path, as far as cookie or state could be opened: who fails may try again to
 * get there. Wipe it after use. */
enum state_fault state_resume(const struct keys *keys,
    const struct state_return *back, struct state_resumed *out)
    __attribute__((warn_unused_result));

/* The login cookie after an attempt: failed counts a round, else they begin
 * again at 0. The time of its last start stays. On a fault cookie is "": there
 * is nothing to count in. */
enum state_fault state_count(const struct keys *keys,
    const struct state_return *back, bool failed,
    char cookie[STATE_COOKIE_LEN + 1]) __attribute__((warn_unused_result));

/* RFC 7636 4.2: base64url of the verifier's SHA-256. */
void state_challenge(char dst[STATE_DERIVED_LEN + 1], const char *verifier);

#endif
