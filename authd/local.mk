# authd
include authd/verify.mk

noinst_LIBRARIES += authd/libauthd.a
authd_libauthd_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS) \
	$(JANSSON_CFLAGS) $(SQLITE_CFLAGS)
authd_libauthd_a_SOURCES = \
	authd/authd.h \
	authd/checks.h \
	authd/ending.h \
	authd/handlers.h \
	authd/identity.h \
	authd/key_sessions.h \
	authd/keys.h \
	authd/lease.h \
	authd/login.h \
	authd/logout.h \
	authd/oidc/attempt.h \
	authd/oidc/callback_internal.h \
	authd/oidc/callback_query.h \
	authd/oidc/end.h \
	authd/oidc/logout_url.h \
	authd/oidc/notice.h \
	authd/oidc/oidc.h \
	authd/oidc/refusals.h \
	authd/oidc/refresh.h \
	authd/oidc/state.h \
	authd/policy.h \
	authd/revoke.h \
	authd/screen.h \
	authd/seal.h \
	authd/secretd.h \
	authd/session.h \
	authd/session_content.h \
	authd/store.h \
	authd/store_schema.h \
	authd/throttle.h \
	authd/authd.c \
	authd/checks.c \
	authd/ending.c \
	authd/handlers.c \
	authd/identity.c \
	authd/key_sessions.c \
	authd/keys.c \
	authd/lease.c \
	authd/login.c \
	authd/logout.c \
	authd/oidc/admit.c \
	authd/oidc/attempt.c \
	authd/oidc/backchannel.c \
	authd/oidc/callback.c \
	authd/oidc/callback_query.c \
	authd/oidc/end.c \
	authd/oidc/frontchannel.c \
	authd/oidc/logout_url.c \
	authd/oidc/notice.c \
	authd/oidc/oidc.c \
	authd/oidc/refusals.c \
	authd/oidc/start.c \
	authd/oidc/refresh.c \
	authd/oidc/state.c \
	authd/policy.c \
	authd/revoke.c \
	authd/screen.c \
	authd/seal.c \
	authd/secretd.c \
	authd/session.c \
	authd/session_content.c \
	authd/store.c \
	authd/store_schema.c \
	authd/throttle.c
AUTHD_LIBS = authd/libauthd.a $(SQLITE_LIBS)

sbin_PROGRAMS += doorward-authd
doorward_authd_CPPFLAGS = $(AM_CPPFLAGS)
doorward_authd_SOURCES = authd/main.c
doorward_authd_LDADD = $(AUTHD_LIBS) $(VERIFY_LIBS) $(SECCOMP_LIBS) $(YAML_LIBS)
