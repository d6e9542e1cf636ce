# ctl
sbin_PROGRAMS += doorward
doorward_CPPFLAGS = $(AM_CPPFLAGS) -DSBINDIR='"$(sbindir)"'
doorward_SOURCES = \
	ctl/client.h \
	ctl/commands.h \
	ctl/key_file.h \
	ctl/run.h \
	ctl/check_config.c \
	ctl/check_slots.c \
	ctl/explain_url.c \
	ctl/client.c \
	ctl/key_file.c \
	ctl/keys.c \
	ctl/main.c \
	ctl/run.c \
	ctl/run_child.c \
	ctl/run_sockets.c \
	ctl/run_users.c \
	ctl/status.c
dist_man_MANS = ctl/doorward.8
# secretd finds and reads slots; check-config says what it would find
doorward_LDADD = secretd/libsecretd.a common/libcommon.a $(YAML_LIBS)
