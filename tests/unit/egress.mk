# tests/unit: egress
