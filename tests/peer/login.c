/* See login.h. */
#include "tests/peer/login.h"

#include <stdio.h>
#include <string.h>

#include <check.h>

#include "tests/peer/speak.h"

static struct heard heard;

/* The reader of the answer, which must come. */
static struct wire_reader
ask(enum channel_id channel, enum msg_type type, const struct wire_writer *w)
{
	struct wire_reader r;

	ck_assert_int_eq(wire_done(w), 0);
	ck_assert(speak_ask(&channels[channel], type, w, &heard));
	wire_reader_init(&r, heard.payload, heard.len);
	return r;
}

void
login_ask(struct slice token, struct login_answer *out)
{
	static unsigned n;
	static uint8_t payload[MSG_TOKEN_MAX + MSG_CLIENT_MAX + 4];
	char client[MSG_CLIENT_MAX];
	struct wire_writer w;
	struct wire_reader r;

	n++;
	(void)snprintf(
	    client, sizeof(client), "10.0.%u.%u:1", n / 256 % 256, n % 256);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_slice(&w, token);
	wire_put_text(&w, client);
	r = ask(AUTHD_FRONTEND, MSG_LOGIN_TOKEN, &w);
	ck_assert_int_eq(heard.type, MSG_LOGIN_RESULT);
	out->code = (enum login_code)wire_get_u8(&r);
	ck_assert_int_eq(slice_copy(wire_get_text(&r, TICKET_LEN), out->cookie,
			     sizeof(out->cookie)),
	    0);
	(void)wire_get_u64(&r);
	ck_assert_int_eq(slice_copy(wire_get_text(&r, MSG_USER_MAX), out->user,
			     sizeof(out->user)),
	    0);
	(void)wire_get_text(&r, MSG_REASON_MAX);
	ck_assert_int_eq(wire_end(&r), 0);
}

void
session_ask(struct slice cookie, struct session_answer *out)
{
	uint8_t payload[MSG_COOKIE_MAX + 4];
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_slice(&w, cookie);
	wire_put_text(&w, "");
	r = ask(AUTHD_FRONTEND, MSG_SESSION, &w);
	ck_assert_int_eq(heard.type, MSG_SESSION_RESULT);
	out->verdict = (enum verdict)wire_get_u8(&r);
	ck_assert_int_eq(slice_copy(wire_get_text(&r, MSG_USER_MAX), out->user,
			     sizeof(out->user)),
	    0);
	(void)wire_get_u64(&r);
	ck_assert_int_eq(wire_end(&r), 0);
}

static enum verdict
end_ask(struct slice cookie, enum msg_type question, enum msg_type answer)
{
	uint8_t payload[MSG_COOKIE_MAX + MSG_CLIENT_MAX + 6];
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_slice(&w, cookie);
	wire_put_text(&w, "10.1.0.1:1");
	wire_put_text(&w, "");
	r = ask(AUTHD_FRONTEND, question, &w);
	ck_assert_int_eq(heard.type, answer);
	return (enum verdict)wire_get_u8(&r);
}

enum verdict
logout_ask(struct slice cookie)
{
	return end_ask(cookie, MSG_LOGOUT, MSG_LOGOUT_RESULT);
}

enum verdict
logout_everywhere_ask(struct slice cookie)
{
	return end_ask(
	    cookie, MSG_LOGOUT_EVERYWHERE, MSG_LOGOUT_EVERYWHERE_RESULT);
}

enum verdict
lease_ask(enum credential kind, struct slice value)
{
	static uint8_t payload[MSG_TOKEN_MAX + 256];
	struct wire_writer w;
	struct wire_reader r;
	enum verdict verdict;
	struct slice token;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)kind);
	wire_put_slice(&w, value);
	wire_put_text(&w, "console");
	wire_put_text(&w, "10.1.0.1:1");
	r = ask(AUTHD_EGRESS, MSG_LEASE, &w);
	ck_assert_int_eq(heard.type, MSG_LEASE_RESULT);
	verdict = (enum verdict)wire_get_u8(&r);
	(void)wire_get_text(&r, MSG_USER_MAX);
	token = wire_get_bytes(&r, MSG_TOKEN_MAX);
	ck_assert_int_eq(token.len > 0, verdict == VERDICT_ALLOW);
	return verdict;
}

void
cookie_forge(char dst[TICKET_LEN + 1])
{
	static struct ticket_keys keys;
	struct wire_writer nothing = { 0 };
	struct wire_reader r = ask(AUTHD_FRONTEND, MSG_SCREEN_KEYS, &nothing);
	uint32_t again_s;

	ck_assert_int_eq(heard.type, MSG_SCREEN_KEYS_RESULT);
	ck_assert_int_eq(ticket_keys_get(&r, &keys, &again_s), 0);
	ck_assert_uint_gt(keys.n, 0);
	ticket_make(dst, &keys.at[0]);
	ck_assert_int_eq(
	    ticket_screen(&keys, (struct slice){ dst, TICKET_LEN }), 0);
}
