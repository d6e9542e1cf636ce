// The HTTP gate on the wire: raw bytes in, and what an upstream that records
// raw bytes gets to see. What is refused never reaches it.
import assert from 'node:assert/strict';
import { exchangeRaw } from './lib/client.mjs';
import { startDoorward } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { RawUpstream } from './lib/upstream.mjs';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function setUp(t, answer, options = {}) {
  const upstream = await new RawUpstream(t, answer ?? ((text, socket) => {
    if (text.endsWith('\r\n\r\n') || text.includes('SMUGGLED')) socket.write(ok);
  })).listen();
  const dw = await startDoorward(t, { console: upstream.url, tls: false, ...options });
  return { dw, upstream };
}

const get = (rest = '', target = '/x') => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${rest}\r\n`;
const post = (rest, body) => `POST /x HTTP/1.1\r\nHost: localhost\r\n${rest}\r\n${body}`;

test('what a gate must refuse is refused, and never reaches the upstream', async (t) => {
  const { dw, upstream } = await setUp(t);
  const cases = [
    ['bare LF', 'GET /x HTTP/1.1\nHost: localhost\n\n', 400],
    ['bare CR', 'GET /x HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n', 400],
    ['NUL', 'GET /x HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n', 400],
    ['leading empty line', `\r\n${get()}`, 400],
    ['leading blank', ` ${get()}`, 400],
    ['CL and TE', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
    ['two CL', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400],
    ['CL list', post('Content-Length: 5, 5\r\n', 'hello'), 400],
    ['CL sign', post('Content-Length: +5\r\n', 'hello'), 400],
    ['CL hex', post('Content-Length: 0x5\r\n', 'hello'), 400],
    ['CL huge', post('Content-Length: 9999999999999999999\r\n', 'hello'), 400],
    ['TE twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
    ['TE list', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 400],
    ['TE disguised', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 400],
    ['TE in 1.0', 'POST /x HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['blank before colon', get('A : b\r\n'), 400],
    ['folding', get('A: b\r\n c\r\n'), 400],
    ['no colon', get('nonsense\r\n'), 400],
    ['empty name', get(': b\r\n'), 400],
    ['no Host', 'GET /x HTTP/1.1\r\n\r\n', 400],
    ['two Host', get('Host: other\r\n'), 400],
    ['absolute form', get('', 'http://localhost/x'), 400],
    ['asterisk', get('', '*'), 400],
    ['dot segments', get('', '/a/../x'), 400],
    ['coded dot segments', get('', '/a/%2e%2E/x'), 400],
    ['coded slash', get('', '/a%2fb'), 400],
    ['coded backslash', get('', '/a%5Cb'), 400],
    ['coded NUL', get('', '/a%00b'), 400],
    ['bad escape', get('', '/a%zz'), 400],
    ['high byte', get('', '/a\xe4'), 400],
    ['quote', get('', '/a"b'), 400],
    ['CONNECT', 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n', 501],
    ['TRACE', 'TRACE /x HTTP/1.1\r\nHost: localhost\r\n\r\n', 501],
    ['unknown method', 'BREW /x HTTP/1.1\r\nHost: localhost\r\n\r\n', 501],
    ['HTTP/2.0', 'GET /x HTTP/2.0\r\nHost: localhost\r\n\r\n', 505],
    ['HTTP/1.2', 'GET /x HTTP/1.2\r\nHost: localhost\r\n\r\n', 505],
    ['long target', get('', `/${'a'.repeat(9000)}`), 414],
    ['large head', get(`A: ${'b'.repeat(17000)}\r\n`), 431],
    ['101 fields', get('A: b\r\n'.repeat(101)), 431],
    ['TLS to a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400],
  ];
  for (const [name, bytes, status] of cases) {
    const { text, timeout } = await exchangeRaw(dw, Buffer.from(bytes, 'latin1'));
    assert.ok(!timeout, `${name}: connection not closed`);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), `${name}: ${text.slice(0, 60)}`);
    assert.match(text, /\r\nConnection: close\r\n/i, name);
    assert.equal(text.match(/HTTP\/1\.1 /g).length, 1, `${name}: more than one answer`);
  }
  assert.deepEqual(upstream.connections.filter((c) => c.text !== ''), []);
});

test('bytes behind a refused body are no request', async (t) => {
  const { dw, upstream } = await setUp(t);
  const smuggled = 'GET /SMUGGLED HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (const body of [
    `5\nhello\r\n0\r\n\r\n${smuggled}`, `5\r\nhelloXX0\r\n\r\n${smuggled}`, `-5\r\nhello\r\n0\r\n\r\n${smuggled}`,
    `5 \r\nhello\r\n0\r\n\r\n${smuggled}`, `0x5\r\nhello\r\n0\r\n\r\n${smuggled}`, `10000000000000005\r\nhello\r\n0\r\n\r\n${smuggled}`,
    `5;${'e'.repeat(2000)}\r\nhello\r\n0\r\n\r\n${smuggled}`, `0\r\nbad trailer\r\n\r\n${smuggled}`, `0\n\n${smuggled}`,
  ]) {
    const { timeout } = await exchangeRaw(dw, post('Transfer-Encoding: chunked\r\n', body));
    assert.ok(!timeout, `not closed: ${JSON.stringify(body.slice(0, 20))}`);
  }
  for (const c of upstream.connections) assert.ok(!c.text.includes('SMUGGLED'), c.text);
});

test('what matched is what is sent: one canonical request', async (t) => {
  const { dw, upstream } = await setUp(t);
  const target = '/x%41/[a]|b;c=d,e:@!$&\'()*+~?q={a}^`[|]&r=%2e%2e/..//x';
  const { text } = await exchangeRaw(dw, get('aCcEpT:\t a , b \r\nX-Empty:\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_Host: evil\r\nImpersonate-User: root\r\n', target));
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  const [line, ...fields] = upstream.connections[0].text.split('\r\n');
  assert.equal(line, `GET ${target} HTTP/1.1`);
  const named = Object.fromEntries(fields.filter(Boolean).map((f) => [f.slice(0, f.indexOf(':')), f.slice(f.indexOf(':') + 2)]));
  assert.equal(named.aCcEpT, 'a , b');
  assert.equal(named['X-Forwarded-For'], '127.0.0.1');
  assert.equal(named['X-Forwarded-Host'], 'localhost');
  assert.equal(named['X-Forwarded-Port'], '80');
  for (const gone of ['X-Hop', 'X_Forwarded_Host', 'Impersonate-User', 'Connection']) {
    assert.equal(named[gone], undefined, gone);
  }
});

test('pipelined requests are answered in order', async (t) => {
  const { dw } = await setUp(t, (text, socket, c) => {
    const n = text.split('\r\n\r\n').length - 1;
    for (c.done ??= 0; c.done < n; c.done++) {
      const [, path] = text.split('\r\n\r\n')[c.done].split(' ');
      setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`), path === '/a' ? 60 : 0);
    }
  });
  const { text } = await exchangeRaw(dw, get('', '/a') + get('', '/b') + get('Connection: close\r\n', '/c'));
  assert.deepEqual(text.match(/\/[abc]$|\/[abc](?=HTTP)/gm), ['/a', '/b', '/c']);
});

test('an upstream that breaks the rules is 502, and its surplus is never delivered', async (t) => {
  let reply = '';
  const { dw } = await setUp(t, (text, socket) => { if (text.endsWith('\r\n\r\n')) socket.end(reply); });
  for (const [name, bytes] of [
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['CL and TE', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two CL', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['folding', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok'],
    ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ]) {
    reply = bytes;
    const { text } = await exchangeRaw(dw, get('Connection: close\r\n'));
    assert.match(text, /^HTTP\/1\.1 502 /, `${name}: ${text.slice(0, 60)}`);
  }
  reply = `${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL`;
  const { text } = await exchangeRaw(dw, get() + get('Connection: close\r\n'));
  assert.ok(!text.includes('EVIL'), text);
  assert.equal(text.match(/HTTP\/1\.1 200/g).length, 2);
});

test('a response that is cut off is visibly cut off', async (t) => {
  let reply = '';
  const { dw } = await setUp(t, (text, socket) => { if (text.endsWith('\r\n\r\n')) socket.end(reply); });
  reply = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';
  let r = await exchangeRaw(dw, get());
  assert.ok(!r.timeout);
  assert.ok(r.text.endsWith('half'), r.text);
  reply = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';
  r = await exchangeRaw(dw, get());
  assert.ok(!r.timeout);
  assert.ok(r.text.includes('half') && !r.text.includes('\r\n0\r\n'), r.text);
  // Until close is a proper end: chunked to a 1.1 client.
  reply = 'HTTP/1.1 200 OK\r\n\r\nwhole';
  r = await exchangeRaw(dw, get('Connection: close\r\n'));
  assert.ok(r.text.endsWith('5\r\nwhole\r\n0\r\n\r\n'), r.text);
});

test('interim responses are swallowed, 204, 304 and HEAD have no body', async (t) => {
  let reply = '';
  const { dw } = await setUp(t, (text, socket) => { if (text.endsWith('\r\n\r\n')) socket.write(reply); });
  const close = 'Connection: close\r\n';
  reply = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok}`;
  let { text } = await exchangeRaw(dw, get(close));
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
  reply = 'HTTP/1.1 204 No Content\r\n\r\n';
  ({ text } = await exchangeRaw(dw, get(close)));
  assert.match(text, /^HTTP\/1\.1 204 [^]*\r\n\r\n$/);
  assert.ok(!/content-length|transfer-encoding/i.test(text), text);
  reply = 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n';
  ({ text } = await exchangeRaw(dw, get(close)));
  assert.match(text, /^HTTP\/1\.1 304 [^]*ETag: "x"[^]*\r\n\r\n$/);
  reply = 'HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n';
  ({ text } = await exchangeRaw(dw, `HEAD /x HTTP/1.1\r\nHost: localhost\r\n${close}\r\n`));
  assert.match(text, /\r\nContent-Length: 42\r\n/i);
  assert.ok(text.endsWith('\r\n\r\n'));
});

test('Expect: 100-continue, only when the upstream is there and may be used', async (t) => {
  const { dw, upstream } = await setUp(t, (text, socket) => { if (text.includes('hello')) socket.write(ok); });
  const expect = 'Expect: 100-continue\r\nContent-Length: 5\r\n';
  let { text } = await exchangeRaw(dw, `${post(expect, 'hello')}`, { enough: (s) => s.includes('\r\n\r\nok') });
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  assert.ok(!/expect/i.test(upstream.connections[0].text));
  // Without a session the body is never asked for.
  ({ text } = await exchangeRaw(dw, `POST /api/x HTTP/1.1\r\nHost: localhost\r\n${expect}\r\n`, { enough: (s) => s.includes('401') }));
  assert.match(text, /^HTTP\/1\.1 401 /);
});

test('Host: one of the configured names', async (t) => {
  const { dw } = await setUp(t, undefined, { config: { doorward: { hosts: ['console.example'] } } });
  let { text } = await exchangeRaw(dw, 'GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 421 /);
  assert.ok(!text.includes('evil'));
  ({ text } = await exchangeRaw(dw, 'GET /x HTTP/1.1\r\nHost: CONSOLE.example:8443\r\nConnection: close\r\n\r\n'));
  assert.match(text, /^HTTP\/1\.1 200 /);
});

test('a slow head is cut off after its deadline', { timeout: 60000 }, async (t) => {
  const { dw } = await setUp(t);
  const began = Date.now();
  const { timeout } = await exchangeRaw(dw, 'GET /x HTTP/1.1\r\nHost:', { ms: 20000 });
  assert.ok(!timeout);
  const took = Date.now() - began;
  assert.ok(took > 8000 && took < 14000, `${took} ms`);
});
