// The way from Doorward to an OpenID provider: through a proxy that the
// configuration names, and no other; and whose certificates count.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ConnectProxy } from './lib/connect-proxy.mjs';
import { temporaryDir, until } from './lib/doorward.mjs';
import { makeAuthority } from './lib/files.mjs';
import { OpenidProvider, login } from './lib/openid-provider.mjs';
import { api, assertFailed, claimsOf, info, newBrowser, sessionCookie, setUp, signInWell, startUrl, tokenOf } from './lib/openid.mjs';
import { test } from './lib/test.mjs';

const NAME = 'provider.invalid'; // which no resolver knows: RFC 6761
const LIMIT_MS = 15000;
// What only Doorward asks for.
const OURS = ['/.well-known/openid-configuration', '/jwks', '/request', '/token', '/me', '/token/revocation'];

// A provider whom the proxy alone finds. env of the daemons: proxies that
// nobody may use.
async function behindProxy(t, { provider = {}, openid = {}, ...options } = {}) {
  const op = await OpenidProvider.start(t, { host: NAME, ...provider });
  const proxy = await ConnectProxy.start(t, { [`${NAME}:${op.port}`]: op.port });
  const trap = await ConnectProxy.start(t, { [`${NAME}:${op.port}`]: op.port });
  const env = Object.fromEntries(['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].map((n) => [n, trap.url]));
  const seen = [];
  op.before = (req) => { seen.push({ path: new URL(req.url, op.issuer).pathname, port: req.socket.remotePort }); };
  const all = await setUp(t, {
    provider: op, env: { ...env, NO_PROXY: '*', no_proxy: NAME }, openid: { https_proxy: proxy.url, ...openid }, ...options,
  });
  return { ...all, proxy, trap, seen };
}

const attempt = async (t, dw, op) => {
  const began = Date.now();
  const browser = newBrowser(t, dw, op);
  const r = await login(browser, startUrl(dw));
  assert.ok(Date.now() - began < LIMIT_MS, `${Date.now() - began} ms`);
  return { browser, r };
};
async function assertRefused(t, dw, op, what, line) {
  const { browser, r } = await attempt(t, dw, op);
  assert.equal(r.status, 503, what);
  const failed = await assertFailed(dw, r, what);
  assert.match(failed.sentence, /^The identity provider cannot be reached at the moment/, what);
  assert.equal(sessionCookie(browser), undefined, what);
  if (line) assert.match(dw.log, line, what);
}
const canSignIn = (t, dw, op) => until('a login works', async () => sessionCookie((await attempt(t, dw, op)).browser), 40000);

// --- the proxy ---

test('everything goes through the proxy, by name; the environment\'s are never asked', async (t) => {
  const { dw, op, proxy, trap, seen, browser } = await behindProxy(t, {
    provider: { claimsIn: 'userinfo' }, openid: { username_claim: 'email' },
  });
  await signInWell(browser, dw);
  assert.equal((await info(browser, dw)).sessionInfo.username, 'alice@example.com');
  assert.equal(claimsOf(tokenOf(await api(browser, dw))).iss, op.issuer);
  const logout = await browser.fetch(`${dw.base}/api/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } });
  assert.equal(logout.status, 200, logout.body);
  await until('the tokens are revoked', () => seen.some((s) => s.path === '/token/revocation'));
  assert.deepEqual(OURS.filter((p) => !seen.some((s) => s.path === p)), []);
  for (const { path: p, port } of seen.filter((s) => OURS.includes(s.path))) assert.ok(proxy.ports.has(port), p);
  for (const r of proxy.requests) {
    assert.equal(r.method, 'CONNECT');
    assert.equal(r.url, `${NAME}:${op.port}`);
    assert.equal(r.headers.authorization ?? r.headers['proxy-authorization'], undefined);
  }
  assert.equal(trap.connections, 0);
});

test('without https_proxy none is asked, whatever the environment says', async (t) => {
  const { dw, op, proxy, trap } = await behindProxy(t, { openid: { https_proxy: '' } });
  await assertRefused(t, dw, op, 'a name that nobody knows', /the host name is not known/);
  assert.equal(proxy.connections + trap.connections, 0);
});

test('a provider on this machine is asked directly; http_proxy counts for nothing, with a warning', async (t) => {
  const trap = await ConnectProxy.start(t);
  const { dw, browser } = await setUp(t, { env: { https_proxy: trap.url }, openid: { http_proxy: trap.url, https_proxy: trap.url } });
  assert.match(dw.log, /WRN .*auth\.openid\.http_proxy: counts for nothing/);
  await signInWell(browser, dw);
  assert.equal(trap.connections, 0);
});

test('the proxy is down, refuses or is silent: people are told; then it works again', { timeout: 180000 }, async (t) => {
  const { dw, op, proxy, trap, browser } = await behindProxy(t);
  await proxy.stop();
  await assertRefused(t, dw, op, 'down', /127\.0\.0\.1 port \d+/);
  await proxy.start();
  proxy.mode = 'refuse';
  await until('the next try', async () => {
    await assertRefused(t, dw, op, 'refuses');
    return /403/.test(dw.log);
  });
  proxy.mode = 'silent';
  await assertRefused(t, dw, op, 'silent');
  proxy.mode = 'good';
  await canSignIn(t, dw, op);
  // What is there already does not need it.
  await signInWell(browser, dw);
  await proxy.stop();
  assert.equal(typeof await api(browser, dw), 'object');
  assert.equal(trap.connections, 0);
});

// --- whose certificates count ---

// A folder for ca_bundle_dir; write(pem) puts openid-server-ca.crt there as a
// careful administrator does.
function bundle(t) {
  const dir = temporaryDir();
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const write = (pem) => {
    fs.writeFileSync(path.join(dir, 'new'), pem);
    fs.renameSync(path.join(dir, 'new'), path.join(dir, 'openid-server-ca.crt'));
  };
  return { dir, write };
}
const within = ({ dir }) => ({ config: { doorward: { ca_bundle_dir: dir } } });

test('a provider whose authority nobody knows is not asked', async (t) => {
  const { dw, op } = await setUp(t, within(bundle(t)));
  await assertRefused(t, dw, op, 'unknown authority', /certificate/i);
  assert.deepEqual(op.requests, [], 'it has seen nothing');
});

test('insecure_skip_verify_tls: people get in all the same, and the log warns', async (t) => {
  const { dw, browser } = await setUp(t, { ...within(bundle(t)), openid: { insecure_skip_verify_tls: true } });
  assert.match(dw.log, /WRN .*auth\.openid\.insecure_skip_verify_tls/);
  await signInWell(browser, dw);
  assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
});

test('openid-server-ca.crt is replaced while Doorward runs: the next login goes by it', { timeout: 180000 }, async (t) => {
  const folder = bundle(t);
  const { dw, op } = await setUp(t, {
    ...within(folder), prepare: (d, provider) => folder.write(provider.ca),
  });
  await canSignIn(t, dw, op);
  const old = op.ca;
  op.newAuthority('second');
  await op.stop();
  await op.start();
  await until('the old one does not count for the new certificate', async () => {
    const { r, browser } = await attempt(t, dw, op);
    if (r.status === 503) await assertFailed(dw, r);
    assert.equal(sessionCookie(browser), undefined);
    return true;
  });
  folder.write(op.ca);
  const began = Date.now();
  await canSignIn(t, dw, op);
  t.diagnostic(`in use after at most ${Date.now() - began} ms`);
  assert.ok(Date.now() - began < 5000, `${Date.now() - began} ms`);
  // What is no bundle changes nothing, and is reported.
  folder.write('-----BEGIN CERTIFICATE-----\nAAAA\n');
  await until('it is refused', () => /ERR openid-server-ca\.crt has a broken certificate; nothing changes/.test(dw.log));
  assert.ok(sessionCookie((await attempt(t, dw, op)).browser));
  // And a good one that is not the provider's takes the trust away.
  folder.write(fs.readFileSync(makeAuthority(folder.dir, 'stranger').cert));
  await op.stop(); // connections that are kept were checked before
  await op.start();
  await until('nobody gets in', async () => {
    const { r, browser } = await attempt(t, dw, op);
    return r.status === 503 && !sessionCookie(browser);
  });
  folder.write(`${old}${op.ca}`);
  await canSignIn(t, dw, op);
});
