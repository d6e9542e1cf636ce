/*
 * The derived keys against vectors computed with another implementation
 * (RFC 5869 written out with Python's hmac), and the order of the ring; and
 * how ticket keys turn over.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/msg.h"
#include "common/secret.h"
#include "common/text.h"
#include "secretd/keyring.h"
#include "secretd/tickets.h"

#define ENTRY (4 + 32 + 32)
#define TICKET (16 + 32 + 32)

static const struct {
	const char *key, *id, *seal, *screen;
} vectors[] = {
	{ "0123456789abcdef", "16d8678b",
	    "63a119f6c30e3537af2a5fb57dcd84a7"
	    "c3baaa90576fe0af16bcc59c80257a82",
	    "41d9115ec486b0c488b339cadd8f5eb1"
	    "bf5a9a561fb8ef40be4501c559dce70e" },
	{ "0123456789abcdef01234567", "83f96b30",
	    "076847631dac44f830d062938cfd84ec"
	    "e07570219ee7f44bfa5779dcc1f26d27",
	    "508beee68b253d81e82069fa1715986c"
	    "6763406513b93cffc2d00244c59e5e1d" },
	{ "0123456789abcdef0123456789ABCDEF", "10dde0a8",
	    "9dc73361c716e8d06c18342189dafbf1"
	    "4853dd0940369661de3e8d381a4aeaf9",
	    "78aad09999a579bb80395bf2f2817422"
	    "29a18dfe1268fca9b3ae80e6c8fd9fba" },
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void
add(struct keyring *k, const char *key)
{
	struct secret *s = secret_from(key, strlen(key));

	ck_assert_int_eq(keyring_add(k, s), 0);
	secret_free(s);
}

static size_t
put(const struct keyring *k, uint8_t *p, size_t cap)
{
	struct wire_writer w;

	wire_writer_init(&w, p, cap);
	keyring_put(k, &w);
	ck_assert_int_eq(wire_done(&w), 0);
	return w.len;
}

static void
assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char text[65];

	text_hex(text, bytes, n);
	ck_assert_str_eq(text, hex);
}

START_TEST(vectors_hold)
{
	struct keyring *k = keyring_new();
	uint8_t p[1 + ENTRY];

	add(k, vectors[_i].key);
	ck_assert_uint_eq(put(k, p, sizeof(p)), sizeof(p));
	ck_assert_uint_eq(p[0], 1);
	assert_hex(p + 1, 4, vectors[_i].id);
	assert_hex(p + 5, 32, vectors[_i].seal);
	assert_hex(p + 37, 32, vectors[_i].screen);
	keyring_free(k);
}
END_TEST

START_TEST(newest_first)
{
	struct keyring *k = keyring_new();
	uint8_t p[1 + 3 * ENTRY];

	ck_assert_uint_eq(put(k, p, sizeof(p)), 1);
	ck_assert_uint_eq(p[0], 0);
	for (size_t i = 0; i < N_VECTORS; i++)
		add(k, vectors[i].key);
	ck_assert_uint_eq(put(k, p, sizeof(p)), sizeof(p));
	assert_hex(p + 1, 4, vectors[2].id);
	assert_hex(p + 1 + 2 * ENTRY, 4, vectors[0].id);
	add(k, vectors[0].key); /* again: moves to the front */
	ck_assert_uint_eq(keyring_count(k), 3);
	(void)put(k, p, sizeof(p));
	assert_hex(p + 1, 4, vectors[0].id);
	assert_hex(p + 1 + ENTRY, 4, vectors[2].id);
	assert_hex(p + 1 + 2 * ENTRY, 4, vectors[1].id);
	keyring_free(k);
}
END_TEST

START_TEST(oldest_goes)
{
	struct keyring *k = keyring_new();
	char key[] = "................";
	uint8_t p[1 + KEYRING_MAX * ENTRY], first[4];

	for (int i = 0; i < KEYRING_MAX + 1; i++) {
		key[0] = (char)('a' + i);
		add(k, key);
		if (i == 1) {
			(void)put(k, p, sizeof(p));
			memcpy(first, p + 1, 4);
		}
	}
	ck_assert_uint_eq(keyring_count(k), KEYRING_MAX);
	/* What the message may hold at most. */
	ck_assert_uint_eq(
	    put(k, p, sizeof(p)), msg_spec(MSG_SESSION_KEYS_RESULT)->max);
	ck_assert_mem_eq(p + 1 + (KEYRING_MAX - 1) * ENTRY, first, 4);
	keyring_free(k);
}
END_TEST

static uint32_t
put_tickets(struct tickets *t, int64_t now_ms, uint8_t *p, size_t cap)
{
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, p, cap);
	tickets_put(t, now_ms, &w);
	ck_assert_int_eq(wire_done(&w), 0);
	ck_assert_uint_eq(w.len, 5 + (size_t)p[4] * TICKET);
	wire_reader_init(&r, p, w.len);
	return wire_get_u32(&r);
}

START_TEST(tickets_turn_over)
{
	struct tickets *t = tickets_new(1000);
	int64_t period = TICKETS_PERIOD_MS;
	uint8_t a[245], b[245];

	ck_assert_uint_eq(put_tickets(t, 1000, a, sizeof(a)), 14400);
	ck_assert_uint_eq(a[4], 1);
	ck_assert_uint_eq(put_tickets(t, 1000 + period - 1, b, sizeof(b)), 1);
	ck_assert_mem_eq(a + 5, b + 5, TICKET);
	ck_assert_uint_eq(put_tickets(t, 1000 + period, b, sizeof(b)), 14400);
	ck_assert_uint_eq(b[4], 2);
	ck_assert_mem_ne(a + 5, b + 5, TICKET);
	ck_assert_mem_eq(a + 5, b + 5 + TICKET, TICKET);
	(void)put_tickets(t, 1000 + 2 * period, b, sizeof(b));
	ck_assert_uint_eq(b[4], 3);
	ck_assert_mem_eq(a + 5, b + 5 + 2 * TICKET, TICKET);
	/* After a long sleep nothing old is left. */
	memcpy(a, b, sizeof(a));
	ck_assert_uint_le(
	    put_tickets(t, 1000 + 50 * period, b, sizeof(b)), 14400);
	ck_assert_uint_eq(b[4], 3);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			ck_assert_mem_ne(
			    a + 5 + i * TICKET, b + 5 + j * TICKET, TICKET);
	tickets_free(t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyring");
	TCase *tc = tcase_create("keys");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, vectors_hold, 0, (int)N_VECTORS);
	tcase_add_test(tc, newest_first);
	tcase_add_test(tc, oldest_goes);
	tcase_add_test(tc, tickets_turn_over);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
