# tests/systemd
