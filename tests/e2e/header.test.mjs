// The strategy header, for machines behind a proxy that signs people in: the
// token that the proxy sends is all that counts, and only from trusted_proxies.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Client } from './lib/client.mjs';
import { Doorward, temporaryDir, until } from './lib/doorward.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { Nginx, noNginx } from './lib/nginx.mjs';
import { test } from './lib/test.mjs';
import { Console, endless } from './lib/upstream.mjs';

const RECHECK_S = 2;
const ANN = ['istio-system', 'ann'];
const BEN = ['istio-system', 'ben'];
const STRANGER = '127.0.0.2'; // whom nobody trusts

async function setUp(t, { config = {}, ...options } = {}) {
  const dir = temporaryDir();
  const kube = await KubeStandin.start({ dir });
  t.after(async () => { await kube.stop().catch(() => {}); fs.rmSync(dir, { recursive: true, force: true }); });
  for (const who of [ANN, BEN]) kube.addAccount(...who, { listNamespaces: true });
  kube.addAccount('bookinfo', 'no-rights');
  const upstream = await new Console(t, endless).listen();
  const dw = new Doorward(t, {
    console: upstream.url, tls: false, ...options,
    config: {
      auth: { strategy: 'header' }, kubernetes_config: { cache_token_namespace_duration: RECHECK_S }, ...config,
      doorward: { trusted_proxies: ['127.0.0.1/32'], kubernetes: { api_server: kube.url, ca_file: kube.caFile }, ...config.doorward },
    },
  });
  await dw.start();
  return { dw, kube, upstream, client: new Client(dw) };
}

const bearer = (token, headers = {}) => ({ headers: { Authorization: `Bearer ${token}`, ...headers } });
const seenBy = (r) => JSON.parse(r.body).headers;
const info = async (client, options) => JSON.parse((await client.get('/api/auth/info', options)).body);
// As Kiali's UI does by itself.
const authenticate = (client, { headers = {}, body = 'token=' } = {}) => client.request('POST', '/api/authenticate', {
  headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Kiali-UI': 'true', ...headers }, body,
});

test('every request counts by its own token; no session is needed and none does without', async (t) => {
  const { dw, kube } = await setUp(t);
  const [ann, ben] = [kube.mint(...ANN), kube.mint(...BEN)];
  const client = new Client(dw, { keepAlive: true });
  t.after(() => client.close());
  for (const token of [ann, ben, ann]) {
    const r = await client.get('/api/namespaces', bearer(token));
    assert.equal(r.status, 200, r.body);
    assert.equal(seenBy(r).authorization, `Bearer ${token}`);
    assert.deepEqual(r.setCookie, []);
  }
  for (const headers of [{}, { Authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }, { Authorization: 'Bearer' }, { Authorization: 'Bearer a b' }]) {
    const r = await client.get('/api/namespaces', { headers });
    assert.equal(r.status, 401, JSON.stringify(headers));
    assert.equal(r.body, 'Unauthorized\n');
    assert.equal(r.headers['www-authenticate'], undefined);
  }
  // Kiali's shell is public, as its UI wants it.
  assert.equal((await client.get('/')).status, 200);
  assert.ok(![ann, ben].some((token) => dw.log.includes(token)), 'a token is in the log');
});

test('info, authenticate, logout as Kiali\'s UI uses them', async (t) => {
  const { dw, kube, client } = await setUp(t);
  const token = kube.mint(...ANN);
  let r = await client.get('/api/auth/info', bearer(token));
  assert.equal(r.body, '{"sessionInfo":{},"strategy":"header"}');
  r = await authenticate(client, bearer(token));
  assert.equal(r.status, 200, r.body);
  assert.deepEqual(Object.keys(JSON.parse(r.body)), ['expiresOn', 'username']);
  assert.equal(JSON.parse(r.body).username, 'istio-system:ann');
  assert.match(r.setCookie[0], /^doorward=[\w-]+; .*HttpOnly; SameSite=Strict$/);
  assert.equal((await info(client, bearer(token))).sessionInfo.username, 'istio-system:ann');
  const [login] = dw.auditLines('AUDIT: Login successful');
  assert.equal(login.user, 'istio-system:ann');

  // The cookie is for the name alone.
  const cookies = new Map(client.cookies);
  assert.deepEqual((await info(client)).sessionInfo, {});
  client.cookies = new Map(cookies);
  assert.equal((await client.get('/api/namespaces')).status, 401);
  assert.equal((await new Client(dw).get('/api/namespaces', bearer(token))).status, 200);

  const again = new Client(dw);
  await authenticate(again, bearer(token));
  r = await again.get('/api/logout', bearer(token, { 'Sec-Fetch-Site': 'same-origin' }));
  assert.equal(r.status, 204);
  assert.match(r.setCookie[0], /Max-Age=0/);
  assert.equal(again.cookies.size, 0);
  assert.deepEqual((await info(again, bearer(token))).sessionInfo, {});
});

test('a cookie of one person beside the token of another says nothing', async (t) => {
  const { kube, client } = await setUp(t);
  const [ann, ben] = [kube.mint(...ANN), kube.mint(...BEN)];
  await authenticate(client, bearer(ann));
  const who = await info(client, bearer(ben));
  assert.deepEqual(who.sessionInfo, {}, 'else the page names ann, and acts as ben');
  const r = await authenticate(client, bearer(ben));
  assert.equal(JSON.parse(r.body).username, 'istio-system:ben');
  assert.equal((await info(client, bearer(ben))).sessionInfo.username, 'istio-system:ben');
});

test('who is not let in, and what the body says', async (t) => {
  const { dw, kube } = await setUp(t);
  const good = kube.mint(...ANN);
  const refused = async (what, options, status, error) => {
    const client = new Client(dw);
    const r = await authenticate(client, options);
    assert.equal(r.status, status, `${what}: ${r.body}`);
    assert.equal(r.headers['content-type'], 'application/json', what);
    assert.match(JSON.parse(r.body).error, error, what);
    assert.equal(client.cookies.size, 0, what);
  };
  await refused('no token', {}, 401, /^Token is missing$/);
  await refused('one in the form', { body: `token=${good}` }, 401, /^Token is missing$/);
  await refused('Basic', { headers: { Authorization: 'Basic YTpi' } }, 401, /^Token is missing$/);
  await refused('a bad one', bearer('garbage'), 401, /^token is not valid or is expired$/);
  await refused('sees nothing', bearer(kube.mint('bookinfo', 'no-rights')), 401, /^not enough privileges to login$/);
  for (const token of ['garbage', kube.mint('bookinfo', 'no-rights')]) {
    const r = await new Client(dw).get('/api/namespaces', bearer(token));
    assert.equal(r.status, 401);
    assert.equal(r.body, 'Unauthorized\n');
  }
  await kube.stop();
  await refused('the cluster is down', bearer(good), 503, /^The cluster cannot be asked/);
  assert.equal((await new Client(dw).get('/api/namespaces', bearer(good))).status, 503);
});

test('from whom nobody trusts a token is only noise, whatever else is said', async (t) => {
  const { dw, kube, upstream } = await setUp(t);
  const token = kube.mint(...ANN);
  const stranger = new Client(dw, { localAddress: STRANGER });
  const lies = { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Forwarded: 'for=127.0.0.1', 'Impersonate-User': 'root' };
  for (const headers of [{}, lies]) {
    const r = await stranger.get('/api/namespaces', bearer(token, headers));
    assert.equal(r.status, 401);
    assert.equal(JSON.parse((await authenticate(stranger, bearer(token, headers))).body).error, 'Token is missing');
  }
  // With a cookie of somebody who came through the proxy, too.
  const client = new Client(dw);
  await authenticate(client, bearer(token));
  stranger.cookies = new Map(client.cookies);
  assert.equal((await stranger.get('/api/namespaces', bearer(token))).status, 401);
  stranger.cookies = new Map(client.cookies);
  assert.deepEqual((await info(stranger, bearer(token))).sessionInfo, {});
  assert.deepEqual(upstream.requests.filter((r) => r.url.includes('/api/')), []);
  // The shell is public; nothing of the lies goes with it.
  const shell = seenBy(await stranger.get('/', bearer(token, lies)));
  assert.equal(shell.authorization, undefined);
  assert.equal(shell['impersonate-user'], undefined);
  assert.equal(shell['x-forwarded-for'], STRANGER);
});

test('the audit trail names the client that the proxy tells of', async (t) => {
  const { dw, kube, client } = await setUp(t);
  await authenticate(client, bearer(kube.mint(...ANN), { 'X-Forwarded-For': '192.0.2.7' }));
  assert.match(dw.auditLines('AUDIT: Login successful')[0].client, /^192\.0\.2\.7/);
});

test('impersonation: of the trusted proxy, beside a user, and to the console alone', async (t) => {
  const service = await new Console(t).listen();
  const { dw, kube, client } = await setUp(t, {
    config: {
      external_services: { prometheus: { url: service.url } },
      doorward: { routes: [{ path: '/prometheus/', service: 'prometheus', methods: ['GET'], allow: { users: ['*'] } }] },
    },
  });
  const token = kube.mint(...ANN);
  const groups = { 'Impersonate-Group': ['dev', 'ops'], 'Impersonate-Extra-Scopes': 'view' };
  const named = (r) => seenBy(r);
  let seen = JSON.parse((await client.get('/api/x', bearer(token, { 'Impersonate-User': 'alice', ...groups }))).body);
  assert.equal(seen.headers['impersonate-user'], 'alice');
  assert.equal(seen.headers['impersonate-extra-scopes'], 'view');
  assert.deepEqual(seen.raw.flatMap((v, i) => (i % 2 && seen.raw[i - 1].toLowerCase() === 'impersonate-group' ? [v] : [])), ['dev', 'ops']);
  // Without a user Kubernetes would refuse the others; Kiali drops them.
  seen = named(await client.get('/api/x', bearer(token, groups)));
  for (const name of Object.keys(seen)) assert.ok(!/^impersonate/.test(name), name);
  // What only looks like one, and what Connection names.
  seen = named(await client.get('/api/x', bearer(token, { 'Impersonate-User': 'alice', Impersonate_Group: 'system:masters', 'Impersonate-Uid': '1' })));
  assert.equal(seen.impersonate_group, undefined);
  assert.equal(seen['impersonate-uid'], undefined);
  seen = named(await client.get('/api/x', bearer(token, { 'Impersonate-User': 'alice', Connection: 'close, Impersonate-User' })));
  assert.equal(seen['impersonate-user'], 'alice', 'to drop it would be to act as the proxy');
  // Two of them: one may be the client's.
  const two = await client.get('/api/x', bearer(token, { 'Impersonate-User': ['root', 'alice'] }));
  assert.equal(two.status, 400);
  // A service has no use for it.
  seen = named(await client.get('/prometheus/api', bearer(token, { 'Impersonate-User': 'alice', ...groups })));
  assert.equal(seen.authorization, undefined);
  for (const name of Object.keys(seen)) assert.ok(!/^impersonate/.test(name), name);
  assert.ok(!dw.log.includes(token));
});

test('what the cluster takes away is out, and by the next check', async (t) => {
  const { kube, client } = await setUp(t);
  const [ann, ben] = [kube.mint(...ANN), kube.mint(...BEN)];
  for (const token of [ann, ben]) assert.equal((await client.get('/api/x', bearer(token))).status, 200);
  const [first, second] = await Promise.all([ann, ben].map((token) => client.stream('/api/stream', bearer(token))));
  assert.deepEqual([first.status, second.status], [200, 200]);
  kube.deleteAccount(...ANN);
  const began = Date.now();
  await until('ann is out', async () => (await client.get('/api/x', bearer(ann))).status === 401);
  assert.ok(Date.now() - began < RECHECK_S * 1000 + 3000, `${Date.now() - began} ms`);
  await until('her stream ends', () => !first.open);
  assert.ok(Date.now() - began < RECHECK_S * 1000 + 3000, `${Date.now() - began} ms`);
  assert.ok(second.open);
  assert.equal((await client.get('/api/x', bearer(ben))).status, 200);
});

test('preset generic: a page, no login form, no loop', async (t) => {
  const { kube, client } = await setUp(t, { config: { doorward: { console: { preset: 'generic' } } } });
  const page = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' };
  let r = await client.get('/dashboard', { headers: page });
  assert.equal(r.status, 401);
  assert.match(r.headers['content-type'], /^text\/html/);
  assert.match(r.body, /The proxy in front of this server signs people in/);
  assert.ok(!/<form|_doorward\/login/.test(r.body), r.body);
  for (const own of ['session', 'signed-out']) {
    r = await client.get(`/_doorward/${own}`, { headers: page });
    assert.equal(r.status, 200, own);
    assert.ok(!/type="password"|name="token"/.test(r.body), r.body);
  }
  r = await client.get('/dashboard', { headers: { Accept: 'application/json' } });
  assert.equal(r.status, 401);
  for (const method of ['GET', 'POST']) {
    r = await client.request(method, '/_doorward/login', { headers: page });
    assert.equal(r.status, 302, method);
    assert.equal(r.headers.location, '/', method);
  }
  r = await client.get('/dashboard', bearer(kube.mint(...ANN), page));
  assert.equal(r.status, 200);
  assert.equal((await client.get('/api/auth/openid_redirect')).status, 401);
});

test('behind nginx, which sets the token', { skip: noNginx }, async (t) => {
  const { dw, kube, upstream } = await setUp(t);
  const token = kube.mint(...ANN);
  const nginx = await Nginx.start(t, `http://127.0.0.1:${dw.port}`, {
    headers: {
      Host: '$host', Authorization: `"Bearer ${token}"`, 'Impersonate-User': '$arg_user', 'Impersonate-Group': '""',
      'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '"443"', 'X-Forwarded-For': '$remote_addr',
    },
  });
  const through = new Client({ scheme: 'https', port: nginx.port, ca: nginx.ca });
  const lies = { Authorization: `Bearer ${kube.mint(...BEN)}`, 'Impersonate-User': 'root', 'Impersonate-Group': 'system:masters' };
  assert.deepEqual(await info(through), { sessionInfo: {}, strategy: 'header' });
  let r = await authenticate(through, { headers: lies });
  assert.equal(r.status, 200, r.body);
  assert.equal(JSON.parse(r.body).username, 'istio-system:ann');
  assert.match(r.setCookie[0], /^(__Host|__Secure)-doorward=.*; Secure; /);
  assert.equal((await info(through)).sessionInfo.username, 'istio-system:ann');
  r = await through.get('/api/x', { headers: lies });
  assert.equal(r.status, 200);
  assert.equal(seenBy(r).authorization, `Bearer ${token}`);
  assert.equal(seenBy(r)['impersonate-user'], undefined);
  assert.equal(seenBy(r)['impersonate-group'], undefined);
  assert.equal(seenBy(await through.get('/api/x?user=alice', { headers: lies }))['impersonate-user'], 'alice');
  // Past nginx, from elsewhere.
  const beside = new Client(dw, { localAddress: STRANGER });
  const n = upstream.requests.length;
  assert.equal((await beside.get('/api/x', bearer(token))).status, 401);
  assert.equal(upstream.requests.length, n);
});
