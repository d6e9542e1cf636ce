/*
 * The screen of cookies right after a key was rotated: a cookie under a key
 * that this worker has not heard of is never dropped by what authd said before
 * it came; and garbage asks authd only so often.
 */
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/ticket.h"
#include "frontend/screen.h"
#include "tests/unit/unit.h"

#define ASK_AGAIN_MIN_MS 100 /* as screen.c has it */

static struct event_base *base;
static struct screen *screen;
static struct ticket_keys keys; /* that authd has */
static unsigned asked;
static bool silent; /* authd keeps the next questions */
static uint64_t kept;
static struct chan *authd; /* its end */

static struct cookie {
	char text[TICKET_LEN + 1];
	struct screen_waiter waiter;
	enum screen_result result;
} old, fresh, garbage;

static void
add_key(uint8_t first)
{
	struct ticket_key *k = &keys.at[keys.n++];

	memset(k, first, sizeof(*k));
}

static void
answer(uint64_t id)
{
	uint8_t payload[2437];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	ticket_keys_put(&w, &keys, 7200);
	ck_assert_int_eq(
	    chan_reply(authd, id, MSG_SCREEN_KEYS_RESULT, &w, -1), 0);
}

static int
take_question(struct chan *ch, struct chan_in *in)
{
	authd = ch;
	asked++;
	if (silent)
		kept = in->id;
	else
		answer(in->id);
	return 0;
}

static void
test(void *arg)
{
	struct cookie *c = arg;

	c->result = screen_test(screen, slice_of(c->text), &c->waiter);
	if (c->result == SCREEN_WAIT)
		screen_wait(screen, &c->waiter);
}

/* A cookie under the newest key comes to the worker. */
static void
come(struct cookie *c, const struct ticket_key *key)
{
	ticket_make(c->text, key);
	c->waiter = (struct screen_waiter){ .ready = test, .arg = c };
	test(c);
}

static void
turn(void)
{
	const struct timeval ms = { .tv_usec = 1000 };

	(void)event_base_loopexit(base, &ms);
	(void)event_base_dispatch(base);
}

static void
settle(const struct cookie *c)
{
	int64_t end = clock_mono_ms() + 5000;

	while (c->result == SCREEN_WAIT && clock_mono_ms() < end)
		turn();
}

static void
on_ready(struct chan *ch)
{
	screen_authd_ready(screen, ch);
}

static const struct chan_handler rows[] = {
	{ MSG_SCREEN_KEYS, CHAN_READY, take_question },
};
static const struct chan_peer as_authd = { .self = ROLE_AUTHD,
	.peer = ROLE_FRONTEND,
	.handlers = rows,
	.n_handlers = 1 };
static const struct chan_peer as_frontend = {
	.self = ROLE_FRONTEND, .peer = ROLE_AUTHD, .ready = on_ready
};

/* The worker knows authd's one key. */
static void
set_up(void)
{
	int64_t end = clock_mono_ms() + 5000;
	int fd[2];

	ticket_setup();
	keys.n = 0;
	asked = 0;
	silent = false;
	base = daemon_base();
	screen = screen_new(base);
	add_key(1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	(void)chan_accepted(base, fd[0], &as_authd, NULL);
	(void)chan_accepted(base, fd[1], &as_frontend, NULL);
	while (asked == 0 && clock_mono_ms() < end)
		turn();
	come(&old, &keys.at[0]);
	settle(&old);
	ck_assert_int_eq(old.result, SCREEN_PASS);
}

START_TEST(a_new_key_is_learnt_at_once)
{
	int64_t began = clock_mono_ms();

	add_key(2);
	come(&fresh, &keys.at[1]);
	ck_assert_int_eq(fresh.result, SCREEN_WAIT);
	settle(&fresh);
	ck_assert_int_eq(fresh.result, SCREEN_PASS);
	ck_assert_int_lt(clock_mono_ms() - began, 1000);
	come(&old, &keys.at[0]);
	ck_assert_int_eq(old.result, SCREEN_PASS);
}
END_TEST

/* The answer that is under way is from before the rotation. */
START_TEST(an_answer_of_before_does_not_count)
{
	struct ticket_key unknown;

	memset(&unknown, 9, sizeof(unknown));
	silent = true;
	come(&garbage, &unknown);
	while (kept == 0)
		turn();
	answer(kept); /* on its way, with the old key alone */
	silent = false;
	add_key(2);
	come(&fresh, &keys.at[1]);
	ck_assert_int_eq(fresh.result, SCREEN_WAIT);
	settle(&garbage);
	ck_assert_int_eq(garbage.result, SCREEN_DROP);
	settle(&fresh);
	ck_assert_int_eq(fresh.result, SCREEN_PASS);
}
END_TEST

/* Whatever comes, a question each ASK_AGAIN_MIN_MS, and then it is dropped. */
START_TEST(garbage_asks_seldom)
{
	struct ticket_key unknown;
	int64_t began = clock_mono_ms();
	unsigned before = asked, n = 0;

	for (; clock_mono_ms() - began < 5 * ASK_AGAIN_MIN_MS; n++) {
		memset(&unknown, (int)(10 + n % 200), sizeof(unknown));
		come(&garbage, &unknown);
		settle(&garbage);
		ck_assert_int_eq(garbage.result, SCREEN_DROP);
	}
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_le(asked - before, 7);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("screen");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, a_new_key_is_learnt_at_once);
	tcase_add_test(t, an_answer_of_before_does_not_count);
	tcase_add_test(t, garbage_asks_seldom);
	return unit_run("screen", t);
}
