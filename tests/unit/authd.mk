# tests/unit: authd and the cookie format
check_PROGRAMS += tests/unit/test_ticket
TESTS += tests/unit/test_ticket
tests_unit_test_ticket_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ticket_LDADD = common/libcommon.a $(CHECK_LIBS) $(CRYPTO_LIBS) \
	$(EVENT_LIBS)

# authd's own parts, with a stand-in for the token verifier and clocks that the
# tests set forward
AUTHD_TEST_LIBS = authd/libauthd.a $(VERIFY_LIBS) $(SQLITE_LIBS) \
	$(CHECK_LIBS) $(SECCOMP_LIBS)
AUTHD_TEST_FLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) \
	$(SQLITE_CFLAGS)
AUTHD_TEST_WRAP = -Wl,--wrap=clock_unix_s -Wl,--wrap=clock_mono_ms
AUTHD_FIXTURE = tests/unit/authd_fixture.h tests/unit/authd_fixture.c

check_PROGRAMS += tests/unit/test_authd
TESTS += tests/unit/test_authd
tests_unit_test_authd_SOURCES = tests/unit/test_authd.c $(AUTHD_FIXTURE)
tests_unit_test_authd_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_authd_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_authd_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_logout
TESTS += tests/unit/test_logout
tests_unit_test_logout_SOURCES = tests/unit/test_logout.c $(AUTHD_FIXTURE)
tests_unit_test_logout_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_logout_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_logout_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_assertions
TESTS += tests/unit/test_assertions
tests_unit_test_assertions_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_assertions_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_policy
TESTS += tests/unit/test_policy
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c $(AUTHD_FIXTURE)
tests_unit_test_policy_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_policy_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_policy_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store
TESTS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(AUTHD_FIXTURE)
tests_unit_test_store_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_store_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_store_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_throttle
TESTS += tests/unit/test_throttle
tests_unit_test_throttle_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_throttle_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_key_sessions
TESTS += tests/unit/test_key_sessions
tests_unit_test_key_sessions_SOURCES = tests/unit/test_key_sessions.c $(AUTHD_FIXTURE)
tests_unit_test_key_sessions_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_key_sessions_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_key_sessions_LDADD = $(AUTHD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_session
TESTS += tests/unit/test_session
tests_unit_test_session_SOURCES = tests/unit/test_session.c $(AUTHD_FIXTURE)
tests_unit_test_session_CPPFLAGS = $(AUTHD_TEST_FLAGS)
tests_unit_test_session_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP) \
	-Wl,--wrap=secret_wipe
tests_unit_test_session_LDADD = $(AUTHD_TEST_LIBS)

# Whole logins through a provider on loopback
OIDC_FIXTURE = tests/unit/oidc_fixture.h tests/unit/oidc_fixture.c \
	$(AUTHD_FIXTURE) $(PROVIDER_STANDIN)
OIDC_FIXTURE_FLAGS = $(AUTHD_TEST_FLAGS) $(JANSSON_CFLAGS)
check_PROGRAMS += tests/unit/test_oidc_login
TESTS += tests/unit/test_oidc_login
tests_unit_test_oidc_login_SOURCES = tests/unit/test_oidc_login.c \
	$(OIDC_FIXTURE)
tests_unit_test_oidc_login_CPPFLAGS = $(OIDC_FIXTURE_FLAGS)
tests_unit_test_oidc_login_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP) \
	-Wl,--wrap=sessions_delete
tests_unit_test_oidc_login_LDADD = $(AUTHD_TEST_LIBS)
check_PROGRAMS += tests/unit/test_oidc_refusals
TESTS += tests/unit/test_oidc_refusals
tests_unit_test_oidc_refusals_SOURCES = tests/unit/test_oidc_refusals.c \
	$(OIDC_FIXTURE)
tests_unit_test_oidc_refusals_CPPFLAGS = $(OIDC_FIXTURE_FLAGS)
tests_unit_test_oidc_refusals_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_oidc_refusals_LDADD = $(AUTHD_TEST_LIBS)
check_PROGRAMS += tests/unit/test_oidc_end
TESTS += tests/unit/test_oidc_end
tests_unit_test_oidc_end_SOURCES = tests/unit/test_oidc_end.c $(OIDC_FIXTURE)
tests_unit_test_oidc_end_CPPFLAGS = $(OIDC_FIXTURE_FLAGS)
tests_unit_test_oidc_end_LDFLAGS = $(AM_LDFLAGS) $(AUTHD_TEST_WRAP)
tests_unit_test_oidc_end_LDADD = $(AUTHD_TEST_LIBS)
