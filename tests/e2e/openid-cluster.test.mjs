// OpenID Connect with disable_rbac: false: the provider says who somebody is,
// the cluster what that person may see. Which token the cluster and the console
// get, whom the cluster refuses, and how a session follows what it says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { temporaryDir, until } from './lib/doorward.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { login } from './lib/openid-provider.mjs';
import { api, assertFailed, claimsOf, info, newBrowser, sessionCookie, setUp, signInWell, startUrl, tokenOf, withCookie } from './lib/openid.mjs';
import { test } from './lib/test.mjs';
import { endless } from './lib/upstream.mjs';

const RECHECK_S = 2;
const SEES = { listNamespaces: true };
const LIMIT_MS = 10000; // for a page, whatever the cluster does

// A cluster that takes a provider's tokens, id_tokens and access tokens alike,
// of those who are in kube.people: {sub: rights}. kube.asked: tokens it was
// asked with.
async function newCluster(t, op, options = {}) {
  const dir = temporaryDir();
  const kube = await KubeStandin.start({ dir, ...options });
  t.after(async () => { await kube.stop().catch(() => {}); fs.rmSync(dir, { recursive: true, force: true }); });
  kube.people = new Map([['alice', SEES], ['bob', SEES]]);
  kube.asked = [];
  kube.others = (token) => {
    kube.asked.push(token);
    const sub = token.split('.').length === 3 ? claimsOf(token).sub : op().rows.get(`AccessToken ${token}`)?.payload.accountId;
    return kube.people.has(sub) ? { username: `oidc:${sub}`, groups: [], rights: kube.people.get(sub) } : undefined;
  };
  return kube;
}

async function behindCluster(t, { openid = {}, kubernetes = {}, kube: kubeOptions, config = {}, clusterToken, ...options } = {}) {
  let op;
  const kube = await newCluster(t, () => op, kubeOptions);
  const all = await setUp(t, {
    openid: { disable_rbac: false, ...openid },
    config: {
      kubernetes_config: { cache_token_namespace_duration: RECHECK_S }, ...config,
      doorward: { kubernetes: { api_server: kube.url, ca_file: kube.caFile, namespaces: ['bookinfo'], ...kubernetes }, ...config.doorward },
    },
    prepare: (dw) => { if (clusterToken) dw.secret('cluster-token', clusterToken(kube)); },
    ...options,
  });
  op = all.op;
  return { ...all, kube };
}

const unique = (list) => [...new Set(list)];

async function timed(asking) {
  const began = Date.now();
  const r = await asking;
  assert.ok(Date.now() - began < LIMIT_MS, `${Date.now() - began} ms`);
  return r;
}

// --- which token ---

for (const kind of ['id_token', 'access_token']) {
  test(`api_token: ${kind} is what the cluster and the console get, and nothing else`, async (t) => {
    const { dw, op, kube, upstream, browser } = await behindCluster(t, { openid: { api_token: kind } });
    await signInWell(browser, dw);
    const token = tokenOf(await api(browser, dw));
    assert.deepEqual(unique(kube.asked), [token]);
    assert.deepEqual(unique(kube.requests.map((r) => r.user)), ['oidc:alice']);
    if (kind === 'id_token') assert.equal(claimsOf(token).aud, 'doorward');
    else assert.ok(op.rows.get(`AccessToken ${token}`), 'the provider knows it as an access token');
    assert.equal((await info(browser, dw)).sessionInfo.username, 'alice', 'the name is the provider\'s, not the cluster\'s');
    for (const r of upstream.requests.filter((q) => q.url.includes('/api/'))) assert.equal(tokenOf(r), token);
    assert.ok(!dw.log.includes(token), 'the token is in the log');
    assert.equal(dw.auditLines('AUDIT: Login successful')[0].user, 'alice');
  });
}

test('a token that a client brings itself counts for nothing, beside a session or without', async (t) => {
  const { dw, op, kube, upstream, browser } = await behindCluster(t);
  await signInWell(browser, dw);
  const token = tokenOf(await api(browser, dw));
  kube.addAccount('istio-system', 'root', SEES);
  const headers = {
    Accept: 'application/json', Authorization: `Bearer ${kube.mint('istio-system', 'root')}`, 'Impersonate-User': 'root', 'Impersonate-Group': 'system:masters',
  };
  const r = await browser.fetch(`${dw.base}/api/x`, { headers });
  const seen = JSON.parse(r.body).headers;
  assert.equal(seen.authorization, `Bearer ${token}`);
  for (const name of Object.keys(seen)) assert.ok(!/^impersonate/.test(name), name);
  const n = upstream.requests.length;
  for (const own of [headers.Authorization, `Bearer ${token}`])
    assert.equal((await newBrowser(t, dw, op).fetch(`${dw.base}/api/x`, { headers: { ...headers, Authorization: own } })).status, 401);
  assert.equal(upstream.requests.length, n);
  assert.deepEqual(unique(kube.asked), [token]);
});

// Before SelfSubjectReview the cluster's own answer about a token of others is
// TokenReview; without a token of our own, SelfSubjectAccessReview.
const reviewer = (kube) => {
  kube.addAccount('istio-system', 'front-door', { reviewTokens: true });
  return kube.mint('istio-system', 'front-door');
};
for (const [what, clusterToken] of [['with a token of our own', reviewer], ['without', undefined]]) {
  test(`an old cluster, ${what}`, async (t) => {
    const { dw, op, kube, browser } = await behindCluster(t, {
      kube: { reviews: [] }, kubernetes: { audiences: ['https://kubernetes.default.svc'] }, clusterToken,
    });
    await signInWell(browser, dw);
    assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
    assert.equal(typeof await api(browser, dw), 'object');
    kube.people.delete('bob');
    assert.equal((await login(newBrowser(t, dw, op), startUrl(dw), 'bob')).status, 401);
  });
}

// --- who is refused ---

test('the cluster does not take the token, or shows nothing: a page that says so', async (t) => {
  const { dw, op, kube, browser } = await behindCluster(t);
  const namespaces = new Set(kube.namespaces);
  for (const [what, prepare, status, sentence, line] of [
    ['401', () => kube.people.delete('alice'), 401, /^The cluster does not accept the identity provider(&#39;|')s token/, /auth\.openid\.api_token, or set disable_rbac/],
    ['403', () => kube.people.set('alice', {}), 401, /^This account sees no namespace\. Ask for the right/, /shows no namespace to this account/],
    ['an empty list', () => { kube.people.set('alice', SEES); kube.namespaces.clear(); }, 401, /^This account sees no namespace\./, /shows no namespace/],
  ]) {
    prepare();
    const other = newBrowser(t, dw, op);
    const r = await timed(login(other, startUrl(dw)));
    assert.equal(r.status, status, what);
    const failed = await assertFailed(dw, r, what);
    assert.match(failed.sentence, sentence, what);
    assert.match(failed.line, line, what);
    assert.equal(sessionCookie(other), undefined, what);
    assert.equal(await api(other, dw), 401, what);
    const audit = dw.auditLines('AUDIT: Login failed').find((l) => l.reference === failed.reference);
    assert.equal(audit.user, 'alice', what);
    kube.people.set('alice', SEES);
    for (const n of namespaces) kube.namespaces.add(n);
  }
  // One namespace that is shown is enough.
  kube.people.set('alice', { getNamespaces: ['bookinfo'] });
  kube.namespaces.add('bookinfo');
  await signInWell(browser, dw);
});

test('a cluster in trouble: 503 and a page, soon; afterwards all is well', { timeout: 180000 }, async (t) => {
  const { dw, op, kube, browser } = await behindCluster(t);
  const refused = async (what) => {
    const other = newBrowser(t, dw, op);
    const r = await timed(login(other, startUrl(dw)));
    assert.equal(r.status, 503, what);
    const { sentence, line } = await assertFailed(dw, r, what);
    assert.match(sentence, /^The cluster cannot be asked at the moment\. Try again in a minute;/, what);
    assert.match(line, /the cluster cannot be asked about the token/, what);
    assert.equal(sessionCookie(other), undefined, what);
  };
  for (const mode of ['silent', 'error', 'garbage', 'html', 'truncated', 'notHttp', 'huge', 'redirect']) {
    kube.mode = mode;
    await refused(mode);
  }
  kube.mode = 'good';
  await kube.stop();
  await refused('down');
  await kube.listen();
  await until('a login works', async () => {
    await login(browser, startUrl(dw)).catch(() => {});
    return sessionCookie(browser);
  });
});

// --- what becomes of a session ---

test('what the cluster takes away ends the session, and nobody else\'s', async (t) => {
  const { dw, op, kube, browser: bob } = await behindCluster(t);
  await signInWell(bob, dw, 'bob');
  for (const [what, take] of [
    ['refused', () => kube.people.delete('alice')],
    ['no namespace', () => kube.people.set('alice', {})],
  ]) {
    kube.people.set('alice', SEES);
    const alice = newBrowser(t, dw, op);
    await signInWell(alice, dw);
    assert.equal(typeof await api(alice, dw), 'object', what);
    const ended = dw.auditLines('AUDIT: Session ended').length;
    take();
    const began = Date.now();
    const r = await until(what, async () => {
      const a = await alice.fetch(`${dw.base}/api/x`, { headers: { Accept: 'application/json' } });
      return a.status === 200 ? null : a;
    });
    assert.ok(Date.now() - began < RECHECK_S * 1000 + 3000, `${what}: ${Date.now() - began} ms`);
    assert.equal(r.status, 401, what);
    assert.match(r.setCookie.join(), /doorward=;.*Max-Age=0/, what);
    assert.deepEqual((await info(alice, dw)).sessionInfo, {}, what);
    const [line] = dw.auditLines('AUDIT: Session ended').slice(ended);
    assert.equal(line.user, 'alice', what);
  }
  assert.equal(typeof await api(bob, dw), 'object');
});

test('a cluster that is away: 503, nobody loses a session', async (t) => {
  const { dw, kube, browser } = await behindCluster(t);
  await signInWell(browser, dw);
  await kube.stop();
  const status = await until('the lease is over', async () => {
    const a = await timed(api(browser, dw));
    return typeof a === 'object' ? null : a;
  });
  assert.equal(status, 503);
  assert.ok(sessionCookie(browser));
  await kube.listen();
  await until('the session is good again', async () => typeof await api(browser, dw) === 'object');
  assert.deepEqual(dw.auditLines('AUDIT: Session ended'), []);
});

for (const kind of ['id_token', 'access_token']) {
  test(`after a refresh the cluster and the console get the new ${kind}`, { timeout: 90000 }, async (t) => {
    const { dw, kube, browser } = await behindCluster(t, {
      provider: { ttl: { IdToken: 12, AccessToken: 12 } }, own: { refresh_margin_seconds: 6 }, openid: { api_token: kind },
    });
    await signInWell(browser, dw);
    const given = new Set();
    const end = Date.now() + 16000;
    while (Date.now() < end) {
      const seen = await api(browser, dw);
      assert.equal(typeof seen, 'object', `status ${seen}`);
      given.add(tokenOf(seen));
      await new Promise((r) => { setTimeout(r, 300); });
    }
    assert.ok(given.size >= 2, `${given.size} tokens`);
    assert.deepEqual(unique(kube.asked), [...given], 'each of them was the cluster\'s before it was the console\'s');
    assert.deepEqual(dw.auditLines('AUDIT: Session ended'), []);
    // And the cluster's word on the new one counts.
    kube.people.delete('alice');
    assert.equal(await until('the end', async () => {
      const a = await api(browser, dw);
      return typeof a === 'object' ? null : a;
    }), 401);
  });
}

test('an open stream outlives a refresh, and not the cluster\'s no', { timeout: 90000 }, async (t) => {
  const { dw, kube, browser } = await behindCluster(t, {
    provider: { ttl: { IdToken: 10, AccessToken: 10 } }, own: { refresh_margin_seconds: 5 }, handler: endless,
  });
  await signInWell(browser, dw);
  const s = await withCookie(dw, sessionCookie(browser)).stream('/kiali/api/stream');
  assert.equal(s.status, 200);
  await new Promise((r) => { setTimeout(r, 13000); });
  assert.ok(s.open, 'it was cut off although the session goes on');
  assert.ok(unique(kube.asked).length >= 2, 'a stream alone keeps the session\'s tokens fresh');
  kube.people.delete('alice');
  const began = Date.now();
  await until('the stream ends', () => !s.open);
  assert.ok(Date.now() - began < RECHECK_S * 1000 + 3000, `${Date.now() - began} ms`);
});

// --- another way to the cluster ---

const base64 = (file) => fs.readFileSync(file).toString('base64');

test('api_proxy with its CA is asked instead of the API server', async (t) => {
  let op;
  const proxy = await newCluster(t, () => op);
  const all = await behindCluster(t, { openid: { api_proxy: proxy.url, api_proxy_ca_data: base64(proxy.caFile) } });
  ({ op } = all);
  await signInWell(all.browser, all.dw);
  const token = tokenOf(await api(all.browser, all.dw));
  assert.deepEqual(unique(proxy.asked), [token]);
  assert.deepEqual(all.kube.requests, []);
  proxy.people.delete('alice');
  await until('the session ends', async () => await api(all.browser, all.dw) === 401);
});

test('api_proxy without an API server is enough', async (t) => {
  let op;
  const proxy = await newCluster(t, () => op);
  const all = await behindCluster(t, {
    openid: { api_proxy: proxy.url, api_proxy_ca_data: base64(proxy.caFile) }, kubernetes: { api_server: '', ca_file: '' },
  });
  ({ op } = all);
  await signInWell(all.browser, all.dw);
  assert.ok(proxy.asked.length > 0);
});

test('api_proxy is trusted by its own CA alone, not by the API server\'s', async (t) => {
  let op;
  const proxy = await newCluster(t, () => op);
  const stranger = await newCluster(t, () => op);
  const all = await behindCluster(t, {
    openid: { api_proxy: proxy.url, api_proxy_ca_data: base64(stranger.caFile) }, kubernetes: { ca_file: proxy.caFile },
  });
  ({ op } = all);
  const r = await timed(login(all.browser, startUrl(all.dw)));
  assert.equal(r.status, 503);
  await assertFailed(all.dw, r);
  assert.deepEqual([...proxy.requests, ...stranger.requests, ...all.kube.requests], [], 'nobody has seen a token');
});

test('api_proxy without api_proxy_ca_data counts for nothing, with a warning', async (t) => {
  let op;
  const proxy = await newCluster(t, () => op);
  const all = await behindCluster(t, { openid: { api_proxy: proxy.url } });
  ({ op } = all);
  assert.match(all.dw.log, /WRN .*api_proxy.*counts for nothing without api_proxy_ca_data/);
  await signInWell(all.browser, all.dw);
  assert.deepEqual(proxy.requests, []);
  assert.ok(all.kube.asked.length > 0);
});

// --- without RBAC ---

test('disable_rbac: the cluster is never asked', async (t) => {
  const { dw, kube, browser } = await behindCluster(t, { openid: { disable_rbac: true } });
  await signInWell(browser, dw);
  const end = Date.now() + RECHECK_S * 2000;
  while (Date.now() < end) {
    assert.equal(claimsOf(tokenOf(await api(browser, dw))).sub, 'alice', 'credential: user-token');
    await new Promise((r) => { setTimeout(r, 300); });
  }
  assert.deepEqual(kube.requests, []);
  assert.match(dw.log, /WRN .*disable_rbac: true: the console still gets the provider's token/);
});

test('disable_rbac with credential none: the console gets nothing of it', async (t) => {
  const { dw, kube, browser } = await behindCluster(t, {
    openid: { disable_rbac: true }, config: { doorward: { console: { credential: 'none' } } },
  });
  await signInWell(browser, dw);
  const seen = await api(browser, dw);
  assert.equal(seen.headers.authorization, undefined);
  assert.equal(seen.headers.cookie, undefined);
  assert.deepEqual(kube.requests, []);
  assert.ok(!/disable_rbac: true/.test(dw.log));
});
