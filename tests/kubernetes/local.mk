# tests/kubernetes
