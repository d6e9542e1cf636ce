/* Sessions by key; see key_sessions.h. */
#include "authd/key_sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/audit.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#include "authd/authd.h"
#include "authd/revoke.h"
#include "authd/secretd.h"
#include "authd/session.h"

/* The control tool's question, until it is answered. */
struct key_question {
	struct pending pending;
	TAILQ_ENTRY(key_question) link;
	struct authd *authd;
	uint8_t key_id[MSG_KEY_ID_LEN];
};

static void
question_answer(struct key_question *q)
{
	uint8_t buf[4];
	struct wire_writer w;
	size_t n = 0;

	/* Unknown is not none. */
	if (sessions_count_key(q->authd->sessions, q->key_id, &n) != 0)
		n = UINT32_MAX;
	wire_writer_init(&w, buf, sizeof buf);
	wire_put_u32(&w, (uint32_t)n);
	pending_reply(q->authd, &q->pending, MSG_KEY_SESSIONS_RESULT, &w);
	free(q);
}

static void
answer_all(struct authd *a)
{
	struct key_question *q;

	while ((q = TAILQ_FIRST(&a->key_questions)) != NULL) {
		TAILQ_REMOVE(&a->key_questions, q, link);
		question_answer(q);
	}
}

/* --- ending --- */

static void
egress_acknowledged(bool all, void *arg)
{
	struct authd *a = arg;

	(void)all; /* said in the log; the leases end by themselves */
	if (--a->keys_ending == 0)
		answer_all(a);
}

static void
audit_end_of_key(const uint8_t key_id[MSG_KEY_ID_LEN], size_t n)
{
	char hex[2 * MSG_KEY_ID_LEN + 1], number[24];
	struct audit line;

	text_hex(hex, key_id, MSG_KEY_ID_LEN);
	(void)snprintf(number, sizeof number, "%zu", n);
	audit_begin(&line, "AUDIT: Sessions ended");
	audit_str(&line, "key", hex);
	audit_str(&line, "sessions", number);
	audit_str(&line, "reason", "their key is gone");
	audit_end(&line);
}

static int
end_key(struct authd *a, const uint8_t key_id[MSG_KEY_ID_LEN])
{
	uint8_t handle[MSG_HANDLE_LEN] = { 0 };
	size_t n = 0;

	if (sessions_end_key(a->sessions, key_id, &n) != 0)
		return ERR_IO;
	memcpy(handle, key_id, MSG_KEY_ID_LEN);
	a->sessions_ended += n;
	a->keys_ending++;
	revokes_push(a->revokes, REVOKE_KEY, handle, egress_acknowledged, a);
	audit_end_of_key(key_id, n);
	return 0;
}

void
key_sessions_end_lost(struct authd *a)
{
	uint8_t key_id[MSG_KEY_ID_LEN];

	/* Rows that stay by mistake open no more; the store has complained. */
	while (sessions_find_lost_key(a->sessions, key_id))
		if (end_key(a, key_id) != 0)
			return;
}

/* --- asking --- */

/* secretd's keys are here: what it has dropped is being ended. */
static void
question_go_on(void *arg)
{
	struct key_question *q = arg;

	if (q->authd->keys_ending == 0)
		question_answer(q);
	else
		TAILQ_INSERT_TAIL(&q->authd->key_questions, q, link);
}

int
handle_key_sessions(struct chan *ch, struct chan_in *in)
{
	uint8_t key_id[MSG_KEY_ID_LEN];
	struct key_question *q;

	wire_get_raw(&in->body, key_id, sizeof key_id);
	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	q = mem_new(sizeof *q);
	q->authd = chan_ctx(ch);
	memcpy(q->key_id, key_id, sizeof key_id);
	pending_add(q->authd, &q->pending, ch, in->id);
	if (q->authd->secretd != NULL)
		secretd_ask_keys(q->authd, question_go_on, q);
	else
		question_go_on(q);
	return 0;
}

void
key_sessions_free(struct authd *a)
{
	struct key_question *q;

	while ((q = TAILQ_FIRST(&a->key_questions)) != NULL) {
		TAILQ_REMOVE(&a->key_questions, q, link);
		TAILQ_REMOVE(&a->pending, &q->pending, link);
		free(q);
	}
}
