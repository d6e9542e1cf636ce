/*
 * What the signer may sign: every form that is allowed, and that no flipped
 * byte, cut or added one is, for each kind of key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "secretd/sign_check.h"

#define CONTEXT "TLS 1.3, server CertificateVerify"
#define FIXED (64 + sizeof(CONTEXT))
#define MAX 256

static size_t
make_tls13(char *p, size_t hash)
{
	memset(p, 0x20, 64);
	memcpy(p + 64, CONTEXT, sizeof(CONTEXT));
	memset(p + FIXED, 0xab, hash);
	return FIXED + hash;
}

static size_t
make_tls12(char *p, unsigned curve, size_t point)
{
	memset(p, 0x5a, 64);
	p[64] = 3;
	p[65] = 0;
	p[66] = (char)curve;
	p[67] = (char)point;
	memset(p + 68, 0x77, point);
	if (curve != 29)
		p[68] = 4;
	return 68 + point;
}

static bool
allowed(
    enum key_kind kind, bool tls12, unsigned scheme, const char *p, size_t len)
{
	const char *why = NULL;
	struct sign_use use = { SIGNER_TLS_SERVER, tls12 };
	bool ok = sign_check(kind, use, (uint16_t)scheme,
		      (struct slice){ p, len }, &why) != NULL;

	ck_assert(ok || why != NULL);
	return ok;
}

static const unsigned good_scheme[] = {
	[KEY_P256] = 0x0403, [KEY_P384] = 0x0503, [KEY_RSA] = 0x0804
};

START_TEST(tls13_is_exact)
{
	enum key_kind kind = (enum key_kind)_i;

	for (size_t hash = 0; hash <= 64; hash++) {
		char p[MAX];
		size_t len = make_tls13(p, hash);

		ck_assert_int_eq(
		    allowed(kind, false, good_scheme[kind], p, len),
		    hash == 32 || hash == 48);
	}
}
END_TEST

START_TEST(tls13_every_byte_counts)
{
	enum key_kind kind = (enum key_kind)_i;

	for (size_t hash = 32; hash <= 48; hash += 16) {
		char p[MAX];
		size_t len = make_tls13(p, hash);

		for (size_t i = 0; i < len; i++) {
			p[i] = (char)(p[i] ^ 1);
			ck_assert_msg(allowed(kind, true, good_scheme[kind], p,
					  len) == (i >= FIXED),
			    "byte %zu", i);
			p[i] = (char)(p[i] ^ 1);
		}
		/* Cutting 16 bytes off the longer hash gives the shorter. */
		for (size_t cut = 0; cut < len; cut++)
			ck_assert_msg(allowed(kind, true, good_scheme[kind], p,
					  cut) == (cut == FIXED + 32),
			    "cut at %zu", cut);
	}
}
END_TEST

START_TEST(other_contexts_are_refused)
{
	static const char *const contexts[] = {
		"TLS 1.3, client CertificateVerify",
		"TLS 1.3, server certificateVerify",
		"TLS 1.4, server CertificateVerify",
	};
	char p[MAX];
	size_t len = make_tls13(p, 32);

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		memcpy(p + 64, contexts[i], strlen(contexts[i]));
		ck_assert(!allowed(KEY_P256, true, 0x0403, p, len));
	}
}
END_TEST

/* Nothing, not even what the empty context of that purpose would be. */
START_TEST(a_key_for_assertions_signs_no_handshake)
{
	struct sign_use use = { SIGNER_CLIENT_ASSERTION, true };
	const char *why = NULL;
	char p[MAX];
	size_t len = make_tls13(p, 32);

	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_null(sign_check(
		    KEY_P256, use, 0x0403, (struct slice){ p, len }, &why));
		ck_assert_ptr_nonnull(why);
		memset(p + 64, 0, sizeof(CONTEXT));
	}
	len = make_tls12(p, 23, 65);
	ck_assert_ptr_null(
	    sign_check(KEY_P256, use, 0x0403, (struct slice){ p, len }, &why));
}
END_TEST

static bool
client_allowed(const char *p, size_t len)
{
	struct sign_use use = { SIGNER_TLS_CLIENT, true };
	const char *why = NULL;

	return sign_check(KEY_P256, use, 0x0403, (struct slice){ p, len },
		   &why) != NULL;
}

/* A client's key signs a client's handshake of TLS 1.3 and nothing else. */
START_TEST(clients_sign_as_clients)
{
	static const char side[] = "client";
	char p[MAX];
	size_t len = make_tls13(p, 32);

	ck_assert(!client_allowed(p, len));
	memcpy(p + 64 + strlen("TLS 1.3, "), side, strlen(side));
	ck_assert(client_allowed(p, len));
	for (size_t i = 0; i < FIXED; i++) {
		p[i] = (char)(p[i] ^ 1);
		ck_assert_msg(!client_allowed(p, len), "byte %zu", i);
		p[i] = (char)(p[i] ^ 1);
	}
	len = make_tls12(p, 23, 65);
	ck_assert(allowed(KEY_P256, true, 0x0403, p, len));
	ck_assert(!client_allowed(p, len));
}
END_TEST

static const struct {
	unsigned scheme, tls13, tls12; /* masks of kinds */
} schemes[] = {
	{ 0x0403, 1u << KEY_P256, 1u << KEY_P256 | 1u << KEY_P384 },
	{ 0x0503, 1u << KEY_P384, 1u << KEY_P256 | 1u << KEY_P384 },
	{ 0x0603, 0, 1u << KEY_P256 | 1u << KEY_P384 },
	{ 0x0804, 1u << KEY_RSA, 1u << KEY_RSA },
	{ 0x0805, 1u << KEY_RSA, 1u << KEY_RSA },
	{ 0x0806, 1u << KEY_RSA, 1u << KEY_RSA },
	{ 0x0401, 0, 1u << KEY_RSA },
	{ 0x0501, 0, 1u << KEY_RSA },
	{ 0x0601, 0, 1u << KEY_RSA },
};

/* All 65,536 schemes, with each kind of key and of structure. */
START_TEST(schemes_fit_the_key)
{
	enum key_kind kind = (enum key_kind)_i;
	char p13[MAX], p12[MAX];
	size_t len13 = make_tls13(p13, 32), len12 = make_tls12(p12, 23, 65);

	for (unsigned scheme = 0; scheme <= 0xffff; scheme++) {
		unsigned tls13 = 0, tls12 = 0;

		for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]);
		     i++)
			if (schemes[i].scheme == scheme) {
				tls13 = schemes[i].tls13;
				tls12 = schemes[i].tls12;
			}
		ck_assert_msg(allowed(kind, true, scheme, p13, len13) ==
			((tls13 >> kind & 1) != 0),
		    "TLS 1.3 scheme %#x", scheme);
		ck_assert_msg(allowed(kind, true, scheme, p12, len12) ==
			((tls12 >> kind & 1) != 0),
		    "TLS 1.2 scheme %#x", scheme);
	}
}
END_TEST

static const struct {
	unsigned curve;
	size_t point;
} groups[] = { { 23, 65 }, { 24, 97 }, { 29, 32 } };

START_TEST(tls12_is_exact)
{
	size_t n = sizeof(groups) / sizeof(groups[0]);
	char p[MAX];

	for (unsigned curve = 0; curve < 256; curve++)
		for (size_t point = 0; point < 150; point++) {
			size_t len = make_tls12(p, curve, point);
			bool good = false;

			for (size_t i = 0; i < n; i++)
				good = good ||
				    (groups[i].curve == curve &&
					groups[i].point == point);
			ck_assert_msg(
			    allowed(KEY_P256, true, 0x0403, p, len) == good,
			    "curve %u, point of %zu", curve, point);
			ck_assert(!allowed(KEY_P256, false, 0x0403, p, len));
		}
}
END_TEST

START_TEST(tls12_every_byte_counts)
{
	static const enum key_kind kinds[] = { KEY_P256, KEY_RSA };
	enum key_kind kind = kinds[_i / 3];
	char p[MAX];
	unsigned curve = groups[_i % 3].curve;
	size_t len = make_tls12(p, curve, groups[_i % 3].point);

	ck_assert(allowed(kind, true, good_scheme[kind], p, len));
	for (size_t i = 0; i < len; i++) {
		/* The randoms and the point are free, but not its form. */
		bool is_free = i < 64 || i > 68 || (i == 68 && curve == 29);

		p[i] = (char)(p[i] ^ 0x10);
		ck_assert_msg(
		    allowed(kind, true, good_scheme[kind], p, len) == is_free,
		    "byte %zu", i);
		p[i] = (char)(p[i] ^ 0x10);
	}
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_msg(!allowed(kind, true, good_scheme[kind], p, cut),
		    "cut at %zu", cut);
	ck_assert(!allowed(kind, true, good_scheme[kind], p, len + 1));
	p[65] = 1; /* the high byte of the curve */
	ck_assert(!allowed(kind, true, good_scheme[kind], p, len));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sign_check");
	TCase *tc = tcase_create("structures");
	SRunner *sr = srunner_create(s);
	int failed;

	/* RSA keys are made, maybe on a busy machine. */
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, tls13_is_exact, 0, 3);
	tcase_add_loop_test(tc, tls13_every_byte_counts, 0, 3);
	tcase_add_test(tc, other_contexts_are_refused);
	tcase_add_test(tc, a_key_for_assertions_signs_no_handshake);
	tcase_add_test(tc, clients_sign_as_clients);
	tcase_add_loop_test(tc, schemes_fit_the_key, 0, 3);
	tcase_add_test(tc, tls12_is_exact);
	tcase_add_loop_test(tc, tls12_every_byte_counts, 0, 6);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
