# tests/unit: secretd
