# tests/sandbox: what each role may and may not do, in children that really
# are confined.
check_PROGRAMS += tests/sandbox/test_sandbox
TESTS += tests/sandbox/test_sandbox
tests_sandbox_test_sandbox_SOURCES = \
	tests/sandbox/confined.c \
	tests/sandbox/confined.h \
	tests/sandbox/forbidden.c \
	tests/sandbox/forbidden.h \
	tests/sandbox/starts.c \
	tests/sandbox/starts.h \
	tests/sandbox/test_sandbox.c
tests_sandbox_test_sandbox_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) \
	$(CRYPTO_CFLAGS) $(SECCOMP_CFLAGS)
tests_sandbox_test_sandbox_LDADD = common/libcommon.a $(CHECK_LIBS) \
	$(CRYPTO_LIBS) $(SECCOMP_LIBS)

check_PROGRAMS += tests/sandbox/test_libraries
TESTS += tests/sandbox/test_libraries
tests_sandbox_test_libraries_SOURCES = \
	tests/sandbox/confined.c \
	tests/sandbox/confined.h \
	tests/sandbox/test_libraries.c
tests_sandbox_test_libraries_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) \
	$(CURL_CFLAGS) $(SQLITE_CFLAGS) $(EVENT_CFLAGS)
tests_sandbox_test_libraries_LDADD = common/libcommon.a $(CHECK_LIBS) \
	$(CURL_LIBS) $(SQLITE_LIBS) $(EVENT_EXTRA_LIBS) $(EVENT_LIBS) \
	$(CRYPTO_LIBS) $(SECCOMP_LIBS)
