#!/usr/bin/env python3
"""Writes the seeds of fuzz_metadata, fuzz_id_token, fuzz_login_state and
fuzz_token_answer, as make_seeds.py does for the others. Needs Python's
cryptography: tokens, cookies and states are made here by another implementation
than ours.
"""
import base64
import hashlib
import hmac
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NOW = 1000000
ISSUER = "https://idp.example"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def write(target, seeds):
    os.makedirs(f"seeds/{target}", exist_ok=True)
    for name, data in seeds.items():
        with open(f"seeds/{target}/{name}", "wb") as f:
            f.write(data)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def document(**changes):
    d = {
        "issuer": ISSUER,
        "authorization_endpoint": ISSUER + "/auth?p=1",
        "token_endpoint": ISSUER + "/token",
        "jwks_uri": ISSUER + "/jwks",
        "response_types_supported": ["code"],
    }
    d.update(changes)
    return dump({k: v for k, v in d.items() if v is not None})


write("metadata", {
    "small": document(),
    "full": document(
        userinfo_endpoint=ISSUER + "/me",
        end_session_endpoint=ISSUER + ":8443/end?a=b",
        revocation_endpoint="http://127.0.0.1:81/revoke",
        pushed_authorization_request_endpoint="https://[2001:db8::1]/par",
        require_pushed_authorization_requests=True,
        authorization_response_iss_parameter_supported=True,
        backchannel_logout_supported=True,
        frontchannel_logout_session_supported=False,
        token_endpoint_auth_methods_supported=["private_key_jwt", "x"],
        id_token_signing_alg_values_supported=["RS256", "EdDSA", "none"],
        code_challenge_methods_supported=["plain", "S256"]),
    "no-token-endpoint": document(token_endpoint=None),
    "user-in-url": document(token_endpoint="https://a@idp.example/t"),
    "backslash": document(jwks_uri="https://idp.example\\@evil.example/"),
    "fragment": document(jwks_uri="https://idp.example/#a"),
    "plain-http": document(jwks_uri="http://idp.example/j"),
    "no-code": document(response_types_supported=["id_token"]),
    "other-issuer": document(issuer=ISSUER + "/"),
    "duplicate": b'{"issuer":"a","issuer":"https://idp.example"}',
    "html": b"<!doctype html>",
})


def claims(**changes):
    c = {"iss": ISSUER, "aud": "doorward", "sub": "alice", "iat": NOW,
         "exp": NOW + 300, "nonce": "n-1", "name": "Alice",
         "email": "a@corp.example", "email_verified": True,
         "groups": ["dev", "ops"]}
    c.update(changes)
    return dump({k: v for k, v in c.items() if v is not None})


def logout(**changes):
    return claims(**{"nonce": None, "jti": "j", "sid": "s",
                     "events": {EVENT: {}}, **changes})


def sign(body, **header):
    # RFC 8037 A.1
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(
        "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))
    text = b64(dump({"alg": "EdDSA", "kid": "t", **header})) + b"." + b64(body)
    return text + b"." + b64(key.sign(text))


AT_HASH = b64(hashlib.sha512(b"access-token").digest()[:32]).decode()
write("id_token", {
    "claims": claims(at_hash=AT_HASH),
    "claims-audiences": claims(aud=["doorward", "x"], azp="doorward"),
    "claims-hd": claims(hd="corp.example", email=None, groups="dev"),
    "claims-fraction": claims(exp=NOW + 0.5, nbf=NOW - 0.5),
    "claims-logout": logout(),
    "claims-logout-sub": logout(sid="s-1", aud=["doorward"]),
    "token": sign(claims()),
    "token-typ": sign(claims(), typ="JWT"),
    "token-logout": sign(logout(), typ="logout+jwt"),
    "token-kid": sign(claims(), kid="u"),
    "token-none": b64(b'{"alg":"none"}') + b"." + b64(claims()) + b".",
    "token-jwk": sign(claims(), jwk={"kty": "OKP"}),
    "jwe": b".".join([b64(b'{"alg":"dir","enc":"A256GCM"}')] * 5),
})


def login_key():
    return HKDF(hashes.SHA256(), 64, None, b"doorward login state v1").derive(
        b"1" * 32)


def seal(purpose, nonce, plain):
    key_id = b"1" * 4
    aad = purpose.ljust(32, b"\0") + key_id
    sealed = AESGCM(login_key()[:32]).encrypt(nonce * 12, plain, aad)
    return b64(b"\x01" + key_id + nonce * 12 + sealed)


def cookie(browser=b"b" * 32, at=NOW, rounds=1):
    return seal(b"doorward login cookie v1", b"c",
                browser + struct.pack(">QB", at, rounds))


def state(path=b"/kiali/graph", at=NOW):
    return seal(
        b"doorward login state v1", b"s",
        b"a" * 16 + hashlib.sha256(b"b" * 32).digest() +
        hashlib.sha256(b"https://door.example/kiali").digest() +
        struct.pack(">QBH", at, 0, len(path)) + path)


def derived(label):
    mac = hmac.new(login_key()[32:], label + b"a" * 16 + b"b" * 32, "sha256")
    return b64(mac.digest())


write("login_state", {
    "good": cookie() + b"\n" + state(),
    "longest": cookie() + b"\n" + state(b"/" * 1024),
    "no-path": cookie() + b"\n" + state(b""),
    "other-browser": cookie(b"x" * 32) + b"\n" + state(),
    "old": cookie(at=1) + b"\n" + state(at=1),
    "swapped": state() + b"\n" + cookie(),
    "no-cookie": b"\n" + state(),
    "no-state": cookie(),
    "empty": b"",
})



def answer(status, asked, body):
    return struct.pack(">HB", status, asked) + body


TOKENS = {"id_token": "a.b.c", "access_token": "A", "refresh_token": "R",
          "token_type": "Bearer", "expires_in": 300, "scope": "openid"}
write("token_answer", {
    "tokens": answer(200, 16 + 32, dump(TOKENS)),
    "refreshed": answer(200, 0, dump({**TOKENS, "id_token": None})),
    "life-text": answer(200, 16, dump({**TOKENS, "expires_in": "300"})),
    "dpop": answer(200, 16, dump({**TOKENS, "token_type": "DPoP"})),
    "line-end": answer(200, 16, dump({**TOKENS, "id_token": "a\r\nb"})),
    "number": answer(200, 16, dump({**TOKENS, "access_token": 7})),
    "duplicate": answer(200, 16, b'{"id_token":"a","id_token":"b"}'),
    "grant": answer(400, 0, b'{"error":"invalid_grant"}'),
    "client": answer(401, 3, b'{"error":"invalid_client"}'),
    "busy": answer(503, 1, b'{"error":"temporarily_unavailable"}'),
    "type": answer(400, 2, b'{"error":"unsupported_token_type"}'),
    "pushed": answer(201, 0, dump({
        "request_uri": "urn:ietf:params:oauth:request_uri:x",
        "expires_in": 60})),
    "html": answer(404, 0, b"<!doctype html>"),
})

# What tests/unit/test_login_state.c has as its vector.
for name, value in (("cookie", cookie()), ("state", state()),
                    ("nonce", derived(b"nonce")),
                    ("verifier", derived(b"pkce"))):
    print(name, value.decode())
