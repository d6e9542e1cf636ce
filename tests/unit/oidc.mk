# tests/unit: what OpenID providers say, and what a login leaves with the browser
OIDC_TEST_LIBS = authd/libauthd.a authd/libverify.a common/libcommon.a \
	$(JANSSON_LIBS) $(CRYPTO_LIBS)
OIDC_TESTS = tests/unit/test_id_token tests/unit/test_metadata \
	tests/unit/test_person tests/unit/test_login_state \
	tests/unit/test_token_answer \
	tests/unit/test_callback_query
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
tests_unit_test_token_answer_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_token_answer_LDADD = $(OIDC_TEST_LIBS) $(CHECK_LIBS)
tests_unit_test_callback_query_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_callback_query_LDADD = $(OIDC_TEST_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/unit/id_token_vectors.h

# A provider on loopback, for all tests that need one
PROVIDER_STANDIN = tests/unit/provider_standin.c \
	tests/unit/provider_standin.h tests/unit/toy_provider.c \
	tests/unit/toy_provider.h
STANDIN_TEST_FLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) \
	$(JANSSON_CFLAGS)
STANDIN_TEST_LIBS = authd/libauthd.a $(VERIFY_LIBS) $(SQLITE_LIBS) \
	$(SECCOMP_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_provider_standin
TESTS += tests/unit/test_provider_standin
tests_unit_test_provider_standin_SOURCES = \
	tests/unit/test_provider_standin.c $(PROVIDER_STANDIN)
tests_unit_test_provider_standin_CPPFLAGS = $(STANDIN_TEST_FLAGS)
tests_unit_test_provider_standin_LDADD = $(STANDIN_TEST_LIBS)

check_PROGRAMS += tests/unit/test_logout_url
TESTS += tests/unit/test_logout_url
tests_unit_test_logout_url_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_logout_url_LDADD = authd/libauthd.a common/libcommon.a \
	$(CHECK_LIBS)

# requests to a provider in the same process, whose metadata the test has
CLIENT_TEST_FILES = $(SERVER_TEST_FILES) tests/unit/client_fixture.h
CLIENT_TEST_WRAP = $(AM_LDFLAGS) -Wl,--wrap=fetch_start
check_PROGRAMS += tests/unit/test_token_endpoint tests/unit/test_authorization
TESTS += tests/unit/test_token_endpoint tests/unit/test_authorization
tests_unit_test_token_endpoint_SOURCES = tests/unit/test_token_endpoint.c \
	$(CLIENT_TEST_FILES)
tests_unit_test_token_endpoint_CPPFLAGS = $(SERVER_TEST_FLAGS)
tests_unit_test_token_endpoint_LDFLAGS = $(CLIENT_TEST_WRAP)
tests_unit_test_token_endpoint_LDADD = $(VERIFY_LIBS) $(CHECK_LIBS)
tests_unit_test_authorization_SOURCES = tests/unit/test_authorization.c \
	$(CLIENT_TEST_FILES)
tests_unit_test_authorization_CPPFLAGS = $(SERVER_TEST_FLAGS)
tests_unit_test_authorization_LDFLAGS = $(CLIENT_TEST_WRAP)
tests_unit_test_authorization_LDADD = $(VERIFY_LIBS) $(CHECK_LIBS)
# Sessions that are refreshed, with such a provider
check_PROGRAMS += tests/unit/test_refresh
TESTS += tests/unit/test_refresh
tests_unit_test_refresh_SOURCES = tests/unit/test_refresh.c $(AUTHD_FIXTURE) \
	$(PROVIDER_STANDIN)
tests_unit_test_refresh_CPPFLAGS = $(AUTHD_TEST_FLAGS) $(JANSSON_CFLAGS)
tests_unit_test_refresh_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_refresh_LDADD = $(AUTHD_TEST_LIBS)
