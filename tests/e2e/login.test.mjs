// The main job as Kiali's own web UI and API clients do it: log in with a
// token, use the console as that user, log out.
import assert from 'node:assert/strict';
import { Client } from './lib/client.mjs';
import { startDoorward } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

async function setUp(t, options = {}) {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url, ...options });
  return { dw, upstream, client: new Client(dw) };
}

test('a bound token lets a person in, as that user, and out', async (t) => {
  const { dw, client } = await setUp(t);
  const token = dw.issuer.bound('istio-system', 'kiali-service-account');

  let r = await client.get('/api/auth/info');
  assert.equal(r.status, 200);
  assert.equal(r.body, '{"sessionInfo":{},"strategy":"token"}');

  r = await client.get('/api/namespaces');
  assert.equal(r.status, 401);
  assert.equal(r.body, 'Unauthorized\n');
  assert.equal(r.headers['content-type'], 'text/plain; charset=utf-8');

  r = await client.login(token);
  assert.equal(r.status, 200, r.body);
  const answer = JSON.parse(r.body);
  assert.equal(answer.username, 'istio-system:kiali-service-account');
  assert.match(r.body, /^\{\n {2}"expiresOn": "/);
  assert.equal(r.setCookie.length, 1);
  assert.match(r.setCookie[0],
    /^__Host-doorward=[A-Za-z0-9_-]{74}; Path=\/; Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT; HttpOnly; Secure; SameSite=Strict$/);
  // The session ends with the token, not 24 h later.
  const end = Date.parse(answer.expiresOn);
  assert.ok(Math.abs(end - Date.now() - 3600e3) < 10e3, answer.expiresOn);

  r = await client.get('/api/auth/info');
  const info = JSON.parse(r.body);
  assert.deepEqual(Object.keys(info), ['sessionInfo', 'strategy']);
  assert.equal(info.sessionInfo.username, 'istio-system:kiali-service-account');
  assert.match(info.sessionInfo.expiresOn, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
  assert.deepEqual(info.sessionInfo.clusterInfo, { Kubernetes: { name: 'Kubernetes' } });

  r = await client.get('/api/namespaces?x=1', { headers: { Authorization: 'Bearer forged', 'Kiali-User': 'root' } });
  assert.equal(r.status, 200);
  const seen = JSON.parse(r.body);
  assert.equal(seen.url, '/api/namespaces?x=1');
  assert.equal(seen.headers.authorization, `Bearer ${token}`);
  assert.equal(seen.headers.cookie, undefined);
  assert.equal(seen.headers['kiali-user'], undefined);
  assert.equal(seen.headers['x-forwarded-proto'], 'https');

  const stolen = new Map(client.cookies);
  r = await client.get('/api/logout');
  assert.equal(r.status, 204);
  assert.equal(r.body, '');
  assert.match(r.setCookie[0], /^__Host-doorward=; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Strict$/);

  // The cookie is dead, not only deleted: on fresh connections, which reach
  // every worker.
  for (let i = 0; i < 20; i++) {
    const thief = new Client(dw);
    thief.cookies = new Map(stolen);
    assert.equal((await thief.get('/api/namespaces')).status, 401);
  }
  assert.ok(!dw.log.includes(token), 'the token is in the log');
  assert.equal(dw.auditLines('AUDIT: Login successful').length, 1);
  assert.equal(dw.auditLines('AUDIT: Logout completed').length, 1);
});

test('a legacy token from a Secret lets a person in for a day', async (t) => {
  const { dw, client } = await setUp(t);
  const r = await client.login(dw.issuer.legacy('istio-system', 'kiali-service-account'));
  assert.equal(r.status, 200, r.body);
  const end = Date.parse(JSON.parse(r.body).expiresOn);
  assert.ok(Math.abs(end - Date.now() - 86400e3) < 10e3);
  assert.equal((await client.get('/api/namespaces')).status, 200);
});

test('what is no good token is refused with a sentence', async (t) => {
  const { dw, client } = await setUp(t);
  const good = dw.issuer.bound('ns', 'sa');
  const cases = [
    ['expired', dw.issuer.bound('ns', 'sa', { seconds: -300 }), 401],
    ['other audience', dw.issuer.bound('ns', 'sa', { aud: ['elsewhere'] }), 401],
    ['other issuer', dw.issuer.bound('ns', 'sa', { iss: 'https://evil.example' }), 401],
    ['changed signature', `${good.slice(0, -8)}AAAAAAAA`, 401],
    ['garbage', 'garbage', 401],
    ['control characters', 'a\u0001b', 401],
    ['empty', '', 400],
  ];
  for (const [name, token, status] of cases) {
    const r = await client.login(token);
    assert.equal(r.status, status, `${name}: ${r.body}`);
    assert.ok(JSON.parse(r.body).error.length > 0, name);
    assert.equal(r.setCookie.filter((c) => !c.includes('Max-Age=0')).length, 0, name);
  }
});

test('what is no login form is refused', async (t) => {
  const { dw, client } = await setUp(t);
  const token = dw.issuer.bound('ns', 'sa');
  const post = (type, body) => client.request('POST', '/api/authenticate', { headers: { 'Content-Type': type }, body });
  let r = await post('application/json', JSON.stringify({ token }));
  assert.equal(r.status, 400);
  assert.ok(JSON.parse(r.body).error);
  r = await post('multipart/form-data; boundary=x', `--x\r\n\r\n${token}\r\n--x--\r\n`);
  assert.equal(r.status, 400);
  r = await post('application/x-www-form-urlencoded', 'other=1');
  assert.equal(r.status, 400);
  r = await post('application/x-www-form-urlencoded', `token=${'a'.repeat(1 << 20)}`);
  assert.equal(r.status, 413);
  assert.ok(JSON.parse(r.body).error);
  r = await client.request('DELETE', '/api/authenticate');
  assert.equal(r.status, 405);
  assert.equal(r.headers.allow, 'POST');
  r = await client.request('POST', '/api/logout');
  assert.equal(r.status, 405);
  r = await post('application/x-www-form-urlencoded; charset=utf-8', `token=${encodeURIComponent(token)}`);
  assert.equal(r.status, 200, r.body);
});

test('an API client needs no cookie', async (t) => {
  const { dw, client } = await setUp(t);
  const token = dw.issuer.bound('ns', 'sa');
  let r = await client.get('/api/namespaces', { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(r.status, 200);
  assert.equal(r.setCookie.length, 0);
  assert.equal(JSON.parse(r.body).headers.authorization, `Bearer ${token}`);
  r = await client.get('/api/namespaces', { headers: { Authorization: 'Bearer nonsense' } });
  assert.equal(r.status, 401);
  r = await client.get('/api/namespaces', { headers: { Authorization: 'Basic dTpw' } });
  assert.equal(r.status, 401);
});

test('web_root: the same under a path', async (t) => {
  const { dw, client } = await setUp(t, { config: { server: { web_root: '/kiali' } } });
  let r = await client.get('/');
  assert.equal(r.status, 302);
  assert.equal(r.headers.location, '/kiali/');
  r = await client.get('/kiali');
  assert.equal(r.status, 200);
  assert.equal(JSON.parse(r.body).url, '/kiali');
  assert.equal((await client.get('/elsewhere')).status, 404);
  r = await client.login(dw.issuer.bound('ns', 'sa'), { path: '/kiali/api/authenticate' });
  assert.equal(r.status, 200, r.body);
  assert.match(r.setCookie[0], /^__Secure-doorward=\S+; Path=\/kiali; /);
  assert.equal((await client.get('/kiali/api/namespaces')).status, 200);
  assert.equal((await client.get('/kiali/healthz')).status, 200);
});

test('the shell and its files are public, and get no credential', async (t) => {
  const { dw, client } = await setUp(t);
  await client.login(dw.issuer.bound('ns', 'sa'));
  for (const p of ['/', '/static/app.js', '/console/overview']) {
    const r = await client.get(p);
    assert.equal(r.status, 200);
    assert.equal(JSON.parse(r.body).headers.authorization, undefined);
  }
});

test('anonymous: no login, no cookie', async (t) => {
  const { client } = await setUp(t, { config: { auth: { strategy: 'anonymous' } } });
  assert.equal((await client.get('/api/auth/info')).body, '{"sessionInfo":{},"strategy":"anonymous"}');
  const r = await client.get('/api/namespaces', { headers: { Authorization: 'Bearer x', 'Impersonate-User': 'root' } });
  assert.equal(r.status, 200);
  const seen = JSON.parse(r.body);
  assert.equal(seen.headers.authorization, undefined);
  assert.equal(seen.headers['impersonate-user'], undefined);
  assert.equal((await client.get('/api/logout')).status, 204);
  const login = await client.login('anything');
  assert.equal(login.status, 200);
  assert.equal(login.body, '');
  assert.equal(login.setCookie.length, 0);
});
