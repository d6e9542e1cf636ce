/*
 * THE internal protocol: every control message, once. Bodies travel as frames
 * (frame.h), nothing else crosses a process boundary.
 *
 * Transport: AF_UNIX SOCK_SEQPACKET, one datagram per message:
 *   u16 MSG_MAGIC, u16 type, u64 request id, payload (encoded with wire.h)
 * HELLO goes first in both directions. A request (a row with a reply) has an id
 * > 0, its reply carries the same id; a pushed message (neither) carries id 0.
 * The role of the peer is which socket accepted it and its SO_PEERCRED uid,
 * never message bytes.
 *
 * Notation: text/bytes = u16 length + bytes; raw[n] = n bytes.
 */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/role.h"

#define MSG_MAGIC 0xD00D
#define MSG_PROTOCOL_VERSION 1
#define MSG_HEADER_LEN 12
#define MSG_PAYLOAD_MAX 65000

/* Field limits that both sides of the protocol and the tests share. */
#define MSG_TOKEN_MAX 16384  /* a bearer token */
#define MSG_COOKIE_MAX 128   /* a session cookie's value */
#define MSG_USER_MAX 512     /* a user name */
#define MSG_CLIENT_MAX 64    /* "addr:port" of a client, for the audit trail */
#define MSG_ROUTE_MAX 200    /* a route's name */
#define MSG_REASON_MAX 256   /* a sentence for a person */
#define MSG_CHAIN_MAX 32768  /* a certificate chain in PEM */
#define MSG_SECRET_MAX 32768 /* the value of a slot */
#define MSG_HANDLE_LEN 32    /* SHA-256 of a credential: a session's handle */
#define MSG_KEY_ID_LEN 4
#define MSG_KEYS_MAX 64	  /* session keys: the current one and previous ones */
#define MSG_SIGN_MAX 512  /* a signature, or a structure to sign */
#define MSG_NAMES_MAX 256 /* the names in a certificate, maybe cut */
#define MSG_JWK_MAX 1024  /* a public key as a JWK */
#define MSG_ASSERTION_MAX 8192 /* a client assertion (RFC 7523) */
#define MSG_BASE_URL_MAX 512
#define MSG_RETURN_MAX 1024	 /* a path of ours to come back to */
#define MSG_LOGIN_COOKIE_MAX 128 /* the value of a login cookie */
#define MSG_STATE_MIN 166	 /* the parameter state of a login */
#define MSG_STATE_MAX 1531
#define MSG_WHY_MAX 512
#define MSG_QUERY_MAX 8192	 /* of a callback */
#define MSG_LOCATION_MAX 12288	 /* the provider's login page */
#define MSG_LOGOUT_URL_MAX 20480 /* its logout page: holds an id_token */
#define MSG_REFERENCE_MAX 16	 /* by which a failure is found in the log */
#define MSG_SUBJECT_MAX 255	 /* sub and sid of a provider */

enum msg_fd { FD_NONE, FD_ONE };

#define R(role) (1u << ROLE_##role)
#define R_DAEMONS (R(FRONTEND) | R(AUTHD) | R(EGRESS) | R(SECRETD))

/* clang-format off */
/*
 *    type                    from         to           min  max    fd       reply
 */
#define MSG_LIST(X) \
    /* u32 protocol version, text build ("0.1.0") */ \
    X(MSG_HELLO,              R_DAEMONS | R(SIGNER) | R(CTL), \
                                           R_DAEMONS | R(SIGNER) | R(CTL), \
                                                          6,    64, FD_NONE, MSG_NONE) \
    \
    /* The control tool asks how a daemon is. empty */ \
    X(MSG_STATUS,             R(CTL),      R_DAEMONS,     0,     0, FD_NONE, MSG_STATUS_RESULT) \
    /* text (to 32 KB): lines "key: value\n" */ \
    X(MSG_STATUS_RESULT,      R_DAEMONS,   R(CTL),        2, 32770, FD_NONE, MSG_NONE) \
    \
    /* A person or API client logs in. text token, text client */ \
    X(MSG_LOGIN_TOKEN,        R(FRONTEND), R(AUTHD),      5, 16452, FD_NONE, MSG_LOGIN_RESULT) \
    /* u8 enum login_code; text cookie ("" unless OK), u64 expires (unix s), text user,
       text reason (a sentence for the person, "" when OK) */ \
    X(MSG_LOGIN_RESULT,       R(AUTHD),    R(FRONTEND),  15,   911, FD_NONE, MSG_NONE) \
    /* Who is this? Runs the whole validation. text cookie, bytes token ("" unless the strategy
       is header: that which came beside the cookie, which is else nobody's) */ \
    X(MSG_SESSION,            R(FRONTEND), R(AUTHD),      5, 16516, FD_NONE, MSG_SESSION_RESULT) \
    /* u8 enum verdict, text user, u64 expires (unix s) */ \
    X(MSG_SESSION_RESULT,     R(AUTHD),    R(FRONTEND),  11,   523, FD_NONE, MSG_NONE) \
    /* End a session. The result comes when every egress has acknowledged. text cookie, text client,
       text base URL (where the provider may send the person back to) */ \
    X(MSG_LOGOUT,             R(FRONTEND), R(AUTHD),      7,   710, FD_NONE, MSG_LOGOUT_RESULT) \
    /* u8 enum verdict: ALLOW (it is ended), NO_SESSION (there was none), UNAVAILABLE (ended
       here, but an egress has not acknowledged), REJECTED (not ended: the store failed); text
       location (the provider's logout page, "" none) */ \
    X(MSG_LOGOUT_RESULT,      R(AUTHD),    R(FRONTEND),   3, 20483, FD_NONE, MSG_NONE) \
    /* End every session of the person whose session this is. text cookie, text client, text
       base URL */ \
    X(MSG_LOGOUT_EVERYWHERE,  R(FRONTEND), R(AUTHD),      7,   710, FD_NONE, MSG_LOGOUT_EVERYWHERE_RESULT) \
    /* u8 enum verdict as in MSG_LOGOUT_RESULT, u32 how many were ended, text location */ \
    X(MSG_LOGOUT_EVERYWHERE_RESULT, R(AUTHD), R(FRONTEND), 7, 20487, FD_NONE, MSG_NONE) \
    \
    /* A person wants to sign in at the OpenID provider. text base URL, text return path ("" the
       web root), text login cookie ("" none), text client, text why (how the base URL came
       about, for the log) */ \
    X(MSG_OIDC_START,         R(FRONTEND), R(AUTHD),     10,  2250, FD_NONE, MSG_OIDC_START_RESULT) \
    /* u8 enum login_code; when OK: text location (the provider's page), text login cookie;
       else text reason, text reference; all four are there */ \
    X(MSG_OIDC_START_RESULT,  R(AUTHD),    R(FRONTEND),   9, 12697, FD_NONE, MSG_NONE) \
    /* Somebody came back from the provider. text base URL, text query (as it stood in the
       request), text login cookie, text session cookie that the browser has ("" none), text
       client */ \
    X(MSG_OIDC_CALLBACK,      R(FRONTEND), R(AUTHD),     11,  9034, FD_NONE, MSG_OIDC_CALLBACK_RESULT) \
    /* u8 enum login_code; text session cookie, u64 expires (unix s), text user, text return
       path ("" the web root), text login cookie (its new value, "" leave it), text reason,
       text reference, u8 rounds that failed one after the other. OK without a session cookie:
       nothing was left to do. Then user is who is signed in already; "": the answer belongs to
       no login of ours (only for a browser without a login cookie) */ \
    X(MSG_OIDC_CALLBACK_RESULT, R(AUTHD),  R(FRONTEND),  22,  2086, FD_NONE, MSG_NONE) \
    /* Back-channel logout. bytes logout token, text client */ \
    X(MSG_OIDC_BACKCHANNEL,   R(FRONTEND), R(AUTHD),      5, 16452, FD_NONE, MSG_OIDC_BACKCHANNEL_RESULT) \
    /* u8 enum login_code (OK: what it names is ended; REJECTED; UNAVAILABLE), text reason */ \
    X(MSG_OIDC_BACKCHANNEL_RESULT, R(AUTHD), R(FRONTEND), 3,   259, FD_NONE, MSG_NONE) \
    /* Front-channel logout. text iss, text sid (both or ""), text session cookie, text client */ \
    X(MSG_OIDC_FRONTCHANNEL,  R(FRONTEND), R(AUTHD),      8,   967, FD_NONE, MSG_OIDC_FRONTCHANNEL_RESULT) \
    /* u8 enum verdict: ALLOW (ended), NO_SESSION, REJECTED (it names another one), UNAVAILABLE */ \
    X(MSG_OIDC_FRONTCHANNEL_RESULT, R(AUTHD), R(FRONTEND), 1,    1, FD_NONE, MSG_NONE) \
    /* The cookie screening keys. empty */ \
    X(MSG_SCREEN_KEYS,        R(FRONTEND), R(AUTHD),      0,     0, FD_NONE, MSG_SCREEN_KEYS_RESULT) \
    /* u32 ask again in s; u8 n <= 64; n x { raw[4] key id, u16 epoch, raw[32] key } */ \
    X(MSG_SCREEN_KEYS_RESULT, R(AUTHD),    R(FRONTEND),   5,  2437, FD_NONE, MSG_NONE) \
    \
    /* May this credential use this route? u8 enum credential, bytes value (cookie or token),
       text route, text client */ \
    X(MSG_LEASE,              R(EGRESS),   R(AUTHD),      8, 16655, FD_NONE, MSG_LEASE_RESULT) \
    /* u8 enum verdict, text user, bytes token to inject ("" for none), u32 lease ms (how long
       this answer may be used), u64 session end (unix s), raw[32] handle, raw[4] id of the
       key that the session is sealed under (zeroes for a bearer) */ \
    X(MSG_LEASE_RESULT,       R(AUTHD),    R(EGRESS),    53, 16949, FD_NONE, MSG_NONE) \
    /* Drop leases and cut exchanges: a request of authd to every egress. u64 sequence number, u8 enum revoke,
       raw[32] handle (REVOKE_KEY: key id, zeroes) */ \
    X(MSG_REVOKE,             R(AUTHD),    R(EGRESS),    41,    41, FD_NONE, MSG_REVOKE_ACK) \
    /* u64 sequence number */ \
    X(MSG_REVOKE_ACK,         R(EGRESS),   R(AUTHD),      8,     8, FD_NONE, MSG_NONE) \
    \
    /* The session keys, derived from the signing key. empty */ \
    X(MSG_SESSION_KEYS,       R(AUTHD),    R(SECRETD),    0,     0, FD_NONE, MSG_SESSION_KEYS_RESULT) \
    /* u8 n (0: no usable signing key) <= MSG_KEYS_MAX; newest first:
       n x { raw[4] key id, raw[32] seal key, raw[32] screening key } */ \
    X(MSG_SESSION_KEYS_RESULT,R(SECRETD),  R(AUTHD),      1,  4353, FD_NONE, MSG_NONE) \
    /* The value of a slot (slot.h says who may ask for which). u16 slot */ \
    X(MSG_SECRET,             R(AUTHD) | R(EGRESS), \
                                           R(SECRETD),    2,     2, FD_NONE, MSG_SECRET_RESULT) \
    /* u8 enum secret_state, bytes value ("" unless SECRET_OK) */ \
    X(MSG_SECRET_RESULT,      R(SECRETD),  R(AUTHD) | R(EGRESS), \
                                                          3, 32771, FD_NONE, MSG_NONE) \
    /* The certificates (PEM) that a server is checked with. u16 enum service_id: its ca_file;
       or enum ca_number (settings.h): CA_API_SERVER and CA_OPENID are for authd alone, CA_COMMON for both,
       the others for egress */ \
    X(MSG_CA,                 R(AUTHD) | R(EGRESS), \
                                           R(SECRETD),    2,     2, FD_NONE, MSG_CA_RESULT) \
    /* empty; the descriptor is the file, open for reading */ \
    X(MSG_CA_RESULT,          R(SECRETD),  R(AUTHD) | R(EGRESS), \
                                                          0,     0, FD_ONE,  MSG_NONE) \
    /* The other answer to MSG_CA: none is configured, or it is of no use. u8 1 (configured)
       or 0 */ \
    X(MSG_CA_NONE,            R(SECRETD),  R(AUTHD) | R(EGRESS), \
                                                          1,     1, FD_NONE, MSG_NONE) \
    /* Something that the peer has from secretd is another one now: ask anew. u8 enum changed,
       u16 number */ \
    X(MSG_CHANGED,            R(SECRETD),  R(FRONTEND) | R(AUTHD) | R(EGRESS), \
                                                          3,     3, FD_NONE, MSG_NONE) \
    /* The session keys as the control tool may know them. empty */ \
    X(MSG_KEYS,               R(CTL),      R(SECRETD),    0,     0, FD_NONE, MSG_KEYS_RESULT) \
    /* u8 n <= MSG_KEYS_MAX; newest first: n x { raw[4] key id, u8 enum key_state,
       u64 since (unix s), u64 until (unix s, 0: the current one) } */ \
    X(MSG_KEYS_RESULT,        R(SECRETD),  R(CTL),        1,  1345, FD_NONE, MSG_NONE) \
    /* Forget a previous key. u8 enum key_drop, raw[4] key id */ \
    X(MSG_KEY_DROP,           R(CTL),      R(SECRETD),    5,     5, FD_NONE, MSG_KEY_DROP_RESULT) \
    /* u8 1 (it is gone) or 0; text reason (a sentence, "" when gone) */ \
    X(MSG_KEY_DROP_RESULT,    R(SECRETD),  R(CTL),        3,   259, FD_NONE, MSG_NONE) \
    /* How many sessions are sealed under a key? Answered when authd has asked secretd for the
       keys anew, and every egress has dropped what was revoked. raw[4] key id */ \
    X(MSG_KEY_SESSIONS,       R(CTL),      R(AUTHD),      4,     4, FD_NONE, MSG_KEY_SESSIONS_RESULT) \
    /* u32 how many */ \
    X(MSG_KEY_SESSIONS_RESULT,R(AUTHD),    R(CTL),        4,     4, FD_NONE, MSG_NONE) \
    \
    /* A TLS certificate and a channel to the signer of its key. u16 number: frontend: index of a
       server certificate; egress: enum service_id, for its client certificate */ \
    X(MSG_TLS_IDENTITY,       R(FRONTEND) | R(EGRESS), \
                                           R(SECRETD),    2,     2, FD_NONE, MSG_TLS_IDENTITY_RESULT) \
    /* bytes chain (PEM, leaf first); the descriptor is one end of a fresh SEQPACKET pair, the
       signer has the other */ \
    X(MSG_TLS_IDENTITY_RESULT,R(SECRETD),  R(FRONTEND) | R(EGRESS), \
                                                          3, 32770, FD_ONE,  MSG_NONE) \
    /* The other answer to MSG_TLS_IDENTITY: there is no such certificate, or its signer is
       away. u8 1 (configured) or 0 */ \
    X(MSG_TLS_IDENTITY_NONE,  R(SECRETD),  R(FRONTEND) | R(EGRESS), \
                                                          1,     1, FD_NONE, MSG_NONE) \
    /* The session-ticket keys, shared by all workers. empty */ \
    X(MSG_TICKET_KEYS,        R(FRONTEND), R(SECRETD),    0,     0, FD_NONE, MSG_TICKET_KEYS_RESULT) \
    /* u32 ask again in s; u8 n <= 3, newest first: n x { raw[16] name, raw[32] AES key, raw[32] HMAC key } */ \
    X(MSG_TICKET_KEYS_RESULT, R(SECRETD),  R(FRONTEND),   5,   245, FD_NONE, MSG_NONE) \
    \
    /* The key that Doorward proves itself with to the OpenID provider: a channel to its signer.
       empty */ \
    X(MSG_ASSERTION_KEY,      R(AUTHD),    R(SECRETD),    0,     0, FD_NONE, MSG_ASSERTION_KEY_RESULT) \
    /* text name ("ES256 <kid>"); the descriptor as in MSG_TLS_IDENTITY_RESULT */ \
    X(MSG_ASSERTION_KEY_RESULT,R(SECRETD), R(AUTHD),      3,   258, FD_ONE,  MSG_NONE) \
    /* The other answer to MSG_ASSERTION_KEY: there is no such key, or its signer is away. u8 1
       (configured) or 0 */ \
    X(MSG_ASSERTION_KEY_NONE, R(SECRETD),  R(AUTHD),      1,     1, FD_NONE, MSG_NONE) \
    \
    /* Load the one key of this signer. u8 enum signer_purpose, bytes private key (PEM), bytes
       certificate chain (PEM); SIGNER_CLIENT_ASSERTION has instead, in these bytes: text client
       id, text issuer */ \
    X(MSG_SIGNER_LOAD,        R(SECRETD),  R(SIGNER),     6, 65000, FD_NONE, MSG_SIGNER_LOADED) \
    /* u8 enum signer_state; text reason; when it is SIGNER_READY, of the certificate: text names
       ("a, b"), u64 its end (unix s), text ""; or of the key for client assertions: text
       "ES256 <kid>", u64 0, text its public JWK */ \
    X(MSG_SIGNER_LOADED,      R(SIGNER),   R(SECRETD),   15,  1551, FD_NONE, MSG_NONE) \
    /* A channel for somebody who may ask for signatures: the descriptor. u32 its process id, 0:
       not known */ \
    X(MSG_SIGNER_ATTACH,      R(SECRETD),  R(SIGNER),     4,     4, FD_ONE,  MSG_NONE) \
    /* Sign one handshake. u16 TLS SignatureScheme (RFC 8446 4.2.3), bytes the structure:
       TLS 1.3: 64 x 0x20, "TLS 1.3, server CertificateVerify" (egress: "client"), 0,
       transcript hash;
       TLS 1.2, frontend only: client random, server random, ServerECDHParams */ \
    X(MSG_SIGN,               R(FRONTEND) | R(EGRESS), \
                                           R(SIGNER),     5,   516, FD_NONE, MSG_SIGN_RESULT) \
    /* bytes signature, "" when refused */ \
    X(MSG_SIGN_RESULT,        R(SIGNER),   R(FRONTEND) | R(EGRESS), \
                                                          2,   514, FD_NONE, MSG_NONE) \
    /* A client assertion (RFC 7523 2.2) of the client and for the issuer that the signer was
       loaded with. empty */ \
    X(MSG_SIGN_ASSERTION,     R(AUTHD),    R(SIGNER),     0,     0, FD_NONE, MSG_SIGN_ASSERTION_RESULT) \
    /* text JWT, "" when refused */ \
    X(MSG_SIGN_ASSERTION_RESULT,R(SIGNER), R(AUTHD),      2,  8194, FD_NONE, MSG_NONE)
/* clang-format on */

enum msg_type {
	MSG_NONE,
#define X(type, from, to, min, max, fd, reply) type,
	MSG_LIST(X)
#undef X
	    MSG_COUNT
};

/* What authd says of a credential. Values are the wire's. */
enum verdict {
	VERDICT_ALLOW,
	VERDICT_NO_SESSION, /* unknown, logged out, malformed: 401 */
	VERDICT_EXPIRED,    /* was a session, is over: 401 */
	VERDICT_REJECTED,  /* the cluster or issuer no longer accepts the token:
			      401 */
	VERDICT_FORBIDDEN, /* known, but not allowed here: 403 */
	VERDICT_UNAVAILABLE, /* cannot be decided now: 503 */
	VERDICT_COUNT
};

/* Outcome of a login. The reason sentence goes with each but OK. */
enum login_code {
	LOGIN_OK,
	LOGIN_EXPIRED,	/* the token's own exp is past: 401 */
	LOGIN_REJECTED, /* the cluster or the offline check refuses it: 401 */
	LOGIN_NO_NAMESPACE, /* good, but sees no namespace: 401 */
	LOGIN_FORBIDDEN,    /* good, but the allow rules say no: 403 */
	LOGIN_UNAVAILABLE,  /* cluster or secretd unreachable: 503 */
	LOGIN_NOT_OFFERED,  /* the strategy has no such login: 400 */
	LOGIN_BUSY,	    /* too many attempts: 429 */
	LOGIN_CODE_COUNT
};

enum credential { CREDENTIAL_COOKIE, CREDENTIAL_BEARER, CREDENTIAL_COUNT };
/* REVOKE_KEY: all sessions under a key, and no others. */
enum revoke { REVOKE_SESSION, REVOKE_ALL, REVOKE_KEY, REVOKE_COUNT };
/* Of a session key: new sessions are made under the current one, a previous one
 * opens what it sealed. */
enum key_state { KEY_CURRENT, KEY_PREVIOUS, KEY_STATE_COUNT };
/* What a key may sign: one side's part in a handshake, or client assertions. */
enum signer_purpose {
	SIGNER_TLS_SERVER,
	SIGNER_TLS_CLIENT,
	SIGNER_CLIENT_ASSERTION,
	SIGNER_PURPOSE_COUNT
};
enum secret_state {
	SECRET_OK,
	SECRET_NONE, /* there is no file for it */
	SECRET_BAD,  /* there is one, of no use; or it is not for this role */
	SECRET_STATE_COUNT
};
/* What MSG_CHANGED tells of, and what its number is. */
enum changed {
	CHANGED_SECRET,	  /* slot */
	CHANGED_KEYS,	  /* 0: session keys */
	CHANGED_IDENTITY, /* of the certificate; for authd 0: MSG_ASSERTION_KEY
			   */
	CHANGED_CA,	  /* as in MSG_CA */
	CHANGED_COUNT
};
/* KEY_REVOKE: it may never come back. */
enum key_drop { KEY_RETIRE, KEY_REVOKE, KEY_DROP_COUNT };
enum signer_state {
	SIGNER_READY,
	SIGNER_BAD_KEY,	 /* not a usable private key */
	SIGNER_BAD_CERT, /* not a usable certificate */
	SIGNER_MISMATCH, /* the key is not the certificate's */
	SIGNER_STATE_COUNT
};

struct msg_spec {
	const char *name;
	unsigned from, to; /* masks of 1 << enum role */
	uint32_t min, max; /* payload bytes */
	enum msg_fd fd;
	enum msg_type reply;
};

/* NULL for MSG_NONE and unknown numbers. */
const struct msg_spec *msg_spec(unsigned type);
/* "MSG_HELLO", or "unknown message". */
const char *msg_name(unsigned type);
/* 0, or ERR_PROTOCOL: unknown type, wrong direction, length or descriptor. */
int msg_check(unsigned type, size_t len, bool has_fd, enum role from,
    enum role to) __attribute__((warn_unused_result));

/* The row has a reply. */
bool msg_is_request(unsigned type);
/* answer is the reply of request's row, or its other answer
 * (MSG_TLS_IDENTITY_NONE, MSG_CA_NONE, MSG_ASSERTION_KEY_NONE). */
bool msg_is_answer(unsigned request, unsigned answer);

#endif
