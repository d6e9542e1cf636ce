EGRESS_TESTS = tests/unit/test_egress_inject tests/unit/test_egress_body \
	tests/unit/test_egress_lease tests/unit/test_egress_exchange \
	tests/unit/test_egress_local tests/unit/test_egress_response \
	tests/unit/test_oauth2 tests/unit/test_service \
	tests/unit/test_egress_identity
check_PROGRAMS += $(EGRESS_TESTS)
TESTS += $(EGRESS_TESTS)

EGRESS_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
EGRESS_TEST_LIBS = $(EGRESS_LIBS) $(CHECK_LIBS)

tests_unit_test_egress_inject_SOURCES = tests/unit/test_egress_inject.c
tests_unit_test_egress_inject_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_egress_inject_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_egress_response_SOURCES = tests/unit/test_egress_response.c
tests_unit_test_egress_response_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_egress_response_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_egress_body_SOURCES = tests/unit/test_egress_body.c
tests_unit_test_egress_body_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_egress_body_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_egress_lease_SOURCES = tests/unit/test_egress_lease.c
tests_unit_test_egress_lease_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_egress_lease_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_mono_ms
tests_unit_test_egress_lease_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_egress_exchange_SOURCES = tests/unit/test_egress_exchange.c
tests_unit_test_egress_exchange_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_egress_exchange_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_egress_local_SOURCES = tests/unit/test_egress_local.c
tests_unit_test_egress_local_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_egress_local_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=local_route
tests_unit_test_egress_local_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_oauth2_SOURCES = tests/unit/test_oauth2.c
tests_unit_test_oauth2_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_oauth2_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_mono_ms -Wl,--wrap=secrets_ask
tests_unit_test_oauth2_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_service_SOURCES = tests/unit/test_service.c
tests_unit_test_service_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS)
tests_unit_test_service_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_test_egress_identity_SOURCES = \
	tests/unit/test_egress_identity.c $(TLS_TEST_FILES)
tests_unit_test_egress_identity_CPPFLAGS = $(EGRESS_TEST_CPPFLAGS) $(SSL_CFLAGS)
tests_unit_test_egress_identity_LDADD = $(EGRESS_TEST_LIBS)
