# tests/unit: verify
VERIFY_TEST_LIBS = authd/libverify.a common/libcommon.a $(JANSSON_LIBS) \
	$(CHECK_LIBS) $(CRYPTO_LIBS)
check_PROGRAMS += tests/unit/test_jose tests/unit/test_claims \
	tests/unit/test_kube tests/unit/test_token
TESTS += tests/unit/test_jose tests/unit/test_claims \
	tests/unit/test_kube tests/unit/test_token
tests_unit_test_jose_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_jose_LDADD = $(VERIFY_TEST_LIBS)
tests_unit_test_claims_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_claims_LDADD = $(VERIFY_TEST_LIBS)
tests_unit_test_kube_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_kube_LDADD = $(VERIFY_TEST_LIBS)
tests_unit_test_token_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_token_LDADD = $(VERIFY_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/unit/jose_vectors.h

# requests to servers in the same process
SERVER_TEST_FILES = tests/unit/toy_server.c tests/unit/toy_server.h \
	tests/unit/tls_fixture.c tests/unit/tls_fixture.h
SERVER_TEST_FLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) \
	$(SSL_CFLAGS) $(JANSSON_CFLAGS)
check_PROGRAMS += tests/unit/test_fetch
TESTS += tests/unit/test_fetch
tests_unit_test_fetch_SOURCES = tests/unit/test_fetch.c $(SERVER_TEST_FILES)
tests_unit_test_fetch_CPPFLAGS = $(SERVER_TEST_FLAGS)
tests_unit_test_fetch_LDADD = $(VERIFY_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/test_provider
TESTS += tests/unit/test_provider
tests_unit_test_provider_SOURCES = tests/unit/test_provider.c \
	tests/unit/toy_provider.c tests/unit/toy_provider.h $(SERVER_TEST_FILES)
tests_unit_test_provider_CPPFLAGS = $(SERVER_TEST_FLAGS)
tests_unit_test_provider_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms
tests_unit_test_provider_LDADD = $(VERIFY_LIBS) $(CHECK_LIBS)
