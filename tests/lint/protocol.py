#!/usr/bin/env python3
"""Every row of the message table lives: somebody sends it, a handler row of
each receiving daemon takes it (requests and pushes), a test names it."""
import re

import sources

FOLDER = {'SIGNER': 'secretd'}  # others: the role's own name
# What speaks for a role outside its folder.
SHARED = {'FRONTEND': ['common/tls_key.c'], 'EGRESS': ['common/tls_key.c']}
R_DAEMONS = ['FRONTEND', 'AUTHD', 'EGRESS', 'SECRETD']


def roles(mask):
    found = R_DAEMONS if 'R_DAEMONS' in mask else []
    return found + re.findall(r'R\((\w+)\)', mask)


def rows():
    text = sources.code('common/msg.h')
    text = text[text.index('#define MSG_LIST'):text.index('enum msg_type')]
    text = re.sub(r'\\\n', ' ', text)
    row = re.compile(
        r'X\(\s*(MSG_\w+)\s*,([^,]+),([^,]+),\s*\d+\s*,\s*\d+\s*,\s*\w+\s*,\s*(\w+)\s*\)')
    return [(m[0], roles(m[1]), roles(m[2]), m[3]) for m in row.findall(text)]


def text_of(role):
    folder = FOLDER.get(role, role.lower())
    paths = sources.files(folder, suffixes=('.c',)) + SHARED.get(role, [])
    return '\n'.join(sources.code(p) for p in paths)


def main():
    table = rows()
    texts = {r: text_of(r) for r in R_DAEMONS + ['SIGNER', 'CTL']}
    absent = {r for r in texts if FOLDER.get(r, r.lower()) + '/main.c'
              not in sources.files()}
    tests = '\n'.join(sources.read(p) for p in
                      sources.files('tests/unit', 'tests/peer', suffixes=('.c', '.h', '.py')))
    peer = sources.files('tests/peer', suffixes=('.c', '.py'))
    answers = {reply for _, _, _, reply in table} | {
        'MSG_TLS_IDENTITY_NONE', 'MSG_CA_NONE', 'MSG_ASSERTION_KEY_NONE'}
    problems = []
    if len(table) < 20:
        problems.append('only %d rows found: the script is broken' % len(table))
    for name, senders, receivers, reply in table:
        if name == 'MSG_HELLO':
            continue  # chan.c says it and takes it
        word = re.compile(r'\b%s\b' % name)
        handler = re.compile(r'\{\s*%s\s*,' % name)
        if reply != 'MSG_NONE' or name not in answers:
            for r in receivers:
                if r not in absent and not handler.search(texts[r]):
                    problems.append('%s: no handler row in %s' % (name, r.lower()))
        for r in senders:
            if r not in absent and not word.search(handler.sub(' ', texts[r])):
                problems.append('%s: not sent by %s' % (name, r.lower()))
        if peer and not word.search(tests):
            problems.append('%s: named in no unit test and not in tests/peer' % name)
    for r in sorted(absent):
        print('not looked at: %s has no main.c yet' % r.lower())
    if not peer:
        print('not looked at: tests/peer has no source yet')
    sources.finish(problems, 'protocol (%d rows)' % len(table))


main()
