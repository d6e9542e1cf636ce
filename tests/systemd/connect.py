#!/usr/bin/env python3
"""connect.py SOCKET...: says for each what happens to who connects to it:
denied (the file's mode), closed (the daemon looked at the uid) or open."""
import select
import socket
import sys


def outcome(path):
    for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        try:
            s.connect(path)
        except PermissionError:
            return 'denied'
        except OSError:
            continue  # the other kind
        ready, _, _ = select.select([s], [], [], 2)
        try:
            return 'closed' if ready and not s.recv(1) else 'open'
        except ConnectionResetError:
            return 'closed'
    return 'unreachable'


for p in sys.argv[1:]:
    print(p, outcome(p))
