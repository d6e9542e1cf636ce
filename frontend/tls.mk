# frontend: TLS as a server
noinst_LIBRARIES += frontend/libtls.a
frontend_libtls_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS) \
	$(CRYPTO_CFLAGS)
frontend_libtls_a_SOURCES = \
	frontend/tls.h \
	frontend/tls_identity.h \
	frontend/tls_names.h \
	frontend/tls_policy.h \
	frontend/tls_tickets.h \
	frontend/tls.c \
	frontend/tls_identity.c \
	frontend/tls_names.c \
	frontend/tls_policy.c \
	frontend/tls_tickets.c
