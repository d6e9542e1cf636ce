// Tokens judged by an API server (a stand-in that follows the public API; the
// real one is in tests/kubernetes): what it says, and when it says nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Client } from './lib/client.mjs';
import { Doorward, temporaryDir, until } from './lib/doorward.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

async function setUp(t, { kube: kubeOptions = {}, config = {}, clusterToken = false } = {}) {
  const dir = temporaryDir();
  const kube = await KubeStandin.start({ dir, ...kubeOptions });
  t.after(async () => { await kube.stop(); fs.rmSync(dir, { recursive: true, force: true }); });
  kube.addNamespace('istio-system');
  kube.addNamespace('bookinfo');
  kube.addAccount('istio-system', 'kiali-service-account', { listNamespaces: true });
  kube.addAccount('bookinfo', 'one-namespace', { getNamespaces: ['bookinfo'] });
  kube.addAccount('bookinfo', 'no-rights');
  kube.addAccount('istio-system', 'front-door', { reviewTokens: true });
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, {
    console: upstream.url,
    config: {
      kubernetes_config: { cache_token_namespace_duration: 1 },
      ...config,
      doorward: {
        kubernetes: {
          api_server: kube.url, ca_file: kube.caFile, namespaces: ['istio-system', 'bookinfo'],
          audiences: ['https://kubernetes.default.svc'],
        },
      },
    },
  });
  if (clusterToken) dw.secret('cluster-token', kube.mint('istio-system', 'front-door', { seconds: 86400 }));
  await dw.start();
  return { dw, kube, client: new Client(dw) };
}

const clusters = [
  ['a cluster of today', { kube: { reviews: ['v1'] } }],
  ['a cluster with SelfSubjectReview v1beta1', { kube: { reviews: ['v1beta1'] } }],
  ['an old cluster, with a token of our own', { kube: { reviews: [] }, clusterToken: true }],
  ['an old cluster, without', { kube: { reviews: [] } }],
];

for (const [name, options] of clusters) {
  test(`${name}: who gets in`, async (t) => {
    const { kube, client, dw } = await setUp(t, options);
    for (const [token, user] of [
      [kube.mint('istio-system', 'kiali-service-account'), 'istio-system:kiali-service-account'],
      [kube.mintLegacy('istio-system', 'kiali-service-account').token, 'istio-system:kiali-service-account'],
      [kube.mint('bookinfo', 'one-namespace'), 'bookinfo:one-namespace'],
    ]) {
      const r = await client.login(token);
      assert.equal(r.status, 200, r.body);
      assert.equal(JSON.parse(r.body).username, user);
      assert.equal((await client.get('/api/namespaces')).status, 200);
    }
    const stranger = new Client(dw);
    for (const [what, token, text] of [
      ['no rights', kube.mint('bookinfo', 'no-rights'), /not enough privileges to login/],
      ['expired', kube.mint('istio-system', 'kiali-service-account', { seconds: -300 }), /expired/],
      ['another audience', kube.mint('istio-system', 'kiali-service-account', { audiences: ['front-door'] }), /not valid/],
      ['changed', `${kube.mint('istio-system', 'kiali-service-account').slice(0, -6)}AAAAAA`, /not valid/],
      ['garbage', 'garbage', /not valid/],
    ]) {
      const r = await stranger.login(token);
      assert.equal(r.status, 401, `${what}: ${r.body}`);
      assert.match(JSON.parse(r.body).error, text, what);
      assert.equal(stranger.cookies.size, 0);
    }
  });
}

test('a deleted account loses its session while it is used', async (t) => {
  const { kube, client, dw } = await setUp(t);
  assert.equal((await client.login(kube.mint('bookinfo', 'one-namespace'))).status, 200);
  assert.equal((await client.get('/api/x')).status, 200);
  kube.deleteAccount('bookinfo', 'one-namespace');
  const r = await until('the session ends', async () => {
    const a = await client.get('/api/x');
    return a.status === 200 ? null : a;
  }, 15000);
  assert.equal(r.status, 401);
  assert.match(r.setCookie[0] ?? '', /Max-Age=0/);
  assert.equal(dw.auditLines('AUDIT: Session ended').length, 1);
});

test('a revoked Secret ends a legacy token, also of an API client', async (t) => {
  const { kube, client } = await setUp(t);
  const { token, secret } = kube.mintLegacy('istio-system', 'kiali-service-account');
  const get = () => client.get('/api/x', { headers: { Authorization: `Bearer ${token}` } });
  assert.equal((await get()).status, 200);
  kube.deleteSecret('istio-system', secret);
  const r = await until('the token is refused', async () => {
    const a = await get();
    return a.status === 200 ? null : a;
  }, 15000);
  assert.equal(r.status, 401);
});

test('a cluster in trouble: 503 within 10 s for a login, never 401', { timeout: 180000 }, async (t) => {
  const { kube, dw } = await setUp(t);
  const token = kube.mint('istio-system', 'kiali-service-account');
  for (const mode of ['silent', 'error', 'garbage', 'html', 'truncated', 'notHttp', 'huge', 'redirect']) {
    kube.mode = mode;
    const client = new Client(dw);
    const began = Date.now();
    const r = await client.login(token);
    const took = Date.now() - began;
    assert.equal(r.status, 503, `${mode}: ${r.body}`);
    assert.ok(took < 10000, `${mode}: ${took} ms`);
    assert.ok(JSON.parse(r.body).error.length > 0);
    assert.equal(client.cookies.size, 0);
  }
  kube.mode = 'good';
  assert.equal((await new Client(dw).login(token)).status, 200);
  await kube.stop();
  assert.equal((await new Client(dw).login(token)).status, 503);
});

test('a session outlives a cluster that is away', { timeout: 60000 }, async (t) => {
  const { kube, client } = await setUp(t);
  assert.equal((await client.login(kube.mint('istio-system', 'kiali-service-account'))).status, 200);
  kube.mode = 'error';
  const r = await until('the lease is over', async () => {
    const a = await client.get('/api/x');
    return a.status === 200 ? null : a;
  });
  assert.equal(r.status, 503);
  assert.equal(r.setCookie.length, 0);
  kube.mode = 'good';
  await until('it is good again', async () => (await client.get('/api/x')).status === 200);
});

test('the cluster is asked at most once per recheck, whatever the load', async (t) => {
  const { kube, client } = await setUp(t, { config: { kubernetes_config: { cache_token_namespace_duration: 10 } } });
  assert.equal((await client.login(kube.mint('istio-system', 'kiali-service-account'))).status, 200);
  const before = kube.requests.length;
  const load = new Client(client.dw, { keepAlive: true });
  t.after(() => load.close());
  load.cookies = client.cookies;
  await Promise.all(Array.from({ length: 200 }, () => load.get('/api/x')));
  assert.ok(kube.requests.length - before <= 2, `${kube.requests.length - before} questions`);
});
