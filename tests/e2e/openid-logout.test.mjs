// Signing out with a real OpenID provider: here, there, and from there.
import assert from 'node:assert/strict';
import { until } from './lib/doorward.mjs';
import { api, claimsOf, newBrowser, sessionCookie, setUp, signInWell, startUrl, tokenOf, withCookie } from './lib/openid.mjs';
import { keysGood } from './lib/rotate.mjs';
import { test } from './lib/test.mjs';

test('sign out: here at once, then at the provider, and back', async (t) => {
  const { dw, op, browser } = await setUp(t);
  await signInWell(browser, dw);
  const old = sessionCookie(browser);
  const token = tokenOf(await api(browser, dw));
  const r = await browser.fetch(`${dw.base}/api/logout`, { headers: { Accept: 'application/json', 'Sec-Fetch-Site': 'same-origin' } });
  assert.equal(r.status, 200, r.body);
  const { redirect_url: to } = JSON.parse(r.body);
  assert.equal((await withCookie(dw, old).get('/kiali/api/x')).status, 401);
  assert.equal(sessionCookie(browser), undefined);
  const at = new URL(to);
  assert.equal(`${at.origin}${at.pathname}`, `${op.issuer}/session/end`);
  assert.equal(at.searchParams.get('id_token_hint'), token);
  assert.equal(at.searchParams.get('post_logout_redirect_uri'), dw.base);
  assert.deepEqual([...at.searchParams.keys()], [...at.searchParams.keys()].sort());
  const asked = await browser.open(to);
  assert.match(asked.body, /sign out\?/);
  const done = await browser.submit(asked, { logout: 'yes' });
  assert.equal(done.status, 200);
  assert.ok(done.url.startsWith(dw.base), done.url);
  assert.equal(await api(browser, dw), 401);
  assert.ok(!dw.log.includes(token), 'the id_token is in the log');
  // The refresh token is revoked as well.
  await until('the revocation', () => op.requests.some((q) => q.path === '/token/revocation'));
  const page = await browser.open(startUrl(dw));
  assert.match(page.body, /Provider: sign in/, 'the provider does not know alice any more');
});

test('sign out while the provider is down: here all the same', async (t) => {
  const { dw, op, browser } = await setUp(t);
  await signInWell(browser, dw);
  const old = sessionCookie(browser);
  await op.stop();
  const began = Date.now();
  const r = await browser.fetch(`${dw.base}/api/logout`, { headers: { Accept: 'application/json' } });
  assert.ok([200, 204].includes(r.status), `${r.status}`);
  assert.ok(Date.now() - began < 5000);
  assert.equal((await withCookie(dw, old).get('/kiali/api/x')).status, 401);
});

test('the provider signs somebody out: back-channel logout', async (t) => {
  const { dw, op, browser } = await setUp(t);
  const bob = newBrowser(t, dw, op);
  await signInWell(browser, dw);
  await signInWell(bob, dw, 'bob');
  assert.equal(typeof await api(browser, dw), 'object');
  const asked = await browser.open(`${op.issuer}/session/end`);
  await browser.submit(asked, { logout: 'yes' });
  assert.deepEqual(op.backchannel, [{}], 'the provider heard 200');
  assert.equal(await api(browser, dw), 401, 'and at once');
  assert.equal(typeof await api(bob, dw), 'object', 'bob stays');
  assert.match(JSON.stringify(dw.auditLines('AUDIT: Sessions ended')), /alice/);
});

test('logout tokens: by sid, by sub, once, and no others', async (t) => {
  const { dw, op } = await setUp(t);
  const people = {};
  for (const [name, user] of [['one', 'alice'], ['two', 'alice'], ['bob', 'bob']]) {
    people[name] = newBrowser(t, dw, op);
    await signInWell(people[name], dw, user);
  }
  const live = async () => (await Promise.all(Object.entries(people).map(async ([name, b]) => (typeof await api(b, dw) === 'object' ? name : '')))).filter(Boolean).join(' ');
  assert.equal(await live(), 'one two bob');
  const event = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  let n = 0;
  const claims = (more) => {
    const now = Math.floor(Date.now() / 1000);
    return { iss: op.issuer, aud: 'doorward', iat: now, exp: now + 120, jti: `id-${n++}`, events: event, ...more };
  };
  const send = async (token, contentType = 'application/x-www-form-urlencoded') => {
    const r = await newBrowser(t, dw, op).fetch(`${dw.base}/_doorward/backchannel-logout`, {
      method: 'POST', body: `logout_token=${token}`, headers: { 'Content-Type': contentType },
    });
    assert.match(r.headers['cache-control'], /no-store/);
    if (r.status === 400) assert.ok(JSON.parse(r.body).error, r.body);
    return r.status;
  };
  const sign = (more, header = { typ: 'logout+jwt' }) => op.sign(claims(more), header);
  const id = claimsOf(tokenOf(await api(people.two, dw)));
  for (const [what, token] of [
    ['no event', sign({ sub: 'alice', events: {} })],
    ['a nonce', sign({ sub: 'alice', nonce: 'x' })],
    ['another issuer', sign({ sub: 'alice', iss: 'https://other.example' })],
    ['another audience', sign({ sub: 'alice', aud: 'other' })],
    ['old', sign({ sub: 'alice', iat: 1000, exp: 2000 })],
    ['no jti', sign({ sub: 'alice', jti: undefined })],
    ['nobody', sign({})],
    ['an id_token', tokenOf(await api(people.two, dw))],
    ['unsigned', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims({ sub: 'alice' }))).toString('base64url')}.`],
    ['garbage', 'garbage'],
  ]) assert.equal(await send(token), 400, what);
  assert.equal(await live(), 'one two bob');
  assert.ok(id.sid, 'the provider says which session');
  const bySid = sign({ sid: id.sid });
  assert.equal(await send(bySid), 200);
  assert.equal(await live(), 'one bob');
  assert.equal(await send(bySid), 400, 'a replay');
  await signInWell(people.two, dw);
  // Exact whatever happened in between: a new signing key, a restart.
  await keysGood(dw, 'rotate');
  people.three = newBrowser(t, dw, op);
  await signInWell(people.three, dw);
  await dw.kill('authd');
  await until('authd serves', async () => await live() === 'one two bob three');
  assert.equal(await send(sign({ sub: 'alice' })), 200);
  assert.equal(await live(), 'bob');
});

test('sign out everywhere: in all browsers, at the provider, and nobody else', async (t) => {
  const { dw, op, browser } = await setUp(t);
  const [other, bob] = [newBrowser(t, dw, op), newBrowser(t, dw, op)];
  await signInWell(browser, dw);
  await signInWell(other, dw);
  await signInWell(bob, dw, 'bob');
  const page = await browser.fetch(`${dw.base}/_doorward/logout`);
  assert.match(page.body, /name="everywhere"/);
  const r = await browser.fetch(`${dw.base}/_doorward/logout`, {
    method: 'POST', body: 'everywhere=yes', headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: dw.base.slice(0, -'/kiali'.length), 'Sec-Fetch-Site': 'same-origin' },
  });
  assert.equal(r.status, 200, r.body);
  assert.equal(await api(browser, dw), 401);
  assert.equal(await api(other, dw), 401);
  assert.equal(typeof await api(bob, dw), 'object', 'bob stays');
  const revoked = () => op.requests.filter((q) => q.path === '/token/revocation').length;
  await until('refresh and access token of both', () => revoked() === 4);
  const [line] = dw.auditLines('AUDIT: Sessions ended');
  assert.equal(line.sessions, '2');
});

test('a provider that does not answer keeps nobody here', async (t) => {
  const { dw, op, browser } = await setUp(t);
  await signInWell(browser, dw);
  const old = sessionCookie(browser);
  op.before = () => new Promise(() => {});
  const began = Date.now();
  const r = await browser.fetch(`${dw.base}/api/logout`, { headers: { Accept: 'application/json' } });
  assert.equal(r.status, 200);
  assert.ok(Date.now() - began < 1000);
  assert.equal((await withCookie(dw, old).get('/kiali/api/x')).status, 401);
  op.before = undefined;
  await signInWell(browser, dw);
});
