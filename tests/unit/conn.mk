# tests/unit: connections, name lookup, the remote TLS key

CONN_LIBS = common/libcommon.a $(EVENT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_conn
TESTS += tests/unit/test_conn
tests_unit_test_conn_SOURCES = tests/unit/test_conn.c
tests_unit_test_conn_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conn_LDADD = $(CONN_LIBS)

check_PROGRAMS += tests/unit/test_conn_tls
TESTS += tests/unit/test_conn_tls
tests_unit_test_conn_tls_SOURCES = tests/unit/test_conn_tls.c \
	tests/unit/tls_fixture.c tests/unit/tls_fixture.h
tests_unit_test_conn_tls_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	$(SSL_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conn_tls_LDADD = $(CONN_LIBS)

check_PROGRAMS += tests/unit/test_ca_set
TESTS += tests/unit/test_ca_set
tests_unit_test_ca_set_SOURCES = tests/unit/test_ca_set.c
tests_unit_test_ca_set_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ca_set_LDADD = $(CONN_LIBS)

check_PROGRAMS += tests/unit/test_resolve
TESTS += tests/unit/test_resolve
tests_unit_test_resolve_SOURCES = tests/unit/test_resolve.c
tests_unit_test_resolve_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_resolve_LDADD = $(CONN_LIBS) $(EVENT_EXTRA_LIBS)

TLS_TEST_FILES = tests/unit/tls_fixture.c tests/unit/tls_fixture.h \
	tests/unit/toy_signer.c tests/unit/toy_signer.h

check_PROGRAMS += tests/unit/test_tls_key
TESTS += tests/unit/test_tls_key
tests_unit_test_tls_key_SOURCES = tests/unit/test_tls_key.c $(TLS_TEST_FILES)
tests_unit_test_tls_key_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	$(SSL_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tls_key_LDADD = $(CONN_LIBS)

check_PROGRAMS += tests/unit/test_tls
TESTS += tests/unit/test_tls
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c $(TLS_TEST_FILES)
tests_unit_test_tls_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	$(SSL_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tls_LDADD = frontend/libtls.a $(CONN_LIBS) $(YAML_LIBS)

# Twenty thousand handshakes that the client cuts off.
check-long: tests/unit/test_tls_key
	CUT_OFF=20000 CK_RUN_CASE=tls_key ./tests/unit/test_tls_key
.PHONY: check-long
