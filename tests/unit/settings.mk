# tests/unit: settings
