# tests/unit: verify
