/*
 * authd in one process for tests: a state directory, keys, a stand-in for the
 * token verifier that answers as the test says, clocks that can be set
 * forward, and peers on socket pairs.
 */
#ifndef TESTS_UNIT_AUTHD_FIXTURE_H
#define TESTS_UNIT_AUTHD_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chan.h"
#include "common/settings.h"
#include "common/ticket.h"

#include "authd/authd.h"
#include "authd/keys.h"
#include "authd/token.h"

/* Added to the wall clock and to the monotonic clock. */
extern int64_t clock_ahead_s;

/* The stand-in verifier. Tokens "good-NAME" are NAME's; "short-NAME" are good
 * for 100 s; "bad...", "over...", "none..." and "down..." are refused, expired,
 * without namespace, undecidable. */
struct fake_verifier {
	unsigned started;
	bool hold;	  /* keep answers back until fake_release */
	bool cluster_bad; /* refuse everything */
	bool cluster_down;
};
extern struct fake_verifier fake;
void fake_release(void);

struct fixture {
	char dir[64];
	struct event_base *base;
	struct settings settings;
	struct authd *authd;
	struct chan *frontend, *egress, *ctl; /* the peers' ends */
	const char *route;		      /* of leases; NULL: console */
	bool egress_acks;		      /* answers MSG_REVOKE */
	unsigned revokes;
	uint8_t revoked[MSG_HANDLE_LEN];
	uint8_t revoke_kind;
	/* Called when authd has been started, and when it is about to end;
	 * NULL: nothing to do. */
	void (*started)(struct fixture *f);
	void (*ending)(struct fixture *f);
};

/* A fresh directory; authd with one key. */
void fixture_begin(struct fixture *f);
void fixture_end(struct fixture *f);
/* Ends authd and its channels, and starts it anew on the same directory. */
void fixture_restart(struct fixture *f, bool with_keys);
void fixture_load_keys(struct fixture *f, size_t n, const uint8_t *firsts);
/* A key made of one byte. */
void fixture_key(struct session_key *key, uint8_t first);
void fixture_connect_frontend(struct fixture *f);
void fixture_connect_egress(struct fixture *f);
void fixture_connect_ctl(struct fixture *f);
/* Breaks a peer's channel and lets authd notice. */
void fixture_lose(struct fixture *f, struct chan **ch);

/* Runs the loop until *done, at most 5 s. */
void fixture_run_until(struct fixture *f, const bool *done);
/* Runs the loop for so long. */
void fixture_run_ms(struct fixture *f, unsigned ms);

/* A request and its answer, whole. */
struct answer {
	bool done;
	int err;
	enum msg_type type;
	size_t len;
	uint8_t bytes[20000];
	struct wire_reader body;
};
void fixture_send(struct chan *ch, enum msg_type type,
    const struct wire_writer *w, struct answer *a);
void fixture_ask(struct fixture *f, struct chan *ch, enum msg_type type,
    const struct wire_writer *w, struct answer *a);

/* The messages as peers send them; the answers as they read them. */
struct login_answer {
	enum login_code code;
	char cookie[MSG_COOKIE_MAX + 1];
	int64_t expires;
	char user[MSG_USER_MAX + 1];
	char reason[MSG_REASON_MAX + 1];
};
void send_login(
    struct fixture *f, const char *token, const char *client, struct answer *a);
void read_login(struct answer *a, struct login_answer *l);
void ask_login(struct fixture *f, const char *token, struct login_answer *l);
enum verdict ask_logout(struct fixture *f, const char *cookie);
enum verdict ask_session(struct fixture *f, const char *cookie);
/* token: that came beside it, with the strategy header. */
enum verdict ask_session_with(
    struct fixture *f, const char *cookie, const char *token);
struct lease_answer {
	enum verdict verdict;
	char user[MSG_USER_MAX + 1];
	char token[2000];
	uint32_t lease_ms;
	int64_t end;
	uint8_t handle[MSG_HANDLE_LEN];
	uint8_t key_id[MSG_KEY_ID_LEN];
};
void send_lease(struct fixture *f, enum credential kind, const char *value,
    struct answer *a);
void read_lease(struct answer *a, struct lease_answer *l);
enum verdict ask_lease(struct fixture *f, enum credential kind,
    const char *value, struct lease_answer *l);

#endif
