# tests/unit: what OpenID providers say, and what a login leaves with the browser
OIDC_TEST_LIBS = authd/libauthd.a authd/libverify.a common/libcommon.a \
	$(JANSSON_LIBS) $(CRYPTO_LIBS)
OIDC_TESTS = tests/unit/test_id_token tests/unit/test_metadata \
	tests/unit/test_person tests/unit/test_login_state
check_PROGRAMS += $(OIDC_TESTS)
TESTS += $(OIDC_TESTS)
tests_unit_test_id_token_SOURCES = tests/unit/test_id_token.c \
	tests/unit/toy_provider.c tests/unit/toy_provider.h
tests_unit_test_id_token_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_id_token_LDADD = $(OIDC_TEST_LIBS) $(CHECK_LIBS)
tests_unit_test_metadata_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_metadata_LDADD = $(OIDC_TEST_LIBS) $(CHECK_LIBS)
tests_unit_test_person_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_person_LDADD = $(OIDC_TEST_LIBS) $(CHECK_LIBS)
tests_unit_test_login_state_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_login_state_LDADD = $(OIDC_TEST_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/unit/id_token_vectors.h
