/* Login cookie and state: they hold for one browser, one purpose, one address
 * and a time, and through a change of keys. */
#include "authd/oidc/state.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/secret.h"

#include "tests/unit/unit.h"

#define NOW 1000000
#define TIMEOUT 300
#define BASE SLICE("https://door.example/kiali")

/* Keys with these ids, the newest first: each made of its id. */
static struct keys *
keys_with(const char *ids)
{
	struct keys *k = keys_new();
	uint8_t payload[1 + KEYS_MAX * (MSG_KEY_ID_LEN + 2 * KEYS_LEN)];
	struct wire_writer w;
	struct wire_reader r;
	bool dropped;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)strlen(ids));
	for (; *ids != '\0'; ids++) {
		uint8_t bytes[MSG_KEY_ID_LEN + 2 * KEYS_LEN];

		memset(bytes, *ids, sizeof(bytes));
		wire_put_raw(&w, bytes, sizeof(bytes));
	}
	wire_reader_init(&r, payload, w.len);
	ck_assert_int_eq(keys_load(k, &r, &dropped), 0);
	return k;
}

static struct state_attempt
begin(const char *ids, int64_t now, const char *cookie, const char *path)
{
	struct keys *k = keys_with(ids);
	struct state_attempt a;
	const struct state_start start = { .now = now,
		.timeout_s = TIMEOUT,
		.base_url = BASE,
		.return_path = slice_of(path),
		.cookie = slice_of(cookie) };

	state_begin(k, &start, &a);
	keys_free(k);
	ck_assert_uint_eq(strlen(a.cookie), STATE_COOKIE_LEN);
	ck_assert_uint_le(strlen(a.state), STATE_MAX);
	ck_assert_uint_eq(strlen(a.nonce), STATE_DERIVED_LEN);
	ck_assert_uint_eq(strlen(a.challenge), STATE_DERIVED_LEN);
	return a;
}

static enum state_fault
resume_at(const char *ids, int64_t now, const char *cookie, const char *state,
    struct state_resumed *out)
{
	struct keys *k = keys_with(ids);
	const struct state_return back = { .now = now,
		.timeout_s = TIMEOUT,
		.base_url = BASE,
		.cookie = slice_of(cookie),
		.state = slice_of(state) };
	enum state_fault fault = state_resume(k, &back, out);

	keys_free(k);
	ck_assert((fault == STATE_OK) == (out->nonce[0] != '\0'));
	ck_assert((fault == STATE_OK) == (out->verifier[0] != '\0'));
	return fault;
}

START_TEST(test_round_trip)
{
	struct state_attempt a = begin("1", NOW, "", "/kiali/graph?a=b");
	struct state_resumed r;
	char challenge[STATE_DERIVED_LEN + 1];

	ck_assert_int_eq(
	    resume_at("1", NOW + 5, a.cookie, a.state, &r), STATE_OK);
	ck_assert_str_eq(r.nonce, a.nonce);
	state_challenge(challenge, r.verifier);
	ck_assert_str_eq(challenge, a.challenge);
	ck_assert_str_ne(r.verifier, r.nonce);
	ck_assert_str_eq(r.return_path, "/kiali/graph?a=b");
	ck_assert_uint_eq(r.return_len, 16);
	ck_assert_int_eq(r.until, NOW + TIMEOUT + 1);
	ck_assert_uint_eq(r.rounds, 0);
}
END_TEST

/* RFC 7636 appendix B */
START_TEST(test_rfc7636)
{
	char challenge[STATE_DERIVED_LEN + 1];

	state_challenge(
	    challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	ck_assert_str_eq(
	    challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}
END_TEST

/* Made by another implementation (tests/fuzz/make_login_seeds.py): the format
 * is for good while it says version 1. */
START_TEST(test_vector)
{
	static const char cookie[] =
	    "ATExMTFjY2NjY2NjY2NjY2NrdN-DJAoGojxHEXhX_5_2tltWDkY---TwNijf"
	    "uBCWnBozVJPlKnkudTlxsFXtFZFIJ0TYAykRvkU";
	static const char state[] =
	    "ATExMTFzc3Nzc3Nzc3Nzc3NEnXAB9r39yaJqR0K5G2vpVh3LG4RQok_-dhkf"
	    "haIPlfxKh4figqlY2fdQHHvYX3yboLct-Te-fl-bAdvAik83PsCW43084s3N"
	    "tFtk5D1o9F_-lfazhFwbmzCXfvEJUCeooPzymSHEGhZ0oVG8Qozb6-NGsGW5"
	    "fQ";
	struct state_resumed r;

	ck_assert_int_eq(resume_at("1", NOW, cookie, state, &r), STATE_OK);
	ck_assert_str_eq(
	    r.nonce, "lRFPUehL2A6xj5XQdRVYiq4yF-uCMumZg2zRAw4obxo");
	ck_assert_str_eq(
	    r.verifier, "CwMU1O0ANSRfv3KhOjTUUwfMj2DpN0LqWlw1OVhw7Jg");
	ck_assert_str_eq(r.return_path, "/kiali/graph");
	ck_assert_uint_eq(r.rounds, 1);
}
END_TEST

/* Attempts in several tabs share the cookie, in any order, and nothing else. */
START_TEST(test_tabs)
{
	struct state_attempt a = begin("1", NOW, "", "/a");
	struct state_attempt b = begin("1", NOW + 1, a.cookie, "/b");
	struct state_resumed ra, rb;

	ck_assert_str_ne(a.cookie, b.cookie);
	ck_assert_str_ne(a.state, b.state);
	ck_assert_str_ne(a.nonce, b.nonce);
	ck_assert_str_ne(a.challenge, b.challenge);
	ck_assert_int_eq(
	    resume_at("1", NOW + 2, b.cookie, a.state, &ra), STATE_OK);
	ck_assert_int_eq(
	    resume_at("1", NOW + 2, b.cookie, b.state, &rb), STATE_OK);
	ck_assert_int_eq(
	    resume_at("1", NOW + 2, a.cookie, b.state, &rb), STATE_OK);
	ck_assert_str_eq(ra.nonce, a.nonce);
	ck_assert_str_eq(rb.nonce, b.nonce);
	ck_assert_int_ne(memcmp(ra.attempt, rb.attempt, sizeof(ra.attempt)), 0);
	ck_assert_str_eq(ra.return_path, "/a");
}
END_TEST

START_TEST(test_other_browser)
{
	struct state_attempt a = begin("1", NOW, "", "/");
	struct state_attempt b = begin("1", NOW, "", "/");
	struct state_resumed r;

	ck_assert_int_eq(
	    resume_at("1", NOW, b.cookie, a.state, &r), STATE_OTHER_BROWSER);
	ck_assert_str_eq(r.verifier, "");
	ck_assert_int_eq(resume_at("1", NOW, "", a.state, &r), STATE_NO_COOKIE);
	ck_assert_str_eq(r.verifier, "");
	/* Whoever it is may try again to get there. */
	ck_assert_str_eq(r.return_path, "/");
	a.state[40] = a.state[40] == 'A' ? 'B' : 'A';
	ck_assert_int_eq(resume_at("1", NOW, "", a.state, &r), STATE_BAD);
	ck_assert_str_eq(r.return_path, "");
}
END_TEST

/* One for the other's place: the purposes are kept apart. */
START_TEST(test_purpose)
{
	struct state_attempt a = begin("1", NOW, "", "/");
	struct state_resumed r;

	ck_assert_int_eq(
	    resume_at("1", NOW, a.cookie, a.cookie, &r), STATE_BAD);
	ck_assert_int_eq(
	    resume_at("1", NOW, a.state, a.state, &r), STATE_COOKIE_BAD);
	ck_assert_int_eq(resume_at("1", NOW, a.state, a.cookie, &r), STATE_BAD);
}
END_TEST

START_TEST(test_age)
{
	static const struct {
		int64_t at;
		enum state_fault expected;
	} rows[] = {
		{ NOW, STATE_OK },
		{ NOW + TIMEOUT, STATE_OK },
		{ NOW + TIMEOUT + 1, STATE_EXPIRED },
		{ NOW - 60, STATE_OK },
		{ NOW - 61, STATE_FUTURE },
		{ 0, STATE_FUTURE },
	};
	struct state_attempt a = begin("1", NOW, "", "/"), b;
	struct state_resumed r;

	for (size_t i = 0; i < N_ROWS(rows); i++)
		ck_assert_int_eq(
		    resume_at("1", rows[i].at, a.cookie, a.state, &r),
		    rows[i].expected);
	/* A younger cookie of the same browser does not make it younger. */
	b = begin("1", NOW + TIMEOUT, a.cookie, "/");
	ck_assert_int_eq(
	    resume_at("1", NOW + TIMEOUT + 1, b.cookie, a.state, &r),
	    STATE_EXPIRED);
	ck_assert_int_eq(
	    resume_at("1", NOW + TIMEOUT + 1, b.cookie, b.state, &r), STATE_OK);
}
END_TEST

/* An expired or foreign cookie is replaced, and is not the same browser's. */
START_TEST(test_cookie_is_replaced)
{
	static const char *const bad[] = { "", "x", "not ours",
		"AQIDBAUGBwgJCgsMDQ4PEA" };
	struct state_attempt a = begin("1", NOW, "", "/");
	struct state_attempt b = begin("1", NOW + TIMEOUT + 1, a.cookie, "/");
	struct state_resumed r;

	ck_assert_int_eq(
	    resume_at("1", NOW + TIMEOUT + 1, b.cookie, b.state, &r), STATE_OK);
	ck_assert_int_eq(
	    resume_at("1", NOW + 10, b.cookie, a.state, &r), STATE_FUTURE);
	for (size_t i = 0; i < N_ROWS(bad); i++) {
		b = begin("1", NOW, bad[i], "/");
		ck_assert_int_eq(
		    resume_at("1", NOW, b.cookie, b.state, &r), STATE_OK);
	}
}
END_TEST

/* The signing key changes between start and callback. */
START_TEST(test_rotation)
{
	struct state_attempt a = begin("1", NOW, "", "/a"), b;
	struct state_resumed r;

	ck_assert_int_eq(resume_at("21", NOW, a.cookie, a.state, &r), STATE_OK);
	ck_assert_str_eq(r.nonce, a.nonce);
	b = begin("21", NOW, a.cookie, "/b");
	/* cookie by the new key, state by the old one, and the other way */
	ck_assert_int_eq(resume_at("21", NOW, b.cookie, a.state, &r), STATE_OK);
	ck_assert_str_eq(r.nonce, a.nonce);
	ck_assert_int_eq(resume_at("21", NOW, a.cookie, b.state, &r), STATE_OK);
	ck_assert_str_eq(r.nonce, b.nonce);
	ck_assert_int_eq(resume_at("2", NOW, b.cookie, b.state, &r), STATE_OK);
	ck_assert_int_eq(
	    resume_at("2", NOW, b.cookie, a.state, &r), STATE_KEY_GONE);
	ck_assert_int_eq(
	    resume_at("2", NOW, a.cookie, b.state, &r), STATE_KEY_GONE);
	ck_assert_int_eq(
	    resume_at("3", NOW, a.cookie, a.state, &r), STATE_KEY_GONE);
}
END_TEST

START_TEST(test_other_base)
{
	struct state_attempt a = begin("1", NOW, "", "/");
	struct keys *k = keys_with("1");
	struct state_resumed r;
	struct state_return back = { .now = NOW,
		.timeout_s = TIMEOUT,
		.base_url = SLICE("https://door.example"),
		.cookie = slice_of(a.cookie),
		.state = slice_of(a.state) };

	ck_assert_int_eq(state_resume(k, &back, &r), STATE_OTHER_BASE);
	back.base_url = BASE;
	ck_assert_int_eq(state_resume(k, &back, &r), STATE_OK);
	keys_free(k);
}
END_TEST

/* No byte of either may be another, and nothing may be missing. */
START_TEST(test_every_byte)
{
	struct state_attempt a = begin("1", NOW, "", "/graph");
	struct state_resumed r;
	char *texts[] = { a.state, a.cookie };

	for (size_t t = 0; t < N_ROWS(texts); t++) {
		size_t n = strlen(texts[t]);

		for (size_t i = 0; i < n; i++) {
			char was = texts[t][i];

			texts[t][i] = was == 'A' ? 'B' : 'A';
			ck_assert_int_ne(
			    resume_at("1", NOW, a.cookie, a.state, &r),
			    STATE_OK);
			texts[t][i] = '\0';
			ck_assert_int_ne(
			    resume_at("1", NOW, a.cookie, a.state, &r),
			    STATE_OK);
			texts[t][i] = was;
		}
	}
	ck_assert_int_eq(resume_at("1", NOW, a.cookie, a.state, &r), STATE_OK);
}
END_TEST

START_TEST(test_too_long)
{
	char text[STATE_MAX + 100];
	struct state_attempt a = begin("1", NOW, "", "/");
	struct state_resumed r;

	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(resume_at("1", NOW, a.cookie, text, &r), STATE_BAD);
	ck_assert_int_eq(
	    resume_at("1", NOW, text, a.state, &r), STATE_COOKIE_BAD);
}
END_TEST

START_TEST(test_return_path)
{
	char path[STATE_RETURN_MAX + 2];
	struct state_attempt a;
	struct state_resumed r;

	memset(path, 'p', sizeof(path));
	path[STATE_RETURN_MAX] = '\0';
	a = begin("1", NOW, "", path);
	ck_assert_uint_eq(strlen(a.state), STATE_MAX);
	ck_assert_int_eq(resume_at("1", NOW, a.cookie, a.state, &r), STATE_OK);
	ck_assert_str_eq(r.return_path, path);
	path[STATE_RETURN_MAX] = 'p';
	path[STATE_RETURN_MAX + 1] = '\0';
	a = begin("1", NOW, "", path);
	ck_assert_int_eq(resume_at("1", NOW, a.cookie, a.state, &r), STATE_OK);
	ck_assert_uint_eq(r.return_len, 0);
	ck_assert_str_eq(r.return_path, "");
}
END_TEST

static enum state_fault
count(const char *ids, int64_t now, char cookie[STATE_COOKIE_LEN + 1],
    bool failed)
{
	struct keys *k = keys_with(ids);
	char was[STATE_COOKIE_LEN + 1];
	enum state_fault fault;
	struct state_return back = {
		.now = now, .timeout_s = TIMEOUT, .cookie = { was, 0 }
	};

	memcpy(was, cookie, sizeof(was));
	back.cookie.len = strlen(was);
	fault = state_count(k, &back, failed, cookie);
	ck_assert_uint_eq(
	    strlen(cookie), fault == STATE_OK ? STATE_COOKIE_LEN : 0);
	keys_free(k);
	return fault;
}

START_TEST(test_rounds)
{
	struct state_attempt a = begin("1", NOW, "", "/"), b;
	struct state_resumed r;

	ck_assert_int_eq(count("1", NOW, a.cookie, true), STATE_OK);
	ck_assert_int_eq(count("21", NOW, a.cookie, true), STATE_OK);
	ck_assert_int_eq(resume_at("21", NOW, a.cookie, a.state, &r), STATE_OK);
	ck_assert_uint_eq(r.rounds, 2);
	b = begin("21", NOW, a.cookie, "/");
	ck_assert_uint_eq(b.rounds, 2);
	/* without a cookie the state knows */
	ck_assert_int_eq(
	    resume_at("21", NOW, "", b.state, &r), STATE_NO_COOKIE);
	ck_assert_uint_eq(r.rounds, 2);
	/* it counts no further than it can, and its time stays */
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(
		    count("21", NOW + 9, b.cookie, true), STATE_OK);
	ck_assert_int_eq(
	    resume_at("21", NOW + 9, b.cookie, b.state, &r), STATE_OK);
	ck_assert_uint_eq(r.rounds, STATE_ROUNDS_MAX);
	ck_assert_int_eq(count("21", NOW, b.cookie, false), STATE_OK);
	b = begin("21", NOW, b.cookie, "/");
	ck_assert_uint_eq(b.rounds, 0);
	ck_assert_int_eq(
	    count("21", NOW + TIMEOUT + 1, b.cookie, false), STATE_EXPIRED);
	ck_assert_int_eq(count("21", NOW, b.cookie, true), STATE_NO_COOKIE);
}
END_TEST

/* A cookie that is too old is replaced, but what failed is not forgotten: a
 * wrong clock would make every one too old. */
START_TEST(test_rounds_outlive_age)
{
	struct state_attempt a = begin("1", NOW, "", "/");

	ck_assert_int_eq(count("1", NOW, a.cookie, true), STATE_OK);
	a = begin("1", NOW + 100 * TIMEOUT, a.cookie, "/");
	ck_assert_uint_eq(a.rounds, 1);
}
END_TEST

START_TEST(test_sentences)
{
	for (int i = 0; i < STATE_FAULTS; i++) {
		ck_assert_ptr_nonnull(state_person((enum state_fault)i));
		ck_assert_ptr_nonnull(state_log((enum state_fault)i));
	}
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("login_state");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_rfc7636);
	tcase_add_test(t, test_vector);
	tcase_add_test(t, test_tabs);
	tcase_add_test(t, test_other_browser);
	tcase_add_test(t, test_purpose);
	tcase_add_test(t, test_age);
	tcase_add_test(t, test_cookie_is_replaced);
	tcase_add_test(t, test_rotation);
	tcase_add_test(t, test_other_base);
	tcase_add_test(t, test_every_byte);
	tcase_add_test(t, test_too_long);
	tcase_add_test(t, test_return_path);
	tcase_add_test(t, test_rounds);
	tcase_add_test(t, test_rounds_outlive_age);
	tcase_add_test(t, test_sentences);
	return unit_run("login_state", t);
}
