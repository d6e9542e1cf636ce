# tests/unit: frontend
