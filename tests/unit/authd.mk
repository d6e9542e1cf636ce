# tests/unit: authd and the cookie format
check_PROGRAMS += tests/unit/test_ticket
TESTS += tests/unit/test_ticket
tests_unit_test_ticket_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ticket_LDADD = common/libcommon.a $(CHECK_LIBS) $(CRYPTO_LIBS) \
	$(EVENT_LIBS)
