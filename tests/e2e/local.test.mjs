// The local listener: who may use it, what it leads to, and bodies of any size.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { Doorward, isSanitized, until } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const TOKEN = 'local-listener-token-0001';
const MB = 1 << 20;
const SIZE = 100 * MB;
const block = Buffer.alloc(256 * 1024, 'x');
const bearer = (token = TOKEN) => ({ Authorization: `Bearer ${token}` });

// A Doorward with a local listener before prometheus, which wants a password.
// Resolves with {dw, ask, prometheus}: ask(path, options) is a local client's
// request and resolves with {status, headers, body}.
async function start(t, { egress = { listen: '127.0.0.1:0' }, secrets = { 'egress-token': TOKEN }, handler } = {}) {
  const prometheus = await new Console(t, handler).listen();
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, {
    console: upstream.url,
    config: {
      doorward: { egress },
      external_services: {
        grafana: { enabled: false },
        prometheus: {
          url: `${prometheus.url}/base`,
          auth: { type: 'basic', username: 'kiali', password: 'secret:prometheus-password:value.txt' },
        },
      },
    },
  });
  for (const [slot, value] of Object.entries({ 'prometheus-password': 'open sesame', ...secrets })) dw.secret(slot, value);
  await dw.start();
  const where = /external services are at (\S+)/.exec(dw.log)[1];
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const address = where.startsWith('unix:')
    ? { socketPath: where.slice(5), host: 'localhost' }
    : { host: '127.0.0.1', port: new URL(where).port };
  const ask = (to, { method = 'GET', headers = bearer(), body } = {}) => new Promise((resolve, reject) => {
    const req = http.request({ ...address, agent, path: to, method, headers }, (res) => {
      let text = '';
      res.on('data', (d) => { text += d; });
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: text }));
    });
    req.on('error', reject);
    req.end(body);
  });
  return { dw, ask, agent, address, prometheus };
}

// Fills a slot while Doorward runs, with a file that belongs to whom the others do.
function give(dw, slot, value) {
  const { uid } = fs.statSync(path.join(dw.dir, 'secrets/login-token-signing-key/value.txt'));
  const file = path.join(dw.dir, 'secrets', slot, 'value.txt');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.new`, value, { mode: 0o400 });
  if (process.getuid() === 0) fs.chownSync(`${file}.new`, uid, uid);
  fs.renameSync(`${file}.new`, file);
}

const basic = `Basic ${Buffer.from('kiali:open sesame').toString('base64')}`;

async function ready(ask, options) {
  await until('the secrets are there', async () => (await ask('/prometheus/x', options)).status === 200);
}

test('a local client gets to a service with the credential of the service', async (t) => {
  const { dw, ask, prometheus } = await start(t);
  await ready(ask);
  const { status, body } = await ask('/prometheus/api/v1/query?query=up', {
    headers: { ...bearer(), 'X-Forwarded-User': 'admin', 'Impersonate-User': 'admin', Accept: 'text/x' },
  });
  assert.equal(status, 200);
  const seen = JSON.parse(body);
  assert.equal(seen.url, '/base/api/v1/query?query=up');
  assert.equal(seen.headers.authorization, basic);
  assert.equal(seen.headers.host, `127.0.0.1:${prometheus.port}`);
  assert.equal(seen.headers.accept, 'text/x');
  assert.ok(!/admin/.test(body));
  assert.ok(!/x-forwarded|x-request-id/i.test(body), body);
  assert.ok(!prometheus.requests.some((r) => JSON.stringify(r).includes(TOKEN)));
  for (const elsewhere of ['/', '/api/namespaces', '/grafana/', '/prometheusx/', '/%70rometheus/', '/healthz']) {
    assert.equal((await ask(elsewhere)).status, 404, elsewhere);
  }
  assert.ok(!dw.log.includes(TOKEN));
});

test('whoever has no bearer is turned away', async (t) => {
  const { dw, ask, prometheus } = await start(t);
  await ready(ask);
  const n = prometheus.requests.length;
  for (const headers of [{}, bearer(''), bearer(`${TOKEN}x`), bearer(TOKEN.slice(1)), { Authorization: basic },
    { Cookie: `doorward=${TOKEN}` }]) {
    const r = await ask('/prometheus/x', { headers });
    assert.equal(r.status, 401);
    assert.equal(r.headers['www-authenticate'], 'Bearer');
  }
  assert.equal((await ask('/prometheus/x', { headers: { ...bearer(), Host: 'rebound.example' } })).status, 421);
  assert.equal(prometheus.requests.length, n);
  const lines = dw.auditLines('AUDIT: Access denied').filter((l) => l.route === 'local');
  assert.ok(lines.some((l) => /bearer/.test(l.reason) && /^127\.0\.0\.1:\d+$/.test(l.client)));
  assert.ok(lines.length <= 4, 'they are throttled');
});

test('without a token it does not start, and names the slot', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, { console: upstream.url, config: { doorward: { egress: { listen: '127.0.0.1:0' } } } });
  assert.match(await dw.refusal(), /slot egress-token: no secret/);
});

test('another token replaces the first without a restart', async (t) => {
  const { dw, ask } = await start(t);
  await ready(ask);
  give(dw, 'egress-token', 'local-listener-token-0002');
  await until('the new one is taken', async () =>
    (await ask('/prometheus/x', { headers: bearer('local-listener-token-0002') })).status === 200, 5000);
  assert.equal((await ask('/prometheus/x')).status, 401);
  assert.ok(!dw.log.includes('local-listener-token'));
});

test('on a Unix socket the uid counts', async (t) => {
  const dir = fs.mkdtempSync('/tmp/doorward-local-');
  t.after(() => fs.rmSync(dir, { recursive: true }));
  fs.chmodSync(dir, 0o777);
  const listen = path.join(dir, 'local.sock');
  const uid = process.getuid();
  const { dw, ask } = await start(t, { egress: { listen, allow_uids: ['4000000000', `${uid}`] }, secrets: {} });
  await ready(ask, { headers: {} });
  const { status, body } = await ask('/prometheus/x', { headers: {} });
  assert.equal(status, 200);
  assert.equal(JSON.parse(body).headers.authorization, basic);
  await dw.stop();
  assert.ok(!fs.existsSync(listen), 'it is removed at the end');
  const other = await start(t, { egress: { listen: `unix:${listen}`, allow_uids: ['4000000000'] }, secrets: {} });
  await assert.rejects(other.ask('/prometheus/x', { headers: {} }), { code: /ECONNRESET|EPIPE/ });
  await until('the refusal is in the audit trail', () => other.dw.auditLines('AUDIT: Access denied')
    .some((l) => l.route === 'local' && l.client === `uid=${uid}`));
});

test('connections are kept, and egress may be restarted', async (t) => {
  const { dw, ask, agent } = await start(t);
  await ready(ask);
  let made = 0;
  const create = agent.createConnection;
  agent.createConnection = (...args) => { made++; return create.apply(agent, args); };
  for (let i = 0; i < 20; i++) assert.equal((await ask('/prometheus/x')).status, 200);
  assert.ok(made <= 1, `${made} connections`);
  await dw.kill('egress');
  await until('it serves again', () => ask('/prometheus/x').then((r) => r.status === 200, () => false));
});

test('a service that refuses the credential does not look like us', async (t) => {
  const { dw, ask } = await start(t, {
    handler: {
      answer(req, res) {
        if (!req.url.endsWith('/refuse')) return false;
        res.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end('no');
        return true;
      },
    },
  });
  await ready(ask);
  const r = await ask('/prometheus/refuse');
  assert.equal(r.status, 502);
  assert.equal(r.headers['www-authenticate'], undefined);
  assert.match(dw.log, /does not accept Doorward's credential/);
  const lines = dw.auditLines('AUDIT: Credential unavailable');
  assert.deepEqual(lines.map((l) => [l.service, l.reason, l.slot]), [['prometheus', 'refused by the service', undefined]]);
  assert.equal((await ask('/prometheus/x')).status, 200);
});

test('local connections leave room for the others', async (t) => {
  const { dw, ask, address } = await start(t);
  await ready(ask);
  const sockets = Array.from({ length: 300 }, () => net.connect(address.port, address.host).on('error', () => {}));
  t.after(() => sockets.forEach((s) => s.destroy()));
  await until('the rest is closed', () => sockets.filter((s) => s.destroyed || s.readableEnded).length >= 300 - 256);
  assert.equal((await new Client(dw).get('/')).status, 200);
  sockets.forEach((s) => s.destroy());
  await until('there is room again', () => ask('/prometheus/x').then((r) => r.status === 200, () => false));
});

// Writes SIZE bytes, respecting the other side's pace.
async function pour(stream) {
  for (let sent = 0; sent < SIZE; sent += block.length) {
    if (!stream.write(block)) await new Promise((r) => { stream.once('drain', r); });
  }
  stream.end();
}

test('large bodies both ways in flat memory', async (t) => {
  const { dw, ask, agent, address } = await start(t, {
    handler: {
      stream(req, res) {
        if (!req.url.endsWith('/echo')) return false;
        for (const h of ['content-length']) if (req.headers[h]) res.setHeader(h, req.headers[h]);
        req.pipe(res);
        return true;
      },
    },
  });
  await ready(ask);
  for (const framing of [{ 'Content-Length': SIZE }, { 'Transfer-Encoding': 'chunked' }]) {
    const before = dw.rss();
    let most = before;
    let n = 0;
    await new Promise((resolve, reject) => {
      const req = http.request({
        ...address, agent, path: '/prometheus/echo', method: 'POST', headers: { ...bearer(), ...framing },
      }, (res) => {
        assert.equal(res.statusCode, 200);
        res.on('data', (d) => { n += d.length; if (n % (10 * MB) < d.length) most = Math.max(most, dw.rss()); });
        res.on('error', reject);
        res.on('end', resolve);
      });
      req.on('error', reject);
      pour(req);
    });
    assert.equal(n, SIZE);
    const grown = (most - before) / MB;
    t.diagnostic(`${Object.keys(framing)}: memory grew by ${grown.toFixed(1)} MB`);
    assert.ok(isSanitized || grown <= 20, `memory grew by ${grown} MB`);
  }
});
