#!/usr/bin/env python3
"""Sizes: a function at most 100 lines and 6 parameters, a file at most 700
lines, control structures at most 4 deep."""
import re

import sources

FUNCTION_LINES, FILE_LINES, NESTING, PARAMETERS = 100, 700, 4, 6

# function -> (what may exceed, why)
EXCEPTIONS = {
    'chan_request': ('parameters', 'one call carries message, deadline and callback'),
    'seal_open': ('parameters', 'key, bound data, input and output of one AEAD call'),
    'lease_get': ('parameters', 'one call carries the question and its callback'),
}
# file -> why it may be longer
LONG_FILES = {
    'tests/unit/test_authd.c': 'all of authd over one fixture',
}


def parameters(signature):
    """How many a definition has; those of nested function types do not count."""
    inside = re.search(r'\w+\s*\((.*)\)', signature, re.S)
    if not inside or inside.group(1).strip() in ('', 'void'):
        return 0
    depth, commas = 0, 0
    for c in inside.group(1):
        depth += (c == '(') - (c == ')')
        commas += c == ',' and depth == 0
    return commas + 1


def nesting(body):
    """Depth of control structures with braces. clang-format puts a blank before
    their brace and none before that of a compound literal."""
    depth = deepest = 0
    stack = []
    for m in re.finditer(r'[{}]', body):
        if m.group() == '{':
            before = body[:m.start()]
            control = before.endswith((') ', 'else ', 'do '))
            stack.append(control)
            depth += control
            deepest = max(deepest, depth)
        elif stack:
            depth -= stack.pop()
    return deepest


def functions(lines):
    """(name, first line, signature, body lines) of every definition."""
    i = 0
    while i < len(lines):
        if lines[i] != '{':
            i += 1
            continue
        start = i
        while start > 0 and not re.search(r'[;}]\s*$|^\s*$|^#', lines[start - 1]):
            start -= 1
        end = i
        while end < len(lines) and lines[end] != '}':
            end += 1
        signature = '\n'.join(lines[start:i])
        name = re.search(r'(\w+)\s*\(', signature)
        if name:
            yield name.group(1), start + 1, signature, lines[i + 1:end]
        i = end + 1


def main():
    problems = []

    def tell(path, line, name, what, n, most):
        if n > most and EXCEPTIONS.get(name, ('',))[0] != what:
            problems.append('%s:%d: %s: %d %s, at most %d' %
                            (path, line, name, n, what, most))
    count = 0
    for path in sources.files():
        lines = sources.code(path).split('\n')
        if path not in LONG_FILES:
            tell(path, 1, 'the file', 'lines', len(lines) - 1, FILE_LINES)
        for name, at, signature, body in functions(lines):
            count += 1
            tell(path, at, name, 'lines', len(body) + 2, FUNCTION_LINES)
            tell(path, at, name, 'parameters', parameters(signature), PARAMETERS)
            tell(path, at, name, 'levels', nesting('\n'.join(body)), NESTING)
    if count == 0:
        problems.append('no function found: the script is broken')
    sources.finish(problems, 'functions (%d)' % count)


main()
