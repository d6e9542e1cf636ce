// What a hostile or broken provider does, one defect a case, against Doorward:
// nobody gets in, the person gets a readable page, its reference is in the log,
// and a good login works afterwards. The same cases against another client:
// hostile-control.test.mjs.
import assert from 'node:assert/strict';
import { Doorward, until } from './lib/doorward.mjs';
import { hostileCases, isLasting } from './lib/hostile-cases.mjs';
import { CLIENT, HostileProvider } from './lib/hostile-provider.mjs';
import { assertFailed, caBundle, info, newBrowser, openidConfig, sessionCookie, startUrl } from './lib/openid.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

async function setUp(t, defect) {
  const op = await HostileProvider.start(t, defect);
  const upstream = await new Console(t).listen();
  const config = openidConfig(op, caBundle(t, op.ca), { openid: { client_id: CLIENT.client_id, username_claim: 'preferred_username' } });
  const dw = new Doorward(t, { console: upstream.url, config });
  dw.secret('oidc-secret', CLIENT.client_secret);
  await dw.start();
  dw.base = `${dw.scheme}://localhost:${dw.port}/kiali`;
  return { op, dw };
}

const attempt = async (t, dw, op) => {
  const browser = newBrowser(t, dw, op);
  const r = await browser.open(startUrl(dw));
  return { browser, r };
};

async function assertGood(t, dw, op, what) {
  const { browser, r } = await attempt(t, dw, op);
  assert.equal(r.status, 200, `${what}: ${r.body.slice(-900)}`);
  assert.ok(sessionCookie(browser), what);
  return browser;
}

async function assertCase(t, { dw, op }, one) {
  const logged = dw.log.length;
  const { browser, r } = await attempt(t, dw, op);
  if (one.accept) {
    assert.equal(r.status, 200, `${one.name}: ${r.body.slice(-900)}`);
    assert.ok(sessionCookie(browser), one.name);
    return;
  }
  assert.equal(sessionCookie(browser), undefined, `${one.name}: somebody got in`);
  assert.equal((await info(browser, dw)).sessionInfo.username, undefined, one.name);
  if (one.through) {
    assert.equal(r.status, 200, one.name);
    assert.ok(!/Signing in did not work/.test(r.body), one.name);
  } else {
    const { line, sentence } = await assertFailed(dw, r, one.name);
    assert.ok(!/[<>\r\n\0]|script/.test(sentence), `${one.name}: ${sentence}`);
    t.diagnostic(`${one.name}: ${r.status} ${line.replace(/^\S+ /, '')}`);
  }
  const text = dw.log.slice(logged);
  for (const secret of [CLIENT.client_secret, op.accessToken].filter(Boolean)) assert.ok(!text.includes(secret), `${one.name}: in the log`);
}

const ordinary = hostileCases.filter((c) => !isLasting(c) && !c.slow);
const groups = [...new Set(ordinary.map((c) => c.name.split(':')[0]))];
for (const group of groups) {
  test(`one login each: ${group}`, { timeout: 180000 }, async (t) => {
    const all = await setUp(t);
    for (const one of ordinary.filter((c) => c.name.startsWith(`${group}:`))) {
      all.op.set(one.defect);
      await assertCase(t, all, one);
      all.op.set({});
      await assertGood(t, all.dw, all.op, `after ${one.name}`);
    }
  });
}

// What a client keeps for long meets a Doorward that has kept nothing yet.
const WIDTH = 4;
const lasting = hostileCases.filter((c) => isLasting(c) && !c.slow);
for (const group of [...new Set(lasting.map((c) => c.name.split(':')[0]))]) {
  test(`from the start: ${group}`, { timeout: 300000 }, async (t) => {
    const todo = lasting.filter((c) => c.name.startsWith(`${group}:`));
    await Promise.all(Array.from({ length: WIDTH }, async () => {
      for (let one = todo.shift(); one; one = todo.shift()) {
        const all = await setUp(t, one.defect);
        await assertCase(t, all, one);
        await all.dw.stop();
        await all.op.stop();
      }
    }));
  });
}

test('servers that take for ever: people are told before they give up', { timeout: 120000 }, async (t) => {
  await Promise.all(hostileCases.filter((c) => c.slow).map(async (one) => {
    const all = await setUp(t, one.defect);
    const began = Date.now();
    await assertCase(t, all, one);
    const ms = Date.now() - began;
    t.diagnostic(`${one.name}: ${ms} ms`);
    assert.ok(ms < 40000, `${one.name}: ${ms} ms`);
  }));
});

test('a provider that was wrong is believed again when it is right', { timeout: 120000 }, async (t) => {
  for (const name of ['discovery: 500', 'tls: expired', 'jwks: 500']) {
    const all = await setUp(t, hostileCases.find((c) => c.name === name).defect);
    await assertFailed(all.dw, (await attempt(t, all.dw, all.op)).r, name);
    all.op.set({});
    await until(`${name}: a good login`, async () => sessionCookie((await attempt(t, all.dw, all.op)).browser), 40000);
  }
});
