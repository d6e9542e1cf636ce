# tests/unit: sandbox
