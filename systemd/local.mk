# systemd
unit_sockets = \
	systemd/doorward-authd-ctl.socket \
	systemd/doorward-authd-egress.socket \
	systemd/doorward-authd-frontend.socket \
	systemd/doorward-egress-ctl.socket \
	systemd/doorward-egress-frontend.socket \
	systemd/doorward-egress-local.socket \
	systemd/doorward-frontend-ctl.socket \
	systemd/doorward-http.socket \
	systemd/doorward-secretd-authd.socket \
	systemd/doorward-secretd-ctl.socket \
	systemd/doorward-secretd-egress.socket \
	systemd/doorward-secretd-frontend.socket
unit_services = \
	systemd/doorward-authd.service \
	systemd/doorward-egress.service \
	systemd/doorward-frontend.service \
	systemd/doorward-secretd.service

dist_systemdsystemunit_DATA = $(unit_sockets) systemd/doorward.target
systemdsystemunit_DATA = $(unit_services)
dist_doc_DATA = systemd/config.yaml.example

EXTRA_DIST += $(unit_services:=.in) systemd/doorward.sysusers \
	systemd/doorward.tmpfiles
CLEANFILES += $(unit_services)
$(unit_services): Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
		sed 's,[@]sbindir[@],$(sbindir),g' $(srcdir)/$@.in >$@
systemd/doorward-authd.service: systemd/doorward-authd.service.in
systemd/doorward-egress.service: systemd/doorward-egress.service.in
systemd/doorward-frontend.service: systemd/doorward-frontend.service.in
systemd/doorward-secretd.service: systemd/doorward-secretd.service.in

# These are installed under another name than they have here.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/doorward.sysusers \
		'$(DESTDIR)$(sysusersdir)/doorward.conf'
	$(INSTALL_DATA) $(srcdir)/systemd/doorward.tmpfiles \
		'$(DESTDIR)$(tmpfilesdir)/doorward.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/doorward.conf' \
		'$(DESTDIR)$(tmpfilesdir)/doorward.conf'
