noinst_LIBRARIES += egress/libegress.a
egress_libegress_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS)
egress_libegress_a_SOURCES = \
	egress/egress.h \
	egress/exchange.h \
	egress/front.h \
	egress/front_http.h \
	egress/front_frames.h \
	egress/handlers.h \
	egress/identity.h \
	egress/inject.h \
	egress/internal.h \
	egress/lease.h \
	egress/local.h \
	egress/location.h \
	egress/response.h \
	egress/oauth2.h \
	egress/oauth2_message.h \
	egress/post.h \
	egress/secrets.h \
	egress/service.h \
	egress/service_auth.h \
	egress/services.h \
	egress/trust.h \
	egress/upstream.h \
	egress/body.h \
	egress/body.c \
	egress/exchange.c \
	egress/front_frames.c \
	egress/front_http.c \
	egress/handlers.c \
	egress/identity.c \
	egress/inject.c \
	egress/internal.c \
	egress/lease.c \
	egress/local.c \
	egress/location.c \
	egress/response.c \
	egress/oauth2.c \
	egress/oauth2_message.c \
	egress/post.c \
	egress/secrets.c \
	egress/service.c \
	egress/service_auth.c \
	egress/services.c \
	egress/trust.c \
	egress/upstream.c

EGRESS_LIBS = egress/libegress.a common/libcommon.a \
	$(EVENT_LIBS) $(EVENT_EXTRA_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) \
	$(SECCOMP_LIBS) $(YAML_LIBS) $(JANSSON_LIBS)

sbin_PROGRAMS += doorward-egress
doorward_egress_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
doorward_egress_SOURCES = egress/main.c
doorward_egress_LDADD = $(EGRESS_LIBS)
