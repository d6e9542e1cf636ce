// Tokens judged by an API server (a stand-in that follows the public API; the
// real one is in tests/kubernetes): clusters of all ages, and all the ways in
// which an API server misbehaves.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { temporaryDir, until } from './lib/doorward.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { loginCases, outageCase, seed, setUpWith } from './lib/login-cases.mjs';
import { test } from './lib/test.mjs';

async function setUp(t, { kube: kubeOptions = {}, ...options } = {}) {
  const dir = temporaryDir();
  const kube = await KubeStandin.start({ dir, ...kubeOptions });
  t.after(async () => { await kube.stop(); fs.rmSync(dir, { recursive: true, force: true }); });
  await seed(kube);
  return { kube, dir, ...await setUpWith(t, kube, options) };
}

const clusters = [
  ['a cluster of today', { kube: { reviews: ['v1'] } }],
  ['a cluster with SelfSubjectReview v1beta1', { kube: { reviews: ['v1beta1'] } }],
  ['a cluster with SelfSubjectReview v1alpha1', { kube: { reviews: ['v1alpha1'] }, clusterToken: true }],
  ['an old cluster, with a token of our own', { kube: { reviews: [] }, clusterToken: true }],
  ['an old cluster, without', { kube: { reviews: [] } }],
];

for (const [label, options] of process.env.DOORWARD_QUICK ? clusters.slice(3) : clusters) {
  loginCases(label, (t) => setUp(t, options));
  // What only who has the cluster's key can make.
  test(`${label}: tokens out of the ordinary`, async (t) => {
    const { kube, client } = await setUp(t, options);
    let r = await client.login(kube.mint('istio-system', 'kiali-service-account', { seconds: -100 }));
    assert.equal(r.status, 401);
    assert.match(JSON.parse(r.body).detail,
      /^This token expired on .* GMT\. Make a new one: kubectl -n istio-system create token kiali-service-account$/);
    // The account of the claim counts, as for the server itself, not sub.
    r = await client.login(kube.mint('bookinfo', 'one-namespace', { claims: { sub: 'system:serviceaccount:kube-system:admin' } }));
    assert.equal(JSON.parse(r.body).username, 'bookinfo:one-namespace');
    // A token that is no JWT has a name only where the cluster tells it.
    kube.addStaticToken('abcdef.0123456789abcdef', 'alice', [], { listNamespaces: true });
    r = await client.login('abcdef.0123456789abcdef');
    assert.equal(JSON.parse(r.body).username, label === 'an old cluster, without' ? 'token' : 'alice');
  });
}

test('a token of our own that may not review is no answer about others', async (t) => {
  const { kube, client, dw } = await setUp(t, { kube: { reviews: [] }, clusterToken: ['bookinfo', 'no-rights'] });
  assert.equal((await client.login(kube.mint('istio-system', 'kiali-service-account'))).status, 503);
  assert.match(dw.log, /cluster-token\) may not review/);
});

test('a stranger in place of the cluster learns no token', async (t) => {
  const { kube, client, dir } = await setUp(t);
  const port = kube.port;
  await kube.stop();
  fs.mkdirSync(path.join(dir, 'other'));
  const stranger = await KubeStandin.start({ dir: path.join(dir, 'other'), port });
  assert.equal((await client.login(kube.mint('istio-system', 'kiali-service-account'))).status, 503);
  assert.equal(stranger.requests.length, 0);
  await stranger.stop();
  await kube.listen();
  assert.equal((await client.login(kube.mint('istio-system', 'kiali-service-account'))).status, 200);
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

outageCase('a session outlives a cluster that is down', setUp, {
  begin: (kube) => kube.stop(),
  end: (kube) => kube.listen(),
});

for (const mode of ['silent', 'error'])
  outageCase(`a session outlives a cluster that is away (${mode})`, setUp, {
    begin: (kube) => { kube.mode = mode; },
    end: (kube) => { kube.mode = 'good'; },
  });

test('a cluster that has restarted is asked on a new connection', async (t) => {
  const { kube, client } = await setUp(t);
  const token = kube.mint('istio-system', 'kiali-service-account');
  for (let i = 0; i < 3; i++) {
    assert.equal((await client.login(token)).status, 200);
    await kube.stop();
    await kube.listen();
  }
  assert.equal((await client.login(token)).status, 200);
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

test('a slow cluster is waited for, a too slow one is 503, and neither is 401', async (t) => {
  const { kube, dw } = await setUp(t);
  const token = kube.mint('istio-system', 'kiali-service-account');
  kube.mode = 'slow';
  for (const [slowMs, status] of [[1000, 200], [9000, 503]]) {
    kube.slowMs = slowMs;
    const began = Date.now();
    const r = await new Client(dw).login(token);
    const took = Date.now() - began;
    assert.equal(r.status, status, `${slowMs} ms: ${r.body}`);
    assert.ok(took >= Math.min(slowMs, 2000) && took < 10000, `${slowMs} ms: took ${took} ms`);
  }
});
