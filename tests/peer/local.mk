# tests/peer: what a taken-over process can make the real daemons do.
check_PROGRAMS += tests/peer/test_peer
TESTS += tests/peer/test_peer
tests_peer_test_peer_SOURCES = \
	tests/peer/frames.c \
	tests/peer/login.c \
	tests/peer/login.h \
	tests/peer/meanings.c \
	tests/peer/messages.c \
	tests/peer/requests.c \
	tests/peer/speak.c \
	tests/peer/speak.h \
	tests/peer/stream.c \
	tests/peer/stream.h \
	tests/peer/suites.h \
	tests/peer/test_peer.c \
	tests/peer/token.c \
	tests/peer/token.h \
	tests/peer/upstream.c \
	tests/peer/upstream.h \
	tests/peer/world.c \
	tests/peer/world.h \
	tests/unit/tls_pem.c \
	tests/unit/tls_pem.h
tests_peer_test_peer_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) \
	$(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
tests_peer_test_peer_LDADD = common/libcommon.a $(CHECK_LIBS) \
	$(EVENT_LIBS) $(CRYPTO_LIBS)
