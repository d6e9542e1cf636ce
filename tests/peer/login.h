/* What a frontend asks authd about people, and what it is told. */
#ifndef TESTS_PEER_LOGIN_H
#define TESTS_PEER_LOGIN_H

#include "common/msg.h"
#include "common/text.h"
#include "common/ticket.h"

struct login_answer {
	enum login_code code;
	char cookie[TICKET_LEN + 1];
	char user[MSG_USER_MAX + 1];
};
struct session_answer {
	enum verdict verdict;
	char user[MSG_USER_MAX + 1];
};

/* Each time from another address, so that nobody is throttled. */
void login_ask(struct slice token, struct login_answer *out);
void session_ask(struct slice cookie, struct session_answer *out);
enum verdict logout_ask(struct slice cookie);
enum verdict logout_everywhere_ask(struct slice cookie);
/* As egress: the verdict; the token that would be injected must go with it. */
enum verdict lease_ask(enum credential kind, struct slice value);
/* A cookie as only authd should make it: well screened, with the keys that
 * every frontend has, but of no session. */
void cookie_forge(char dst[TICKET_LEN + 1]);

#endif
