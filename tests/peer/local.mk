# tests/peer
