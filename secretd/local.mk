noinst_LIBRARIES += secretd/libsecretd.a
secretd_libsecretd_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
secretd_libsecretd_a_SOURCES = \
	secretd/assertion.h \
	secretd/ca.h \
	secretd/jws_key.h \
	secretd/handlers.h \
	secretd/registry.h \
	secretd/watch.h \
	secretd/identities.h \
	secretd/key_handlers.h \
	secretd/keyring.h \
	secretd/secretd.h \
	secretd/sign_check.h \
	secretd/signer.h \
	secretd/state_file.h \
	secretd/slots.h \
	secretd/tickets.h \
	secretd/told.h \
	secretd/private_key.h \
	secretd/tls_signer.h \
	secretd/assertion.c \
	secretd/ca.c \
	secretd/jws_key.c \
	secretd/changes.c \
	secretd/handlers.c \
	secretd/registry.c \
	secretd/watch.c \
	secretd/identities.c \
	secretd/key_handlers.c \
	secretd/keyring.c \
	secretd/rotate.c \
	secretd/sign_check.c \
	secretd/signer.c \
	secretd/slots.c \
	secretd/start.c \
	secretd/state_file.c \
	secretd/tickets.c \
	secretd/told.c \
	secretd/private_key.c \
	secretd/tls_signer.c

SECRETD_LIBS = secretd/libsecretd.a common/libcommon.a $(EVENT_LIBS) \
	$(CRYPTO_LIBS) $(SECCOMP_LIBS) $(YAML_LIBS)

sbin_PROGRAMS += doorward-secretd
doorward_secretd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
doorward_secretd_SOURCES = secretd/main.c
doorward_secretd_LDADD = $(SECRETD_LIBS)
