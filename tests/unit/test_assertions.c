/*
 * authd's way to the signer of client assertions, with stand-ins for secretd
 * and the signer: no signer, one that dies, one that refuses, another key.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "authd/authd.h"
#include "authd/oidc/assertion.h"
#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "tests/unit/unit.h"

static struct authd authd;
static struct assertions *all;
static struct chan *secretd; /* the stand-ins' ends */
static struct chan *signer;

/* How the stand-ins behave, and what they saw. */
static struct {
	bool away, mute, refuse;
	unsigned dies; /* so often before it answers */
	const char *key;
	unsigned asked, signed_;
} toy;

static struct {
	unsigned n;
	int err;
	char jwt[64];
} last;

/* --- the stand-ins --- */

static int
toy_sign(struct chan *ch, struct chan_in *in)
{
	uint8_t payload[64];
	struct wire_writer w;

	ck_assert_int_eq(wire_end(&in->body), 0);
	toy.signed_++;
	if (toy.dies > 0) {
		toy.dies--;
		return ERR_PROTOCOL; /* closes the channel */
	}
	if (toy.mute)
		return 0;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_text(&w, toy.refuse ? "" : toy.key);
	return chan_reply(ch, in->id, MSG_SIGN_ASSERTION_RESULT, &w, -1);
}

static void
signer_gone(struct chan *ch)
{
	if (signer == ch)
		signer = NULL;
}

static const struct chan_handler signer_handlers[] = {
	{ MSG_SIGN_ASSERTION, CHAN_READY, toy_sign },
};
static const struct chan_peer signer_peer = {
	.self = ROLE_SIGNER,
	.peer = ROLE_AUTHD,
	.handlers = signer_handlers,
	.n_handlers = 1,
	.closed = signer_gone,
};

static int
toy_key(struct chan *ch, struct chan_in *in)
{
	uint8_t payload[64];
	struct wire_writer w;
	int pair[2], r;

	ck_assert_int_eq(wire_end(&in->body), 0);
	toy.asked++;
	wire_writer_init(&w, payload, sizeof(payload));
	if (toy.away) {
		wire_put_u8(&w, 1);
		return chan_reply(ch, in->id, MSG_ASSERTION_KEY_NONE, &w, -1);
	}
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	signer = chan_accepted(authd.base, pair[0], &signer_peer, NULL);
	wire_put_text(&w, toy.key);
	r = chan_reply(ch, in->id, MSG_ASSERTION_KEY_RESULT, &w, pair[1]);
	(void)close(pair[1]);
	return r;
}

static const struct chan_handler secretd_handlers[] = {
	{ MSG_ASSERTION_KEY, CHAN_READY, toy_key },
};
static const struct chan_peer secretd_end = {
	.self = ROLE_SECRETD,
	.peer = ROLE_AUTHD,
	.handlers = secretd_handlers,
	.n_handlers = 1,
};

/* It frees itself after this. */
static void
secretd_gone(struct chan *ch)
{
	ck_assert_ptr_eq(ch, authd.secretd);
	authd.secretd = NULL;
}

static const struct chan_peer authd_end = {
	.self = ROLE_AUTHD, .peer = ROLE_SECRETD, .closed = secretd_gone
};

static void
set_up(void)
{
	int pair[2];

	memset(&toy, 0, sizeof(toy));
	memset(&last, 0, sizeof(last));
	toy.key = "ES256 one";
	authd.base = event_base_new();
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	secretd = chan_accepted(authd.base, pair[0], &secretd_end, NULL);
	authd.secretd = chan_accepted(authd.base, pair[1], &authd_end, NULL);
	all = assertions_new(&authd);
}

static void
tear_down(void)
{
	assertions_free(all);
	chan_free(authd.secretd);
	chan_free(secretd);
	chan_free(signer);
	event_base_free(authd.base);
}

/* --- asking --- */

static void
done(int err, const char *jwt, void *arg)
{
	(void)arg;
	ck_assert((err == 0) == (jwt != NULL));
	last.n++;
	last.err = err;
	(void)snprintf(last.jwt, sizeof(last.jwt), "%s", err == 0 ? jwt : "");
}

static void
turn(void)
{
	const struct timeval t = { .tv_usec = 5000 };

	(void)event_base_loopexit(authd.base, &t);
	(void)event_base_dispatch(authd.base);
}

static void
until(const unsigned *counter, unsigned n)
{
	int64_t end = clock_mono_ms() + 10000;

	while (*counter < n && clock_mono_ms() < end)
		turn();
	ck_assert_uint_eq(*counter, n);
}

static void
expect(int err, const char *jwt)
{
	unsigned n = last.n;

	(void)assertion_make(all, done, NULL);
	ck_assert_uint_eq(last.n, n); /* later */
	until(&last.n, n + 1);
	ck_assert_int_eq(last.err, err);
	ck_assert_str_eq(last.jwt, jwt);
}

static bool
status_has(const char *words)
{
	char text[ASSERTION_STATUS_MAX];

	ck_assert_uint_eq(assertions_status(all, text), strlen(text));
	return strstr(text, words) != NULL;
}

START_TEST(one_channel_for_all)
{
	ck_assert(status_has("openid client key: not used yet\n"));
	for (int i = 0; i < 3; i++)
		(void)assertion_make(all, done, NULL);
	until(&last.n, 3);
	ck_assert_int_eq(last.err, 0);
	expect(0, "ES256 one");
	ck_assert_uint_eq(toy.asked, 1);
	ck_assert_uint_eq(toy.signed_, 4);
	ck_assert(status_has("openid client key: ES256 one\n"));
}
END_TEST

START_TEST(no_signer)
{
	toy.away = true;
	expect(ERR_UNAVAILABLE, "");
	expect(ERR_UNAVAILABLE, "");
	ck_assert_uint_eq(toy.asked, 2); /* once for each, and no more */
	ck_assert(status_has("openid client key: away\n"));
	toy.away = false;
	expect(0, "ES256 one");
}
END_TEST

START_TEST(no_secretd)
{
	chan_free(secretd);
	secretd = NULL;
	expect(ERR_UNAVAILABLE, "");
}
END_TEST

/* One that dies over a question is followed by another; the second time it is
 * the question. */
START_TEST(a_signer_dies)
{
	expect(0, "ES256 one");
	toy.dies = 1;
	expect(0, "ES256 one");
	ck_assert_uint_eq(toy.asked, 2);
	toy.dies = 2;
	expect(ERR_UNAVAILABLE, "");
	expect(0, "ES256 one");
	ck_assert_uint_eq(toy.dies, 0);
}
END_TEST

START_TEST(a_signer_refuses)
{
	toy.refuse = true;
	expect(ERR_UNAVAILABLE, "");
	ck_assert_uint_eq(toy.signed_, 1);
}
END_TEST

/* What the old signer has not answered goes to the new one. */
START_TEST(another_key)
{
	expect(0, "ES256 one");
	toy.mute = true;
	(void)assertion_make(all, done, NULL);
	until(&toy.signed_, 2);
	toy.mute = false;
	toy.key = "RS256 two";
	assertions_ask(all);
	until(&last.n, 2);
	ck_assert_str_eq(last.jwt, "RS256 two");
	ck_assert_uint_eq(toy.asked, 2);
	expect(0, "RS256 two");
	ck_assert(status_has("RS256 two"));
}
END_TEST

/* The new one is away: the old one serves on, whatever key it has. */
START_TEST(another_key_is_away)
{
	expect(0, "ES256 one");
	toy.away = true;
	assertions_ask(all);
	until(&toy.asked, 2);
	expect(0, "ES256 one");
}
END_TEST

START_TEST(cancelled)
{
	struct assertion *waits = assertion_make(all, done, NULL), *asked;

	assertion_cancel(waits);
	expect(0, "ES256 one");
	toy.mute = true;
	asked = assertion_make(all, done, NULL);
	until(&toy.signed_, 2);
	assertion_cancel(asked);
	(void)assertion_make(all, done, NULL);
	until(&toy.signed_, 3);
	assertions_free(all); /* with one under way */
	all = NULL;
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert_uint_eq(last.n, 1);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("assertions");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, one_channel_for_all);
	tcase_add_test(t, no_signer);
	tcase_add_test(t, no_secretd);
	tcase_add_test(t, a_signer_dies);
	tcase_add_test(t, a_signer_refuses);
	tcase_add_test(t, another_key);
	tcase_add_test(t, another_key_is_away);
	tcase_add_test(t, cancelled);
	return unit_run("assertions", t);
}
