/*
 * The protocol table in memory, and the check that every received and every
 * sent message passes. Lengths of the rows are held against their payloads
 * here, at compile time.
 */
#include "common/msg.h"

#include "common/err.h"

#define X(type, from, to, min, max, fd, reply)                                \
	_Static_assert((from) != 0 && (to) != 0, #type ": nobody speaks it"); \
	_Static_assert(                                                       \
	    (min) <= (max) && (max) <= MSG_PAYLOAD_MAX, #type ": lengths");   \
	enum { MIN_##type = (min), MAX_##type = (max) };
MSG_LIST(X)
#undef X

#define BYTES(max) (2 + (max))
#define LENGTHS(type, min, max)                             \
	_Static_assert(MIN_##type == (min), #type ": min"); \
	_Static_assert(MAX_##type == (max), #type ": max")

/* clang-format off */
LENGTHS(MSG_HELLO, 4 + BYTES(0), 4 + BYTES(58));
LENGTHS(MSG_STATUS_RESULT, BYTES(0), BYTES(32768));
LENGTHS(MSG_LOGIN_TOKEN, BYTES(1) + BYTES(0),
	BYTES(MSG_TOKEN_MAX) + BYTES(MSG_CLIENT_MAX));
LENGTHS(MSG_LOGIN_RESULT, 1 + BYTES(0) + 8 + BYTES(0) + BYTES(0),
	1 + BYTES(MSG_COOKIE_MAX) + 8 + BYTES(MSG_USER_MAX) + BYTES(MSG_REASON_MAX));
LENGTHS(MSG_SESSION, BYTES(1) + BYTES(0),
	BYTES(MSG_COOKIE_MAX) + BYTES(MSG_TOKEN_MAX));
LENGTHS(MSG_SESSION_RESULT, 1 + BYTES(0) + 8, 1 + BYTES(MSG_USER_MAX) + 8);
LENGTHS(MSG_LOGOUT, BYTES(1) + BYTES(0) + BYTES(0),
	BYTES(MSG_COOKIE_MAX) + BYTES(MSG_CLIENT_MAX) + BYTES(MSG_BASE_URL_MAX));
LENGTHS(MSG_LOGOUT_RESULT, 1 + BYTES(0), 1 + BYTES(MSG_LOGOUT_URL_MAX));
LENGTHS(MSG_LOGOUT_EVERYWHERE, BYTES(1) + BYTES(0) + BYTES(0),
	BYTES(MSG_COOKIE_MAX) + BYTES(MSG_CLIENT_MAX) + BYTES(MSG_BASE_URL_MAX));
LENGTHS(MSG_LOGOUT_EVERYWHERE_RESULT, 1 + 4 + BYTES(0), 1 + 4 + BYTES(MSG_LOGOUT_URL_MAX));
LENGTHS(MSG_OIDC_START, BYTES(0) + BYTES(0) + BYTES(0) + BYTES(0) + BYTES(0),
	BYTES(MSG_BASE_URL_MAX) + BYTES(MSG_RETURN_MAX) + BYTES(MSG_LOGIN_COOKIE_MAX) +
	BYTES(MSG_CLIENT_MAX) + BYTES(MSG_WHY_MAX));
LENGTHS(MSG_OIDC_START_RESULT, 1 + BYTES(0) + BYTES(0) + BYTES(0) + BYTES(0),
	1 + BYTES(MSG_LOCATION_MAX) + BYTES(MSG_LOGIN_COOKIE_MAX) + BYTES(MSG_REASON_MAX) +
	BYTES(MSG_REFERENCE_MAX));
LENGTHS(MSG_OIDC_CALLBACK, BYTES(0) + BYTES(1) + BYTES(0) + BYTES(0) + BYTES(0),
	BYTES(MSG_BASE_URL_MAX) + BYTES(MSG_QUERY_MAX) + BYTES(MSG_LOGIN_COOKIE_MAX) +
	BYTES(MSG_COOKIE_MAX) + BYTES(MSG_CLIENT_MAX));
LENGTHS(MSG_OIDC_CALLBACK_RESULT, 1 + BYTES(0) + 8 + 5 * BYTES(0) + 1,
	1 + BYTES(MSG_COOKIE_MAX) + 8 + BYTES(MSG_USER_MAX) + BYTES(MSG_RETURN_MAX) +
	BYTES(MSG_LOGIN_COOKIE_MAX) + BYTES(MSG_REASON_MAX) + BYTES(MSG_REFERENCE_MAX) + 1);
LENGTHS(MSG_OIDC_BACKCHANNEL, BYTES(1) + BYTES(0), BYTES(MSG_TOKEN_MAX) + BYTES(MSG_CLIENT_MAX));
LENGTHS(MSG_OIDC_BACKCHANNEL_RESULT, 1 + BYTES(0), 1 + BYTES(MSG_REASON_MAX));
LENGTHS(MSG_OIDC_FRONTCHANNEL, 4 * BYTES(0),
	BYTES(MSG_BASE_URL_MAX) + BYTES(MSG_SUBJECT_MAX) + BYTES(MSG_COOKIE_MAX) +
	BYTES(MSG_CLIENT_MAX));
LENGTHS(MSG_OIDC_FRONTCHANNEL_RESULT, 1, 1);
LENGTHS(MSG_SCREEN_KEYS_RESULT, 4 + 1, 4 + 1 + 64 * (MSG_KEY_ID_LEN + 2 + 32));
LENGTHS(MSG_LEASE, 1 + BYTES(1) + BYTES(0) + BYTES(0),
	1 + BYTES(MSG_TOKEN_MAX) + BYTES(MSG_ROUTE_MAX) + BYTES(MSG_CLIENT_MAX));
LENGTHS(MSG_LEASE_RESULT, 1 + BYTES(0) + BYTES(0) + 4 + 8 + MSG_HANDLE_LEN + MSG_KEY_ID_LEN,
	1 + BYTES(MSG_USER_MAX) + BYTES(MSG_TOKEN_MAX) + 4 + 8 + MSG_HANDLE_LEN + MSG_KEY_ID_LEN);
LENGTHS(MSG_REVOKE, 8 + 1 + MSG_HANDLE_LEN, 8 + 1 + MSG_HANDLE_LEN);
LENGTHS(MSG_REVOKE_ACK, 8, 8);
LENGTHS(MSG_SESSION_KEYS_RESULT, 1, 1 + MSG_KEYS_MAX * (MSG_KEY_ID_LEN + 32 + 32));
LENGTHS(MSG_SECRET, 2, 2);
LENGTHS(MSG_SECRET_RESULT, 1 + BYTES(0), 1 + BYTES(MSG_SECRET_MAX));
LENGTHS(MSG_CA, 2, 2);
LENGTHS(MSG_CA_RESULT, 0, 0);
LENGTHS(MSG_CA_NONE, 1, 1);
LENGTHS(MSG_CHANGED, 1 + 2, 1 + 2);
LENGTHS(MSG_KEYS_RESULT, 1, 1 + MSG_KEYS_MAX * (MSG_KEY_ID_LEN + 1 + 8 + 8));
LENGTHS(MSG_KEY_DROP, 1 + MSG_KEY_ID_LEN, 1 + MSG_KEY_ID_LEN);
LENGTHS(MSG_KEY_DROP_RESULT, 1 + BYTES(0), 1 + BYTES(MSG_REASON_MAX));
LENGTHS(MSG_KEY_SESSIONS, MSG_KEY_ID_LEN, MSG_KEY_ID_LEN);
LENGTHS(MSG_KEY_SESSIONS_RESULT, 4, 4);
LENGTHS(MSG_TLS_IDENTITY, 2, 2);
LENGTHS(MSG_TLS_IDENTITY_RESULT, BYTES(1), BYTES(MSG_CHAIN_MAX));
LENGTHS(MSG_TLS_IDENTITY_NONE, 1, 1);
LENGTHS(MSG_TICKET_KEYS_RESULT, 4 + 1, 4 + 1 + 3 * (16 + 32 + 32));
LENGTHS(MSG_SIGNER_LOAD, 1 + BYTES(1) + BYTES(0), MSG_PAYLOAD_MAX);
LENGTHS(MSG_SIGNER_LOADED, 1 + BYTES(0) + BYTES(0) + 8 + BYTES(0),
	1 + BYTES(MSG_REASON_MAX) + BYTES(MSG_NAMES_MAX) + 8 + BYTES(MSG_JWK_MAX));
LENGTHS(MSG_SIGNER_ATTACH, 4, 4);
LENGTHS(MSG_SIGN, 2 + BYTES(1), 2 + BYTES(MSG_SIGN_MAX));
LENGTHS(MSG_SIGN_RESULT, BYTES(0), BYTES(MSG_SIGN_MAX));
LENGTHS(MSG_ASSERTION_KEY, 0, 0);
LENGTHS(MSG_ASSERTION_KEY_RESULT, BYTES(1), BYTES(MSG_NAMES_MAX));
LENGTHS(MSG_ASSERTION_KEY_NONE, 1, 1);
LENGTHS(MSG_SIGN_ASSERTION, 0, 0);
LENGTHS(MSG_SIGN_ASSERTION_RESULT, BYTES(0), BYTES(MSG_ASSERTION_MAX));
/* clang-format on */

static const struct msg_spec specs[MSG_COUNT] = {
#define X(type, from, to, min, max, fd, reply) \
	[type] = { #type, (from), (to), (min), (max), (fd), (reply) },
	MSG_LIST(X)
#undef X
};

const struct msg_spec *
msg_spec(unsigned type)
{
	if (type == MSG_NONE || type >= MSG_COUNT)
		return NULL;
	return &specs[type];
}

const char *
msg_name(unsigned type)
{
	const struct msg_spec *spec = msg_spec(type);

	return spec != NULL ? spec->name : "unknown message";
}

int
msg_check(unsigned type, size_t len, bool has_fd, enum role from, enum role to)
{
	const struct msg_spec *spec = msg_spec(type);

	if (spec == NULL)
		return ERR_PROTOCOL;
	if ((spec->from >> from & 1) == 0 || (spec->to >> to & 1) == 0)
		return ERR_PROTOCOL;
	if (len < spec->min || len > spec->max)
		return ERR_PROTOCOL;
	if (has_fd != (spec->fd == FD_ONE))
		return ERR_PROTOCOL;
	return 0;
}

bool
msg_is_request(unsigned type)
{
	const struct msg_spec *spec = msg_spec(type);

	return spec != NULL && spec->reply != MSG_NONE;
}

bool
msg_is_answer(unsigned request, unsigned answer)
{
	if (!msg_is_request(request))
		return false;
	if ((request == MSG_TLS_IDENTITY && answer == MSG_TLS_IDENTITY_NONE) ||
	    (request == MSG_CA && answer == MSG_CA_NONE) ||
	    (request == MSG_ASSERTION_KEY && answer == MSG_ASSERTION_KEY_NONE))
		return true;
	return answer == specs[request].reply;
}
