# tests/unit: http and frame
http_tests = tests/unit/test_http_request tests/unit/test_http_target \
	tests/unit/test_http_response tests/unit/test_http_chunks \
	tests/unit/test_http_fields tests/unit/test_urlencode \
	tests/unit/test_frame
check_PROGRAMS += $(http_tests)
TESTS += $(http_tests)
EXTRA_DIST += tests/unit/http_suite.h
tests_unit_test_http_request_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_request_LDADD = common/libcommon.a $(CHECK_LIBS)
tests_unit_test_http_target_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_target_LDADD = common/libcommon.a $(CHECK_LIBS)
tests_unit_test_http_response_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_response_LDADD = common/libcommon.a $(CHECK_LIBS)
tests_unit_test_http_chunks_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_chunks_LDADD = common/libcommon.a $(CHECK_LIBS)
tests_unit_test_http_fields_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_fields_LDADD = common/libcommon.a $(CHECK_LIBS)
tests_unit_test_urlencode_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_urlencode_LDADD = common/libcommon.a $(CHECK_LIBS)
tests_unit_test_frame_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_frame_LDADD = common/libcommon.a $(CHECK_LIBS)
