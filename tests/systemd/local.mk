# tests/systemd
dist_check_SCRIPTS += tests/systemd/units.sh
TESTS += tests/systemd/units.sh
# As root, in a guest: the installed units under a systemd of their own.
EXTRA_DIST += tests/systemd/boot tests/systemd/cases.sh tests/systemd/guest.sh \
	tests/systemd/connect.py tests/systemd/provider.mjs
check-system: all
	DOORWARD_BUILD='$(abs_builddir)' $(srcdir)/tests/systemd/boot || [ $$? = 77 ]
.PHONY: check-system
