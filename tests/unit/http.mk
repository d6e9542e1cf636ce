# tests/unit: http
