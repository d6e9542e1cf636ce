/*
 * What authd consists of, handed to every handler as the channel's context,
 * and the answers that it owes to its peers.
 */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/chan.h"
#include "common/msg.h"
#include "common/text.h"

/* No answer to egress may be used for longer than this. */
#define LEASE_MAX_MS 60000

struct event;
struct event_base;
struct oidc;
struct options;
struct settings;
struct token_verifier;

/* A request whose answer comes later. Embedded first in what the answer needs.
 * When its channel closes meanwhile, the work goes on but nobody is told. */
struct pending {
	TAILQ_ENTRY(pending) link;
	struct chan *ch; /* NULL: gone */
	uint64_t id;
};
TAILQ_HEAD(pending_list, pending);

struct authd {
	struct event_base *base;
	const struct settings *settings;
	struct store *store;
	struct keys *keys;
	struct sessions *sessions;
	struct token_verifier *verifier;
	struct checks *checks;
	struct revokes *revokes;
	struct throttle *throttle;
	struct oidc *oidc;	     /* owned; NULL unless strategy openid */
	struct refreshes *refreshes; /* NULL unless auth.strategy is openid */
	struct chan *secretd;	     /* NULL in tests */
	struct event *purge;
	struct event *ask_secretd;
	bool secretd_answered; /* about the session keys, whatever it said */
	struct pending_list pending;
	TAILQ_HEAD(, key_question) key_questions; /* key_sessions.c */
	unsigned keys_ending; /* gone, and not yet known to every egress */
	uint64_t logins, logins_failed, logouts, sessions_ended;
};

/* Opens the store in state_dir. settings and verifier are borrowed. Before the
 * sandbox. */
struct authd *authd_new(struct event_base *base,
    const struct settings *settings, struct token_verifier *verifier,
    const char *state_dir);
/* All channels must be closed. */
void authd_free(struct authd *a);
/* The longest lease: min(LEASE_MAX_MS, recheck), at least a second. */
uint32_t authd_lease_max_ms(const struct settings *settings);

void pending_add(
    struct authd *a, struct pending *p, struct chan *ch, uint64_t id);
/* Answers, unless the channel is gone, and takes p off the list. */
void pending_reply(struct authd *a, struct pending *p, enum msg_type type,
    const struct wire_writer *body);
/* The channel is gone: nothing will be sent on it. */
void pending_forget(struct authd *a, const struct chan *ch);

/* A session is over for a reason that its user did not choose: tells every
 * egress, and the audit trail. user: "" when unknown. */
void authd_session_ended(struct authd *a, const uint8_t handle[MSG_HANDLE_LEN],
    const char *user, const char *reason);
/* "EXPIRED", ... */
const char *authd_login_code_name(enum login_code code);

#endif
