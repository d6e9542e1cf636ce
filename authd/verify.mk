# Token checks: a library of their own, so that tests and tools link them
# without the rest of authd.
noinst_LIBRARIES += authd/libverify.a
authd_libverify_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS) \
	$(SSL_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
authd_libverify_a_SOURCES = \
	authd/cache_control.h \
	authd/claims.h \
	authd/fetch.h \
	authd/jose.h \
	authd/jwks.h \
	authd/kube.h \
	authd/oidc/assertion.h \
	authd/oidc/authorization.h \
	authd/oidc/client_call.h \
	authd/oidc/id_token.h \
	authd/oidc/metadata.h \
	authd/oidc/person.h \
	authd/oidc/provider.h \
	authd/oidc/source.h \
	authd/oidc/token_answer.h \
	authd/oidc/token_endpoint.h \
	authd/oidc/userinfo.h \
	authd/server_ca.h \
	authd/token.h \
	authd/verdict.h \
	authd/cache_control.c \
	authd/claims.c \
	authd/fetch.c \
	authd/jose.c \
	authd/jwks.c \
	authd/kube.c \
	authd/oidc/assertion.c \
	authd/oidc/authorization.c \
	authd/oidc/client_call.c \
	authd/oidc/id_token.c \
	authd/oidc/metadata.c \
	authd/oidc/person.c \
	authd/oidc/provider.c \
	authd/oidc/source.c \
	authd/oidc/token_answer.c \
	authd/oidc/token_endpoint.c \
	authd/oidc/userinfo.c \
	authd/server_ca.c \
	authd/token.c \
	authd/verdict.c
VERIFY_LIBS = authd/libverify.a common/libcommon.a $(CURL_LIBS) \
	$(JANSSON_LIBS) $(EVENT_EXTRA_LIBS) $(EVENT_LIBS) $(SSL_LIBS) \
	$(CRYPTO_LIBS)
