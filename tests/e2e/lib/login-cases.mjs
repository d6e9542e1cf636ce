// Who gets in and for how long, by the word of a cluster: the same cases for
// the stand-in and for a real API server (tests/kubernetes).
import assert from 'node:assert/strict';
import { Client } from './client.mjs';
import { Doorward, until } from './doorward.mjs';
import { test } from './test.mjs';
import { Console } from './upstream.mjs';

const KIALI = ['istio-system', 'kiali-service-account'];
const INVALID = 'token is not valid or is expired'; // both are Kiali's own
const NO_RIGHTS = 'not enough privileges to login';
const MAKE_ONE = /kubectl -n istio-system create token kiali-service-account$/;
const RECHECK_S = 2;

export async function seed(cluster) {
  await cluster.addAccount(...KIALI, { listNamespaces: true });
  await cluster.addAccount('istio-system', 'front-door', { reviewTokens: true });
  await cluster.addAccount('bookinfo', 'one-namespace', { getNamespaces: ['bookinfo'] });
  await cluster.addAccount('bookinfo', 'no-rights');
}

// Doorward before a cluster that is seeded. clusterToken: with a token of its
// own, of the account front-door or of the one that is named.
export async function setUpWith(t, cluster, { config = {}, clusterToken = false } = {}) {
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, {
    console: upstream.url,
    config: {
      kubernetes_config: { cache_token_namespace_duration: RECHECK_S },
      ...config,
      doorward: {
        kubernetes: {
          api_server: cluster.url, ca_file: cluster.caFile, namespaces: ['nothere', 'bookinfo'],
          audiences: ['https://kubernetes.default.svc'],
        },
      },
    },
  });
  if (clusterToken) dw.secret('cluster-token', await cluster.mint(...(clusterToken === true ? ['istio-system', 'front-door'] : clusterToken)));
  await dw.start();
  return { dw, cluster, client: new Client(dw) };
}

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// setUp(t): resolves with {dw, cluster, client}, the cluster seeded.
export function loginCases(label, setUp) {
  test(`${label}: who gets in`, async (t) => {
    const { dw, cluster } = await setUp(t);
    for (const [what, token, user, seconds] of [
      ['a token of a Secret', (await cluster.mintLegacy(...KIALI)).token, KIALI.join(':'), 86400],
      ['a bound token', await cluster.mint(...KIALI), KIALI.join(':'), 3600],
      ['an account that sees one namespace', await cluster.mint('bookinfo', 'one-namespace'), 'bookinfo:one-namespace', 3600],
    ]) {
      const client = new Client(dw);
      let r = await client.login(token);
      assert.equal(r.status, 200, `${what}: ${r.body}`);
      const { username, expiresOn } = JSON.parse(r.body);
      assert.equal(username, user, what);
      assert.ok(Math.abs(Date.parse(expiresOn) - Date.now() - seconds * 1000) < 30000, `${what}: ${expiresOn}`);
      r = await client.get('/api/auth/info');
      assert.equal(JSON.parse(r.body).sessionInfo.username, user, what);
      r = await client.get('/api/namespaces');
      assert.equal(r.status, 200, what);
      assert.equal(JSON.parse(r.body).headers.authorization, `Bearer ${token}`, what);
      r = await new Client(dw).get('/api/namespaces', bearer(token));
      assert.equal(r.status, 200, `${what}, API client`);
      assert.equal(JSON.parse(r.body).headers.authorization, `Bearer ${token}`, what);
      assert.equal(r.setCookie.length, 0);
      assert.ok(!dw.log.includes(token), `${what}: the token is in the log`);
    }
    assert.deepEqual(dw.auditLines('AUDIT: Login successful').map((l) => l.user),
      [KIALI.join(':'), KIALI.join(':'), 'bookinfo:one-namespace']);
  });

  test(`${label}: who does not get in`, async (t) => {
    const { dw, cluster } = await setUp(t);
    const good = await cluster.mint(...KIALI);
    const [, claims, signature] = good.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    await cluster.addAccount('bookinfo', 'gone', { listNamespaces: true });
    const orphan = await cluster.mint('bookinfo', 'gone');
    await cluster.deleteAccount('bookinfo', 'gone');
    const deleted = await cluster.mintLegacy(...KIALI);
    await cluster.deleteSecret(KIALI[0], deleted.secret);
    let failures = 0;
    for (const [what, token, error, detail, status = 401] of [
      ['an account that sees none', await cluster.mint('bookinfo', 'no-rights'), NO_RIGHTS, /sees no namespace/],
      ['another audience', await cluster.mint(...KIALI, { audiences: ['front-door'] }), INVALID, MAKE_ONE],
      ['a deleted account', orphan, INVALID, MAKE_ONE],
      ['a deleted Secret', deleted.token, INVALID, MAKE_ONE],
      ['a changed signature', good.slice(0, -8) + (good.at(-8) === 'A' ? 'B' : 'A') + good.slice(-7), INVALID, MAKE_ONE],
      ['no signature', `${none}.${claims}.`, INVALID, MAKE_ONE],
      ['two parts', `${claims}.${signature}`, INVALID, MAKE_ONE],
      ['garbage', 'abc', INVALID, MAKE_ONE],
      ['a whole header', `Bearer ${good}`, INVALID, MAKE_ONE],
      ['quotes around it', `"${good}"`, INVALID, /paste the whole token/],
      ['nothing', '', 'The token is empty: paste the whole token.', undefined, 400],
    ]) {
      // The back-off of one address would get in the way.
      if (++failures % 6 === 0) assert.equal((await new Client(dw).login(good)).status, 200);
      const client = new Client(dw);
      let r = await client.login(token);
      assert.equal(r.status, status, `${what}: ${r.body}`);
      assert.equal(r.headers['content-type'], 'application/json', what);
      const body = JSON.parse(r.body);
      assert.equal(body.error, error, what);
      if (detail) assert.match(body.detail, detail, what);
      assert.equal(client.cookies.size, 0, what);
      r = await client.get('/api/namespaces', bearer(token));
      assert.equal(r.status, 401, `${what}, API client`);
      assert.equal(r.body, 'Unauthorized\n', what);
    }
  });

  test(`${label}: what is deleted is out`, async (t) => {
    const { dw, cluster } = await setUp(t);
    await cluster.addAccount('bookinfo', 'leaving', { listNamespaces: true });
    const legacy = await cluster.mintLegacy(...KIALI);
    const secret = `handle-${Date.now()}`;
    const guests = [
      ['a deleted account', await cluster.mint('bookinfo', 'leaving'), () => cluster.deleteAccount('bookinfo', 'leaving')],
      ['a deleted Secret', legacy.token, () => cluster.deleteSecret(KIALI[0], legacy.secret)],
      ['a deleted Secret that a token is bound to', await cluster.mint(...KIALI, { secret }), () => cluster.deleteSecret(KIALI[0], secret)],
    ].map(([what, token, remove]) => ({ what, token, remove, client: new Client(dw) }));
    const stays = new Client(dw);
    assert.equal((await stays.login(await cluster.mint(...KIALI))).status, 200);
    for (const { what, token, client } of guests) {
      assert.equal((await client.login(token)).status, 200, what);
      assert.equal((await client.get('/api/x')).status, 200, what);
      assert.equal((await new Client(dw).get('/api/x', bearer(token))).status, 200, what);
    }
    for (const { remove } of guests) await remove();
    const began = Date.now();
    const limit = (cluster.cacheMs ?? 0) + RECHECK_S * 1000 + 3000;
    await Promise.all(guests.map(async ({ what, token, client }) => {
      const end = async (ask) => until(what, async () => {
        const a = await ask();
        return a.status === 200 ? null : a;
      }, limit + 5000);
      const [r, api] = await Promise.all([
        end(() => client.get('/api/x')), end(() => new Client(dw).get('/api/x', bearer(token))),
      ]);
      assert.equal(r.status, 401, what);
      assert.match(r.setCookie[0] ?? '', /Max-Age=0/, what);
      assert.equal(api.status, 401, `${what}, API client`);
      assert.ok(Date.now() - began < limit, `${what}: ${Date.now() - began} ms`);
      assert.equal((await client.login(token)).status, 401, what);
    }));
    assert.equal(dw.auditLines('AUDIT: Session ended').length, guests.length);
    assert.equal((await stays.get('/api/x')).status, 200);
  });
}

// No login and, once the lease is over, no request while the cluster does not
// answer: 503, soon, and nobody loses a session.
export function outageCase(name, setUp, { begin, end }) {
  test(name, async (t) => {
    const { cluster, client, dw } = await setUp(t);
    const token = await cluster.mint(...KIALI);
    const soon = async (what, asking) => {
      const began = Date.now();
      const r = await asking;
      assert.ok(Date.now() - began < 10000, `${what}: ${Date.now() - began} ms`);
      return r;
    };
    const info = async () => JSON.parse((await soon('info', client.get('/api/auth/info'))).body).sessionInfo;
    assert.equal((await client.login(token)).status, 200);
    try {
      await begin(cluster);
      const stranger = new Client(dw);
      let r = await soon('login', stranger.login(token));
      assert.equal(r.status, 503, r.body);
      assert.match(JSON.parse(r.body).error, /^The cluster cannot be asked/);
      assert.equal(stranger.cookies.size, 0);
      r = await until('the lease is over', async () => {
        const a = await soon('session', client.get('/api/x'));
        return a.status === 200 ? null : a;
      }, 30000);
      assert.equal(r.status, 503);
      assert.equal(r.setCookie.length, 0);
      assert.equal((await soon('API client', new Client(dw).get('/api/x', bearer(token)))).status, 503);
      await info();
      assert.equal(client.cookies.size, 1);
    } finally {
      await end(cluster);
    }
    await until('the session is good again', async () => (await client.get('/api/x')).status === 200, 30000);
    await until('a login is possible again', async () => (await new Client(dw).login(token)).status === 200, 30000);
    assert.equal((await info()).username, KIALI.join(':'));
  });
}
