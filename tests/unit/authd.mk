# tests/unit: authd
