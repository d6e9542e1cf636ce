"""What the lint scripts share: the C files of the tree, and their text without
comments and strings."""
import os
import re
import sys

TREE = os.environ.get('srcdir', '.')
DAEMONS = ('frontend', 'authd', 'egress', 'secretd', 'ctl')
FOLDERS = ('common',) + DAEMONS + ('demo', 'tests')


def files(*folders, suffixes=('.c', '.h')):
    """Paths relative to the tree, sorted."""
    found = []
    for folder in folders or FOLDERS:
        for at, _, names in os.walk(os.path.join(TREE, folder)):
            found += [os.path.relpath(os.path.join(at, n), TREE)
                      for n in names if n.endswith(suffixes)]
    return sorted(found)


def read(path):
    with open(os.path.join(TREE, path), encoding='utf-8') as f:
        return f.read()


def code(path):
    """The text with comments blanked and strings emptied; lines stay lines."""
    pattern = re.compile(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(m):
        if m.group().startswith('"'):
            return '""'
        if m.group().startswith("'"):
            return "'x'"
        return re.sub(r'[^\n]', ' ', m.group())
    return pattern.sub(blank, read(path))


def finish(problems, what):
    for p in problems:
        print(p)
    print('%s: %s' % (what, '%d problems' % len(problems) if problems else 'ok'))
    sys.exit(1 if problems else 0)
