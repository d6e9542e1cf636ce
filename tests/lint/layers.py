#!/usr/bin/env python3
"""Who may include whom: common/ knows no daemon, daemons do not know each
other, and each library stands behind the few files that need it."""
import re

import sources

# A library's headers -> the files that may include them. A new file here needs
# a reason: the fewer files touch a library, the fewer can misuse it.
ALLOWED = {
    'openssl': (
        'common/ca_set.c',        # which CAs may be trusted
        'common/conn_tls.c',      # TLS of connections
        'common/ticket.c',        # HMAC of the session cookie
        'common/tls_key.c', 'common/tls_provider.',  # keys that a signer has
        'authd/fetch.c',          # the TLS context that curl gets
        'authd/jose.c', 'authd/jose.h', 'authd/jwks.c',  # public keys, signatures
        'authd/seal.c',           # AES-GCM of stored sessions
        'authd/oidc/id_token.c',  # the digest in at_hash
        'authd/oidc/state.c',     # HKDF, HMAC and SHA-256 of a login's nonce and PKCE
        'egress/lease.c',         # SHA-256: the key of a lease
        'egress/identity.',       # client certificates
        'egress/upstream.c', 'egress/trust.c',  # TLS contexts and CAs of the upstreams
        'frontend/tls',           # TLS contexts, session tickets
        'secretd/',               # holds the keys
        'ctl/', 'demo/', 'tests/',
    ),
    'curl': ('authd/fetch.c', 'tests/'),
    'jansson': ('common/json_strict.', 'authd/', 'egress/oauth2', 'demo/', 'tests/'),
    'seccomp': ('common/sandbox', 'tests/sandbox/'),
    'sqlite3': ('authd/store.c', 'authd/store_schema.c', 'tests/'),
    'yaml': ('common/conf.c', 'tests/'),
}


# check-config finds slots with the code that will find them when it counts.
SHARED = {('ctl/check_slots.c', 'secretd/slots.h')}


def check(path, name, quoted):
    """The sentence about one include, or None."""
    folder = path.split('/')[0]
    target = name.split('/')[0]
    if quoted:
        if '/' not in name and name != 'config.h':
            return 'without its folder'
        if target in sources.DAEMONS and folder != target and \
                folder in ('common',) + sources.DAEMONS and \
                (path, name) not in SHARED:
            return '%s must not know %s' % (folder, target)
        if target == 'tests' and folder not in ('tests', 'demo'):
            return 'a test in the product'
        return None
    library = re.split(r'[/.]', name)[0]
    if library in ALLOWED and not path.startswith(ALLOWED[library]):
        return 'only for %s' % ' '.join(ALLOWED[library])
    return None


def main():
    problems = []
    for path in sources.files():
        for i, line in enumerate(sources.read(path).split('\n'), 1):
            m = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
            why = m and check(path, m.group(2), m.group(1) == '"')
            if why:
                problems.append('%s:%d: %s: %s' % (path, i, m.group(2), why))
    sources.finish(problems, 'layers')


main()
