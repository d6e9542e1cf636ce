# tests/unit: secretd
SECRETD_TESTS = tests/unit/test_slots tests/unit/test_ca tests/unit/test_watch \
	tests/unit/test_registry tests/unit/test_keyring \
	tests/unit/test_sign_check tests/unit/test_private_key \
	tests/unit/test_assertion tests/unit/test_signer \
	tests/unit/test_identities
check_PROGRAMS += $(SECRETD_TESTS)
TESTS += $(SECRETD_TESTS)
SECRETD_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) \
	$(CRYPTO_CFLAGS)

tests_unit_test_slots_SOURCES = tests/unit/test_slots.c
tests_unit_test_slots_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_slots_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_ca_SOURCES = tests/unit/test_ca.c
tests_unit_test_ca_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_ca_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_keyring_SOURCES = tests/unit/test_keyring.c
tests_unit_test_keyring_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_keyring_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_sign_check_SOURCES = tests/unit/test_sign_check.c
tests_unit_test_sign_check_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_sign_check_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_private_key_SOURCES = tests/unit/test_private_key.c \
	tests/unit/tls_pem.c tests/unit/tls_pem.h
tests_unit_test_private_key_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_private_key_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_assertion_SOURCES = tests/unit/test_assertion.c \
	tests/unit/tls_pem.c tests/unit/tls_pem.h
tests_unit_test_assertion_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_assertion_LDADD = secretd/libsecretd.a $(VERIFY_LIBS) \
	$(SECCOMP_LIBS) $(YAML_LIBS) $(CHECK_LIBS)
tests_unit_test_signer_SOURCES = tests/unit/test_signer.c \
	tests/unit/tls_pem.c tests/unit/tls_pem.h
tests_unit_test_signer_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_signer_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_watch_SOURCES = tests/unit/test_watch.c
tests_unit_test_watch_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_watch_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_registry_SOURCES = tests/unit/test_registry.c
tests_unit_test_registry_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_registry_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
tests_unit_test_identities_SOURCES = tests/unit/test_identities.c \
	tests/unit/tls_pem.c tests/unit/tls_pem.h
tests_unit_test_identities_CPPFLAGS = $(SECRETD_TEST_CPPFLAGS)
tests_unit_test_identities_LDADD = $(SECRETD_LIBS) $(CHECK_LIBS)
