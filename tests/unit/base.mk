# tests/unit: base
BASE_TESTS = tests/unit/test_text tests/unit/test_log tests/unit/test_msg \
	tests/unit/test_chan tests/unit/test_listen tests/unit/test_secret
BASE_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
BASE_TEST_LIBS = common/libcommon.a $(EVENT_LIBS) $(CHECK_LIBS)

check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
EXTRA_DIST += tests/unit/unit.h
tests_unit_test_text_CPPFLAGS = $(BASE_TEST_CPPFLAGS)
tests_unit_test_text_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_log_CPPFLAGS = $(BASE_TEST_CPPFLAGS)
tests_unit_test_log_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_msg_CPPFLAGS = $(BASE_TEST_CPPFLAGS)
tests_unit_test_msg_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_chan_CPPFLAGS = $(BASE_TEST_CPPFLAGS)
tests_unit_test_chan_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_listen_CPPFLAGS = $(BASE_TEST_CPPFLAGS)
tests_unit_test_listen_LDADD = $(BASE_TEST_LIBS)
tests_unit_test_secret_CPPFLAGS = $(BASE_TEST_CPPFLAGS)
tests_unit_test_secret_LDADD = $(BASE_TEST_LIBS)
