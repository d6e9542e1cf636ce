# tests/unit: connections, name lookup, the remote TLS key

CONN_LIBS = common/libcommon.a $(EVENT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_conn
TESTS += tests/unit/test_conn
tests_unit_test_conn_SOURCES = tests/unit/test_conn.c
tests_unit_test_conn_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conn_LDADD = $(CONN_LIBS)
