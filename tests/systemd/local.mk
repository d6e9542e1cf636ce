# tests/systemd
dist_check_SCRIPTS += tests/systemd/units.sh
TESTS += tests/systemd/units.sh
