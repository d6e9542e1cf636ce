# tests/unit: frontend
FRONTEND_TESTS = tests/unit/test_forwarded tests/unit/test_return_path \
	tests/unit/test_router tests/unit/test_facts tests/unit/test_form \
	tests/unit/test_pages tests/unit/test_reply tests/unit/test_upstream_head \
	tests/unit/test_exchange tests/unit/test_screen tests/unit/test_cookie \
	tests/unit/test_own_openid tests/unit/test_own_logout \
	tests/unit/test_own_header
check_PROGRAMS += $(FRONTEND_TESTS)
TESTS += $(FRONTEND_TESTS)
FRONTEND_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
FRONTEND_TEST_LIBS = frontend/libfrontend.a frontend/libtls.a common/libcommon.a $(CHECK_LIBS) \
	$(EVENT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(YAML_LIBS) $(SECCOMP_LIBS)
tests_unit_test_forwarded_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_forwarded_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_return_path_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_return_path_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_router_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_router_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_facts_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_facts_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_form_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_form_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_pages_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_pages_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_reply_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_reply_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_upstream_head_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_upstream_head_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_exchange_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_exchange_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_screen_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_screen_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_cookie_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_cookie_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_own_openid_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_own_openid_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_own_logout_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_own_logout_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_own_header_CPPFLAGS = $(FRONTEND_TEST_CPPFLAGS)
tests_unit_test_own_header_LDADD = $(FRONTEND_TEST_LIBS)
EXTRA_DIST += tests/unit/frontend_fixture.h tests/unit/own_fixture.h
