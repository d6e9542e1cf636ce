// What people begin and do not end, end and begin again, or make up, costs no
// memory, no file and nobody else's login.
import assert from 'node:assert/strict';
import { isSanitized, until } from './lib/doorward.mjs';
import { api, claimsOf, newBrowser, setUp, signInWell, tokenOf } from './lib/openid.mjs';
import { Visitor, cpuOf, holding, repeat, setUpMany, storeSize } from './lib/openid-many.mjs';
import { test } from './lib/test.mjs';

const MANY = { env: { LOG_LEVEL: 'info' } };
const GROWTH_MAX = 96 << 10; // bytes of one process in one round
const ROUNDS = 6;
const skip = isSanitized && 'a sanitizer keeps what is freed';

// Again and again, until a round comes that nobody has grown in: what leaks
// grows in each.
async function assertFlat(t, dw, what, round) {
  await round();
  for (let i = 1, grown = true; grown; i++) {
    const before = holding(dw);
    const [cpu, began] = [cpuOf(dw), Date.now()];
    await round();
    t.diagnostic(`${what}: ${Date.now() - began} ms, ${Math.round((cpuOf(dw) - cpu) / 1000)} ms CPU, store ${JSON.stringify(storeSize(dw))}`);
    const compare = () => holding(dw).map((now, n) => ({
      name: now.name, pid: now.pid, same: now.pid === before[n].pid, more: now.rss - before[n].rss, rss: now.rss, files: now.fds - before[n].fds,
    }));
    await until(`${what}: the connections are closed`, () => compare().every((p) => p.files <= 1));
    for (const p of compare()) assert.ok(p.same, `${what}: ${p.name} has ended`);
    grown = compare().find((p) => p.more > GROWTH_MAX || p.files > 0);
    t.diagnostic(`${what}: ${compare().map((p) => `${p.name} ${p.rss >> 10} KB (${p.more >> 10} more)`).join(', ')}`);
    assert.ok(!grown || i < ROUNDS, `${what}: ${grown?.name} grows each time, now by ${grown?.more} bytes, ${grown?.files} files`);
  }
}

async function assertLetIn(t, dw, op, localAddress, what) {
  const visitor = new Visitor(t, dw, { localAddress });
  const began = Date.now();
  const r = await visitor.signIn(op).catch((e) => ({ body: e.message }));
  assert.equal(r.status, 303, `${what}: ${/id="error">([^<]*)/.exec(r.body)?.[1] ?? r.body}`);
  t.diagnostic(`${what}: signed in after ${Date.now() - began} ms`);
  return visitor;
}

test('logins that are begun and left cost nothing, and throttle nobody', { skip }, async (t) => {
  const { dw, op } = await setUpMany(t, MANY);
  await repeat(t, dw, 20, (v) => v.signInWell(op));
  const store = storeSize(dw)['sessions.db-wal'];
  await assertFlat(t, dw, '2500 starts', () => repeat(t, dw, 2500, (v) => v.start()));
  assert.equal(storeSize(dw)['sessions.db-wal'], store, 'a start writes nothing');
  assert.deepEqual(op.requests.filter((r) => r.endpoint === 'discovery').length, 1);
  await assertLetIn(t, dw, op, '127.0.0.1', 'the address that began 5000');
});

test('made-up answers cost nothing, and lock out their address alone', { skip }, async (t) => {
  const { dw, op } = await setUpMany(t, MANY);
  await repeat(t, dw, 20, (v) => v.signInWell(op));
  const asked = op.requests.length;
  const attacker = new Visitor(t, dw, { localAddress: '127.0.0.3' });
  await attacker.start();
  const cookies = [...attacker.cookies];
  const makeUp = async (v, i) => {
    v.cookies = new Map(cookies);
    const r = await v.comeBack({ code: `code-${i}`, state: `state-${i}`, iss: op.issuer });
    assert.ok([400, 401, 403, 429].includes(r.status), `${r.status}`);
    assert.ok(!v.cookies.has('__Secure-doorward'), 'somebody got in');
    return r.status;
  };
  await assertFlat(t, dw, '1000 made-up answers', () => repeat(t, dw, 1000, makeUp, { localAddress: '127.0.0.3' }));
  assert.equal(await makeUp(attacker, 0), 429, 'that address waits');
  await assertLetIn(t, dw, op, '127.0.0.2', 'another address');
  // From many addresses: eight from each are free.
  for (let i = 1; i <= 200; i++) await repeat(t, dw, 8, makeUp, { width: 1, localAddress: `127.0.1.${i}` });
  await assertLetIn(t, dw, op, '127.0.0.2', 'another address, after 200 that made answers up');
  assert.equal(op.requests.length, asked + 2, 'the provider hears of no made-up answer');
});

test('signing in and out again and again leaves nothing behind', { skip }, async (t) => {
  const { dw, op, upstream } = await setUpMany(t, MANY);
  await assertFlat(t, dw, '400 logins and logouts', () => repeat(t, dw, 400, async (v) => {
    await v.signInWell(op);
    await v.signOut();
    op.requests.length = upstream.requests.length = 0;
  }));
  assert.equal(Number(dw.status().authd?.sessions ?? 0), 0, dw.status().text);
});

test('many logins at a time share the connections to the provider', async (t) => {
  const CONNECTIONS_MAX = 32; // authd/fetch.c
  const { dw, op } = await setUpMany(t, MANY);
  await repeat(t, dw, 300, (v) => v.signInWell(op), { width: 60 });
  t.diagnostic(`${op.connections} connections for ${op.requests.length} requests`);
  assert.ok(op.connections <= CONNECTIONS_MAX, `${op.connections} connections`);
});

test('1000 requests on 20 sessions at the end of their tokens: 20 refreshes', { timeout: 60000 }, async (t) => {
  const { dw, op } = await setUp(t, {
    provider: { ttl: { IdToken: 20, AccessToken: 20 } }, own: { refresh_margin_seconds: 9 },
    config: { kubernetes_config: { cache_token_namespace_duration: 2 }, doorward: { max_per_address: 2000 } },
  });
  const browsers = Array.from({ length: 20 }, () => newBrowser(t, dw, op));
  for (const b of browsers) await signInWell(b, dw);
  const tokens = await Promise.all(browsers.map(async (b) => tokenOf(await api(b, dw))));
  const all = (ask) => Promise.all(browsers.map((b) => Promise.all(Array.from({ length: 50 }, () => ask(b)))));
  await all((b) => api(b, dw)); // the connections are there then
  const last = Math.max(...tokens.map((token) => claimsOf(token).exp));
  await until('the tokens of all are about to end', () => Date.now() / 1000 > last - 7, 30000);
  assert.ok(Date.now() / 1000 < Math.min(...tokens.map((token) => claimsOf(token).exp)), 'the logins took too long to say anything');
  const times = [];
  const ask = async (b) => {
    const began = performance.now();
    const seen = await api(b, dw);
    times.push(performance.now() - began);
    return seen;
  };
  const seen = await all(ask);
  times.sort((a, b) => a - b);
  const refreshes = () => op.grants.filter((g) => g.type === 'refresh_token');
  await until('20 refreshes', () => refreshes().length >= 20);
  for (const [i, b] of browsers.entries()) {
    for (const s of seen[i]) assert.equal(typeof s, 'object', `session ${i} is lost: ${s}`);
    assert.notEqual(tokenOf(await api(b, dw)), tokens[i], `session ${i} has its old token`);
  }
  assert.deepEqual(refreshes(), Array(20).fill({ type: 'refresh_token' }));
  t.diagnostic(`${times.length} answers: median ${times[times.length >> 1].toFixed()} ms, last ${times.at(-1).toFixed()} ms`);
});
