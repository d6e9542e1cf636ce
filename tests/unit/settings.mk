# tests/unit: settings
check_PROGRAMS += tests/unit/test_settings tests/unit/test_services tests/unit/test_route tests/unit/test_base_url tests/unit/test_settings_openid
TESTS += tests/unit/test_settings tests/unit/test_services tests/unit/test_route tests/unit/test_base_url tests/unit/test_settings_openid
tests_unit_test_settings_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_settings_LDADD = common/libcommon.a $(YAML_LIBS) $(CHECK_LIBS)
tests_unit_test_services_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_services_LDADD = common/libcommon.a $(YAML_LIBS) $(CHECK_LIBS)
tests_unit_test_route_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_route_LDADD = common/libcommon.a $(YAML_LIBS) $(CHECK_LIBS)
tests_unit_test_base_url_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_base_url_LDADD = common/libcommon.a $(YAML_LIBS) $(CHECK_LIBS)
tests_unit_test_settings_openid_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_settings_openid_LDADD = common/libcommon.a $(YAML_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/unit/settings_text.h tests/unit/settings_cases.h
