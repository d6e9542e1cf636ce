# tests/unit: conn
