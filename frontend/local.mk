# frontend
include frontend/tls.mk
noinst_LIBRARIES += frontend/libfrontend.a
frontend_libfrontend_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS)
frontend_libfrontend_a_SOURCES = \
	frontend/authd.h \
	frontend/body.h \
	frontend/client.h \
	frontend/cookie.h \
	frontend/deny.h \
	frontend/exchange.h \
	frontend/facts.h \
	frontend/form.h \
	frontend/forwarded.h \
	frontend/limits.h \
	frontend/listener.h \
	frontend/own.h \
	frontend/own_internal.h \
	frontend/pages.h \
	frontend/pool.h \
	frontend/reply.h \
	frontend/request.h \
	frontend/return_path.h \
	frontend/router.h \
	frontend/screen.h \
	frontend/stats.h \
	frontend/upstream_head.h \
	frontend/worker.h \
	frontend/workers.h \
	frontend/api.c \
	frontend/authd.c \
	frontend/body.c \
	frontend/client.c \
	frontend/cookie.c \
	frontend/deny.c \
	frontend/exchange.c \
	frontend/facts.c \
	frontend/form.c \
	frontend/forwarded.c \
	frontend/limits.c \
	frontend/listener.c \
	frontend/login.c \
	frontend/logout.c \
	frontend/openid.c \
	frontend/openid_logout.c \
	frontend/own.c \
	frontend/pages.c \
	frontend/pool.c \
	frontend/reply.c \
	frontend/request.c \
	frontend/return_path.c \
	frontend/router.c \
	frontend/screen.c \
	frontend/stats.c \
	frontend/upstream_head.c \
	frontend/worker.c \
	frontend/workers.c

FRONTEND_LIBS = frontend/libfrontend.a frontend/libtls.a common/libcommon.a \
	$(EVENT_LIBS) $(EVENT_EXTRA_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) \
	$(SECCOMP_LIBS) $(YAML_LIBS)

sbin_PROGRAMS += doorward-frontend
doorward_frontend_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
doorward_frontend_SOURCES = frontend/main.c
doorward_frontend_LDADD = $(FRONTEND_LIBS)
