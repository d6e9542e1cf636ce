// Prometheus itself behind Doorward: people query it without knowing its
// password, and the password changes under way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { Doorward, isSanitized, until } from './lib/doorward.mjs';
import { writeFile } from './lib/files.mjs';
import { Load } from './lib/load.mjs';
import { Prometheus } from './lib/prometheus.mjs';
import { waysToReplace } from './lib/rotate.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const SLOT = 'prometheus-password';
const QUERY = '/prometheus/api/v1/query?query=up';
const EFFECT_MS = isSanitized ? 5000 : 1000;

// The README's example, with the CA of the test.
async function prepare(t, { password = 'first-password' } = {}) {
  const prometheus = await Prometheus.start(t, 'kiali', password);
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, {
    console: upstream.url,
    config: {
      external_services: {
        prometheus: {
          url: prometheus.url,
          auth: {
            type: 'basic', username: 'kiali', password: 'secret:my-prom-secret:value.txt', ca_file: prometheus.caFile,
          },
        },
      },
      doorward: { routes: [{ path: '/prometheus/', service: 'prometheus', allow: { users: ['*'] } }] },
    },
  });
  const file = dw.secret(SLOT, password, { mode: 0o600 });
  return { prometheus, dw, file, upstream };
}

async function setUp(t, options) {
  const all = await prepare(t, options);
  await all.dw.start();
  all.client = new Client(all.dw);
  assert.equal((await all.client.login(all.dw.issuer.bound('ns', 'sa'))).status, 200);
  return all;
}

const rotations = (dw, result) => dw.auditLines('AUDIT: Credential rotated').filter((l) => l.slot === SLOT && l.result === result).length;

// What happened in how many milliseconds.
async function timed(what, ask) {
  const began = performance.now();
  await until(what, ask);
  return performance.now() - began;
}

test('a signed-in person queries Prometheus and needs no password', async (t) => {
  const { dw, client, file, prometheus } = await setUp(t);
  const r = await client.get(QUERY);
  assert.equal(r.status, 200, r.body);
  assert.deepEqual(Object.keys(JSON.parse(r.body)), ['status', 'data']);
  assert.equal(JSON.parse(r.body).status, 'success');
  assert.ok(dw.log.split('\n').some((l) => l.includes(`Credentials loaded from secret file [${file}]`)), 'the line of the FAQ');
  assert.ok(!/ ERR /.test(dw.log), 'a user name in the configuration needs no slot');
  assert.equal((await new Client(dw).get(QUERY)).status, 401);
  const cookieless = { headers: { Authorization: `Basic ${Buffer.from('kiali:first-password').toString('base64')}` } };
  assert.equal((await new Client(dw).get(QUERY, cookieless)).status, 401, "Prometheus's own password is no login");
  // Reading is all that a route lets through unless it says more.
  assert.equal((await client.request('POST', '/prometheus/api/v1/query', { body: 'query=up' })).status, 405);
  assert.equal((await client.get('/prometheus/-/healthy')).status, 200);
  // The other way round: what was checked here is a real password.
  prometheus.accept('another');
  assert.equal((await client.get(QUERY)).status, 502);
});

for (const [way, replace] of Object.entries(waysToReplace)) {
  test(`the password is ${way}: no request fails, the next one has the new one`, async (t) => {
    // bcrypt reads 72 bytes: Prometheus takes every password that begins so,
    // the old one and the new one.
    const common = 'p'.repeat(72);
    const { dw, client, file, prometheus } = await setUp(t, { password: `${common}-0` });
    const load = new Load(t, client, QUERY);
    await until('there is load', () => load.answered > 10);
    for (let i = 1; i <= 2; i++) {
      const before = rotations(dw, 'ok');
      replace(dw, file, `${common}-${i}\n`);
      await until('the rotation is noticed', () => rotations(dw, 'ok') > before);
      const answered = load.answered;
      await until('the load goes on', () => load.answered > answered + 10);
    }
    await load.stop();
    assert.deepEqual(load.bad, []);
    assert.equal(rotations(dw, 'failed'), 0);

    prometheus.accept('second-password');
    assert.equal((await client.get(QUERY)).status, 502);
    replace(dw, file, 'second-password');
    const ms = await timed('the new password is in use', async () => (await client.get(QUERY)).status === 200);
    t.diagnostic(`${Math.round(ms)} ms; ${load.answered} requests`);
    assert.ok(ms <= EFFECT_MS, `${ms} ms`);
  });
}

test('a password that is of no use, or has gone, changes nothing and is told', async (t) => {
  const { dw, client, file } = await setUp(t);
  const works = async () => assert.equal((await client.get(QUERY)).status, 200);
  const status = () => dw.status().secretd['slot problem'] ?? '';
  assert.equal(status(), '');
  const bad = {
    'too large': ['x'.repeat(70000), /larger than 65536 bytes/],
    binary: [Buffer.from([0x70, 0, 0xff, 0xfe, 0x31]), /./],
  };
  for (const [what, [value, sentence]] of Object.entries(bad)) {
    const before = rotations(dw, 'failed');
    waysToReplace['renamed over'](dw, file, value);
    await until(`${what}: is told`, () => rotations(dw, 'failed') > before);
    await works();
    const line = dw.auditLines('AUDIT: Credential rotated').pop();
    assert.equal(line.file, file);
    assert.match(line.reason, sentence, what);
    assert.match(status(), /slot prometheus-password: /, what);
  }
  waysToReplace['renamed over'](dw, file, 'first-password');
  await until('status says that all is well', () => status() === '');

  const readable = rotations(dw, 'failed');
  fs.chmodSync(file, 0o644);
  fs.utimesSync(file, new Date(), new Date());
  await until('a world-readable one is told', () => rotations(dw, 'failed') > readable);
  assert.match(dw.auditLines('AUDIT: Credential rotated').pop().reason, /can be read by everybody/);
  await works();

  fs.rmSync(file);
  await until('that it has gone is told', () => new RegExp(`WRN .*${SLOT}`).test(dw.log));
  await works();
  const before = dw.log.length;
  waysToReplace['renamed over'](dw, file, 'first-password');
  await until('it is back', () => dw.log.slice(before).includes(`Credentials loaded from secret file [${file}]`));
  await works();
});

test('without a password that can be used Doorward does not start', async (t) => {
  const cases = [
    ['missing', (file) => fs.rmSync(file), /slot prometheus-password: .*value\.txt/],
    ['empty', (file) => writeFile(file, ' \n', 0o600), /slot prometheus-password: .*is empty/],
    ['readable by everybody', (file) => fs.chmodSync(file, 0o644), /slot prometheus-password: .*can be read by everybody/],
  ];
  const { dw, file } = await prepare(t);
  for (const [what, spoil, sentence] of cases) {
    dw.secret(SLOT, 'first-password', { mode: 0o600 });
    dw.log = '';
    spoil(file);
    const log = await dw.refusal();
    assert.match(log, sentence, what);
    assert.ok(log.split('\n').some((l) => sentence.test(l) && l.includes(path.join(dw.dir, 'secrets', SLOT))), what);
    delete dw.exit;
  }
});
