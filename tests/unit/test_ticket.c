/* The session cookie's format: vectors, tampering, the screening keys. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/err.h"
#include "common/ticket.h"

static const uint8_t key_id[MSG_KEY_ID_LEN] = { 0xa1, 0xb2, 0xc3, 0xd4 };

/* Computed with another implementation (Python's hmac and base64): screening
 * key 00..1f, random bytes 80..9f. */
static const struct {
	uint16_t epoch;
	const char *epoch_key;
	const char *cookie;
} vectors[] = {
	{ 0, "0af04520b61d606a2b3971cc9c76faaa386899fa9e89ba34d5213bb711447a80",
	    "AaGyw9QAAICBgoOEhYaHiImKi4yNjo-QkZKTlJWWl5iZmpucnZ6f"
	    "DaLOMSBxprM7s55fdFz1xA" },
	{ 1, "a49efce91c58472703369e7d816ef6fcf27b91a238e291528228b38ea05f5e49",
	    "AaGyw9QAAYCBgoOEhYaHiImKi4yNjo-QkZKTlJWWl5iZmpucnZ6f"
	    "CtM4Qu8evyqUo9zluH0PBw" },
	{ 31802,
	    "5c23755dc232b956e4646af01471ced795c5fd4045fa3b6872ef15d0e0cd10cf",
	    "AaGyw9R8OoCBgoOEhYaHiImKi4yNjo-QkZKTlJWWl5iZmpucnZ6f"
	    "hESDofG12n2cBebPhkQUhQ" },
	{ 65535,
	    "849b965b9ae18f0e97f29ad3db4e6402c83e7792b564e47599493e4e31935817",
	    "AaGyw9T__4CBgoOEhYaHiImKi4yNjo-QkZKTlJWWl5iZmpucnZ6f"
	    "SnJR9LLEFD5QLv0Bs8rODA" },
};

static struct ticket_key
key_at(uint16_t epoch)
{
	uint8_t screening_key[TICKET_KEY_LEN];
	struct ticket_key k;

	for (size_t i = 0; i < sizeof screening_key; i++)
		screening_key[i] = (uint8_t)i;
	ticket_key_derive(&k, key_id, screening_key, epoch);
	return k;
}

static struct ticket_keys
keys_of(const struct ticket_key *key)
{
	struct ticket_keys keys = { .n = 1 };

	keys.at[0] = *key;
	return keys;
}

START_TEST(vector_matches)
{
	struct ticket_key key = key_at(vectors[_i].epoch);
	struct ticket_keys keys = keys_of(&key);
	uint8_t want[TICKET_KEY_LEN];

	ck_assert_int_eq(
	    text_unhex(slice_of(vectors[_i].epoch_key), want, sizeof want), 0);
	ck_assert_mem_eq(key.key, want, sizeof want);
	ck_assert_int_eq(ticket_screen(&keys, slice_of(vectors[_i].cookie)), 0);
}
END_TEST

START_TEST(made_cookies_pass_and_differ)
{
	struct ticket_key key = key_at(7);
	struct ticket_keys keys = keys_of(&key);
	char a[TICKET_LEN + 1], b[TICKET_LEN + 1];

	ticket_make(a, &key);
	ticket_make(b, &key);
	ck_assert_uint_eq(strlen(a), TICKET_LEN);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(ticket_screen(&keys, slice_of(a)), 0);
	ck_assert_int_eq(ticket_screen(&keys, slice_of(b)), 0);
}
END_TEST

/* Every character, changed to every other one of the alphabet, is refused. */
START_TEST(each_changed_character_is_refused)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789-_";
	struct ticket_key key = key_at(31802);
	struct ticket_keys keys = keys_of(&key);
	char c[TICKET_LEN + 1];

	memcpy(c, vectors[2].cookie, sizeof c);
	for (size_t i = 0; i < TICKET_LEN; i++) {
		for (size_t k = 0; k < sizeof alphabet - 1; k++) {
			if (alphabet[k] == vectors[2].cookie[i])
				continue;
			c[i] = alphabet[k];
			ck_assert_int_ne(ticket_screen(&keys, slice_of(c)), 0);
		}
		c[i] = vectors[2].cookie[i];
	}
	ck_assert_int_eq(ticket_screen(&keys, slice_of(c)), 0);
}
END_TEST

START_TEST(refusals_say_why)
{
	const char *good = vectors[2].cookie;
	struct ticket_key key = key_at(31802), later = key_at(31803);
	struct ticket_keys keys = keys_of(&key), none = { .n = 0 },
			   other = keys_of(&later);
	char c[TICKET_LEN + 2];

	ck_assert_int_eq(ticket_screen(&none, slice_of(good)), ERR_NOT_FOUND);
	ck_assert_int_eq(ticket_screen(&other, slice_of(good)), ERR_NOT_FOUND);
	ck_assert_int_eq(ticket_screen(&keys, slice_of("")), ERR_FORMAT);
	for (size_t len = 0; len < TICKET_LEN; len++)
		ck_assert_int_eq(
		    ticket_screen(&keys, (struct slice){ good, len }),
		    ERR_FORMAT);
	memcpy(c, good, TICKET_LEN);
	c[TICKET_LEN] = 'A';
	c[TICKET_LEN + 1] = '\0';
	ck_assert_int_eq(ticket_screen(&keys, slice_of(c)), ERR_FORMAT);
	c[TICKET_LEN] = '\0';
	c[0] = 'B'; /* another version */
	ck_assert_int_eq(ticket_screen(&keys, slice_of(c)), ERR_FORMAT);
	memcpy(c, good, TICKET_LEN);
	c[2] = c[2] == 'A' ? 'B' : 'A'; /* another key id */
	ck_assert_int_eq(ticket_screen(&keys, slice_of(c)), ERR_NOT_FOUND);
	memcpy(c, good, TICKET_LEN);
	c[20] = c[20] == 'A' ? 'B' : 'A'; /* other random bytes */
	ck_assert_int_eq(ticket_screen(&keys, slice_of(c)), ERR_CRYPTO);
}
END_TEST

START_TEST(epochs)
{
	static const struct {
		int64_t unix_s;
		uint16_t epoch;
	} cases[] = {
		{ 0, 0 },
		{ 14399, 0 },
		{ 14400, 1 },
		{ 1767323045, 57194 },
		{ 943718405, 0 }, /* the number wraps */
		{ -1, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_uint_eq(
		    ticket_epoch(cases[i].unix_s), cases[i].epoch);
}
END_TEST

START_TEST(handle_is_sha256)
{
	uint8_t got[MSG_HANDLE_LEN], want[MSG_HANDLE_LEN];

	ticket_handle(got, SLICE("abc"));
	ck_assert_int_eq(text_unhex(SLICE("ba7816bf8f01cfea414140de5dae2223"
					  "b00361a396177a9cb410ff61f20015ad"),
			     want, sizeof want),
	    0);
	ck_assert_mem_eq(got, want, sizeof want);
}
END_TEST

START_TEST(screening_keys_travel)
{
	uint8_t buf[4096];
	struct ticket_keys sent = { .n = TICKET_KEYS_MAX }, got;
	struct wire_writer w;
	struct wire_reader r;
	uint32_t again = 0;

	for (size_t i = 0; i < sent.n; i++)
		sent.at[i] = key_at((uint16_t)i);
	wire_writer_init(&w, buf, sizeof buf);
	ticket_keys_put(&w, &sent, 1234);
	ck_assert_int_eq(wire_done(&w), 0);
	ck_assert_uint_eq(w.len, 2437); /* the row's maximum */
	wire_reader_init(&r, buf, w.len);
	ck_assert_int_eq(ticket_keys_get(&r, &got, &again), 0);
	ck_assert_uint_eq(again, 1234);
	ck_assert_uint_eq(got.n, sent.n);
	ck_assert_mem_eq(got.at, sent.at, sizeof sent.at);
	for (size_t len = 0; len < w.len; len += 7) {
		wire_reader_init(&r, buf, len);
		ck_assert_int_eq(
		    ticket_keys_get(&r, &got, &again), ERR_PROTOCOL);
	}
	buf[4] = TICKET_KEYS_MAX + 1;
	wire_reader_init(&r, buf, sizeof buf);
	ck_assert_int_eq(ticket_keys_get(&r, &got, &again), ERR_PROTOCOL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ticket");
	TCase *tc = tcase_create("ticket");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(
	    tc, vector_matches, 0, (int)(sizeof vectors / sizeof *vectors));
	tcase_add_test(tc, made_cookies_pass_and_differ);
	tcase_add_test(tc, each_changed_character_is_refused);
	tcase_add_test(tc, refusals_say_why);
	tcase_add_test(tc, epochs);
	tcase_add_test(tc, handle_is_sha256);
	tcase_add_test(tc, screening_keys_travel);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
