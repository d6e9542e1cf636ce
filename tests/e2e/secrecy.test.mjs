// P1 and P8: no secret in a log, and none in the memory of a process that has
// no business with it.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, hkdfSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { Client, connectRaw } from './lib/client.mjs';
import { Doorward, isRoot, isSanitized, temporaryDir, until } from './lib/doorward.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { canariesOf, canary, scanMemory } from './lib/memory.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

// A cluster that is asked with Doorward's own token, so that it is in use.
async function setUp(t, options = {}) {
  const dir = temporaryDir();
  const kube = await KubeStandin.start({ dir, reviews: [] });
  t.after(async () => { await kube.stop(); fs.rmSync(dir, { recursive: true, force: true }); });
  kube.addNamespace('ns');
  kube.addAccount('ns', 'sa', { listNamespaces: true });
  kube.addAccount('ns', 'front-door', { reviewTokens: true });
  // One that does not send credentials back.
  const upstream = await new Console(t, { answer: (req, res) => { res.end('fine'); return true; } }).listen();
  const dw = new Doorward(t, {
    console: upstream.url, env: { LOG_LEVEL: 'trace' }, ...options,
    config: {
      kubernetes_config: { cache_token_namespace_duration: 1 },
      doorward: {
        kubernetes: { api_server: kube.url, ca_file: kube.caFile, audiences: ['https://kubernetes.default.svc'] },
      },
    },
  });
  const key = randomBytes(24).toString('base64'); // 32 characters
  const clusterToken = kube.mint('ns', 'front-door', { seconds: 86400 });
  dw.secret('login-token-signing-key', key);
  dw.secret('cluster-token', clusterToken);
  await dw.start();
  return { dw, kube, key, clusterToken };
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// One person's day: a good login by Kiali's API and by the login page, requests
// with cookie and with the token itself, what fails, and the way out.
async function live(dw, kube) {
  const used = { tokens: [], cookies: [] };
  const wrong = kube.mint('ns', 'sa', { audiences: ['https://elsewhere'] });
  const expired = kube.mint('ns', 'sa', { seconds: -300 });
  for (const page of [false, true]) {
    const client = new Client(dw);
    const token = kube.mint('ns', 'sa');
    used.tokens.push(token);
    const r = page
      ? await client.request('POST', '/_doorward/login', { headers: form, body: `return=%2Fapi%2Fx&token=${token}` })
      : await client.login(token);
    assert.equal(r.status, page ? 303 : 200, r.body);
    used.cookies.push([...client.cookies.values()][0]);
    assert.equal((await client.get('/api/namespaces?x=1')).status, 200);
    assert.equal((await client.get('/api/auth/info')).status, 200);
    assert.equal((await client.get('/api/x', bearer(token))).status, 200);
    assert.equal((await client.get('/api/logout')).status, 204);
  }
  const stranger = new Client(dw);
  for (const token of [wrong, expired, `${used.tokens[0].slice(0, -30)}${'A'.repeat(30)}`]) {
    used.tokens.push(token);
    assert.equal((await stranger.login(token)).status, 401);
    assert.equal((await stranger.get('/api/x', bearer(token))).status, 401);
    await stranger.request('POST', '/api/authenticate', { headers: form, body: `token=${token}%zz` });
    await stranger.request('POST', '/api/authenticate', { headers: { 'Content-Type': 'text/plain' }, body: token });
    await stranger.request('GET', `/api/authenticate?token=${token}`);
    await stranger.request('PUT', '/api/authenticate', { headers: form, body: `token=${token}` });
  }
  for (const cookie of [...used.cookies, `${used.cookies[0].slice(0, -8)}AAAAAAAA`, 'x'.repeat(5000)]) {
    stranger.cookies.set('__Host-doorward', cookie);
    await stranger.get('/api/x');
    await stranger.get('/api/logout');
    stranger.cookies.clear();
  }
  return used;
}

// Pieces of a secret, in the ways in which somebody might have written it.
function shapes(secret) {
  const raw = Buffer.from(secret);
  const text = raw.toString('latin1');
  const all = [text, raw.toString('base64'), raw.toString('base64url'), raw.toString('hex'), encodeURIComponent(text)];
  return [...new Set(all.flatMap((s) => Array.from({ length: Math.max(1, Math.floor(s.length / 16)) },
    (_, i) => s.slice(i * 16, i * 16 + 16))))].filter((s) => s.length === 16);
}

const hidden = (file) => {
  const pem = fs.readFileSync(file, 'utf8');
  const scalar = Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d, 'base64url');
  const lines = pem.split('\n').filter((l) => l.length > 40);
  return { scalar, reversed: Buffer.from(scalar).reverse(), line: Buffer.from(lines[0]), pem: lines.join('') };
};

const derived = (key) => ({
  seal: Buffer.from(hkdfSync('sha256', key, '', 'doorward session seal v1', 32)),
  screen: Buffer.from(hkdfSync('sha256', key, '', 'doorward session screen v1', 32)),
});

test('no secret is ever logged, at any level', async (t) => {
  const { dw, kube, key, clusterToken } = await setUp(t);
  const used = await live(dw, kube);
  assert.equal(dw.status().authd.sessions, '0');
  await dw.stop();
  const tls = hidden(dw.config.identity.private_key_file);
  const { seal, screen } = derived(key);
  // What all tokens of an issuer have in common is no secret.
  const heads = used.tokens.map((token) => token.split('.')[0]);
  const secrets = {
    'signing key': key, 'cluster token': clusterToken.split('.')[2], 'private key': tls.scalar, PEM: tls.pem, seal, screen,
  };
  used.tokens.forEach((token, i) => { secrets[`token ${i}`] = token.slice(heads[i].length + 1); });
  used.cookies.forEach((cookie, i) => { secrets[`cookie ${i}`] = cookie; });
  assert.ok(dw.log.length > 5000);
  for (const [name, secret] of Object.entries(secrets)) {
    for (const shape of shapes(secret)) {
      const line = dw.log.split('\n').find((l) => l.includes(shape));
      assert.equal(line, undefined, `${name} in the log`);
    }
  }
  // Each decision left its line, with a fingerprint for the credential.
  const fingerprint = createHash('sha256').update(used.tokens[0]).digest('hex').slice(0, 16);
  assert.ok(dw.auditLines('AUDIT: Login successful').some((l) => l.token === fingerprint));
  assert.equal(dw.auditLines('AUDIT: Login successful').length, 2);
  assert.equal(dw.auditLines('AUDIT: Logout completed').length, 2);
  assert.ok(dw.auditLines('AUDIT: Login failed').length >= 3);
});

test('a process holds the secrets of its part only', async (t) => {
  if (!isRoot) { t.skip('only root may read the memory of these processes'); return; }
  if (isSanitized) { t.skip('a sanitizer keeps what was freed'); return; }
  const { dw, kube, key, clusterToken } = await setUp(t, { asRoot: true });
  const tls = hidden(dw.config.identity.private_key_file);
  const { seal, screen } = derived(key);
  const token = kube.mint('ns', 'sa');
  const client = new Client(dw);
  assert.equal((await client.login(token)).status, 200);
  const byPage = new Client(dw);
  const pageToken = kube.mint('ns', 'sa');
  await byPage.request('POST', '/_doorward/login', { headers: form, body: `token=${pageToken}` });
  const api = kube.mint('ns', 'sa');
  assert.equal((await byPage.get('/api/x', bearer(api))).status, 200);
  await live(dw, kube);
  assert.equal((await client.get('/api/x')).status, 200);

  const needles = {
    key: Buffer.from(key), seal, screen, scalar: tls.scalar, limbs: tls.reversed, pem: tls.line,
    cluster: Buffer.from(clusterToken), token: Buffer.from(token), pageToken: Buffer.from(pageToken), api: Buffer.from(api),
  };
  const scan = () => dw.everyProcess().map(({ name, pid }) => ({ name, found: scanMemory(pid, needles) }));
  const allowed = {
    frontend: [], worker: [], egress: ['token', 'pageToken', 'api'],
    authd: ['seal', 'screen', 'cluster', 'token', 'pageToken', 'api'],
    // secretd keeps the last good pair, for a signer that dies.
    secretd: ['key', 'seal', 'screen', 'cluster', 'pem'], signer: ['scalar', 'limbs'],
  };
  const during = scan();
  for (const { name, found } of during) {
    for (const [what, n] of Object.entries(found)) {
      if (!allowed[name].includes(what)) assert.equal(n, 0, `${name} holds ${what}`);
    }
  }
  // The scanner does find what is there, but for what memfd_secret keeps even
  // from root: of that there is no copy outside.
  const has = (name, what) => during.filter((p) => p.name === name).some((p) => p.found[what] > 0);
  const confined = dw.log.split('\n').filter((l) => l.includes(' sandbox: '));
  const hasMemfdSecret = confined[0].includes(' memfd_secret ');
  for (const line of confined) assert.equal(line.includes(' memfd_secret '), hasMemfdSecret, line);
  for (const [name, what] of [['authd', 'seal'], ['secretd', 'seal'], ['secretd', 'pem']]) {
    assert.equal(has(name, what), !hasMemfdSecret, `${what} in ${name}`);
  }
  if (hasMemfdSecret) assert.ok(!has('secretd', 'key') && !has('secretd', 'cluster'));
  assert.ok(has('authd', 'cluster') || has('authd', 'token') || has('egress', 'token'));
  assert.ok(has('signer', 'scalar') || has('signer', 'limbs'));

  assert.equal((await client.get('/api/logout')).status, 204);
  const other = new Client(dw);
  for (let i = 0; i < 10; i++) await other.get('/api/auth/info');
  const after = scan();
  for (const { name, found } of after) assert.equal(found.token, 0, `${name} keeps a token after its logout`);
});

// What a worker has read, moved on to egress and answered is gone from it, not
// only freed: in the memory of the worker that anybody may talk to, a person's
// token is there as long as the request is, and no longer.
test('a worker forgets what it has passed on', async (t) => {
  if (!isRoot) { t.skip('only root may read the memory of these processes'); return; }
  if (isSanitized) { t.skip('a sanitizer keeps what was freed'); return; }
  const { dw } = await setUp(t, { asRoot: true });
  const people = await Promise.all(Array.from({ length: 24 }, () => connectRaw(dw)));
  t.after(() => people.forEach((raw) => raw.destroy()));
  const ask = (raw, number, length) => new Promise((resolve) => {
    raw.on('data', resolve);
    // In pieces, so that buffers are joined and grow on the way.
    const body = number % 2 ? ['GET', '', ''] : ['POST', 'Content-Length: 3\r\n', 'x=y'];
    const head = `${body[0]} /api/x HTTP/1.1\r\nHost: localhost:${dw.port}\r\n${body[1]}`
      + `X-Mine: ${canary(number, length)}\r\nAuthorization: Bearer ${canary(number, length)}\r\n`;
    raw.write(head);
    setTimeout(() => raw.write(`Cookie: other=${canary(number, 600)}\r\n\r\n${body[2]}`), 20);
  });
  const workers = dw.everyProcess().filter((p) => p.name === 'worker');
  await Promise.all(people.map((raw, i) => ask(raw, 701 + i, 200 + 700 * (i % 12))));
  // Half of them are kept open, and so are those to egress.
  for (const { pid } of workers) assert.deepEqual([...canariesOf(pid)], []);
  people[0].write(`GET /api/x HTTP/1.1\r\nHost: localhost:${dw.port}\r\nAuthorization: Bearer ${canary(799, 300)}\r\n`);
  await until('the control is found', () => workers.some(({ pid }) => canariesOf(pid).has(799)));
});
