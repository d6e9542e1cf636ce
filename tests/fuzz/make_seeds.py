#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: seeds/<target>/<name>, small and named.

Run it in tests/fuzz after a change of a format; the files are committed.
"""
import base64
import os
import struct

HOST = b"Host: a.example\r\n"


def write(target, seeds):
    os.makedirs(f"seeds/{target}", exist_ok=True)
    for name, data in seeds.items():
        with open(f"seeds/{target}/{name}", "wb") as f:
            f.write(data)


def get(fields=b"", target=b"/", version=b"1.1", method=b"GET"):
    return (method + b" " + target + b" HTTP/" + version + b"\r\n" + HOST +
            fields + b"\r\n")


def post(fields):
    return get(fields, method=b"POST")


write("http_request", {
    "plain": get(),
    "browser": get(
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        b"Accept: application/json, text/plain, */*\r\n"
        b"Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n"
        b"Cookie: __Secure-doorward=AQIDBAUG; theme=dark\r\n"
        b"Sec-Fetch-Mode: cors\r\n",
        b"/kiali/api/namespaces/graph?duration=60s&injectServiceNodes=true"),
    "http10": b"GET / HTTP/1.0\r\n\r\n",
    "http10-keep-alive": get(b"Connection: Keep-Alive\r\n", version=b"1.0"),
    "length": post(b"Content-Length: 5\r\n") + b"hello",
    "chunked": post(b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
    "length-and-chunked":
        post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    "two-lengths": post(b"Content-Length: 5\r\nContent-Length: 5\r\n"),
    "length-list": post(b"Content-Length: 5, 5\r\n"),
    "length-signed": post(b"Content-Length: +5\r\n"),
    "length-18-digits": post(b"Content-Length: 999999999999999999\r\n"),
    "coding-list": post(b"Transfer-Encoding: gzip, chunked\r\n"),
    "coding-tab": post(b"Transfer-Encoding:\tchunked\r\n"),
    "coding-folded-name": post(b"Transfer_Encoding: chunked\r\n"),
    "fold": get(b"X: a\r\n b\r\n"),
    "bare-lf": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare-cr": get(b"X: a\rb\r\n"),
    "nul": get(b"X: a\0b\r\n"),
    "space-before-colon": get(b"X : a\r\n"),
    "expect": post(b"Content-Length: 5\r\nExpect: 100-continue\r\n"),
    "expect-other": post(b"Content-Length: 5\r\nExpect: gold\r\n"),
    "connection-names": get(b"Connection: close, X-A\r\nX-A: b\r\nX-B: c\r\n"),
    "absolute": get(target=b"http://a.example/"),
    "asterisk": get(target=b"*", method=b"OPTIONS"),
    "dots": get(target=b"/a/%2e%2E/b"),
    "dots-with-parameter": get(target=b"/a/..;x/b"),
    "empty-segment": get(target=b"/a//b"),
    "escapes": get(target=b"/a%20b/%C3%BC?c=%00%2f"),
    "tolerated": get(target=b"/a[0]|b?c={d}^`"),
    "connect": get(target=b"a:443", method=b"CONNECT"),
    "http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "ipv6-host": b"GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n",
    "two-hosts": get(b"Host: b\r\n"),
    "pipelined": get() + get(),
    "many-fields": get(b"X:\r\n" * 99),
    "too-many-fields": get(b"X:\r\n" * 100),
    "cookies": get(b"Cookie: a=1; doorward=x;b=\"2;3\"\r\nCookie: doorward\r\n"),
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
})


def answer(fields=b"", line=b"HTTP/1.1 200 OK"):
    return line + b"\r\n" + fields + b"\r\n"


write("http_response", {
    "until-close": answer(),
    "length": answer(b"Content-Length: 5\r\n") + b"hello",
    "chunked": answer(b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
    "both": answer(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    "two-lengths": answer(b"Content-Length: 5\r\nContent-Length: 5\r\n"),
    "no-reason": answer(line=b"HTTP/1.1 200 "),
    "no-reason-no-space": answer(line=b"HTTP/1.1 200"),
    "continue": answer(line=b"HTTP/1.1 100 Continue"),
    "upgrade": answer(b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
                      b"HTTP/1.1 101 Switching Protocols"),
    "early-hints": answer(b"Link: </a>; rel=preload\r\n",
                          b"HTTP/1.1 103 Early Hints"),
    "no-content": answer(line=b"HTTP/1.1 204 No Content"),
    "no-content-length": answer(b"Content-Length: 5\r\n", b"HTTP/1.1 204 x"),
    "not-modified": answer(b"ETag: \"a\"\r\nContent-Length: 9\r\n",
                           b"HTTP/1.1 304 Not Modified"),
    "http10": answer(line=b"HTTP/1.0 200 OK"),
    "http10-keep-alive": answer(
        b"Connection: keep-alive\r\nContent-Length: 0\r\n", b"HTTP/1.0 200 OK"),
    "http2": answer(line=b"HTTP/2.0 200 OK"),
    "status-099": answer(line=b"HTTP/1.1 099 x"),
    "status-600": answer(line=b"HTTP/1.1 600 x"),
    "status-2000": answer(line=b"HTTP/1.1 2000 x"),
    "icy": answer(line=b"ICY 200 OK"),
    "cookies": answer(b"Set-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\n"),
    "server": answer(
        b"Content-Type: application/json\r\nVary: Accept-Encoding\r\n"
        b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 2\r\n"),
    "fold": answer(b"X: a\r\n b\r\n"),
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "connection-names": answer(b"Connection: X-A, close\r\nX-A: b\r\n"),
})

LAST = b"0\r\n\r\n"
write("http_chunks", {
    "empty": LAST,
    "one": b"5\r\nhello\r\n" + LAST,
    "two": b"3\r\nhel\r\n2\r\nlo\r\n" + LAST,
    "hex": b"1a\r\nabcdefghijklmnopqrstuvwxyz\r\n" + LAST,
    "upper-hex": b"A\r\n0123456789\r\n" + LAST,
    "leading-zeroes": b"000000000000001\r\na\r\n" + LAST,
    "sixteen-digits": b"0000000000000001\r\na\r\n" + LAST,
    "largest": b"fffffffffffffff\r\nabc",
    "extension": b"1;a=\"b\"\r\na\r\n0;c\r\n\r\n",
    "extension-limit": b"1;" + b"e" * 1024 + b"\r\na\r\n" + LAST,
    "extension-over": b"1;" + b"e" * 1025 + b"\r\na\r\n" + LAST,
    "trailers": b"0\r\nX-Sum: abc\r\nY:\r\n\r\n",
    "trailer-fold": b"0\r\nX: a\r\n b\r\n\r\n",
    "trailer-no-colon": b"0\r\nX\r\n\r\n",
    "next-message": b"1\r\na\r\n" + LAST + get(),
    "bare-lf": b"1\na\n0\n\n",
    "bare-lf-after-data": b"1\r\na\n" + LAST,
    "bare-cr-extension": b"1;a\rb\r\na\r\n" + LAST,
    "space-after-size": b"1 \r\na\r\n" + LAST,
    "signed": b"+1\r\na\r\n" + LAST,
    "hex-prefix": b"0x1\r\na\r\n" + LAST,
    "data-too-long": b"1\r\nab\r\n" + LAST,
    "cut": b"5\r\nhel",
    "crlf-in-data": b"4\r\na\r\nb\r\n" + LAST,
})


def text(b):
    return struct.pack(">H", len(b)) + b


def fields(*pairs):
    return bytes([len(pairs)]) + b"".join(text(n) + text(v) for n, v in pairs)


def frame(kind, payload=b""):
    return struct.pack(">BI", kind, len(payload)) + payload


def request(path=b"/", query=None, host=b"a.example", session=b"", bearer=b"",
            client=b"127.0.0.1", method=0, body=0, length=0, rid=b"r1",
            f=fields()):
    return frame(1, struct.pack(
        ">BBBBQ", method, 1, query is not None, body, length) + text(path) +
        text(query or b"") + text(host) + text(session) + text(bearer) +
        text(client) + struct.pack(">HH", 40000, 443) + text(rid) + f)


def response(status=200, body=1, length=5, f=fields()):
    return frame(3, struct.pack(">HBQ", status, body, length) + f)


write("frame", {
    "request": request(),
    "request-full": request(
        b"/kiali/api", b"a=b", b"a:443", b"AQ-_", b"ey.J-_~+/=",
        b"2001:db8::1", 2, 1, 12, b"abc-1._",
        fields((b"Accept", b"*/*"), (b"Cookie", b"x=y"), (b"X", b""))),
    "request-chunked": request(method=2, body=2),
    "request-no-host": request(host=b""),
    "request-dots": request(b"/a/.."),
    "request-split": request(b"/\r\nX: y"),
    "request-space": request(b"/a HTTP/1.1"),
    "request-host-field": request(f=fields((b"Host", b"b"))),
    "request-framing-field": request(
        f=fields((b"Transfer-Encoding", b"chunked"))),
    "request-folded-field": request(f=fields((b"Content_Length", b"5"))),
    "request-line-in-value": request(f=fields((b"X", b"a\r\nY: b"))),
    "request-bad-method": request(method=7),
    "request-bad-body": request(body=3),
    "request-bad-length": request(body=1, length=10 ** 18),
    "request-bad-session": request(session=b"a;b"),
    "request-bad-bearer": request(bearer=b"a b"),
    "request-bad-client": request(client=b"1.2.3.4, 5.6.7.8"),
    "request-many-fields": request(f=fields(*[(b"X", b"")] * 100)),
    "request-too-many-fields": request(f=fields(*[(b"X", b"")] * 101)),
    "response": response(),
    "response-fields": response(200, 2, 0, fields(
        (b"Set-Cookie", b"a=b"), (b"Set-Cookie", b"c=d"),
        (b"Content-Type", b"text/html"))),
    "response-204": response(204, 0, 0),
    "response-204-body": response(204, 1, 5),
    "response-304": response(304, 1, 5),
    "response-until-close": response(200, 3, 0),
    "response-101": response(101, 0, 0),
    "response-600": response(600, 0, 0),
    "response-upgrade": response(f=fields((b"Upgrade", b"h2c"))),
    "continue": frame(2),
    "data": frame(4, b"hello"),
    "data-empty": frame(4),
    "end": frame(5),
    "deny": frame(6, b"\x03"),
    "deny-unknown": frame(6, b"\xff"),
    "unknown-type": frame(7, b"x"),
    "too-long": struct.pack(">BI", 1, 0xffffffff),
})

# u8 type, sender, receiver, descriptor; payload (the types' numbers are the
# places of their rows in common/msg.h; roles as in common/role.h)
write("wire", {
    "hello": bytes([1, 0, 1, 0]) + struct.pack(">I", 1) + text(b"0.1.0"),
    "hello-with-descriptor":
        bytes([1, 0, 1, 1]) + struct.pack(">I", 1) + text(b"0.1.0"),
    "hello-to-itself": bytes([1, 0, 0, 0]) + struct.pack(">I", 1) + text(b"x"),
    "status": bytes([2, 5, 1, 0]),
    "status-result": bytes([3, 1, 5, 0]) + text(b"sessions: 5\n"),
    "login": bytes([4, 0, 1, 0]) + text(b"eyJ.e30.c2ln") + text(b"1.2.3.4:5"),
    "login-wrong-sender": bytes([4, 2, 1, 0]) + text(b"e") + text(b"c"),
    "login-result": bytes([5, 1, 0, 0]) + b"\0" + text(b"cookie") +
    struct.pack(">Q", 1700000000) + text(b"alice") + text(b""),
    "session": bytes([6, 0, 1, 0]) + text(b"A" * 74),
    "too-short": bytes([6, 0, 1, 0]) + b"\0",
    "too-long": bytes([6, 0, 1, 0]) + text(b"A" * 200),
    "no-type": bytes([0, 0, 1, 0]),
    "unknown-type": bytes([255, 0, 1, 0]) + b"abc",
    "length-beyond": bytes([4, 0, 1, 0]) + b"\xff\xffabc",
    "nul-in-text": bytes([4, 0, 1, 0]) + text(b"a\0b") + b"\x46",
    "raw": bytes([9, 1, 0, 0]) + bytes(range(64)),
    "all-readers": bytes([1, 0, 1, 0]) + bytes(range(200, 40, -1)),
    "texts": bytes([4, 0, 1, 0]) + text(b"x" * 70) + b"\x16" * 3,
    "zeroes": bytes(64),
    "ones": b"\xff" * 64,
    "empty": b"",
})

write("b64url", {
    "empty": b"", "one": b"QQ", "two": b"QUI", "three": b"QUJD",
    "alphabet": base64.urlsafe_b64encode(bytes(range(256))).rstrip(b"="),
    "padded": b"QQ==", "classic": b"+/+/", "loose-bits": b"QR",
    "one-left": b"QUJDR", "blank": b"QU JD", "line-end": b"QUJD\n",
    "cookie": b"AaGyw9QAAICBgoOEhYaHiImKi4yNjo-QkZKTlJWWl5iZmpucnZ6fDaLOMSBx",
    "token": b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
    "form": b"token=a+b%20c%2B%C3%BC", "nul-escape": b"a%00b",
    "cut-escape": b"a%2", "bad-escape": b"a%zz", "plain-percent": b"100%",
    "number": b"999", "number-over": b"1001", "number-signed": b"+1",
    "number-long": b"18446744073709551616", "hex": b"00ffAbCd",
    "hex-odd": b"00f",
})

KIALI = b"""auth:
  strategy: token
login_token:
  signing_key: secret:signing:key
  expiration_seconds: 3600
server:
  port: 20001
  web_root: /kiali
identity:
  cert_file: /etc/doorward/tls.crt
  private_key_file: /etc/doorward/tls.key
"""
OURS = b"""doorward:
  listen: ["0.0.0.0:443"]
  trusted_proxies: [10.0.0.0/8, "fd00::/8"]
  secrets_dirs: [/etc/doorward/secrets]
  console:
    url: http://127.0.0.1:20001
    preset: kiali
    credential: user-token
  kubernetes:
    api_server: https://10.0.0.1:6443
    ca_file: /etc/doorward/kube-ca.crt
    audiences: []
  session: {idle_seconds: 600, cookie_name: ""}
"""
SERVICES = b"""external_services:
  prometheus:
    url: https://prometheus.example:9090
    custom_headers: {X-Scope-OrgID: mesh, X-Api-Key: "secret:prom:key"}
    auth: {type: basic, username: kiali, password: "secret:prom:value.txt"}
  grafana:
    in_cluster_url: https://grafana.example
    auth: {type: oauth2, oauth2: {token_url: "https://idp", scopes: [a, b]}}
"""
ROUTES = b"""doorward:
  certificates: [{cert_file: /b.pem, private_key_file: /b.key}]
  routes:
  - path: /prometheus/
    service: prometheus
    methods: [GET, POST]
    paths: ["/api/*"]
    allow: {groups: [sre], users: ["*"]}
  - {path: /grafana/, service: grafana, strip_prefix: false, allow: ~}
  egress: {listen: /run/x.sock, allow_uids: [0]}
"""
write("conf", {
    "services": SERVICES, "routes": ROUTES, "services-routes": SERVICES + ROUTES,
    "route-null": b"doorward:\n  routes: [~, {}, {allow: ~}]\n",
    "route-scalar": b"doorward:\n  routes: [a, [b], {path: [c]}]\n",
    "route-unknown": b"doorward:\n  routes: [{pth: /a/, allow: {user: b}}]\n",
    "route-anchor": b"doorward:\n  routes: [&a {path: /a/}, *a]\n",
    "map": b"external_services: {tracing: {custom_headers: {A: 1, a: ~, 'b c': 2,"
           b" d: [x], ? [e] : f}}}\n",
    "dotted": b"server.port: 1\n\"\": {server: {port: 2}}\n",
    "spellings": b"external_services: {grafana: {internal_url: a, "
                 b"in_cluster_url: b, external_url: {c: d}}}\n",
    "empty": b"", "comment": b"# nothing\n", "kiali": KIALI, "ours": OURS,
    "both": KIALI + OURS, "null": b"server: ~\ndoorward:\n",
    "scalar": b"hello\n", "list": b"- a\n- b\n",
    "unknown-key": b"doorward:\n  consle: {}\n",
    "unknown-section": b"prometheus:\n  url: x\n",
    "duplicate": b"server:\n  port: 1\n  port: 2\n",
    "anchor": b"a: &x 1\nb: *x\n", "bomb": b"a: &a [x,x]\nb: [*a,*a,*a]\n",
    "two-documents": b"server: {}\n---\nserver: {}\n",
    "tab": b"server:\n\tport: 1\n", "bad-utf8": b"server: \xff\xfe\n",
    "nul": b"server:\n  web_root: \"/a\\0b\"\n",
    "number-over": b"server:\n  port: 99999999999\n",
    "number-negative": b"server:\n  port: -1\n",
    "wrong-type": b"server: [1]\ndoorward: text\n",
    "bool": b"server:\n  audit_log: yes\n",
    "enum": b"auth:\n  strategy: tokn\n",
    "seconds": b"login_token:\n  expiration_seconds: 5m\n",
    "nested": b"doorward: " + b"{a: " * 60 + b"1" + b"}" * 60 + b"\n",
    "flow": b"{server: {port: 1}, auth: {strategy: anonymous}}\n",
    "block-text": b"server:\n  web_root: |\n    /a\n    /b\n",
    "unterminated": b"server: {port: 1\n", "tag": b"server: !!str {}\n",
    "literal-credential":
        b"external_services:\n  grafana:\n    auth:\n      password: x\n",
})

write("location", {
    "path": b"/api/v1/query?q=up#top", "mount": b"/p/graph", "base": b"/base/graph",
    "sibling": b"/pq/x", "root": b"/", "dots": b"/base/../../x/./y/..",
    "dots-encoded": b"/base/%2e%2e/%2E./x", "relative": b"graph?g0.expr=up",
    "relative-up": b"../../../../x", "query": b"?a=b", "fragment": b"#a",
    "empty": b"", "own": b"http://prom:9090/base/graph",
    "own-https": b"https://prom:9090/base/graph", "own-usual-port": b"http://prom/",
    "own-user": b"http://u:p@prom:9090/base/", "console": b"http://10.1.2.3:3000/x",
    "ours": b"https://k.example/p/graph?x#y", "ours-port": b"https://k.example:8443/",
    "other": b"https://login.example.com/authorize?client_id=1",
    "no-scheme": b"//login.example.com/x", "no-scheme-own": b"//prom:9090/base/x",
    "many-slashes": b"////evil.example/x", "backslash": b"/\\evil.example",
    "scheme-no-slashes": b"http:graph", "one-slash": b"https:/evil.example/",
    "three-slashes": b"https:///evil.example/", "loopback": b"http://127.0.0.1/x",
    "loopback6": b"http://[::1]:80/", "decimal": b"http://2130706433/",
    "script": b"javascript:alert(1)", "data": b"data:text/html,x",
    "blank": b" /x", "tab": b"/\t/evil.example", "colon": b"a:b/c",
    "bad-port": b"http://prom:99999/", "empty-host": b"http://:80/",
})
